"""Reconciliation (对账) with the real bridge and its three sandboxes: a clean day shows no difference, a day with all
six classes of them on each side is mended or listed by name, and everything is sealed."""

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select

from bridge import app as root
from bridge.clock import utc_now
from bridge.demo.petitions import petitions as invented_petitions
from bridge.ledger import reads
from bridge.ledger.tables import events, handoffs, journal, messages, petitions, reconciliations
from bridge.reconcile.difference import HERE, THERE, Difference, Kind, Resolution
from bridge.reconcile.nightly import Nightly
from bridge.reconcile.reconciler import Reconciler
from bridge.reconcile.report import Report
from schemas.base import SHANGHAI, shanghai
from schemas.petition import Petition
from tests.faults.stage import Stage
from tests.support import launch
from tests.support.callers import call
from tests.support.differences import FORGED, Here, There, at, kept, named
from tests.support.processes import plain
from tests.support.waiting import wait_until

COUNT = 60
"""So many petitions show every door and every class; each system gets enough of them for every difference."""

BACK = 40
"""Days before today: the stage's clock has room to go forward, and ends where the real one is."""

SYSTEMS = tuple(manifest.system for manifest in root.manifests())


@dataclass(frozen=True)
class Day:
    """A day that is over: the stage, and the day."""

    stage: Stage
    day: date
    meddled: set[str] = field(default_factory=set)
    """Petitions that were made to differ somewhere; no other system's test needs them."""

    def run(self, system: str, day: date | None = None, *, mend: bool = True) -> Report:
        return self.stage.do(self.stage.bridge.reconciler(system).run(day or self.day, mend=mend))

    def until(self, day: date, hour: int = 2, minute: int = 30) -> None:
        """The clock goes on to that time, when nothing is on its way that would need the hours between."""
        self.stage.drain()
        ahead = datetime(day.year, day.month, day.day, hour, minute, tzinfo=SHANGHAI) - self.stage.clock()
        assert ahead > timedelta(0)
        self.stage.clock.advance(ahead.total_seconds())
        self.stage.walk()


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """Half past two in the night after a day with petitions of all classes through all doors."""
    stage = Stage(tmp_path_factory.mktemp("reconciliation"), reconcile_at=None)
    ten = shanghai(stage.clock()).replace(hour=10, minute=0) - timedelta(days=BACK)
    stage.clock.advance((ten - stage.clock()).total_seconds())
    with stage:
        day = ten.date()
        answers = stage.bring(invented_petitions(COUNT, day=day)).answers()
        assert {answer.petition.base["handling_class"] for answer in answers if answer.acknowledged} == {
            "on_site", "home_unit", "hotline_transfer", "key_supervision", "joint_package",
        }  # fmt: skip
        stage.drain()
        found = Day(stage, day)
        found.until(day + timedelta(days=1))
        yield found
        _check_law(stage)
    stage.check_proof()


def _check_law(stage: Stage) -> None:
    """In every sample, and in whole at the end: after a leap of days the night watch needs a round to have seen all."""
    assert {sample.law.difference for sample in stage.samples if sample.law is not None} == {0}
    stage.drain()
    stage.walk()
    law = stage.do(stage.bridge.ledger.conservation())
    assert law.holds, law


# ── a clean day ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_clean_day_shows_no_difference(over: Day, system: str) -> None:
    report = over.run(system)
    assert list(report.differences) == []
    assert report.here == report.there == report.matched >= 10
    assert report.here == len(over.stage.read(lambda conn: at(conn, system)))


# ── all six classes, on each side ───────────────────────────────────────────────────────────────────────────


@dataclass
class Seeded:
    """What was made to differ, and what the first run must say: what mends itself, and what is for people."""

    mended: set[tuple[str, str, str | None]]
    for_people: set[tuple[str, str, str | None]]
    again: str | None
    lost: str
    lost_key: str


def _choose(over: Day, system: str) -> tuple[Callable[..., str], list[str]]:
    """Gives one petition after another that is at the system; and two that are not."""
    vault = over.stage.bridge.privacy.vault
    known = over.stage.read(lambda conn: at(conn, system))
    everything = over.stage.read(
        lambda conn: [
            found[0]
            for one in conn.scalars(select(petitions.c.petition_id).order_by(petitions.c.petition_id)).all()
            if one not in over.meddled
            and (found := reads.petition(conn, vault, one)) is not None
            and not found[0].attachments
        ]
    )
    everything.sort(key=lambda one: one.source != system)
    able = [one for one in everything if one.petition_id in known and not (system == "wechat" and _unworded(one))]

    def take(*, ours: bool | None = None) -> str:
        found = next(one for one in able if ours in (None, one.source != system))
        able.remove(found)
        over.meddled.add(found.petition_id)
        return found.petition_id

    strangers = [one.petition_id for one in everything if one.petition_id not in known][:2]
    over.meddled.update(strangers)
    return take, strangers


def _unworded(petition: Petition) -> bool:
    """What was written in a conversation, or in confidence, the platform's list tells no words of."""
    person = petition.petitioner
    spoken = any(number.kind == "msg_id" for number in petition.external_ids)
    return spoken or person.confidential or person.anonymous


def _seed(over: Day, system: str) -> Seeded:
    stage = over.stage
    there = There(stage.world.sandbox_url(system), system)
    here = Here(stage.bridge.store, stage.bridge.privacy.vault, system)
    take, (stranger, another) = _choose(over, system)
    seeded = Seeded(set(), set(), None, *there.invent(over.day))
    seeded.mended.add((Kind.MISSING_HERE, HERE, seeded.lost))

    def people(kind: Kind, side: str, petition_id: str) -> str:
        seeded.for_people.add((kind, side, petition_id))
        return petition_id

    if system != "wechat":  # the platform lists what was filed with it; nothing is handed to it
        seeded.again = take(ours=True)
        there.forget(seeded.again)
        seeded.mended.add((Kind.MISSING_THERE, THERE, seeded.again))
        # A number there that the ledger has made up, and nothing to hand over again.
        here.imagine(people(Kind.MISSING_THERE, THERE, another), like=seeded.again)

    # What is changed here is what began there: every system's list would show a change of another one's.
    here.reword(people(Kind.FIELD_MISMATCH, THERE, take(ours=False)), content=FORGED)
    file = {"name": "只在我方.jpg", "url": "https://files.example.invalid/1"}
    here.reword(people(Kind.ORPHAN_ATTACHMENT, HERE, take(ours=False)), attachments=[file])
    here.reopen(reopened := people(Kind.STATE_MISMATCH, THERE, take(ours=False)))
    # One of their cases that two of our petitions claim; and of course they do not say the same.
    here.mistake(take(ours=False), stranger)
    people(Kind.DUPLICATE, HERE, people(Kind.FIELD_MISMATCH, THERE, stranger))

    there.forget(people(Kind.MISSING_THERE, THERE, take(ours=False)))
    # The platform's list has one word for an end, and none for a case that is open.
    there.change("state", reopened if system == "wechat" else people(Kind.STATE_MISMATCH, THERE, take()))
    there.change("words", people(Kind.FIELD_MISMATCH, THERE, take()))
    there.change("file", people(Kind.ORPHAN_ATTACHMENT, THERE, take()))
    there.twice(people(Kind.DUPLICATE, THERE, take()))
    return seeded


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_seeded_difference_is_mended_or_listed_by_name(over: Day, system: str) -> None:
    # What the mending of another system has set in motion is no news any more.
    over.until(shanghai(over.stage.clock()).date(), shanghai(over.stage.clock()).hour + 3)
    before = _counts(over)
    seeded = _seed(over, system)
    arrivals = _arrivals(over, system, seeded.again)

    look = over.run(system, mend=False)
    assert named(look.differences) == seeded.mended | seeded.for_people, "each with its class and side, and no other"
    assert _counts(over) == before, "only looked"

    first = over.run(system)
    assert named(first.differences) == seeded.mended | seeded.for_people
    assert named(_resolved(first, Resolution.FOR_PEOPLE)) == seeded.for_people
    assert first.open == len(seeded.for_people)
    over.stage.drain()

    _is_handed_over_again(over, system, seeded.again, arrivals)
    _is_taken_in(over, system, seeded, before["petitions"])

    second = over.run(system)
    assert named(second.differences) == named(_resolved(second, Resolution.FOR_PEOPLE)) == seeded.for_people
    _is_sealed(over, second)

    # What was mended entered the other list today: today's own run knows that it is all right.
    assert list(over.run(system, shanghai(over.stage.clock()).date(), mend=False).differences) == []


def _resolved(report: Report, *resolutions: Resolution) -> Sequence[Difference]:
    return [one for one in report.differences if one.resolution in resolutions]


def _counts(over: Day) -> dict[str, int]:
    tables = (petitions, events, handoffs, journal, messages, reconciliations)
    return over.stage.read(
        lambda conn: {table.name: conn.scalar(select(func.count()).select_from(table)) or 0 for table in tables}
    )


def _arrivals(over: Day, system: str, petition_id: str | None) -> list[dict[str, Any]]:
    received = over.stage.do(over.stage.world.received(system))
    assert received["duplicates"] == 0
    return [item for item in received["items"] if item["case"] == petition_id]


def _is_handed_over_again(over: Day, system: str, petition_id: str | None, before: list[dict[str, Any]]) -> None:
    if petition_id is None:
        return
    opening, (again, *more) = before[0], _arrivals(over, system, petition_id)[len(before) :]
    assert (again["key"], again["what"]) == (opening["key"], opening["what"]), "the same idempotency key"
    assert opening["key"] not in {item["key"] for item in more}
    records = over.stage.do(_all_days(over, system))
    assert [record.petition_id for record in records].count(petition_id) == 1, "it is there once"
    _, trail = over.stage.get(f"/v1/petitions/{petition_id}/trail")
    (replayed,) = [entry for entry in trail["entries"] if entry["what"] == "handoff.replayed"]
    assert (replayed["actor"], replayed["reason"].partition(":")[0]) == ("reconciliation", "missing_there")


async def _all_days(over: Day, system: str) -> list[Any]:
    register = over.stage.bridge.adapters[system].register
    assert register is not None
    return [one for days in range(3) for one in await register.day(over.day + timedelta(days=days))]


def _is_taken_in(over: Day, system: str, seeded: Seeded, before: int) -> None:
    """As the ordinary message would have been; and when that comes late, it is a repeat."""
    taken = over.stage.read(
        lambda conn: reads.message_body(conn, over.stage.bridge.privacy.vault, system, seeded.lost_key)
    )
    assert taken is not None
    counts = _counts(over)
    assert counts["petitions"] == before + 1
    status, answer = _late_original(over, system, taken, seeded.lost_key)
    assert status in (200, 202), answer
    over.stage.drain()
    assert _counts(over) == {**counts, "journal": _counts(over)["journal"]}


def _late_original(over: Day, system: str, taken: bytes, key: str) -> tuple[int, dict[str, Any]]:
    """The message that never came, as its system would have sent it in the first place."""
    document, stage = orjson.loads(taken), over.stage
    section: Any = stage.world.settings.system(system)
    if system == "governance_center":  # only the center can sign for itself
        url = f"{stage.world.sandbox_url(system)}/sandbox/batch"
        return stage.do(stage.world.call("POST", url, {"documents": [document]}))
    if system == "hotline12345":
        url = f"{stage.world.url}/in/hotline12345/openapi/v1/action?token={section.inbound_key.get_secret_value()}"
        envelope = {"uid": key, "senderCode": "x", "action": "REPORT", "data": document["noticeData"]}
        return stage.do(stage.world.call("POST", url, envelope))
    url, key = f"{stage.world.url}/in/wechat/petitions", section.inbound_key.get_secret_value()
    return call("POST", url, document["document"], bearer=key)


def _is_sealed(over: Day, report: Report) -> None:
    """The report is kept as it was, and its digest stands in the journal."""
    document = over.stage.read(lambda conn: kept(conn, report.system, over.day))
    assert document == report.as_json()
    query = select(reconciliations.c.digest, reconciliations.c.report).where(reconciliations.c.run_id == report.run_id)
    digest, body = over.stage.read(lambda conn: tuple(conn.execute(query).one()))
    assert digest == hashlib.sha256(body.encode()).hexdigest()
    bodies = over.stage.read(
        lambda conn: conn.scalars(select(journal.c.body).where(journal.c.what == "reconciliation.done")).all()
    )
    (entry,) = [entry for entry in map(orjson.loads, bodies) if entry["run_id"] == report.run_id]
    assert (entry["digest"], entry["to"], entry["day"]) == (digest, report.system, report.day)
    assert entry["outcome"] == "differs"


# ── where people look at it ─────────────────────────────────────────────────────────────────────────────────


def test_the_reports_over_rest(over: Day) -> None:
    for system in SYSTEMS:
        over.run(system)
    day = over.day.isoformat()
    status, listed = over.stage.get("/v1/reconciliations?limit=3")
    assert status == 200
    assert {one["system"] for one in listed["reconciliations"]} == set(SYSTEMS)
    assert {(one["day"], "report" in one) for one in listed["reconciliations"]} == {(day, False)}
    _, of_one = over.stage.get("/v1/reconciliations?system=wechat")
    assert {one["system"] for one in of_one["reconciliations"]} == {"wechat"}

    path = f"/v1/reconciliations/hotline12345/{day}"
    _, document = over.stage.get(path)
    assert document == over.stage.read(lambda conn: kept(conn, "hotline12345", over.day))
    lines = _text(over, f"{path}?form=csv").splitlines()
    assert len(lines) == 1 + len(document["differences"])
    assert lines[0].endswith("kind,side,petition_id,number,detail,resolution,why")
    page = _text(over, f"{path}?form=html")
    for one in document["differences"]:
        assert one.get("petition_id") or one["number"] in page
    assert over.stage.get("/v1/reconciliations/hotline12345/2020-01-01")[0] == 404
    assert over.stage.get(f"/v1/reconciliations/nobody/{day}")[0] == 404
    assert call("GET", over.stage.world.url + path)[0] == 401
    open_now = _text(over, "/metrics")
    assert f'bridge_reconciliation_open{{system="hotline12345"}} {float(document["open"])}' in open_now


def _text(over: Day, path: str) -> str:
    async def read() -> str:
        headers = {"Authorization": f"Bearer {over.stage.world.key}"}
        async with over.stage.bridge.session().get(over.stage.world.url + path, headers=headers) as response:
            assert response.status == 200
            return await response.text()

    return over.stage.do(read())


# ── every night ─────────────────────────────────────────────────────────────────────────────────────────────


class Counted(Reconciler):
    """Writes down which days it runs."""

    def __init__(self, one: Reconciler, ran: list[tuple[str, str]]) -> None:
        self.__dict__.update(one.__dict__)
        self._ran = ran

    async def run(self, day: date, *, mend: bool = True) -> Report:
        report = await super().run(day, mend=mend)
        self._ran.append((self.system, day.isoformat()))
        return report


def _nightly(over: Day, owner: str, ran: list[tuple[str, str]]) -> Nightly:
    stage = over.stage
    reconcilers = [Counted(stage.bridge.reconciler(system), ran) for system in SYSTEMS]
    return Nightly(reconcilers, stage.bridge.ledger, owner, stage.clock, time(0, 30))


def _week_before(today: date) -> list[str]:
    return [(today - timedelta(days=back)).isoformat() for back in range(1, 8)]


def test_every_night_yesterday_once_and_the_days_that_were_missed(over: Day) -> None:
    tonight = over.day + timedelta(days=20)
    over.until(tonight, 1)
    ran: list[tuple[str, str]] = []
    first, second = _nightly(over, "w1", ran), _nightly(over, "w2", ran)

    over.stage.mood("hotline12345", status=503, times=-1)
    assert sum(over.stage.do(_both(first, second))) == 14
    assert sorted(ran) == sorted((system, day) for system in SYSTEMS[1:] for day in _week_before(tonight)), "each once"
    (first_said, *others) = over.stage.logged("reconcile.failed")
    assert (first_said["system"], first_said["day"]) == ("hotline12345", _week_before(tonight)[0])
    assert len(others) == 6
    assert over.stage.do(first.catch_up()) == 0
    assert len(over.stage.logged("reconcile.failed")) == 7, "said once a day"

    over.stage.mood("hotline12345", times=0)
    ran.clear()
    assert sum(over.stage.do(_both(first, second))) == 7
    assert sorted(ran) == sorted(("hotline12345", day) for day in _week_before(tonight)), "tried again later"
    assert over.stage.do(first.catch_up()) + over.stage.do(second.catch_up()) == 0, "all is done"

    ran.clear()
    over.until(tonight + timedelta(days=1), 1)
    # The process that had the lease is gone; its lease has run out over the day.
    assert over.stage.do(second.catch_up()) == 3
    assert sorted(ran) == sorted((system, tonight.isoformat()) for system in SYSTEMS)


def test_what_was_mended_in_the_night_is_looked_at_once_more(over: Day) -> None:
    yesterday = shanghai(over.stage.clock()).date()
    lost, _ = There(over.stage.world.sandbox_url("governance_center"), "governance_center").invent(yesterday)
    ran: list[tuple[str, str]] = []
    nightly = _nightly(over, "w3", ran)
    over.until(yesterday + timedelta(days=1))
    over.stage.do(nightly.catch_up())
    report = over.stage.read(lambda conn: kept(conn, "governance_center", yesterday))
    assert [(one["number"], one["resolution"]) for one in report["differences"]] == [(lost, "taken_in")]
    over.stage.drain()
    assert over.stage.do(nightly.catch_up()) == 0
    for night in (2, 3):
        ran.clear()
        over.until(yesterday + timedelta(days=night))
        over.stage.do(nightly.catch_up())
        again = ("governance_center", yesterday.isoformat())
        assert ran.count(again) == (1 if night == 2 else 0)
    assert over.stage.read(lambda conn: kept(conn, "governance_center", yesterday))["differences"] == []


def test_before_its_hour_the_night_waits(over: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.daily.LOOK_SECONDS", 0.01)
    ran: list[tuple[str, str]] = []
    nightly = _nightly(over, "w4", ran)
    looked: list[datetime] = []

    def clock() -> datetime:
        looked.append(over.stage.clock())
        return looked[-1]

    monkeypatch.setattr(nightly._daily, "_now", clock)
    over.until(shanghai(over.stage.clock()).date() + timedelta(days=1), 0, 5)
    running = asyncio.run_coroutine_threadsafe(nightly.run(), over.stage._loop)
    wait_until(lambda: len(looked) > 3, "it to look at the clock a few times")
    assert ran == []
    over.until(shanghai(over.stage.clock()).date(), 0, 31)
    wait_until(lambda: len(ran) >= len(SYSTEMS), "the night's work to be done")
    over.stage.do(nightly.stop())
    running.result(10)


async def _both(*nightlies: Nightly) -> list[int]:
    return await asyncio.gather(*(nightly.catch_up() for nightly in nightlies))


# ── the command, last: it lives by the real clock ───────────────────────────────────────────────────────────


def test_the_command(over: Day, tmp_path: Path) -> None:
    over.stage.clock.advance((utc_now() - over.stage.clock()).total_seconds())
    day, quiet = over.day.isoformat(), (over.day - timedelta(days=3)).isoformat()
    environment = _environment(over)

    def bridge(*arguments: str, **changes: str) -> tuple[int, str, str]:
        code, out, log = launch.report(("reconcile", *arguments), {**environment, **changes}, tmp_path)
        return code, out.decode(), log.decode()

    code, out, log = bridge("hotline12345", "--date", day, "--json", "--csv", "r.csv", "--html", "r.html")
    report = orjson.loads(out)
    assert code == 1, log
    assert report["open"] == len(report["differences"]) > 0
    assert f"{report['open']} differences are for people to look at" in log
    assert (tmp_path / "r.csv").read_text("utf-8-sig").count("\n") == 1 + len(report["differences"])
    assert "对账报告" in (tmp_path / "r.html").read_text()
    assert over.stage.read(lambda conn: kept(conn, "hotline12345", over.day)) == report

    runs = _counts(over)["reconciliations"]
    code, out, _ = bridge("wechat", "--date", day, "--dry-run")
    assert code == 1
    assert "字段不一致" in out
    assert _counts(over)["reconciliations"] == runs, "a dry run keeps nothing"
    assert bridge("governance_center", "--date", quiet)[0] == 0

    assert bridge("nobody")[0] == 2
    assert bridge("wechat", "--date", "yesterday")[0] == 2
    over.stage.mood("governance_center", status=503, times=-1)
    code, _, log = bridge("governance_center", "--date", day)
    assert code == 3
    assert "governance_center did not give its list" in log
    over.stage.mood("governance_center", times=0)
    assert bridge("wechat", "--date", day, BRIDGE_WECHAT__PLATFORM_URL="")[0] == 3, "it has no list then"
    assert bridge("wechat", BRIDGE_DATABASE_URL="postgresql+psycopg://nobody@127.0.0.1:1/none")[0] == 3


def _environment(over: Day) -> dict[str, str]:
    """The stage's settings as another process gets them."""
    settings = over.stage.world.settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
    environment |= {
        "BRIDGE_DATABASE_URL": settings.database_url,
        "BRIDGE_BROKER_URL": "memory://",
        "BRIDGE_AUDIT_DIR": str(settings.audit_dir),
        "BRIDGE_KEYS_DIR": str(settings.keys_dir),
    }
    for system in SYSTEMS:
        for name, value in settings.system(system).model_dump(exclude_defaults=True).items():
            environment[f"BRIDGE_{system}__{name}".upper()] = plain(value)
    return environment
