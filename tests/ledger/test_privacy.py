"""Personal data in the ledger: sealed, found again by keyed hashes, resealed after a rotation, erased for good."""

from typing import Any

import orjson
import pytest
from sqlalchemy import text

from bridge.adapter import Receipt
from bridge.ledger import reads
from bridge.ledger.erase import ERASED, Erased, Erasure, petitions_of
from bridge.ledger.keep import Kept
from bridge.ledger.roster_tables import bindings
from bridge.ledger.sealed import SEALED, reseal
from bridge.ledger.tables import metadata
from bridge.vault import Vault, VaultError, VaultKey
from schemas.event import EventType
from schemas.petition import Petitioner, Place
from tests.support.ledgers import (
    CENTER,
    HOTLINE,
    OPENID,
    PRIVACY,
    Bench,
    arrival,
    number,
    petition,
    ref,
    submission,
    update,
)

NAME, PHONE, ADDRESS, WORDS = "钱多多", "13912340567", "幸福里8号", "他家门前的路灯不亮"
SECRETS = (NAME, PHONE, ADDRESS, WORDS, OPENID)
NEW = VaultKey("k2-test", "SM4-GCM", b"n" * 16)


def personal(bench: Bench, key: str = "p1") -> str:
    """A petition with everything personal, a kept update, a message nobody understood, and news with words."""
    person = Petitioner(name=NAME, phone=PHONE, openid=OPENID)
    draft = petition(f"{NAME}说{WORDS}", petitioner=person, place=Place(address=ADDRESS), title=WORDS)
    body = f"{NAME} {PHONE} {WORDS} {ADDRESS} {OPENID}".encode()
    (outcome,) = bench.do(bench.ledger.accept(arrival(submission(key, number(key), draft=draft), body=body)))
    petition_id = outcome.petition_id or ""
    bench.take(update(f"{key}-u", EventType.PROGRESSED, ref(key), text=f"已联系{NAME}", person=NAME), system=HOTLINE)
    bench.take(update(f"{key}-k", EventType.NOTED, ref("nobody-yet"), text=f"{WORDS} {PHONE}"), system=CENTER)
    bench.do(bench.ledger.keep(Kept(HOTLINE, "/in", 0, "text/plain", body, "malformed", "not understood")))
    return petition_id


def everything(bench: Bench) -> str:
    """Every cell of every table as text; bytes as they would be read in a dump."""
    cells = []
    for table in metadata.tables.values():
        for row in bench.rows(f"SELECT * FROM {table.name}"):
            cells += [_as_text(value) for value in row.values()]
    return "\n".join(cells)


def _as_text(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return str(value)


def test_nothing_personal_can_be_read_in_the_database(bench: Bench) -> None:
    personal(bench)
    bench.route_all()
    found = everything(bench)
    assert "progressed" in found, "the dump has what is not personal"
    for secret in SECRETS:
        assert secret not in found
        assert orjson.dumps(secret).decode()[1:-1] not in found
    for message in bench.published:
        assert not any(secret.encode() in message.body for secret in SECRETS)


def test_a_petitioner_is_found_by_phone_and_by_openid(bench: Bench) -> None:
    petition_id = personal(bench)
    lookup = bench.privacy.lookup

    def of(**who: str) -> list[str]:
        return bench.do(bench.ledger.read(lambda conn: petitions_of(conn, lookup, **who)))

    assert of(phone="139 1234 0567") == [petition_id]
    assert of(openid=OPENID) == [petition_id]
    assert of(phone="13912340568") == []
    assert of() == []


# ── rotation ──


def test_after_a_rotation_everything_can_be_sealed_anew(bench: Bench) -> None:
    petition_id = personal(bench)
    old = next(iter(_keys(bench)))
    both = Vault([VaultKey("k1-test", "AES-256-GCM", b"v" * 32), NEW])
    seen: list[tuple[int, int]] = []
    changed = reseal(bench.store, both, lambda done, total: seen.append((done, total)))
    assert changed == sum(1 for _ in _values(bench)) > 5
    assert _keys(bench) == {NEW.head.decode().split(".")[2]} != {old}
    assert seen[-1][0] == seen[-1][1]
    assert reseal(bench.store, both, lambda done, total: None) == 0, "once is enough"
    only_new = Vault([NEW])
    clear = bench.do(bench.ledger.read(lambda conn: reads.petition(conn, only_new, petition_id)))
    assert clear is not None
    assert clear[0].petitioner.name == NAME
    with pytest.raises(VaultError):
        bench.do(bench.ledger.read(lambda conn: reads.petition(conn, PRIVACY.vault, petition_id)))


def test_a_ledger_of_before_the_vault_is_sealed_for_the_first_time(bench: Bench) -> None:
    petition_id = personal(bench)
    clear = bench.do(bench.ledger.read(lambda conn: reads.petition(conn, PRIVACY.vault, petition_id)))
    assert clear is not None
    body = clear[0].model_dump_json(exclude={"petition_id", "source", "external_ids", "state"}, exclude_none=True)
    with bench.store.writing() as conn:
        conn.execute(text("UPDATE petitions SET body = :body"), {"body": body})
    assert reseal(bench.store, PRIVACY.vault, lambda done, total: None) == 1
    assert NAME not in everything(bench)


def test_every_column_that_holds_sealed_values_is_known(bench: Bench) -> None:
    """A column that a rotation forgets would keep its old key for ever."""
    personal(bench)
    sealed_now = {
        f"{table.name}.{column}"
        for table in metadata.tables.values()
        for row in bench.rows(f"SELECT * FROM {table.name}")
        for column, value in row.items()
        if _as_text(value).startswith("v1.")
    }
    listed = {f"{one.column.table.name}.{one.column.name}" for one in SEALED}
    assert sealed_now | {f"{bindings.name}.openid"} == listed


def _values(bench: Bench) -> list[str]:
    return [
        _as_text(row[one.column.name])
        for one in SEALED
        for row in bench.rows(f"SELECT {one.column.name} FROM {one.column.table.name}")
        if row[one.column.name] is not None and _as_text(row[one.column.name]) != "{}"
    ]


def _keys(bench: Bench) -> set[str]:
    return {value.split(".")[2] for value in _values(bench)}


# ── erasure ──


def order(bench: Bench, petition_id: str, *, dry_run: bool = False) -> Erased:
    wanted = Erasure(petition_id, "zhang", f"本人申请，电话{PHONE}", dry_run)
    return bench.do(bench.ledger.erase(wanted))


def deliver_all(bench: Bench) -> None:
    """Every hand-off that is ready, until none is."""
    ready = "SELECT handoff_id FROM handoffs WHERE state IN ('pending', 'queued')"
    while rows := bench.rows(ready):
        for row in rows:
            bench.send(row["handoff_id"], Receipt(row["handoff_id"][:8], told_petitioner=True))


def closed(bench: Bench) -> str:
    petition_id = personal(bench)
    bench.route_all()
    deliver_all(bench)
    bench.take(
        update("end", EventType.CLOSED, ref("p1"), text=f"{NAME}已认可", actor="owner"), system="wechat"
    )  # fmt: skip
    bench.route_all()
    deliver_all(bench)
    assert bench.petition(petition_id)["closed_at"] is not None
    return petition_id


def test_what_is_erased_cannot_be_read_by_anyone_and_the_case_stays(bench: Bench) -> None:
    petition_id = closed(bench)
    before = bench.law()
    trail = bench.do(bench.ledger.read(lambda conn: reads.trail(conn, petition_id)))
    assert order(bench, petition_id).result == "done"
    clear = bench.do(bench.ledger.read(lambda conn: reads.petition(conn, PRIVACY.vault, petition_id)))
    assert clear is not None
    assert clear[0].content == ERASED
    assert clear[0].petitioner == Petitioner(anonymous=True)
    events = bench.do(bench.ledger.read(lambda conn: reads.petition_events(conn, PRIVACY.vault, petition_id)))
    told = "".join(event.model_dump_json() for event in events) + clear[0].model_dump_json()
    raw = b"".join(bench.raw(row) for row in bench.rows("SELECT * FROM messages WHERE petition_id IS NOT NULL"))
    for secret in SECRETS:
        assert secret not in told
        assert secret.encode() not in raw
    assert bench.do(bench.ledger.read(lambda conn: petitions_of(conn, PRIVACY.lookup, phone=PHONE))) == []
    assert bench.law() == before
    after = bench.do(bench.ledger.read(lambda conn: reads.trail(conn, petition_id)))
    assert after[: len(trail)] == trail, "what is sealed is not touched"
    (entry,) = after[len(trail) :]
    assert (entry["what"], entry["actor"]) == ("pii.erased", "operator:zhang")
    assert PHONE not in entry["reason"]


def test_a_rehearsal_erases_nothing_and_a_second_time_is_no_fault(bench: Bench) -> None:
    petition_id = closed(bench)
    before = everything(bench)
    assert order(bench, petition_id, dry_run=True).result == "would"
    assert everything(bench) == before
    assert order(bench, petition_id).result == "done"
    assert order(bench, petition_id).result == "again"


def test_an_open_petition_is_not_erased_before_it_is_answered(bench: Bench) -> None:
    petition_id = personal(bench)
    refused = order(bench, petition_id)
    assert refused.result == "refused"
    assert "answered first" in (refused.why or "")
    assert order(bench, "LT-none").result == "not_found"
