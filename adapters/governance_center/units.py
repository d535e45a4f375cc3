"""The units of a document: who leads, who assists, who speaks; and its files."""

from collections.abc import Iterator
from itertools import zip_longest

from adapters.governance_center.codes import Codes, find
from adapters.governance_center.wire import AssignmentEntry, EventDocument
from schemas.event import Assignment, UnitRole
from schemas.petition import Attachment


def unit(document: EventDocument, codes: Codes) -> str | None:
    """Who took this step."""
    return document.orgName or (codes.unit_name(document.orgCode) if document.orgCode else None)


def assignments(document: EventDocument, codes: Codes) -> tuple[Assignment, ...]:
    """One per unit: `assignments` if given, else the target first and the assisting ones after it."""
    entries = document.assignments or tuple(_from_targets(document))
    found: list[Assignment] = []
    for entry in entries:
        name = entry.orgName or (codes.unit_name(entry.orgCode) if entry.orgCode else None)
        if name:
            role = find(codes.role, entry.role, "role") if entry.role else _next_role(found)
            found.append(Assignment(unit=name, code=entry.orgCode, role=role))
    return tuple(found)


def _next_role(found: list[Assignment]) -> UnitRole:
    return UnitRole.ASSIST if found else UnitRole.LEAD


def _from_targets(document: EventDocument) -> Iterator[AssignmentEntry]:
    targets = zip_longest(document.targetOrgCode, document.targetOrgName)
    assists = zip_longest(document.assistOrgCodes, document.assistOrgNames)
    for index, (code, name) in enumerate(targets):
        yield AssignmentEntry(orgCode=code, orgName=name, role="lead" if index == 0 else "assist")
    for code, name in assists:
        yield AssignmentEntry(orgCode=code, orgName=name, role="assist")


def attachments(document: EventDocument) -> tuple[Attachment, ...]:
    """Files by reference; an entry without an address is none."""
    return tuple(
        Attachment(name=file.name or file.url.rsplit("/", 1)[-1][:255], url=file.url, usage=file.usage)
        for file in document.attrs
        if file.url
    )
