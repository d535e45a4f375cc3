"""A TCP proxy that a test puts between the bridge and a server, to have the network misbehave at will.

with Proxy("127.0.0.1", 5672) as proxy:
    use(proxy.port)
    proxy.mute()      # both sides talk and nobody hears: no packet, no reset
    proxy.forward()   # new connections work again; those that lost bytes stay dead, as they do on a real network
"""

import contextlib
import socket
import struct
import threading
import time
from types import TracebackType
from typing import Self

from tests.support.ports import free_port

CHUNK = 65_536
TO_SERVER, TO_CLIENT = "to_server", "to_client"
BOTH = frozenset({TO_SERVER, TO_CLIENT})
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on a port of its own, the same from `stop` to `start`. Every method may be called at any time."""

    def __init__(self, host: str, port: int) -> None:
        self.port = free_port()
        self._target = (host, port)
        self._open = BOTH
        self._delay = 0.0
        self._marker: bytes | None = None
        self._listener: socket.socket | None = None
        self._links: set[_Link] = set()
        self._lock = threading.Lock()

    # ── life ──
    def start(self) -> None:
        """Listen, also after a `stop`."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128, reuse_port=False)
        threading.Thread(target=self._accept, args=(self._listener,), name="proxy", daemon=True).start()

    def stop(self) -> None:
        """Refuse new connections and cut the present ones, as a machine that is switched off and on."""
        if self._listener is not None:
            # Closing alone does not wake a thread that waits in accept().
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.reset()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ── moods ──
    def forward(self) -> None:
        """Pass everything on at once, on connections that have lost nothing and on new ones."""
        self._open, self._delay, self._marker = BOTH, 0.0, None

    def mute(self) -> None:
        """Accept connections and swallow every byte."""
        self._open = frozenset()

    def half_open(self, direction: str) -> None:
        """Pass bytes on in one `direction` only (`TO_SERVER` or `TO_CLIENT`)."""
        self._open = frozenset({direction})

    def mute_after(self, marker: bytes) -> None:
        """Swallow everything on a connection as soon as its client has sent `marker` (which still arrives)."""
        self._marker = marker

    def delay(self, seconds: float) -> None:
        """Hold every chunk back for so long."""
        self._delay = seconds

    def reset(self) -> int:
        """Cut the present connections with a reset (RST); how many there were."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.cut()
        return len(links)

    # ── what the threads ask ──
    @property
    def connections(self) -> int:
        return len(self._links)

    def passes(self, direction: str) -> bool:
        return direction in self._open

    def wait(self) -> None:
        if self._delay:
            time.sleep(self._delay)

    def ends_the_talk(self, chunk: bytes) -> bool:
        return self._marker is not None and self._marker in chunk

    def forget(self, link: "_Link") -> None:
        with self._lock:
            self._links.discard(link)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            link = _Link(self, client)
            with self._lock:
                self._links.add(link)
            link.start(self._target)


class _Link:
    """One client's connection with the one to the server behind it: two threads, one for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server: socket.socket | None = None
        self._spoilt: set[str] = set()

    def start(self, target: tuple[str, int]) -> None:
        try:
            self._server = socket.create_connection(target, timeout=5)
        except OSError:
            self.cut()
            return
        self._server.settimeout(None)
        self._carry(self._client, self._server, TO_SERVER)
        self._carry(self._server, self._client, TO_CLIENT)

    def cut(self) -> None:
        """Reset both ends."""
        for end in (self._client, self._server):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RD)  # wakes the thread that reads; sends nothing
                end.close()
        self._proxy.forget(self)

    def _carry(self, source: socket.socket, sink: socket.socket, direction: str) -> None:
        threading.Thread(target=self._pump, args=(source, sink, direction), name="proxy pump", daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, direction: str) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK):
                self._proxy.wait()
                if self._heard(direction):
                    sink.sendall(chunk)
                if direction == TO_SERVER and self._proxy.ends_the_talk(chunk):
                    self._spoilt |= BOTH
        if self._heard(direction):
            # A goodbye, and be it a reset, is heard like any other word, or not.
            self.cut()

    def _heard(self, direction: str) -> bool:
        if not self._proxy.passes(direction):
            # A stream with a hole in it is of no use ever after.
            self._spoilt.add(direction)
        return direction not in self._spoilt
