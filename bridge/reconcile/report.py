"""The report of one run (对账报告): JSON as it is sealed, CSV and a page for people."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from bridge.reconcile.difference import KIND_ZH, Difference, Kind, Resolution
from bridge.witness.canonical import canonical
from bridge.words import SYSTEMS_ZH

_COLUMNS = ("kind", "side", "petition_id", "number", "detail", "resolution", "why")


@dataclass(frozen=True, slots=True)
class Report:
    """One run for one system and day (YYYY-MM-DD on the city's clock)."""

    run_id: str
    system: str
    day: str
    ran_at: str
    here: int
    there: int
    matched: int
    differences: Sequence[Difference]

    @property
    def open(self) -> int:
        """Differences that people must look at, or that the next run must find gone."""
        return sum(one.resolution in (Resolution.OPEN, Resolution.FOR_PEOPLE) for one in self.differences)

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(one.kind for one in self.differences)
        return {kind.value: found[kind] for kind in Kind}

    def as_json(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "system": self.system,
            "day": self.day,
            "ran_at": self.ran_at,
            "here": self.here,
            "there": self.there,
            "matched": self.matched,
            "counts": self.counts,
            "open": self.open,
            "differences": [one.as_json() for one in self.differences],
        }

    def canonical(self) -> bytes:
        """What is digested and sealed."""
        return canonical(self.as_json())


def csv_text(document: dict[str, Any]) -> str:
    """One line a difference; Excel reads it (a byte-order mark, and no cell that begins a formula)."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(_COLUMNS)
    for one in document["differences"]:
        writer.writerow([_cell(str(one.get(name, ""))) for name in _COLUMNS])
    return "\ufeff" + sheet.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def page(document: dict[str, Any]) -> str:
    """A page to read and to print, in Chinese, with the English beside it."""
    system = SYSTEMS_ZH.get(document["system"], document["system"])
    rows = "".join(_row(one) for one in document["differences"]) or (
        '<tr><td colspan="6" class="none">没有差异 no differences</td></tr>'
    )
    tiles = "".join(_tile(kind, count) for kind, count in document["counts"].items())
    verdict = "两边一致 in agreement" if not document["open"] else f"{document['open']} 项待人工处理 for people"
    return _PAGE.format(
        title=f"{escape(system)} {document['day']} 对账报告",
        verdict=verdict,
        mood="good" if not document["open"] else "bad",
        here=document["here"],
        there=document["there"],
        matched=document["matched"],
        tiles=tiles,
        rows=rows,
        ran=escape(document["ran_at"]),
        run=escape(document["run_id"]),
    )


def _tile(kind: str, count: int) -> str:
    mood = " bad" if count else ""
    return f'<div class="tile{mood}"><b>{count}</b><span>{KIND_ZH[Kind(kind)]}<i>{kind}</i></span></div>'


def _row(one: dict[str, Any]) -> str:
    side = {"here": "我方 here", "there": "对方 there"}[one["side"]]
    cells = (
        f"{KIND_ZH[Kind(one['kind'])]}<i>{one['kind']}</i>",
        side,
        f"<code>{escape(one.get('petition_id') or '—')}</code>",
        f"<code>{escape(one.get('number') or '—')}</code>",
        escape(one.get("detail") or ""),
        f"{Resolution(one['resolution']).zh}<i>{escape(one.get('why') or one['resolution'])}</i>",
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


_PAGE = """<!doctype html>
<html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light; --ink: #1d2433; --soft: #667085; --line: #e2e6ee; --good: #11734b; --bad: #b42318; }}
body {{ font: 15px/1.6 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: var(--ink);
  max-width: 1080px; margin: 2rem auto; padding: 0 1.2rem; }}
h1 {{ font-size: 1.5rem; margin: 0; }}
.verdict {{ font-size: 1.05rem; margin: .3rem 0 1.4rem; font-weight: 600; }}
.good {{ color: var(--good); }} .bad {{ color: var(--bad); }}
.sum {{ display: flex; gap: 2.4rem; margin-bottom: 1.2rem; }}
.sum b {{ display: block; font-size: 1.9rem; line-height: 1.2; font-variant-numeric: tabular-nums; }}
.tiles {{ display: grid; grid-template-columns: repeat(6, 1fr); gap: .6rem; margin-bottom: 1.6rem; }}
.tile {{ border: 1px solid var(--line); border-radius: 8px; padding: .6rem .7rem; }}
.tile b {{ font-size: 1.3rem; font-variant-numeric: tabular-nums; }}
.tile span {{ display: block; }} .tile.bad {{ border-color: var(--bad); }} .tile.bad b {{ color: var(--bad); }}
i {{ display: block; font-style: normal; font-size: .78rem; color: var(--soft); overflow-wrap: anywhere; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .45rem .5rem; border-bottom: 1px solid var(--line); }}
th {{ font-weight: 600; color: var(--soft); font-size: .85rem; }}
code {{ font: 13px ui-monospace, monospace; overflow-wrap: anywhere; }}
.none {{ text-align: center; color: var(--good); padding: 1.4rem; }}
footer {{ margin-top: 1.6rem; color: var(--soft); font-size: .82rem; }}
@page {{ size: A4; margin: 14mm; }}
@media print {{ body {{ margin: 0; max-width: none; font-size: 11px; }} tr {{ break-inside: avoid; }} }}
</style>
<h1>{title}</h1>
<p class="verdict {mood}">{verdict}</p>
<div class="sum"><div><b>{here}</b>我方 here</div><div><b>{there}</b>对方 there</div>
<div><b>{matched}</b>一致 in agreement</div></div>
<div class="tiles">{tiles}</div>
<table><thead><tr><th>差异 class</th><th>方 side</th><th>诉求 petition</th><th>对方编号 number</th><th>内容 detail</th>
<th>处理 resolution</th></tr></thead><tbody>{rows}</tbody></table>
<footer>{ran}　run {run}　报告已封入审计日志 sealed in the audit log</footer>
</html>
"""
