"""The hotline's own list of its cases (对账), asked a day at a time.

The documents have no such list. `GET_REC_LIST` is an extension in the style of the dialect: pages of cases without
a name, a number or an address, between two times; a city whose hotline calls it otherwise says so in `[register]`,
and "" there means that it has none. A case that we do not have is fetched whole with GET_REC_INFO and read like the
REPORT it is.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from pydantic import ValidationError

from adapters.hotline12345 import answers, cases, digests, envelope, poller, wire
from adapters.hotline12345.client import Client
from adapters.hotline12345.codes import IGNORE, Codes
from adapters.hotline12345.dictionary import Dictionary
from adapters.hotline12345.work_order import name_of
from bridge.adapter import CannotAsk, Notice, Permanent, Reading, Record, Unknown
from schemas.petition import Petition

MAX_PAGES: Final = 1000
REPORT_NOTICE: Final = "REPORT_NOTICE"


class HotlineRegister:
    def __init__(self, client: Client, dictionary: Dictionary, page_size: int) -> None:
        self._client = client
        self._dictionary = dictionary
        self._page_size = page_size

    async def day(self, day: date) -> Sequence[Record]:
        action = self._dictionary.codes.register["action"]
        if not action:
            raise CannotAsk("this hotline has no list of its cases")
        await self._dictionary.refresh()
        codes = self._dictionary.codes
        found: dict[tuple[str, str], Record] = {}
        for page in range(1, MAX_PAGES + 1):
            result = await self._page(action, day, page)
            rows = answers.rows(result)
            for row in rows:
                one = record(row, codes)
                # A case that came in while we turned the page pushes another onto the next one: that is no second case.
                found.setdefault((one.number, str(row.get("recId"))), one)
            if not rows or page >= answers.pages(result):
                return tuple(found.values())
        raise Unknown("register:too_many_pages")

    def digests(self, petition: Petition) -> Mapping[str, str]:
        return digests.of_petition(petition)

    def attachments(self, petition: Petition) -> frozenset[str]:
        return digests.of_names(name_of(file) for file in petition.attachments if file.url)

    async def fetch(self, record: Record) -> Notice:
        number = record.petition_id if record.ours and record.petition_id else record.number
        answer = await self._client.act("GET_REC_INFO", {"caseId": number})
        info = answer.result.get("recInfo")
        if not isinstance(info, dict) or not info:
            raise Unknown("no_case")
        # Their REPORT would have named the case by its own ids; the receiver's two numbers are the look-up's addition.
        order = {name: value for name, value in info.items() if name not in ("recId", "taskNum")}
        body = {"noticeName": REPORT_NOTICE, "noticeId": str(info.get("recId")), "noticeData": order}
        return Notice(_key(info, number), json.dumps(body, ensure_ascii=False).encode())

    def read(self, notice: Notice, received_at: datetime) -> Reading:
        return poller.read(notice, received_at, self._dictionary.codes)

    async def _page(self, action: str, day: date, page: int) -> dict[str, Any]:
        asked = {
            "beginTime": f"{day.isoformat()} 00:00:00",
            "endTime": f"{day.isoformat()} 23:59:59",
            "curPage": page,
            "numPerPage": self._page_size,
        }
        try:
            return (await self._client.act(action, asked)).result
        except Permanent as error:
            if error.code == str(envelope.UNKNOWN_ACTION):
                raise CannotAsk("this hotline does not know the list of its cases") from error
            raise


def record(row: Mapping[str, Any], codes: Codes) -> Record:
    """One case of the list. Pure. Raises `Unknown` for a row that names no case or no time."""
    try:
        case = wire.Listed.model_validate(row)
        number = case.case_id or case.task_num
        if number is None or case.entered is None:
            raise Unknown("register:row_without_case_or_time")
    except ValidationError as error:
        raise Unknown("register:row") from error
    ours = cases.is_ours(number)
    word = codes.case_states.get(case.state or "") or _state_of(case.state, codes)
    return Record(
        number=(case.task_num or number) if ours else number,
        petition_id=number if ours else _ours(case.outer_task_num),
        entered_at=case.entered,
        ours=ours,
        state=None if word in (None, IGNORE) else word,
        raw_state=case.state or "",
        digests=digests.of_order(case, codes),
        attachments=digests.of_names(case.media_names),
    )


def _ours(number: str | None) -> str | None:
    return number if number is not None and cases.is_ours(number) else None


def _state_of(name: str | None, codes: Codes) -> str | None:
    """The state that we ourselves would call by this name."""
    return next((state for state, said in codes.case_status.items() if said["name"] == name), None)


def _key(info: Mapping[str, Any], number: str) -> str:
    """The uid of the message that would have brought the case, where the hotline says it.

    Otherwise a key of our own: a late original then brings no new number, and is a plain repeat all the same.
    """
    uid = info.get("uid")
    if isinstance(uid, str) and 0 < len(uid) <= 128 and uid.isprintable():
        return uid
    return f"register:{number}:{info.get('caseHandleId') or ''}"[:128]
