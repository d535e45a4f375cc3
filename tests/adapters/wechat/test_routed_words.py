"""Whomever the routing table sends for by WeChat finds words there, whatever the event, its class and its speaker."""

from functools import cache
from itertools import product
from uuid import uuid4

import pytest

from adapters.wechat.notices import EMPTY, notice
from adapters.wechat.outbound import ORDER, TASKS
from adapters.wechat.words import Audience
from bridge.lifecycle import ENDED
from bridge.routing import Facts, Route, Routes
from schemas.event import Event, EventData, EventType
from schemas.petition import HandlingClass
from tests.adapters.wechat.support import NOW, WORDS, petition
from tests.adapters.wechat.test_notices import holds

SOURCES = ("wechat", "hotline12345", "governance_center", "bridge")
ACTORS = ("", "petitioner", "owner", "unit")
SPEAKERS = tuple(product(SOURCES, ACTORS))
EVERYTHING = frozenset(EventType)


@cache
def routes() -> Routes:
    """The shipped table, over what the shipped words can tell."""
    speaks = {"wechat": frozenset(WORDS.events_told), "hotline12345": EVERYTHING, "governance_center": EVERYTHING}
    return Routes.load(None, speaks, "wechat")


def routed(kind: EventType, handling_class: HandlingClass, source: str, actor: str, *, origin: str = "wechat") -> Route:
    facts = Facts(
        type=kind, source=source, origin=origin, handling_class=handling_class, kind="help", urgency="normal",
        region="", actor=actor, others=frozenset(), petitioner_has_openid=True,
    )  # fmt: skip
    return routes().route(facts)


def audience(route: Route) -> frozenset[Audience]:
    found = next((target.audience for target in route.targets if target.system == "wechat"), frozenset())
    return frozenset(who for who in ORDER if who in found)


def event(kind: EventType, handling_class: HandlingClass, source: str, actor: str) -> Event:
    data = EventData(handling_class=handling_class if kind is EventType.RECLASSED else None)
    return Event(
        event_id=uuid4(), petition_id="LT261122-7K3M9QX2AB", sequence=2, type=kind, source=source, occurred_at=NOW,
        recorded_at=NOW, actor=actor or None, data=data,
    )  # fmt: skip


@pytest.mark.parametrize("handling_class", list(HandlingClass))
@pytest.mark.parametrize("kind", list(EventType))
def test_everyone_in_the_table_is_told_in_words(kind: EventType, handling_class: HandlingClass) -> None:
    about = petition(handling_class=handling_class)
    for source, actor in SPEAKERS:
        route = routed(kind, handling_class, source, actor)
        assert not [line for line in route.struck if "cannot be told" in line]
        for who in audience(route):
            said = notice(event(kind, handling_class, source, actor), about, who, WORDS)
            assert said.values["note"], (source, actor, who)
            fields = said.fields(WORDS.templates[said.purpose])
            assert all(holds(key, value) for key, value in fields.items())
            named = {key: said.values[meaning] for key, meaning in WORDS.templates[said.purpose].items()}
            # Only the reply itself may be missing: a closing often comes without a word.
            assert [WORDS.templates[said.purpose][key] for key in named if fields[key] == EMPTY] in ([], ["text"])


@pytest.mark.parametrize("who", ORDER)
def test_the_table_sends_each_of_them_something(who: Audience) -> None:
    """The test above would hold for an empty table."""
    told = {
        (kind, cls)
        for kind, cls in product(EventType, HandlingClass)
        if any(who in audience(routed(kind, cls, *speaker)) for speaker in SPEAKERS)
    }
    assert len(told) >= {"owner": 100, "petitioner": 50, "unit": 13}[who]


@pytest.mark.parametrize("handling_class", list(HandlingClass))
def test_of_another_class_the_owner_always_hears_and_the_home_unit_gets_its_task(handling_class: HandlingClass) -> None:
    found = audience(routed(EventType.RECLASSED, handling_class, "bridge", ""))
    assert found == ({"owner", "unit"} if handling_class is HandlingClass.HOME_UNIT else {"owner"})


@pytest.mark.parametrize("kind", sorted(ENDED))
def test_nobody_is_told_to_work_on_what_has_ended(kind: str) -> None:
    told = WORDS.told(EventType(kind), "unit")
    assert told.purpose == "progress"
    assert "请及时办理" not in told.notes


def test_what_begins_anew_is_a_task() -> None:
    told = WORDS.told(EventType.REHANDLED, "unit")
    assert (told.purpose, told.notes[-1]) == ("task", "请重新办理并回复结果")


def test_an_event_that_gives_the_unit_its_task_is_told_as_a_task() -> None:
    for kind in TASKS:
        assert "unit" in audience(routed(kind, HandlingClass.HOME_UNIT, "bridge", ""))
        told = WORDS.told(kind, "unit")
        assert (told.purpose, told.phrase) == ("task", "待办理")
