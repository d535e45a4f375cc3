"""The console is one file that needs nothing else, speaks both languages, and never writes data as markup."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.inspect import PLACES, STATES
from bridge.ledger.lists import LIST_ZH
from bridge.ledger.tables import UNFINISHED
from bridge.lifecycle import STATE_AFTER
from bridge.reconcile.difference import KIND_ZH as DIFFERENCE_ZH
from bridge.reconcile.difference import RESOLUTION_ZH
from bridge.words import WHAT_ZH
from schemas.event import EVENT_ZH, EventType
from schemas.petition import CLASS_ZH, KIND_ZH, URGENCY_ZH

# CONTRACT 5 and docs/audit-log.md, `petition.<event type>` aside: those are the event types.
WHATS = (
    "petition.accepted", "event.routed", "handoff.delivered", "handoff.acknowledged", "handoff.unacknowledged",
    "handoff.failed", "handoff.unknown", "handoff.parked", "handoff.replayed", "handoff.cancelled", "petition.closed",
    "message.rejected", "operator.*", "pii.read", "pii.erased", "event.out_of_order",
)  # fmt: skip
VOID = {"meta", "link", "input", "br", "path"}
PAGE = files("bridge.console").joinpath("index.html").read_text("utf-8")


class Outline(HTMLParser):
    """Elements that open and close in order, the ids, the attributes, and what is inside `script` and `style`."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.faults: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.types: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag in self.inside:
            self.inside[tag].append("")
        if tag == "script":
            self.types.append(dict(attrs).get("type") or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()} closes nothing that is open")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.inside:
            self.inside[self.open[-1]][-1] += data

    def values(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def outline() -> Outline:
    parsed = Outline()
    parsed.feed(PAGE)
    parsed.close()
    return parsed


@pytest.fixture(scope="module")
def words(outline: Outline) -> dict[str, dict[str, list[str]]]:
    data: Any = json.loads(outline.inside["script"][0], object_pairs_hook=_once)
    assert isinstance(data, dict)
    return data


@pytest.fixture(scope="module")
def code(outline: Outline) -> str:
    return outline.inside["script"][1]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"said twice: {sorted({name for name in names if names.count(name) > 1})}"
    return dict(pairs)


# ── one well-formed file ──


def test_the_page_is_well_formed(outline: Outline) -> None:
    assert PAGE.startswith("<!doctype html>")
    assert outline.faults == []
    assert outline.open == []
    ids = outline.values("id")
    assert len(ids) == len(set(ids))


def test_it_needs_nothing_from_anywhere_else(outline: Outline) -> None:
    assert re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", PAGE, re.IGNORECASE) == []
    assert "@import" not in PAGE
    assert "url(" not in PAGE
    assert outline.values("src") == []
    assert [href for href in outline.values("href") if not href.startswith(("#", "data:"))] == []


def test_the_policy_lets_this_script_and_this_style_run_and_nothing_else(outline: Outline) -> None:
    policy = next(value for tag, name, value in outline.attributes if tag == "meta" and "script-src" in value)
    right = {"script-src": _hash(outline.inside["script"][1]), "style-src": _hash(outline.inside["style"][0])}
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert {name: rules[name] for name in right} == right, f"write these hashes into the page's policy: {right}"
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"
    assert rules["require-trusted-types-for"] == "'script'"
    assert outline.types == ["application/json", ""]
    assert len(outline.inside["style"]) == 1


def _hash(inline: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"


# ── nothing that comes from the API becomes markup ──


def test_nothing_is_written_as_markup(code: str, outline: Outline) -> None:
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "new Function",
                "createContextualFragment", "setHTML", "srcdoc", "javascript:"):  # fmt: skip
        assert way not in PAGE, way
    assert [name for _, name, _ in outline.attributes if name.startswith("on") or name == "style"] == []


def test_the_key_stays_in_the_session(code: str) -> None:
    assert re.findall(r"localStorage, \"bridge\.(\w+)\"", code) != []
    assert set(re.findall(r"localStorage, \"bridge\.(\w+)\"", code)) == {"lang", "theme"}
    assert set(re.findall(r"sessionStorage, \"bridge\.(\w+)\"", code)) == {"key"}
    assert "history.replaceState" in code
    assert "document.cookie" not in code


# ── both languages ──


def test_every_word_is_there_in_both_languages(words: dict[str, dict[str, list[str]]]) -> None:
    for group, entries in words.items():
        for name, pair in entries.items():
            assert len(pair) == 2, f"{group}.{name}"
            assert all(text.strip() for text in pair), f"{group}.{name}"
            assert _blanks(pair[0]) == _blanks(pair[1]), f"{group}.{name}: the languages fill in different things"
            assert not re.search(r"[\u4e00-\u9fff]", pair[1]), f"{group}.{name}: Chinese in the English text"


def _blanks(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_every_what_of_the_contract_has_a_word(words: dict[str, dict[str, list[str]]]) -> None:
    assert set(words["what"]) == set(WHATS)


def test_every_what_that_the_ledger_writes_has_a_word(words: dict[str, dict[str, list[str]]]) -> None:
    written = set()
    for source in files("bridge.ledger").iterdir():
        if source.name.endswith(".py"):
            written |= set(re.findall(r'"((?:handoff|event|message|pii)\.[a-z_]+)"', source.read_text("utf-8")))
    assert written
    assert written <= set(words["what"])


def test_every_event_type_has_a_word_and_the_chinese_is_the_schemas(words: dict[str, dict[str, list[str]]]) -> None:
    assert {name: pair[0] for name, pair in words["event"].items()} == {str(kind): EVENT_ZH[kind] for kind in EventType}


@pytest.mark.parametrize(("group", "chinese"), [("kind", KIND_ZH), ("class", CLASS_ZH), ("urgency", URGENCY_ZH)])
def test_the_petitions_own_words_are_the_schemas(
    words: dict[str, dict[str, list[str]]], group: str, chinese: dict[Any, str]
) -> None:
    assert {name: pair[0] for name, pair in words[group].items()} == {str(key): zh for key, zh in chinese.items()}


@pytest.mark.parametrize(("group", "chinese"), [("difference", DIFFERENCE_ZH), ("resolution", RESOLUTION_ZH)])
def test_the_words_of_reconciliation_are_those_of_its_report(
    words: dict[str, dict[str, list[str]]], group: str, chinese: dict[Any, str]
) -> None:
    assert {name: pair[0] for name, pair in words[group].items()} == {str(key): zh for key, zh in chinese.items()}


def test_one_thing_has_one_word_in_the_console_the_commands_and_the_log(words: dict[str, dict[str, list[str]]]) -> None:
    for name, zh in PLACES.items():
        assert words["ui"][name][0] == zh
    assert {name: pair[0] for name, pair in words["handoff_state"].items()} == STATES
    for name in words["what"].keys() & WHAT_ZH.keys():
        assert words["what"][name][0] == WHAT_ZH[name]
    for name, list_zh in LIST_ZH.items():
        assert words["ui"][name][0] == list_zh


@pytest.mark.parametrize(
    ("term", "name"),
    [
        ("accepted, taken in", "accepted"), ("held", "held"), ("in flight", "in_flight"), ("parked", "parked"),
        ("replay", "verb_replay"), ("cancel", "verb_cancel"), ("broker", "broker"), ("witness", "witness"),
        ("conservation, the law", "law"), ("lists of the day", "daily"),
    ],
)  # fmt: skip
def test_the_glossary_decides(term: str, name: str, words: dict[str, dict[str, list[str]]]) -> None:
    page = (Path(__file__).parents[2] / "docs/glossary.md").read_text("utf-8")
    glossary = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", page, re.MULTILINE))
    assert words["ui"][name][0] == glossary[term]


def test_words_that_the_glossary_replaced_are_gone() -> None:
    for old in ("重放", "消息代理", "已接收", "系统持有", "在途", "车道", "责任书记", "取消"):
        assert old not in PAGE, old


def test_every_state_has_a_word(words: dict[str, dict[str, list[str]]]) -> None:
    assert set(STATE_AFTER.values()) <= set(words["petition_state"])
    assert {*UNFINISHED, "delivered", "acknowledged", "cancelled"} == set(words["handoff_state"])


def test_every_word_that_the_page_asks_for_is_there(
    words: dict[str, dict[str, list[str]]], code: str, outline: Outline
) -> None:
    asked = set(re.findall(r"\bt\(\"(\w+)\"", code))
    asked |= set(outline.values("data-t")) | set(outline.values("data-t-placeholder"))
    assert len(asked) > 100
    assert asked <= set(words["ui"])
    # Names the page puts together: the checks of /readyz, the panels it reads, the lists and their empty states.
    put_together = {"database", "broker", "witness", "check_law", "verb_replay", "verb_cancel"}
    put_together |= {
        f"read_{panel}" for panel in re.findall(r"^  (\w+): (?:\(\) => call|async|read)", code, re.MULTILINE)
    }
    put_together |= {f"{name}_none" for name in ("parked", "retrying", "unknown", "malformed", "kept", "ignored")}
    put_together |= {f"tab_{name}" for name in ("parked", "retrying", "unknown")}
    put_together |= {f"{place}{end}" for place in ("closed", "held", "in_flight", "parked") for end in ("", "_why")}
    assert put_together <= set(words["ui"])


def test_every_element_that_the_script_asks_for_is_there(code: str, outline: Outline) -> None:
    made_by_the_script = {"why"}
    assert set(re.findall(r"\$\(\"([\w-]+)\"\)", code)) <= set(outline.values("id")) | made_by_the_script
