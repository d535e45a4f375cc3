"""`bridge roster import`, `check`, `bind-code`, and `bridge unreached`: who answers for whom, and who still waits."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli.ledger import reading, writing
from bridge.cli.orders import Operator
from bridge.cli.output import Exit, Json, document, err, fail, listing, moment, no_file, out, table

MOST_FAULTS = 20
MOST_OWNERS = 10_000
FEW, TOO_MANY = 3, 0.2
"""Who is not on the list has left. A list that was cut off must not end a whole city's bindings: more than a few, and
more than a fifth, have to be confirmed."""

roster_app = typer.Typer(help="The roster of teams, secretaries, areas and units (名册).", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Hang the commands up."""
    app.add_typer(roster_app, name="roster")
    app.command()(unreached)


@roster_app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="CSV files: teams, secretaries, areas, units, in any order.")],
    operator: Operator = "cli",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    many_leave: Annotated[bool, typer.Option("--many-leave", help="Yes, a fifth or more have left.")] = False,
    as_json: Json = False,
) -> None:
    """Take in lists of teams, secretaries, areas and units; each list is complete (导入名册)."""
    from bridge.ledger.roster import import_lists, load
    from bridge.rosterfile import BadRoster, Known, read_files

    def work_on(work: Any) -> Any:
        now = load(work.conn, work.privacy.vault)
        teams, members = (frozenset(one.id for one in rows) for rows in (now.teams, now.members))
        try:
            lists = read_files(files, Known(teams, members))
        except OSError as error:
            no_file(error)
        changes = import_lists(work, [(lists, operator)])[0]
        if dry_run:
            raise _Rehearsed(changes)
        before = sum(member.active for member in now.members)
        if not many_leave and len(changes.left) > max(FEW, before * TOO_MANY):
            raise _HalfAFile(len(changes.left), before)
        return changes

    try:
        changes = writing(work_on)
    except _Rehearsed as rehearsed:
        changes = rehearsed.changes
    except _HalfAFile as half:
        fail(
            Exit.FALLS_SHORT,
            f"{half.left} of {half.before} secretaries would leave and lose their bindings; is the file whole? "
            "Give --many-leave if they have left (离任人数过多，请核对名册是否完整)",
        )
    except BadRoster as bad:
        for fault in bad.faults[:MOST_FAULTS]:
            err.print(fault, style="red", markup=False)
        fail(Exit.FALLS_SHORT, f"{len(bad.faults)} faults, nothing was imported (未导入)")
    _tell_import(changes, dry_run=dry_run, as_json=as_json)


class _Rehearsed(Exception):
    """Rolls the transaction back; no error."""

    def __init__(self, changes: Any) -> None:
        self.changes = changes


class _HalfAFile(Exception):
    """Rolls the transaction back: more leave than is likely."""

    def __init__(self, left: int, before: int) -> None:
        super().__init__(left, before)
        self.left = left
        self.before = before


def _tell_import(changes: Any, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        document(
            {"dry_run": dry_run, "version": changes.version, "counts": dict(changes.counts),
             "joined": list(changes.joined), "left": list(changes.left)}
        )  # fmt: skip
        return
    counts = "  ".join(f"{name} {count}" for name, count in changes.counts.items())
    said = "would import 将导入" if dry_run else "imported 已导入"
    out.print(f"{said}: {counts}; joined 新增 {len(changes.joined)}, left 离任 {len(changes.left)}", markup=False)


@roster_app.command("check")
def check(as_json: Json = False) -> None:
    """Which communities have no team, or a team with fewer than four active members (覆盖检查); which owners of what
    is open, or closed and not confirmed, have bound no WeChat and are told nothing (未绑定书记)."""
    from bridge import app as root
    from bridge.ledger.roster import load
    from bridge.ledger.unbound import unbound_owners

    def read(conn: Any) -> tuple[Any, list[dict[str, Any]]]:
        vault = root.privacy(root.settings()).vault
        return load(conn, vault), unbound_owners(conn, limit=MOST_OWNERS)

    roster, unbound = reading(read)
    found = roster.coverage()
    short = [item for item in found if not item.covered]
    active = sum(member.active for member in roster.members)
    report = {
        "holds": bool(found) and not short,
        "communities": len(found),
        "covered": len(found) - len(short),
        "secretaries": active,
        "bound": sum(roster.of_secretary(member.id) is not None for member in roster.members),
        "short": [_short(item) for item in short],
        "unbound_owners": unbound,
    }
    if as_json:
        document(report)
    else:
        _tell_coverage(report)
    if not found:
        fail(Exit.FALLS_SHORT, "there are no communities; run `bridge roster import` first (名册为空)")
    if short:
        fail(Exit.FALLS_SHORT, f"{len(short)} of {len(found)} communities are not covered (未覆盖)")


def _short(item: Any) -> dict[str, Any]:
    from bridge.roster import ENOUGH

    area = item.area
    return {
        "region_code": area.region_code, "street": area.street, "community": area.community, "team_id": area.team_id,
        "team": item.team.name if item.team else "", "active": item.active, "missing": max(0, ENOUGH - item.active),
    }  # fmt: skip


def _tell_coverage(report: dict[str, Any]) -> None:
    out.print(
        f"communities 社区 {report['communities']}, covered 已覆盖 {report['covered']}; secretaries in office 在岗书记 "
        f"{report['secretaries']}, bound on WeChat 已绑定微信 {report['bound']}",
        markup=False,
    )
    if report["short"]:
        shown = table("region 区划", "street 街道", "community 社区", "team 服务队", "active 在岗", "missing 缺")
        for row in report["short"]:
            team = f"{row['team']} {row['team_id']}".strip() or "-"
            shown.add_row(
                row["region_code"], row["street"], row["community"], team, str(row["active"]), str(row["missing"])
            )
        out.print(shown)
    if report["unbound_owners"]:
        _tell_unbound(report["unbound_owners"])


def _tell_unbound(owners: list[dict[str, Any]]) -> None:
    out.print("owners who are told nothing on WeChat (以下首问书记收不到微信消息):", markup=False)
    listing(
        ("owner 首问书记", "why 原因", "petitions 未办结或待确认", "oldest 最早", "team 服务队"),
        [
            (row["owner_id"], f"{row['why_zh']} {row['why']}", str(row["petitions"]), moment(row["oldest_at"]),
             row.get("team_id", ""))
            for row in owners
        ],
    )  # fmt: skip


@roster_app.command("bind-code")
def bind_code(
    secretary: Annotated[str, typer.Argument(help="The secretary's id on the roster.")],
    hours: Annotated[float, typer.Option(min=0.1, max=24 * 30, help="How long the code is good.")] = 24.0,
    operator: Operator = "cli",
    as_json: Json = False,
) -> None:
    """A one-time code with which the secretary binds their WeChat: shown once (绑定码)."""
    from bridge.ledger.roster import CodeOrder, make_codes

    code = writing(lambda work: make_codes(work, [CodeOrder(secretary, operator, hours)])[0])
    if code is None:
        fail(Exit.FALLS_SHORT, f"{secretary} is no active secretary of this roster (名册中没有该在岗书记)")
    if as_json:
        document({"secretary": secretary, "code": code, "hours": hours})
        return
    out.print(f"{code}   good for {hours:g} h, once (一次有效)", markup=False)
    out.print(f"请书记在服务号中发送：绑定 {code}", markup=False)


def unreached(
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: Json = False,
) -> None:
    """Petitioners who have not been reached yet: no proof of an answer, or the newest message failed (未送达名单)."""
    from bridge.clock import to_ms, utc_now
    from bridge.ledger.unreached import unreached as find

    found = reading(lambda conn: find(conn, to_ms(utc_now()), limit=limit))
    if as_json:
        document({"unreached": found})
        return
    if not found:
        out.print("everybody has been reached (没有未送达的诉求人)")
        return
    listing(
        ("petition 诉求", "why 原因", "state 状态", "team 服务队", "since 自", "code 代码"),
        [
            (row["petition_id"], f"{row['why_zh']} {row['why']}", row["state"], row["team_id"], moment(row["since"]),
             row.get("code", ""))
            for row in found
        ],
    )  # fmt: skip
