"""The platform's list of petitions in the sandbox: what was filed through the form or written in the conversation.

    POST /platform/petitions/query   {"day": "2026-11-22", "page": 1, "size": 50} → {"total", "page", "size", "items"}
    POST /platform/petitions/get     {"number": …} → {"kind", "number", "document" | "message"}
    POST /sandbox/register           {"do": "forget" | "stranger" | "state" | "field" | "twice" | "attachment", …}
                                     on "number" (theirs or ours; without: the newest). "stranger" brings its
                                     "document" and, if it likes, "entered_at"

The platform's own documents name no such interface: this is our extension, in the form door's style (its key, its
words), and a city that has another one sets another address.
"""

import copy
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.wechat.settings import WechatSettings, secret
from bridge.sandbox import Sandbox
from schemas.base import SHANGHAI
from schemas.petition import PetitionDocument

MOST_ITEMS = 200


@dataclass(slots=True)
class Case:
    """One petition on the platform's list. `document` as it was filed, or the message `message` as it was sent."""

    number: str
    kind: str
    petition_id: str | None
    entered_at: datetime
    document: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    status: str = "received"

    def item(self) -> dict[str, Any]:
        """The line of the list: no name, no phone, no openid, no address; texts and names as digests."""
        return {
            "number": self.number,
            "kind": self.kind,
            "petitionId": self.petition_id,
            "enteredAt": self.entered_at.isoformat(timespec="seconds"),
            "status": self.status,
            "fields": {name: _sha256(value) for name, value in self._said().items() if value},
            "attachments": sorted(_sha256(str(one["name"])) for one in self.document.get("attachments", [])),
        }

    def _said(self) -> dict[str, str]:
        """What was filed, in the canonical words: 求助 and help are one thing."""
        try:
            filed = PetitionDocument.model_validate(self.document)
        except ValidationError:
            return {}
        return {
            "kind": filed.kind.value,
            "urgency": filed.urgency.value,
            "title": filed.title,
            "content": filed.content,
            "region_code": filed.place.region_code or "",
            "category": filed.category.code or "",
        }


class Platform:
    """The list, and how it is made to differ from ours."""

    def __init__(self, box: Sandbox, settings: WechatSettings) -> None:
        self._box = box
        self._key = secret(settings.inbound_key)
        self.cases: list[Case] = []

    def filed(self, document: Mapping[str, Any], petition_id: str | None, entered_at: datetime | None = None) -> None:
        """The form back end filed it, and knows our answer."""
        number = str(document.get("external_id"))
        if not any(case.number == number for case in self.cases):
            self.cases.append(
                Case(number, "external_id", petition_id, entered_at or self._box.now(), copy.deepcopy(dict(document)))
            )

    def written(self, number: str, message: str, petition_id: str) -> None:
        """A citizen wrote it."""
        self.cases.append(Case(number, "msg_id", petition_id, self._box.now(), message=message))

    def routes(self) -> list[Route]:
        return [
            Route("/platform/petitions/query", self._asked(self._query), methods=["POST"]),
            Route("/platform/petitions/get", self._asked(self._get), methods=["POST"]),
            Route("/sandbox/register", self._seed, methods=["POST"]),
        ]

    # ── the interface ──
    def _asked(self, answer: Callable[[dict[str, Any]], Response]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            body = await request.body()

            async def asked() -> Response:
                if not self._key or request.headers.get("authorization") != f"Bearer {self._key}":
                    return _json({"error": "unauthorized"}, 401)
                try:
                    return answer(orjson.loads(body))
                except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
                    return _json({"error": "bad_request"}, 400)

            return await self._box.moody(asked)

        return endpoint

    def _query(self, asked: dict[str, Any]) -> Response:
        day, page, size = str(asked["day"]), int(asked["page"]), int(asked["size"])
        if set(asked) != {"day", "page", "size"} or page < 1 or not 1 <= size <= MOST_ITEMS:
            raise ValueError("day, page and size, and no more than 200 a page")
        datetime.fromisoformat(day)
        found = [case for case in self.cases if f"{case.entered_at:%Y-%m-%d}" == day]
        items = [case.item() for case in found[(page - 1) * size : page * size]]
        return _json({"total": len(found), "page": page, "size": size, "items": items})

    def _get(self, asked: dict[str, Any]) -> Response:
        case = self._case(str(asked["number"]))
        if case is None:
            return _json({"error": "not_found"}, 404)
        told = {"message": case.message} if case.message else {"document": case.document}
        return _json({"kind": case.kind, "number": case.number, **told})

    def _case(self, number: str | None) -> Case | None:
        wanted = [case for case in self.cases if number in (None, case.number, case.petition_id)]
        return wanted[-1] if wanted else None

    # ── differences at will ──
    async def _seed(self, request: Request) -> Response:
        order = orjson.loads(await request.body())
        if order.get("do") == "stranger":
            # Filed, and lost on the way to us.
            self.filed(order["document"], None, _moment(order.get("entered_at")))
            return _json({"number": order["document"]["external_id"]})
        case = self._case(order.get("number"))
        change = _CHANGES.get(str(order.get("do")))
        if case is None or change is None:
            return _json({"error": f"no such case, or none of {', '.join(('stranger', *_CHANGES))}"}, 422)
        change(self, case, order)
        return _json({"number": case.number})

    def forget(self, case: Case, order: Mapping[str, Any]) -> None:
        self.cases.remove(case)

    def twice(self, case: Case, order: Mapping[str, Any]) -> None:
        self.cases.append(copy.deepcopy(case))

    def state(self, case: Case, order: Mapping[str, Any]) -> None:
        case.status = str(order["state"])

    def field(self, case: Case, order: Mapping[str, Any]) -> None:
        case.document[str(order["name"])] = order["value"]

    def attachment(self, case: Case, order: Mapping[str, Any]) -> None:
        """One that nobody sent us."""
        name = str(order.get("name", "无人提交.jpg"))
        case.document.setdefault("attachments", []).append({"name": name, "url": "http://files.example.invalid/x"})


_CHANGES: Mapping[str, Callable[[Platform, Case, Mapping[str, Any]], None]] = {
    "forget": Platform.forget,
    "twice": Platform.twice,
    "state": Platform.state,
    "field": Platform.field,
    "attachment": Platform.attachment,
}


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(SHANGHAI) if text else None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _json(document: Mapping[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")
