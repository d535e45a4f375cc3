"""A knock at each door of the bridge, signed as its system signs: to hear the dialect in which it answers."""

import json
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp

from adapters.governance_center.inbound import PATH as CENTER
from adapters.governance_center.signature import Signer
from adapters.hotline12345.inbound import PATH as HOTLINE
from adapters.wechat.crypto import signature
from schemas.base import SHANGHAI

SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back: status 0 for no answer at all."""

    status: int
    content_type: str
    body: str

    @property
    def document(self) -> dict[str, Any]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


class Doors:
    """`sections`: the systems' settings, with their secrets; `key`: an API key that may write."""

    def __init__(self, url: str, key: str, sections: Mapping[str, Any]) -> None:
        self._url = url
        self._key = key
        self._sections = sections

    async def knock(self) -> dict[str, Heard]:
        """A new petition, or a message, at every door at once."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(SECONDS)) as session:
            return {
                "rest": await self._rest(session),
                "read": await self._ask(session, "GET", "/v1/conservation", self._bearer(self._key), None),
                "form": await self._form(session),
                "wechat": await self._wechat(session),
                "hotline12345": await self._hotline(session),
                "governance_center": await self._center(session),
            }

    async def _ask(
        self, session: aiohttp.ClientSession, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Heard:
        try:
            async with session.request(method, self._url + path, data=body, headers=headers) as response:
                return Heard(response.status, response.headers.get("content-type", ""), await response.text())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Heard(0, "", type(error).__name__)

    @staticmethod
    def _bearer(key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    async def _rest(self, session: aiohttp.ClientSession) -> Heard:
        return await self._ask(session, "POST", "/v1/petitions", self._bearer(self._key), _petition())

    async def _form(self, session: aiohttp.ClientSession) -> Heard:
        key = self._sections["wechat"].inbound_key.get_secret_value()
        return await self._ask(session, "POST", "/in/wechat/petitions", self._bearer(key), _petition())

    async def _wechat(self, session: aiohttp.ClientSession) -> Heard:
        """A citizen asks how far it is: the door must look something up before it can answer."""
        stamp, nonce = str(int(time.time())), secrets.token_hex(5)
        fields = {"ToUserName": "gh_knock", "FromUserName": "oKnock", "CreateTime": stamp, "MsgType": "text"}
        fields |= {"Content": "进度", "MsgId": str(time.time_ns())}
        body = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in fields.items())
        signed = signature(self._sections["wechat"].token.get_secret_value(), stamp, nonce)
        path = f"/in/wechat?signature={signed}&timestamp={stamp}&nonce={nonce}"
        return await self._ask(session, "POST", path, {"Content-Type": "text/xml"}, f"<xml>{body}</xml>".encode())

    async def _hotline(self, session: aiohttp.ClientSession) -> Heard:
        """An action that nobody knows: kept for people to look at, so it needs the ledger too."""
        key = self._sections["hotline12345"].inbound_key.get_secret_value()
        envelope = {"uid": uuid.uuid4().hex, "senderCode": "12345", "action": "KNOCK", "data": {"caseId": "X1"}}
        return await self._ask(session, "POST", HOTLINE, self._bearer(key), json.dumps(envelope).encode())

    async def _center(self, session: aiohttp.ClientSession) -> Heard:
        section = self._sections["governance_center"]
        signer = Signer(section.inbound_app_id, section.inbound_secret.get_secret_value(), section.sign_type)
        number = secrets.token_hex(6)
        document = {"op": "progress", "eventId": number, "messageId": number, "advice": "正在处理", "status": "02"}
        body = json.dumps(document).encode()
        headers = signer.headers("POST", CENTER, body, datetime.now(SHANGHAI), uuid.uuid4().hex)
        return await self._ask(session, "POST", CENTER, {**headers, "Content-Type": "application/json"}, body)


def _petition() -> bytes:
    document = {
        "external_id": f"knock-{secrets.token_hex(6)}",
        "content": "有人吗？",
        "petitioner": {"anonymous": True},
    }
    return json.dumps(document).encode()
