"""What a document does to a case: where each unit's part stands, who may finish, and what the case has come to."""

from typing import Any

from adapters.governance_center import parts
from adapters.governance_center.cases import Case
from adapters.governance_center.codes import Codes
from adapters.governance_center.wire import EventDocument, Op
from schemas.event import EventType, PartState

Document = dict[str, Any]
ARCHIVED = "归档"
COMES_TO = {Op.CLOSE: EventType.CLOSED, Op.WITHDRAW: EventType.CANCELLED}
REVIEWS = {
    (Op.RETURN_REVIEW, "1"): EventType.RETURNED,
    (Op.RETURN_REVIEW, "2"): EventType.RETURN_DENIED,
    (Op.DELAY_REVIEW, "1"): EventType.EXTENDED,
    (Op.DELAY_REVIEW, "2"): EventType.EXTENSION_DENIED,
}


def waits_for(case: Case, op: Op, document: EventDocument) -> list[str]:
    """The assisting units for which the lead's finish has to wait."""
    finishes = op in (Op.REPLY, Op.CLOSE) and document.orgName == case.lead and not is_partial(document)
    return case.open_assists() if finishes else []


def happened(case: Case, op: Op, document: EventDocument, codes: Codes) -> None:
    """The case after a document of either side."""
    if op is not Op.REPORT:
        case.files += [{"name": file.name, "url": file.url} for file in document.attrs]
    if op in (Op.DISPATCH, Op.PACKAGE):
        for entry in document.assignments:
            case.parts.setdefault(entry.orgName or "", PartState.ASSIGNED)
        case.assists = tuple(dict.fromkeys((*case.assists, *(unit for unit in case.parts if unit != case.lead))))
    state = _part(op, document, codes)
    if document.orgName in case.parts and state is not None:
        case.parts[document.orgName] = state
    if op in COMES_TO and not is_partial(document) and document.role != "assist":
        case.status = COMES_TO[op]


def _part(op: Op, document: EventDocument, codes: Codes) -> PartState | None:
    review = REVIEWS.get((op, document.checkResult or ""))
    return parts.state(document, codes, op, review or EventType.PROGRESSED)


def is_partial(document: EventDocument) -> bool:
    done, total = document.householdsDone, document.householdsTotal
    return done is not None and total is not None and done < total


def status_code(case: Case, codes: Codes) -> str:
    """What the platform's own table calls the case now."""
    archived = next((code for code, rule in codes.status.items() if rule.zh == ARCHIVED), None)
    usual = next((code for code, rule in codes.status.items() if rule.event is case.status), "")
    return archived if case.archived and archived else usual
