"""Every table: the built-in one loads, and one that cannot be used says where and why in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.rules import calendar, rates, supervision, transitions
from bridge.rules.profiles import Profiles
from bridge.rules.table import BadTable

LOADERS: dict[str, Callable[[Path | None], object]] = {
    "calendar.toml": calendar.rules,
    "deadlines.toml": Profiles.load,
    "lifecycle.toml": transitions.load,
    "rates.toml": rates.rules,
    "supervision.toml": supervision.rules,
}
BUILT_IN = Path(transitions.__file__).resolve().parent.parent / "tables"


@pytest.mark.parametrize("name", sorted(LOADERS))
def test_a_copy_of_the_built_in_table_is_a_citys_own(name: str, tmp_path: Path) -> None:
    own = tmp_path / name
    own.write_bytes((BUILT_IN / name).read_bytes())
    LOADERS[name](own)


@pytest.mark.parametrize("name", sorted(LOADERS))
@pytest.mark.parametrize("content", [b"= 1", b"\xff\xfe", b"nobody_knows = 1", b""])
def test_what_is_no_table_is_one_line(name: str, content: bytes, tmp_path: Path) -> None:
    own = tmp_path / name
    own.write_bytes(content)
    with pytest.raises(BadTable) as caught:
        LOADERS[name](own)
    assert str(own) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(LOADERS))
def test_a_table_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadTable, match="nowhere"):
        LOADERS[name](tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        ("deadlines.toml", 'reply = "5WD"', 'reply = "5W"', "is no term"),
        ("deadlines.toml", 'name = "general"', 'name = "urgent"', "two profiles have one name"),
        ("deadlines.toml", 'when = { class = "on_site" }\n', 'when = { class = "at_home" }\n', "at_home|Input should"),
        ("deadlines.toml", 'black = "6WD"', 'black = "6.5WD"', "whole days, or hours"),
        ("deadlines.toml", 'name = "general"', 'name = "general"\nwhen = { kind = "help" }', "no petition is outside"),
        ("deadlines.toml", "pause = []", 'pause = ["holiday"]', "Input should"),
        ("calendar.toml", "receipt_day = 0", "receipt_day = 2", "Input should"),
        ("calendar.toml", '"01-01", ', '"13-01", ', "pattern"),
        ("supervision.toml", "class = []", 'class = ["on_site"]', "closing rule must fit every class"),
        ("supervision.toml", "when = {}", "when = { home_unit = false }", "must fit everything"),
        ("supervision.toml", 'reclass = "hotline_transfer"', 'reclass = "on_site"', "leads back"),
        ("supervision.toml", 'name = "stuck"', 'name = "hot"', "two triggers have one name"),
        ("rates.toml", '"responded"', '"answered_by_phone"', "Input should"),
        ("rates.toml", 'name = "first_satisfaction"', 'name = "satisfaction"', "two rates have one name"),
        ("lifecycle.toml", 'to = "accepted"', 'to = "acepted"', "unknown state 'acepted'"),
        ("lifecycle.toml", 'start = "new"', 'start = "nowhere"', "the start 'nowhere' is no state"),
        ("lifecycle.toml", 'deciding = ["return_requested"', 'deciding = ["asked"', "unknown states"),
    ],
)
def test_a_mistake_stops_the_start(name: str, old: str, new: str, fault: str, tmp_path: Path) -> None:
    text = (BUILT_IN / name).read_text("utf-8")
    assert old in text
    own = tmp_path / name
    own.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(BadTable, match=fault):
        LOADERS[name](own)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("deadlines.toml", 'reply = "5WD"', 'reply = "5W"', "edition.shandong-2020.profile.general.reply: '5W' is no"),
        ("deadlines.toml", 'reply = "5WD"', 'replly = "5WD"', "edition.shandong-2020.profile.general.replly: nobody"),
        ("supervision.toml", "threshold = 10", "threshold = -5", "trigger.hot.threshold: Input should"),
        ("supervision.toml", 'name = "stuck"', 'name = "hot"', "supervision.toml: two triggers have one name"),
        ("supervision.toml", "class = []", 'class = ["nobody"]', "closing.3.class.1: Input should"),
    ],
)
def test_a_mistake_is_placed_by_names(name: str, old: str, new: str, said: str, tmp_path: Path) -> None:
    text = (BUILT_IN / name).read_text("utf-8")
    assert old in text
    own = tmp_path / name
    own.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(BadTable) as caught:
        LOADERS[name](own)
    assert said in str(caught.value)
    assert "Value error" not in str(caught.value)


def test_two_editions_need_two_names(tmp_path: Path) -> None:
    text = (BUILT_IN / "deadlines.toml").read_text("utf-8")
    own = tmp_path / "deadlines.toml"
    own.write_text(text + text[text.index("[[edition]]") :], "utf-8")
    with pytest.raises(BadTable, match="two editions have one version"):
        Profiles.load(own)
