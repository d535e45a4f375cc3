"""`bridge erase`: one person's data is overwritten in every petition they brought (个人信息删除)."""

import re
import sys
import unicodedata
from typing import Annotated, Any

import typer

from bridge.cli.ledger import writing
from bridge.cli.orders import Operator, Reason, report
from bridge.cli.output import Exit, Json, fail

_PHONE = re.compile(r"[-+0-9()./\s–—]+(?:(?:转|分机|ext\.?)[0-9\s]+)?", re.IGNORECASE)


def register(app: typer.Typer) -> None:
    """Hang the command up."""
    app.command(no_args_is_help=True)(erase)


def erase(
    reason: Reason,
    operator: Operator,
    petition: Annotated[list[str] | None, typer.Option(help="A petition's number; repeatable.")] = None,
    phone: Annotated[str | None, typer.Option(help="All petitions of this phone; - reads it from stdin.")] = None,
    openid: Annotated[str | None, typer.Option(help="All petitions of this openid; - reads it from stdin.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: Json = False,
) -> None:
    """Overwrite a petitioner's personal data for good; cases, journal and proof stay (删除个人信息)."""
    if not (petition or phone or openid):
        fail(Exit.WRONG_USAGE, "say whose: --petition, --phone or --openid (请指明诉求编号、电话或openid)")
    phone, openid = _given(phone), _given(openid)
    # To find nothing would be a wrong answer to a legal request. What was given is not repeated: it may be personal.
    if phone is not None and not _is_phone(phone):
        fail(Exit.WRONG_USAGE, "--phone: this is no telephone number; it has 7 to 20 digits (不是电话号码)")
    if openid is not None and not openid.strip():
        fail(Exit.WRONG_USAGE, "--openid: nothing was given (未填openid)")
    verdicts = _erase(petition or [], phone, openid, operator, reason, dry_run=dry_run)
    _report(verdicts, as_json=as_json)


def _given(value: str | None) -> str | None:
    """`-`: from stdin, so that it stands in no shell's history."""
    return sys.stdin.readline().strip() if value == "-" else value


def _is_phone(text: str) -> bool:
    from bridge.lookup import phone_digits

    written = unicodedata.normalize("NFKC", text).strip()
    return _PHONE.fullmatch(written) is not None and 7 <= len(phone_digits(written)) <= 20


def _erase(
    named: list[str], phone: str | None, openid: str | None, operator: str, reason: str, *, dry_run: bool
) -> list[Any]:
    from bridge.ledger import erase as erasing

    def work_on(work: Any) -> list[Any]:
        found = erasing.petitions_of(work.conn, work.privacy.lookup, phone=phone, openid=openid)
        orders = [erasing.Erasure(one, operator, reason, dry_run) for one in dict.fromkeys([*named, *found])]
        return erasing.erase(work, orders)

    return writing(work_on)


def _report(verdicts: list[Any], *, as_json: bool) -> None:
    columns = {"petition_id": "petition 诉求", "result": "result 结果", "why": "why 原因"}
    rows = [{name: getattr(one, name) for name in columns} for one in verdicts]
    nothing = "nothing of this person is here (没有该诉求人的记录)"
    report({"petitions": rows}, rows, columns, nothing=nothing, as_json=as_json)
