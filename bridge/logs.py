"""The ordinary log: structlog, one JSON line an event on stderr (or coloured text for a terminal). No personal data:
loggers are given ids and codes, never documents."""

import logging
import sys
from contextlib import suppress
from typing import Any, cast

import orjson
import structlog

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(level: str = "info", form: str = "json") -> None:
    """Called once by the composition root or the command line."""
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    factory: Any
    if form == "json":
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=orjson.dumps)]
        factory = structlog.BytesLoggerFactory(cast(Any, _Patient(sys.stderr.buffer)))
    else:
        processors += [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
        factory = structlog.PrintLoggerFactory(cast(Any, _Patient(sys.stderr)))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=factory,
        cache_logger_on_first_use=False,
    )
    for name in ("pika", "kombu", "amqp", "aiohttp", "uvicorn"):
        logging.getLogger(name).setLevel(logging.ERROR)


class _Patient:
    """A stream that never fails: on a full disk a log line is lost, not the thread that wanted to write it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, line: Any) -> None:
        with suppress(OSError):
            self._stream.write(line)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()
