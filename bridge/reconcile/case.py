"""What the ledger says that one system has: the petitions whose numbers there it learnt on a day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection, func, select

from bridge.adapter import Need
from bridge.clock import from_ms, to_ms
from bridge.ledger.matching import RECEIPT_KIND
from bridge.ledger.opening import open_event, open_petition
from bridge.ledger.reads import build_event, build_petition
from bridge.ledger.tables import IN_FLIGHT, cross_references, events, handoffs, petitions
from bridge.minimum import Minimum
from bridge.vault import Vault
from schemas.base import SHANGHAI
from schemas.petition import Attachment, Petition


@dataclass(frozen=True, slots=True)
class Case:
    """One petition that the system must have. `petition` is what the system was given of it (`bridge.minimum`), or what
    it told us where it began there, with every attachment that was told later; `ours` False: the system brought it;
    `moving`: something of it is on its way there now, so that a difference may mend itself; `worded`: both sides should
    say it in the same words. They do not where the system brought it by another road than the first, nor after an
    erasure."""

    petition_id: str
    numbers: frozenset[str]
    known_at: datetime
    ours: bool
    moving: bool
    state_at: datetime
    petition: Petition
    worded: bool = True


def day_range(day: date) -> tuple[int, int]:
    """The day of the city's clock as [from, until) in milliseconds."""
    begins = datetime.combine(day, time(), SHANGHAI)
    return to_ms(begins), to_ms(begins + timedelta(days=1))


def cases_of_day(conn: Connection, vault: Vault, minimum: Minimum, system: str, day: date) -> list[Case]:
    """The petitions that the system got to know on that day, by number."""
    begins, ends = day_range(day)
    learnt = func.min(cross_references.c.learnt_at)
    query = (
        select(cross_references.c.petition_id)
        .where(cross_references.c.system == system, cross_references.c.kind != RECEIPT_KIND)
        .group_by(cross_references.c.petition_id)
        .having(learnt >= begins, learnt < ends)
        .order_by(cross_references.c.petition_id)
    )
    return cases(conn, vault, minimum, system, conn.scalars(query).all())


def cases(conn: Connection, vault: Vault, minimum: Minimum, system: str, petition_ids: Sequence[str]) -> list[Case]:
    """These petitions as the system must have them."""
    found = []
    for start in range(0, len(petition_ids), 500):
        found += _cases(conn, vault, minimum, system, petition_ids[start : start + 500])
    return found


def known_numbers(conn: Connection, system: str, values: Iterable[str]) -> dict[str, str]:
    """The system's number → our petition, for those that the ledger knows."""
    wanted = sorted(set(values))
    query = select(cross_references.c.value, cross_references.c.petition_id).where(
        cross_references.c.system == system,
        cross_references.c.kind != RECEIPT_KIND,
        cross_references.c.value.in_(wanted),
    )
    return {row["value"]: row["petition_id"] for row in conn.execute(query).mappings()} if wanted else {}


def known_petitions(conn: Connection, petition_ids: Iterable[str]) -> set[str]:
    """Which of these the ledger has."""
    wanted = sorted(set(petition_ids))
    query = select(petitions.c.petition_id).where(petitions.c.petition_id.in_(wanted))
    return set(conn.scalars(query)) if wanted else set()


def _cases(conn: Connection, vault: Vault, minimum: Minimum, system: str, ids: Sequence[str]) -> list[Case]:
    numbers: dict[str, list[tuple[str, str, str, int]]] = {}
    known = select(cross_references).where(cross_references.c.petition_id.in_(ids))
    for row in conn.execute(known).mappings():
        numbers.setdefault(row["petition_id"], []).append((row["system"], row["kind"], row["value"], row["learnt_at"]))
    moving = set(conn.scalars(_MOVING.where(handoffs.c.petition_id.in_(ids), handoffs.c.system == system)))
    rows = conn.execute(select(petitions).where(petitions.c.petition_id.in_(ids))).mappings().all()
    later = _attachments(conn, vault, ids)
    made = []
    for row in rows:
        of_one = numbers.get(row["petition_id"], [])
        there = [one for one in of_one if one[0] == system and one[1] != RECEIPT_KIND]
        clear = build_petition(open_petition(vault, row), [(one[0], one[1], one[2]) for one in of_one])
        brought = system in (row["roads"] or "").split(",")
        told = clear if row["source"] == system else minimum.petition(clear)
        made.append(
            Case(
                petition_id=row["petition_id"],
                numbers=frozenset(one[2] for one in there),
                known_at=from_ms(min((one[3] for one in there), default=row["accepted_at"])),
                ours=row["source"] != system and not brought,
                moving=row["petition_id"] in moving,
                state_at=from_ms(row["updated_at"]),
                petition=_with(told, later.get(row["petition_id"], ()), minimum),
                worded=row["erased_at"] is None and not brought,
            )
        )
    return made


def _attachments(conn: Connection, vault: Vault, ids: Sequence[str]) -> Mapping[str, tuple[Attachment, ...]]:
    found: dict[str, tuple[Attachment, ...]] = {}
    query = select(events).where(events.c.petition_id.in_(ids), events.c.data != "{}").order_by(events.c.sequence)
    for row in conn.execute(query).mappings():
        event = build_event(open_event(vault, row))
        if event.data.attachments:
            found[event.petition_id] = found.get(event.petition_id, ()) + event.data.attachments
    return found


def _with(petition: Petition, later: Sequence[Attachment], minimum: Minimum) -> Petition:
    if Need.ATTACHMENTS not in minimum.needs:
        return petition
    return petition.model_copy(update={"attachments": (*petition.attachments, *later)})


_MOVING = select(handoffs.c.petition_id).where(handoffs.c.state.in_((*IN_FLIGHT, "parked"))).distinct()
