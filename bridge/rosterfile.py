"""The roster's CSV files: which list a file is, by its header in Chinese or English; every fault with its line.

UTF-8 (with or without BOM), GB18030 or UTF-16, as spreadsheets here write them. A list is complete: who is not on it
has left.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bridge.ledger.roster import Lists
from bridge.roster import Area, Member, Team, Unit

T = TypeVar("T")
MAX_LINES = 200_000

HEADERS: Mapping[str, tuple[str, ...]] = {
    "team_id": ("服务队编号", "服务队编码"),
    "team_name": ("服务队名称", "服务队"),
    "leader_id": ("队长编号", "负责人编号"),
    "secretary_id": ("书记编号", "民情书记编号"),
    "name": ("姓名", "书记姓名"),
    "home_unit": ("派出单位",),
    "active": ("在岗", "是否在岗"),
    "region_code": ("区划代码", "行政区划代码"),
    "street": ("街道", "乡镇街道", "镇街"),
    "community": ("社区", "村居", "社区村居"),
    "unit": ("单位名称", "单位"),
    "unit_code": ("单位代码", "单位编码"),
    "contact_id": ("联系人编号", "联系书记编号"),
}
"""Our name for a column, and what cities call it."""

LISTS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "teams": (frozenset({"team_id", "team_name"}), frozenset({"home_unit", "leader_id"})),
    "secretaries": (frozenset({"secretary_id", "name", "team_id"}), frozenset({"home_unit", "active"})),
    "areas": (frozenset({"community", "team_id"}), frozenset({"region_code", "street", "secretary_id"})),
    "units": (frozenset({"unit"}), frozenset({"unit_code", "contact_id"})),
}
"""Each list's columns: needed, and optional. No header fits two of them."""

_LIMITS = {"name": 100, "team_name": 200, "home_unit": 200, "street": 100, "community": 100, "unit": 200}
_ID_LIMIT = 128
_REGION_DIGITS = (2, 4, 6, 9, 12)
_YES = frozenset({"", "是", "在岗", "1", "y", "yes", "true"})
_NO = frozenset({"否", "离岗", "0", "n", "no", "false"})


@dataclass(slots=True)
class Read:
    """What was read out of all files; nothing is imported while there are `faults`."""

    lists: dict[str, list[tuple[str, Mapping[str, str]]]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


class BadRoster(ValueError):
    """The files cannot be imported; `faults` are all of them, each with its file and line."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(f"{len(faults)} faults; the first: {faults[0]}")
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger has already, for the lists that are not among the files."""

    teams: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()


def read_files(paths: Sequence[Path], known: Known) -> Lists:
    """The lists in the files. Raises `BadRoster` with every fault, `OSError` for a file that cannot be read."""
    read = Read()
    for path in paths:
        _read_file(path.name, decode(path.read_bytes()), read)
    lists = _build(read)
    read.faults += _dangling(lists, known)
    if read.faults:
        raise BadRoster(read.faults)
    return lists


def decode(data: bytes) -> str:
    """The file's text; UTF-16 is what a spreadsheet saves as "Unicode text"."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


# ── lines ───────────────────────────────────────────────────────────────────────────────────────────────────


def _read_file(name: str, text: str, read: Read) -> None:
    rows = csv.reader(io.StringIO(text, newline=""))
    columns = [_column(cell) for cell in next(rows, [])]
    kind = _kind(columns)
    if kind is None:
        read.faults.append(
            f"{name}:1: no list has these columns; a list of teams, secretaries, areas or units is known by "
            f"{'; '.join(', '.join(sorted(needed)) for needed, _ in LISTS.values())} (表头无法识别)"
        )
        return
    if kind in read.lists:
        read.faults.append(f"{name}:1: a second list of {kind} (同类名册重复)")
        return
    into = read.lists[kind] = []
    for number, cells in enumerate(rows, 2):
        if any(cell.strip() for cell in cells):
            row = {column: cell.strip() for column, cell in zip(columns, cells, strict=False) if column}
            into.append((f"{name}:{number}", row))
    if not into:
        read.faults.append(f"{name}: the list is empty; everybody would have left (名册为空)")
    if len(into) > MAX_LINES:
        read.faults.append(f"{name}: more than {MAX_LINES} lines (名册过长)")


def _column(cell: str) -> str:
    wanted = "".join(cell.split()).casefold()
    return next((ours for ours, theirs in HEADERS.items() if wanted == ours or wanted in theirs), "")


def _kind(columns: Sequence[str]) -> str | None:
    given = {column for column in columns if column}
    fitting = [kind for kind, (needed, more) in LISTS.items() if needed <= given <= needed | more]
    return fitting[0] if len(fitting) == 1 else None


# ── rows ────────────────────────────────────────────────────────────────────────────────────────────────────


def _build(read: Read) -> Lists:
    return Lists(
        teams=_made(read, "teams", _team, lambda one: one.id),
        members=_made(read, "secretaries", _member, lambda one: one.id),
        areas=_made(read, "areas", _area, lambda one: (one.region_code, one.street, one.community)),
        units=_made(read, "units", _unit, lambda one: one.name),
    )


def _made(read: Read, kind: str, make: Callable[["_Row"], T], key: Callable[[T], object]) -> tuple[T, ...] | None:
    """The list's rows; None if it is not among the files."""
    if kind not in read.lists:
        return None
    found: dict[object, T] = {}
    for where, cells in read.lists[kind]:
        one = make(_Row(where, cells, kind, read.faults))
        if key(one) in found:
            read.faults.append(f"{where}: stands there twice (重复)")
        found[key(one)] = one
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Row:
    """One line; asking for a cell says what is wrong with it."""

    where: str
    cells: Mapping[str, str]
    kind: str
    faults: list[str]

    def text(self, column: str) -> str:
        cell = self.cells.get(column, "")
        limit = _LIMITS.get(column, _ID_LIMIT)
        if not cell and column in LISTS[self.kind][0] and (self.kind, column) not in _MAY_BE_EMPTY:
            self.faults.append(f"{self.where}: {column} is empty (必填项为空)")
        if len(cell) > limit:
            self.faults.append(f"{self.where}: {column} is longer than {limit} characters (过长)")
        if any(ord(c) < 0x20 or ord(c) == 0x7F for c in cell):
            self.faults.append(f"{self.where}: {column} holds a control character (含控制字符)")
        return cell

    def active(self) -> bool:
        word = self.text("active").casefold()
        if word not in _YES | _NO:
            self.faults.append(f"{self.where}: active is neither 是 nor 否 (在岗须填是或否)")
        return word in _YES

    def region(self) -> str:
        code = self.text("region_code")
        if code and not (code.isascii() and code.isdigit() and len(code) in _REGION_DIGITS):
            self.faults.append(f"{self.where}: region_code has 2, 4, 6, 9 or 12 digits (区划代码位数有误)")
        return code


_MAY_BE_EMPTY = frozenset({("areas", "community"), ("areas", "team_id")})
"""An area of a whole street has no community, and one that nobody covers yet has no team."""


def _team(row: _Row) -> Team:
    return Team(row.text("team_id"), row.text("team_name"), row.text("home_unit"), row.text("leader_id"))


def _member(row: _Row) -> Member:
    return Member(row.text("secretary_id"), row.text("name"), row.text("team_id"), row.text("home_unit"), row.active())


def _area(row: _Row) -> Area:
    area = Area(row.region(), row.text("street"), row.text("community"), row.text("team_id"), row.text("secretary_id"))
    if not (area.region_code or area.street or area.community):
        row.faults.append(f"{row.where}: an area needs a region_code, a street or a community (区域为空)")
    return area


def _unit(row: _Row) -> Unit:
    return Unit(row.text("unit"), row.text("unit_code"), row.text("contact_id"))


# ── what points nowhere ─────────────────────────────────────────────────────────────────────────────────────


def _dangling(lists: Lists, known: Known) -> Iterator[str]:
    """Ids that no list has."""
    teams = {one.id for one in lists.teams} if lists.teams is not None else known.teams
    members = {one.id for one in lists.members} if lists.members is not None else known.members
    for member in lists.members or ():
        if member.team_id not in teams:
            yield f"secretary {member.id}: there is no team {member.team_id} (服务队不存在)"
    for team in lists.teams or ():
        if team.leader_id and team.leader_id not in members:
            yield f"team {team.id}: its leader {team.leader_id} is on no list (队长不在名册)"
    for area in lists.areas or ():
        name = area.community or area.street or area.region_code
        if area.team_id and area.team_id not in teams:
            yield f"area {name}: there is no team {area.team_id} (服务队不存在)"
        if area.secretary_id and area.secretary_id not in members:
            yield f"area {name}: secretary {area.secretary_id} is on no list (书记不在名册)"
    for unit in lists.units or ():
        if unit.contact_id and unit.contact_id not in members:
            yield f"unit {unit.name}: its contact {unit.contact_id} is on no list (联系人不在名册)"
