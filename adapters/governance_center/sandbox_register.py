"""The sandbox's register: which cases it has, and switches that make it differ from the bridge's ledger."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from adapters.governance_center import sandbox_cases
from adapters.governance_center.cases import UNITS, Case, Casebook, event_number
from adapters.governance_center.codes import Codes
from adapters.governance_center.listing import ListQuery
from adapters.governance_center.values import wire_time
from bridge.sandbox import Sandbox
from schemas.base import shanghai

Document = dict[str, Any]

LISTED = (
    "eventName",
    "content",
    "appealType",
    "eventType",
    "typeName",
    "urgencyDegree",
    "regionCode",
    "gridCode",
)
"""What the list says of a report: nothing by which the citizen can be known."""

INVENTED: Document = {
    "eventName": "巷道路灯不亮",
    "content": "幸福巷路灯已有多日不亮，夜间出行不便，请安排维修。",
    "appealType": "求助",
    "urgencyDegree": "01",
    "regionCode": "370811",
}


class Seeds:
    def __init__(self, book: Casebook, box: Sandbox, codes: Codes, app_id: str) -> None:
        self.forgotten: dict[str, int] = {}
        self._book = book
        self._box = box
        self._codes = codes
        self._app_id = app_id
        self._switches: dict[str, Callable[[Case, Document], Document]] = {
            "forget": self._forget,
            "state": self._state,
            "field": self._field,
            "twice": self._twice,
            "attachment": self._attachment,
            "entered": self._entered,
        }

    def round_of(self, petition_id: str) -> int:
        """How often the petition may rightly have been reported before: each time it was forgotten or archived."""
        archived = sum(case.archived for case in self._book.cases.values() if case.petition_id == petition_id)
        return self.forgotten.get(petition_id, 0) + archived

    # ── the query interface ──
    def listed(self, body: bytes) -> Document:
        """One page of the cases that entered within `[beginTime, endTime)`."""
        try:
            asked = ListQuery.model_validate_json(body)
        except ValueError:
            return {"code": "0", "message": "查询条件无效：须有beginTime、endTime、pageNo、pageSize"}
        found = [case for case in self._book.cases.values() if asked.covers(case.entered_at)]
        found.sort(key=lambda case: (case.entered_at, case.number))
        first = (asked.pageNo - 1) * asked.pageSize
        page = [self._entry(case) for case in found[first : first + asked.pageSize]]
        paged = {"pageNo": asked.pageNo, "pageSize": asked.pageSize, "total": len(found), "events": page}
        return {"code": "1", "message": "成功", **paged}

    def reported(self, case: Case) -> Document:
        """The report itself, as it was sent or would have been."""
        return {"code": "1", "message": "成功", "eventId": case.number, "document": case.document}

    def _entry(self, case: Case) -> Document:
        entry = {
            "eventId": case.number,
            "oppoSideBusiCode": case.petition_id,
            "reportAppId": self._app_id if case.ours else "",
            "enterTimeStr": wire_time(case.entered_at),
            "status": sandbox_cases.status_code(case, self._codes),
            **{name: case.document[name] for name in LISTED if name in case.document},
            "attrs": [*case.document.get("attrs", []), *case.files],
            **case.shown,
        }
        return {name: value for name, value in entry.items() if value is not None}

    # ── differences ──
    def seed(self, command: Document) -> Document:
        """`{"do": …, "petition_id" or "eventId": …, …}`; `invent` needs no case."""
        if command.get("do") == "invent":
            return self._invent(command)
        case = self._book.find(command.get("eventId"), command.get("petition_id"))
        switch = self._switches.get(command.get("do", ""))
        if switch is None or case is None:
            return {"error": f"do: invent, {', '.join(self._switches)}, with a case of this sandbox"}
        return {"eventId": case.number, "petition_id": case.petition_id, **switch(case, command)}

    def _forget(self, case: Case, command: Document) -> Document:
        """The case is gone, and so is the memory of the messages that made it: the same key opens it anew."""
        case.over = True
        self._book.forget(case)
        for key in case.message_ids:
            self._box.memory.answers.pop(key, None)
        ours = case.petition_id or ""
        self.forgotten[ours] = self.forgotten.get(ours, 0) + 1
        return {"forgotten": True}

    def _invent(self, command: Document) -> Document:
        """A case that the bridge was never told of. `fields` go into its report."""
        now = self._box.now()
        number = event_number(now, self._box.number(), self._box.random)
        case = Case(number, None, self._box.random.choice(UNITS), (), {}, self._at(command, now), ours=False)
        told = {"op": "report", "messageId": case.next_message_id(), "eventId": number, "taskTime": wire_time(now)}
        case.document = {**told, **INVENTED, "registerTimeStr": wire_time(now), **command.get("fields", {})}
        self._book.add(case)
        return {"eventId": number, "messageId": case.document["messageId"]}

    def _state(self, case: Case, command: Document) -> Document:
        case.shown["status"] = command["status"]
        return {"status": command["status"]}

    def _field(self, case: Case, command: Document) -> Document:
        case.document = {**case.document, command["field"]: command["value"]}
        return {"field": command["field"]}

    def _twice(self, case: Case, command: Document) -> Document:
        """The same petition under a second number."""
        again = event_number(self._box.now(), self._box.number(), self._box.random)
        self._book.add(replace(case, number=again, message_ids=[], parts={}, shown={}, files=[], over=True))
        return {"again": again}

    def _attachment(self, case: Case, command: Document) -> Document:
        """An attachment that nobody sent."""
        extra = {"name": command.get("name", "来历不明.jpg"), "url": "https://files.invalid/unknown.jpg"}
        case.document = {**case.document, "attrs": [*case.document.get("attrs", []), extra]}
        return {"attachment": extra["name"]}

    def _entered(self, case: Case, command: Document) -> Document:
        """It entered at another time (another day, around midnight)."""
        case.entered_at = self._at(command, case.entered_at)
        return {"entered_at": case.entered_at.isoformat()}

    def _at(self, command: Document, usual: datetime) -> datetime:
        return shanghai(datetime.fromisoformat(command["at"])) if "at" in command else usual
