"""What the sandboxed hotline answers when it is asked: a case, its steps, its notices, the list of a day, the
dictionary."""

from collections.abc import Mapping
from typing import Any

from adapters.hotline12345 import envelope, sandbox_register, times
from adapters.hotline12345.codes import Codes
from adapters.hotline12345.sandbox_autopilot import Autopilot
from adapters.hotline12345.sandbox_case import Case
from adapters.hotline12345.sandbox_manners import Manners
from adapters.hotline12345.sandbox_register import Register
from schemas.petition import KIND_ZH, Kind

Data = dict[str, Any]


class Refusal(Exception):
    """The call is not taken: a code of the standard, and its words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Questions:
    def __init__(self, register: Register, pilot: Autopilot, manners: Manners, tables: Codes) -> None:
        self._register = register
        self._pilot = pilot
        self._manners = manners
        self.dictionary = dictionary_of(tables)
        self._answers = {
            "GET_REC_INFO": self._rec_info,
            "GET_REC_PROCESS_INFO": lambda data: {"itemInstList": self.case(data).steps},
            "GET_NOTICE_INFO": self._notices,
            "NOTICE_SIGNING": self._signed,
            tables.register["action"]: self._rec_list,
        }

    def asks(self, action: str) -> bool:
        """Whether the action is a question: it leaves nothing behind."""
        return action in self._answers

    def answer(self, action: str, data: Data) -> Data:
        """The `result`. Raises `Refusal`."""
        return self._answers[action](data)

    def case(self, data: Mapping[str, Any]) -> Case:
        """The case that `data` names. Raises `Refusal`."""
        case = self._register.cases.get(data["caseId"])
        if case is None:
            raise Refusal(envelope.BAD_RECORD, "数据记录异常：工单不存在")
        return case

    def entries(self, code: str, page: int, size: int) -> Data:
        """One page of the dictionary."""
        entries = self.dictionary.get(code, [])
        shown, info = _page(entries, page, size)
        return {"data": shown, "pageInfo": info}

    # ── answers ──
    def _rec_info(self, data: Data) -> Data:
        case = self.case(data)
        info = {
            **case.order,
            "recId": case.rec_id,
            "taskNum": case.task_num,
            "caseHandleId": case.handle,
            "actDefName": case.state,
            "recCreateTime": times.write(case.entered),
            "unitName": case.unit,
        }
        return {"recInfo": info | ({"uid": case.uid} if case.uid else {})}

    def _notices(self, data: Data) -> Data:
        waiting = self._pilot.waiting(data["noticeName"])
        shown, info = _page(waiting, int(data.get("curPage") or 1), int(data.get("numPerPage") or 10))
        return {"resultList": [{"noticeId": n.number, "noticeData": n.data} for n in shown], "pageInfo": info}

    def _signed(self, data: Data) -> Data:
        signed = data["noticeList"][:1] if self._manners.strikes("partial") else data["noticeList"]
        for one in signed:
            self._pilot.sign(one.get("noticeId") if isinstance(one, dict) else None)
        return {}

    def _rec_list(self, data: Data) -> Data:
        found = self._register.between(data["beginTime"], data["endTime"])
        shown, info = _page(found, data["curPage"], data["numPerPage"])
        return {"resultList": [sandbox_register.row(case) for case in shown], "pageInfo": info}


def _page(found: list[Any], page: int, size: int) -> tuple[list[Any], Data]:
    shown = found[(max(page, 1) - 1) * size : max(page, 1) * size]
    info = {
        "numPerPage": size,
        "currentPage": page,
        "totalPage": -(-len(found) // size),
        "totalRecord": len(found),
        "currentRecord": len(shown),
        "enableCount": True,
    }
    return shown, info


def dictionary_of(tables: Codes) -> dict[str, list[Data]]:
    """The hotline's own ids, as the built-in tables know them."""
    kinds = [{"id": tables.kinds_sent[kind]["rec_type"], "name": KIND_ZH[kind]} for kind in Kind]
    return {
        "REC_TYPE": kinds,
        "EVENT_SRC": [dict(source) for source in tables.event_sources.values()],
        "EVENT_PROPERTY": [
            {"id": int(number), "name": KIND_ZH[Kind(kind)]} for number, kind in tables.property_ids.items()
        ],
    }
