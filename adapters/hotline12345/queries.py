"""GET_REC_INFO and GET_REC_PROCESS_INFO: what the hotline may ask us about a petition."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from adapters.hotline12345 import cases, envelope, times, wire
from adapters.hotline12345.codes import Codes
from bridge.adapter import Answered, PetitionView, Question, Reading
from schemas.event import EVENT_ZH, EventType
from schemas.petition import KIND_ZH, Kind


def rec_info(case: wire.Case, uid: str, codes: Codes) -> Reading:
    return _ask(case, uid, lambda view: {"recInfo": _info(view, codes)})


def process_info(case: wire.Case, uid: str, codes: Codes) -> Reading:
    asked = case.case_id
    return _ask(case, uid, lambda view: {"itemInstList": _steps(view, asked or view.petition_id)})


def _ask(case: wire.Case, uid: str, tell: Callable[[PetitionView], dict[str, Any]]) -> Reading:
    def then(views: Sequence[PetitionView]) -> Reading:
        if not views:
            return Answered(envelope.answer(uid, envelope.BAD_RECORD, "工单不存在"))
        return Answered(envelope.answer(uid, result=tell(views[0])))

    return Question(then, refs=cases.refs(case))


def _info(view: PetitionView, codes: Codes) -> dict[str, Any]:
    status = codes.case_status.get(view.state, {"id": None, "name": view.state})
    known = {number.kind: number.value for number in view.external_ids if number.system == cases.SYSTEM}
    return {
        "recId": cases.rec_id(view.petition_id),
        "taskNum": view.petition_id,
        "caseId": known.get("caseId", view.petition_id),
        "caseNum": known.get("caseNum"),
        "title": view.title,
        "recTypeName": _zh(view.kind),
        "caseStatus": status["id"],
        "actDefName": status["name"],
        "recCreateTime": times.write(view.submitted_at),
        "actCreateTime": times.write(view.updated_at),
        "unitName": view.unit,
        "replyContent": view.said,
        "medias": [],
    }


def _steps(view: PetitionView, case_id: str) -> list[dict[str, Any]]:
    """The first and the latest step: a view tells no more, and the hotline needs no more to see that we move."""
    reported = _step(case_id, EventType.SUBMITTED, view.submitted_at, None, "")
    if view.last_event == EventType.SUBMITTED:
        return [reported]
    return [reported, _step(case_id, view.last_event, view.updated_at, view.unit, view.said or "")]


def _step(case_id: str, event: str, at: datetime, unit: str | None, text: str) -> dict[str, Any]:
    return {
        "caseId": case_id,
        "action": event,
        "actionName": EVENT_ZH[EventType(event)] if event in set(EventType) else event,
        "actionTime": times.write(at),
        "partName": unit or "来听桥",
        "unitName": unit,
        "itemContent": text,
    }


def _zh(kind: str) -> str:
    return KIND_ZH[Kind(kind)] if kind in set(Kind) else kind
