"""What the standard demands of a message. The sandbox refuses what does not keep to it.

Strict, anything that the documents do not allow is refused: an unknown key, a value of another type or outside its
list. Otherwise only what is missing is: as a hotline does that takes what it can use.
"""

from collections.abc import Mapping
from typing import Any

from adapters.hotline12345 import messages, standard


def known(action: str) -> bool:
    """Whether there is such an action; any other is unknown."""
    return messages.prescribed(action, archives=False) is not None


def fault(action: str, data: Mapping[str, Any], *, strict: bool = True) -> str | None:
    """What is wrong with the data of a known action, or None."""
    model = messages.prescribed(action, archives=data.get("archiveTypeId") is not None)
    return _first(messages.faults(model, dict(data)), strict=strict) if model is not None else "未知操作"


def envelope_fault(sent: Mapping[str, Any], *, strict: bool = True) -> str | None:
    """What is wrong with the envelope, or None."""
    return _first(messages.faults(standard.Envelope, dict(sent)), strict=strict)


def _first(faults: list[tuple[str, str]], *, strict: bool) -> str | None:
    for field, kind in faults:
        if kind == "missing":
            return f"参数错误：{field}"
        if strict:
            return f"参数类型错误：{field}（{kind}）"
    return None
