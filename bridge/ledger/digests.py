"""The ledger's part of the monthly analysis: sealed digests, and what became of the proposals made from them.

A digest is sealed once. It is kept beside its seal, because a year later the words that it was computed from may have
been erased, as they must be. What happens to a proposal (opinions, assessment, adoption, a linked project, a motion) is
entered by operators; each entry is a row's change and a journal note in one transaction. Words that point at a person
are refused here, so that no way in can forget it.
"""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, insert, select, update

from bridge.digest import personal
from bridge.digest.month import Month
from bridge.digest.names import names
from bridge.digest.reading import lacks
from bridge.digest.rounds import MOVES, forbids, kept
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


def sealed_months(conn: Connection) -> frozenset[str]:
    """The months that are sealed."""
    return frozenset(conn.scalars(select(digests.c.month)))


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

ITEM_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


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
    """An operator's entry about an item: `action` and `said` as `bridge.digest.rounds` has them."""

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
        why = _keeps_out(work, one, taken)
        if why is not None:
            results.append(Entered(one.item_id, "refused", why=why))
            continue
        taken.add(one.item_id)
        document = {"title": one.title, "about": one.about, "rounds": []}
        row = {"item_id": one.item_id, "month": one.month, "state": "proposed", "document": _json(document)}
        work.conn.execute(insert(digest_items), [{**row, "created_at": work.now, "updated_at": work.now}])
        _note(work, "digest.proposed", one.item_id, one.month, one.operator, document, state="proposed")
        results.append(Entered(one.item_id, "done", "proposed"))
    work.flush()
    return results


def _keeps_out(work: Work, one: Proposal, taken: Container[str]) -> str | None:
    """Why this item cannot be put on the list, or None."""
    if not ITEM_ID.fullmatch(one.item_id):
        return "an item's number is 1 to 64 of A-Z a-z 0-9 . _ - (编号限用字母、数字和.、_、-，不超过64位)"
    if one.item_id in taken:
        return "there is an item of this number (编号已存在)"
    if not one.title.strip():
        return "propose needs title (缺少内容)"
    why = lacks(work.conn, Month.parse(one.month), work.now)
    return why or _names_somebody(work, one.month, {"item_id": one.item_id, "title": one.title, **one.about})


def _names_somebody(work: Work, month: str, said: Mapping[str, Any]) -> str | None:
    """Why these words cannot be entered: they point at a person, and they are handed on as they stand."""
    known = names(work.conn, work.privacy.vault, Month.parse(month), work.now)
    return personal.refusal(personal.find(said, known))


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
    document, said = orjson.loads(item["document"]), kept(one.action, one.said)
    why = forbids(one.action, said, item["state"], document["rounds"])
    why = why or _names_somebody(work, item["month"], said)
    if why is not None:
        return Entered(one.item_id, "refused", item["state"], why)
    document["rounds"].append({"action": one.action, "at": work.now, **said})
    item.update(state=MOVES[one.action][1] or item["state"], document=_json(document), updated_at=work.now)
    work.conn.execute(
        _CHANGE, {"id": one.item_id, **{name: item[name] for name in ("state", "document", "updated_at")}}
    )
    _note(work, f"digest.{one.action}", one.item_id, item["month"], one.operator, said, state=item["state"])
    return Entered(one.item_id, "done", item["state"])


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
