"""Whose word it is in a joint package (打包处理): a unit that assists speaks of its own part, whether it says so or
not. What it reports is never the answer to the citizen: the lead's is (DOMAIN 2.4)."""

from bridge.ledger.histories import read_histories
from bridge.ledger.work import PetitionRow, Work
from bridge.rules.assignments import parts_of
from schemas.event import EventData, EventType, UnitRole
from schemas.petition import HandlingClass

_OF_A_UNIT = frozenset(
    {
        EventType.SIGNED, EventType.PROGRESSED, EventType.RETURN_REQUESTED, EventType.RETURNED, EventType.RETURN_DENIED,
        EventType.EXTENSION_REQUESTED, EventType.EXTENDED, EventType.EXTENSION_DENIED, EventType.REPLIED,
        EventType.CLOSED,
    }
)  # fmt: skip
"""What a unit does with its part, and what is decided about it."""


def of_its_part(work: Work, row: PetitionRow, type_: EventType, actor: str | None, data: EventData) -> EventData:
    """What is said, with the role of the unit that it is said of, where nobody stated one and the unit assists."""
    if type_ not in _OF_A_UNIT or data.unit is None or data.role is not None or actor in ("owner", "petitioner"):
        return data
    if row.handling_class != HandlingClass.JOINT_PACKAGE:
        return data
    # The history reads what is written.
    work.flush()
    history = read_histories(work.conn, work.privacy.vault, [row.petition_id])[row.petition_id]
    part = parts_of(history.steps).get(data.unit)
    return data.model_copy(update={"role": UnitRole.ASSIST}) if part and part.role is UnitRole.ASSIST else data
