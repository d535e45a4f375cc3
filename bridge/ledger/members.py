"""并单: what the members of a petition hear of it, and what it hears of them.

An answer to the petition is an answer to each member, and a new round is one for each. A member's petitioner who says
no after the answer is heard as the petition's own is. But that the petition is cancelled answers nobody else: another
petitioner's member goes on by itself.
"""

from collections.abc import Iterable, Sequence

import orjson
from sqlalchemy import select

from bridge import ids
from bridge.clock import to_ms
from bridge.ledger.histories import read_histories
from bridge.ledger.journal import BRIDGE
from bridge.ledger.opening import open_event, open_petition
from bridge.ledger.route import OPENING
from bridge.ledger.tables import Row, events, handoffs, petitions
from bridge.ledger.work import PetitionRow, Said, Work
from bridge.lifecycle import ANSWERS
from bridge.prose import mask, mask_words
from bridge.rules.rehandling import ASKED, BY_ITSELF, complaints
from bridge.rules.steps import Step
from schemas.event import EventData, EventType, UnitRole
from schemas.petition import HandlingClass

RULE = "rule"
MIRRORED = (ANSWERS - {EventType.MERGED}) | {EventType.REHANDLED}
"""News of the petition that is its members' news too: its answers, and that there will be another one."""

FREED_ZH = "并入的诉求已作废，恢复单独办理"
AGAIN_ZH = "并入的诉求重新办理，结果将另行答复"


def mirror(work: Work, said: Sequence[Said]) -> None:
    """What was said of petitions reaches their members, and what was said of members the petition they belong to."""
    for row, type_, _, event_id in said:
        if row.merged_into is not None and type_ in ASKED:
            _pass_on(work, row, type_, event_id)
    news = [one for one in said if one[0].members and _is_news(*one[:3])]
    members = _members_of(work, {main.petition_id for main, *_ in news})
    for main, type_, data, event_id in news:
        # One that an earlier event of this very batch has freed is a member no more.
        of_main = [row for row in members if row.merged_into == main.petition_id]
        tell(work, main, of_main, type_, data, event_id)


def tell(
    work: Work, main: PetitionRow, members: Sequence[PetitionRow], type_: EventType, data: EventData, event_id: str
) -> None:
    """This event of `main` is these members' too, in the way that is theirs."""
    shared = _for_others(work, main.petition_id, data) if members else data
    for member in members:
        if type_ is EventType.REHANDLED:
            _begin_again(work, main, member, event_id)
        elif type_ is EventType.CANCELLED and not _same_petitioner(main, member):
            _free_if_owed(work, main, member, event_id)
        else:
            _record(work, member, f"mirror:{member.petition_id}:{event_id}", type_, shared)


def newest_answer(work: Work, main: PetitionRow) -> tuple[EventType, EventData, str] | None:
    """What the petition was answered in the round that is on, with the event's id."""
    wanted = events.c.type.in_([one.value for one in MIRRORED]) & events.c.out_of_order.is_(False)
    query = select(events).where(events.c.petition_id == main.petition_id, wanted).order_by(events.c.sequence)
    found = [_opened(work, row) for row in work.conn.execute(query).mappings()]
    news = [one for one in found if _is_news(main, *one[:2])]
    return news[-1] if news and news[-1][0] is not EventType.REHANDLED else None


def _opened(work: Work, row: Row) -> tuple[EventType, EventData, str]:
    data = EventData.model_validate_json(open_event(work.privacy.vault, row)["data"])
    return EventType(row["type"]), data, row["event_id"]


def _is_news(main: PetitionRow, type_: EventType, data: EventData) -> bool:
    """Whether it says something of the whole petition, and the petition has taken it so: not an assisting unit's word
    of its own part, nor an end or a new beginning that was out of order."""
    if type_ not in MIRRORED or data.role is UnitRole.ASSIST:
        return False
    if type_ in (EventType.CANCELLED, EventType.NOT_ACCEPTED):
        return main.state == type_.value
    return type_ is not EventType.REHANDLED or main.answered_by is None


def _members_of(work: Work, mains: Iterable[str]) -> list[PetitionRow]:
    wanted = sorted(mains)
    if not wanted:
        return []
    query = select(petitions.c.petition_id).where(petitions.c.merged_into.in_(wanted))
    numbers = work.conn.scalars(query.order_by(petitions.c.petition_id)).all()
    work.load(numbers)
    return [work.rows[number] for number in numbers]


def _record(
    work: Work, row: PetitionRow, key: str, type_: EventType, data: EventData, at: int | None = None,
    actor: str | None = None,
) -> str:  # fmt: skip
    """An event of the bridge, and its id; its key makes it one, however often the batch is run."""
    event_id = str(ids.event_id(BRIDGE, key))
    _put_down(work, row, event_id, type_, data, at, actor)
    return event_id


def _put_down(
    work: Work, row: PetitionRow, event_id: str, type_: EventType, data: EventData, at: int | None = None,
    actor: str | None = None,
) -> None:  # fmt: skip
    work.record(
        row, event_id=event_id, type_=type_, source=BRIDGE, occurred_at=work.now if at is None else at, data=data,
        actor=actor, traceparent=None,
    )  # fmt: skip


def _for_others(work: Work, petition_id: str, data: EventData) -> EventData:
    """The answer without what belongs to the other petitioner alone."""
    query = select(petitions).where(petitions.c.petition_id == petition_id)
    row = work.conn.execute(query).mappings().one()
    person = orjson.loads(open_petition(work.privacy.vault, row)["body"]).get("petitioner", {})
    words = tuple(word for word in (person.get("name"), person.get("phone")) if word and len(word) > 1)
    text = mask(mask_words(data.text, words)) if data.text else data.text
    return EventData(text=text, unit=data.unit, resolved=data.resolved)


# ── a new round (重办) ──────────────────────────────────────────────────────────────────────────────────────


def _begin_again(work: Work, main: PetitionRow, member: PetitionRow, of_event: str) -> None:
    """The member is open again and wants the new answer. It stays a member: the clocks and the cards of the new round
    are the petition's, not each member's once more. Who withdrew the member wants nothing any more."""
    if _withdrawn(work, member):
        return
    # Why it begins again may be in another petitioner's words.
    again = EventData(text=AGAIN_ZH)
    begun = _record(work, member, f"mirror:{member.petition_id}:{of_event}", EventType.REHANDLED, again)
    still = EventData(reference=main.petition_id)
    _put_down(work, member, str(ids.still_merged_id(begun)), EventType.MERGED, still)


def _pass_on(work: Work, member: PetitionRow, type_: EventType, event_id: str) -> None:
    """A no that is heard from a member's petitioner reopens the petition that answered them; their words stay."""
    no = _complaint(work, member, event_id)
    if no is None or member.merged_into is None:
        return
    work.load([member.merged_into])
    main = work.rows[member.merged_into]
    if main.state == EventType.CANCELLED.value:
        # Nobody wants anything of that one any more, and this petitioner does.
        _free(work, main, member, event_id)
        return
    data = EventData(satisfaction=no.data.satisfaction, resolved=no.data.resolved, stage=no.data.stage)
    _record(work, main, f"complaint:{event_id}", type_, data, to_ms(no.at), "petitioner")


def _complaint(work: Work, member: PetitionRow, event_id: str) -> Step | None:
    """This event as the member's complaint about its answer, the first of the round; None where it is none."""
    # The rules read what is written.
    work.flush()
    history = read_histories(work.conn, work.privacy.vault, [member.petition_id])[member.petition_id]
    sequence = work.conn.scalar(select(events.c.sequence).where(events.c.event_id == event_id))
    if history.fault is not None or sequence is None:
        return None
    said = complaints(history.steps[:sequence], work.rules.supervision.rehandling).said
    return said if said is history.steps[sequence - 1] else None


# ── the petition is cancelled (作废) ────────────────────────────────────────────────────────────────────────


def _same_petitioner(one: PetitionRow, other: PetitionRow) -> bool:
    keys = ((one.petitioner_key, other.petitioner_key), (one.phone_key, other.phone_key))
    return any(mine is not None and mine == theirs for mine, theirs in keys)


def _free_if_owed(work: Work, main: PetitionRow, member: PetitionRow, of_event: str) -> None:
    """Another petitioner's: what they were promised was the petition's answer. Who has it keeps it, and so does who
    has withdrawn."""
    if member.answered_by is None and not _withdrawn(work, member):
        _free(work, main, member, of_event)


def _withdrawn(work: Work, member: PetitionRow) -> bool:
    """Whether the member itself was cancelled in the round that is on (it stays 已并单)."""
    query = select(events.c.event_id).where(
        events.c.petition_id == member.petition_id,
        events.c.type == EventType.CANCELLED.value,
        events.c.out_of_order.is_(False),
        events.c.sequence > member.round_from,
    )
    return work.conn.execute(query).first() is not None


def _free(work: Work, main: PetitionRow, member: PetitionRow, of_event: str) -> None:
    """It is a petition of its own again, open, with an answer owed, and given to the handler of its class."""
    member.merged_into, member.dirty = None, True
    main.members, main.dirty = main.members - 1, True
    member.holder = _own_holder(work, member)
    work.note("petition.merging", member.petition_id, from_=BRIDGE, to=BRIDGE, actor=RULE,
              reason="the petition it was merged into is cancelled", into=main.petition_id,
              outcome="freed")  # fmt: skip
    key = f"freed:{member.petition_id}:{of_event}"
    # By itself: nobody was discontent, and it is no round of re-handling (`rehandling.is_set_free`).
    _record(work, member, key, EventType.REHANDLED, EventData(text=FREED_ZH), actor=BY_ITSELF)
    data = EventData(handling_class=HandlingClass(member.handling_class), text=FREED_ZH)
    _record(work, member, f"{key}:class", EventType.RECLASSED, data)


def _own_holder(work: Work, member: PetitionRow) -> str | None:
    """Who has the member's own case, and not only the other one's. Nobody, until the handler of its class says so;
    what was dealt with on the spot is its source's."""
    own = {one for one in (member.source, *member.brought_by) if one != work.messenger}
    query = select(handoffs.c.system).where(
        handoffs.c.petition_id == member.petition_id,
        handoffs.c.event_type.in_(OPENING),
        handoffs.c.state.in_(("delivered", "acknowledged")),
        handoffs.c.system != work.messenger,
    )
    if member.holder in own.union(work.conn.scalars(query)):
        return member.holder
    return member.source if member.handling_class == HandlingClass.ON_SITE else None
