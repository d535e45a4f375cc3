"""The queues as operators watch them: messages ready and consumers, by their real names."""

from bridge.bus.connect import connect
from bridge.bus.topology import Topology, declare, depths


def watch_queues(url: str, topology: Topology) -> dict[str, dict[str, int]]:
    """Depth and consumers of each queue; empty when the broker cannot be reached."""
    try:
        with connect(url, seconds=3) as connection:
            if url.startswith("memory"):
                declare(connection, topology)
            return depths(connection, topology.queue_names())
    except Exception:
        # The broker's absence is said by /readyz and by the caller; a list of queues is no place to fail.
        return {}
