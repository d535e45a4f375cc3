"""The same petition by another road (ARCHITECTURE 2: one petition, one number for life).

The governance center collects from the hotline and from WeChat, and the hotline from citizens who wrote to us too.
What comes back is known by a number (a cross-reference, or ours in the text of a case that another system works on) or
by its fingerprint: the keyed hash of who said what, within some days. From another system it is the same petition and
opens no second one; from the same system it is a second petition of one petitioner, which is merged (并单).

News is known in the same way: what one system says in another's words is an echo, and told to nobody again.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from bridge.adapter import Submission, Update
from bridge.ledger.tables import events, petitions
from bridge.ledger.work import PetitionRow, Work
from bridge.rules.closing import confirms
from schemas.event import EventData, EventType, RawCode

OUR_NUMBER = re.compile(r"LT\d{6}-[0-9A-HJKMNP-TV-Z]{10}")
"""A petition id of this bridge, wherever it is quoted (`bridge.ids.petition_id`)."""

ECHO_DAYS = 7.0
DAY_MS = 86_400_000
SAME_PETITION = RawCode(code="same_petition", name="同一诉求经其他渠道再次到达")


@dataclass(frozen=True, slots=True)
class _Print:
    petition_id: str
    accepted_at: int


class Same:
    """What one batch of drafts may be the same as. Looked up in a few queries; in-batch twins are seen too."""

    def __init__(self, work: Work, days: float) -> None:
        self._work = work
        self._window_ms = round(days * DAY_MS)
        self._prints: dict[str, _Print] = {}
        self._told: dict[tuple[str, str], set[str]] = {}
        self._of_draft: dict[int, str | None] = {}

    # ── petitions ──
    def fetch(self, submissions: Iterable[Submission]) -> set[str]:
        """Look up what these may be; returns the petitions to hold."""
        drafts = list(submissions)
        wanted = sorted({key for draft in drafts if (key := self.fingerprint(draft)) is not None})
        if wanted and self._window_ms:
            columns = (petitions.c.fingerprint, petitions.c.petition_id, petitions.c.accepted_at)
            query = select(*columns).where(
                petitions.c.fingerprint.in_(wanted),
                petitions.c.accepted_at >= self._work.now - self._window_ms,
                petitions.c.merged_into.is_(None),
            )
            for row in self._work.conn.execute(query.order_by(petitions.c.accepted_at)):
                self._prints[row.fingerprint] = _Print(row.petition_id, row.accepted_at)
        return {one.petition_id for one in self._prints.values()} | {
            number for draft in drafts for number in quoted(draft)
        }

    def fingerprint(self, draft: Submission) -> str | None:
        """Computed once for each draft of the batch, which lives as long as this does."""
        if id(draft) not in self._of_draft:
            person, lookup = draft.petition.petitioner, self._work.privacy.lookup
            self._of_draft[id(draft)] = lookup.fingerprint(person.phone, person.openid, draft.petition.content)
        return self._of_draft[id(draft)]

    def find(self, system: str, draft: Submission, fingerprint: str | None) -> PetitionRow | None:
        """The petition that this is, if it is none of its own."""
        rows = self._work.rows
        for number in quoted(draft):
            if (row := rows.get(number)) is not None and row.source != system:
                return row
        found = self._prints.get(fingerprint or "")
        return rows.get(found.petition_id) if found else None

    def remember(self, row: PetitionRow) -> None:
        """A petition that was opened in this very batch."""
        if row.fingerprint is not None and self._window_ms:
            self._prints.setdefault(row.fingerprint, _Print(row.petition_id, row.accepted_at))

    # ── news ──
    def fetch_news(self, updates: Iterable[tuple[str, Update]]) -> None:
        """(petition, update): look up in one query which of these words were said before."""
        wanted = {(petition, key) for petition, draft in updates if (key := echo_key(self._work, draft)) is not None}
        if not wanted:
            return
        query = select(events.c.petition_id, events.c.echo_key, events.c.source).where(
            events.c.petition_id.in_(sorted({petition for petition, _ in wanted})),
            events.c.echo_key.in_(sorted({key for _, key in wanted})),
            events.c.recorded_at >= self._work.now - round(ECHO_DAYS * DAY_MS),
        )
        for row in self._work.conn.execute(query):
            self._told.setdefault((row.petition_id, row.echo_key), set()).add(row.source)

    def is_echo(self, system: str, petition_id: str, draft: Update) -> bool:
        """Whether another system said just this of the petition, so that this one only repeats what we told it."""
        key = echo_key(self._work, draft)
        said = self._told.get((petition_id, key), set()) if key is not None else set()
        return bool(said - {system})

    def said(self, system: str, petition_id: str, draft: Update) -> None:
        """An update that was taken in this very batch."""
        key = echo_key(self._work, draft)
        if key is not None:
            self._told.setdefault((petition_id, key), set()).add(system)


def quoted(draft: Submission) -> Sequence[str]:
    """Our numbers in the words of a case that another system works on. A citizen who mentions an earlier petition
    brings a new one all the same."""
    if draft.holder is None:
        return ()
    return tuple(dict.fromkeys(OUR_NUMBER.findall(f"{draft.petition.title} {draft.petition.content}")))


def another_road(draft: Submission) -> Update:
    """The fact that it came again, as an event that stays in the ledger."""
    number = draft.external_ids[0].value if draft.external_ids else None
    data = EventData(status=SAME_PETITION, reference=number)
    return Update(draft.message_key, (), EventType.NOTED, data, draft.submitted_at, draft.external_ids)


def echo_key(work: Work, draft: Update) -> str | None:
    """Under which an update's words are known again, whichever system says them; None where it has no words. What
    confirms a closing (首问书记确认) is news in whatever words: what matters is who says it."""
    if not draft.data.text or confirms(draft.type, draft.actor, draft.data):
        return None
    return work.privacy.lookup.echo(draft.type.value, draft.data.unit or "", draft.data.text)
