"""Joint packages (打包处理) and matters of many households (首批162户), both ways."""

from typing import Any

from adapters.governance_center.values import wire_time
from adapters.governance_center.wire import EventDocument, UnknownDocument
from schemas.event import EventData, Households, Package

Fields = dict[str, Any]


def package(document: EventDocument) -> Package | None:
    if document.packageId is None:
        return None
    return Package(
        number=document.packageId,
        title=document.packageName,
        topic=document.topic,
        plan=document.packagePlan,
        due_at=document.packageDueDate,
        members=document.members,
    )


def households(document: EventDocument) -> Households | None:
    """How many are done so far; a total alone means that none is. Raises `UnknownDocument`."""
    done, total = document.householdsDone, document.householdsTotal
    if done is None and total is None:
        return None
    if total is not None and (done or 0) > total:
        raise UnknownDocument("字段householdsDone大于householdsTotal：已办结户数不能多于总户数", document.eventId)
    return Households(done=done or 0, total=total, batch=document.batchNo or None)


def fields(data: EventData) -> Fields:
    """What a document says of the package and the households in `data`; else nothing.

    Never `members`: our document is about its own event, and each member's comes by itself.
    """
    share, joint = data.households, data.package
    found: Fields = {}
    if joint is not None:
        found |= {
            "packageId": joint.number,
            "packageName": joint.title,
            "topic": joint.topic,
            "packagePlan": joint.plan,
            "packageDueDate": wire_time(joint.due_at) if joint.due_at else None,
        }
    if share is not None:
        found |= {"householdsTotal": share.total, "householdsDone": share.done, "batchNo": share.batch}
    return found
