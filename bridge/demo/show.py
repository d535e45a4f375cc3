"""`bridge demo`: the whole mission on the embedded default, shown as it happens, and judged at the end."""

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bridge import app as root
from bridge.cli.inspect import law_table
from bridge.cli.output import document, err, out, table
from bridge.demo.petitions import DemoPetition, petitions
from bridge.demo.playground import Playground, Sent, calmly
from bridge.ledger import reads
from bridge.witness.keys import verifiers
from bridge.witness.verify import verify
from bridge.words import sentence
from schemas.base import SHANGHAI

AT_ONCE = 16
LIMIT_SECONDS = 110.0
_RATED_SHARE = 5
_STORY_EVENTS = 7
DOORS_ZH = {
    "form": "民情书记走访登记",
    "rest": "其他平台接口",
    "wechat": "群众微信留言",
    "hotline12345": "12345热线来电",
    "governance_center": "社会治理中心上报",
}


async def show(count: int, *, keep: bool, as_json: bool) -> bool:
    """Run the demo with `count` petitions; whether everything holds."""
    calmly()
    directory = Path("data/demo") / f"{datetime.now(SHANGHAI):%Y%m%d-%H%M%S}" if keep else Path(tempfile.mkdtemp())
    directory.mkdir(parents=True, exist_ok=True)
    try:
        return await _show(directory, count, keep=keep, as_json=as_json)
    finally:
        if not keep:
            await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)


async def _show(directory: Path, count: int, *, keep: bool, as_json: bool) -> bool:
    began = time.monotonic()
    chosen = petitions(count, day=datetime.now(SHANGHAI).date())
    async with Playground(directory) as world:
        with _progress(quiet=as_json) as progress:
            sent = await _send_all(world, chosen, progress)
            await _act_as_people(world, sent, progress)
            finished = await _settle(world, count, progress, began)
        law = await world.law()
        views = [await _outside_view(world, manifest) for manifest in root.manifests()]
        story = None if as_json else await _story(world)
        handoffs = len(await world.handoffs())
    seconds = time.monotonic() - began
    verdict = await asyncio.to_thread(verify, directory / "audit", verifiers(directory / "keys" / "witness.pub"))
    report = {
        "petitions": count,
        "handoffs": handoffs,
        "seconds": round(seconds, 1),
        "conservation": law,
        "verify": verdict.to_dict(),
        "sandboxes": {view["system"]: {key: view[key] for key in view if key != "system"} for view in views},
    }
    faults = _faults(sent, law, verdict.holds, views, finished=finished)
    report["holds"] = not faults
    _tell(report, sent, story, views, directory if keep else None, as_json=as_json)
    for fault in faults:
        err.print(fault, style="red", markup=False)
    return not faults


# ── what happens ────────────────────────────────────────────────────────────────────────────────────────────


def _progress(*, quiet: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=err, disable=quiet)


async def _send_all(world: Playground, chosen: Sequence[DemoPetition], progress: Progress) -> list[Sent]:
    """All petitions through all doors, a few at a time."""
    task = progress.add_task("诉求提交 submitted", total=len(chosen))
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(petition: DemoPetition) -> Sent:
        async with gate:
            sent = await world.send(petition)
            progress.advance(task)
            return sent

    return list(await asyncio.gather(*(one(petition) for petition in chosen)))


async def _act_as_people(world: Playground, sent: Sequence[Sent], progress: Progress) -> None:
    """What the secretaries and the home units do: solve on the spot, handle, reply, close."""
    mine = [item for item in sent if item.petition_id and item.petition.door in ("form", "rest")]
    todo = [item for item in mine if item.petition.base["handling_class"] in ("on_site", "home_unit")]
    task = progress.add_task("书记与派出单位办理 handled", total=len(todo))
    for item in todo:
        await _handle(world, item)
        progress.advance(task)


async def _handle(world: Playground, item: Sent) -> None:
    petition, petition_id = item.petition, item.petition_id
    if petition_id is None:
        return
    if petition.base["handling_class"] == "on_site":
        await world.say(petition_id, type="closed", actor="owner", text=petition.on_site_result)
        return
    unit = petition.base["lead_unit"]
    await world.say(petition_id, type="signed", actor="unit", unit=unit)
    await world.say(petition_id, type="progressed", actor="unit", unit=unit, text=petition.progress)
    await world.say(petition_id, type="replied", actor="unit", unit=unit, text=petition.reply)
    await world.say(petition_id, type="closed", actor="owner", text="已与诉求人核实，问题解决。")


async def _settle(world: Playground, count: int, progress: Progress, began: float) -> bool:
    """Wait until nothing is on its way any more; citizens rate what was answered meanwhile."""
    task = progress.add_task("答复到群众 closed", total=count)
    calm = 0
    rated: set[str] = set()
    while time.monotonic() - began < LIMIT_SECONDS:
        law = await world.law()
        progress.update(task, completed=law["closed"])
        _show_flow(progress, task, law)
        await _rate_some(world, rated)
        calm = 0 if await world.busy() else calm + 1
        if calm >= 2:
            progress.update(task, completed=law["closed"])
            return True
        await asyncio.sleep(0.25)
    return False


def _show_flow(progress: Progress, task: TaskID, law: dict[str, Any]) -> None:
    progress.update(
        task,
        description=f"答复到群众 closed　途中 {law['in_flight']}　系统办理 {law['held']}　挂起 {law['parked']}",
    )


async def _rate_some(world: Playground, rated: set[str]) -> None:
    """Some citizens whose petition was answered rate it through WeChat."""
    rows = await world.bridge.ledger.read(lambda conn: reads.petition_list(conn, state="closed", limit=50))
    for row in rows[::_RATED_SHARE]:
        if row["petition_id"] in rated or not row["has_openid"]:
            continue
        rated.add(row["petition_id"])
        openid = await _openid(world, row["petition_id"])
        if openid is not None:
            await world.step("wechat", step="rate", openid=openid, text="满意")


async def _openid(world: Playground, petition_id: str) -> str | None:
    ledger = world.bridge.ledger
    found = await ledger.read(lambda conn: reads.petition(conn, ledger.privacy.vault, petition_id))
    return found[0].petitioner.openid if found else None


async def _outside_view(world: Playground, manifest: Any) -> dict[str, Any]:
    """What the sandbox remembers against what the ledger says was delivered to it."""
    received = await world.received(manifest.system)
    arrived = Counter(item["key"] for item in received["items"])
    delivered = [
        row
        for row in await world.handoffs()
        if row["system"] == manifest.system and row["state"] in ("delivered", "acknowledged")
    ]
    missing, expected = 0, set()
    for row in delivered:
        audience = frozenset(filter(None, row["audience"].split(",")))
        keys = manifest.arrival_keys(row["handoff_id"], audience)
        expected |= keys
        missing += not any(key in arrived for key in keys)
    return {
        "system": manifest.system,
        "received": received["received"],
        "duplicates": received["duplicates"],
        "delivered": len(delivered),
        "missing": missing,
        "unexpected": len(set(arrived) - expected),
    }


async def _story(world: Playground) -> list[dict[str, Any]]:
    """The trail of one petition that came by WeChat, went to the hotline, and ended well; not the longest there is."""
    rows = await world.bridge.ledger.read(lambda conn: reads.petition_list(conn, state="closed", limit=1000))
    if not rows:
        return []
    told = min(rows, key=_unfit_for_a_story)
    return await world.bridge.ledger.read(lambda conn: reads.trail(conn, told["petition_id"]))


def _unfit_for_a_story(row: Any) -> tuple[bool, bool, int]:
    abroad = row["source"] == "wechat" and row["handling_class"] == "hotline_transfer"
    return (row["closed_at"] is None, not abroad, abs(row["last_sequence"] - _STORY_EVENTS))


# ── the verdict ─────────────────────────────────────────────────────────────────────────────────────────────


def _faults(
    sent: Sequence[Sent], law: dict[str, Any], verified: bool, views: Sequence[dict[str, Any]], *, finished: bool
) -> list[str]:
    """Everything that falls short, in words."""
    faults = [
        f"{item.petition.door}: refused with HTTP {item.status}" for item in sent if item.status not in (200, 202)
    ]
    if law["accepted"] != len(sent):
        faults.append(f"{len(sent)} petitions were sent, {law['accepted']} accepted")
    if not law["holds"]:
        faults.append(f"the law does not hold: difference {law['difference']}, orphans {law['orphans'][:5]}")
    if not verified:
        faults.append("bridge verify found faults in the audit log")
    if not finished:
        faults.append(f"{law['in_flight']} petitions were still on their way after {LIMIT_SECONDS:.0f} s")
    for view in views:
        for word in ("missing", "unexpected", "duplicates"):
            if view[word]:
                faults.append(f"{view['system']}: {view[word]} {word}")
    return faults


def _tell(
    report: dict[str, Any],
    sent: Sequence[Sent],
    story: Sequence[dict[str, Any]] | None,
    views: Sequence[dict[str, Any]],
    kept: Path | None,
    *,
    as_json: bool,
) -> None:
    if as_json:
        document(report)
        return
    _tell_doors(sent)
    _tell_story(story or [])
    out.print("\n[bold]守恒定律[/]  受理 = 办结 + 系统办理中 + 交接途中 + 挂起")
    out.print(law_table(report["conservation"]))
    _tell_outside(views)
    found = report["verify"]
    words = "[green]holds 完好[/]" if found["holds"] else "[red]does not hold 不符[/]"
    out.print(
        f"\n[bold]bridge verify[/]  {found['entries']} entries, {found['checkpoints']} signed checkpoints: {words}"
    )
    mark = "[green]✓ all holds 全部成立[/]" if report["holds"] else "[red]✗ falls short 未全部成立[/]"
    out.print(f"\n{mark}  {report['petitions']} petitions, {report['handoffs']} hand-offs, {report['seconds']} s")
    if kept is not None:
        out.print(f"kept in {kept}", markup=False)


def _tell_doors(sent: Sequence[Sent]) -> None:
    doors = Counter(item.petition.door for item in sent)
    shown = table("door 入口", "petitions 诉求")
    for door, count in doors.most_common():
        shown.add_row(f"{DOORS_ZH[door]} {door}", str(count))
    out.print(shown)


def _tell_story(story: Sequence[dict[str, Any]]) -> None:
    if story:
        out.print(f"\n[bold]一件诉求的全过程[/]  {story[0]['petition_id']}")
        for entry in story:
            out.print(sentence(entry), markup=False)


def _tell_outside(views: Sequence[dict[str, Any]]) -> None:
    shown = table(
        "system 系统",
        "hand-offs delivered 台账已送达",
        "messages received 对方收到",
        "missing 缺",
        "unexpected 多",
        "duplicates 重",
        whole=1,
    )
    for view in views:
        shown.add_row(
            *(str(view[key]) for key in ("system", "delivered", "received", "missing", "unexpected", "duplicates"))
        )
    out.print("\n[bold]对方怎么说[/]  what the sandboxes received against what the ledger says")
    out.print(shown)
