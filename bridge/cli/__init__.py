"""The command `bridge`: one file for each group of commands, `main` for what they share."""

from bridge.cli.main import main

__all__ = ["main"]
