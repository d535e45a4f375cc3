"""What a message means, given what the citizen has brought: a petition, a question, a rating, a delivery's fate.

Pure: it decides, the core looks up and keeps.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from adapters.wechat import confirming, drafts, fates, gathering, standing
from adapters.wechat.passive import success
from adapters.wechat.turn import Turn, Views
from adapters.wechat.words import Intent
from bridge.adapter import (
    Bind,
    Outcome,
    PetitionView,
    Question,
    Reading,
    Ref,
    Response,
    Taken,
    Update,
)
from bridge.roster import Bound
from schemas.event import EventData, EventType, Satisfaction

_RATINGS = {
    "satisfied": Satisfaction.SATISFIED,
    "fair": Satisfaction.FAIR,
    "unsatisfied": Satisfaction.UNSATISFIED,
}
_ANSWERED = frozenset({"replied", "closed"})

# A number alone ("LT20261122-000017"), or after the word that asks for it ("进度 LT20261122-000017").
_NUMBER = re.compile(
    r"\s*(查询进度|进度查询|进度|查询|编号)?\s*[:：]?\s*((?=(?:\D*\d){4})[0-9A-Za-z][0-9A-Za-z._-]{5,63})\s*"
)
_CODE = re.compile(r"[0-9A-Za-z](?:[\s－—-]?[0-9A-Za-z]){5,19}")
# "不满意，路灯还是不亮": a rating with its reason.
_REASONED = re.compile(r"\s*(非常满意|基本满意|不满意|满意)\s*[,，.。!！:：;；、\s]\s*\S")


def read(turn: Turn) -> Reading:
    """What the message means. Raises `ValueError` for a petition over the limits of the canonical model."""
    kind = turn.message.kind
    if kind == "event":
        return _event(turn)
    if kind not in drafts.KINDS:
        return turn.ignored(f"unknown_type:{fates.code(kind)}")
    text = drafts.spoken(turn.message)
    if text is None and kind != "text":
        return _piece(turn)
    return _text(turn, text or "")


# ── words ──


def _text(turn: Turn, text: str) -> Reading:
    intent = turn.words.intent(text)
    if intent:
        return _asked(turn, intent)
    if not any(character.isalnum() for character in text):
        return turn.ignored("no_words", turn.words.say.hint)
    if begun := _begun(turn, text):
        return begun
    if confirmed := confirming.by_number(turn, text):
        return confirmed
    if number := _NUMBER.fullmatch(text):
        return _by_number(turn, number.group(2), asked=bool(number.group(1)))
    if reasoned := _REASONED.match(text):
        return _reasoned(turn, turn.words.intent(reasoned.group(1)) or "satisfied")
    return _piece(turn)


def _begun(turn: Turn, text: str) -> Reading | None:
    """A text that says at its beginning what it is: another petition, or a secretary's one-time code."""
    code = turn.words.begun(text, "bind")
    if code is not None and _CODE.fullmatch(code.strip()):
        return Bind(code.strip(), turn.message.sender, lambda bound: _bound(turn, bound))
    if told := turn.words.begun(text, "new"):
        return _beginning(turn, alone=True, text=told)
    return None


def _bound(turn: Turn, bound: Bound) -> Reading:
    say = turn.words.say
    texts = {"bound": say.bound, "expired": say.bind_expired, "used": say.bind_used}
    text = texts.get(bound.status, say.bind_unknown)
    return turn.ignored(f"bind:{fates.code(bound.status)}", text.format(name=bound.name or ""))


def _asked(turn: Turn, intent: Intent) -> Reading:
    say = turn.words.say
    if intent == "greeting":
        return turn.ignored("greeting", say.hint)
    if intent == "thanks":
        return turn.ignored("thanks", say.thanks)
    if intent == "new":
        return turn.ignored("new_asked", say.how_to_begin)
    if intent == "bind":
        return turn.ignored("bind_asked", say.how_to_bind)
    if intent == "confirm":
        # Whoever answers for nothing is a citizen, and what a citizen writes is taken in.
        return confirming.asked(turn, otherwise=lambda: _piece(turn))
    if intent == "waiting":
        return confirming.asked(turn, otherwise=lambda: turn.ignored("nothing_to_confirm", say.nothing_to_confirm))
    return Question(openid=turn.message.sender, then=_ANSWERS[intent](turn))


# ── petitions ──


def _piece(turn: Turn) -> Reading:
    """A petition, or a further piece of the one that is being told."""
    if not turn.window:
        return _beginning(turn, alone=True)
    _hold_limits(turn)
    return Question(openid=turn.message.sender, then=lambda views: _gathered(turn, views))


def _hold_limits(turn: Turn) -> None:
    """Raises `ValueError` now: once the core has looked something up, a message is answered and not refused."""
    drafts.petition(turn.message, turn.words)


def _gathered(turn: Turn, views: Views) -> Taken:
    at = turn.received_at
    told = gathering.being_told(views, at, turn.window)
    if told is None:
        return _beginning(turn, alone=gathering.is_alone(views, at, turn.window))
    update = gathering.addition(turn.message, at, turn.words, to=told.petition_id)
    say = turn.words.say
    # The platform's repeat of the message that began it is answered as that message was.
    text = say.accepted if gathering.is_beginning_of(turn.message, told) else say.added
    return Taken((update,), lambda outcomes: _said(turn, text, outcomes[0].petition_id or told.petition_id))


def _beginning(turn: Turn, *, alone: bool, text: str | None = None) -> Taken:
    submission = gathering.beginning(turn.message, turn.received_at, turn.words, alone=alone, text=text)
    return Taken((submission,), lambda outcomes: _taken(turn, outcomes))


def _taken(turn: Turn, outcomes: Sequence[Outcome]) -> Response:
    first = outcomes[0]
    if first.petition_id is None:
        return success()
    say = turn.words.say
    return _said(turn, say.added if first.status == "event" else say.accepted, first.petition_id)


def _said(turn: Turn, text: str, petition_id: str) -> Response:
    return turn.answer.text(text.format(petition_id=petition_id))


# ── where it stands ──


def _progress(turn: Turn) -> Callable[[Views], Reading]:
    return lambda views: turn.ignored("progress_asked", standing.newest(views, turn.words))


def _by_number(turn: Turn, number: str, *, asked: bool) -> Reading:
    def then(views: Views) -> Reading:
        # Only among the citizen's own: a number alone opens nobody else's petition.
        found = [view for view in views if _has_number(view, number)]
        if found:
            return turn.ignored("progress_asked", standing.told(found[:1], turn.words))
        return turn.ignored("number_unknown", turn.words.say.none_numbered) if asked else _gathered(turn, views)

    return Question(openid=turn.message.sender, then=then)


def _has_number(view: PetitionView, number: str) -> bool:
    wanted = number.casefold()
    return view.petition_id.casefold() == wanted or any(e.value.casefold() == wanted for e in view.external_ids)


# ── ratings ──


def _waiting(views: Views) -> PetitionView | None:
    return next((view for view in views if view.state in _ANSWERED and not view.rated), None)


def _how_to_rate(turn: Turn) -> Callable[[Views], Reading]:
    def then(views: Views) -> Reading:
        waiting, say = _waiting(views), turn.words.say
        text = say.how_to_rate.format(petition_id=waiting.petition_id) if waiting else say.nothing_to_rate
        return turn.ignored("rating_asked", text)

    return then


def _rating(intent: str) -> Callable[[Turn], Callable[[Views], Reading]]:
    def of(turn: Turn) -> Callable[[Views], Reading]:
        def then(views: Views) -> Reading:
            waiting = _waiting(views)
            if waiting is None:
                return turn.ignored("nothing_to_rate", turn.words.say.nothing_to_rate)
            return _rated(turn, intent, waiting)

        return then

    return of


def _reasoned(turn: Turn, intent: str) -> Reading:
    _hold_limits(turn)

    def then(views: Views) -> Reading:
        waiting = _waiting(views)
        return _gathered(turn, views) if waiting is None else _rated(turn, intent, waiting)

    return Question(openid=turn.message.sender, then=then)


def _rated(turn: Turn, intent: str, view: PetitionView) -> Taken:
    spoken = drafts.spoken(turn.message)
    update = Update(
        message_key=turn.message.key,
        refs=(Ref(petition_id=view.petition_id),),
        type=EventType.RATED,
        data=EventData(text=spoken, satisfaction=_RATINGS[intent], score=(spoken or "").strip()[:64] or None),
        occurred_at=turn.message.created(turn.received_at),
        actor="petitioner",
    )
    text = getattr(turn.words.say, f"rated_{intent}")
    # A repeat is not the rating of the next one that waits: the ledger knows which petition it was about.
    return Taken((update,), lambda outcomes: _said(turn, text, outcomes[0].petition_id or view.petition_id))


_ANSWERS: Mapping[str, Callable[[Turn], Callable[[Views], Reading]]] = {
    "progress": _progress,
    "rate": _how_to_rate,
    **{intent: _rating(intent) for intent in _RATINGS},
}


# ── events ──


def _event(turn: Turn) -> Reading:
    name = turn.message.event.casefold()
    if name in _EVENTS:
        return _EVENTS[name](turn)
    known = "unused_event" if name in turn.words.events.unused else "unknown_event"
    return turn.ignored(f"{known}:{fates.code(name)}")


def _subscribed(turn: Turn) -> Reading:
    return turn.ignored("event:subscribe", turn.words.say.welcome)


def _clicked(turn: Turn) -> Reading:
    intent = turn.words.menu.get(turn.message.event_key)
    return _asked(turn, intent) if intent else turn.ignored("unknown_menu_key")


def _fared(turn: Turn) -> Reading:
    told = fates.told(turn.message, turn.words)
    return Taken(told, lambda outcomes: success()) if told else turn.ignored("delivery_without_number")


_EVENTS: Mapping[str, Callable[[Turn], Reading]] = {
    "subscribe": _subscribed,
    "click": _clicked,
    "templatesendjobfinish": _fared,
    "subscribe_msg_sent_event": _fared,
}
