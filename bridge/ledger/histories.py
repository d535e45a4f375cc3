"""A petition's events as the rules read them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import orjson
from sqlalchemy import Connection, select

from bridge.clock import from_ms
from bridge.ledger.opening import open_event
from bridge.ledger.tables import Row, events
from bridge.rules.steps import Step
from bridge.vault import EMPTY, Vault, VaultError
from schemas.event import EventData, EventType
from schemas.petition import OF_THE_OWNER

_NOTHING = EventData()


@dataclass(slots=True)
class History:
    """A petition's events as the rules read them, with their ids, and the class it was submitted with."""

    steps: list[Step] = field(default_factory=list)
    said: set[str] = field(default_factory=set)
    submitted_class: str | None = None
    submitted_at: int = 0
    handling_class: str | None = None
    fault: Exception | None = None


def read_histories(conn: Connection, vault: Vault, petition_ids: Iterable[str]) -> Mapping[str, History]:
    """All events of these petitions. What cannot be read is the fault of its own petition only."""
    wanted = sorted(set(petition_ids))
    found = {petition_id: History() for petition_id in wanted}
    columns = (events.c.event_id, events.c.petition_id, events.c.sequence, events.c.type, events.c.source,
               events.c.occurred_at, events.c.recorded_at, events.c.actor, events.c.data,
               events.c.announced, events.c.out_of_order)  # fmt: skip
    query = select(*columns).where(events.c.petition_id.in_(wanted)).order_by(events.c.petition_id, events.c.sequence)
    for row in conn.execute(query).mappings():
        history = found[row["petition_id"]]
        try:
            _add(history, row, vault)
        except (VaultError, ValueError) as error:
            history.fault = error
    return found


def _add(history: History, row: Row, vault: Vault) -> None:
    data = _NOTHING
    if row["data"] != EMPTY:
        data = EventData.model_validate_json(open_event(vault, row)["data"])
    at, told = min(row["occurred_at"], row["recorded_at"]), row["recorded_at"]
    if row["sequence"] == 1:
        # What the bus was told first is the class before any change of it.
        history.submitted_class = history.handling_class = orjson.loads(row["announced"])["handling_class"]
        history.submitted_at = at
    history.said.add(row["event_id"])
    type_ = EventType(row["type"])
    if type_ is EventType.RECLASSED and data.handling_class is not None:
        history.handling_class = data.handling_class.value
    own = history.handling_class in OF_THE_OWNER
    step = Step(type_, from_ms(at), data, row["source"], row["actor"], from_ms(told), own, row["out_of_order"])
    history.steps.append(step)
