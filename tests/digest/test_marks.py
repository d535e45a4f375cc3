"""How often what happened to a petition: what two systems tell of one thing is one."""

from datetime import timedelta
from typing import Any

import pytest

from bridge.clock import from_ms
from bridge.digest.marks import marks
from bridge.rules.steps import Step
from schemas.event import EventData, Satisfaction, Span
from schemas.event import EventType as E
from tests.digest.cases import MONTH

NO = {"satisfaction": Satisfaction.UNSATISFIED}
BEGIN = from_ms(MONTH.start)
DUE = BEGIN + timedelta(days=9)
Told = tuple[E, str, dict[str, Any]]


def by(days: int) -> dict[str, Any]:
    return {"extend_by": Span(amount=days, unit="working_days")}


def to(days: int) -> dict[str, Any]:
    return {"due_at": DUE + timedelta(days=days)}


def counted(mark: str, *told: Told, returned: int = 0) -> int:
    steps = [
        Step(type_, BEGIN + timedelta(hours=at), EventData(**data), source)
        for at, (type_, source, data) in enumerate(told)
    ]
    return marks(steps, returned)[mark]


EXTENSIONS: list[tuple[str, list[Told], int]] = [
    ("none", [], 0),
    ("told by two", [(E.EXTENDED, "hotline", by(2)), (E.EXTENDED, "center", by(2))], 1),
    ("told by two to a date", [(E.EXTENDED, "hotline", to(2)), (E.EXTENDED, "center", to(2))], 1),
    ("one tells the length, one the date", [(E.EXTENDED, "hotline", by(2)), (E.EXTENDED, "center", to(2))], 1),
    ("one does not say", [(E.EXTENDED, "hotline", {}), (E.EXTENDED, "center", to(2))], 1),
    ("one says both", [(E.EXTENDED, "hotline", by(2) | to(3)), (E.EXTENDED, "center", to(3))], 1),
    ("of another length", [(E.EXTENDED, "hotline", by(2)), (E.EXTENDED, "center", by(3))], 2),
    ("to another date", [(E.EXTENDED, "hotline", to(2)), (E.EXTENDED, "center", to(3))], 2),
    ("the same twice by one", [(E.EXTENDED, "hotline", by(2)), (E.EXTENDED, "hotline", by(2))], 2),
    ("twice, each told by two", [(E.EXTENDED, system, by(2)) for system in ("hotline", "center") * 2], 2),
    (
        "asked for anew",
        [(E.EXTENDED, "hotline", by(2)), (E.EXTENSION_REQUESTED, "center", {}), (E.EXTENDED, "center", by(2))],
        2,
    ),
    (
        "in the next round",
        [(E.EXTENDED, "hotline", by(2)), (E.REPLIED, "hotline", {}), (E.REHANDLED, "bridge", {}),
         (E.EXTENDED, "center", by(2))],
        2,
    ),
    ("of an assisting unit", [(E.EXTENDED, "hotline", {**by(2), "role": "assist", "unit": "财政局"})], 0),
]  # fmt: skip


@pytest.mark.parametrize(("told", "count"), [row[1:] for row in EXTENSIONS], ids=[row[0] for row in EXTENSIONS])
def test_extensions(told: list[Told], count: int) -> None:
    assert counted("extended", *told) == count


ROUND: list[Told] = [(E.REPLIED, "hotline", {}), (E.RATED, "wechat", NO), (E.REHANDLED, "bridge", {})]
ROUNDS: list[tuple[str, list[Told], int, int]] = [
    ("before any answer", [(E.RATED, "wechat", NO)], 0, 0),
    ("once", ROUND[:2], 1, 0),
    ("told by two", [*ROUND[:2], (E.FOLLOWED_UP, "center", NO)], 1, 0),
    ("the new round told by two", [*ROUND, (E.REHANDLED, "center", {})], 1, 1),
    ("in two rounds", [*ROUND, *ROUND], 2, 2),
    ("not solved is not unsatisfied", [ROUND[0], (E.FOLLOWED_UP, "center", {"resolved": "no"}), ROUND[2]], 0, 1),
]


@pytest.mark.parametrize(("told", "noes", "rounds"), [row[1:] for row in ROUNDS], ids=[row[0] for row in ROUNDS])
def test_discontent_goes_by_rounds(told: list[Told], noes: int, rounds: int) -> None:
    assert (counted("unsatisfied", *told), counted("rehandled", *told)) == (noes, rounds)


def test_cards_and_orders_are_heavy_and_returns_are_told_apart_elsewhere() -> None:
    told: list[Told] = [
        (E.SUPERVISED, "bridge", {"level": level}) for level in ("urge", "yellow", "red", "black", "key")
    ]
    assert counted("heavy", *told) == 3
    assert counted("returned", *told, returned=4) == 4
