"""How the sandbox misbehaves in the center's own dialect; what any system can do wrong is in `bridge/sandbox.py`.

`POST /sandbox/dialect` changes what it names, `GET` tells how it is now.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

Document = dict[str, Any]

Shape = Literal["plain", "numeric", "peer", "success_number", "batch"]
Lie = Literal["took", "refused"]

RENAMED = {
    "contactUserName": "WantPerson",
    "contactTel": "WantPersonTel ",
    "content": "WantContent",
    "registerTimeStr": "WantDate",
    "eventName": "Title",
    "regionCode": "Village",
    "occurred": "Address",
    "eventId": "SourceNumber",
    "remarks": "Remark",
    "attrs": "Attachs",
}
"""The same fields as another platform writes them, one with the trailing blank that was seen in tests."""


class WrongDialect(ValueError):
    """The switch does not exist, or not with this value."""


@dataclass(slots=True)
class Dialect:
    """`strict`: refuse what the document does not allow. `answers`: the shape of an answer. `lie` for the next `times`
    documents (-1: all): "took" accepts and keeps nothing, "refused" keeps it and says it is busy. `partial`: every
    n-th document is refused. Towards the bridge: `renamed` fields, each step told `twice`, each step told `late` (after
    the one that follows it).
    """

    strict: bool = True
    answers: Shape = "plain"
    lie: Lie | None = None
    times: int = -1
    partial: int = 0
    renamed: bool = False
    twice: bool = False
    late: bool = False
    _seen: int = 0
    _accepted: str = "1"

    def change(self, switches: Mapping[str, Any]) -> None:
        """Raises `WrongDialect`."""
        known = {one.name for one in fields(self) if not one.name.startswith("_")}
        if unknown := switches.keys() - known:
            raise WrongDialect(f"unknown switch {sorted(unknown)}; known: {sorted(known)}")
        if switches.get("answers", "plain") not in get_args(Shape) or switches.get("lie") not in (None, *get_args(Lie)):
            raise WrongDialect(f"answers: {get_args(Shape)}; lie: null, {get_args(Lie)}")
        for name, value in switches.items():
            setattr(self, name, value)

    def as_dict(self) -> Document:
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}

    def lying(self) -> Lie | None:
        """The lie for the present document; counts down."""
        if self.lie is None or self.times == 0:
            return None
        self.times -= self.times > 0
        return self.lie

    def refuses_this(self) -> bool:
        """Whether the present document is one of those that partial success leaves out."""
        self._seen += 1
        return self.partial > 0 and self._seen % self.partial == 0

    def shaped(self, answer: Document) -> Document:
        """The answer as this platform would write it."""
        if "code" not in answer or "results" in answer:
            return answer
        good = answer["code"] == "1"
        code = self._accepted if good else "0" if self._accepted != "0" else "-1"
        rest = {name: value for name, value in answer.items() if name not in ("code", "message", "eventId")}
        number, message = answer.get("eventId"), answer.get("message", "")
        match self.answers:
            case "numeric":
                return {**answer, "code": int(code)}
            case "peer":
                theirs = {"peerEventId": number} if number else {}
                return {**rest, "code": code, "message": message, **theirs}
            case "success_number":
                return {"Success": good, "Number": number or "", "Message": message, **rest}
            case "batch":
                return {"code": self._accepted, **_listed(number, message, good=good), **rest}
        return {**answer, "code": code}

    def named(self, document: Document) -> Document:
        """The document with another platform's names of fields, if so told."""
        return {RENAMED.get(key, key): value for key, value in document.items()} if self.renamed else document


def _listed(number: str | None, message: str, *, good: bool) -> Document:
    """One document's outcome as a batch is answered; a platform of this kind says success around a refusal."""
    if good:
        return {"msg": message, "successStr": number or "", "conflictStr": ""}
    failure = {"id": number, "reason": message}
    return {"msg": "部分成功", "successStr": "", "conflictStr": "", "failSituationList": [failure]}
