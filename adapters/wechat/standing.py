"""Where a citizen's petitions stand, in words (办理情况)."""

from collections.abc import Mapping, Sequence

from adapters.wechat.words import Words
from bridge.adapter import PetitionView
from schemas.base import shanghai
from schemas.event import EVENT_ZH

SHOWN = 3
SAID_LENGTH = 200

_LAST_EVENT: Mapping[str, str] = {f"{kind}": zh for kind, zh in EVENT_ZH.items()}


def newest(views: Sequence[PetitionView], words: Words) -> str:
    """The newest few, or that there are none."""
    return told(views[:SHOWN], words)


def told(views: Sequence[PetitionView], words: Words) -> str:
    """One petition in a sentence, several as a list; each with the last answer."""
    if not views:
        return words.say.none_brought
    if len(views) == 1:
        return _line(words.say.progress_one, 1, views[0], words)
    lines = [_line(words.say.progress_line, n, view, words) for n, view in enumerate(views, 1)]
    return "\n".join([words.say.progress_many, *lines])


def _line(text: str, n: int, view: PetitionView, words: Words) -> str:
    submitted = shanghai(view.submitted_at)
    date = f"{submitted.month}月{submitted.day}日"
    line = text.format(n=n, petition_id=view.petition_id, date=date, state=state(view, words))
    if not view.said:
        return line
    said = view.said if len(view.said) <= SAID_LENGTH else view.said[:SAID_LENGTH] + "…"
    return line + words.say.said.format(said=said)


def state(view: PetitionView, words: Words) -> str:
    """Where one stands, and with whom."""
    last = view.last_event.removeprefix("petition.")
    stands = words.states.get(view.state) or words.states.get(last) or _LAST_EVENT.get(last, "正在办理")
    return f"{stands}（{view.unit}）" if view.unit else stands
