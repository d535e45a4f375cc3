"""The relay on RabbitMQ: pika, confirms pipelined, every confirm matched to its tag, every return named.

One thread owns the connection. On anything unexpected the connection is thrown away and all that was not confirmed is
published again: duplicates are certain and harmless, losses are neither.
"""

import threading
from collections.abc import Sequence
from typing import Any

import pika
import structlog

from bridge import failpoints
from bridge.bus.connect import connect
from bridge.bus.message import CONTENT_TYPE, Message
from bridge.bus.relay import Buffer, Confirmed
from bridge.bus.topology import Topology, declare

WINDOW = 500
"""Messages published and not yet confirmed, at most."""

HEARTBEAT_SECONDS = 15
BLOCKED_SECONDS = 10
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_GATHER_SECONDS = 0.02
_NACK_PAUSE = 1.0
_log = structlog.get_logger("bridge.relay")


class RabbitRelay:
    """Publishes with `mandatory` and confirms on one connection, in one thread."""

    def __init__(self, url: str, topology: Topology, confirmed: Confirmed) -> None:
        self._url = url
        self._topology = topology
        self._confirmed = confirmed
        self._buffer = Buffer()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._session: _Session | None = None
        self._trouble: str | None = "not connected yet"

    def start(self) -> None:
        self._thread.start()

    def publish(self, messages: Sequence[Message]) -> None:
        self._buffer.put(messages)
        session = self._session
        if session is not None:
            session.nudge()

    def stop(self) -> None:
        self._stopping.set()
        session = self._session
        if session is not None:
            session.finish()
        self._thread.join(10)

    @property
    def connected(self) -> bool:
        return self._trouble is None

    @property
    def trouble(self) -> str | None:
        return self._trouble

    def say(self, trouble: str | None) -> None:
        """The session reports how it is."""
        if trouble != self._trouble:
            self._trouble = trouble
            _log.info("relay.connected") if trouble is None else _log.warning("relay.trouble", trouble=trouble)

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        tried = False
        # Stopped at once after the start, it still makes one try for what is buffered.
        while not self._stopping.is_set() or (len(self._buffer) and not tried):
            tried = True
            try:
                with connect(self._url) as connection:
                    declare(connection, self._topology)
                self._session = session = _Session(self, self._url, self._topology, self._buffer, self._confirmed)
                if self._stopping.is_set():
                    session.finish()
                pause = _FIRST_PAUSE if self._session.run() else pause
            except Exception as error:
                self.say(f"{type(error).__name__}: {_first_line(error)}")
            finally:
                self._session = None
            self._stopping.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


class _Session:
    """One connection's life. All methods but `nudge` and `finish` run on the relay's thread."""

    def __init__(self, relay: RabbitRelay, url: str, topology: Topology, buffer: Buffer, confirmed: Confirmed) -> None:
        self._relay = relay
        self._topology = topology
        self._buffer = buffer
        self._confirmed = confirmed
        self._unconfirmed: dict[int, Message] = {}
        self._returned: dict[str, str] = {}
        self._refused_now: list[Message] = []
        self._tag = 0
        self._ready: list[Message] = []
        self._gathering = False
        self._nudged = False
        self._channel: Any = None
        self._opened = False
        self._finishing = False
        parameters = pika.URLParameters(url)
        parameters.heartbeat = HEARTBEAT_SECONDS
        parameters.blocked_connection_timeout = BLOCKED_SECONDS
        parameters.socket_timeout = 5
        parameters.client_properties = {"connection_name": "bridge relay"}
        self._connection = pika.SelectConnection(
            parameters,
            on_open_callback=self._on_open,
            on_open_error_callback=self._on_closed,
            on_close_callback=self._on_closed,
        )

    def run(self) -> bool:
        """Until the connection ends; whether it ever opened."""
        self._connection.ioloop.start()
        return self._opened

    def nudge(self) -> None:
        """From any thread: there is something in the buffer."""
        if not self._nudged:
            self._nudged = True
            self._connection.ioloop.add_callback_threadsafe(self._pump)

    def finish(self) -> None:
        """From any thread: publish what is there, then close."""
        self._connection.ioloop.add_callback_threadsafe(self._finish)

    # ── opening ──
    def _on_open(self, connection: Any) -> None:
        connection.add_on_connection_blocked_callback(lambda *_: self._relay.say("the broker has blocked publishing"))
        connection.add_on_connection_unblocked_callback(lambda *_: self._relay.say(None))
        connection.channel(on_open_callback=self._on_channel)

    def _on_channel(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(self._on_channel_closed)
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_confirm, callback=self._on_confirming)

    def _on_confirming(self, _frame: Any) -> None:
        self._opened = True
        self._relay.say(None)
        self._pump()

    # ── publishing ──
    def _pump(self) -> None:
        self._nudged = False
        if self._channel is None or not self._channel.is_open or not self._opened:
            return
        while len(self._unconfirmed) < WINDOW and (message := self._buffer.take()):
            failpoints.hit("relay.before_publish")
            self._publish(message)
            failpoints.hit("relay.after_publish")

    def _publish(self, message: Message) -> None:
        self._tag += 1
        self._unconfirmed[self._tag] = message
        properties = pika.BasicProperties(
            content_type=CONTENT_TYPE,
            content_encoding="utf-8",
            delivery_mode=2,
            message_id=message.id,
            headers=dict(message.headers),
        )
        self._channel.basic_publish(
            self._topology.exchange_of(message.channel), message.routing_key, message.body, properties, mandatory=True
        )

    # ── what the broker says ──
    def _on_return(self, _channel: Any, method: Any, properties: Any, _body: bytes) -> None:
        # Comes before the ack of the same message: the ack must not count.
        self._returned[properties.message_id] = f"{method.reply_text} ({method.exchange} {method.routing_key})"

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        settled = self._settled(method.delivery_tag, method.multiple)
        if isinstance(method, pika.spec.Basic.Nack):
            self._refused(settled)
        else:
            self._accept(settled)
        if len(self._buffer):
            self._pump()

    def _settled(self, tag: int, multiple: bool) -> list[Message]:
        if not multiple:
            message = self._unconfirmed.pop(tag, None)
            return [message] if message else []
        tags = [known for known in self._unconfirmed if known <= tag]
        return [self._unconfirmed.pop(known) for known in tags]

    def _refused(self, messages: list[Message]) -> None:
        _log.warning("relay.refused", count=len(messages), first=messages[0].id if messages else None)
        self._refused_now.extend(messages)
        self._connection.ioloop.call_later(_NACK_PAUSE, self._again)

    def _again(self) -> None:
        self._buffer.put_back(self._refused_now)
        self._refused_now.clear()
        self._pump()

    def _accept(self, messages: list[Message]) -> None:
        for message in messages:
            if (reason := self._returned.pop(message.id, None)) is not None:
                _log.error("relay.unroutable", id=message.id, routing_key=message.routing_key, reason=reason)
            else:
                self._ready.append(message)
        if self._ready and not self._gathering:
            self._gathering = True
            self._connection.ioloop.call_later(_GATHER_SECONDS, self._tell_ledger)

    def _tell_ledger(self) -> None:
        self._gathering = False
        ready, self._ready = self._ready, []
        failpoints.hit("relay.confirmed")
        self._confirmed(
            [message.id for message in ready if message.channel == "event"],
            [message.id for message in ready if message.channel == "handoff"],
        )

    # ── closing ──
    def _finish(self) -> None:
        self._finishing = True
        self._pump()
        self._close_when_done(tries=30)

    def _close_when_done(self, tries: int) -> None:
        if tries and not (self._opened and self._is_done()):
            self._connection.ioloop.call_later(0.1, lambda: self._close_when_done(tries - 1))
        elif self._connection.is_open:
            self._connection.close()
        else:
            self._connection.ioloop.stop()

    def _is_done(self) -> bool:
        return not (self._unconfirmed or self._ready or len(self._buffer))

    def _on_channel_closed(self, _channel: Any, reason: Exception) -> None:
        if not self._finishing:
            self._relay.say(f"channel closed: {_first_line(reason)}")
        if self._connection.is_open:
            self._connection.close()

    def _on_closed(self, _connection: Any, reason: Any) -> None:
        if self._ready:
            self._tell_ledger()
        self._buffer.put_back([*self._refused_now, *self._unconfirmed.values()])
        self._refused_now.clear()
        self._unconfirmed.clear()
        if not self._finishing:
            self._relay.say(f"connection closed: {_first_line(reason)}")
        self._connection.ioloop.stop()


def _first_line(error: object) -> str:
    return (str(error).splitlines() or [""])[0][:200]
