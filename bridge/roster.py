"""The roster (名册): which team and which secretary a place belongs to, and who is bound to which openid.

A snapshot, held in memory and pure: finding a petition's owner costs no query. `bridge/ledger/roster.py` loads it,
`bridge/rosterboard.py` keeps it fresh.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.lookup import plain
from schemas.petition import Place, Secretary

ENOUGH = 4
"""A service team has at least four active members (DOMAIN 7)."""

_ENDINGS = (
    ("居民委员会", ""), ("村民委员会", ""), ("居委会", ""), ("村委会", ""), ("街道办事处", "街道"),
    ("镇人民政府", "镇"), ("乡人民政府", "乡"),
)  # fmt: skip
"""Names are written with and without their office."""


@dataclass(frozen=True, slots=True)
class Team:
    """服务队; empty `leader_id`: nobody leads."""

    id: str
    name: str
    home_unit: str = ""
    leader_id: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """民情书记."""

    id: str
    name: str
    team_id: str
    home_unit: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class Area:
    """包联区域; empty `community`: the rest of the street, empty `street` too: the rest of the region."""

    region_code: str
    street: str
    community: str
    team_id: str = ""
    secretary_id: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """承办单位 or 派出单位; `contact_id` is a secretary's."""

    name: str
    code: str = ""
    contact_id: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """One community and the team that covers it; `active` members count."""

    area: Area
    team: Team | None
    active: int

    @property
    def covered(self) -> bool:
        return self.team is not None and self.active >= ENOUGH


@dataclass(frozen=True, slots=True)
class Bound:
    """What became of a one-time code. `status`: `bound` (for a repeat by the same openid as well), `unknown`,
    `expired`, `used`. `name` is the secretary's, where bound."""

    status: str
    secretary_id: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Roster:
    """All of it at one version. `openids` are by secretary id."""

    version: int = 0
    teams: tuple[Team, ...] = ()
    members: tuple[Member, ...] = ()
    areas: tuple[Area, ...] = ()
    units: tuple[Unit, ...] = ()
    openids: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        by_team: dict[str, list[Member]] = {}
        for member in sorted(self.members, key=lambda one: one.id):
            if member.active:
                by_team.setdefault(member.team_id, []).append(member)
        indexes = {
            "_team": {team.id: team for team in self.teams},
            "_member": {member.id: member for member in self.members},
            "_active": by_team,
            "_unit": {place_key(unit.name): unit for unit in self.units},
            "_communities": _index(self.areas, lambda area: area.community, lambda area: bool(area.community)),
            "_streets": _index(
                self.areas, lambda area: area.street, lambda area: bool(area.street) and not area.community
            ),
            "_regions": [area for area in self.areas if area.region_code and not area.street and not area.community],
        }
        for name, value in indexes.items():
            object.__setattr__(self, name, value)

    _team: Mapping[str, Team] = field(init=False, repr=False, compare=False)
    _member: Mapping[str, Member] = field(init=False, repr=False, compare=False)
    _active: Mapping[str, Sequence[Member]] = field(init=False, repr=False, compare=False)
    _unit: Mapping[str, Unit] = field(init=False, repr=False, compare=False)
    _communities: Mapping[str, Sequence[Area]] = field(init=False, repr=False, compare=False)
    _streets: Mapping[str, Sequence[Area]] = field(init=False, repr=False, compare=False)
    _regions: Sequence[Area] = field(init=False, repr=False, compare=False)

    # ── the owner of a petition (首问负责: never nobody) ──
    def owner(self, place: Place) -> Secretary | None:
        """Whose the place is: its community's secretary, else the team's leader, else a member; the street's and the
        region's where the community says nothing. None: the duty secretary's."""
        for candidates in self._levels(place):
            # Two communities of one name in two districts, and no district given: nobody guesses.
            owners = {owner.id: owner for area in candidates if (owner := self._responsible(area)) is not None}
            if len(owners) == 1:
                return owners.popitem()[1]
        return None

    def secretary(self, secretary_id: str) -> Secretary | None:
        """The active secretary of this id as petitions name them."""
        member = self._member.get(secretary_id)
        return self._as_owner(member) if member is not None and member.active else None

    def _levels(self, place: Place) -> Iterable[Sequence[Area]]:
        region, street, community = place.region_code or "", place_key(place.street), place_key(place.community)
        if community:
            found = self._communities.get(community, ())
            yield [area for area in found if _agrees(area, region) and _same(place_key(area.street), street)]
        if street:
            yield [area for area in self._streets.get(street, ()) if _agrees(area, region)]
        if region:
            # The longest code is the nearest: 370811 before 3708.
            fitting = [area for area in self._regions if region.startswith(area.region_code)]
            longest = max((len(area.region_code) for area in fitting), default=0)
            yield [area for area in fitting if len(area.region_code) == longest]

    def _responsible(self, area: Area) -> Secretary | None:
        named = self._member.get(area.secretary_id)
        if named is not None and named.active:
            return self._as_owner(named)
        team = self._team.get(area.team_id)
        leader = self._member.get(team.leader_id) if team else None
        if leader is not None and leader.active:
            return self._as_owner(leader)
        members = self._active.get(area.team_id, ())
        return self._as_owner(members[0]) if members else None

    def _as_owner(self, member: Member) -> Secretary:
        team = self._team.get(member.team_id)
        home_unit = member.home_unit or (team.home_unit if team else "")
        return Secretary(id=member.id, name=member.name or None, team_id=member.team_id, home_unit=home_unit or None)

    def successor(self, secretary_id: str) -> Secretary | None:
        """Who answers for what this secretary owned: themselves; after they have left, the team's leader, or another
        member, until someone is named by a hand-over. None: the duty secretary."""
        member = self._member.get(secretary_id)
        if member is None:
            return None
        return self._as_owner(member) if member.active else self._responsible(Area("", "", "", member.team_id))

    # ── who is bound (bridge.adapter.Directory) ──
    def of_secretary(self, secretary_id: str) -> str | None:
        """The openid of the secretary, or of the successor of one who has left: it is no longer theirs to read."""
        now = self.successor(secretary_id)
        return self.openids.get(now.id) if now is not None else None

    def of_unit(self, unit: str) -> str | None:
        """The openid of the unit's contact."""
        found = self._unit.get(place_key(unit))
        return self.of_secretary(found.contact_id) if found else None

    # ── coverage (every community has a team of at least four) ──
    def coverage(self) -> list[Coverage]:
        """Every community with its team, in the order of the list."""
        return [
            Coverage(area, self._team.get(area.team_id), len(self._active.get(area.team_id, ())))
            for area in self.areas
            if area.community
        ]


def place_key(name: str | None) -> str:
    """A street's, community's or unit's name as it is compared: without blanks, signs, width and office endings."""
    key = plain(name or "")
    for ending, instead in _ENDINGS:
        if key.endswith(ending) and len(key) > len(ending):
            return key.removesuffix(ending) + instead
    return key


def _index(areas: Iterable[Area], name: Callable[[Area], str], wanted: Callable[[Area], bool]) -> dict[str, list[Area]]:
    index: dict[str, list[Area]] = {}
    for area in areas:
        if wanted(area):
            index.setdefault(place_key(name(area)), []).append(area)
    return index


def _agrees(area: Area, region: str) -> bool:
    """Region codes have 6, 9 or 12 digits: the longer one begins with the shorter one, if they speak of one place."""
    ours = area.region_code
    return not ours or not region or ours.startswith(region) or region.startswith(ours)


def _same(ours: str, given: str) -> bool:
    return not ours or not given or ours == given
