"""How long the bridge takes silence for work in progress. The defaults are for production; tests make them short."""

from pydantic import BaseModel, ConfigDict, Field

MAX_DOUBLINGS = 5
"""What shows no sign of life is published again after 1, 2, 4, … up to 32 times the grace."""


class Patience(BaseModel):
    """All in seconds: `BRIDGE_PATIENCE__LEASE_SECONDS`, ….

    `lease`: how long a hand-off that is being sent lives without a heartbeat; a dead process's hand-offs are unknown
    after that. `duty`: the same for work that one process does at a time (sealing; polling: on top of its interval).
    `publish`: how long the relay has for a fresh row before the watch publishes it again. `queued`: how long a
    confirmed message may show no sign of life before it is published again (doubled each time). `watch`: between two
    rounds of the watch.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    lease_seconds: float = Field(default=60.0, gt=0)
    duty_seconds: float = Field(default=15.0, gt=0)
    publish_seconds: float = Field(default=10.0, gt=0)
    queued_seconds: float = Field(default=60.0, gt=0)
    watch_seconds: float = Field(default=1.0, gt=0)

    @property
    def publish_ms(self) -> int:
        return round(self.publish_seconds * 1000)

    @property
    def queued_ms(self) -> int:
        return round(self.queued_seconds * 1000)
