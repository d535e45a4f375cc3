"""Each petition's own story (诉求始末), as its entries tell it: begun with its acceptance, ended or in a place.

`petition.accepted` and `petition.closed` are also what a system can say of a petition: then they come with the
`sequence` (from 2) and the `event_id` of that event, and may stand anywhere. After the end, much may still happen: a
receipt that is late, an event that reopens the petition, an operator's replay.

A petition has a place from the moment somebody has it: the system it came from, or those it was routed to, or the
secretary who settles it on the spot (`held`). Only what a citizen wrote to the messenger itself, which handles nothing,
can have none: all of it routed, and to nobody.
"""

from collections.abc import Iterator

MESSENGER = "wechat"
"""It reaches people, and holds no case."""

_NO_STORY = ("message.", "operator.", "pii.")


class Stories:
    """All petitions of a log, entry by entry: about 100 bytes each."""

    def __init__(self) -> None:
        self._closed: dict[int, bool] = {}
        self._unplaced: dict[str, list[int]] = {}
        self._in_doubt = False

    @property
    def count(self) -> int:
        """How many petitions there are."""
        return len(self._closed)

    def doubt(self) -> None:
        """A line is missing or changed: from here on, a petition may have begun unseen."""
        self._in_doubt = True

    def fault(self, entry: dict[str, object]) -> str | None:
        """What is wrong with this entry as the next of its petition; None also for one that belongs to no petition."""
        petition, what = entry.get("petition_id"), str(entry.get("what"))
        if not petition or what.startswith(_NO_STORY):
            return None
        # The hash of the id is enough to know it again, in half the memory; its key is new in every process.
        key = hash(str(petition))
        closed = self._closed.get(key)
        opens = what == "petition.accepted" and entry.get("sequence", 1) == 1
        closes = what == "petition.closed" and entry.get("event_id") is None
        self._closed[key] = closes or (closed is True and what == "handoff.acknowledged")
        self._place(str(petition), what, entry, begins=opens and closed is None)
        return self._turn(f"petition {petition}", what, closed, opens=opens, closes=closes)

    def nowhere(self) -> Iterator[tuple[int, str]]:
        """(n of its last entry, what is wrong) for each petition that has neither ended nor a place."""
        if self._in_doubt:
            return
        for petition, (n, unrouted) in self._unplaced.items():
            if unrouted <= 0:
                yield n, f"petition {petition} has not ended, and nobody has it or is to get it (诉求没有去处)"

    def _place(self, petition: str, what: str, entry: dict[str, object], *, begins: bool) -> None:
        if begins and entry.get("from") == MESSENGER:
            self._unplaced[petition] = [0, 0]
        waiting = self._unplaced.get(petition)
        if waiting is None:
            return
        n = entry.get("n")
        waiting[0] = n if isinstance(n, int) else waiting[0]
        if what == "event.routed":
            waiting[1] -= 1
        elif what.startswith("petition.") and entry.get("event_id") is not None:
            waiting[1] += 1
        is_held = what == "event.routed" and entry.get("outcome") == "held"
        is_over = what == "petition.closed" and entry.get("event_id") is None
        if is_held or is_over or entry.get("to") not in (None, "bridge"):
            del self._unplaced[petition]

    def _turn(self, petition: str, what: str, closed: bool | None, *, opens: bool, closes: bool) -> str | None:
        if closed is None:
            known = opens or self._in_doubt
            return None if known else f"{petition} begins with {what}, not with petition.accepted (诉求未先受理)"
        if opens:
            return f"{petition} is accepted a second time (诉求重复受理)"
        if closes and closed:
            return f"{petition} is closed a second time (诉求重复办结)"
        return None
