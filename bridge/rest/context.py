"""What the REST routes need of the process they run in."""

import uuid
from dataclasses import dataclass

from bridge.apikeys import KeyRing
from bridge.clock import Now
from bridge.intake import Intake
from bridge.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Context:
    ledger: Ledger
    intake: Intake
    keys: KeyRing
    now: Now

    @staticmethod
    def new_key() -> str:
        """For a request that brought no idempotency key."""
        return uuid.uuid4().hex
