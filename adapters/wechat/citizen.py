"""The other end of the sandbox: a citizen's phone and the form back end, which send to the bridge."""

import asyncio
import dataclasses
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from adapters.wechat import pushes
from adapters.wechat.sandbox_dialect import ACCOUNT, Fields, Tongue, as_xml
from adapters.wechat.sandbox_register import Platform
from adapters.wechat.settings import WechatSettings, secret
from adapters.wechat.words import Words
from bridge.sandbox import Sandbox

PATH = "/in/wechat"
DEFAULT_OPENID = "oSandboxCitizen"
_RATINGS = {"satisfied": "满意", "fair": "基本满意", "unsatisfied": "不满意"}


class Phone:
    """Sends messages and events in the dialect, and reads the passive reply."""

    def __init__(self, box: Sandbox, settings: WechatSettings, words: Words, platform: Platform) -> None:
        self._box = box
        self._tongue = Tongue(settings)
        self._inbound_key = secret(settings.inbound_key)
        self._platform = platform
        self.on_message: Callable[[str], None] = lambda openid: None
        # Message ids go on rising from one run of the sandbox to the next: the ledger remembers the old ones.
        self._numbers = time.time_ns()
        self._accepted, self._added = (_telling(text) for text in (words.say.accepted, words.say.added))

    def speak(self, manner: Mapping[str, Any]) -> dict[str, Any]:
        """Change how it speaks; what is not named stays. Raises `TypeError`, `ValueError`."""
        self._tongue.manner = dataclasses.replace(self._tongue.manner, **manner)
        return dataclasses.asdict(self._tongue.manner)

    async def originate(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A petition starts: through the form, or as a citizen's text message."""
        if document.get("door") == "form":
            return await self._form({name: value for name, value in document.items() if name != "door"})
        petitioner = document.get("petitioner") or {}
        openid = document.get("openid") or petitioner.get("openid") or DEFAULT_OPENID
        return await self.say(openid, {"MsgType": "text", "Content": str(document["content"])}, document.get("msg_id"))

    async def step(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """One message or event; see `_STEPS` for their names."""
        make = _STEPS.get(str(document.get("step")))
        if make is None:
            return {"error": f"steps: {', '.join(_STEPS)}"}
        return await self.say(document.get("openid") or DEFAULT_OPENID, make(document), document.get("msg_id"))

    async def say(self, openid: str, fields: Fields, msg_id: str | None = None) -> dict[str, Any]:
        """What came back for one message: the HTTP status, the decrypted reply, the petition's number in it."""
        if fields["MsgType"] != "event":
            fields = {**fields, "MsgId": msg_id or self._number()}
            self.on_message(openid)
        named = {"ToUserName": ACCOUNT, "FromUserName": openid, "CreateTime": str(int(time.time())), **fields}
        pushes.check(named)
        status, reply = 0, ""
        for _ in range(self._tongue.manner.tries):
            status, reply = await self._push(named)
        begun, added = self._accepted.search(reply), self._added.search(reply)
        if begun:
            self._platform.written(str(named["MsgId"]), as_xml(named).decode(), begun["petition_id"])
        found = begun or added
        return {"status": status, "petition_id": found["petition_id"] if found else None, "reply": reply}

    async def _push(self, fields: Fields) -> tuple[int, str]:
        body, query, content_type = self._tongue.envelope(fields)
        headers = {"Content-Type": content_type}
        status, answer = await self._box.tell("POST", f"{PATH}?{urlencode(query)}", body, lambda: headers)
        return status, self._tongue.reply(answer) if status == 200 else answer.decode("utf-8", "replace")

    def _number(self) -> str:
        self._numbers += 1
        return str(self._numbers)

    # ── how a message fared ──
    async def tell_fate(self, openid: str, msgid: str, template_id: str, fate: str) -> None:
        """The delivery event: of a template message, or of a subscribe message (which names its template)."""
        manner = self._tongue.manner
        if manner.late:
            await asyncio.sleep(manner.late)
        event = sent(msgid, template_id, fate) if template_id else finished(msgid, fate, manner.spelling)
        await self.say(openid, event)

    # ── the form ──
    async def _form(self, document: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._inbound_key}", "Content-Type": "application/json"}
        body = orjson.dumps(document)
        status, answer = await self._box.tell("POST", f"{PATH}/petitions", body, lambda: headers)
        try:
            reply = orjson.loads(answer)
        except orjson.JSONDecodeError:
            reply = {}
        if status == 202:
            self._platform.filed(document, reply.get("petition_id"))
        return {"status": status, "petition_id": reply.get("petition_id"), "reply": reply}


def _telling(text: str) -> re.Pattern[str]:
    """Finds the number in an answer that was made of `text`."""
    return re.compile(re.escape(text).replace(re.escape("{petition_id}"), r"(?P<petition_id>\S+?)"))


def _text(document: Mapping[str, Any]) -> Fields:
    return {"MsgType": "text", "Content": str(document.get("content", ""))}


def _rate(document: Mapping[str, Any]) -> Fields:
    wanted = str(document.get("content") or document.get("satisfaction") or "satisfied")
    return {"MsgType": "text", "Content": _RATINGS.get(wanted, wanted)}


def _confirm(document: Mapping[str, Any]) -> Fields:
    """The owner secretary confirms a closing; without a number, asks what waits."""
    parts = ("确认", str(document.get("number") or ""), str(document.get("content") or ""))
    return {"MsgType": "text", "Content": " ".join(part for part in parts if part)}


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


def _video(document: Mapping[str, Any]) -> Fields:
    kind = "shortvideo" if document.get("short") else "video"
    return {"MsgType": kind, "MediaId": str(document.get("media_id", "sandbox-media")), "ThumbMediaId": "sandbox-thumb"}


def _link(document: Mapping[str, Any]) -> Fields:
    link = {"Title": str(document.get("title", "")), "Description": str(document.get("description", ""))}
    return {"MsgType": "link", **link, "Url": str(document.get("url", "http://news.example.invalid/1"))}


def _event(document: Mapping[str, Any]) -> Fields:
    """Any other event by its name, with whatever fields are given."""
    return {"MsgType": "event", "Event": str(document["event"]), **document.get("fields", {})}


def _consent(document: Mapping[str, Any]) -> Fields:
    """The citizen agrees to, or declines, subscribe messages."""
    entries = [
        {"TemplateId": str(template), "SubscribeStatusString": str(answer), "PopupScene": "1"}
        for template, answer in document.get("answers", {"sub-reply": "accept"}).items()
    ]
    return {"MsgType": "event", "Event": "subscribe_msg_popup_event", "SubscribeMsgPopupEvent": {"List": entries}}


_STEPS: dict[str, Callable[[Mapping[str, Any]], Fields]] = {
    "text": _text,
    "image": _image,
    "voice": _voice,
    "video": _video,
    "location": _location,
    "link": _link,
    "click": _click,
    "rate": _rate,
    "confirm": _confirm,
    "progress": lambda document: _text({"content": document.get("content", "进度")}),
    "subscribe": lambda document: {"MsgType": "event", "Event": "subscribe", "EventKey": ""},
    "unsubscribe": lambda document: {"MsgType": "event", "Event": "unsubscribe", "EventKey": ""},
    "consent": _consent,
    "event": _event,
}


def finished(msgid: str, status: str, spelling: str = "MsgID") -> Fields:
    """The delivery event of a template message."""
    return {"MsgType": "event", "Event": "TEMPLATESENDJOBFINISH", spelling: msgid, "Status": status}


def sent(msgid: str, template_id: str, fate: str) -> Fields:
    """The delivery event of a subscribe message."""
    ok = fate == "success"
    entry = {"TemplateId": template_id, "MsgID": msgid, "ErrorCode": "0" if ok else "-1"}
    entry["ErrorStatus"] = "success" if ok else fate.removeprefix("failed:").strip()
    return {"MsgType": "event", "Event": "subscribe_msg_sent_event", "SubscribeMsgSentEvent": {"List": [entry]}}
