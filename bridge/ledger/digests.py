"""The ledger's part of the monthly analysis: sealed digests, and what became of the proposals made from them.

A digest is sealed once. It is kept beside its seal, because a year later the words that it was computed from may have
been erased, as they must be. What happens to a proposal (opinions, assessment, adoption, a linked project, a motion) is
entered by operators; each entry is a row's change and a journal note in one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, insert, select, update

from bridge.ids import digest
from bridge.ledger.digest_tables import digest_items, digests
from bridge.ledger.tables import Row, journal
from bridge.ledger.work import Work
from bridge.witness.canonical import canonical

# ── sealing ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Sealing:
    """A month's digest to be sealed, by whom. `documents`: published, traced."""

    month: str
    published: dict[str, Any]
    traced: dict[str, Any]
    actor: str


def seal(work: Work, sealings: Sequence[Sealing]) -> list[bool]:
    """Seal each month that is not sealed yet; whether it was done now."""
    query = select(digests.c.month).where(digests.c.month.in_({one.month for one in sealings}))
    known = set(work.conn.scalars(query))
    done = []
    for one in sealings:
        fresh = one.month not in known
        known.add(one.month)
        done.append(fresh)
        if fresh:
            _seal(work, one)
    work.flush()
    return done


def _seal(work: Work, one: Sealing) -> None:
    published, traced = canonical(one.published), canonical(one.traced)
    row = {"sha256": digest(published), "traced_sha256": digest(traced)}
    texts = {"published": published.decode(), "traced": traced.decode()}
    work.conn.execute(insert(digests), [{"month": one.month, "sealed_at": work.now, **row, **texts}])
    work.note(
        "digest.sealed", actor=one.actor, month=one.month, cut_off=one.published["cut_off"],
        format=one.published["format"], **row,
    )  # fmt: skip


def sealed(conn: Connection, month: str) -> Row | None:
    """The month's row in `digests`, or None."""
    return conn.execute(select(digests).where(digests.c.month == month)).mappings().first()


def seal_of(conn: Connection, month: str) -> Row | None:
    """What the journal says of the month's seal (`sha256`, `traced_sha256`, `at` in milliseconds), or None. Only the
    first note counts: a row that was taken away and sealed anew must still be what was sealed first."""
    query = (
        select(journal.c.at, journal.c.body)
        # Entries about no petition are few and indexed.
        .where(journal.c.petition_id.is_(None), journal.c.what == "digest.sealed")
        .order_by(journal.c.entry_id)
    )
    notes = ((at, orjson.loads(body)) for at, body in conn.execute(query))
    return next(({**said, "at": at} for at, said in notes if said["month"] == month), None)


# ── proposals ───────────────────────────────────────────────────────────────────────────────────────────────

MOVES: dict[str, tuple[frozenset[str], str | None]] = {
    "consult": (frozenset({"proposed", "consulting"}), "consulting"),
    "opine": (frozenset({"consulting"}), None),
    "assess": (frozenset({"consulting"}), "assessed"),
    "adopt": (frozenset({"assessed"}), "adopted"),
    "decline": (frozenset({"assessed"}), "not_adopted"),
    "link": (frozenset({"adopted"}), None),
    "convey": (frozenset({"proposed", "consulting", "assessed", "adopted", "not_adopted"}), None),
    "table": (frozenset({"proposed", "consulting", "assessed", "adopted", "not_adopted"}), None),
    "resolve": (frozenset({"proposed", "consulting", "assessed", "adopted", "not_adopted"}), None),
}
"""Each round: the states it may be entered in, and the state after it (None: as before). `consult` asks departments for
their opinion, `opine` is one department's, `link` names the 民生实事项目, `convey` hands it to the 两代表一委员,
`table` notes the number of the motion (议案) or proposal (提案) that came of it, `resolve` what became of that."""

NEEDS: dict[str, frozenset[str]] = {
    "consult": frozenset({"units"}),
    "opine": frozenset({"unit", "opinion"}),
    "assess": frozenset({"text"}),
    "adopt": frozenset({"text"}),
    "decline": frozenset({"text"}),
    "link": frozenset({"project"}),
    "convey": frozenset({"to"}),
    "table": frozenset({"kind", "number"}),
    "resolve": frozenset({"number", "outcome"}),
}
"""What must be said in each round."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A new item: `about` names what it rests on in the digest (place, subject, label, count)."""

    item_id: str
    month: str
    title: str
    about: dict[str, Any]
    operator: str


@dataclass(frozen=True, slots=True)
class Round:
    """An operator's entry about an item. `action` is one of `MOVES`, `said` what it says (`NEEDS`)."""

    item_id: str
    action: str
    said: dict[str, Any]
    operator: str


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of it: `done`, `not_found`, or `refused` and why; the item's state after it."""

    item_id: str
    result: str
    state: str | None = None
    why: str | None = field(default=None)


def propose(work: Work, proposals: Sequence[Proposal]) -> list[Entered]:
    """Put new items on the list."""
    taken = set(work.conn.scalars(select(digest_items.c.item_id).where(
        digest_items.c.item_id.in_({one.item_id for one in proposals})
    )))  # fmt: skip
    results = []
    for one in proposals:
        if one.item_id in taken:
            results.append(Entered(one.item_id, "refused", why="there is an item of this number (编号已存在)"))
            continue
        taken.add(one.item_id)
        document = {"title": one.title, "about": one.about, "rounds": []}
        row = {"item_id": one.item_id, "month": one.month, "state": "proposed", "document": _json(document)}
        work.conn.execute(insert(digest_items), [{**row, "created_at": work.now, "updated_at": work.now}])
        _note(work, "digest.proposed", one.item_id, one.month, one.operator, document, state="proposed")
        results.append(Entered(one.item_id, "done", "proposed"))
    work.flush()
    return results


def enter(work: Work, rounds: Sequence[Round]) -> list[Entered]:
    """Enter rounds, in order. A round that the item is not ready for is refused and changes nothing."""
    query = select(digest_items).where(digest_items.c.item_id.in_({one.item_id for one in rounds})).with_for_update()
    items = {row["item_id"]: dict(row) for row in work.conn.execute(query).mappings()}
    results = [_enter(work, one, items.get(one.item_id)) for one in rounds]
    work.flush()
    return results


def _enter(work: Work, one: Round, item: dict[str, Any] | None) -> Entered:
    if item is None:
        return Entered(one.item_id, "not_found", why="there is no item of this number (未找到该建议)")
    why = _forbids(one, item)
    if why is not None:
        return Entered(one.item_id, "refused", item["state"], why)
    document = orjson.loads(item["document"])
    document["rounds"].append({"action": one.action, "at": work.now, **one.said})
    item.update(state=MOVES[one.action][1] or item["state"], document=_json(document), updated_at=work.now)
    work.conn.execute(
        _CHANGE, {"id": one.item_id, **{name: item[name] for name in ("state", "document", "updated_at")}}
    )
    _note(work, f"digest.{one.action}", one.item_id, item["month"], one.operator, one.said, state=item["state"])
    return Entered(one.item_id, "done", item["state"])


def _forbids(one: Round, item: Row) -> str | None:
    """Why this round cannot be entered now, or None."""
    if one.action not in MOVES:
        return f"there is no round {one.action!r}; known: {', '.join(MOVES)}"
    states, _ = MOVES[one.action]
    if item["state"] not in states:
        return f"{one.action} is for items that are {', '.join(sorted(states))} (当前状态不允许)"
    missing = sorted(name for name in NEEDS[one.action] if not one.said.get(name))
    if missing:
        return f"{one.action} needs {', '.join(missing)} (缺少内容)"
    numbers = {entry.get("number") for entry in orjson.loads(item["document"])["rounds"] if entry["action"] == "table"}
    if one.action == "resolve" and one.said["number"] not in numbers:
        return "no motion or proposal of this number was entered (未登记该议案或提案)"
    return None


def _note(work: Work, what: str, item_id: str, month: str, operator: str, said: dict[str, Any], *, state: str) -> None:
    # The words stay in the table; the journal holds their digest.
    said_sha256 = digest(_bytes(said))
    actor = f"operator:{operator}"
    work.note(what, actor=actor, item_id=item_id, month=month, outcome=state, said_sha256=said_sha256)


def item_list(conn: Connection, month: str | None = None) -> list[dict[str, Any]]:
    """Items with their rounds, by number."""
    query = select(digest_items).order_by(digest_items.c.item_id)
    if month is not None:
        query = query.where(digest_items.c.month == month)
    return [
        {"item_id": row["item_id"], "month": row["month"], "state": row["state"], **orjson.loads(row["document"])}
        for row in conn.execute(query).mappings()
    ]


def _json(document: dict[str, Any]) -> str:
    return _bytes(document).decode()


def _bytes(document: dict[str, Any]) -> bytes:
    return canonical(document)


_CHANGE = (
    update(digest_items)
    .where(digest_items.c.item_id == bindparam("id"))
    .values(state=bindparam("state"), document=bindparam("document"), updated_at=bindparam("updated_at"))
)
