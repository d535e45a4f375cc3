"""`python -m bridge.rules.page`: writes the tables and diagrams of docs/rules.md from the rule tables; `--check` only
says whether they differ."""

import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from pathlib import Path

from bridge.rules import calendar, rates, supervision, transitions
from bridge.rules.diagram import mermaid
from bridge.rules.outcome import FACT_ZH
from bridge.rules.profiles import CardRules, Edition, Profile, Profiles, terms
from bridge.rules.table import Ruled
from bridge.rules.transitions import Chart

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "rules.md"
_BLOCK = re.compile(r"(<!-- table: (?P<name>[a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)

Row = tuple[str, ...]


def blocks() -> dict[str, str]:
    """The generated parts by name."""
    life, watch = transitions.load(), supervision.rules()
    return {
        "petition_diagram": _fence(mermaid(life.petition)),
        "assignment_diagram": _fence(mermaid(life.assignment)),
        "petition_edges": _edges(life.petition, "petition"),
        "assignment_edges": _edges(life.assignment, "assignment"),
        "calendar": _calendar(calendar.rules()),
        "profiles": _profiles(Profiles.load().editions),
        "cards": _cards(Profiles.load().editions),
        "triggers": _triggers(watch),
        "after": _after(watch),
        "on_site": _on_site(watch),
        "rates": _rates(rates.rules()),
        "facts": _table(("fact", "中文"), ((f"`{fact}`", zh) for fact, zh in FACT_ZH.items())),
    }


def filled(page: str, parts: Mapping[str, str]) -> str:
    """The page with each block as it should be. Raises `KeyError` for a block that nothing fills."""
    return _BLOCK.sub(lambda found: f"{found[1]}{parts[found['name']]}{found[3]}", page)


def _fence(text: str) -> str:
    return f"```mermaid\n{text}```\n"


def _table(head: Row, rows: Iterable[Row]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def _ruled(rule: Ruled) -> str:
    return f"{rule.rule} ({rule.zh})"


def _edges(chart: Chart, name: str) -> str:
    return _table(
        ("event", "from", "to", "rule", "source", "setting"),
        (
            (
                ", ".join(f"`{event}`" for event in edge.events),
                ", ".join(edge.sources),
                edge.to or "–",
                _ruled(edge),
                edge.source,
                f"`lifecycle.toml` `[[{name}.edge]]`",
            )
            for edge in chart.edge
        ),
    )


def _calendar(table: calendar.CalendarRules) -> str:
    parts: Mapping[str, Ruled] = {"count": table.count, "horizon": table.horizon, "alarm": table.alarm}
    return _table(
        ("rule", "default", "source", "setting"),
        ((_ruled(part), _values(part), part.source, f"`calendar.toml` `[{name}]`") for name, part in parts.items()),
    )


def _values(part: Ruled) -> str:
    own = part.model_dump(mode="json", by_alias=True, exclude=set(Ruled.model_fields))
    return ", ".join(f"`{name}` {_value(value)}" for name, value in own.items())


def _value(value: object) -> str:
    if value in (None, "", []):
        return "–"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _profiles(editions: Iterable[Edition]) -> str:
    return _table(
        ("edition", "profile", "rule", "terms", "source", "setting"),
        (
            (edition.version, f"`{profile.name}`", _ruled(profile), _terms(profile), profile.source,
             "`deadlines.toml` `[[edition.profile]]`")
            for edition in editions for profile in edition.profile
        ),
    )  # fmt: skip


def _terms(profile: Profile) -> str:
    said = [f"`{name}` {term}" for name, term in terms(profile).items()]
    if profile.extension is not None:
        said.append(f"`extensions` {profile.extensions}")
    if profile.return_window is not None:
        said.append(f"`returns` {profile.returns}")
    said.append(f"`pause` {', '.join(profile.pause) or '–'}")
    said.append(f"`given` {profile.given}")
    return ", ".join(said)


def _cards(editions: Iterable[Edition]) -> str:
    rows: list[Row] = []
    for edition in editions:
        setting = "`deadlines.toml` `[edition.cards]`"
        rows.append(
            (edition.version, "all", _ruled(edition.cards), _given(edition.cards), edition.cards.source, setting)
        )
        for profile in edition.profile:
            if profile.cards is not None:
                own = edition.cards_of(profile)
                setting = "`deadlines.toml` `[[edition.profile]]` `cards`"
                rows.append(
                    (edition.version, f"`{profile.name}`", _ruled(profile), _given(own), profile.source, setting)
                )
    return _table(("edition", "profile", "rule", "cards", "source", "setting"), rows)


def _given(cards: CardRules) -> str:
    levels = {"yellow": cards.yellow, "red": cards.red, "black": cards.black}
    said = [f"`{level}` {term if term is not None else '–'}" for level, term in levels.items()]
    return ", ".join(
        [*said, f"`urge` {str(cards.urge).lower()}", f"`hold_provisional` {str(cards.hold_provisional).lower()}"]
    )


def _triggers(table: supervision.SupervisionRules) -> str:
    return _table(
        ("name", "rule", "counts", "threshold", "window", "source", "setting"),
        (
            (f"`{one.name}`", _ruled(one), f"`{one.counts}`", str(one.threshold),
             f"{one.window_days} days" if one.window_days else "–", one.source, "`supervision.toml` `[[trigger]]`")
            for one in table.trigger
        ),
    )  # fmt: skip


def _after(table: supervision.SupervisionRules) -> str:
    again = table.rehandling
    rows: list[Row] = [(_ruled(again), _values(again), again.source, "`supervision.toml` `[rehandling]`")]
    rows += [(_ruled(one), _values(one), one.source, "`supervision.toml` `[[closing]]`") for one in table.closing]
    if table.daily is not None:
        rows.append((_ruled(table.daily), _values(table.daily), table.daily.source, "`supervision.toml` `[daily]`"))
    return _table(("rule", "default", "source", "setting"), rows)


def _on_site(table: supervision.SupervisionRules) -> str:
    return _table(
        ("rule", "becomes", "source", "setting"),
        ((_ruled(one), f"`{one.reclass}`", one.source, "`supervision.toml` `[[on_site]]`") for one in table.on_site),
    )


def _rates(table: rates.RateRules) -> str:
    return _table(
        ("name", "rule", "of", "without", "counts", "source", "setting"),
        (
            (f"`{one.name}`", _ruled(one), *(", ".join(f"`{fact}`" for fact in facts) or "–"
             for facts in (one.of, one.without, one.counts)), one.source, "`rates.toml` `[[rate]]`")
            for one in table.rate
        ),
    )  # fmt: skip


def main() -> int:
    parser = ArgumentParser(prog="python -m bridge.rules.page", description="docs/rules.md (规则页)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page differs")
    check = parser.parse_args().check
    page = PAGE.read_text(encoding="utf-8")
    wanted = filled(page, blocks())
    if page == wanted:
        return 0
    if check:
        print(f"{PAGE}: differs from the tables; run python -m bridge.rules.page", file=sys.stderr)
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
