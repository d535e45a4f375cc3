"""Cases by hand, and a month of invented ones from the demo's texts."""

import random
from datetime import date
from typing import Any

from bridge.demo.petitions import petitions
from bridge.digest.case import Case
from bridge.digest.digest import Digest, compose
from bridge.digest.month import Month
from bridge.digest.rules import DigestRules
from bridge.prose import mask
from schemas.petition import CLASS_ZH, KIND_ZH

MONTH = Month(2026, 10)
CUT_OFF = MONTH.end - 1
DAY = 86_400_000
RULES = DigestRules.load()
_KINDS = {zh: kind.value for kind, zh in KIND_ZH.items()}
_SOURCES = {"form": "wechat", "rest": "governance_center"}


def case(number: int, **more: Any) -> Case:
    """A petition of the month's second day, brought by a person of its own, in hand."""
    fields: dict[str, Any] = {
        "petition_id": f"P{number:05d}", "person": f"person-{number}", "accepted_at": MONTH.start + DAY + number,
        "source": "wechat", "kind": "help", "handling_class": "hotline_transfer", "region": "370811",
        "place": "柳岸社区", "subject": "供水", "team_id": "T1", "title": "", "content": "", "state": "handling",
        "unit": "水务局", "units": frozenset({"水务局"}),
    }  # fmt: skip
    return Case(**{**fields, **more})


def many(count: int, start: int = 0, **more: Any) -> list[Case]:
    return [case(start + number, **more) for number in range(count)]


def digest(cases: list[Case], rules: DigestRules = RULES, since: int = 0) -> Digest:
    """`since`: when the ledger's first petition was taken in; long ago."""
    return compose(cases, MONTH, CUT_OFF, rules, mask, since=since)


def invented(count: int, seed: int = 5) -> list[Case]:
    """The demo's petitions over four months, `count` in the last one, with fates drawn by lot."""
    rng = random.Random(seed)
    found = [
        _invented(f"{month}-{number:05d}", given.document, given.door, month, rng)
        for month, size in (*((earlier, count // 2) for earlier in MONTH.before(3)), (MONTH, count))
        for number, given in enumerate(petitions(size, seed=seed + month.number, day=date(2026, 11, 15)))
    ]
    return sorted(found, key=lambda one: (one.accepted_at, one.petition_id))


def _invented(number: str, document: dict[str, Any], door: str, month: Month, rng: random.Random) -> Case:
    at = month.start + rng.randrange(month.end - month.start)
    closed = at + rng.randrange(1, 60) * DAY if rng.random() < 0.8 else None
    lead = document["lead_unit"] or ""
    return Case(
        petition_id=number,
        person=f"person-{rng.randrange(2000)}",
        accepted_at=at,
        source=_SOURCES.get(door, door),
        kind=_KINDS.get(document["kind"], document["kind"]),
        handling_class={zh: name.value for name, zh in CLASS_ZH.items()}.get(
            document["handling_class"], document["handling_class"]
        ),
        region=document["place"]["region_code"],
        place=document["place"]["community"],
        subject=document["category"]["name"],
        team_id="T1",
        title=document["title"],
        content=document["content"],
        state="closed" if closed and closed <= CUT_OFF else rng.choice(["handling", "dispatched", "replied"]),
        names=frozenset({document["petitioner"]["name"] or ""}),
        unit=lead,
        units=frozenset({lead, *document["assist_units"]} - {""}),
        closed_at=closed if closed and closed <= CUT_OFF else None,
        marks={"returned": rng.choice([0, 0, 0, 2]), "heavy": int(rng.random() < 0.05)},
    )
