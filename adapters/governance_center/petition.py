"""A report's petition: who, what, where, for whom."""

from collections.abc import Mapping
from typing import TypeVar

from adapters.governance_center.codes import Codes, Unmapped, find
from adapters.governance_center.numbers import strange_platform
from adapters.governance_center.units import assignments, attachments
from adapters.governance_center.wire import EventDocument, UnknownDocument
from schemas.event import Assignment, UnitRole
from schemas.petition import Category, HandlingClass, Kind, PetitionDraft, Petitioner, Place, Urgency

T = TypeVar("T")
NO = frozenset({"0", "false", "否", "no"})
STEEPEST_LATITUDE = 90


def draft(document: EventDocument, codes: Codes) -> tuple[PetitionDraft, tuple[Unmapped, ...]]:
    """The petition, and the codes in it that no table knows. Raises `UnknownDocument` when it says nothing."""
    content = document.content or document.eventName
    if content is None:
        raise UnknownDocument("字段content缺失：请填写诉求内容", document.eventId)
    unmapped = list(strange_platform(document, codes))
    units = _units(document, codes, unmapped)
    joint = len(units) > 1 or document.packageId is not None
    found = PetitionDraft(
        kind=_code(codes.kind, document.appealType, "appealType", Kind.OTHER, unmapped),
        handling_class=HandlingClass.JOINT_PACKAGE if joint else HandlingClass.KEY_SUPERVISION,
        title=document.eventName or "",
        content=content,
        petitioner=_petitioner(document, codes),
        place=_place(document),
        category=Category(code=document.eventType, name=document.typeName),
        urgency=_code(codes.urgency, document.urgencyDegree, "urgencyDegree", Urgency.NORMAL, unmapped),
        lead_unit=next((one.unit for one in units if one.role is UnitRole.LEAD), None),
        assist_units=tuple(one.unit for one in units if one.role is UnitRole.ASSIST),
        attachments=attachments(document),
        occurred_at=document.happenTimeStr,
    )
    return found, tuple(unmapped)


def _code(table: Mapping[str, T], code: str | None, field: str, neutral: T, unmapped: list[Unmapped]) -> T:
    # A petition is taken in whatever its codes are; what is unmapped is told beside it, not guessed.
    try:
        return find(table, code, field)
    except Unmapped as error:
        unmapped.append(error)
        return neutral


def _units(document: EventDocument, codes: Codes, unmapped: list[Unmapped]) -> tuple[Assignment, ...]:
    try:
        return assignments(document, codes)
    except Unmapped as error:
        unmapped.append(error)
        return ()


def _petitioner(document: EventDocument, codes: Codes) -> Petitioner:
    stands_for = codes.petitioner.get((document.contactUserName or "").strip())
    return Petitioner(
        name=None if stands_for else document.contactUserName,
        phone=document.contactTel,
        openid=document.openId,
        anonymous=_flag(document.anonymous) or stands_for == "anonymous",
        confidential=_flag(document.confidential) or stands_for == "confidential",
    )


def _flag(code: str | None) -> bool:
    # Whatever is not a clear no protects the caller.
    return code is not None and code.lower() not in NO


def _place(document: EventDocument) -> Place:
    longitude, latitude = document.longitude, document.latitude
    if longitude is None or latitude is None or abs(latitude) > STEEPEST_LATITUDE:
        longitude = latitude = None
    return Place(
        region_code=document.regionCode,
        street=document.streetName,
        community=document.communityName,
        grid=document.gridCode,
        address=document.occurred,
        longitude=longitude,
        latitude=latitude,
    )
