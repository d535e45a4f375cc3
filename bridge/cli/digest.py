"""`bridge digest` and `bridge digest-items`: the monthly analysis, and what became of the proposals made from it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from bridge.cli.ledger import ledger, writing
from bridge.cli.orders import Operator
from bridge.cli.output import Exit, Json, document, err, fail, out, table

T = TypeVar("T")
Item = Annotated[str, typer.Argument(help="The item's number, e.g. 2026-10-01.")]

items_app = typer.Typer(
    help="Proposals of the monthly analysis: opinions, assessment, adoption, projects, motions (对策建议).",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Hang the commands up."""
    app.command()(digest)
    app.add_typer(items_app, name="digest-items")


def digest(
    month: Annotated[str, typer.Option(help="The month, e.g. 2026-10.")],
    out_dir: Annotated[Path | None, typer.Option("--out", help="Write JSON, XLSX and pages in here.")] = None,
    rules: Annotated[Path | None, typer.Option(help="What counts as hot, pending, … (default: built in).")] = None,
    trace: Annotated[
        bool, typer.Option("--trace", help="With --json: the petitions behind every number; noted in the journal.")
    ] = False,
    seal: Annotated[bool, typer.Option(help="Seal a month that is over into the journal.")] = True,
    operator: Operator = "cli",
    as_json: Json = False,
) -> None:
    """The monthly analysis: counted from events, without small groups, sealed when the month is over (月度分析研判)."""
    from bridge import app as root
    from bridge.digest.rules import BadDigestRules, DigestRules

    if trace and not as_json:
        fail(Exit.WRONG_USAGE, "--trace goes with --json (须与--json同用)")
    asked = _month(month)
    try:
        chosen = DigestRules.load(rules or root.settings().digest_rules)
    except BadDigestRules as error:
        fail(Exit.WRONG_USAGE, str(error))
    found, items = _reckon(asked, chosen, operator, seal=seal)
    if not found.final:
        err.print(_INTERIM, style="yellow", markup=False)
    if out_dir is not None:
        _write_files(out_dir, found, items)
    if trace:
        # Before anybody reads it.
        writing(lambda work: _note_traced(work, month, operator))
    if as_json:
        document(found.traced if trace else found.published)
    else:
        _tell(found, out_dir)
    if found.holds is False:
        fail(Exit.FALLS_SHORT, f"{month} is not computed the same as when it was sealed (重新计算与封存结果不一致)")


_INTERIM = (
    "interim: the month is not over. Nothing is sealed, and no files are written for deputies and departments "
    "(阶段性数字：当月尚未结束，不封存，不生成两代表一委员和部门材料)"
)


def _note_traced(work: Any, month: str, operator: str) -> None:
    work.note("digest.traced", month=month, actor=f"operator:{operator}")
    work.flush()


def _reckon(month: Any, rules: Any, operator: str, *, seal: bool) -> tuple[Any, list[dict[str, Any]]]:
    """The month out of one snapshot, sealed in a transaction of its own: reckoning must not hold writers up."""
    from bridge.digest.seal import BrokenSeal, NotBegun, reckon, sealing
    from bridge.ledger import digests
    from bridge.prose import mask

    def read(conn: Any, privacy: Any, now: int) -> tuple[Any, list[dict[str, Any]]]:
        return reckon(conn, privacy.vault, month, now, rules, mask), digests.item_list(conn, str(month))

    try:
        found, items = _reading(read)
        if seal and found.final and found.sealed is None:
            writing(lambda work: digests.seal(work, [sealing(found, f"operator:{operator}")]))
            # Another process may have sealed it first, by other rules: what is told is what is sealed.
            found, items = _reading(read)
    except NotBegun as error:
        fail(Exit.WRONG_USAGE, str(error))
    except BrokenSeal as error:
        fail(Exit.FALLS_SHORT, str(error))
    return found, items


def _write_files(directory: Path, found: Any, items: Sequence[Any]) -> None:
    from bridge.digest.files import write

    try:
        write(directory, found, items)
    except OSError as error:
        fail(Exit.WRONG_USAGE, f"{error.filename}: cannot be written: {error.strerror}")


def _tell(found: Any, out_dir: Path | None) -> None:
    from bridge.digest import words

    shown, published = table("", f"{found.month}"), found.published
    for name, (zh, en) in words.WORDS["total"].items():
        count = published["totals"][name]["count"]
        shown.add_row(f"{zh} {en}", "＊" if count is None else str(count))
    out.print(shown)
    for hot in published["hot"][:5]:
        out.print(f"热点　{words.where(hot)}　{hot['subject']}　{hot['count']}", markup=False)
    if found.sealed:
        out.print(f"sealed 已封存 {found.sealed['at']}  sha256 {found.sealed['sha256']}")
    else:
        out.print(
            "not sealed: the month is not over (未封存：当月尚未结束)" if not found.final else "not sealed (未封存)"
        )
    if out_dir is not None:
        out.print(f"written to {out_dir} (已写入)", markup=False)


# ── proposals ───────────────────────────────────────────────────────────────────────────────────────────────


@items_app.command("list")
def list_(month: Annotated[str | None, typer.Option(help="Only this month's.")] = None, as_json: Json = False) -> None:
    """Proposals with where they stand (对策建议台账)."""
    from bridge.digest.meeting import STATES, told
    from bridge.ledger import digests

    wanted = None if month is None else str(_month(month))
    items = [told(item) for item in _reading(lambda conn, _, __: digests.item_list(conn, wanted))]
    if as_json:
        document({"items": items})
        return
    shown = table("item 编号", "title 标题", "state 状态", "rounds", whole=1)
    for item in items:
        shown.add_row(item["item_id"], item["title"], STATES[item["state"]][0], str(len(item["rounds"])))
    out.print(shown)


@items_app.command()
def propose(
    item: Item,
    month: Annotated[str, typer.Option(help="The month whose analysis it rests on.")],
    title: Annotated[str, typer.Option(help="What is proposed. No personal data.")],
    subject: Annotated[str, typer.Option(help="The subject it is about.")] = "",
    place: Annotated[str, typer.Option(help="The place it is about.")] = "",
    operator: Operator = "cli",
    as_json: Json = False,
) -> None:
    """Put a proposal on the list (提出对策建议)."""
    from bridge.ledger import digests

    asked = str(_month(month))
    about = {name: text for name, text in (("subject", subject), ("place", place)) if text}
    proposal = digests.Proposal(item, asked, title, about, operator)
    _report(writing(lambda work: digests.propose(work, [proposal]))[0], as_json=as_json)


@items_app.command()
def consult(item: Item, unit: list[str], operator: Operator = "cli", as_json: Json = False) -> None:
    """Departments are asked for their opinion (征求部门意见)."""
    _enter(item, "consult", {"units": unit}, operator, as_json=as_json)


@items_app.command()
def opine(item: Item, unit: str, opinion: str, operator: Operator = "cli", as_json: Json = False) -> None:
    """One department's opinion (部门意见)."""
    _enter(item, "opine", {"unit": unit, "opinion": opinion}, operator, as_json=as_json)


@items_app.command()
def assess(item: Item, text: str, operator: Operator = "cli", as_json: Json = False) -> None:
    """How sound it was found to be (评估合理性)."""
    _enter(item, "assess", {"text": text}, operator, as_json=as_json)


@items_app.command()
def adopt(item: Item, text: str, operator: Operator = "cli", as_json: Json = False) -> None:
    """It was adopted, by whom (采纳)."""
    _enter(item, "adopt", {"text": text}, operator, as_json=as_json)


@items_app.command()
def decline(item: Item, text: str, operator: Operator = "cli", as_json: Json = False) -> None:
    """It was not adopted, why (未采纳)."""
    _enter(item, "decline", {"text": text}, operator, as_json=as_json)


@items_app.command()
def link(item: Item, project: str, operator: Operator = "cli", as_json: Json = False) -> None:
    """The project that it became part of (列入民生实事项目)."""
    _enter(item, "link", {"project": project}, operator, as_json=as_json)


@items_app.command()
def convey(item: Item, to: str, operator: Operator = "cli", as_json: Json = False) -> None:
    """It was given to deputies and members (送两代表一委员)."""
    _enter(item, "convey", {"to": to}, operator, as_json=as_json)


@items_app.command("table")
def table_(item: Item, kind: str, number: str, operator: Operator = "cli", as_json: Json = False) -> None:
    """A motion or proposal came of it: motion 议案 or proposal 提案, and its number (形成议案、提案)."""
    _enter(item, "table", {"kind": kind, "number": number}, operator, as_json=as_json)


@items_app.command()
def resolve(item: Item, number: str, outcome: str, operator: Operator = "cli", as_json: Json = False) -> None:
    """What became of that motion or proposal (议案、提案办理结果)."""
    _enter(item, "resolve", {"number": number, "outcome": outcome}, operator, as_json=as_json)


def _enter(item: str, action: str, said: dict[str, Any], operator: str, *, as_json: bool) -> None:
    from bridge.ledger import digests

    entry = digests.Round(item, action, said, operator)
    _report(writing(lambda work: digests.enter(work, [entry]))[0], as_json=as_json)


def _report(entered: Any, *, as_json: bool) -> None:
    if as_json:
        document({name: getattr(entered, name) for name in ("item_id", "result", "state", "why")})
    elif entered.result == "done":
        out.print(f"{entered.item_id}: {entered.state}", markup=False)
    if entered.result != "done":
        err.print(f"{entered.item_id}: {entered.result}: {entered.why}", style="red", markup=False)
        raise typer.Exit(Exit.FALLS_SHORT)


def _month(text: str) -> Any:
    from bridge.digest.month import BadMonth, Month

    try:
        return Month.parse(text)
    except BadMonth as error:
        fail(Exit.WRONG_USAGE, str(error))


def _reading(query: Callable[[Any, Any, int], T]) -> T:
    """`query(connection, privacy, now)` in one snapshot."""
    from bridge import app as root
    from bridge.clock import to_ms, utc_now

    with ledger() as store:
        privacy = root.privacy(root.settings())
        with store.reading() as conn:
            return query(conn, privacy, to_ms(utc_now()))
