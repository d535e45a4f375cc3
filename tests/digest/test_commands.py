"""`bridge digest` and `bridge digest-items`, as an operator types them."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from bridge.cli.digest import register
from bridge.clock import from_ms, utc_now
from bridge.digest.month import Month
from schemas.base import SHANGHAI
from tests.digest.test_reading import Town
from tests.support.ledgers import Bench

app = typer.Typer()
register(app)
PAST = "2026-01"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a ledger in which six people brought something in the month."""
    bench = Bench("sqlite:///data/bridge.db")
    monkeypatch.setattr("bridge.app.privacy", lambda _: bench.privacy)
    town = Town(bench)
    bench.clock.at = from_ms(Month.parse(PAST).end - 1)
    for who in range(6):
        town.submit(who)
    bench.close()


def bridge(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_a_month_that_is_over_is_sealed_and_holds_ever_after() -> None:
    first = bridge("digest", "--month", PAST, "--json")
    assert first.exit_code == 0, first.stderr
    document = orjson.loads(first.stdout)
    assert (document["month"], document["final"], document["totals"]["accepted"]["count"]) == (PAST, True, 6)
    again = bridge("digest", "--month", PAST)
    assert again.exit_code == 0
    assert "已封存" in again.stdout


def test_a_month_can_be_looked_at_without_sealing_it() -> None:
    assert "未封存" in bridge("digest", "--month", PAST, "--no-seal").stdout


def test_the_files_of_a_month(here: Path) -> None:
    found = bridge("digest", "--month", PAST, "--out", "out")
    assert found.exit_code == 0, found.stderr
    names = sorted(path.name for path in (here / "out").iterdir())
    assert names == sorted(
        [f"digest-{PAST}.json", f"departments-{PAST}"]
        + [f"{name}-{PAST}.{kind}" for name in ("meeting", "deputies") for kind in ("json", "xlsx", "html")]
    )
    sealed = hashlib.sha256((here / "out" / f"digest-{PAST}.json").read_bytes()).hexdigest()
    assert sealed in found.stdout.replace("\n", "")


def test_a_month_that_goes_on_is_marked_and_not_handed_on(here: Path) -> None:
    month = str(Month.parse(f"{utc_now().astimezone(SHANGHAI):%Y-%m}"))
    found = bridge("digest", "--month", month, "--out", "out", "--json")
    assert found.exit_code == 0
    assert "阶段性数字" in found.stderr
    assert "interim" in found.stderr
    assert orjson.loads(found.stdout)["final"] is False
    assert sorted(path.name for path in (here / "out").iterdir()) == [
        f"digest-{month}-interim.json", *(f"meeting-{month}-interim.{form}" for form in ("html", "json", "xlsx"))
    ]  # fmt: skip
    assert "interim" not in bridge("digest", "--month", PAST).stderr


def test_who_reads_the_petitions_is_noted(here: Path) -> None:
    found = bridge("digest", "--month", PAST, "--json", "--trace", "--operator", "wang")
    assert orjson.loads(found.stdout)["audience"] == "operators"
    assert bridge("digest", "--month", PAST, "--json", "--operator", "li").exit_code == 0
    with closing(sqlite3.connect(here / "data" / "bridge.db")) as ledger:
        noted = [orjson.loads(body) for (body,) in ledger.execute(
            "SELECT body FROM journal WHERE what = 'digest.traced'"
        )]  # fmt: skip
    assert [(entry["actor"], entry["month"]) for entry in noted] == [("operator:wang", PAST)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--month", "2026-13"), "YYYY-MM"),
        (("--month", "2099-01"), "has not begun"),
        (("--month", "2000-01"), "ask for 2026-01 or after"),
        (("--month", PAST, "--rules", "gone.toml"), "gone.toml"),
        (("--month", PAST, "--out", "taken/inside"), "cannot be written"),
        (("--month", PAST, "--trace"), "--json"),
    ],
)
def test_wrong_usage_is_one_line(here: Path, words: tuple[str, ...], said: str) -> None:
    (here / "taken").write_text("a file")
    found = bridge("digest", *words)
    assert found.exit_code == 2
    assert said in found.stderr
    assert "Traceback" not in found.stderr


def test_an_item_lists_month_is_a_month() -> None:
    for words in (("list", "--month", "foo"), ("propose", "x", "--month", "2026-1", "--title", "增设路灯")):
        found = bridge("digest-items", *words)
        assert (found.exit_code, "YYYY-MM" in found.stderr, found.stdout) == (2, True, "")


COMMANDS = [
    ("digest", "--month", PAST),
    ("digest", "--month", PAST, "--json", "--trace"),
    ("digest-items", "list"),
    ("digest-items", "propose", "x", "--month", PAST, "--title", "增设路灯"),
    ("digest-items", "adopt", "x", "好"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_begins_a_ledger(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    found = bridge(*words)
    assert (found.exit_code, "there is no ledger" in found.stderr, "无台账" in found.stderr) == (3, True, True)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_month_that_is_reckoned_otherwise_than_it_was_sealed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bridge("digest", "--month", PAST).exit_code == 0
    monkeypatch.setattr("bridge.digest.seal.traced", lambda made: {"changed": True})
    found = bridge("digest", "--month", PAST)
    assert found.exit_code == 1
    assert "封存结果不一致" in found.stderr


def test_a_sealed_document_that_was_changed_is_an_error_and_is_not_handed_on(here: Path) -> None:
    assert bridge("digest", "--month", PAST).exit_code == 0
    with closing(sqlite3.connect(here / "data" / "bridge.db")) as ledger, ledger:
        ledger.execute("UPDATE digests SET published = published || ' '")
    found = bridge("digest", "--month", PAST, "--out", "out", "--json")
    assert found.exit_code == 1
    assert "封存摘要不符" in found.stderr
    assert found.stdout == ""
    assert not (here / "out").exists()


ROUNDS = [
    (("consult", "水务局", "财政局"), "consulting"),
    (("opine", "水务局", "同意"), "consulting"),
    (("assess", "条件具备"), "assessed"),
    (("adopt", "常务会议通过"), "adopted"),
    (("link", "民生实事第3项"), "adopted"),
    (("convey", "市人大代表"), "adopted"),
    (("table", "提案", "2027-118"), "adopted"),
    (("resolve", "2027-118", "已采纳"), "adopted"),
]


def test_from_the_proposal_to_the_motion() -> None:
    proposed = bridge(
        "digest-items", "propose", "2026-10-01", "--month", "2026-10", "--title", "更换管道", "--subject", "供水"
    )
    assert proposed.exit_code == 0, proposed.stderr
    for (action, *said), state in ROUNDS:
        found = bridge("digest-items", action, "2026-10-01", *said, "--json")
        assert orjson.loads(found.stdout) == {"item_id": "2026-10-01", "result": "done", "state": state, "why": None}
    (item,) = orjson.loads(bridge("digest-items", "list", "--json").stdout)["items"]
    assert [entry["action"] for entry in item["rounds"]] == [action for (action, *_), _ in ROUNDS]
    assert "更换管道" in bridge("digest-items", "list", "--month", "2026-10").stdout


def test_what_cannot_be_entered_falls_short() -> None:
    found = bridge("digest-items", "adopt", "2026-10-09", "好")
    assert found.exit_code == 1
    assert "2026-10-09: not_found" in found.stderr


def test_personal_data_is_refused_at_the_door() -> None:
    found = bridge("digest-items", "propose", "2026-10-01", "--month", "2026-10", "--title", "请联系13900001234")
    assert found.exit_code == 1
    assert "title: a number of a person (电话、证件等号码)" in found.stderr
    assert "疑似个人信息" in found.stderr
    assert "13900001234" not in found.stderr
    assert orjson.loads(bridge("digest-items", "list", "--json").stdout) == {"items": []}
