"""A stand-in of the service account's API: real paths, real codes, real limits; what it takes, it remembers.

How it treats an openid is written in its first letters (see `_OPENIDS`): every refusal can be had at will.
"""

import base64
import contextlib
import hashlib
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import orjson
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.wechat import words as texts
from adapters.wechat.citizen import Phone, finished
from adapters.wechat.settings import TemplateIds, WechatSettings, secret
from bridge.adapter import SandboxPlan
from bridge.sandbox import Arrival, Sandbox

SEND_ONCE_SECONDS = 600
TOKEN_SECONDS = 7200
MAX_CLIENT_MSG_ID = 32

_OPENIDS = (("oInvalid", 40003), ("oBlocked", 43004), ("oNobody", 46004), ("oRefused", 43101))
_ERRCODE = re.compile(r"oErrcode(-?\d+)_")
_FATES = (("oUserBlock", "failed:user block"), ("oSystemFailed", "failed: system failed"))

# DOMAIN 3.4, written once more from the documents and not taken from the code that it checks.
_LIMITS = (
    ("thing", re.compile(r"[^\r\n]{1,20}")),
    ("character_string", re.compile(r"[\x21-\x7e]{1,32}")),
    ("phrase", re.compile(r"[\u4e00-\u9fff]{1,5}")),
    ("name", re.compile(r"[\u4e00-\u9fff]{1,10}|[A-Za-z .]{1,20}")),
    ("time", re.compile(r"(\d{4}[-年]\d{1,2}[-月]\d{1,2}日? )?([01]?\d|2[0-3]):[0-5]\d")),
)

_MESSAGES = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40003: "invalid openid",
    40014: "invalid access_token",
    40037: "invalid template_id",
    40125: "invalid appsecret",
    43004: "require subscribe",
    43101: "user refuse to accept the msg",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    46004: "user not exist",
    47001: "data format error",
    48001: "api unauthorized",
}


class Refusal(Exception):
    """An `errcode` to answer with."""

    def __init__(self, errcode: int, errmsg: str | None = None) -> None:
        super().__init__(errcode)
        self.answer = {"errcode": errcode, "errmsg": errmsg or _MESSAGES.get(errcode, "error")}


class Account:
    """The account's token, its templates, and what has been sent in the last ten minutes."""

    def __init__(self, settings: WechatSettings, box: Sandbox, phone: Phone, words: texts.Words) -> None:
        self._credential = (settings.app_id, secret(settings.app_secret))
        self._purposes = {value: name for name, value in settings.templates.model_dump().items() if value}
        self._layouts = {str(purpose): tuple(layout) for purpose, layout in words.templates.items()}
        self._box = box
        self._phone = phone
        self._tokens: dict[str, float] = {}
        self._current = ""
        self._sent: dict[tuple[str, str], str] = {}
        self._ages: deque[tuple[float, tuple[str, str]]] = deque()
        # Message ids differ from run to run: a receipt belongs to one hand-off for ever.
        self._msgids = time.time_ns() // 1000
        self.tokens_given = 0

    # ── the token ──
    def token(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        if (asked.get("appid"), asked.get("secret")) != self._credential or asked.get(
            "grant_type"
        ) != "client_credential":
            raise Refusal(40125)
        self.tokens_given += 1
        left = self._tokens.get(self._current, 0.0) - time.monotonic()
        if asked.get("force_refresh") or left <= 0:
            self._current = f"sandbox-{self._box.number()}-{self._box.random.getrandbits(64):016x}"
            self._tokens[self._current] = time.monotonic() + TOKEN_SECONDS
            left = TOKEN_SECONDS
        return {"access_token": self._current, "expires_in": int(left)}

    def revoke(self) -> None:
        """Every token given so far is refused from now on."""
        self._tokens.clear()

    def check_token(self, token: str) -> None:
        if self._tokens.get(token, 0.0) <= time.monotonic():
            raise Refusal(42001 if token in self._tokens else 40001)

    # ── template messages ──
    def send(self, message: Mapping[str, Any]) -> dict[str, Any]:
        openid, purpose, data, key = self._checked(message)
        if msgid := self._sent_before(openid, key):
            return _taken(msgid)
        self._msgids += 1
        msgid = str(self._msgids)
        answer = _taken(msgid)
        self._remember(openid, key, msgid)
        arrival = Arrival(
            key=key or msgid,
            case=next((value for name, value in data.items() if name.startswith("character_string")), ""),
            what=purpose,
            number=msgid,
            at=self._box.now().isoformat(),
            text=" ".join(data.values()),
        )
        self._box.memory.remember(arrival, answer, effect=f"{openid} {key}" if key else None)
        self._box.later(1, lambda: self._tell_fate(openid, msgid))
        return answer

    def _checked(self, message: Mapping[str, Any]) -> tuple[str, str, dict[str, str], str]:
        openid, key = message.get("touser"), message.get("client_msg_id") or ""
        if not isinstance(openid, str) or not openid:
            raise Refusal(40003)
        if not isinstance(key, str) or len(key) > MAX_CLIENT_MSG_ID:
            raise Refusal(47001)
        purpose = self._purposes.get(str(message.get("template_id")))
        if purpose is None:
            raise Refusal(40037)
        data = self._checked_data(purpose, message.get("data"))
        _check_openid(openid)
        return openid, purpose, data, key

    def _checked_data(self, purpose: str, data: object) -> dict[str, str]:
        if not isinstance(data, dict) or not all(isinstance(field, dict) for field in data.values()):
            raise Refusal(47001)
        values = {name: field.get("value") for name, field in data.items()}
        for name in (*self._layouts[purpose], *values):
            if not _holds(name, values.get(name)):
                raise Refusal(47003, f"argument invalid! data.{name}.value invalid")
        return values

    def _sent_before(self, openid: str, key: str) -> str | None:
        limit = time.monotonic() - SEND_ONCE_SECONDS
        while self._ages and self._ages[0][0] < limit:
            self._sent.pop(self._ages.popleft()[1], None)
        msgid = self._sent.get((openid, key)) if key else None
        self._box.memory.repeats += msgid is not None
        return msgid

    def _remember(self, openid: str, key: str, msgid: str) -> None:
        if key:
            self._sent[openid, key] = msgid
            self._ages.append((time.monotonic(), (openid, key)))

    async def _tell_fate(self, openid: str, msgid: str) -> None:
        fate = next((status for start, status in _FATES if openid.startswith(start)), "success")
        await self._phone.say(openid, finished(msgid, fate))


def _taken(msgid: str) -> dict[str, Any]:
    return {"errcode": 0, "errmsg": "ok", "msgid": int(msgid)}


def _check_openid(openid: str) -> None:
    if openid[0] != "o":
        raise Refusal(40003)
    for start, errcode in _OPENIDS:
        if openid.startswith(start):
            raise Refusal(errcode)
    if wanted := _ERRCODE.match(openid):
        raise Refusal(int(wanted[1]))


def _holds(name: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    limit = next((limit for start, limit in _LIMITS if name.startswith(start)), None)
    return limit is not None and limit.fullmatch(value) is not None


# ── HTTP ──

Handler = Callable[[Request, dict[str, Any]], dict[str, Any]]


def _endpoint(box: Sandbox, handle: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        body = await request.body()

        async def answer() -> Response:
            return _json(_handled(handle, request, body))

        return await box.moody(answer)

    return endpoint


def _handled(handle: Handler, request: Request, body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
        if not isinstance(document, dict):
            raise Refusal(47001)
        return handle(request, document)
    except orjson.JSONDecodeError:
        return Refusal(47001).answer
    except Refusal as refusal:
        return refusal.answer


def _json(document: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(document), media_type="application/json; encoding=utf-8")


def app(settings: WechatSettings, plan: SandboxPlan) -> Starlette:
    """The sandbox as an ASGI application; its `Sandbox` is `app.state.sandbox`, its `Account` `app.state.account`."""
    box = Sandbox("wechat", plan.bridge_url, plan.pace_seconds, plan.seed, autopilot=plan.autopilot)
    words = texts.load(settings.words)
    phone = Phone(box, settings, words)
    account = Account(settings, box, phone, words)
    box.originate, box.step = phone.originate, _stepper(phone, account)
    starlette = Starlette(routes=[*_routes(box, account), *box.routes()], lifespan=_lifespan(box))
    starlette.state.sandbox, starlette.state.account = box, account
    return starlette


def _routes(box: Sandbox, account: Account) -> list[Route]:
    def send(request: Request, document: dict[str, Any]) -> dict[str, Any]:
        account.check_token(request.query_params.get("access_token", ""))
        return account.send(document)

    def unauthorized(request: Request, document: dict[str, Any]) -> dict[str, Any]:
        raise Refusal(48001)

    def token(request: Request, document: dict[str, Any]) -> dict[str, Any]:
        return account.token(document)

    return [
        Route("/cgi-bin/stable_token", _endpoint(box, token), methods=["POST"]),
        Route("/cgi-bin/message/template/send", _endpoint(box, send), methods=["POST"]),
        Route("/cgi-bin/{rest:path}", _endpoint(box, unauthorized), methods=["POST"]),
    ]


def _stepper(phone: Phone, account: Account) -> Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]:
    async def step(document: dict[str, Any]) -> dict[str, Any]:
        if document.get("step") == "revoke_token":
            account.revoke()
            return {"status": 200}
        return await phone.step(document)

    return step


def _lifespan(box: Sandbox) -> Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(starlette: Starlette) -> AsyncIterator[None]:
        yield
        await box.close()

    return lifespan


def settings(base_url: str, secret: str) -> WechatSettings:
    """Settings for the bridge and its sandbox; all secrets follow from the one random `secret`."""

    def derived(name: str, length: int = 32) -> str:
        return hashlib.sha256(f"wechat {name} {secret}".encode()).hexdigest()[:length]

    aes_key = base64.b64encode(hashlib.sha256(f"wechat aes_key {secret}".encode()).digest()).decode().rstrip("=")
    return WechatSettings(
        base_url=base_url,
        app_id=f"wx{derived('app_id', 16)}",
        app_secret=SecretStr(derived("app_secret")),
        token=SecretStr(derived("token")),
        aes_key=SecretStr(aes_key),
        inbound_key=SecretStr(derived("inbound_key")),
        templates=TemplateIds(accepted="tpl-accepted", progress="tpl-progress", reply="tpl-reply", task="tpl-task"),
        duty_openid="oSandboxDuty",
    )
