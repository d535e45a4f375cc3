"""What a running process shows of itself to its own REST side; `bridge.app.Bridge` is one."""

from collections.abc import Mapping
from typing import Protocol

from bridge.bus.relay import Relay
from bridge.bus.topology import Topology
from bridge.conservation import Conservation
from bridge.delivery import Desk
from bridge.digest.rules import DigestRules
from bridge.ledger.ledger import Ledger
from bridge.ledger.store import Store
from bridge.settings import Settings


class Runtime(Protocol):
    owner: str
    settings: Settings
    store: Store
    ledger: Ledger
    relay: Relay
    topology: Topology
    digest_rules: DigestRules

    @property
    def desks(self) -> Mapping[str, Desk]: ...

    @property
    def law(self) -> Conservation | None:
        """The law as computed last."""
        ...

    @property
    def witness_trouble(self) -> str | None:
        """Why nothing is being sealed here, or None."""
        ...

    @property
    def copy_troubles(self) -> Mapping[str, str]:
        """The second places that have not got the newest checkpoint, each with the reason."""
        ...
