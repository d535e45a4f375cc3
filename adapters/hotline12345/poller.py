"""Notices the hotline keeps for us: fetched by name and page, read like the action they carry, signed after COMMIT."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from adapters.hotline12345 import answers, cases, inbound, mapping, wire
from adapters.hotline12345.client import Client
from adapters.hotline12345.codes import Codes
from adapters.hotline12345.dictionary import Dictionary
from bridge import strictjson
from bridge.adapter import Malformed, Notice, OutboundError, Permanent, Reading

MAX_PAGES = 5
BATCH = 100


class HotlinePoller:
    """An at-least-once queue: what is not signed comes again, under the same key."""

    def __init__(self, client: Client, dictionary: Dictionary, every_seconds: float, page_size: int) -> None:
        self.every_seconds = every_seconds
        self._client = client
        self._dictionary = dictionary
        self._page_size = page_size

    async def fetch(self) -> Sequence[Notice]:
        notices: list[Notice] = []
        fault: OutboundError | None = None
        await self._dictionary.refresh()
        for name in self._dictionary.codes.notices:
            try:
                notices += await self._named(name)
            except Permanent as error:
                fault = error  # one name that they do not know must not hide the others
            except OutboundError as error:
                fault = error
                break
        if fault is not None and not notices:
            raise fault
        return notices

    async def _named(self, name: str) -> list[Notice]:
        notices: list[Notice] = []
        for page in range(1, MAX_PAGES + 1):
            asked = {"noticeName": name, "curPage": page, "numPerPage": self._page_size}
            result = (await self._client.act("GET_NOTICE_INFO", asked)).result
            notices += [_notice(name, item) for item in answers.rows(result)]
            if page >= answers.pages(result):
                break
        return notices

    def read(self, notice: Notice, received_at: datetime) -> Reading:
        return read(notice, received_at, self._dictionary.codes)

    async def sign(self, notices: Sequence[Notice]) -> None:
        signed = [_signature(notice.token) for notice in notices if notice.token.get("noticeId")]
        for start in range(0, len(signed), BATCH):
            await self._client.act("NOTICE_SIGNING", {"noticeList": signed[start : start + BATCH]})


def read(notice: Notice, received_at: datetime, codes: Codes) -> Reading:
    """What a notice means: that of the action whose data it carries. Pure."""
    try:
        item = wire.PolledNotice.model_validate(strictjson.loads_object(notice.body))
        message = mapping.Message(notice.key, codes.notices[item.notice_name], item.data, received_at)
        return inbound.taken(message, mapping.drafts(message, codes), notice.key)
    except ValidationError as error:
        return _malformed(mapping.where(error))
    except (strictjson.BadJson, cases.Unclear) as error:
        return _malformed(str(error))
    except KeyError:
        return _malformed("a notice without a name in the code table (通知名称不在码表中)")


def _notice(name: str, item: Mapping[str, Any]) -> Notice:
    """The notice as it came, with the name it was asked for by; its id is the hotline's for ever."""
    number = str(item.get("noticeId"))
    token = {"noticeId": number} | _case(item.get("noticeData"))
    body = {"noticeName": name, "noticeId": item.get("noticeId"), "noticeData": item.get("noticeData")}
    return Notice(f"notice:{name}:{number}", json.dumps(body, ensure_ascii=False).encode(), token)


def _case(data: Any) -> dict[str, str]:
    """The caseId that NOTICE_SIGNING may name; unreadable data has none and is signed all the same."""
    try:
        document = strictjson.loads_object(data) if isinstance(data, str) else data
    except strictjson.BadJson:
        return {}
    case_id = document.get("caseId") if isinstance(document, dict) else None
    return {"caseId": str(case_id)} if isinstance(case_id, (str, int)) and case_id else {}


def _signature(token: Mapping[str, str]) -> dict[str, Any]:
    number = token["noticeId"]
    case = {"caseId": token["caseId"]} if "caseId" in token else {}
    return {"noticeId": int(number) if number.isdecimal() else number, **case}


def _malformed(reason: str) -> Malformed:
    return inbound.malformed(None, -400002, reason)
