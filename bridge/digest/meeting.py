"""What leaves the monthly analysis: the package for the meeting (会议材料) and the export to the 两代表一委员.

Both are built from the published document, so neither holds a number of a small group, and from the proposals that
operators keep beside it, whose words are refused at entry when they point at a person (`bridge.digest.personal`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bridge.clock import iso
from bridge.digest.documents import Document
from bridge.digest.rounds import motion_kind, motion_words

ACTIONS = {
    "consult": ("征求部门意见", "Opinions asked"),
    "opine": ("部门意见", "Opinion"),
    "assess": ("合理性评估", "Assessed"),
    "adopt": ("采纳", "Adopted"),
    "decline": ("未采纳", "Not adopted"),
    "link": ("列入民生实事项目", "Linked project"),
    "convey": ("送两代表一委员", "Sent to deputies"),
    "table": ("形成议案、提案", "Motion or proposal"),
    "resolve": ("议案、提案办理结果", "What became of it"),
}
STATES = {
    "proposed": ("已提出", "Proposed"),
    "consulting": ("征求意见中", "Opinions asked"),
    "assessed": ("已评估", "Assessed"),
    "adopted": ("已采纳", "Adopted"),
    "not_adopted": ("未采纳", "Not adopted"),
}

_SHARED = (
    "format",
    "rules",
    "month",
    "from",
    "until",
    "cut_off",
    "final",
    "totals",
    "months",
    "against",
    "hot",
    "similar",
    "suggestions",
)


def package(document: Document, items: Iterable[Mapping[str, Any]]) -> Document:
    """Everything published, and each proposal with all its rounds."""
    return {**document, "audience": "meeting", "proposals": [{**told(item), **_came(item)} for item in items]}


def export(document: Document, items: Iterable[Mapping[str, Any]]) -> Document:
    """What deputies get: the month without the departments' extracts, and proposals with their outcome and with the
    motions that came of them. What departments wrote to each other stays in the house."""
    shared = {name: document[name] for name in _SHARED if name in document}
    tables = {name: document["tables"][name] for name in ("kind", "region", "subject")}
    return {**shared, "audience": "deputies", "tables": tables, "proposals": [_outcome(item) for item in items]}


def told(item: Mapping[str, Any]) -> Document:
    """An item of the ledger with its rounds' times written out."""
    return {**item, "rounds": [{**entry, "at": iso(entry["at"])} for entry in item["rounds"]]}


def _outcome(item: Mapping[str, Any]) -> Document:
    """Where a proposal stands, and what came of it."""
    return {**{name: item[name] for name in ("item_id", "title", "about", "state")}, **_came(item)}


def _came(item: Mapping[str, Any]) -> Document:
    """The projects a proposal is part of, and its motions with what became of each."""
    rounds = item["rounds"]
    results = {entry["number"]: entry["outcome"] for entry in rounds if entry["action"] == "resolve"}
    motions = [
        # It was kept in Chinese before kinds had codes.
        {"kind": motion_kind(entry["kind"]), "number": entry["number"], "outcome": results.get(entry["number"])}
        for entry in rounds
        if entry["action"] == "table"
    ]
    return {"projects": [entry["project"] for entry in rounds if entry["action"] == "link"], "motions": motions}


def who(entry: Mapping[str, Any]) -> str:
    """Whom a round is about: the units asked, the one that answered, those it was given to."""
    return "、".join(entry.get("units", ())) or str(entry.get("unit") or entry.get("to") or "")


def what(entry: Mapping[str, Any]) -> tuple[str, str]:
    """What a round says, as it was entered; a motion's kind in Chinese and English."""
    if entry["action"] == "table":
        zh, en = motion_words(entry["kind"])
        return f"{zh}{entry['number']}", f"{en} {entry['number']}"
    if entry["action"] == "resolve":
        return (f"{entry['number']}：{entry['outcome']}",) * 2
    said = str(entry.get("opinion") or entry.get("text") or entry.get("project") or "")
    return said, said
