"""The digest as a JSON document: traced, for operators of the bridge, or published, for everyone else.

Both have the same shape. A number is `{"count": n}`, with `"petitions": […]` in the traced one; in the published one
`count` is null where it is hidden, and entries of lists that would tell of a small group are left out. Whole numbers
and text only, so that the document has a canonical form (RFC 8785) and a digest that can be sealed.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from bridge.clock import iso
from bridge.digest import findings, words
from bridge.digest.anonymity import Key, Members
from bridge.digest.digest import FORMAT, Digest
from bridge.digest.findings import Finding, growth
from bridge.digest.month import Month
from bridge.digest.pens import Figure, Pen, Tracing, Veiling

Document = dict[str, Any]

TABLES = ("kind", "handling_class", "source", "region", "unit", "subject", "state", "progress")
CROSS = ("handling_class", "kind")
SUGGESTIONS: Key = (("kind", "suggestion"),)


def traced(digest: Digest) -> Document:
    """With the petitions of every number. For those who may see petitions."""
    return _document(digest, Tracing(digest)) | {"audience": "operators"}


def published(digest: Digest) -> Document:
    """Without petitions and without small groups. For the meeting, the departments, the deputies."""
    return _document(digest, Veiling(digest)) | {"audience": "everyone"}


def _document(digest: Digest, pen: Pen) -> Document:
    desk, totals = digest.desk, digest.totals
    return {
        "format": FORMAT,
        "month": str(desk.month),
        "from": iso(desk.month.start),
        "until": iso(desk.month.end),
        "cut_off": iso(desk.cut_off),
        "final": digest.final,
        "rules": digest.rules.document(),
        # The order is the priority: what is asked first is shown rather than what would give it away.
        "totals": {
            "accepted": pen.accepted(()),
            "closed": pen.single(totals["closed"]),
            "open": pen.open(()),
            "suggestions": pen.accepted(SUGGESTIONS),
            "pending": pen.single(totals["pending"]),
            "repeated": pen.single(totals["repeated"]),
            "difficult": pen.single(totals["difficult"]),
        },
        "months": [_month(digest, pen, month, members) for month, members in digest.months],
        "tables": {name: _table(digest, pen, name) for name in TABLES},
        "kinds_by_class": _cross(digest, pen, *CROSS),
        **_hot(digest, pen),
        "similar": _groups(digest, pen, digest.similar),
        "suggestions": _groups(digest, pen, digest.suggestions, SUGGESTIONS),
        "repeated": _rows(digest, pen.entries(digest.repeated), "subject"),
        "pending": _pending(digest, pen),
        "pending_matters": _matters(digest, pen, totals["pending"]),
        "difficult": _rows(digest, pen.entries(digest.difficult), "reason"),
        "difficult_matters": _matters(digest, pen, totals["difficult"]),
        "units": _units(digest, pen),
    }


def _month(digest: Digest, pen: Pen, month: Month, members: Members) -> Document:
    return {"month": str(month), **(pen.accepted(()) if month == digest.desk.month else pen.single(members))}


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────


def _table(digest: Digest, pen: Pen, name: str) -> list[Document]:
    """The rows that are shown, the largest first, then one that says how many are not."""
    rows, veiled = [], 0
    for key, _ in digest.accepted.table(name):
        figure = pen.accepted(((name, key),))
        if figure["count"] is None and name in words.NOBODY:
            # A name that hardly anybody used may say who they are: the row goes, not only its number.
            veiled += 1
        else:
            rows.append({"key": key, **_words(digest, name, key), **figure})
    return [*rows, {"not_shown": veiled}] if veiled else rows


def _cross(digest: Digest, pen: Pen, rows: str, columns: str) -> list[Document]:
    """Each cell of a cross table that has a petition."""
    keys = sorted(key for key in digest.accepted.cells if tuple(name for name, _ in key) == (rows, columns))
    return [{rows: key[0][1], columns: key[1][1], **pen.accepted(key)} for key in keys]


def _words(digest: Digest, dimension: str, key: str) -> dict[str, str]:
    zh, en = words.words(dimension, key)
    if dimension == "region" and key in digest.rules.regions:
        zh = en = digest.rules.regions[key]
    return {"zh": zh, "en": en}


# ── lists ───────────────────────────────────────────────────────────────────────────────────────────────────


def _hot(digest: Digest, pen: Pen) -> Document:
    """The hot matters, and the months that they are held against (`against`): one whose numbers beside them would tell
    of a small group is left out for all of them."""
    shown = pen.entries(digest.hot)
    against: dict[Month, list[Figure]] = {}
    for at, (month, members) in enumerate(digest.months[:-1]):
        column = pen.past(members, [found.further["before"][at] for found, _ in shown])
        if column is not None:
            against[month] = column
    return {
        "against": [str(month) for month in against],
        "hot": [
            {
                **_about(digest, found),
                **figure,
                "before": [{"month": str(month), **column[row]} for month, column in against.items()],
                "trend": _trend(digest, found, against),
            }
            for row, (found, figure) in enumerate(shown)
        ],
    }


def _trend(digest: Digest, found: Finding, against: Container[Month]) -> str | None:
    earlier = zip(digest.months[:-1], found.further["before"], strict=True)
    before = [digest.desk.taken_for(members) for (month, _), members in earlier if month in against]
    if not any(before) and len(before) < len(digest.months) - 1:
        # A month that is left out may have had it: nobody can say that it is new.
        return None
    return trend(len(found.members), before)


def trend(now: int, before: Sequence[int]) -> str | None:
    """The month against the mean of the months before, in words: exact rates would give hidden numbers away. None
    without any month to hold it against."""
    if not before:
        return None
    if not any(before):
        return "new"
    percent = growth(now, before)
    return next((name for name, least in (("surge", 200), ("up", 120), ("level", 80)) if percent >= least), "down")


def _groups(digest: Digest, pen: Pen, groups: Iterable[Finding], *cells: Key) -> list[Document]:
    """Groups of similar petitions, with words that many of them share, and their common place and subject."""
    shown = pen.entries(groups, *cells)[: digest.rules.similar.listed]
    return [{**_about(digest, found), "label": list(_label(digest, found)), **figure} for found, figure in shown]


def _label(digest: Digest, found: Finding) -> Sequence[str]:
    """The words of the group; a department's part of it goes by the words of the whole."""
    (whole,) = found.further.get("whole", (found.members,))
    return digest.labels.get(whole, ())


def _about(digest: Digest, found: Finding) -> Document:
    """Which place and subject it is about, and the name of the place's county."""
    region = found.about["region"]
    return {**found.about, "county": _words(digest, "region", region)["zh"] if region else region}


def _rows(digest: Digest, entries: Iterable[tuple[Finding, Mapping[str, Any]]], dimension: str) -> list[Document]:
    return [
        {dimension: found.about[dimension], **_words(digest, dimension, found.about[dimension]), **figure}
        for found, figure in entries
    ]


def _pending(digest: Digest, pen: Pen) -> list[Document]:
    rows = []
    for found in digest.pending:
        least, most = found.about["more_than_days"], found.about["up_to_days"]
        zh, en = words.age(least, most)
        rows.append({**found.about, "zh": zh, "en": en, **pen.open((("age", str(least)),))})
    return rows


def _matters(digest: Digest, pen: Pen, members: Members) -> list[Document]:
    """The places and subjects that most of these are about."""
    entries = pen.entries(findings.matters(digest.desk, members))[: digest.rules.hot.listed]
    return [{**_about(digest, found), **figure} for found, figure in entries]


# ── departments ─────────────────────────────────────────────────────────────────────────────────────────────


def _units(digest: Digest, pen: Pen) -> list[Document]:
    """An extract for each department whose number is shown."""
    units = [(unit, members, pen.accepted((("unit", unit),))) for unit, members in digest.accepted.table("unit")]
    lasting = digest.desk.by(range(len(digest.desk.cases)), lambda case: case.unit)
    return [
        _unit(digest, pen, unit, members, lasting[unit])
        for unit, members, figure in units
        if figure["count"] is not None
    ]


def _unit(digest: Digest, pen: Pen, unit: str, members: Members, lasting: Members) -> Document:
    """One department's extract (分类反馈): what it got, how far it is, and its part of what the month teaches. What was
    hot and alike is about what it got this month (`members`); what came again or is difficult may be older
    (`lasting`)."""
    own = ("unit", unit)
    suggested = tuple(sorted((own, *SUGGESTIONS)))
    return {
        "key": unit,
        **_words(digest, "unit", unit),
        **pen.accepted((own,)),
        "open": pen.open((own,)),
        "pending": pen.single(digest.totals["pending"] & digest.open.cells.get((own,), frozenset())),
        "kinds": _row(digest, pen, own, "kind"),
        "progress": _row(digest, pen, own, "progress"),
        "hot": [{**_about(digest, found), **figure} for found, figure in pen.entries(_within(digest.hot, members))],
        "similar": _groups(digest, pen, _within(digest.similar, members)),
        "suggestions": _groups(digest, pen, _within(digest.suggestions, members), SUGGESTIONS, suggested),
        "repeated": _rows(digest, pen.entries(_within(digest.repeated, lasting)), "subject"),
        "difficult": _rows(digest, pen.entries(_within(digest.difficult, lasting)), "reason"),
    }


def _row(digest: Digest, pen: Pen, own: tuple[str, str], dimension: str) -> list[Document]:
    keys: list[Key] = [key for key in digest.accepted.cells if len(key) == 2 and own in key]
    order = list(words.WORDS[dimension])
    values = [value for key in keys for name, value in key if name == dimension]
    values.sort(key=lambda value: (order.index(value) if value in order else len(order), value))
    return [
        {"key": value, **_words(digest, dimension, value), **pen.accepted(tuple(sorted((own, (dimension, value)))))}
        for value in values
    ]


def _within(found: Iterable[Finding], members: Members) -> list[Finding]:
    """The part of each finding that is the department's own, the largest first."""
    parts = [
        Finding(finding.about, finding.members & members, {"whole": (finding.members,)})
        for finding in found
        if finding.members & members
    ]
    return sorted(parts, key=lambda part: -len(part.members))
