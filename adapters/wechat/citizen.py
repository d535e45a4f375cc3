"""The other end of the sandbox: a citizen's phone and the form back end, which send to the bridge."""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from adapters.wechat import markup
from adapters.wechat.crypto import MessageKey, signature
from adapters.wechat.passive import cdata
from adapters.wechat.settings import WechatSettings, secret
from adapters.wechat.words import Words
from bridge.sandbox import Sandbox

PATH = "/in/wechat"
ACCOUNT = "gh_sandbox000005"
DEFAULT_OPENID = "oSandboxCitizen"
_RATINGS = {"satisfied": "满意", "fair": "基本满意", "unsatisfied": "不满意"}

Fields = dict[str, str]


class Phone:
    """Sends messages and events in the dialect (safe mode if there is a key), and reads the passive reply."""

    def __init__(self, box: Sandbox, settings: WechatSettings, words: Words) -> None:
        self._box = box
        self._token = secret(settings.token)
        self._inbound_key = secret(settings.inbound_key)
        key = secret(settings.aes_key)
        self._key = MessageKey.of(key, settings.app_id or "") if key else None
        # Message ids go on rising from one run of the sandbox to the next: the ledger remembers the old ones.
        self._numbers = time.time_ns()
        text = re.escape(words.say.accepted).replace(re.escape("{petition_id}"), r"(?P<petition_id>\S+?)")
        self._accepted = re.compile(text)

    async def originate(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A petition starts: through the form, or as a citizen's text message."""
        if document.get("door") == "form":
            return await self._form({name: value for name, value in document.items() if name != "door"})
        petitioner = document.get("petitioner") or {}
        openid = document.get("openid") or petitioner.get("openid") or DEFAULT_OPENID
        return await self.say(openid, {"MsgType": "text", "Content": str(document["content"])}, document.get("msg_id"))

    async def step(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """One message: `text`, `image`, `voice`, `location`, `click`, `rate`, `progress`, `subscribe`."""
        make = _STEPS.get(str(document.get("step")))
        if make is None:
            return {"error": f"steps: {', '.join(_STEPS)}"}
        return await self.say(document.get("openid") or DEFAULT_OPENID, make(document), document.get("msg_id"))

    async def say(self, openid: str, fields: Fields, msg_id: str | None = None) -> dict[str, Any]:
        """What came back for one message: the HTTP status, the decrypted reply, the petition's number in it."""
        if fields["MsgType"] != "event":
            fields = {**fields, "MsgId": msg_id or self._number()}
        body, query = self._envelope(self._xml(openid, fields))
        status, answer = await self._box.tell("POST", f"{PATH}?{urlencode(query)}", body, lambda: XML_HEADERS)
        reply = self._reply(answer) if status == 200 else answer.decode("utf-8", "replace")
        found = self._accepted.search(reply)
        return {"status": status, "petition_id": found["petition_id"] if found else None, "reply": reply}

    def _number(self) -> str:
        self._numbers += 1
        return str(self._numbers)

    @staticmethod
    def _xml(openid: str, fields: Fields) -> bytes:
        named = {"ToUserName": ACCOUNT, "FromUserName": openid, "CreateTime": str(int(time.time())), **fields}
        return f"<xml>{''.join(f'<{name}>{cdata(value)}</{name}>' for name, value in named.items())}</xml>".encode()

    def _envelope(self, plain: bytes) -> tuple[bytes, Fields]:
        seconds, nonce = str(int(time.time())), secrets.token_hex(5)
        query = {"signature": signature(self._token, seconds, nonce), "timestamp": seconds, "nonce": nonce}
        if self._key is None:
            return plain, query
        encrypted = self._key.encrypt(plain)
        query |= {"encrypt_type": "aes", "msg_signature": signature(self._token, seconds, nonce, encrypted)}
        return (
            f"<xml><ToUserName>{cdata(ACCOUNT)}</ToUserName><Encrypt>{cdata(encrypted)}</Encrypt></xml>".encode(),
            query,
        )

    def _reply(self, answer: bytes) -> str:
        """The text of a passive reply; "" for `success`."""
        if answer in (b"success", b""):
            return ""
        document = markup.read(answer)
        if "Encrypt" in document and self._key is not None:
            self._check(document)
            document = markup.read(self._key.decrypt(document["Encrypt"]))
        return str(document.get("Content", ""))

    def _check(self, document: Mapping[str, str]) -> None:
        words = (document["TimeStamp"], document["Nonce"], document["Encrypt"])
        if signature(self._token, *words) != document["MsgSignature"]:
            raise ValueError("the reply's MsgSignature is wrong")

    async def _form(self, document: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._inbound_key}", "Content-Type": "application/json"}
        body = orjson.dumps(document)
        status, answer = await self._box.tell("POST", f"{PATH}/petitions", body, lambda: headers)
        try:
            reply = orjson.loads(answer)
        except orjson.JSONDecodeError:
            reply = {}
        return {"status": status, "petition_id": reply.get("petition_id"), "reply": reply}


XML_HEADERS = {"Content-Type": "text/xml"}


def _text(document: Mapping[str, Any]) -> Fields:
    return {"MsgType": "text", "Content": str(document.get("content", ""))}


def _rate(document: Mapping[str, Any]) -> Fields:
    wanted = str(document.get("content") or document.get("satisfaction") or "satisfied")
    return {"MsgType": "text", "Content": _RATINGS.get(wanted, wanted)}


def _image(document: Mapping[str, Any]) -> Fields:
    picture = str(document.get("url") or "http://mmbiz.example.invalid/picture/0")
    return {"MsgType": "image", "PicUrl": picture, "MediaId": str(document.get("media_id", "sandbox-media"))}


def _voice(document: Mapping[str, Any]) -> Fields:
    media = {"MsgType": "voice", "MediaId": str(document.get("media_id", "sandbox-media")), "Format": "amr"}
    return media | ({"Recognition": str(document["recognition"])} if document.get("recognition") else {})


def _location(document: Mapping[str, Any]) -> Fields:
    place = {"Location_X": str(document.get("latitude", 35.414)), "Location_Y": str(document.get("longitude", 116.587))}
    return {"MsgType": "location", **place, "Scale": "16", "Label": str(document.get("label", "太白湖新区"))}


def _click(document: Mapping[str, Any]) -> Fields:
    return {"MsgType": "event", "Event": "CLICK", "EventKey": str(document.get("key", "PROGRESS"))}


_STEPS: dict[str, Callable[[Mapping[str, Any]], Fields]] = {
    "text": _text,
    "image": _image,
    "voice": _voice,
    "location": _location,
    "click": _click,
    "rate": _rate,
    "progress": lambda document: _text({"content": document.get("content", "进度")}),
    "subscribe": lambda document: {"MsgType": "event", "Event": "subscribe"},
}


def finished(msgid: str, status: str) -> Fields:
    """The delivery event of a template message."""
    return {"MsgType": "event", "Event": "TEMPLATESENDJOBFINISH", "MsgID": msgid, "Status": status}
