"""One message of the conversation, and how it can be answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.wechat.passive import Passive, success
from adapters.wechat.wire import Message
from adapters.wechat.words import Words
from bridge.adapter import Ignored, PetitionView

Views = Sequence[PetitionView]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation and what is needed to answer it."""

    message: Message
    received_at: datetime
    answer: Passive
    words: Words
    window: timedelta = timedelta(0)

    def ignored(self, reason: str, text: str | None = None) -> Ignored:
        """Kept, answered with `text` (or just `success`), nothing else."""
        return Ignored(self.answer.text(text) if text else success(), reason, self.message.key)
