"""The verb `judge`: the rules look at the petitions whose time has come, and what they find becomes events.

Nothing is decided here: the petition's facts and all its events go into `bridge.rules.judgement`, and what comes out is
recorded. The ids are computed, so that an event the bridge owes is recorded once, however often and however late it is
looked for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import structlog
from sqlalchemy import select

from bridge.clock import from_ms, iso, to_ms
from bridge.ledger import notices
from bridge.ledger.bulk import update_rows
from bridge.ledger.counting import Counts
from bridge.ledger.histories import History, read_histories
from bridge.ledger.opening import open_petition
from bridge.ledger.packages import plans_due
from bridge.ledger.tables import petitions
from bridge.ledger.work import PetitionRow, Work
from bridge.lifecycle import ENDED
from bridge.rules import judgement
from bridge.rules.deadlines import Deadlines
from bridge.rules.judgement import Judgement, Matter
from bridge.rules.landing import Listed
from bridge.rules.profiles import Facts
from bridge.rules.steps import BRIDGE
from bridge.rules.supervision import place_key, subject_key
from schemas.petition import Category, HandlingClass, Kind, Place, Urgency

AGAIN_MS = 600_000
"""A petition that could not be judged is tried again so much later, and stops no other."""

_KEPT = ("due_at", "deadlines_version", "profile", "provisional", "unit", "owner_id", "place_key", "subject_key")
_log = structlog.get_logger("bridge.judge")


def judge(work: Work, limits: Sequence[int]) -> list[int]:
    """Look at no more than the greatest of `limits` petitions, the longest due first; how many there were."""
    query = (
        select(petitions.c.petition_id)
        .where(petitions.c.look_at <= work.now)
        .order_by(petitions.c.look_at)
        .limit(max(limits))
        .with_for_update(skip_locked=True)
    )
    picked = work.conn.scalars(query).all()
    # After the pick: a notice that comes later waits for these rows and wakes them again.
    notices.learn(work.conn, work.rules)
    if picked:
        work.load(picked)
        _look_at(work, [work.rows[petition_id] for petition_id in picked])
    return [len(picked)] * len(limits)


def _look_at(work: Work, rows: Sequence[PetitionRow]) -> None:
    histories = read_histories(work.conn, work.privacy.vault, [row.petition_id for row in rows])
    bodies, counts = Bodies(work), Counts(work, rows)
    plans = plans_due(work.conn, (row.petition_id for row in rows))
    changes: list[dict[str, Any]] = []
    for row in rows:
        try:
            if row.owner_id is None:
                _make_known(work, row, bodies)
            matter = matter_of(row, histories[row.petition_id], counts, bodies, plans)
            found = judgement.judge(matter, work.rules, from_ms(work.now))
        except Exception:
            # One petition that cannot be judged must not keep the rules from all others.
            _log.exception("judge.failed", petition_id=row.petition_id)
            row.look_at, row.dirty = work.now + AGAIN_MS, True
            work.note("deadline.not_judged", row.petition_id, level="error", outcome=row.state)
            continue
        _say(work, row, found)
        changes.append(_keep(work, row, matter, found))
    work.flush()
    update_rows(work.conn, petitions, "petition_id", changes)
    work.flush()
    work.close_finished()
    work.flush()


def _say(work: Work, row: PetitionRow, found: Judgement) -> None:
    for saying in found.sayings:
        work.record(
            row, event_id=saying.event_id, type_=saying.type, source=BRIDGE, occurred_at=to_ms(saying.at),
            data=saying.data, actor=None, traceparent=None,
        )  # fmt: skip


def _keep(work: Work, row: PetitionRow, matter: Matter, found: Judgement) -> dict[str, Any]:
    """What the row remembers of it."""
    deadlines = found.deadlines
    due = to_ms(deadlines.reply)
    if _is_corrected(work, row, matter, deadlines):
        work.note("deadline.corrected", row.petition_id, from_=BRIDGE, to=BRIDGE, outcome=iso(due),
                  detail=iso(row.due_at or 0))  # fmt: skip
    row.due_at, row.deadlines_version, row.profile = due, deadlines.version, deadlines.profile
    row.provisional, row.unit = deadlines.provisional, found.unit
    row.late_units = "".join(f"\n{unit}\n" for unit in found.late_units) or None
    row.no_echo, row.no_echo_since = _listed(found.no_echo)
    row.no_landing, row.no_landing_since = _listed(found.no_landing)
    closed = row.closed_at is not None
    row.look_at = None if closed or found.look_at is None else to_ms(found.look_at)
    row.dirty = True
    return {"petition_id": row.petition_id, **{name: getattr(row, name) for name in _KEPT}}


def _is_corrected(work: Work, row: PetitionRow, matter: Matter, deadlines: Deadlines) -> bool:
    """Whether a notice gives another date for what the last look saw: what was told since may move it as well."""
    was_unsure = row.provisional and not deadlines.provisional
    woken = row.look_at is not None and row.look_at <= work.rules.calendar_loaded_at
    if not (was_unsure or woken) or row.due_at in (None, to_ms(deadlines.reply)):
        return False
    # Whatever moves a deadline brings the next look forward to its own time.
    since = from_ms(row.look_at or 0)
    seen = [step for step in matter.steps if step.told_at is None or step.told_at < since]
    return to_ms(work.rules.deadlines(matter.facts, seen).reply) != row.due_at


def _listed(found: Listed | None) -> tuple[str | None, int | None]:
    return (found.why, to_ms(found.since)) if found is not None else (None, None)


# ── what the rules are given ────────────────────────────────────────────────────────────────────────────────


def facts_of(row: Any, history: History) -> Facts:
    """What the deadlines of this petition depend on."""
    return Facts(
        kind=Kind(row.kind),
        urgency=Urgency(row.urgency),
        handling_class=HandlingClass(history.submitted_class or row.handling_class),
        system=row.source,
        submitted_at=from_ms(history.submitted_at or row.accepted_at),
        version=row.deadlines_version or "",
    )


def matter_of(
    row: PetitionRow, history: History, counts: Counts, bodies: "Bodies", plans: Mapping[str, int | None]
) -> Matter:
    """The petition as the rules see it; `plans` as `plans_due` says. Raises what made its events unreadable."""
    if history.fault is not None:
        raise history.fault
    plan_due = plans.get(row.petition_id)
    return Matter(
        petition_id=row.petition_id,
        facts=facts_of(row, history),
        steps=tuple(history.steps),
        said=frozenset(history.said),
        taken_at=from_ms(row.accepted_at),
        handling_class=HandlingClass(row.handling_class),
        state=row.state,
        state_at=from_ms(row.state_at),
        ended=row.state in ENDED,
        closed=row.closed_at is not None,
        counts=counts.of(row),
        is_member=row.merged_into is not None,
        in_package=row.petition_id in plans or row.handling_class == HandlingClass.JOINT_PACKAGE,
        plan_due=from_ms(plan_due) if plan_due is not None else None,
        has_home_unit=lambda: bodies.of(row.petition_id).get("secretary", {}).get("home_unit") is not None,
    )


class Bodies:
    """The documents of petitions, opened only where a rule asks."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def of(self, petition_id: str) -> dict[str, Any]:
        """The document. Raises `VaultError`."""
        query = select(petitions.c.petition_id, petitions.c.body).where(petitions.c.petition_id == petition_id)
        row = self._work.conn.execute(query).mappings().one()
        document: dict[str, Any] = orjson.loads(open_petition(self._work.privacy.vault, row)["body"])
        return document


def _make_known(work: Work, row: PetitionRow, bodies: Bodies) -> None:
    """A petition of before these rules: its owner and its keys are filled in."""
    document = bodies.of(row.petition_id)
    lookup = work.privacy.lookup
    row.owner_id = document.get("secretary", {}).get("id", "")
    place = place_key(Place.model_validate(document.get("place", {})))
    subject = subject_key(Category.model_validate(document.get("category", {})))
    row.place_key = lookup.group("place", place) if place else None
    row.subject_key = lookup.group("subject", subject) if subject else None
