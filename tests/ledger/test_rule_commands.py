"""`bridge calendar`, `deadlines`, `lists`, `out-of-order`, `owner`, as an operator types them."""

from pathlib import Path

import orjson
import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from bridge.cli import output
from bridge.cli.main import app
from bridge.ledger.migrate import migrate
from bridge.ledger.store import Store
from schemas.event import EventType as E
from tests.support.ledgers import HOTLINE, Bench

OFF = ("01-01", "02-05", "02-06", "02-07", "02-08", "02-09", "04-05", "05-01", "05-02", "06-09", "09-15", "10-01",
       "10-02", "10-03")  # fmt: skip
NOTICE = "date,is_workday,source_doc\n" + "".join(f"2027-{day},0,国办发明电〔2026〕9号\n" for day in OFF)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(output.out, "width", 200)
    Path("2027.csv").write_text(NOTICE, encoding="utf-8")
    Path("data").mkdir()
    store = Store("sqlite:///data/bridge.db")
    migrate(store)
    store.close()


def bridge(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def document(*words: str, code: int = 0) -> dict[str, object]:
    told = bridge(*words, "--json")
    assert told.exit_code == code, told.output
    found: dict[str, object] = orjson.loads(told.stdout)
    return found


def test_a_notice_is_loaded_and_shown() -> None:
    assert document("calendar", "show", "2027", code=1)["known"] is False
    assert document("calendar", "import", "2027.csv", "--operator", "zhang") == {
        "days": 14, "years": [2027], "taken_away": 0, "looked_at": 0, "provisional": 0,
    }  # fmt: skip
    shown = document("calendar", "show", "2027")
    assert (shown["known"], shown["missing_year"]) == (True, None)
    assert {"day": "2027-10-01", "is_workday": False} in shown["days"]  # type: ignore[operator]  # a list, by the line above
    assert "2027-02-05  休 off" in bridge("calendar", "show", "2027").stdout
    assert "14 days loaded" in bridge("calendar", "import", "2027.csv", "--operator", "zhang").stdout


def test_a_corrected_notice_says_what_it_took_away() -> None:
    bridge("calendar", "import", "2027.csv", "--operator", "zhang")
    Path("2027.csv").write_text(NOTICE.replace("2027-06-09", "2027-06-10"), encoding="utf-8")
    told = bridge("calendar", "import", "2027.csv", "--operator", "zhang").stdout
    assert "1 days of these years taken away: it does not name them" in told
    assert "0 open petitions are looked at again" in told
    assert "2027-06-09" not in bridge("calendar", "show", "2027").stdout


def test_a_row_that_nobody_can_read_is_named_and_goes_with_the_next_notice() -> None:
    store = Store("sqlite:///data/bridge.db")
    with store.writing() as conn:
        conn.execute(text("INSERT INTO workdays VALUES ('2027-01-01T00:00:00', false, '国办', 1)"))
    store.close()
    said = "of no use: 2027-01-01T00:00:00; import the notice of that year again"
    assert said in bridge("calendar", "show", "2027").stderr
    assert document("calendar", "show", "2027", code=1)["unreadable"] == ["2027-01-01T00:00:00"]
    assert said in bridge("doctor").output
    assert document("calendar", "import", "2027.csv", "--operator", "zhang")["taken_away"] == 1
    assert document("calendar", "show", "2027")["unreadable"] == []


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("big.csv", NOTICE + f'2027-06-10,0,"{"x" * 140_000}"\n', "line 16: field larger than"),
        (
            "time.toml",
            "[[day]]\ndate = 2027-01-01T00:00:00\nis_workday = false\nsource_doc = '国办'\n",
            "time.toml: day 1: date: write 2027-01-01 without a time of day",
        ),
    ],
)
def test_what_cannot_be_taken_is_said_in_a_line(name: str, content: str, fault: str) -> None:
    Path(name).write_text(content, encoding="utf-8")
    told = bridge("calendar", "import", name, "--operator", "zhang")
    assert (told.exit_code, fault in told.stderr, "nothing was loaded" in told.stderr) == (1, True, True)


def test_half_a_notice_is_refused_and_nothing_is_loaded() -> None:
    Path("half.csv").write_text("\n".join(NOTICE.splitlines()[:5]), encoding="utf-8")
    told = bridge("calendar", "import", "half.csv", "--operator", "zhang")
    assert told.exit_code == 1
    assert "2027" in told.stderr
    assert document("calendar", "show", "2027", code=1)["known"] is False
    assert bridge("calendar", "import", "none.csv", "--operator", "zhang").exit_code == 2


def test_the_other_reports(tmp_path: Path) -> None:
    bench = Bench("sqlite:///data/bridge.db")
    case = bench.submit()
    bench.say(case, E.CLOSED, HOTLINE)
    bench.say(case, E.DISPATCHED, HOTLINE)
    open_ = bench.submit()
    bench.clock.turn(2 * 86_400)
    bench.judge()
    bench.close()
    (event,) = document("out-of-order")["events"]  # type: ignore[misc]  # a list
    assert (event["petition_id"], event["type"]) == (case.id, "dispatched")
    assert case.id in bridge("out-of-order").stdout
    echo = document("lists")["no_echo"]
    assert [row["petition_id"] for row in echo] == [open_.id]  # type: ignore[attr-defined]  # a list of documents
    assert echo[0]["why"]  # type: ignore[index]  # a list of documents
    assert open_.id in bridge("lists").stdout
    assert bridge("lists", "--team", "nobody").exit_code == 2, "no such team"
    told = bridge("owner", open_.id, "--to", "s9", "--reason", "轮换", "--operator", "zhang")
    assert (told.exit_code, "s9" in told.stderr) == (1, True)


def test_a_closing_with_which_the_citizen_is_not_content_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge import app as root

    bench = Bench("sqlite:///data/bridge.db")
    monkeypatch.setattr(root, "privacy", lambda _settings: bench.privacy)
    case = bench.submit()
    bench.say(case, E.CLOSED, HOTLINE)
    bench.say(case, E.RATED, actor="petitioner", satisfaction="unsatisfied")
    bench.close()
    (waits,) = document("lists")["unconfirmed"]  # type: ignore[misc]  # a list
    assert (waits["petition_id"], waits["why"]) == (case.id, "discontent")
    assert "诉求人仍不满意" in bridge("lists").stdout


def test_deadlines_are_explained(tmp_path: Path) -> None:
    assert bridge("deadlines", "explain", "LT-none").exit_code == 1
    bench = Bench("sqlite:///data/bridge.db")
    case = bench.submit()
    bench.close()
    told = bridge("deadlines", "explain", case.id).stdout
    assert "→ general" in told
    assert "2026-11-27T23:59:59" in told
    assert document("deadlines", "explain", case.id)["profile"] == "general"


@pytest.mark.parametrize("name", ["DEADLINES", "CALENDAR", "SUPERVISION", "RATES"])
def test_a_table_that_cannot_be_used_stops_with_one_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge import app as root
    from bridge.settings import SettingsError

    Path("broken.toml").write_text("version = 1\n", encoding="utf-8")
    monkeypatch.setenv(f"BRIDGE_{name}", "broken.toml")
    with pytest.raises(SettingsError, match=r"broken\.toml"):
        root.rulebook(root.settings())
