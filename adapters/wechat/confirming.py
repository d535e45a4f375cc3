"""The owner secretary confirms a closing (首问书记确认办结): by number, or asks first what waits for it."""

import re
from collections.abc import Callable, Mapping, Sequence

from adapters.wechat import notices, standing
from adapters.wechat.turn import Turn, Views
from bridge.adapter import Outcome, PetitionView, Question, Reading, Ref, Response, Taken, Update
from bridge.lifecycle import TO_CONFIRM
from schemas.event import EventData, EventType

SHOWN = 5

# Only the exact command: the words of the table, one of our numbers, and then nothing or something else ("…的路灯").
_NUMBERED = re.compile(r"[\s:：,，+＋]*(?P<number>LT[0-9]{6,8}-[0-9A-Z]{4,16})(?P<said>(?!\w).*)", re.I | re.DOTALL)
_NARROW = str.maketrans({code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | dict.fromkeys(map(ord, "－—–"), "-"))
_BETWEEN = " 　\r\n\t:：,，;；.。!！、—"


def by_number(turn: Turn, text: str) -> Reading | None:
    """“确认 LT261122-7K3M9QX2AB 已电话回访”; None for whatever else. Raises `ValueError` for one that is too long."""
    command = _command(turn, text)
    if command is None:
        return None
    number, said = command
    update = Update(
        message_key=turn.message.key,
        refs=(Ref(petition_id=number),),
        type=EventType.CLOSED,
        data=EventData(text=said),
        occurred_at=turn.message.created(turn.received_at),
        actor="owner",
    )
    return Question(owner_openid=turn.message.sender, refs=update.refs, then=lambda views: _judged(turn, update, views))


def _command(turn: Turn, text: str) -> tuple[str, str | None] | None:
    """The number and what else was said, where the text is the command."""
    bare = text.strip()
    for head in sorted(turn.words.phrases["confirm"], key=len, reverse=True):
        rest = bare.removeprefix(head)
        # Letters of full width count; what was said beside the number stays as it was written.
        match = _NUMBERED.fullmatch(rest.translate(_NARROW)) if rest != bare else None
        if match:
            return match["number"].upper(), rest[match.start("said") :].strip(_BETWEEN) or None
    return None


def _judged(turn: Turn, update: Update, views: Views) -> Reading:
    say = turn.words.say
    if not views:
        return turn.ignored("not_yours_to_confirm", say.not_yours_to_confirm)
    view = views[0]
    if view.state not in TO_CONFIRM:
        state = standing.state(view, turn.words)
        return turn.ignored("not_answered", say.not_answered.format(petition_id=view.petition_id, state=state))
    # Confirmed by a content citizen and still open: the owner's word ends it.
    if view.confirmed and view.state == "closed":
        return turn.ignored("confirmed_already", say.confirmed_already.format(petition_id=view.petition_id))
    return Taken((update,), lambda outcomes: _confirmed(turn, view, outcomes))


def _confirmed(turn: Turn, view: PetitionView, outcomes: Sequence[Outcome]) -> Response:
    petition_id = outcomes[0].petition_id or view.petition_id
    return turn.answer.text(turn.words.say.confirmed.format(petition_id=petition_id))


# ── what waits ──


def asked(turn: Turn, otherwise: Callable[[], Reading]) -> Reading:
    """The newest few that wait for the sender's confirmation; `otherwise` where there is none."""
    return Question(
        owner_openid=turn.message.sender,
        then=lambda views: turn.ignored("to_confirm_asked", _list(turn, views)) if views else otherwise(),
    )


def _list(turn: Turn, views: Views) -> str:
    say = turn.words.say
    lines = [say.to_confirm_line.format_map(_values(n, view, turn)) for n, view in enumerate(views[:SHOWN], 1)]
    more = [say.to_confirm_more] if len(views) > SHOWN else []
    return "\n".join([say.to_confirm, *lines, *more, say.how_to_confirm.format(petition_id=views[0].petition_id)])


def _values(n: int, view: PetitionView, turn: Turn) -> Mapping[str, str]:
    # Nothing here says whether the citizen asked to be kept confidential: no number by which to call is ever shown.
    title = notices.fit("thing", notices.masked_digits(view.title))
    state = notices.fit("thing", standing.state(view, turn.words))
    return {"n": str(n), "petition_id": view.petition_id, "title": title, "state": state}
