"""A stand-in of the service account's API: real paths, real codes, real limits; what it takes, it remembers.

Beside what every sandbox has:

    POST /sandbox/dialect    how it speaks from now on: {"format": "xml"|"json", "mode": "safe"|"compatible"|"plain",
                             "key": "current"|"previous", "spelling": "MsgID"|"MsgId", "tries": 1…3, "late": seconds}
    POST /sandbox/limits     what is used up: {"template": 45009, "subscribe": 45011, …}; {} : nothing
    GET  /sandbox/phone      ?openid=…: the messages that this phone shows, in order
    POST /sandbox/register   a difference for the reconciliation (see `sandbox_register.py`)
"""

import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import orjson
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.wechat import words as texts
from adapters.wechat.citizen import Phone
from adapters.wechat.sandbox_account import Account, Refusal
from adapters.wechat.sandbox_register import Platform
from adapters.wechat.settings import TemplateIds, WechatSettings
from bridge.adapter import SandboxPlan
from bridge.sandbox import Sandbox

# ── HTTP ──

Handler = Callable[[dict[str, Any]], dict[str, Any]]


def _endpoint(box: Sandbox, account: Account, handle: Handler) -> Callable[[Request], Awaitable[Response]]:
    """An API call: POST only, the token in the query, judged by `errcode`; always HTTP 200."""

    async def endpoint(request: Request) -> Response:
        body = await request.body()

        async def answer() -> Response:
            return _json(_handled(account, handle, request, body))

        return await box.moody(answer)

    return endpoint


def _handled(account: Account, handle: Handler, request: Request, body: bytes) -> dict[str, Any]:
    try:
        if request.method != "POST":
            raise Refusal(43002)
        document = orjson.loads(body)
        if not isinstance(document, dict):
            raise Refusal(47001)
        if request.url.path != "/cgi-bin/stable_token":
            account.check_token(request.query_params.get("access_token", ""))
        return handle(document)
    except orjson.JSONDecodeError:
        return Refusal(47001).answer
    except Refusal as refusal:
        return refusal.answer


def _json(document: Mapping[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json; encoding=utf-8")


def app(settings: WechatSettings, plan: SandboxPlan) -> Starlette:
    """The sandbox as an ASGI application; its parts are `app.state.sandbox`, `.account`, `.phone`, `.platform`."""
    box = Sandbox("wechat", plan.bridge_url, plan.pace_seconds, plan.seed, autopilot=plan.autopilot)
    words = texts.load(settings.words)
    platform = Platform(box, settings)
    phone = Phone(box, settings, words, platform)
    account = Account(settings, box, words, phone.tell_fate)
    phone.on_message = account.wrote
    box.originate, box.step = phone.originate, _stepper(phone, account)
    routes = [*_routes(box, account), *platform.routes(), *_switches(phone, account), *box.routes()]
    starlette = Starlette(routes=routes, lifespan=_lifespan(box))
    starlette.state.sandbox, starlette.state.account = box, account
    starlette.state.phone, starlette.state.platform = phone, platform
    return starlette


def _routes(box: Sandbox, account: Account) -> list[Route]:
    def unauthorized(document: dict[str, Any]) -> dict[str, Any]:
        raise Refusal(48001)

    calls: dict[str, Handler] = {
        "/cgi-bin/stable_token": account.token,
        "/cgi-bin/message/template/send": account.send_template,
        "/cgi-bin/message/subscribe/bizsend": account.send_subscribe,
        "/cgi-bin/message/custom/send": account.send_custom,
        "/cgi-bin/{rest:path}": unauthorized,
    }
    return [Route(path, _endpoint(box, account, handle), methods=["GET", "POST"]) for path, handle in calls.items()]


def _switches(phone: Phone, account: Account) -> list[Route]:
    async def dialect(request: Request) -> Response:
        try:
            return _json(phone.speak(orjson.loads(await request.body())))
        except (TypeError, ValueError) as error:
            return _json({"error": str(error)}, 422)

    async def limits(request: Request) -> Response:
        account.used_up = {str(way): int(code) for way, code in orjson.loads(await request.body()).items()}
        return _json(account.used_up)

    async def shown(request: Request) -> Response:
        openid = request.query_params.get("openid", "")
        return _json({"openid": openid, "messages": account.shown.get(openid, [])})

    return [
        Route("/sandbox/phone", shown),
        Route("/sandbox/dialect", dialect, methods=["POST"]),
        Route("/sandbox/limits", limits, methods=["POST"]),
    ]


def _stepper(phone: Phone, account: Account) -> Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]:
    async def step(document: dict[str, Any]) -> dict[str, Any]:
        if document.get("step") == "revoke_token":
            account.revoke()
            return {"status": 200}
        if document.get("step") == "close_window":
            account.close_window(str(document.get("openid")))
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

    def key(name: str) -> SecretStr:
        digest = hashlib.sha256(f"wechat {name} {secret}".encode()).digest()
        return SecretStr(base64.b64encode(digest).decode().rstrip("="))

    return WechatSettings(
        base_url=base_url,
        app_id=f"wx{derived('app_id', 16)}",
        app_secret=SecretStr(derived("app_secret")),
        token=SecretStr(derived("token")),
        aes_key=key("aes_key"),
        previous_aes_key=key("previous_aes_key"),
        inbound_key=SecretStr(derived("inbound_key")),
        templates=TemplateIds(accepted="tpl-accepted", progress="tpl-progress", reply="tpl-reply", task="tpl-task"),
        subscribe_templates=TemplateIds(
            accepted="sub-accepted", progress="sub-progress", reply="sub-reply", task="sub-task"
        ),
        platform_url=base_url,
        duty_openid="oSandboxDuty",
    )
