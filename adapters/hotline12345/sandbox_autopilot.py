"""The hotline's own doings in the sandbox: it walks its cases and tells the bridge each step, by door or by notice."""

import asyncio
import itertools
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from adapters.hotline12345 import messages, sandbox_case, times
from adapters.hotline12345.inbound import PATH
from adapters.hotline12345.sandbox_case import Case
from adapters.hotline12345.sandbox_manners import Manners
from bridge.sandbox import Sandbox

BY_NOTICE = 0.15
POLLED_LATELY = 30.0


@dataclass(slots=True)
class Notice:
    number: int
    name: str
    data: str
    signed: asyncio.Event = field(default_factory=asyncio.Event)


class Autopilot:
    def __init__(self, core: Sandbox, inbound_key: str, notice_names: Mapping[str, str], manners: Manners) -> None:
        self._core = core
        self._manners = manners
        self._kept_back: list[tuple[str, Mapping[str, Any]]] = []
        self._headers = {"Authorization": f"Bearer {inbound_key}", "Content-Type": "application/json; charset=utf-8"}
        # Two notices can carry the same action; the first in the table is the one to use.
        self._notice_of: dict[str, str] = {}
        for name, action in notice_names.items():
            self._notice_of.setdefault(action, name)
        # Numbers start from the clock, so that a restarted sandbox does not give a number twice.
        self._numbers = itertools.count(int(time.time() * 1000))
        self._run = secrets.token_hex(4)
        self.notices: dict[int, Notice] = {}
        self.polled_at = -POLLED_LATELY

    # ── numbers ──
    def numbers(self) -> tuple[int, str]:
        """A new recId and taskNum."""
        number = next(self._numbers)
        day = self._core.now().strftime("%Y%m%d")
        # Milliseconds since midnight: eight digits that grow.
        return number, f"JN{day}{number % 86_400_000:08d}"

    def new_case(self, case_id: str, **more: Any) -> Case:
        number, task_num = self.numbers()
        unit = sandbox_case.UNITS[number % len(sandbox_case.UNITS)]
        return Case(case_id=case_id, rec_id=number, task_num=task_num, unit=unit, entered=self._core.now(), **more)

    def uid(self) -> str:
        return f"hl-{self._run}-{self._core.number()}"

    # ── walking ──
    def start(self, case: Case) -> None:
        if self._core.autopilot:
            self._core.soon(lambda: self._walk(case))

    async def _walk(self, case: Case) -> None:
        for step in sandbox_case.script(case, self._core.random):
            await asyncio.sleep(self._core.pace * self._core.random.uniform(0.7, 1.3))
            by_notice = self._core.random.random() < BY_NOTICE
            if by_notice and time.monotonic() - self.polled_at < POLLED_LATELY:
                await self._leave_notice(case, step)
            else:
                await self.step(case, step)

    async def step(self, case: Case, step: str, text: str = "") -> dict[str, Any]:
        """One step now, through the bridge's door; what the bridge answered."""
        action, data = sandbox_case.say(case, step, text, self._core.now())
        return await self.tell(action, data)

    async def tell(self, action: str, data: Mapping[str, Any], uid: str | None = None) -> dict[str, Any]:
        """One message, now; as the manners are, late, or twice. What the bridge answered."""
        if action != "REPORT" and self._manners.strikes("late"):
            self._kept_back.append((action, data))
            return {"uid": "", "action": action, "status": 0, "answer": None}
        told = await self._tell(action, data, uid or self.uid())
        if action != "REPORT" and (self._manners.twice or self._manners.again):
            await self._tell(action, data, told["uid"] if self._manners.twice else self.uid())
        late, self._kept_back = self._kept_back, []
        for kept in late:
            await self._tell(*kept, self.uid())
        return told

    async def _tell(self, action: str, data: Mapping[str, Any], uid: str) -> dict[str, Any]:
        # An action that the standard has as a notice only is pushed under the notice's name, as some hotlines do.
        name = self._notice_of[action] if action in messages.NOTICES_ONLY else action
        written = self._manners.written(data)
        body = orjson.dumps({"uid": uid, "senderCode": "hotline12345", "action": name, "data": written})
        status, content = await self._core.tell("POST", PATH, body, lambda: self._headers)
        if 400 <= status < 500:
            self._core.failed_calls += 1
        return {"uid": uid, "action": action, "status": status, "answer": _json(content)}

    # ── notices ──
    async def _leave_notice(self, case: Case, step: str) -> None:
        """Leave the step to be polled, and go on only when it has been signed: a case's steps stay in order."""
        await self.leave(case, step).signed.wait()

    def leave(self, case: Case, step: str, text: str = "") -> Notice:
        """The step as a notice, to be polled. KeyError: no notice carries such a thing."""
        action, data = sandbox_case.say(case, step, text, self._core.now())
        notice = Notice(next(self._numbers), self._notice_of[action], orjson.dumps(_in_millis(data)).decode())
        self.notices[notice.number] = notice
        return notice

    def waiting(self, name: str) -> list[Notice]:
        self.polled_at = time.monotonic()
        return [notice for notice in self.notices.values() if notice.name == name]

    def sign(self, number: object) -> None:
        """A notice signed is gone; an unknown number has been signed before."""
        known = int(number) if isinstance(number, (int, str)) and str(number).isdecimal() else -1
        notice = self.notices.pop(known, None)
        if notice is not None:
            self._core.told.append(f"notice:{notice.name}:{notice.number}")
            notice.signed.set()


def _in_millis(data: Mapping[str, Any]) -> dict[str, Any]:
    """Polled notices carry epoch milliseconds where the door carries text."""
    return {name: _millis(value) if name.endswith("Time") else value for name, value in data.items()}


def _millis(value: Any) -> Any:
    moment = times.read_or_none(value) if isinstance(value, str) else None
    return int(moment.timestamp() * 1000) if moment else value


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
