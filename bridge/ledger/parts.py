"""Whose word it is where several units have a part: one that assists speaks of its own part, whether it says so or not
(the lead's reply is the answer, DOMAIN 2.4), and one that returns its part leaves the petition with the others."""

from bridge.clock import from_ms
from bridge.ledger.histories import read_histories
from bridge.ledger.work import PetitionRow, Work
from bridge.rules.assignments import RETURNS, Parts
from bridge.rules.steps import Step
from schemas.event import EventData, EventType, UnitRole

_OF_A_UNIT = RETURNS | {
    EventType.SIGNED, EventType.PROGRESSED, EventType.EXTENSION_REQUESTED, EventType.EXTENDED,
    EventType.EXTENSION_DENIED, EventType.REPLIED, EventType.CLOSED,
}  # fmt: skip
"""What a unit does with its part, and what is decided about it."""


def of_its_part(
    work: Work, row: PetitionRow, type_: EventType, actor: str | None, data: EventData
) -> tuple[EventData, bool]:
    """What is said, with the role of the unit that it is said of where nobody stated one and the unit assists; and
    whether it is of a lead unit's part only, since another one still has the petition."""
    is_unstated = row.assisted and data.unit is not None and data.role is None
    is_return = type_ in RETURNS and bool(data.unit or data.units) and data.role is not UnitRole.ASSIST
    if type_ not in _OF_A_UNIT or actor in ("owner", "petitioner") or not (is_unstated or is_return):
        return data, False
    parts = _parts(work, row.petition_id)
    part = parts.by_unit.get(data.unit or "")
    if is_unstated and part is not None and part.role is UnitRole.ASSIST:
        return data.model_copy(update={"role": UnitRole.ASSIST}), False
    return data, parts.others_work(Step(type_, from_ms(work.now), data))


def _parts(work: Work, petition_id: str) -> Parts:
    # The history reads what is written.
    work.flush()
    return Parts.after(read_histories(work.conn, work.privacy.vault, [petition_id])[petition_id].steps)
