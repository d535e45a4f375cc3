"""A breaker per system: after several transport failures in a row nothing is sent but one probe at a time.

While it is open no attempt is burnt: what waits stays where it is. It strands nothing: each probe is another hand-off,
so that one that always fails cannot keep the breaker open, and a successful probe lets all others go.
"""

from collections.abc import Callable

FAILURES = 5
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
LONGEST_ASKED = 3600.0
"""A system may ask us to stay away, but one absurd `Retry-After` must not strand its other hand-offs."""


class Breaker:
    """`clock` gives seconds that only go forward."""

    def __init__(self, clock: Callable[[], float], failures: int = FAILURES) -> None:
        self._clock = clock
        self._limit = failures
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._probe_at = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        return self._failures >= self._limit

    def room(self, wanted: int) -> int:
        """How many of `wanted` hand-offs may be sent now. An open breaker lets one probe through when its time is."""
        if not self.is_open:
            return wanted
        if self._probing or self._clock() < self._probe_at:
            return 0
        self._probing = True
        return min(1, wanted)

    def wait(self) -> float:
        """Seconds until the next probe; 0 when it is closed."""
        return max(0.0, self._probe_at - self._clock()) if self.is_open else 0.0

    def unused(self) -> None:
        """The probe found nothing to send."""
        self._probing = False

    def succeeded(self) -> None:
        """The system answered, whatever it said."""
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._probing = False

    def failed(self, pause: float | None = None) -> None:
        """A transport failure; `pause` if the system said how long to stay away.

        What was under way when it opened fails too; only the failure of a probe says something new.
        """
        was_open, probed = self.is_open, self._probing
        self._failures += 1
        self._probing = False
        if not self.is_open or (was_open and not probed):
            return
        if was_open:
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self._probe_at = self._clock() + min(pause or self._pause, LONGEST_ASKED)
