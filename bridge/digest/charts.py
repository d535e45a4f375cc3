"""Charts as inline SVG: no script, no font, nothing to fetch; they print as they look."""

from collections.abc import Sequence

SHADES = ("#8c1d18", "#c9814a", "#d8c7a3")
"""Dark to light: told apart on a black-and-white printer as well."""


def bar(share: float, width: int = 220, height: int = 14) -> str:
    """One horizontal bar; `share` of the longest one, 0 to 1."""
    long = max(1.5, round(width * min(1.0, max(0.0, share)), 1)) if share > 0 else 0
    return (
        f'<svg class="bar" viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{width}" height="{height}" class="rail"/>'
        f'<rect width="{long}" height="{height}" class="fill"/></svg>'
    )


def stack(parts: Sequence[int], whole: int, width: int = 180, height: int = 14) -> str:
    """Parts of a whole beside each other, in `SHADES`."""
    at, found = 0.0, []
    for part, shade in zip(parts, SHADES, strict=False):
        wide = width * part / whole if whole else 0
        found.append(f'<rect x="{at:.1f}" width="{wide:.1f}" height="{height}" fill="{shade}"/>')
        at += wide
    return (
        f'<svg class="bar" viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{width}" height="{height}" class="rail"/>{"".join(found)}</svg>'
    )


def spark(values: Sequence[int | None], width: int = 72, height: int = 22) -> str:
    """A month a column, the last one dark; a hidden number is a hollow column of no telling height."""
    top = max((value for value in values if value), default=1)
    wide = width / max(1, len(values))
    columns = []
    for at, value in enumerate(values):
        left, last = at * wide + 1.5, at == len(values) - 1
        if value is None:
            columns.append(f'<rect x="{left:.1f}" y="{height - 5}" width="{wide - 3:.1f}" height="4" class="unknown"/>')
            continue
        tall = max(1.0, (height - 2) * value / top)
        kind = "fill" if last else "past"
        columns.append(
            f'<rect x="{left:.1f}" y="{height - tall:.1f}" width="{wide - 3:.1f}" height="{tall:.1f}" class="{kind}"/>'
        )
    return f'<svg class="spark" viewBox="0 0 {width} {height}" aria-hidden="true">{"".join(columns)}</svg>'


def columns(values: Sequence[tuple[str, int | None]], hidden: str, width: int = 420, height: int = 170) -> str:
    """Labelled columns, the last one dark; `hidden` stands where a number is not shown."""
    top = max((value for _, value in values if value), default=1)
    wide, floor = width / max(1, len(values)), height - 24
    parts = [f'<line x1="0" y1="{floor}" x2="{width}" y2="{floor}" class="axis"/>']
    for at, (name, value) in enumerate(values):
        middle, tall = (at + 0.5) * wide, (floor - 22) * (value or 0) / top
        kind = "fill" if at == len(values) - 1 else "past"
        shown = hidden if value is None else f"{value:,}"
        parts.append(
            f'<rect x="{middle - wide * 0.28:.1f}" y="{floor - tall:.1f}" width="{wide * 0.56:.1f}" '
            f'height="{tall:.1f}" class="{kind}"/>'
            f'<text x="{middle:.1f}" y="{floor - tall - 6:.1f}" class="value">{shown}</text>'
            f'<text x="{middle:.1f}" y="{height - 6}" class="name">{name}</text>'
        )
    return f'<svg class="columns" viewBox="0 0 {width} {height}" role="img">{"".join(parts)}</svg>'
