"""What stands in README and docs/ is there: links, sections, commands with their options, fields, metrics, tests."""

import ast
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer

from bridge.cli.main import app
from bridge.witness import canonical
from bridge.words import WHAT_ZH
from tests.docs import pages
from tests.docs.pages import DOCS, READMES, ROOT, fenced, name, text, without_code

PAGES = pages.pages()
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
ENGLISH, CHINESE = (text(path) for path in READMES)


def ids(path: Path) -> str:
    return name(path)


# ── links ──


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_relative_link_resolves(page: Path) -> None:
    links = re.findall(r"!?\[[^\]]*\]\(([^)\s]+)\)", without_code(text(page)))
    inside = [link for link in links if "://" not in link and not link.startswith("#")]
    missing = [link for link in inside if not (page.parent / link.partition("#")[0]).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_nothing_of_this_machine_is_on_a_page(page: Path) -> None:
    assert not re.search(r"/(root|home|work|tmp|Users)/", text(page))


def test_every_page_is_reachable_from_the_readme() -> None:
    index = text(READMES[0])
    assert [page.name for page in DOCS.glob("*.md") if f"docs/{page.name}" not in index] == []


# ── the two READMEs ──


def _headings(page: str) -> list[str]:
    return re.findall(r"^(#+) ", without_code(page), flags=re.MULTILINE)


def test_both_readmes_have_the_same_sections() -> None:
    assert _headings(ENGLISH) == _headings(CHINESE)


def test_both_readmes_have_the_same_links_but_for_the_language() -> None:
    def links(page: str) -> list[str]:
        found = re.findall(r"\]\(([^)]+)\)", page)
        return sorted(link.replace(".zh-CN", "") for link in found)

    assert links(ENGLISH) == links(CHINESE)


def test_both_readmes_show_the_same_blocks_but_for_words() -> None:
    def shape(block: str) -> str:
        return re.sub(r'"[^"]*"', '""', block)

    assert [shape(block) for block in fenced(ENGLISH)] == [shape(block) for block in fenced(CHINESE)]


# ── commands ──


def _commands(page: Path) -> Iterator[list[str]]:
    """Every `make …` and `bridge …` in code, as words; what precedes it (variables, docker compose exec) is dropped."""
    lines = [line for block in fenced(text(page)) for line in block.splitlines()]
    lines += re.findall(r"`((?:[A-Z_]+=\S+ )*(?:bridge|make) [a-z][^`\n]*)`", without_code(text(page)))
    for line in lines:
        match = re.match(r"(?:[A-Z_0-9]+=\S+ |docker compose exec \S+ |\.venv/bin/)*((?:bridge|make) [a-z].*)$", line)
        if match:
            yield shlex.split(match[1])


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", text(ROOT / "Makefile"), flags=re.MULTILINE))


def _options(command: Any) -> dict[str, bool]:
    """The command's options, and whether each wants a value."""
    return {
        option: not getattr(parameter, "is_flag", False)
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("-")
    }


def _fault(words: list[str]) -> str | None:
    """What is wrong with this command, or None."""
    if words[0] == "make":
        return None if words[1] in _targets() else f"make has no target {words[1]}"
    command: Any = typer.main.get_command(app)
    rest = words[1:]
    while rest and hasattr(command, "commands"):
        if rest[0] not in command.commands:
            return f"bridge has no command {' '.join(words[1:])}"
        command, rest = command.commands[rest[0]], rest[1:]
    known = _options(command)
    for position, word in enumerate(rest):
        if word.startswith("--"):
            if word not in known:
                return f"{word} is no option of {' '.join(words)}"
            if known[word] and position + 1 == len(rest):
                return f"{word} wants a value in {' '.join(words)}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_command_exists_with_its_options(page: Path) -> None:
    assert [fault for words in _commands(page) if (fault := _fault(words))] == []


def test_commands_are_found_at_all() -> None:
    found = {" ".join(words[:2]) for words in _commands(READMES[0])}
    assert {"make demo", "make test", "bridge queues", "bridge replay", "bridge verify", "bridge serve"} <= found


def test_a_wrong_command_would_be_noticed() -> None:
    assert _fault(["bridge", "queue"])
    assert _fault(["bridge", "queues", "--jsonn"])
    assert _fault(["make", "dmeo"])
    assert _fault(["bridge", "keys", "api", "--name", "x", "--scope", "operate"]) is None


# ── the audit log ──

AUDIT_FIELDS = set(re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", text(DOCS / "audit-log.md"), flags=re.MULTILINE))
FIELDS = {field for cell in AUDIT_FIELDS for field in re.findall(r"\w+", cell)}
ENTRIES = (
    {"n": 1, "at": "2026-11-22T10:00:00.000+08:00", "what": "petition.accepted", "petition_id": "LT261122-XGXVDBAPJQ"}
    | {"from": "wechat", "to": "bridge", "outcome": "submitted", "sequence": 1, "event_id": "e1", "level": "info"},
    {"n": 2, "at": "2026-11-22T10:00:01.000+08:00", "what": "handoff.delivered", "petition_id": "LT261122-XGXVDBAPJQ"}
    | {"from": "bridge", "to": "hotline12345", "outcome": "delivered", "receipt": "R1", "attempt": 1, "level": "info"},
    {"n": 3, "at": "2026-11-22T10:00:02.000+08:00", "what": "handoff.parked", "petition_id": "LT261122-XGXVDBAPJQ"}
    | {"from": "bridge", "to": "wechat", "outcome": "no_recipient", "handoff_id": "h", "level": "error"},
    {"n": 4, "at": "2026-11-22T10:00:03.000+08:00", "what": "handoff.replayed", "petition_id": "LT261122-XGXVDBAPJQ"}
    | {"actor": "operator:zhang", "reason": "duty openid set", "handoff_id": "h", "level": "warning"},
    {"n": 5, "at": "2026-11-22T10:00:04.000+08:00", "what": "message.rejected", "from": "hotline12345", "to": "bridge"}
    | {"outcome": "refused", "reason": "no_key", "level": "warning"},
)


def test_the_page_names_every_field_that_has_a_place_in_a_line() -> None:
    assert set(canonical._FIRST) | set(canonical._LAST) <= FIELDS


def test_the_page_names_every_what_in_both_languages() -> None:
    page = text(DOCS / "audit-log.md")
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \|", page, flags=re.MULTILINE))
    assert all(word in page for word in WHAT_ZH)
    assert all(zh in page for zh in WHAT_ZH.values())
    assert all(rows[word].strip() for word in WHAT_ZH)


def _recipes() -> list[str]:
    found = [line for page in PAGES for block in fenced(text(page)) for line in block.splitlines()]
    return sorted({line for line in found if line.startswith("jq ")})


def test_recipes_name_fields_that_exist() -> None:
    assert len(_recipes()) >= 8
    for recipe in _recipes():
        program = shlex.split(recipe.partition(" data/")[0])[-1]
        made = set(re.findall(r"(\w+): ", program))
        used = set(re.findall(r"\.([a-z_]+)", re.sub(r'"[^"]*"', "", program)))
        assert used <= FIELDS | made, recipe


def test_recipes_run(tmp_path: Path) -> None:
    """Where jq is, each recipe gives something for a log that has one entry of each kind."""
    import shutil

    audit = tmp_path / "data/audit"
    audit.mkdir(parents=True)
    lines = b"".join(orjson.dumps(entry) + b"\n" for entry in ENTRIES)
    (audit / "audit-2026-11-22.jsonl").write_bytes(lines)
    if shutil.which("jq") is None:
        return
    for recipe in _recipes():
        command = re.sub(r"\$\(TZ=Asia/Shanghai date [^)]*\)", "2026-11-22", recipe)
        run = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, f"{recipe}: {run.stderr}"
        assert run.stdout.strip(), recipe


# ── metrics ──


def test_operations_names_every_metric_and_no_other() -> None:
    source = text(ROOT / "bridge/rest/health.py")
    real = set(re.findall(r'Gauge\(\s*"(bridge_\w+)"', source))
    assert real == set(re.findall(r"\bbridge_(?!pika)\w+", text(DOCS / "operations.md")))


# ── decisions ──


@pytest.mark.parametrize("page", DECISIONS, ids=ids)
def test_a_decision_is_one_short_page_with_its_parts(page: Path) -> None:
    assert len(text(page).splitlines()) <= 40
    parts = re.findall(r"^\*\*(\w[\w ]*)\.\*\*", text(page), flags=re.MULTILINE)
    assert parts == ["Question", "Options", "Decision", "Consequences", "Enforced by"]


@pytest.mark.parametrize("page", DECISIONS, ids=ids)
def test_every_enforcing_test_exists(page: Path) -> None:
    named = re.findall(r"^\* `(tests/[\w/]+\.py)::(\w+)`$", text(page).split("**Enforced by.**")[1], flags=re.MULTILINE)
    assert named
    assert [f"{path}::{test}" for path, test in named if test not in _tests(ROOT / path)] == []


def _tests(path: Path) -> set[str]:
    if not path.exists():
        return set()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(text(path))) if isinstance(node, functions)}


def test_decisions_are_numbered_without_gaps() -> None:
    assert [page.name[:4] for page in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]
    assert all(text(page).startswith(f"# {page.name[:4]} ") for page in DECISIONS)
