"""Free TCP ports on the loopback interface."""

import random
import socket

# Below the kernel's ephemeral range: while a killed server is down, no outgoing connection can be given its port, and
# a client that keeps trying cannot connect to itself.
CANDIDATES = range(20_000, 32_000)


def free_port() -> int:
    """Give a port on which nothing listens now."""
    for port in random.sample(CANDIDATES, k=200):
        if _is_free(port):
            return port
    raise OSError(f"no free port among 200 tried in {CANDIDATES}")


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        # As the servers do: a port is not taken because an old connection on it lingers in TIME_WAIT.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
