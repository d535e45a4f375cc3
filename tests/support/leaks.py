"""Invented people whose data is told at first sight, petitions full of it, and a search that finds it in any dress.

Nothing here is real. Every value carries a mark of its own (two rare characters, a number block, a word that no text
has), so that a search needs no list of what to look for: it finds the marks and says whose they are.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, Literal
from urllib.parse import unquote

from bridge.demo.petitions import BasePetition, DemoPetition, Petitioner, petitions

What = Literal["name", "phone", "openid", "address", "id_number", "words", "secretary"]

_RARE = "龘靐齉爨犇骉羴鱻麤灥飍馫驫蠱譶靇巕籱虪讟钃鸜麷鞻顟騳鱵鷫黸齾爩癵籰糷纝蠿襽鑪鬰魖鼉鱺鸝鬱豔驪钂爧躞饢"
"""Characters that no text of the demo has: two of them are one person."""

_MARK = f"([{_RARE}])([{_RARE}])"


def _mark(n: int) -> str:
    return _RARE[n // len(_RARE)] + _RARE[n % len(_RARE)]


@dataclass(frozen=True, slots=True)
class Person:
    """One invented petitioner: each value of theirs shows the number `n`."""

    n: int

    @property
    def name(self) -> str:
        return "贾" + _mark(self.n)

    @property
    def secretary(self) -> str:
        return "书" + _mark(self.n)

    @property
    def words(self) -> str:
        return "密语" + _mark(self.n)

    @property
    def address(self) -> str:
        return f"泄漏巷{self.n:04d}号2单元301室"

    @property
    def openid(self) -> str:
        return f"oLeak{self.n:04d}" + "aBcDeFgHiJkLmNoPqRs"

    @property
    def phone(self) -> str:
        return f"1397{self.n:04d}{(self.n * 7919) % 1000:03d}"

    @property
    def id_number(self) -> str:
        """18 digits with a right check digit, of a county that there is not."""
        body = f"32990{1 + self.n // 1000}19710101{self.n % 1000:03d}"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]

    @property
    def spelled(self) -> str:
        """The phone in one of its written forms, in turn."""
        p = self.phone
        forms = (
            p, f"{p[:3]} {p[3:7]} {p[7:]}", f"{p[:3]}-{p[3:7]}-{p[7:]}", f"+86{p}",
            p.translate(_FULL_WIDTH), p.translate(_NUMERALS), f"{p[:3]}\u00a0{p[3:7]}\u00a0{p[7:]}",
        )  # fmt: skip
        return forms[self.n % len(forms)]


_FULL_WIDTH = {ord("0") + d: 0xFF10 + d for d in range(10)}
_NUMERALS = {ord("0") + d: "零幺二三四五六七八九"[d] for d in range(10)}


# ── petitions ───────────────────────────────────────────────────────────────────────────────────────────────


def brought(count: int, day: date) -> list[DemoPetition]:
    """`count` petitions by as many people through all doors; one in four confidential, about one in five unnamed."""
    if count > len(_RARE) ** 2:
        raise ValueError(f"there are {len(_RARE) ** 2} marks only")
    return [_full_of(petition, n) for n, petition in enumerate(petitions(count, seed=17, day=day))]


def hidden(people: Sequence[DemoPetition]) -> set[int]:
    """Who of them must not be known."""
    return {n for n, one in enumerate(people) if one.petitioner.confidential or one.petitioner.anonymous}


def _full_of(petition: DemoPetition, n: int) -> DemoPetition:
    """The petition with everything personal in it: in the fields, and in its words."""
    person = Person(n)
    written = petition.door == "wechat"  # in the conversation: only the openid is known
    confidential = n % 4 == 1 and not written
    anonymous = n % 4 == 3 and n % 5 != 0 and not written
    # Whose name nobody knows does not write it: nobody could tell that it is theirs.
    who = "有人反映" if anonymous or written else f"我是{person.name}"
    told = f"{who}，电话{person.spelled}，身份证{person.id_number}。{person.words}。{petition.content}"
    said = f"{person.words}：{who}，已致电{person.spelled}，现场办理。" if confidential or anonymous else ""
    base: BasePetition = {
        **petition.base,
        "title": f"{person.words}的诉求",
        "reply": said + petition.reply,
        "progress": said + petition.progress,
        "on_site_result": said + (petition.on_site_result or "已当场解决。"),
    }
    return replace(
        petition,
        base=base,
        external_id=petition.external_id if written else f"LK{n:05d}",
        content=told,
        place={**petition.place, "address": person.address},
        petitioner=Petitioner(
            name=None if anonymous or written else person.name,
            phone=None if anonymous or written else person.phone,
            openid=None if anonymous else person.openid,
            anonymous=anonymous,
            confidential=confidential,
        ),
        secretary=replace(petition.secretary, name=person.secretary) if petition.secretary else None,
    )


# ── the search ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Found:
    """A personal value of person `n` in clear, and where."""

    what: What
    n: int
    where: str

    def __str__(self) -> str:
        return f"{self.what} of {self.n} in {self.where}"


_PATTERNS: dict[What, re.Pattern[str]] = {
    "name": re.compile(f"贾{_MARK}"),
    "secretary": re.compile(f"书{_MARK}"),
    "words": re.compile(f"密语{_MARK}"),
    "address": re.compile(r"泄漏巷(\d{4})号"),
    "openid": re.compile(r"oLeak(\d{4})"),
    "phone": re.compile(r"1397(\d{4})(\d{3})"),
    "id_number": re.compile(r"32990([1-9])19710101(\d{3})"),
}
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_BETWEEN = re.compile(r"[\s\u00a0\u200b\u3000·.\-－—()（）]+")
_DIGITS = str.maketrans("零〇幺一二三四五六七八九", "001123456789")


def search(where: str, *texts: str | bytes) -> Iterator[Found]:
    """Every personal value in these texts, once each: escaped, percent-encoded, in other widths, with signs between."""
    seen = set()
    for text in texts:
        clear = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        for dress in _dresses(clear):
            for what, pattern in _PATTERNS.items():
                for match in pattern.finditer(dress):
                    n = _whose(what, match)
                    if n is not None and (what, n) not in seen:
                        seen.add((what, n))
                        yield Found(what, n, where)


def _dresses(text: str) -> tuple[str, str]:
    """The text unpacked, and the same with nothing between its characters and every digit a digit."""
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    plain = unicodedata.normalize("NFKC", html.unescape(unquote(plain) if "%" in plain else plain))
    return plain, _BETWEEN.sub("", plain).translate(_DIGITS)


def _whose(what: What, match: re.Match[str]) -> int | None:
    if what in ("name", "secretary", "words"):
        return _RARE.index(match[1]) * len(_RARE) + _RARE.index(match[2])
    if what == "id_number":
        return (int(match[1]) - 1) * 1000 + int(match[2])
    n = int(match[1])
    # A row of digits is a phone only if it is one of ours.
    return n if what != "phone" or match[0] == Person(n).phone else None


@dataclass
class Places:
    """Where things were found, and which of them may be there."""

    found: list[Found]

    @cached_property
    def whats(self) -> set[What]:
        return {one.what for one in self.found}

    def but(self, *allowed: What) -> list[str]:
        """What was found and is not allowed, in words; a few are enough."""
        return [str(one) for one in self.found if one.what not in allowed][:20]

    def of(self, people: Iterable[int], *allowed: What) -> list[str]:
        """What was found of these people and is not allowed."""
        who = set(people)
        return [str(one) for one in self.found if one.n in who and one.what not in allowed][:20]


def look(sinks: Sequence[tuple[str, Any]]) -> Places:
    """(where, text) → what is in them."""
    return Places([one for where, text in sinks for one in search(where, text)])
