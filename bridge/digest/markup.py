"""Small pieces of the page: text in two languages, numbers that may be hidden, tables."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from bridge.digest.charts import bar

Row = Mapping[str, Any]

HIDDEN = "＊"
"""Where a number is not shown."""


def say(zh: str, en: str) -> str:
    """Both languages; the page shows one of them."""
    if zh == en:
        return escape(zh)
    return f'<span lang="zh-CN">{escape(zh)}</span><span lang="en">{escape(en)}</span>'


def number(count: int | None) -> str:
    """A number, or that it is not shown: it may be small, or another one's cover, and nobody is told which."""
    return f'<span class="few">{HIDDEN}</span>' if count is None else f"{count:,}"


def heading(zh: str, en: str) -> str:
    """Of a part of the page: the style numbers them, since not every reader gets every part."""
    return f'<h2 class="part">{say(zh, en)}</h2>'


def sub(zh: str, en: str) -> str:
    return f"<h3>{say(zh, en)}</h3>"


def note(zh: str, en: str) -> str:
    return f'<p class="note">{say(zh, en)}</p>'


def nothing() -> str:
    return note("本月没有达到公布标准的事项。", "Nothing reached the threshold for being shown this month.")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Cells are markup; one that begins with `<td` brings its own cell."""
    cells = "".join(cell if cell.startswith("<th") else f"<th>{cell}</th>" for cell in head)
    top = f"<thead><tr>{cells}</tr></thead>" if cells else ""
    body = "".join(
        f"<tr>{''.join(cell if cell.startswith('<td') else f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows
    )
    return f'<div class="wide"><table class="{kind}">{top}<tbody>{body}</tbody></table></div>'


def right(text: str) -> str:
    return f'<td class="n">{text}</td>'


def bars(zh: str, en: str, rows: Sequence[Row], most: int = 100) -> str:
    """Up to `most` rows with a name, a bar and a number each, and how many there are besides."""
    top = max((row.get("count") or 0 for row in rows), default=0)
    named = [row for row in rows if "not_shown" not in row]
    lines = []
    for row in [*named[:most], *(row for row in rows if "not_shown" in row)]:
        if "not_shown" in row:
            lines.append([f'<td colspan="3" class="few">{_not_shown(row["not_shown"])}</td>'])
            continue
        count = row["count"]
        drawn = bar((count or 0) / top) if top else ""
        lines.append([say(row["zh"], row["en"]), f'<td class="chart">{drawn}</td>', right(number(count))])
    if len(named) > most:
        rest = len(named) - most
        lines.append([f'<td colspan="3" class="few">{say(f"其余{rest}项见附表", f"{rest} more in the workbook")}</td>'])
    return f'<div class="whole">{sub(zh, en)}{table([], lines, "bars")}</div>'


def _not_shown(veiled: int) -> str:
    return say(f"另有{veiled}项不予公布", f"{veiled} more not shown")
