"""The units of a document: who leads, who assists, who speaks; and its files."""

from collections.abc import Iterator
from itertools import zip_longest

from adapters.governance_center.codes import Codes, find
from adapters.governance_center.wire import AssignmentEntry, AttachmentEntry, EventDocument
from schemas.event import Assignment, UnitRole
from schemas.petition import Attachment

FILE_URN = "urn:governance_center:file:"
"""Before a file's number where the platform gives no address."""

LONGEST_FILE_NAME = 255


def unit(document: EventDocument, codes: Codes) -> str | None:
    """Who took this step; a closing document may name its unit in `closeOrgID`."""
    code = document.orgCode or document.closeOrgID
    return document.orgName or (codes.unit_name(code) if code else None)


def assignments(document: EventDocument, codes: Codes) -> tuple[Assignment, ...]:
    """One per unit: `assignments` if given, else the target first and the assisting ones after it."""
    entries = document.assignments or tuple(_from_targets(document))
    found: list[Assignment] = []
    for entry in entries:
        name = entry.orgName or (codes.unit_name(entry.orgCode) if entry.orgCode else None)
        if name:
            role = find(codes.role, entry.role, "role") if entry.role else _next_role(found)
            state = find(codes.part, entry.partStatus, "partStatus") if entry.partStatus else None
            found.append(Assignment(unit=name, code=entry.orgCode, role=role, state=state))
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
    """Files by reference: by address, by the platform's file number, or by name alone (then nobody can fetch it)."""
    return tuple(_attachment(file) for file in document.attrs if file.url or file.number or file.name)


def _attachment(file: AttachmentEntry) -> Attachment:
    address = file.url or FILE_URN + (file.number or "")
    name = file.name or address.rsplit("/", 1)[-1]
    return Attachment(name=name[-LONGEST_FILE_NAME:], url=address, usage=file.usage)
