"""What we answer the center, in its own dialect."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from adapters.governance_center.numbers import SYSTEM
from bridge.adapter import Answered, Draft, Ignored, Malformed, Outcome, PetitionView, Response, Taken

TAKEN, NOT_TAKEN = "1", "0"
DONE = "成功"
UNKNOWN_EVENT = "事件ID[eventId]无效"


def answer(http_status: int, code: str, message: str, event_id: str | None = None, **more: Any) -> Response:
    """`{"code", "message", "eventId", …}`; what is None is left out."""
    fields = {"code": code, "message": message, "eventId": event_id, **more}
    return Response(http_status, orjson.dumps({key: value for key, value in fields.items() if value is not None}))


def malformed(message: str, event_id: str | None) -> Malformed:
    return Malformed(answer(400, NOT_TAKEN, message, event_id), f"event document: {message}")


def ignored(event_id: str | None, reason: str, key: str) -> Ignored:
    return Ignored(answer(200, TAKEN, DONE, event_id), reason, key)


def taken(event_id: str | None, drafts: tuple[Draft, ...]) -> Taken:
    return Taken(drafts, _reply(event_id))


def _reply(event_id: str | None) -> Callable[[Sequence[Outcome]], Response]:
    def reply(outcomes: Sequence[Outcome]) -> Response:
        first = outcomes[0]
        return answer(200, TAKEN, DONE, event_id, petitionId=first.petition_id, receipt=first.receipt)

    return reply


def known(number: str | None, views: Sequence[PetitionView]) -> Answered:
    """Where the petition stands, for a look-up by either side's number. No person."""
    if not views:
        return Answered(answer(404, NOT_TAKEN, f"{UNKNOWN_EVENT}：没有这个事件", number))
    view = views[0]
    theirs = {one.value for one in view.external_ids if one.system == SYSTEM}
    return Answered(
        answer(
            200,
            TAKEN,
            DONE,
            number if number in theirs else next(iter(sorted(theirs)), view.petition_id),
            petitionId=view.petition_id,
            oppoSideBusiCode=view.petition_id,
            statusName=view.state,
            lastEvent=view.last_event,
            orgName=view.unit,
        )
    )
