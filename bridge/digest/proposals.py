"""Proposals on the page: for the meeting with every round, for deputies with what came of them."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from bridge.digest.markup import heading, note, say
from bridge.digest.meeting import ACTIONS, STATES, what, who
from bridge.digest.rounds import motion_words


def section(found: Iterable[Mapping[str, Any]]) -> str:
    """The part of the page."""
    return heading("对策建议", "Proposals") + ("".join(map(_proposal, found)) or note("尚未提出。", "None yet."))


def _proposal(item: Mapping[str, Any]) -> str:
    title = f"{escape(item['item_id'])}　{escape(item['title'])}"
    lines = [f'<b>{title}</b> <span class="tag">{say(*STATES[item["state"]])}</span>']
    if "rounds" in item:
        lines += [_round(entry) for entry in item["rounds"]]
    else:
        lines += [_line(say(*ACTIONS["link"]), escape(project)) for project in item["projects"]]
        lines += [_motion(motion) for motion in item["motions"]]
    return f'<div class="proposal">{"".join(lines)}</div>'


def _round(entry: Mapping[str, Any]) -> str:
    said = "：".join(part for part in (escape(who(entry)), say(*what(entry))) if part)
    return _line(f"{entry['at'][:10]}　{say(*ACTIONS[entry['action']])}", said)


def _motion(motion: Mapping[str, Any]) -> str:
    outcome = escape(motion["outcome"]) if motion["outcome"] else say("尚无办理结果", "no outcome yet")
    return _line(f"{say(*motion_words(motion['kind']))} {escape(motion['number'])}", outcome)


def _line(name: str, said: str) -> str:
    return f'<p class="round">{name}：{said}</p>'
