"""`bridge trail`, `conservation`, `queues`, `parked`, `routes explain`, `doctor`: reports, each with `--json`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli.ledger import reading
from bridge.cli.names import System
from bridge.cli.output import Exit, Json, document, fail, listing, moment, no_file, out, table

routes_app = typer.Typer(help="The routing table (路由规则).", no_args_is_help=True)

PLACES = {"closed": "已办结", "held": "系统办理中", "in_flight": "交接途中", "parked": "挂起待办"}
STATES = {
    "pending": "待发布", "queued": "排队", "waiting": "候前一件", "sending": "发送中", "retrying": "待重试",
    "unknown": "结果未知", "parked": "挂起", "delivered": "已送达", "acknowledged": "已签收", "cancelled": "已撤销",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Hang the commands up."""
    app.command()(trail)
    app.command()(conservation)
    app.command()(queues)
    app.command()(parked)
    app.command()(doctor)


def trail(
    petition: Annotated[str, typer.Argument(help="The petition's number, e.g. LT261122-7K3M9QX2AB.")],
    as_json: Json = False,
) -> None:
    """Where a petition has been, entry by entry (办理轨迹)."""
    from bridge.ledger import reads
    from bridge.words import sentence
    from bridge.words import system as named

    found, classes = reading(lambda conn: (reads.trail_document(conn, petition), reads.new_classes(conn, petition)))
    if found is None:
        fail(Exit.FALLS_SHORT, f"there is no petition {petition} in this ledger (未找到该诉求)")
    if as_json:
        document(found)
        return
    holder = f"{named(found['holder'])} {found['holder']}" if found["holder"] else "— none 无"
    out.print(f"[bold]{found['petition_id']}[/]  state 状态：{found['state']}  holder 持有：{holder}")
    for entry in found["entries"]:
        out.print(sentence(entry, classes.get(entry.get("event_id"))), markup=False)


def conservation(as_json: Json = False) -> None:
    """The law: accepted = closed + held + in flight + parked (守恒)."""
    from bridge.clock import to_ms, utc_now
    from bridge.conservation import conservation as compute

    law = reading(lambda conn: compute(conn, to_ms(utc_now())))
    if as_json:
        document(law.as_json())
    else:
        out.print(law_table(law.as_json()))
    if not law.holds:
        fail(
            Exit.FALLS_SHORT,
            f"the law does not hold: difference {law.difference}, orphans {', '.join(law.orphans[:5])}",
        )


def law_table(law: dict[str, Any]) -> Any:
    """The law as a table; also used by the demo."""
    shown = table("守恒 conservation", "件")
    shown.add_row("受理 accepted", str(law["accepted"]), style="bold")
    for place, zh in PLACES.items():
        shown.add_row(f"  {zh} {place}", str(law[place]))
    shown.add_row("差额 difference", str(law["difference"]), style="green" if law["holds"] else "bold red")
    return shown


def queues(as_json: Json = False) -> None:
    """The broker's queues by name, and beside them what waits in the ledger (队列)."""
    from bridge import app as root
    from bridge.bus.queues import watch_queues
    from bridge.bus.topology import Topology
    from bridge.clock import to_ms, utc_now
    from bridge.conservation import conservation as compute

    settings = root.settings()
    topology = Topology(tuple(item.system for item in root.manifests()), settings.broker_prefix)
    depths = watch_queues(settings.broker_url, topology)
    law = reading(lambda conn: compute(conn, to_ms(utc_now())))
    if as_json:
        document({"queues": depths, "handoffs": law.by_system})
    else:
        _show_queues(topology, depths, law.by_system)
    if settings.embedded:
        out.print("memory:// lives inside the running bridge: its console and GET /v1/queues show it", style="dim")
    elif not depths:
        fail(Exit.UNREACHABLE, f"the broker cannot be reached: {_without_password(settings.broker_url)}")


def _show_queues(topology: Any, depths: dict[str, dict[str, int]], by_system: dict[str, dict[str, int]]) -> None:
    shown = table("queue 队列", "ready 待取", "consumers 消费者", "in the ledger 台账中")
    for name in topology.queue_names():
        depth = depths.get(name)
        system = name.rpartition("handoff.")[2]
        states = by_system.get(system, {}) if "handoff." in name else {}
        waits = "  ".join(f"{STATES[state]} {state} {count}" for state, count in states.items())
        shown.add_row(name, *((str(depth["ready"]), str(depth["consumers"])) if depth else ("-", "-")), waits)
    out.print(shown)


def parked(
    system: System = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: Json = False,
) -> None:
    """Hand-offs that wait for a person, with the reason (挂起待办)."""
    from bridge.ledger import reads

    found = reading(lambda conn: reads.handoff_list(conn, state="parked", system=system, limit=limit))
    if as_json:
        document({"parked": found})
        return
    if not found:
        out.print("nothing is parked (没有挂起的交接)")
        return
    listing(
        ("hand-off 交接", "petition 诉求", "system 系统", "event 事件", "reason 原因", "attempts 次数", "since 自"),
        [
            (row["handoff_id"], row["petition_id"], row["system"], row["event_type"], row.get("reason", ""),
             str(row["attempts"]), moment(row["created_at"]))
            for row in found
        ],
        whole=2,
    )  # fmt: skip
    out.print("bridge replay HANDOFF… --reason TEXT --operator NAME [--dry-run]", style="dim")


@routes_app.command("explain")
def explain(
    event: Annotated[Path, typer.Argument(help="A JSON file: {type, source, origin, class, kind, urgency, …}.")],
    as_json: Json = False,
) -> None:
    """Which rules an event meets, who would be told, who not, and why (路由解释)."""
    from bridge import app as root
    from bridge.explain import BadEvent, explain_event

    settings = root.settings()
    try:
        answer = explain_event(event.read_bytes(), root.routes_for(settings))
    except OSError as error:
        no_file(error)
    except BadEvent as error:
        fail(Exit.WRONG_USAGE, f"{event}: {error}")
    if as_json:
        document(answer)
        return
    out.print(f"event {answer['type']} from {answer['source']}, class {answer['class']}", markup=False)
    for rule in answer["rules"]:
        out.print(f"  rule    {rule}", markup=False)
    for target in answer["targets"]:
        who = f" ({', '.join(target['audience'])})" if target["audience"] else ""
        out.print(f"  → {target['system']}{who}  because: {'; '.join(target['rules'])}", markup=False)
    for struck in answer["struck"]:
        out.print(f"  ✗ {struck}", markup=False)
    if not answer["targets"]:
        out.print("  nobody is told (不转发)", markup=False)


def doctor(as_json: Json = False) -> None:
    """Is everything the bridge needs there and as it should be (体检)?"""
    import asyncio

    from bridge import app as root
    from bridge.doctor import examine

    settings = root.settings()
    findings = asyncio.run(examine(settings, root.manifests()))
    if as_json:
        document({"holds": all(item["ok"] for item in findings), "findings": findings})
    else:
        for item in findings:
            mark = "[red]✗[/]" if not item["ok"] else "[yellow]![/]" if item.get("warning") else "[green]✓[/]"
            out.print(f"{mark} {item['what']}: ", end="")
            out.print(item["found"], markup=False)
            if item.get("next"):
                out.print(f"    → {item['next']}", markup=False)
    if any(not item["ok"] and item.get("service") for item in findings):
        raise typer.Exit(Exit.UNREACHABLE)
    if any(not item["ok"] for item in findings):
        raise typer.Exit(Exit.FALLS_SHORT)


def _without_password(url: str) -> str:
    from kombu.utils.url import maybe_sanitize_url

    return str(maybe_sanitize_url(url))
