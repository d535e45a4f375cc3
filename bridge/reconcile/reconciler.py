"""One run of reconciliation: ask the system for its list, compare, mend what can be mended, report and seal."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import structlog

from bridge.adapter import CannotAsk, OutboundError, Question, Record, Register, Taken
from bridge.clock import Now, iso, to_ms
from bridge.intake import Intake
from bridge.ledger import reconciling
from bridge.ledger.keep import Replayed
from bridge.ledger.ledger import Ledger
from bridge.minimum import Minimum
from bridge.reconcile.case import Case, cases_of_day, known_numbers, known_petitions
from bridge.reconcile.compare import Lists, absent, compare
from bridge.reconcile.difference import THERE, Difference, Kind, Resolution
from bridge.reconcile.report import Report
from schemas.base import shanghai

_log = structlog.get_logger("bridge.reconcile")


class CannotReconcile(Exception):
    """The system's list could not be had; the text names the system, the cause and the next step."""


class Reconciler:
    """Reconciles one system."""

    def __init__(
        self, system: str, register: Register, minimum: Minimum, ledger: Ledger, intake: Intake, now: Now
    ) -> None:
        self.system = system
        self._register = register
        self._minimum = minimum
        self._ledger = ledger
        self._intake = intake
        self._now = now

    async def run(self, day: date, *, mend: bool = True) -> Report:
        """Reconcile this day of the city's clock; `mend` False only looks (nothing is stored either). May be run any
        number of times. Raises `CannotReconcile`, `LedgerAway`."""
        run_id = f"{day:%Y%m%d}-{secrets.token_hex(4)}"
        earlier = await self._again_before(day)
        lists = await self._lists(day, earlier)
        differences, matched = compare(lists, self._register)
        if mend:
            ours = {case.petition_id for case in lists.cases if case.ours}
            records = {record.number: record for record in lists.records}
            differences = [await self._mend(one, ours, records, earlier, run_id) for one in differences]
        report = Report(
            run_id, self.system, day.isoformat(), iso(to_ms(self._now())), len(lists.cases), len(lists.records),
            matched, differences,
        )  # fmt: skip
        if mend:
            await self._keep(report)
        _log.info("reconcile.done", system=self.system, day=report.day, open=report.open, **report.counts)
        return report

    # ── the two lists ──
    async def _lists(self, day: date, earlier: "Again") -> Lists:
        records = await self._ask(day)
        elsewhere = [*await self._ask(day - timedelta(days=1)), *await self._ask(day + timedelta(days=1))]
        cases = await self._ledger.read(
            lambda conn: cases_of_day(conn, self._ledger.privacy.vault, self._minimum, self.system, day)
        )
        lists = await self._side_by_side(cases, records, elsewhere)
        for other in _other_days(day, absent(lists), earlier, shanghai(self._now()).date()):
            elsewhere += await self._ask(other)
        return await self._side_by_side(cases, records, elsewhere)

    async def _side_by_side(
        self, cases: Sequence[Case], records: Sequence[Record], elsewhere: Sequence[Record]
    ) -> Lists:
        known, petitions = await self._ledger.read(
            lambda conn: (
                known_numbers(conn, self.system, (record.number for record in (*records, *elsewhere))),
                known_petitions(conn, (record.petition_id for record in records if record.petition_id)),
            )
        )
        return Lists(self._now(), cases, records, elsewhere, known, frozenset(petitions))

    async def _ask(self, day: date) -> Sequence[Record]:
        try:
            return await self._register.day(day)
        except CannotAsk:
            raise CannotReconcile(f"{self.system} has no list to be asked for (对方无查询接口)") from None
        except OutboundError as error:
            raise CannotReconcile(
                f"{self.system} did not give its list of {day}: {error.code}; try again, or look at `bridge doctor`"
            ) from error

    # ── mending ──
    async def _mend(
        self,
        one: Difference,
        ours: set[str],
        records: Mapping[str, Record],
        earlier: "Again",
        run_id: str,
    ) -> Difference:
        if one.kind is Kind.MISSING_THERE and one.petition_id is not None and one.petition_id in ours:
            return await self._hand_over_again(one, one.petition_id, earlier, run_id)
        record = records.get(one.number or "") if one.kind is Kind.MISSING_HERE else None
        if record is not None and not record.ours:
            return await self._take_in(one, record)
        return one.resolved(Resolution.FOR_PEOPLE, _WHY.get((one.kind, one.side)))

    async def _hand_over_again(self, one: Difference, petition_id: str, earlier: "Again", run_id: str) -> Difference:
        if len(earlier.get(petition_id, ())) >= reconciling.MAX_AGAIN:
            return one.resolved(Resolution.FOR_PEOPLE, f"handed over again {reconciling.MAX_AGAIN} times already")
        sent = await self._ledger.hand_over_again(reconciling.Again(petition_id, self.system, run_id))
        if sent is None:
            return one.resolved(Resolution.FOR_PEOPLE, "no hand-off of it was ever delivered there")
        return one.resolved(Resolution.HANDED_OVER_AGAIN, sent)

    async def _take_in(self, one: Difference, record: Record) -> Difference:
        try:
            notice = await self._register.fetch(record)
        except OutboundError as error:
            return one.resolved(Resolution.FOR_PEOPLE, f"could not be fetched: {error.code}")
        received = self._now()
        reading = self._register.read(notice, received)
        while isinstance(reading, Question):
            reading = reading.then(await self._intake.views(reading))
        if not isinstance(reading, Taken):
            await self._intake.keep_notice(self.system, notice.key, to_ms(received), notice.body, reading)
            return one.resolved(Resolution.FOR_PEOPLE, "fetched, and not understood: see `GET /v1/messages`")
        outcomes = await self._intake.take(self.system, "reconciliation", to_ms(received), notice.body, reading.drafts)
        if isinstance(outcomes, Replayed):
            raise RuntimeError("no nonce was used")
        petition_id = next((outcome.petition_id for outcome in outcomes if outcome.petition_id), None)
        return one.resolved(Resolution.TAKEN_IN, petition_id)

    async def _again_before(self, day: date) -> "Again":
        reports = await self._ledger.read(lambda conn: reconciling.all_reports(conn, self.system, day.isoformat()))
        found: dict[str, list[date]] = {}
        for report in reports:
            for one in report["differences"]:
                if one["resolution"] == Resolution.HANDED_OVER_AGAIN:
                    found.setdefault(one["petition_id"], []).append(
                        shanghai(datetime.fromisoformat(report["ran_at"])).date()
                    )
        return found

    async def _keep(self, report: Report) -> None:
        await self._ledger.keep_report(
            reconciling.Kept(
                report.run_id, self.system, report.day, report.open, report.canonical(),
                {"here": report.here, "there": report.there, "matched": report.matched, **report.counts},
            )
        )  # fmt: skip


Again = Mapping[str, Sequence[date]]
"""Petition → the days on which earlier runs of this day have handed it over again."""

MOST_OTHER_DAYS = 14


def _other_days(day: date, absent: Sequence[Case], earlier: Again, today: date) -> list[date]:
    """The days, newest first, on which cases that are not in the lists may have entered the system after all: when it
    says that they began there (we may have heard of them days later), and when they were handed over again."""
    wanted = {shanghai(case.petition.submitted_at).date() for case in absent if not case.ours}
    for case in absent:
        for again in earlier.get(case.petition_id, ()):
            wanted |= {again, again + timedelta(days=1)}
    asked = {day - timedelta(days=1), day, day + timedelta(days=1)}
    return sorted((other for other in wanted - asked if other <= today), reverse=True)[:MOST_OTHER_DAYS]


_WHY: dict[tuple[Kind, str], str] = {
    (Kind.MISSING_THERE, THERE): "it began there, and is not there any more",
    (Kind.MISSING_HERE, "here"): "they name a petition number of ours that we never gave",
}
