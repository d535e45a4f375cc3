"""One run of reconciliation: ask the system for its list, compare, mend what can be mended, report and seal."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import structlog

from bridge.adapter import CannotAsk, OutboundError, Question, Record, Register, Taken
from bridge.clock import Now, from_ms, iso, to_ms
from bridge.intake import Intake
from bridge.ledger import reconciling
from bridge.ledger.keep import Replayed
from bridge.ledger.ledger import Ledger
from bridge.minimum import Minimum
from bridge.reconcile.case import cases_of_day, day_range, known_numbers, known_petitions
from bridge.reconcile.compare import Lists, compare
from bridge.reconcile.difference import THERE, Difference, Kind, Resolution
from bridge.reconcile.report import Report

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
        lists = await self._lists(day)
        differences, matched = compare(lists, self._register)
        if mend:
            earlier = await self._times_again(day)
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
    async def _lists(self, day: date) -> Lists:
        records = await self._ask(day)
        neighbours = [*await self._ask(day - timedelta(days=1)), *await self._ask(day + timedelta(days=1))]
        begins, ends = (from_ms(moment) for moment in day_range(day))
        cases, known, petitions = await self._ledger.read(
            lambda conn: (
                cases_of_day(conn, self._ledger.privacy.vault, self._minimum, self.system, day),
                known_numbers(conn, self.system, (record.number for record in (*records, *neighbours))),
                known_petitions(conn, (record.petition_id for record in records if record.petition_id)),
            )
        )
        return Lists(begins, ends, self._now(), cases, records, neighbours, known, frozenset(petitions))

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
        earlier: Mapping[str, int],
        run_id: str,
    ) -> Difference:
        if one.kind is Kind.MISSING_THERE and one.petition_id is not None and one.petition_id in ours:
            return await self._hand_over_again(one, one.petition_id, earlier, run_id)
        record = records.get(one.number or "") if one.kind is Kind.MISSING_HERE else None
        if record is not None and not record.ours:
            return await self._take_in(one, record)
        return one.resolved(Resolution.FOR_PEOPLE, _WHY.get((one.kind, one.side)))

    async def _hand_over_again(
        self, one: Difference, petition_id: str, earlier: Mapping[str, int], run_id: str
    ) -> Difference:
        if earlier.get(petition_id, 0) >= reconciling.MAX_AGAIN:
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

    async def _times_again(self, day: date) -> dict[str, int]:
        """How often earlier runs of this day have handed each petition over again."""
        earlier = await self._ledger.read(lambda conn: reconciling.all_reports(conn, self.system, day.isoformat()))
        times: dict[str, int] = {}
        for report in earlier:
            for one in report["differences"]:
                if one["resolution"] == Resolution.HANDED_OVER_AGAIN:
                    times[one["petition_id"]] = times.get(one["petition_id"], 0) + 1
        return times

    async def _keep(self, report: Report) -> None:
        await self._ledger.keep_report(
            reconciling.Kept(
                report.run_id, self.system, report.day, report.open, report.canonical(),
                {"here": report.here, "there": report.there, "matched": report.matched, **report.counts},
            )
        )  # fmt: skip


_WHY: dict[tuple[Kind, str], str] = {
    (Kind.MISSING_THERE, THERE): "it began there, and is not there any more",
    (Kind.MISSING_HERE, "here"): "they name a petition number of ours that we never gave",
}


def missed_days(now: datetime, done: set[str], days: int = 7) -> list[date]:
    """The days before today that have not been run, newest first. `now` on the city's clock."""
    past = [now.date() - timedelta(days=back) for back in range(1, days + 1)]
    return [day for day in past if day.isoformat() not in done]
