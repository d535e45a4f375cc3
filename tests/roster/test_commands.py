"""`bridge roster` and `bridge unreached`, as an operator types them."""

from pathlib import Path

import orjson
import pytest
from click.testing import Result
from typer.testing import CliRunner

from bridge.cli.main import app
from schemas.petition import Secretary
from tests.support.ledgers import Bench, petition, submission

TEAMS = "服务队编号,服务队名称,派出单位,队长编号\nT1,第一服务队,市住建局,S1\n"
SECRETARIES = "书记编号,姓名,服务队编号\n" + "".join(f"S{n},孟{n},T1\n" for n in range(1, 5))
AREAS = "区划代码,街道,社区,服务队编号\n370811,太白湖街道,许庄社区,T1\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("teams", TEAMS), ("secretaries", SECRETARIES), ("areas", AREAS)):
        Path(f"{name}.csv").write_text(text, encoding="utf-8")
    assert bridge("migrate").exit_code == 0


def bridge(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def imported() -> None:
    assert bridge("roster", "import", "teams.csv", "secretaries.csv", "areas.csv").exit_code == 0


def test_import_and_check() -> None:
    rehearsed = bridge("roster", "import", "teams.csv", "secretaries.csv", "areas.csv", "--dry-run", "--json")
    assert orjson.loads(rehearsed.stdout) == {
        "dry_run": True,
        "version": 1,
        "counts": {"teams": 1, "secretaries": 4, "areas": 1},
        "joined": ["S1", "S2", "S3", "S4"],
        "left": [],
    }
    empty = bridge("roster", "check")
    assert (empty.exit_code, "no communities" in empty.stderr) == (1, True), "a rehearsal changes nothing"
    imported()
    report = orjson.loads(bridge("roster", "check", "--json").stdout)
    assert report == {
        "holds": True, "communities": 1, "covered": 1, "secretaries": 4, "bound": 0, "short": [],
        "unbound_owners": [],
    }  # fmt: skip


def test_a_team_of_three_is_not_enough() -> None:
    imported()
    Path("secretaries.csv").write_text(SECRETARIES.replace("S4,孟4,T1\n", ""), encoding="utf-8")
    assert "left 离任 1" in bridge("roster", "import", "secretaries.csv").stdout
    told = bridge("roster", "check")
    assert told.exit_code == 1
    assert "许庄社区" in told.stdout
    assert "1 of 1 communities are not covered" in told.stderr


def test_nothing_is_imported_while_there_are_faults() -> None:
    imported()
    Path("secretaries.csv").write_text("书记编号,姓名,服务队编号\nS1,孟1,T7\n", encoding="utf-8")
    refused = bridge("roster", "import", "secretaries.csv")
    assert refused.exit_code == 1
    assert "there is no team T7" in refused.stderr
    assert orjson.loads(bridge("roster", "check", "--json").stdout)["secretaries"] == 4
    missing = bridge("roster", "import", "nobody.csv")
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True)


def test_half_a_file_does_not_end_a_city() -> None:
    imported()
    Path("secretaries.csv").write_text("书记编号,姓名,服务队编号\nS9,孟9,T1\n", encoding="utf-8")
    Path("teams.csv").write_text(TEAMS.replace("S1", "S9"), encoding="utf-8")
    refused = bridge("roster", "import", "secretaries.csv", "teams.csv")
    assert (refused.exit_code, "4 of 4 secretaries would leave" in refused.stderr) == (1, True)
    assert orjson.loads(bridge("roster", "check", "--json").stdout)["secretaries"] == 4
    assert bridge("roster", "import", "secretaries.csv", "teams.csv", "--many-leave").exit_code == 0
    assert orjson.loads(bridge("roster", "check", "--json").stdout)["secretaries"] == 1


def test_owners_who_are_told_nothing_are_named() -> None:
    imported()
    write_petition("S1")
    report = orjson.loads(bridge("roster", "check", "--json").stdout)
    (owner,) = report["unbound_owners"]
    assert (owner["owner_id"], owner["petitions"], owner["why"], report["holds"]) == ("S1", 1, "not_bound", True)
    told = bridge("roster", "check")
    assert told.exit_code == 0, "coverage is another matter"
    assert "收不到微信消息" in told.stdout
    assert "未绑定微信" in told.stdout


def write_petition(owner: str) -> None:
    """One open petition of this owner in the ledger of the folder."""
    from bridge import app as root

    bench = Bench(root.settings().database_url)
    try:
        draft = petition(secretary=Secretary(id=owner, team_id="T1"))
        bench.take(submission("m1", draft=draft))
    finally:
        bench.close()
        bench.store.close()


def test_a_binding_code_is_shown_once() -> None:
    imported()
    shown = bridge("roster", "bind-code", "S1", "--hours", "2", "--json")
    answer = orjson.loads(shown.stdout)
    assert (answer["secretary"], answer["hours"], len(answer["code"])) == ("S1", 2.0, 9)
    assert "绑定 " in bridge("roster", "bind-code", "S1").stdout
    unknown = bridge("roster", "bind-code", "S9")
    assert (unknown.exit_code, "no active secretary" in unknown.stderr) == (1, True)


def test_unreached() -> None:
    imported()
    assert orjson.loads(bridge("unreached", "--json").stdout) == {"unreached": []}
    assert "everybody has been reached" in bridge("unreached").stdout
