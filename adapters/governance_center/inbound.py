"""The center's door: who calls, what is asked, and the answer in its own dialect."""

from collections.abc import Sequence
from urllib.parse import unquote

from adapters.governance_center.codes import Codes
from adapters.governance_center.guard import REFUSALS, Guard
from adapters.governance_center.numbers import refs
from adapters.governance_center.reading import Reader
from adapters.governance_center.replies import NOT_TAKEN, UNKNOWN_EVENT, answer, known
from adapters.governance_center.settings import CenterSettings
from adapters.governance_center.values import identifier
from adapters.governance_center.wire import EventDocument
from bridge.adapter import Answered, Door, Nonce, Question, Read, Reading, Refused, Request, Response

PATH = "/in/governance-center/events"


def refusal(reason: str) -> Response:
    return answer(401, NOT_TAKEN, REFUSALS[reason])


class CenterInbound:
    """Pure, as the port asks."""

    doors: Sequence[Door] = (Door(PATH), Door(PATH + "/{eventId}", ("GET",)))

    def __init__(self, settings: CenterSettings, codes: Codes) -> None:
        secret = settings.inbound_secret.get_secret_value()
        self._guard = Guard(settings.inbound_app_id, secret, settings.window_seconds)
        self._codes = codes
        self._reader = Reader(codes)

    def read(self, request: Request) -> Read:
        headers = request.headers
        reason = self._guard.fault(request.method, request.path, headers, request.body, request.received_at)
        if reason:
            return Read(Refused(refusal(reason), reason))
        asked = request.method == "GET"
        reading = self._looked_up(request) if asked else self._reader.read(request.body, request.received_at)
        return Read(reading, Nonce(headers["x-nonce"], refusal("replayed_nonce")))

    def too_large(self, request: Request) -> Response:
        return answer(413, NOT_TAKEN, "报文超过1MiB，未处理：请分开发送，附件请以地址引用")

    def unavailable(self, request: Request) -> Response:
        return answer(503, NOT_TAKEN, "系统繁忙，本次报文未留存：请稍后以同一messageId重发")

    def _looked_up(self, request: Request) -> Reading:
        try:
            number = identifier(unquote(request.path.removeprefix(PATH + "/")))
        except ValueError as error:
            return Answered(answer(400, NOT_TAKEN, f"{UNKNOWN_EVENT}：{error}"))
        document = EventDocument(eventId=number, oppoSideBusiCode=number)
        return Question(lambda views: known(number, views), refs(document, number or "", self._codes))
