"""`bridge calendar`, `deadlines`, `lists`, `out-of-order`, `owner`: the city's rules, asked and served."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli.ledger import reading, writing
from bridge.cli.names import check_team, check_unit
from bridge.cli.orders import Operator, Reason, report
from bridge.cli.output import Exit, Json, document, err, fail, listing, moment, no_file, out

Team = Annotated[str | None, typer.Option(help="Only this team's (服务队).")]
Unit = Annotated[str | None, typer.Option(help="Only what this unit leads (承办单位).")]
Limit = Annotated[int, typer.Option(min=1, max=10_000)]

calendar_app = typer.Typer(help="The working-day calendar (工作日历).", no_args_is_help=True)
deadlines_app = typer.Typer(help="Deadlines (办理时限).", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Hang the commands up."""
    app.add_typer(calendar_app, name="calendar")
    app.add_typer(deadlines_app, name="deadlines")
    app.command()(lists)
    app.command("out-of-order")(out_of_order)
    app.command()(package)
    app.command()(owner)


# ── the calendar ──


@calendar_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV (date,is_workday,source_doc) or TOML ([[day]]).")],
    operator: Operator,
    as_json: Json = False,
) -> None:
    """Load an official notice of days off; deadlines that were counted without it are corrected (导入放假安排)."""
    from bridge import app as root
    from bridge.ledger.notices import load_notice
    from bridge.rosterfile import decode
    from bridge.rules.notice import BadNotice, parse

    rules = root.rulebook(root.settings()).calendar_rules
    try:
        notice = parse(file.name, decode(file.read_bytes()), rules)
    except OSError as error:
        no_file(error)
    except BadNotice as bad:
        err.print(str(bad), style="red", markup=False)
        fail(Exit.FALLS_SHORT, "nothing was loaded (未导入)")
    found = writing(lambda work: load_notice(work, [(notice, operator)])[0])
    if as_json:
        document({**asdict(found), "years": list(found.years)})
        return
    years = " ".join(map(str, found.years)) or "–"
    out.print(f"{found.days} days loaded, years known by it: {years} (已导入{found.days}天)", markup=False)
    if found.taken_away:
        out.print(f"{found.taken_away} days of these years taken away: it does not name them (已删除)", markup=False)
    out.print(
        f"{found.looked_at} open petitions are looked at again, {found.provisional} of them with a provisional "
        f"deadline (重新核算{found.looked_at}件，其中暂定{found.provisional}件)",
        markup=False,
    )


@calendar_app.command("show")
def show(
    year: Annotated[int, typer.Argument(min=2000, max=2100, help="Which year.")],
    as_json: Json = False,
) -> None:
    """The days of a year that differ from Monday to Friday, and whether its notice is known (查看工作日历)."""
    from bridge import app as root
    from bridge.clock import utc_now
    from bridge.ledger import notices
    from schemas.base import shanghai

    book = root.rulebook(root.settings())
    calendar, all_unreadable = reading(lambda conn: (notices.calendar(conn, book), notices.unreadable_days(conn)))
    # Only the year that was asked for is judged; of the others the doctor tells.
    unreadable = [day for day in all_unreadable if day.startswith(str(year))]
    days = [date.fromordinal(day) for day in range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1)]
    special = [day for day in days if calendar.is_workday(day) != (day.weekday() < 5)]
    missing = calendar.alarm(shanghai(utc_now()).date())
    if as_json:
        rows = [{"day": day.isoformat(), "is_workday": calendar.is_workday(day)} for day in special]
        found = {"year": year, "known": calendar.knows(year), "days": rows, "missing_year": missing}
        document({**found, "unreadable": unreadable})
    else:
        for day in special:
            out.print(f"{day.isoformat()}  {'班 worked' if calendar.is_workday(day) else '休 off'}", markup=False)
        known = "its notice is known (已知)" if calendar.knows(year) else "no notice: deadlines are provisional (暂定)"
        out.print(f"{year}: {known}", markup=False)
    if unreadable:
        fail(
            Exit.FALLS_SHORT,
            f"of no use: {', '.join(unreadable)}; import the notice of that year again (放假安排须重新导入)",
        )
    if not calendar.knows(year):
        fail(Exit.FALLS_SHORT, f"the notice for {year} is missing; `bridge calendar import FILE` (请导入放假安排)")


# ── deadlines ──


@deadlines_app.command("explain")
def explain(
    petition: Annotated[str, typer.Argument(help="The petition's number.")],
    as_json: Json = False,
) -> None:
    """Which deadlines a petition has, why, and how they came to be (时限解释)."""
    from bridge import app as root
    from bridge.ledger.explaining import explain as find

    settings = root.settings()
    book = root.rulebook(settings)
    found = reading(lambda conn: find(conn, root.privacy(settings).vault, book, petition))
    if found is None:
        fail(Exit.FALLS_SHORT, f"there is no petition {petition} in this ledger (未找到该诉求)")
    if as_json:
        document(found)
        return
    out.print(found["explained"], markup=False)
    provisional = "  provisional (暂定)" if found["provisional"] else ""
    out.print(f"reply due {found['reply']}{provisional}", markup=False)
    listing(
        ("clock 时钟", "due 到期", "since 自", "until 至", "round 轮", "turn 次"),
        [
            (due["clock"], *(moment(due[name]) for name in ("due", "since", "until")), str(due["round"]),
             str(due["turn"]))
            for due in found["history"]
        ],
    )  # fmt: skip
    for note in found["notes"]:
        out.print(f"not counted: {note}", markup=False)


# ── lists ──


def lists(team: Team = None, unit: Unit = None, limit: Limit = 1000, as_json: Json = False) -> None:
    """What got no acknowledgement or reply in time, what nobody works on, and which closings nobody has confirmed, each
    with why (无回音、无着落、待确认)."""
    from bridge import app as root
    from bridge.ledger.lists import LIST_ZH, Which, listed, with_discontent

    def read(conn: Any) -> dict[Which, list[dict[str, Any]]]:
        check_team(conn, team)
        check_unit(conn, unit)
        settings = root.settings()
        vault, rule = root.privacy(settings).vault, root.rulebook(settings).supervision.rehandling
        return {
            which: with_discontent(conn, vault, rule, listed(conn, which, team=team, unit=unit, limit=limit))
            for which in LIST_ZH
        }

    found = reading(read)
    if as_json:
        document(found)
        return
    for which, rows in found.items():
        out.print(f"[bold]{LIST_ZH[which]}[/] {which}: {len(rows)}")
        if rows:
            listing(
                ("petition 诉求", "why 原因", "since 自", "due 到期", "team 服务队", "owner 书记", "unit 单位"),
                [
                    (row["petition_id"], f"{row['why_zh']} {row['why']}", moment(row["since"]),
                     moment(row.get("due_at")), row["team_id"], row.get("owner_id", ""),
                     "、".join(row.get("late_units", [row.get("unit", "")])))
                    for row in rows
                ],
            )  # fmt: skip


def out_of_order(limit: Limit = 100, as_json: Json = False) -> None:
    """Events that the lifecycle does not allow where their petition stood: kept, and nothing moved (次序不符)."""
    from bridge.clock import iso
    from bridge.ledger.lists import out_of_order as find

    found = reading(lambda conn: find(conn, limit=limit))
    rows = [{**row, "occurred_at": iso(row["occurred_at"]), "recorded_at": iso(row["recorded_at"])} for row in found]
    if as_json:
        document({"events": rows})
        return
    if not rows:
        out.print("nothing is out of order (没有次序不符的事件)")
        return
    listing(
        ("petition 诉求", "event 事件", "from 来自", "at 时间", "state 状态"),
        [
            (row["petition_id"], row["type"], row["source"], moment(row["occurred_at"]), row["state"])
            for row in rows
        ],
    )  # fmt: skip


def package(number: Annotated[str, typer.Argument(help="The package's number (包号).")], as_json: Json = False) -> None:
    """The members of a joint package, where each is, and who has been answered (打包件)."""
    from bridge.ledger.packages import package as find

    found = reading(lambda conn: find(conn, number))
    if found is None:
        fail(Exit.FALLS_SHORT, f"there is no package {number} in this ledger (未找到该打包件)")
    if as_json:
        document(found)
        return
    members, answered = found["members"], found["answered"]
    of_all = f"共{len(members)}件，已答复{answered}件"
    out.print(f"[bold]{number}[/]: {len(members)} petitions, {answered} answered ({of_all})")
    listing(
        ("petition 诉求", "state 状态", "answered 答复", "unit 单位", "plan due 方案时限", "late 清单"),
        [
            (member["petition_id"], member["state"], "yes" if member["answered"] else "no", member.get("unit", ""),
             moment(member.get("due_at")), " ".join(member.get(name, "") for name in ("no_echo", "no_landing")).strip())
            for member in members
        ],
    )  # fmt: skip


# ── the owner ──


def owner(
    petition: Annotated[list[str], typer.Argument(help="Petitions to hand over.")],
    to: Annotated[str, typer.Option(help="The secretary who answers for them from now on (an id of the roster).")],
    reason: Reason,
    operator: Operator,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    as_json: Json = False,
) -> None:
    """Hand petitions over to another owner secretary (更换首问书记)."""
    from bridge.ledger.owner import HandOver, hand_over_owner

    orders = [HandOver(one, to, operator, reason, dry_run) for one in dict.fromkeys(petition)]
    found = writing(lambda work: hand_over_owner(work, orders))
    columns = {
        "petition_id": "petition 诉求", "result": "result 结果", "owner": "owner 书记", "before": "before 原书记",
        "why": "why 原因",
    }  # fmt: skip
    rows = [{name: getattr(one, name) for name in columns} for one in found]
    report({"petitions": rows}, rows, columns, nothing="", as_json=as_json)
