"""Which petition a document is about: our numbers, the center's, and other systems' behind them."""

from collections.abc import Iterator

from adapters.governance_center.codes import Codes, Unmapped
from adapters.governance_center.wire import EventDocument, UnknownDocument
from bridge.adapter import Ref
from bridge.ids import PETITION_ID
from schemas.petition import ExternalId

SYSTEM = "governance_center"
EVENT_ID = "eventId"
MEMBERS_AT_MOST = 200
"""Each member becomes a message of its own that keeps the whole body."""


def is_own(number: str | None) -> bool:
    """Whether it is a number the bridge gave."""
    return number is not None and PETITION_ID.fullmatch(number) is not None


def crossings(document: EventDocument, codes: Codes) -> tuple[Ref, ...]:
    """Who else's petition it is: our own number in either field, or another system's in `oppoSideBusiCode`."""
    own = [n for n in (document.oppoSideBusiCode, document.eventId) if n and is_own(n)]
    refs = tuple(Ref(petition_id=number) for number in dict.fromkeys(own))
    other = document.oppoSideBusiCode
    return refs if other is None or is_own(other) else refs + _peers(document.bizPlatform, other, codes)


def _peers(platform: str | None, number: str, codes: Codes) -> tuple[Ref, ...]:
    systems = codes.peers.values() if platform is None else filter(None, [codes.peers.get(platform)])
    return tuple(Ref(system, number) for system in dict.fromkeys(systems))


def strange_platform(document: EventDocument, codes: Codes) -> Iterator[Unmapped]:
    """The `bizPlatform` that no table names, where a number of it is given: whose petition it is, is then unknown."""
    platform = document.bizPlatform
    known = platform is None or platform in codes.peers or platform in codes.peers_ignored
    if not known and document.oppoSideBusiCode and not is_own(document.oppoSideBusiCode):
        yield Unmapped("bizPlatform", platform)


def refs(document: EventDocument, event_id: str, codes: Codes) -> tuple[Ref, ...]:
    """All ways to find the petition, the surest first."""
    found = crossings(document, codes)
    own = tuple(ref for ref in found if ref.petition_id)
    return (*own, Ref(SYSTEM, event_id, EVENT_ID), *(ref for ref in found if not ref.petition_id))


def number_of(event_id: str) -> tuple[ExternalId, ...]:
    """The center's number as a cross-reference, unless it is our own that came back."""
    return () if is_own(event_id) else (ExternalId(system=SYSTEM, kind=EVENT_ID, value=event_id),)


def subjects(document: EventDocument, event_id: str) -> tuple[str, ...]:
    """The events a document is about: the members it names, else its one event. A package's own number is no event.

    Raises `UnknownDocument` for more than can be told at once.
    """
    if not document.members:
        return (event_id,)
    if len(document.members) > MEMBERS_AT_MOST:
        raise UnknownDocument(f"字段members超过{MEMBERS_AT_MOST}个事件：请分批报送", event_id)
    itself = () if event_id == document.packageId else (event_id,)
    # Its number at the other side names the same event once more.
    twin = document.oppoSideBusiCode if itself else None
    return tuple(dict.fromkeys((*itself, *(number for number in document.members if number != twin))))


def member_refs(number: str) -> tuple[Ref, ...]:
    return (Ref(petition_id=number),) if is_own(number) else (Ref(SYSTEM, number, EVENT_ID),)
