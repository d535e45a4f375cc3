"""Work that is looked at every few minutes from a certain hour of the day on."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import time

from bridge.clock import Now
from schemas.base import shanghai

LOOK_SECONDS = 300.0


class Daily:
    """`work` is asked again and again; what there is to do, and whether it is done, is its own matter."""

    def __init__(self, now: Now, at: time, work: Callable[[], Awaitable[object]]) -> None:
        self._now = now
        self._at = at
        self._work = work
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`."""
        while not self._stopping.is_set():
            if shanghai(self._now()).time() >= self._at:
                await self._work()
            try:
                await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    async def stop(self) -> None:
        self._stopping.set()
