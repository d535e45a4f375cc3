"""Every value that the documents list for a field: read for what it means, and written where we have cause to."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.hotline12345 import codes, sandbox_rules, telling
from bridge.adapter import Outgoing, Submission, Taken, Update
from schemas.event import EventData, Satisfaction, Span
from schemas.event import EventType as E
from schemas.petition import Attachment, Petitioner
from tests.adapters.hotline12345.support import CODES, NOW, PETITION_ID, REPORT, outgoing, petition, read, sent

C = {"caseId": PETITION_ID}
RATING = {"schemeId": 1, "evaluateTime": "2026-11-22 10:00:00", "evaluateState": 0, "evaluateType": 0}
NOTE = C | {"notifyContent": "已告知", "notifyTypeId": 1, "notifyMethod": 1}


def first(action: str, data: dict[str, Any]) -> Any:
    reading = read(sent(action, data))
    assert isinstance(reading, Taken), reading
    return reading.drafts[0]


def news(action: str, data: dict[str, Any]) -> Update:
    draft = first(action, data)
    assert isinstance(draft, Update)
    return draft


def order(change: dict[str, Any]) -> Submission:
    draft = first("REPORT", REPORT | change)
    assert isinstance(draft, Submission)
    return draft


def rated(change: dict[str, Any]) -> Update:
    return news("EVALUATE", C | {"misRecEvaluation": RATING | change})


def usage(word: str) -> Any:
    file = {"mediaName": "a.jpg", "mediaPath": "/a.jpg", "mediaUsage": word, "mediaTypeId": 1}
    return news("UPLOAD_MEDIA", C | {"medias": [file]}).data.attachments[0].usage


def applied(action: str, kind: int) -> E:
    return news(action, C | {"applyTypeId": kind, "applyReason": "理由"}).type


def answered(action: str, result: int) -> E:
    return news(action, C | {"replyResult": result, "replyOpinion": "意见"}).type


def postponed(change: dict[str, Any]) -> Any:
    data = news("APPLY_POSTPONE", C | {"applyTypeId": 1, "applyReason": "理由"} | change).data
    return data.extend_by or data.due_at


READ: dict[str, tuple[Callable[[], Any], Any]] = {
    "APPLY_ROLLBACK applyTypeId 0": (lambda: applied("APPLY_ROLLBACK", 0), E.RETURNED),
    "APPLY_ROLLBACK applyTypeId 1": (lambda: applied("APPLY_ROLLBACK", 1), E.RETURN_REQUESTED),
    "APPLY_POSTPONE applyTypeId 0": (lambda: applied("APPLY_POSTPONE", 0), E.EXTENDED),
    "APPLY_POSTPONE applyTypeId 1": (lambda: applied("APPLY_POSTPONE", 1), E.EXTENSION_REQUESTED),
    "APPLY_CANCEL applyTypeId 0": (lambda: applied("APPLY_CANCEL", 0), E.CANCELLED),
    "APPLY_CANCEL applyTypeId 1": (lambda: applied("APPLY_CANCEL", 1), E.CANCEL_REQUESTED),
    "REPLY_ROLLBACK replyResult 0": (lambda: answered("REPLY_ROLLBACK", 0), E.RETURN_DENIED),
    "REPLY_ROLLBACK replyResult 1": (lambda: answered("REPLY_ROLLBACK", 1), E.RETURNED),
    "REPLY_POSTPONE replyResult 0": (lambda: answered("REPLY_POSTPONE", 0), E.EXTENSION_DENIED),
    "REPLY_POSTPONE replyResult 1": (lambda: answered("REPLY_POSTPONE", 1), E.EXTENDED),
    "REPLY_CANCEL replyResult 0": (lambda: answered("REPLY_CANCEL", 0), E.CANCEL_DENIED),
    "REPLY_CANCEL replyResult 1": (lambda: answered("REPLY_CANCEL", 1), E.CANCELLED),
    "postponeType 0": (lambda: postponed({"postponeType": 0, "postponeDeadline": "2026-11-22 10:00:00"}), NOW),
    "postponeType 1": (
        lambda: postponed({"postponeType": 1, "postponeTime": 48}),
        Span(amount=48, unit="hours"),
    ),
    "postponeType 2": (
        lambda: postponed({"postponeType": 2, "postponeTime": 2.5}),
        Span(amount=2.5, unit="days"),
    ),
    "disposeState 0": (lambda: news("CHECK_FEEDBACK", C | {"disposeState": 0}).data.resolved, "no"),
    "disposeState 1": (lambda: news("CHECK_FEEDBACK", C | {"disposeState": 1}).data.resolved, "yes"),
    "evaluateState 0": (lambda: rated({"evaluateState": 0}).data.satisfaction, Satisfaction.SATISFIED),
    "evaluateState 1": (lambda: rated({"evaluateState": 1}).data.satisfaction, Satisfaction.UNSATISFIED),
    "evaluateState 2": (lambda: rated({"evaluateState": 2}).data.stage, "final"),
    "evaluateType 0": (lambda: rated({"evaluateType": 0}).actor, "petitioner"),
    "evaluateType 1": (lambda: rated({"evaluateType": 1}).actor, "system"),
    "notifyTypeId 1": (lambda: news("NOTIFY", NOTE).type, E.ACCEPTED),
    "notifyTypeId 2": (lambda: news("NOTIFY", NOTE | {"notifyTypeId": 2}).type, E.REPLIED),
    "notifyTypeId 96": (lambda: news("NOTIFY", NOTE | {"notifyTypeId": 96}).type, E.PROGRESSED),
    "notifyMethod 1": (lambda: _method(1), "短信"),
    "notifyMethod 2": (lambda: _method(2), "仅记录"),
    "notifyMethod 3": (lambda: _method(3), "微信"),
    "notifyMethod 4": (lambda: _method(4), "电话"),
    "reHandleFlag 1": (lambda: _again({"reHandleFlag": 1}), E.REHANDLED),
    "reHandleFlag 0": (lambda: _again({"reHandleFlag": 0}), E.DISPATCHED),
    "repeatCallFlag 1": (lambda: order({"repeatCallFlag": 1}).petition.repeat_call, True),
    "repeatCallFlag 0": (lambda: order({"repeatCallFlag": 0}).petition.repeat_call, False),
    "reporterPublicFlag 0": (lambda: order({"reporterPublicFlag": 0}).petition.petitioner.confidential, True),
    "reporterPublicFlag 1": (lambda: order({"reporterPublicFlag": 1}).petition.petitioner.confidential, False),
    "mediaUsage 上报": (lambda: usage("上报"), "上报"),
    "mediaUsage 核查": (lambda: usage("核查"), "核查"),
    "mediaUsage 核实": (lambda: usage("核实"), "核实"),
    "mediaUsage 处置": (lambda: usage("处置"), "处置"),
    "mediaUsage 自处置": (lambda: usage("自处置"), "自处置"),
}


def _method(number: int) -> Any:
    status = news("NOTIFY", NOTE | {"notifyMethod": number}).data.status
    return status.name if status else None


def _again(change: dict[str, Any]) -> Any:
    again = order(change).again
    return again.type if again else None


@pytest.mark.parametrize("value", list(READ))
def test_read(value: str) -> None:
    reading, meaning = READ[value]
    assert reading() == meaning


# ── written ──

OURS, THEIRS = {"recId": "1"}, {"caseId": "X1"}
FILE = Attachment(name="a.jpg", url="https://files.invalid/a.jpg")


def tells(event: E, numbers: dict[str, str], actor: str | None = None, **data: Any) -> Outgoing:
    return outgoing(event, external_ids=numbers, actor=actor, data=EventData(**({"text": "说明"} | data)))


WRITTEN: dict[str, Outgoing] = {
    "APPLY_ROLLBACK applyTypeId 0": tells(E.RETURNED, THEIRS),
    "APPLY_ROLLBACK applyTypeId 1": tells(E.RETURN_REQUESTED, THEIRS),
    "APPLY_POSTPONE applyTypeId 0": tells(E.EXTENDED, THEIRS, due_at=NOW),
    "APPLY_POSTPONE applyTypeId 1": tells(E.EXTENSION_REQUESTED, THEIRS, due_at=NOW),
    "APPLY_CANCEL applyTypeId 0": tells(E.CANCELLED, OURS),
    "APPLY_CANCEL applyTypeId 1": tells(E.CANCEL_REQUESTED, OURS),
    "REPLY_ROLLBACK replyResult 0": tells(E.RETURN_DENIED, OURS),
    "REPLY_ROLLBACK replyResult 1": tells(E.RETURNED, OURS),
    "REPLY_POSTPONE replyResult 0": tells(E.EXTENSION_DENIED, OURS),
    "REPLY_POSTPONE replyResult 1": tells(E.EXTENDED, OURS),
    "REPLY_CANCEL replyResult 0": tells(E.CANCEL_DENIED, OURS),
    "postponeType 0": tells(E.EXTENSION_REQUESTED, THEIRS, due_at=NOW + timedelta(days=3)),
    "postponeType 1": tells(E.EXTENSION_REQUESTED, THEIRS, extend_by=Span(amount=48, unit="hours")),
    "postponeType 2": tells(E.EXTENSION_REQUESTED, THEIRS, extend_by=Span(amount=2.5, unit="days")),
    "disposeState 0": tells(E.VERIFIED, THEIRS, resolved="no"),
    "disposeState 1": tells(E.VERIFIED, THEIRS, resolved="yes"),
    "evaluateState 0": tells(E.RATED, OURS, satisfaction=Satisfaction.SATISFIED),
    "evaluateState 1": tells(E.RATED, OURS, satisfaction=Satisfaction.UNSATISFIED),
    "evaluateState 2": tells(E.RATED, OURS, satisfaction=Satisfaction.UNSATISFIED, stage="final"),
    "evaluateType 0": tells(E.RATED, OURS, "petitioner", satisfaction=Satisfaction.FAIR),
    "evaluateType 1": tells(E.RATED, OURS, "system", satisfaction=Satisfaction.FAIR),
    "notifyTypeId 1": tells(E.ACCEPTED, THEIRS),
    "notifyTypeId 2": tells(E.FOLLOWED_UP, THEIRS, resolved="yes"),
    "notifyTypeId 96": tells(E.PROGRESSED, THEIRS),
    "notifyMethod 1": tells(E.ACCEPTED, THEIRS),
    "notifyMethod 2": tells(E.ACCEPTED, THEIRS),
    "notifyMethod 3": tells(E.ACCEPTED, THEIRS),
    "notifyMethod 4": tells(E.ACCEPTED, THEIRS),
    "reHandleFlag 1": tells(E.REHANDLED, OURS),
    "repeatCallFlag 1": outgoing(petition=petition(repeat_call=True)),
    "reporterPublicFlag 0": outgoing(petition=petition(petitioner=Petitioner(name="张大爷", confidential=True))),
    "reporterPublicFlag 1": outgoing(),
    "mediaUsage 上报": outgoing(petition=petition(attachments=(FILE,))),
    "mediaUsage 核查": tells(E.VERIFIED, THEIRS, attachments=(FILE,)),
    "mediaUsage 处置": tells(E.REPLIED, THEIRS, attachments=(FILE,)),
}


def _tables(value: str, tmp_path: Path) -> codes.Codes:
    """A city that tells the citizen of each stage, by the way in question."""
    if not value.startswith("notify"):
        return CODES
    method = value.removeprefix("notifyMethod ") if value.startswith("notifyMethod") else "2"
    mine = tmp_path / "codes.toml"
    stages = "".join(f'[tell.{event}]\ntheirs = "NOTIFY"\n' for event in ("accepted", "progressed"))
    mine.write_text(f"{stages}[notify]\nmethod = {method}\n", encoding="utf-8")
    return codes.load(mine)


@pytest.mark.parametrize("value", list(WRITTEN))
def test_written(value: str, tmp_path: Path) -> None:
    (one,) = telling.calls(WRITTEN[value], _tables(value, tmp_path), "来听桥")
    assert sandbox_rules.fault(one.action, one.data) is None
    *action, field, wanted = value.split()
    assert action in ([], [one.action])
    places = (one.data, one.data.get("misRecEvaluation", {}), *one.data.get("medias", ()))
    assert wanted in {str(place[field]) for place in places if field in place}
