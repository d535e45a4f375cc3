"""The rounds of a proposal (对策建议的办理环节): which may be entered when, and what each must say."""

from collections.abc import Mapping, Sequence
from typing import Any

_ALWAYS = frozenset({"proposed", "consulting", "assessed", "adopted", "not_adopted"})

MOVES: dict[str, tuple[frozenset[str], str | None]] = {
    "consult": (frozenset({"proposed", "consulting"}), "consulting"),
    "opine": (frozenset({"consulting"}), None),
    "assess": (frozenset({"consulting"}), "assessed"),
    "adopt": (frozenset({"assessed"}), "adopted"),
    "decline": (frozenset({"assessed"}), "not_adopted"),
    "link": (frozenset({"adopted"}), None),
    "convey": (_ALWAYS, None),
    "table": (_ALWAYS, None),
    "resolve": (_ALWAYS, None),
}
"""Each round: the states it may be entered in, and the state after it (None: as before). `consult` asks departments for
their opinion, `opine` is one department's, `link` names the 民生实事项目, `convey` hands it to the 两代表一委员,
`table` notes the number of the motion (议案) or proposal (提案) that came of it, `resolve` what became of that."""

NEEDS: dict[str, frozenset[str]] = {
    "consult": frozenset({"units"}),
    "opine": frozenset({"unit", "opinion"}),
    "assess": frozenset({"text"}),
    "adopt": frozenset({"text"}),
    "decline": frozenset({"text"}),
    "link": frozenset({"project"}),
    "convey": frozenset({"to"}),
    "table": frozenset({"kind", "number"}),
    "resolve": frozenset({"number", "outcome"}),
}
"""What must be said in each round."""

MOTIONS = {"motion": ("议案", "Motion"), "proposal": ("提案", "Proposal")}
"""Kinds of what is tabled: a deputy's motion, a member's proposal; in Chinese and English."""

Rounds = Sequence[Mapping[str, Any]]


def forbids(action: str, said: Mapping[str, Any], state: str, rounds: Rounds) -> str | None:
    """Why this round cannot be entered after these, or None."""
    if action not in MOVES:
        return f"there is no round {action!r}; known: {', '.join(MOVES)}"
    states, _ = MOVES[action]
    if state not in states:
        return f"{action} is for items that are {', '.join(sorted(states))} (当前状态不允许)"
    missing = sorted(name for name in NEEDS[action] if not _is_said(said.get(name)))
    if missing:
        return f"{action} needs {', '.join(missing)} (缺少内容)"
    check = _CHECKS.get(action)
    return check(said, rounds) if check else None


def kept(action: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """What is said as it is kept: a motion's kind may be written in either language."""
    return (
        {**said, "kind": motion_kind(said["kind"])} if action == "table" and _is_said(said.get("kind")) else dict(said)
    )


def motion_kind(written: str) -> str:
    """The kind in `MOTIONS`, from either language; what is none stays as it is."""
    return next((kind for kind, (zh, _) in MOTIONS.items() if written.lower() in (kind, zh)), written)


def motion_words(kind: str) -> tuple[str, str]:
    """What people read for a kind."""
    return MOTIONS.get(motion_kind(kind), (kind, kind))


def asked(rounds: Rounds) -> list[str]:
    """Units that were asked for their opinion, each once, in the order in which they were asked."""
    return list(dict.fromkeys(unit for entry in rounds if entry["action"] == "consult" for unit in entry["units"]))


def _is_said(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(map(_is_said, value))
    return isinstance(value, str) and bool(value.strip())


def _opine(said: Mapping[str, Any], rounds: Rounds) -> str | None:
    waiting: set[str] = set()
    for entry in rounds:
        if entry["action"] == "consult":
            waiting.update(entry["units"])
        elif entry["action"] == "opine":
            waiting.discard(entry["unit"])
    if said["unit"] in waiting:
        return None
    if said["unit"] in asked(rounds):
        return "this unit has given its opinion; ask it anew first (该单位已反馈意见，再次反馈须先再次征求)"
    return "this unit was not asked for its opinion (未向该单位征求意见)"


def _assess(_said: Mapping[str, Any], rounds: Rounds) -> str | None:
    if any(entry["action"] == "opine" for entry in rounds):
        return None
    return "no unit has given its opinion yet (尚无部门反馈意见)"


def _table(said: Mapping[str, Any], rounds: Rounds) -> str | None:
    if said["kind"] not in MOTIONS:
        return "kind is motion (议案) or proposal (提案) (类别只能是议案或提案)"
    if said["number"] in _numbers(rounds, "table"):
        return "a motion or proposal of this number was entered already (该议案或提案编号已登记)"
    return None


def _resolve(said: Mapping[str, Any], rounds: Rounds) -> str | None:
    if said["number"] not in _numbers(rounds, "table"):
        return "no motion or proposal of this number was entered (未登记该议案或提案)"
    if said["number"] in _numbers(rounds, "resolve"):
        return "what became of this one was entered already (该议案或提案已登记办理结果)"
    return None


def _numbers(rounds: Rounds, action: str) -> set[str]:
    return {entry["number"] for entry in rounds if entry["action"] == action}


_CHECKS = {"opine": _opine, "assess": _assess, "table": _table, "resolve": _resolve}
"""What the rounds before must have said."""
