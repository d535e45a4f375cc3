"""REPORT: a work order of the hotline becomes a petition, or a new dispatch of one that is known."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime

from adapters.hotline12345 import cases, former, wire
from adapters.hotline12345.codes import IGNORE, Codes, Table
from bridge.adapter import Draft, Submission, Update
from schemas.event import Assignment, EventData, EventType, RawCode
from schemas.petition import Category, HandlingClass, Kind, PetitionDraft, Petitioner, Place, Urgency


def read(report: wire.Report, key: str, at: datetime, codes: Codes) -> tuple[Draft, ...]:
    """The petition, and beside it what else the order says: to whom it is dispatched and until when, that the caller
    has called before, and each code that has no mapping (noted, not guessed away)."""
    news = _dispatched(report, key, at)
    if any(ref.petition_id for ref in news.refs):
        # One of ours, dispatched over there: known by the dispatch's own number, where it has one.
        own = _dispatch_key(report, key, news) if report.case_handle_id else key
        return (replace(news, message_key=own),)
    kind, strange = kind_of(report, codes)
    urgency, unheard = urgency_of(report, codes)
    told = _says_where(report)
    # Without the number of a dispatch, the same case again is a plain repeat.
    again = news if report.case_handle_id or news.type is EventType.REHANDLED else None
    submission = Submission(
        message_key=key,
        petition=_petition(report, key, kind, urgency, codes),
        external_ids=cases.external_ids(report),
        submitted_at=report.register_time or at,
        again=None if told else again,
        holder=cases.SYSTEM,
    )
    dispatch = (replace(news, message_key=_dispatch_key(report, key, news)),) if told else ()
    notes = tuple(_noted(code, report, news) for code in (strange, unheard) if code is not None)
    return (submission, *dispatch, *notes, *_called_before(report, news))


def _says_where(report: wire.Report) -> bool:
    """Whether the order names a unit or a time limit: then the dispatch is a fact of its own."""
    return any((report.handle_org_name, report.sign_deadline, report.rollback_deadline, report.dispose_deadline))


def _dispatch_key(report: wire.Report, key: str, news: Update) -> str:
    """One dispatch is one message, however often and by whatever road it is told."""
    if report.case_handle_id:
        return _side_key(report, key, news.type, report.case_handle_id)
    if news.type is EventType.REHANDLED:
        return f"{key}/dispatch"
    limits = (report.sign_deadline, report.rollback_deadline, report.dispose_deadline)
    return _side_key(report, key, news.type, report.handle_org_name, *limits)


def _side_key(report: wire.Report, key: str, what: str, *facts: object) -> str:
    """The key of what stands beside the petition in a message: by what it says about which case, not by who brought
    it."""
    said = json.dumps([report.case_id or key, what, *facts], default=lambda moment: moment.timestamp())
    return f"{what}:{hashlib.sha256(said.encode()).hexdigest()}"


def _dispatched(report: wire.Report, key: str, at: datetime) -> Update:
    again = report.re_handle == "1"
    unit = (report.handle_org_name or "")[:200]
    data = EventData(
        text=report.dispatch_opinion,
        unit=unit or None,
        units=(Assignment(unit=unit, code=(report.handle_org_code or "")[:64] or None),) if unit else (),
        due_at=report.dispose_deadline,
        sign_by=report.sign_deadline,
        return_by=report.rollback_deadline,
    )
    return Update(
        message_key=key,
        refs=cases.refs(report),
        type=EventType.REHANDLED if again else EventType.DISPATCHED,
        data=data,
        occurred_at=report.dispatch_time or report.register_time or at,
        external_ids=cases.external_ids(report),
    )


def _repeats(report: wire.Report) -> bool:
    return report.repeat_call == "1"


def _noted(code: RawCode, report: wire.Report, news: Update) -> Update:
    """A code without a mapping, beside the petition."""
    return _beside(report, news, EventType.UNKNOWN, EventData(status=code), code.code)


def _called_before(report: wire.Report, news: Update) -> tuple[Update, ...]:
    """The order that a repeated call is about, where the text quotes it: noted for who merges them."""
    earlier = former.numbers(report.event_desc or "") if _repeats(report) else ()
    if not earlier:
        return ()
    status = RawCode(code="repeatCallFlag=1", name="重复来电")
    data = EventData(status=status, reference=earlier[0])
    return (_beside(report, news, EventType.NOTED, data, earlier[0]),)


def _beside(report: wire.Report, news: Update, type_: EventType, data: EventData, what: str) -> Update:
    return Update(
        message_key=_side_key(report, news.message_key, "code", what),
        refs=news.refs,
        type=type_,
        data=data,
        occurred_at=news.occurred_at,
    )


def _petition(report: wire.Report, key: str, kind: Kind, urgency: Urgency, codes: Codes) -> PetitionDraft:
    content = report.event_desc or report.title
    if not content:
        raise cases.Unclear("data has no eventDesc (缺少工单内容eventDesc)")
    return PetitionDraft(
        kind=kind,
        handling_class=HandlingClass.HOTLINE_TRANSFER,
        title=(report.title or "")[:500],
        content=content,
        petitioner=_petitioner(report, codes),
        place=place_of(report),
        category=category_of(report),
        urgency=urgency,
        lead_unit=(report.handle_org_name or "")[:200] or None,
        attachments=cases.attachments(report, key),
        occurred_at=report.call_time or report.register_time,
        repeat_call=_repeats(report),
    )


# ── codes ──


def kind_of(report: wire.Report, codes: Codes) -> tuple[Kind, RawCode | None]:
    """The first name or id that says what the citizen wants; else OTHER, with the code that said nothing we know."""
    looked_up = (
        (report.property_name, codes.kind_names),
        (report.rec_type_name, codes.kind_names),
        (report.property_id, codes.property_ids),
        (report.rec_type_id if not report.rec_type_name else None, codes.rec_type_ids),
    )
    words = [_word(value, table) for value, table in looked_up if value]
    known = [word for word in words if word not in (None, IGNORE)]
    if known:
        return Kind(str(known[0])), None
    silent = not words or IGNORE in words
    return Kind.OTHER, None if silent else _raw("recTypeId", report.rec_type_id, report.rec_type_name)


def urgency_of(report: wire.Report, codes: Codes) -> tuple[Urgency, RawCode | None]:
    if not report.urgent_level:
        return Urgency.NORMAL, None
    word = _word(report.urgent_level, codes.urgency)
    return (Urgency(word), None) if word else (Urgency.NORMAL, _raw("urgentLevelId", report.urgent_level, None))


def _word(value: str | None, table: Table) -> str | None:
    word = table.get(value.strip()) if value else None
    return str(word) if word else None


def _raw(field: str, code: str | None, name: str | None) -> RawCode:
    return RawCode(code=f"{field}={code or name or ''}"[:64], name=(name or "")[:200] or None)


# ── person, place, subject ──


def _petitioner(report: wire.Report, codes: Codes) -> Petitioner:
    nameless = not report.reporter_name or report.reporter_name.strip() in codes.report["anonymous_names"]
    phone = _phone(report.contact) or _phone(report.tel_reply)
    openid = report.open_id
    if openid is not None and (len(openid) > 128 or not openid.isprintable()):
        raise cases.Unclear("openId must be 1 to 128 printable characters (openId格式错误)")
    hidden = bool(report.reporter_name) and nameless
    return Petitioner(
        name=None if nameless else (report.reporter_name or "")[:100],
        phone=phone,
        openid=openid,
        anonymous=hidden or (nameless and not phone),
        # Whatever is not plainly "public" keeps the caller's name: a flag misread must not tell it.
        confidential=report.reporter_public not in (None, "1"),
    )


def _phone(value: str | None) -> str | None:
    """The first number of a comma-joined list."""
    first = (value or "").replace("，", ",").split(",")[0].strip()
    return first[:64] or None


def place_of(report: wire.Report) -> Place:
    x, y = report.x, report.y
    # 0/0 is how an unset coordinate looks, and one half alone is no place.
    inside = x is not None and y is not None and abs(x) <= 180 and abs(y) <= 90 and (x, y) != (0, 0)
    return Place(
        region_code=report.district_id if report.district_id and len(report.district_id) <= 12 else None,
        street=(report.street_name or "")[:100] or None,
        community=(report.community_name or "")[:100] or None,
        grid=(report.cell_name or report.cell_id or "")[:64] or None,
        address=(report.address or "")[:1000] or None,
        longitude=x if inside else None,
        latitude=y if inside else None,
    )


def category_of(report: wire.Report) -> Category:
    """The finest code there is, and the path of names down to it."""
    levels = ("event_type", "main_type", "sub_type", "third_type")
    codes = [getattr(report, f"{level}_id") for level in levels]
    names = [getattr(report, f"{level}_name") for level in levels]
    finest = next((code for code in reversed(codes) if code and code != "0"), None)
    path = "/".join(dict.fromkeys(name for name in names if name))
    return Category(code=finest[:64] if finest else None, name=path[:200] or None)
