"""`bridge routes explain`: what the routing table says about one event, in a form that can be shown."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.routing import Facts, Routes
from bridge.strictjson import BadJson, loads_object
from schemas.event import EventType
from schemas.petition import HandlingClass, Kind, Urgency


class BadEvent(ValueError):
    """The file does not describe an event; the text names the field and the mend."""


class _Described(BaseModel):
    """What a routing question needs; a CloudEvent of the bus is read as well."""

    model_config = ConfigDict(extra="ignore")

    type: EventType
    source: str
    origin: str | None = None
    handling_class: HandlingClass | None = Field(default=None, alias="class")
    kind: Kind = Kind.OTHER
    urgency: Urgency = Urgency.NORMAL
    region: str = ""
    actor: str = ""
    others: tuple[str, ...] = ()
    petitioner_has_openid: bool = True


def explain_event(body: bytes, routes: Routes) -> dict[str, Any]:
    """The route of the event described in `body`, rule by rule. Raises `BadEvent`."""
    try:
        described = _Described.model_validate(_flat(loads_object(body)))
    except BadJson as error:
        raise BadEvent(str(error)) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise BadEvent(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    origin = described.origin or described.source
    given = described.handling_class
    if given is None:
        given, _ = routes.classify(
            source=origin, kind=described.kind.value, urgency=described.urgency.value, region=described.region
        )
    facts = _facts(described, origin, given)
    route = routes.route(facts)
    return {
        "type": facts.type,
        "source": facts.source,
        "class": facts.handling_class,
        "table": routes.version,
        "rules": list(route.rules),
        "targets": [
            {"system": target.system, "audience": sorted(target.audience), "rules": list(target.rules)}
            for target in route.targets
        ],
        "struck": list(route.struck),
        "held_by_origin": route.held_by_origin,
    }


def _facts(described: _Described, origin: str, handling_class: HandlingClass) -> Facts:
    return Facts(
        type=described.type.value,
        source=described.source,
        origin=origin,
        handling_class=handling_class.value,
        kind=described.kind.value,
        urgency=described.urgency.value,
        region=described.region,
        actor=described.actor,
        others=frozenset(described.others),
        petitioner_has_openid=described.petitioner_has_openid,
    )


def _flat(document: dict[str, Any]) -> dict[str, Any]:
    """A CloudEvent of the bus → the fields of a question; anything else as it is."""
    if document.get("specversion") != "1.0":
        return document
    inner = document.get("data")
    data: dict[str, Any] = inner if isinstance(inner, dict) else {}
    return {
        **data,
        "type": str(document.get("type", "")).removeprefix("petition."),
        "source": str(document.get("source", "")).removeprefix("/systems/"),
        "origin": data.get("petition_source"),
        "class": data.get("handling_class"),
        "region": data.get("region_code") or "",
    }
