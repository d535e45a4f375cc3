"""The table of thresholds: what is built in, what a city may change, and what is refused in one line."""

from pathlib import Path

import pytest

from bridge.digest.rules import BadDigestRules, DigestRules


def test_the_built_in_table_says_what_the_code_takes_for_granted() -> None:
    built_in = DigestRules.load()
    assert built_in.regions["370811"] == "任城区"
    assert built_in.model_copy(update={"regions": {}}) == DigestRules()


def test_a_city_changes_what_it_wants(tmp_path: Path) -> None:
    path = tmp_path / "digest.toml"
    path.write_text("k = 7\n[hot]\npersons = 30\n", "utf-8")
    rules = DigestRules.load(path)
    assert (rules.k, rules.hot.persons, rules.hot.growth_percent) == (7, 30, 200)
    assert DigestRules.of(rules.document()) == rules


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("k = 1", "k:"),
        ("kk = 5", "kk:"),
        ("[pending]\ndays = [60, 30]", "pending.days:"),
        ("[pending]\ndays = []", "pending.days:"),
        ("[hot]\npersons = 0", "hot.persons:"),
        ("[hot", "digest.toml:"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "digest.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(BadDigestRules) as error:
        DigestRules.load(path)
    assert named in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadDigestRules, match="gone"):
        DigestRules.load(tmp_path / "gone.toml")
