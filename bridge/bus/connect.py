"""The one way to connect with kombu: every wait for an answer of the broker has an end."""

from typing import Any

from kombu import Connection

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
"""kombu alone waits for ever: a peer that falls mute between the handshake and `basic.consume`, or a quorum queue
without a leader, would stop a consumer's thread for good."""


def connect(url: str, *, heartbeat: int = 0, seconds: float | None = None, **embedded: Any) -> Connection:
    """A connection, opened by its first use. `embedded` are options of the in-process transport."""
    if url.startswith("memory"):
        return Connection(url, transport_options=embedded)
    options = {"read_timeout": ANSWER_SECONDS, "write_timeout": ANSWER_SECONDS}
    return Connection(url, heartbeat=heartbeat, connect_timeout=seconds or CONNECT_SECONDS, transport_options=options)
