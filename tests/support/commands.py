"""`bridge …` as somebody types it, through the entry point: what it says, and with which code it ends."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import orjson

from bridge.cli.main import main


@dataclass(frozen=True, slots=True)
class Told:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """Of `--json`."""
        return orjson.loads(self.stdout)


def bridge(*words: str) -> Told:
    """One command in this process. Whatever `main` does not turn into an exit code comes through as it is."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err), patch.object(sys, "argv", ["bridge", *words]):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        else:
            code = 0
    return Told(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))
