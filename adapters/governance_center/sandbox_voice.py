"""What the sandbox's center says: its steps towards the bridge, one document each, signed anew for each try."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from adapters.governance_center import autopilot, sandbox_cases
from adapters.governance_center.autopilot import Step
from adapters.governance_center.cases import UNITS, Case, Casebook, event_number
from adapters.governance_center.codes import Codes
from adapters.governance_center.inbound import PATH
from adapters.governance_center.numbers import SYSTEM, is_own
from adapters.governance_center.originals import report_fields
from adapters.governance_center.sandbox_moods import Dialect
from adapters.governance_center.signature import Signer
from adapters.governance_center.values import wire_time
from adapters.governance_center.wire import Op, understood
from bridge.sandbox import Sandbox

Document = dict[str, Any]
ENDS_A_CASE = frozenset({Op.CLOSE, Op.WITHDRAW})
NEVER_LATE = ENDS_A_CASE | {Op.REPORT, Op.EVALUATE}
OWN_KEYS = frozenset({"petition_id", "eventId", "step", "text", "force"})


class Voice:
    def __init__(self, box: Sandbox, book: Casebook, codes: Codes, dialect: Dialect, signer: Signer) -> None:
        self._box = box
        self._book = book
        self._codes = codes
        self._dialect = dialect
        self._signer = signer
        self._held_back: dict[str, Document] = {}

    def walk(self, case: Case, steps: Iterator[Step]) -> None:
        """One step after the other: the next is planned when the bridge has answered the one before."""

        async def act() -> None:
            step = None if case.over else next(steps, None)
            if step is not None:
                await self._say(case, step)
                self.walk(case, steps)

        self._box.later(1.0, act)

    async def _say(self, case: Case, step: Step) -> tuple[int, Document]:
        document = self._document(case, step)
        read, _ = understood(document, {})
        sandbox_cases.happened(case, step.op, read, self._codes)
        late = self._held_back.pop(case.number, None)
        if self._dialect.late and late is None and step.op not in NEVER_LATE:
            self._held_back[case.number] = document
            return 0, {"held_back": True}
        answer = await self.send(document)
        if self._dialect.twice:
            await self.send(document)
        if late is not None:
            await self.send(late)
        return answer

    def _document(self, case: Case, step: Step) -> Document:
        came_to = sandbox_cases.COMES_TO.get(step.op)
        document = {
            "op": step.op.value,
            "messageId": case.next_message_id(),
            "eventId": case.number,
            "eventName": case.title,
            "taskTime": wire_time(self._box.now()),
            "oppoSideBusiCode": case.petition_id,
            "status": self._codes.status_out.get(came_to) if came_to else None,
            **step.fields,
        }
        return {name: value for name, value in document.items() if value is not None}

    async def send(self, document: Any) -> tuple[int, Document]:
        told = self._dialect.named(document) if isinstance(document, dict) else document
        body = orjson.dumps(told)
        status, content = await self._box.tell("POST", PATH, body, lambda: self._headers(body))
        return status, _read(content)

    def _headers(self, body: bytes) -> dict[str, str]:
        signed = self._signer.headers("POST", PATH, body, self._box.now(), uuid.uuid4().hex)
        return {**signed, "Content-Type": "application/json"}

    def number(self) -> str:
        return event_number(self._box.now(), self._box.number(), self._box.random)

    # ── what the runner asks for ──
    async def originate(self, document: Document) -> Document:
        """A petition that starts at the center. Returns the bridge's answer."""
        case = self._original(document)
        case.document = self._document(case, Step(Op.REPORT, report_fields(document, self._codes)))
        status, answer = await self.send(case.document)
        self._adopt(case, answer)
        if status == 200:
            self.walk(case, autopilot.worked(case, self._box.random))
        return {"eventId": case.number, "petition_id": case.petition_id, "status": status, "answer": answer}

    def _original(self, document: Document) -> Case:
        texts = {name: document[name] for name in ("reply", "progress") if document.get(name)}
        units = [*filter(None, [document.get("lead_unit")]), *document.get("assist_units", ())]
        lead = units[0] if units else self._box.random.choice(UNITS)
        named, now = {"eventName": document.get("title", "")}, self._box.now()
        return self._book.add(Case(self.number(), None, lead, tuple(units[1:]), named, now, ours=False, texts=texts))

    def _adopt(self, case: Case, answer: Mapping[str, Any]) -> None:
        number = answer.get("petitionId")
        if isinstance(number, str) and is_own(number):
            self._book.link(case, number)

    async def step(self, command: Document) -> Document:
        """One step of a case now; other keys of the command go into the document as they are."""
        case = self._book.find(command.get("eventId"), command.get("petition_id"))
        if case is None:
            return {"error": "this sandbox has no such case"}
        if command["step"] == "archive":
            case.archived = case.over = True
            return {"eventId": case.number, "archived": True}
        usual = autopilot.STEPS.get(command["step"])
        if usual is None:
            return {"error": f"the {SYSTEM} sandbox has no step {command['step']!r}"}
        return await self._stepped(case, _changed(case, usual(case), command), force=bool(command.get("force")))

    async def _stepped(self, case: Case, step: Step, *, force: bool) -> Document:
        read, _ = understood({"orgName": case.lead, **step.fields}, {})
        waiting = sandbox_cases.waits_for(case, step.op, read)
        if waiting and not force:
            return {"error": f"the lead finishes last; still at work: {', '.join(waiting)}"}
        status, answer = await self._say(case, step)
        return {"eventId": case.number, "petition_id": case.petition_id, "status": status, "answer": answer}


def _changed(case: Case, usual: Step, command: Document) -> Step:
    word = "reason" if "reason" in usual.fields else "advice"
    text = {word: command["text"]} if command.get("text") is not None else {}
    more = {key: value for key, value in command.items() if key not in OWN_KEYS}
    role = {"role": case.role_of(command["orgName"])} if "orgName" in command else {}
    return Step(usual.op, {**usual.fields, **text, **role, **more})


def _read(content: bytes) -> Document:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {"unreadable": content[:200].decode("utf-8", "replace")}
    return found if isinstance(found, dict) else {"unreadable": str(found)[:200]}
