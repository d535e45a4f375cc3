"""One petition out of several messages (一件诉求、多条消息): text, pictures, voice and place sent within the window.

Nothing is held in memory: the first message is the petition at once, and every further one is noted on it as the
petitioner's. So nothing is lost when the process dies, and whoever has the case gets each piece as it comes.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from adapters.wechat import drafts
from adapters.wechat.wire import Message
from adapters.wechat.words import Words
from bridge.adapter import PetitionView, Ref, Submission, Update
from schemas.event import EventData, EventType
from schemas.petition import ExternalId

SYSTEM = "wechat"
SLOT_SECONDS = 60

_FINISHED = frozenset({"replied", "followed_up", "closed", "cancelled", "not_accepted", "merged"})
"""What is written after the answer is not part of the question."""


def being_told(views: Sequence[PetitionView], at: datetime, window: timedelta) -> PetitionView | None:
    """The petition that the citizen is still telling at this moment: the newest open one they themselves wrote to."""
    if not window:
        return None
    return next((view for view in views if _is_open(view) and _wrote_within(view, at, window)), None)


def addition(message: Message, at: datetime, words: Words, *, to: str | None) -> Update:
    """This message as a further piece of petition `to`. Raises `ValueError` for one over the canonical limits."""
    piece = drafts.petition(message, words)
    data = EventData(
        text=piece.content,
        attachments=piece.attachments,
        place=piece.place if piece.place.latitude is not None or piece.place.address else None,
    )
    return Update(
        message_key=message.key,
        refs=(Ref(petition_id=to),) if to else (),
        type=EventType.NOTED,
        data=data,
        occurred_at=message.created(at),
        external_ids=(own_number(message),),
        actor="petitioner",
    )


def beginning(message: Message, at: datetime, words: Words, *, alone: bool, text: str | None = None) -> Submission:
    """This message as a petition. Not `alone`: another message that is being taken in at this very moment may have
    begun it; the ledger decides which came first, and the later one is its further piece."""
    further = None if alone else addition(message, at, words, to=None)
    return Submission(
        message_key=message.key,
        petition=drafts.petition(message, words, text),
        external_ids=(own_number(message), *(() if alone else _slots(message, at))),
        submitted_at=message.created(at),
        again=further,
        actor="petitioner",
    )


def is_alone(views: Sequence[PetitionView], at: datetime, window: timedelta) -> bool:
    """Whether no message of the same moment can belong with it: the window is off, or what the citizen brought a
    moment ago is finished already, and the new message must not be counted to that."""
    return not window or any(_near(view, at) for view in views)


def is_beginning_of(message: Message, view: PetitionView) -> bool:
    """Whether this very message is all that the petition consists of so far."""
    numbers = [number for number in view.external_ids if number.kind == "msg_id"]
    return numbers == [own_number(message)]


def own_number(message: Message) -> ExternalId:
    value = message.number or message.key.removeprefix("msg:")
    return ExternalId(system=SYSTEM, kind="msg_id", value=value)


def _slots(message: Message, at: datetime) -> tuple[ExternalId, ...]:
    """This minute and the one before, of this citizen: two messages that arrive together share one of them, whichever
    is committed first. No openid can be read out of it."""
    slot = int(at.timestamp()) // SLOT_SECONDS
    return tuple(_slot(message.sender, number) for number in (slot, slot - 1))


def _slot(openid: str, number: int) -> ExternalId:
    digest = hashlib.sha256(f"{openid}\x1f{number}".encode("utf-8", "surrogatepass")).hexdigest()
    # The tilde sorts it behind real numbers, wherever a list shows the first one.
    return ExternalId(system=SYSTEM, kind="moment", value=f"~{digest[:40]}")


def _is_open(view: PetitionView) -> bool:
    return view.state not in _FINISHED


def _wrote_within(view: PetitionView, at: datetime, window: timedelta) -> bool:
    return view.petitioner_wrote_at is not None and at - view.petitioner_wrote_at <= window


def _near(view: PetitionView, at: datetime) -> bool:
    begun = view.petitioner_wrote_at or view.submitted_at
    return at - begun <= timedelta(seconds=2 * SLOT_SECONDS)
