"""Waiting for a condition: the only kind of waiting the tests do."""

import time
from collections.abc import Callable

PAUSE = 0.05


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Return as soon as the condition holds; name what never came when it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(PAUSE)
