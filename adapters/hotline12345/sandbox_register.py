"""The cases at the sandboxed hotline, its list of a day (an extension of the dialect), and how differences are seeded.

`POST /sandbox/register {"do": …, "caseId": …}` makes the two sides differ, as real systems come to: `forget` loses
a case, `state`, `field` (`name`) and `attachment` change what it says to `value`, `twice` holds it a second time,
`entered` moves it to another moment, and `invent` with a petition `document` makes a case that the bridge was never
told of.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from adapters.hotline12345 import times
from adapters.hotline12345.sandbox_case import Case

_TOLD = (
    "title",
    "eventDesc",
    "recTypeId",
    "recTypeName",
    "eventPropertyName",
    "urgentLevelId",
    "mainTypeName",
    "districtId",
    "streetName",
    "communityName",
    "cellName",
)
"""What the list says of a case: nothing by which the citizen can be known."""


@dataclass(slots=True)
class Register:
    """`cases` by caseId; `doubles` are cases held a second time, under other numbers."""

    cases: dict[str, Case] = field(default_factory=dict)
    doubles: list[Case] = field(default_factory=list)

    def between(self, begin: str, end: str) -> list[Case]:
        """The cases that entered in that time, oldest first."""
        found = [case for case in (*self.cases.values(), *self.doubles) if begin <= times.write(case.entered) <= end]
        return sorted(found, key=lambda case: (case.entered, case.rec_id))

    def named(self, number: str) -> Case:
        """By the case's id or the bridge's number. KeyError."""
        found = self.cases.get(number) or next((one for one in self.cases.values() if one.petition_id == number), None)
        if found is None:
            raise KeyError(f"there is no case {number!r}")
        return found

    def seed(self, asked: Mapping[str, Any], numbers: tuple[int, str]) -> Case:
        """One difference. `numbers` for a case held twice. KeyError, ValueError: what is asked cannot be done."""
        case, value = self.named(str(asked.get("caseId") or asked.get("petition_id"))), asked.get("value")
        match asked.get("do"):
            case "forget":
                del self.cases[case.case_id]
            case "state":
                case.state = str(value)
            case "field":
                case.order = {**case.order, str(asked["name"]): value}
            case "attachment":
                file = {"mediaName": str(value), "mediaPath": "/unknown", "mediaUsage": "上报", "mediaTypeId": 1}
                case.order = {**case.order, "medias": [*case.order.get("medias", ()), file]}
            case "entered":
                case.entered = _moment(value)
            case "twice":
                rec_id, task_num = numbers
                case = replace(case, rec_id=rec_id, task_num=task_num)
                self.doubles.append(case)
            case other:
                raise KeyError(f"there is no switch {other!r}")
        return case


def row(case: Case) -> dict[str, Any]:
    """A case as the list has it."""
    said = {name: case.order[name] for name in _TOLD if case.order.get(name) not in (None, "")}
    return {
        "recId": case.rec_id,
        "taskNum": case.task_num,
        "caseId": case.case_id,
        "recCreateTime": times.write(case.entered),
        "actDefName": case.state,
        "signState": int(case.signed),
        "mediaNames": [file["mediaName"] for file in case.order.get("medias", ())],
        **({"outerTaskNum": case.petition_id} if case.petition_id else {}),
        **said,
    }


def _moment(value: object) -> datetime:
    moment = times.read(value)
    if moment is None:
        raise ValueError("a moment is needed")
    return moment
