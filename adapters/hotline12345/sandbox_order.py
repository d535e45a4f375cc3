"""A petition as the sandboxed hotline's operators write it down."""

from datetime import datetime
from typing import Any

from adapters.hotline12345 import times
from adapters.hotline12345.codes import Codes
from schemas.petition import PetitionDraft


def work_order(draft: PetitionDraft, now: datetime, tables: Codes) -> dict[str, Any]:
    """A petition document as the hotline would write it down."""
    person, place, written = draft.petitioner, draft.place, times.write(now)
    return {
        "registerTime": times.write(draft.occurred_at) if draft.occurred_at else written,
        "dispatchTime": written,
        "title": draft.title,
        "eventDesc": draft.content,
        "recTypeId": tables.kinds_sent[draft.kind]["rec_type"],
        "recTypeName": draft.kind.zh,
        "eventSrcId": 104,
        "eventSrcName": "热线来电",
        "urgentLevelId": tables.urgency_sent[draft.urgency],
        "address": place.address or tables.report["no_address"],
        "districtId": place.region_code,
        "streetName": place.street,
        "communityName": place.community,
        "cellName": place.grid,
        "coordinateX": None if place.longitude is None else str(place.longitude),
        "coordinateY": place.latitude,
        "mainTypeId": draft.category.code,
        "mainTypeName": draft.category.name or "",
        "openId": person.openid,
        "reporterName": tables.report["anonymous_names"][0] if person.anonymous else person.name,
        "contact": person.phone or "",
        "reporterPublicFlag": 0 if person.confidential or person.anonymous else 1,
        "dispatchOpinion": tables.report["discretion"],
        "repeatCallFlag": 0,
        "rollbackFlag": 1,
        "postponeFlag": 1,
        "medias": [
            {"mediaName": one.name, "mediaPath": one.url, "mediaUsage": "上报", "mediaTypeId": 1}
            for one in draft.attachments
        ],
    }
