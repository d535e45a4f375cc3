"""docs/routing.md: its tables name what the code knows, and its examples give the answers that stand there."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge import routing
from bridge.cli.main import app
from schemas.petition import HandlingClass
from tests.docs.pages import DOCS, ROOT, text, titled

PAGE = text(DOCS / "routing.md")
BLOCKS = titled(PAGE)


def _named(heading: str) -> set[str]:
    """The words in the first column of the table under this header cell."""
    table = PAGE.split(f"| {heading} |")[1].split("\n\n")[0]
    return {word for line in table.splitlines()[2:] for word in re.findall(r"`(\w+)`", line.split("|")[1])}


def test_the_page_names_every_word_of_the_table() -> None:
    assert _named("in `when`") == routing._FIELDS
    assert _named("in `to`") == routing._WORDS
    assert _named("class") == {str(value) for value in HandlingClass}


@pytest.mark.parametrize(
    ("event", "answer", "added"),
    [("event.json", "the answer", ""), ("winter.json", "the answer in winter", BLOCKS["rules to add"])],
)
def test_the_answers_are_the_real_ones(
    event: str, answer: str, added: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(event).write_text(BLOCKS[event], encoding="utf-8")
    table = text(ROOT / "bridge/tables/routes.toml") + "\n" + added
    Path("routes.toml").write_text(table, encoding="utf-8")
    run = CliRunner().invoke(app, ["routes", "explain", event], env={"BRIDGE_ROUTES": "routes.toml"})
    assert run.exit_code == 0, run.output
    assert run.stdout == BLOCKS[answer]
