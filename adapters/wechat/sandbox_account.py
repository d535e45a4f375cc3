"""The account in the sandbox: its tokens, its templates, its quotas, and whom its messages reach.

Strict: whatever the documents do not allow is refused with the documents' own code. The limits are written here once
more, from the documents and not from the code that they check.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from adapters.wechat.settings import TemplateIds, WechatSettings, secret
from adapters.wechat.words import Layout, Words
from bridge.sandbox import Arrival, Sandbox

SEND_ONCE_SECONDS = 600
TOKEN_SECONDS = 7200
OVERLAP_SECONDS = 300
MAX_CLIENT_MSG_ID = 32
MAX_TEXT_BYTES = 2047
FORCES_A_DAY, FORCE_PAUSE_SECONDS = 20, 30
SERVICE_WINDOW, SERVICE_MESSAGES = timedelta(hours=48), 5

_REFUSALS: Mapping[str, Mapping[str, int]] = {
    "template": {"oInvalid": 40003, "oBlocked": 43004, "oNobody": 46004, "oRefused": 43101, "oUnfollowed": 43004},
    "subscribe": {"oInvalid": 40003, "oBlocked": 43101, "oNobody": 46004, "oRefused": 43101, "oUserBlock": 43101},
    "customer_service": {"oInvalid": 40003, "oBlocked": 45015, "oNobody": 46004},
}
"""How an openid is treated stands in its first letters, so that every refusal can be had at will."""

_ERRCODE = re.compile(r"oErrcode(-?\d+)_")
_FATES = (("oUserBlock", "failed:user block"), ("oSystemFailed", "failed: system failed"))

_LIMITS = (
    ("thing", re.compile(r"[^\r\n]{1,20}")),
    ("character_string", re.compile(r"[\x21-\x7e]{1,32}")),
    ("phrase", re.compile(r"[\u4e00-\u9fff]{1,5}")),
    ("name", re.compile(r"[\u4e00-\u9fff]{1,10}|[A-Za-z .]{1,20}")),
    ("time", re.compile(r"(\d{4}[-年]\d{1,2}[-月]\d{1,2}日? )?([01]?\d|2[0-3]):[0-5]\d")),
)
_TEMPLATE_KEYS = frozenset({"touser", "template_id", "url", "miniprogram", "client_msg_id", "data"})
_SUBSCRIBE_KEYS = frozenset({"touser", "template_id", "page", "miniprogram", "data"})
_CUSTOM_KEYS = frozenset({"touser", "msgtype", "text", "customservice"})
_TOKEN_KEYS = frozenset({"grant_type", "appid", "secret", "force_refresh"})

_MESSAGES = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40003: "invalid openid",
    40008: "invalid message type",
    40014: "invalid access_token",
    40037: "invalid template_id",
    40125: "invalid appsecret",
    42001: "access_token expired",
    43002: "require POST method",
    43004: "require subscribe",
    43101: "user refuse to accept the msg",
    44004: "empty content",
    45002: "content size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    46004: "user not exist",
    47001: "data format error",
    48001: "api unauthorized",
}


class Refusal(Exception):
    """An `errcode` to answer with."""

    def __init__(self, errcode: int, errmsg: str | None = None) -> None:
        super().__init__(errcode)
        self.answer = {"errcode": errcode, "errmsg": errmsg or _MESSAGES.get(errcode, "error")}


Tell = Callable[[str, str, str, str], Any]
"""`tell(openid, msgid, template_id, fate)`: the delivery event of a message; template id "" for a template message."""


class Account:
    """What the platform knows about one service account."""

    def __init__(self, settings: WechatSettings, box: Sandbox, words: Words, tell: Tell) -> None:
        self._credential = (settings.app_id, secret(settings.app_secret))
        self._templates = _purposes(settings.templates)
        self._subscriptions = _purposes(settings.subscribe_templates)
        self._layouts = {"template": words.templates, "subscribe": words.subscribe}
        self._box = box
        self._tell = tell
        self._tokens: dict[str, float] = {}
        self._current = ""
        self._forces: list[float] = []
        self._sent: dict[tuple[str, str], str] = {}
        self._ages: deque[tuple[float, tuple[str, str]]] = deque()
        self._wrote: dict[str, tuple[float, int]] = {}
        # Message ids differ from run to run: a receipt belongs to one hand-off for ever.
        self._msgids = time.time_ns() // 1000
        self.shown: dict[str, list[dict[str, Any]]] = {}
        self.tokens_given = 0
        self.used_up: dict[str, int] = {}

    # ── the token ──
    def token(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        if set(asked) - _TOKEN_KEYS or not isinstance(asked.get("force_refresh", False), bool):
            raise Refusal(47001)
        good = (asked.get("appid"), asked.get("secret")) == self._credential
        if not good or asked.get("grant_type") != "client_credential":
            raise Refusal(40125)
        if asked.get("force_refresh"):
            self._force()
        self.tokens_given += 1
        left = self._tokens.get(self._current, 0.0) - time.monotonic()
        if asked.get("force_refresh") or left <= 0:
            left = self._renew()
        return {"access_token": self._current, "expires_in": int(left)}

    def _renew(self) -> float:
        """A new token; the one before it is good for five minutes more."""
        now = time.monotonic()
        if self._current in self._tokens:
            self._tokens[self._current] = min(self._tokens[self._current], now + OVERLAP_SECONDS)
        self._current = f"sandbox-{self._box.number()}-{self._box.random.getrandbits(64):016x}"
        self._tokens[self._current] = now + TOKEN_SECONDS
        return TOKEN_SECONDS

    def _force(self) -> None:
        now = time.monotonic()
        self._forces = [at for at in self._forces if now - at < 86_400]
        if len(self._forces) >= FORCES_A_DAY:
            raise Refusal(45009)
        if self._forces and now - self._forces[-1] < FORCE_PAUSE_SECONDS:
            raise Refusal(45011)
        self._forces.append(now)

    def revoke(self) -> None:
        """Every token given so far is refused from now on."""
        self._tokens.clear()

    def check_token(self, token: str) -> None:
        if self._tokens.get(token, 0.0) <= time.monotonic():
            raise Refusal(42001 if token in self._tokens else 40001)

    # ── what a citizen does ──
    def wrote(self, openid: str) -> None:
        """A message from this person opens the customer-service window anew."""
        self._wrote[openid] = (time.monotonic(), 0)

    def close_window(self, openid: str) -> None:
        """Forty-eight hours have passed since this person wrote."""
        self._wrote.pop(openid, None)

    # ── messages ──
    def send_template(self, message: Mapping[str, Any]) -> dict[str, Any]:
        openid, template_id, data = self._checked(message, _TEMPLATE_KEYS, self._templates, "template")
        key = message.get("client_msg_id") or ""
        if not isinstance(key, str) or len(key) > MAX_CLIENT_MSG_ID:
            raise Refusal(47001)
        _check_openid(openid, "template")
        if msgid := self._sent_before(openid, key):
            return _taken(msgid)
        msgid = self._number()
        self._remember(openid, key, msgid)
        self._arrived(key or msgid, self._templates[template_id], msgid, data, f"{openid} {key}" if key else None)
        self._show(openid, "template", self._templates[template_id], msgid, data)
        fate = next((status for start, status in _FATES if openid.startswith(start)), "success")
        self._box.later(1, lambda: self._tell(openid, msgid, "", fate))
        return _taken(msgid)

    def send_subscribe(self, message: Mapping[str, Any]) -> dict[str, Any]:
        openid, template_id, data = self._checked(message, _SUBSCRIBE_KEYS, self._subscriptions, "subscribe")
        _check_openid(openid, "subscribe")
        msgid = self._number()
        self._arrived(f"subscribe:{msgid}", self._subscriptions[template_id], msgid, data, None)
        self._show(openid, "subscribe", self._subscriptions[template_id], msgid, data)
        fate = "failed: system failed" if openid.startswith("oSystemFailedTwice") else "success"
        self._box.later(1, lambda: self._tell(openid, msgid, template_id, fate))
        return _taken(msgid)

    def send_custom(self, message: Mapping[str, Any]) -> dict[str, Any]:
        openid, text = message.get("touser"), message.get("text")
        if set(message) - _CUSTOM_KEYS or not isinstance(openid, str) or not openid:
            raise Refusal(40003 if not openid else 47001)
        if message.get("msgtype") != "text":
            raise Refusal(40008)
        content = text.get("content") if isinstance(text, dict) and set(text) == {"content"} else None
        if not isinstance(content, str) or not content:
            raise Refusal(44004)
        if len(content.encode()) > MAX_TEXT_BYTES:
            raise Refusal(45002)
        self._limit("customer_service")
        _check_openid(openid, "customer_service")
        self._within_window(openid)
        number = self._number()
        self._arrived(f"custom:{number}", "customer_service", number, {"text": content}, None)
        self._show(openid, "customer_service", "text", number, {"text": content})
        return {"errcode": 0, "errmsg": "ok"}

    def _within_window(self, openid: str) -> None:
        at, used = self._wrote.get(openid, (None, 0))
        if at is None or time.monotonic() - at > SERVICE_WINDOW.total_seconds():
            raise Refusal(45015)
        if used >= SERVICE_MESSAGES:
            raise Refusal(45047)
        self._wrote[openid] = (at, used + 1)

    # ── checks ──
    def _checked(
        self, message: Mapping[str, Any], known: frozenset[str], templates: Mapping[str, str], way: str
    ) -> tuple[str, str, dict[str, str]]:
        openid, template_id = message.get("touser"), message.get("template_id")
        if not isinstance(openid, str) or not openid:
            raise Refusal(40003)
        if set(message) - known:
            raise Refusal(47001)
        if not isinstance(template_id, str) or template_id not in templates:
            raise Refusal(40037)
        layouts: Mapping[str, Layout] = self._layouts[way]  # type: ignore[assignment] # purposes are plain words here
        data = _checked_data(layouts[templates[template_id]], message.get("data"))
        self._limit(way)
        return openid, template_id, data

    def _limit(self, way: str) -> None:
        if errcode := self.used_up.get(way):
            raise Refusal(errcode)

    def _number(self) -> str:
        self._msgids += 1
        return str(self._msgids)

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

    def _show(self, openid: str, way: str, purpose: str, number: str, data: Mapping[str, str]) -> None:
        message = {"way": way, "purpose": purpose, "number": number, "data": dict(data)}
        self.shown.setdefault(openid, []).append(message)

    def _arrived(self, key: str, what: str, msgid: str, data: Mapping[str, str], effect: str | None) -> None:
        arrival = Arrival(
            key=key,
            case=next((value for name, value in data.items() if name.startswith("character_string")), ""),
            what=what,
            number=msgid,
            at=self._box.now().isoformat(),
            text=" ".join(data.values()),
        )
        self._box.memory.remember(arrival, _taken(msgid), effect=effect)


def _purposes(templates: TemplateIds) -> dict[str, str]:
    return {value: purpose for purpose, value in templates.model_dump().items() if value}


def _taken(msgid: str) -> dict[str, Any]:
    return {"errcode": 0, "errmsg": "ok", "msgid": int(msgid)}


def _check_openid(openid: str, way: str) -> None:
    if openid[0] != "o":
        raise Refusal(40003)
    for start, errcode in _REFUSALS[way].items():
        if openid.startswith(start):
            raise Refusal(errcode)
    if wanted := _ERRCODE.match(openid):
        raise Refusal(int(wanted[1]))


def _checked_data(layout: Layout, data: object) -> dict[str, str]:
    if not isinstance(data, dict) or not all(
        isinstance(field, dict) and set(field) == {"value"} for field in data.values()
    ):
        raise Refusal(47001)
    values = {name: field["value"] for name, field in data.items()}
    for name in (*layout, *values):
        if name not in layout or not _holds(name, values.get(name)):
            raise Refusal(47003, f"argument invalid! data.{name}.value invalid")
    return values


def _holds(name: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    limit = next((limit for start, limit in _LIMITS if name.startswith(start)), None)
    return limit is not None and limit.fullmatch(value) is not None
