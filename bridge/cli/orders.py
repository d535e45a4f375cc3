"""Who orders something, and why: asked alike by every command that writes to the journal."""

from typing import Annotated

import typer


def _said(value: str) -> str:
    """The journal is to say who and why: a blank says neither."""
    if not value.strip():
        raise typer.BadParameter("must not be blank; it is kept in the journal (不能为空，将记入日志)")
    return value.strip()


Reason = Annotated[str, typer.Option(callback=_said, help="Why; it is kept in the journal. No personal data (事由).")]
Operator = Annotated[str, typer.Option(callback=_said, help="Who orders it; it is kept in the journal (操作人).")]
