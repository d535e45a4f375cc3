"""Invented petitions for the demo: hand-written texts (`petitions.json`) met by invented people, the same for a seed.

Nothing here is real: no person, estate, village or company. Phones are `1390000` and four digits (of the next 10,000
people `1390001`), openids begin with `oDemo`, files lie under the reserved domain `.invalid`.
"""

import json
import random
import re
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypedDict

Door = Literal["form", "rest", "wechat", "hotline12345", "governance_center"]

VISIT_DAY = date(2026, 11, 15)
"""A day on which secretaries go out: the 5th, 15th and 25th of the month."""

_BLOCK: tuple[Door, ...] = (
    *(("form",) * 10),
    *(("hotline12345",) * 3),
    *(("wechat",) * 3),
    *(("governance_center",) * 2),
    *(("rest",) * 2),
)
"""Twenty petitions by door, shuffled block by block: any twenty in a row from a block's start show every door."""

_CLASSES: dict[Door, tuple[str, ...]] = {
    "form": (
        *("on_site", "hotline_transfer", "on_site", "home_unit", "key_supervision"),
        *("on_site", "joint_package", "on_site", "home_unit", "hotline_transfer"),
    ),
    "rest": ("hotline_transfer", "on_site", "home_unit", "key_supervision", "joint_package"),
    "wechat": ("hotline_transfer",),
    "hotline12345": ("hotline_transfer", "key_supervision", "hotline_transfer", "joint_package"),
    "governance_center": ("key_supervision", "joint_package", "hotline_transfer"),
}
"""What comes through a door, in turn. Solved on the spot and handled by the home unit needs a secretary to say so."""

_NUMBERS: dict[Door, str] = {
    "form": "MY5-{day:%Y%m%d}-{seed:03d}-{n:05d}",
    "rest": "MSTL{day:%y%m%d}-{seed:03d}-{n:05d}",
    "wechat": "74{day:%y%m%d}{seed:05d}{n:06d}",
    "hotline12345": "JNRX{day:%Y%m%d}{seed:03d}{n:05d}",
    "governance_center": "JSB{day:%Y%m%d}{seed:03d}{n:05d}",
}

_OTHER_UNITS = ("审计局", "财政局", "统计局")
_OPENID = string.ascii_letters + string.digits + "_-"
_HOUSE = re.compile(r"\d+(?=号|单元|室)")
_CST = timezone(timedelta(hours=8))


class Place(TypedDict):
    region_code: str
    street: str
    community: str
    grid: str
    address: str
    longitude: float
    latitude: float


class BasePetition(TypedDict):
    """One hand-written text of `petitions.json`, with what became of it."""

    key: str
    kind: str
    handling_class: str
    title: str
    content: str
    category: dict[str, str]
    urgency: str
    confidential: bool
    lead_unit: str | None
    assist_units: list[str]
    place: Place
    on_site_result: str | None
    reply: str
    progress: str


class Library(TypedDict):
    """`petitions.json`. `echoes` are the openings with which a neighbour brings a text again."""

    surnames: str
    given_names: str
    echoes: list[str]
    counties: dict[str, str]
    petitions: list[BasePetition]


@dataclass(frozen=True, slots=True)
class Petitioner:
    name: str | None
    phone: str | None
    openid: str | None
    anonymous: bool
    confidential: bool


@dataclass(frozen=True, slots=True)
class Secretary:
    id: str
    name: str
    team_id: str
    home_unit: str


@dataclass(frozen=True, slots=True)
class DemoPetition:
    """A text of `petitions.json` as one petitioner brought it through one door. `wave` 0 is the text as it was
    written; later waves are neighbours who bring the same trouble."""

    base: BasePetition
    wave: int
    door: Door
    external_id: str
    occurred_at: str
    content: str
    place: Place
    petitioner: Petitioner
    secretary: Secretary | None
    attachments: tuple[str, ...]

    @property
    def reply(self) -> str:
        return self.base["reply"]

    @property
    def progress(self) -> str:
        return self.base["progress"]

    @property
    def on_site_result(self) -> str | None:
        return self.base["on_site_result"]

    @property
    def document(self) -> dict[str, Any]:
        """The petition document of CONTRACT 4, fresh at each call: every key is there, unknown ones are null."""
        return {
            "external_id": self.external_id,
            "kind": self.base["kind"],
            "handling_class": self.base["handling_class"],
            "title": self.base["title"],
            "content": self.content,
            "petitioner": asdict(self.petitioner),
            "place": dict(self.place),
            "category": dict(self.base["category"]),
            "urgency": self.base["urgency"],
            "secretary": asdict(self.secretary) if self.secretary else None,
            # A citizen who writes to the service account names no unit: finding it is the hotline's work.
            "lead_unit": None if self.door == "wechat" else self.base["lead_unit"],
            "assist_units": list(self.base["assist_units"]),
            "attachments": [
                {"name": name, "url": f"https://files.example.invalid/{self.external_id}/{n}.jpg"}
                for n, name in enumerate(self.attachments, 1)
            ],
            "occurred_at": self.occurred_at,
        }


def petitions(count: int, seed: int = 5, day: date = VISIT_DAY) -> list[DemoPetition]:
    """`count` petitions of one `day`, in the order of their times; the same for the same arguments in every process.

    From 20 on every door and every handling class is there; no text comes twice before all of its class have come.
    """
    rng = random.Random(seed)  # noqa: S311  # invented people, no secrets
    doors, decks = _doors(rng), _Decks(rng)
    moments = _moments(count, day, rng)
    found: list[DemoPetition] = []
    turns = dict.fromkeys(_CLASSES, 0)
    for n, (door, moment) in enumerate(zip(doors, moments, strict=False), 1):
        handling_class = _CLASSES[door][turns[door] % len(_CLASSES[door])]
        turns[door] += 1
        base, wave = decks.draw(handling_class)
        number = _NUMBERS[door].format(day=day, seed=seed, n=n)
        # 7919 has no factor in common with 10,000: nobody shares a phone.
        phone = f"139{(n - 1) // 10_000:04d}{(n * 7919 + seed) % 10_000:04d}"
        petitioner = _petitioner(door, phone, base["confidential"], rng)
        found.append(_bring(base, wave, door, number, moment, petitioner, rng))
    return found


def _bring(
    base: BasePetition, wave: int, door: Door, number: str, moment: str, petitioner: Petitioner, rng: random.Random
) -> DemoPetition:
    return DemoPetition(
        base=base,
        wave=wave,
        door=door,
        external_id=number,
        occurred_at=moment,
        content=base["content"] if wave == 0 else rng.choice(_library()["echoes"]) + base["content"],
        place=base["place"] if wave == 0 else _next_door(base, rng),
        petitioner=petitioner,
        secretary=_secretary(base, rng) if door in {"form", "rest"} else None,
        attachments=("现场照片.jpg",) if door in {"form", "rest"} and rng.random() < 0.2 else (),
    )


def _doors(rng: random.Random) -> Iterator[Door]:
    while True:
        yield from rng.sample(_BLOCK, len(_BLOCK))


def _moments(count: int, day: date, rng: random.Random) -> list[str]:
    """Between 7:30 and 21:30: the visits avoid working hours (错时走访)."""
    start = datetime.combine(day, time(7, 30), _CST)
    return [(start + timedelta(seconds=s)).isoformat() for s in sorted(rng.randrange(14 * 3600) for _ in range(count))]


class _Decks:
    """Deals the texts of each class in a shuffled order, all of them before any comes again."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._left: dict[str, list[BasePetition]] = {}
        self._dealt: Counter[str] = Counter()

    def draw(self, handling_class: str) -> tuple[BasePetition, int]:
        """The next text of the class, and how often it has been dealt before."""
        left = self._left.setdefault(handling_class, [])
        if not left:
            fresh = [base for base in _library()["petitions"] if base["handling_class"] == handling_class]
            left.extend(self._rng.sample(fresh, len(fresh)))
        base = left.pop()
        wave = self._dealt[base["key"]]
        self._dealt[base["key"]] += 1
        return base, wave


def _petitioner(door: Door, phone: str, asks_for_confidence: bool, rng: random.Random) -> Petitioner:
    anonymous = door != "wechat" and not asks_for_confidence and rng.random() < 0.07
    name = _name(rng)
    openid = "oDemo" + "".join(rng.choices(_OPENID, k=23))
    has_openid = rng.random() < {"wechat": 1.0, "form": 0.7, "rest": 0.4}.get(door, 0.25)
    return Petitioner(
        name=None if anonymous else name,
        phone=None if anonymous or (door == "wechat" and rng.random() < 0.5) else phone,
        openid=openid if has_openid and not anonymous else None,
        anonymous=anonymous,
        confidential=asks_for_confidence or rng.random() < 0.06,
    )


def _secretary(base: BasePetition, rng: random.Random) -> Secretary:
    """Someone of the county's teams; where the home unit handles it (派出单位办理), someone whom that unit sent."""
    county = _county(base)
    sent_by = base["lead_unit"] if base["handling_class"] == "home_unit" else None
    return rng.choice([s for c, s in _roster() if c == county and sent_by in {None, s.home_unit}])


def _county(base: BasePetition) -> str:
    return _library()["counties"][base["place"]["region_code"]]


def _next_door(base: BasePetition, rng: random.Random) -> Place:
    """The same place at another house number, except where the text itself names the number."""

    def other(match: re.Match[str]) -> str:
        old, unit = match[0], match.string[match.end()]
        if old + unit in base["content"]:
            return old
        if unit == "室":
            return f"{rng.randint(1, 6)}0{rng.randint(1, 3)}"
        return str(rng.randint(1, 3) if unit == "单" else rng.randint(1, max(9, int(old))))

    place = base["place"].copy()
    if "至" not in place["address"]:  # from one number to another: a stretch, not a door
        place["address"] = _HOUSE.sub(other, place["address"])
    place["longitude"] = round(place["longitude"] + rng.uniform(-0.001, 0.001), 6)
    place["latitude"] = round(place["latitude"] + rng.uniform(-0.001, 0.001), 6)
    return place


def _name(rng: random.Random) -> str:
    return rng.choice(_library()["surnames"]) + rng.choice(_library()["given_names"].split())


@cache
def _library() -> Library:
    read: Library = json.loads(files("bridge.demo").joinpath("petitions.json").read_text(encoding="utf-8"))
    return read


@cache
def _roster() -> Sequence[tuple[str, Secretary]]:
    """Every secretary with the county: teams of four, each sent by one unit. The same whatever the seed."""
    rng = random.Random("roster")  # noqa: S311  # invented people, no secrets
    sent = {
        (_county(base), base["lead_unit"])
        for base in _library()["petitions"]
        if base["handling_class"] == "home_unit" and base["lead_unit"]
    }
    sent |= {(county, county + unit) for county in _library()["counties"].values() for unit in _OTHER_UNITS}
    return [
        (county, Secretary(f"S{4 * n + k:05d}", _name(rng), f"T{n + 1:04d}", unit))
        for n, (county, unit) in enumerate(sorted(sent))
        for k in range(1, 5)
    ]
