"""A petition as a work order (工单): the data of a REPORT. Pure.

The hotline itself must be able to call the citizen back, so name and number go with a REPORT unless the petition is
anonymous or confidential; then `reporterPublicFlag` is 0, and the sentence about discretion asks that nobody be told.
An openid never goes out: the hotline has no use for it.
"""

from collections.abc import Iterable
from typing import Any

from adapters.hotline12345 import times
from adapters.hotline12345.codes import Codes
from schemas.petition import Attachment, Petition, Place

Data = dict[str, Any]


def medias(files: Iterable[Attachment], usage: str) -> list[Data]:
    """The files that somebody could open: one without an address is none."""
    return [
        {"mediaName": name_of(file), "mediaPath": file.url, "mediaUsage": usage, "mediaTypeId": 1}
        for file in files
        if file.url
    ]


def name_of(file: Attachment) -> str:
    """A file's name; the field is required, and some have none."""
    return file.name or "附件"


def work_order(petition: Petition, codes: Codes) -> Data:
    """The data of a REPORT for a case that the hotline does not have yet."""
    kind = codes.kinds_sent[petition.kind]
    source = codes.event_sources.get(petition.source) or codes.event_sources["*"]
    data: Data = {
        "caseId": petition.petition_id,
        "caseNum": petition.petition_id,
        "registerTime": times.write(petition.submitted_at),
        "title": petition.title or petition.content[:50],
        "eventDesc": petition.content,
        "recTypeId": kind["rec_type"],
        "recTypeName": kind.get("rec_type_name", petition.kind.zh),
        "eventPropertyName": kind.get("property_name", petition.kind.zh),
        "eventSrcId": source["id"],
        "eventSrcName": source["name"],
        "urgentLevelId": codes.urgency_sent[petition.urgency],
        "caseMark": codes.report["case_mark"],
        "medias": medias(petition.attachments, "上报"),
    }
    if petition.repeat_call:
        data["repeatCallFlag"] = 1
    if "property" in kind:
        data["eventPropertyId"] = kind["property"]
    where = place_of(petition.place)
    where.setdefault("address", codes.report["no_address"])
    return data | where | _subject(petition) | _reporter(petition, codes)


def place_of(place: Place) -> Data:
    """What is known of a place, without a word for what is not."""
    parts = {
        "streetName": place.street,
        "communityName": place.community,
        "cellName": place.grid,
        "coordinateX": place.longitude,
        "coordinateY": place.latitude,
    }
    data = {name: value for name, value in parts.items() if value is not None}
    if place.region_code and place.region_code.isdecimal():
        data["districtId"] = int(place.region_code)
    address = place.address or "".join(part for part in (place.street, place.community) if part)
    return data | ({"address": address} if address else {})


def _subject(petition: Petition) -> Data:
    """The category by name only: its code is the source's, and would mean something else over there."""
    data = {"mainTypeName": petition.category.name, "handleOrgName": petition.lead_unit}
    return {name: value for name, value in data.items() if value}


def _reporter(petition: Petition, codes: Codes) -> Data:
    person = petition.petitioner
    hidden = person.anonymous or person.confidential
    data: Data = {"reporterPublicFlag": 0 if hidden else 1}
    if hidden or petition.kind in codes.report["discreet_kinds"]:
        data["dispatchOpinion"] = codes.report["discretion"]
    if person.anonymous:
        return data | {"reporterName": codes.report["anonymous_names"][0]}
    if person.confidential:
        # The core has taken both away already (the manifest's `needs_confidential`): this is the second lock.
        return data | {"reporterName": codes.report["confidential_name"]}
    known = {"reporterName": person.name, "contact": person.phone, "telReply": person.phone}
    return data | {name: value for name, value in known.items() if value}
