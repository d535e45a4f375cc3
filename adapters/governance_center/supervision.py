"""Supervision orders (督办单), both ways: levels, the order's own life, and that proposing is not publishing."""

from typing import Any

from adapters.governance_center.codes import Codes, code_for, find
from adapters.governance_center.wire import EventDocument
from bridge.adapter import Outgoing
from schemas.event import EventData, EventType, SupervisionLevel, SupervisionOrder, SupervisionState

Fields = dict[str, Any]


# ── as the center says it ─────────────────────────────────────────────────────────────────────────────────


def level(document: EventDocument, codes: Codes) -> SupervisionLevel:
    """A card goes before a reminder; with neither it is a key supervision. Raises `Unmapped`."""
    if document.supervisionType:
        return find(codes.supervision, document.supervisionType, "supervisionType")
    return find(codes.remind, document.remindStatus, "remindStatus")


def order(document: EventDocument, codes: Codes) -> SupervisionOrder:
    """Raises `Unmapped`."""
    reason = document.superviseReason
    return SupervisionOrder(
        number=document.superviseNo,
        state=find(codes.supervise_state, document.superviseState, "superviseState"),
        reason=find(codes.supervise_reason, reason, "superviseReason") if reason else None,
        issuer=document.superviseOrgName,
    )


def kind(data: EventData) -> EventType:
    """An order binds only once an operator there has issued it; what becomes of it later is a note on the petition."""
    if data.supervision is None or data.supervision.state is not SupervisionState.ISSUED:
        return EventType.NOTED
    return EventType.URGED if data.level is SupervisionLevel.URGE else EventType.SUPERVISED


# ── as we say it ──────────────────────────────────────────────────────────────────────────────────────────


def fields(outgoing: Outgoing, codes: Codes) -> Fields:
    """What a document says of an order, for an event that is one or comes with one; else nothing."""
    data, urged = outgoing.event.data, outgoing.event.type is EventType.URGED
    if urged:
        return {**_level(SupervisionLevel.URGE, codes), **_order(data.supervision, codes)}
    if outgoing.event.type is not EventType.SUPERVISED and data.supervision is None and data.level is None:
        return {}
    told = data.supervision or SupervisionOrder(state=_state(outgoing, codes))
    return {**_level(data.level or SupervisionLevel.KEY, codes), **_order(told, codes)}


def _state(outgoing: Outgoing, codes: Codes) -> SupervisionState:
    """Whose word it is decides: what the bridge's own people want is a proposal that an operator there must publish."""
    return codes.supervised_by.get(outgoing.event.source, codes.supervised_by[""])


def _level(known: SupervisionLevel, codes: Codes) -> Fields:
    card = code_for(codes.supervision, known)
    remind = known if known in (SupervisionLevel.URGE, SupervisionLevel.KEY) else SupervisionLevel.KEY
    # A card says its type; urging and key supervision are reminders without one.
    return {
        "supervisionType": card if card and card.isdigit() else None,
        "remindStatus": code_for(codes.remind, remind),
    }


def _order(told: SupervisionOrder | None, codes: Codes) -> Fields:
    if told is None:
        return {}
    return {
        "superviseNo": told.number,
        "superviseState": code_for(codes.supervise_state, told.state),
        "superviseReason": code_for(codes.supervise_reason, told.reason) if told.reason else None,
        "superviseOrgName": told.issuer,
    }
