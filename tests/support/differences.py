"""Differences made on purpose between the ledger and a sandbox's own list (对账): there by the sandbox's switches, here
by meddling in the database behind the bridge's back."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select, update

from bridge.ledger.matching import RECEIPT_KIND
from bridge.ledger.opening import open_petition
from bridge.ledger.reconciling import report
from bridge.ledger.store import Store
from bridge.ledger.tables import cross_references, petitions
from bridge.vault import Vault
from tests.support.callers import call

NOWHERE = "NOWHERE-0001"
"""A number that no system ever gave."""

FORGED = "改动后的内容，与对方记录不符。"


def invented(number: str) -> dict[str, Any]:
    """A petition that a system has and the bridge was never told of; each has a petitioner of its own."""
    return {
        "external_id": number,
        "kind": "help",
        "title": "公交站牌被挡",
        "content": "站牌被绿化带挡住，看不清班次，请移开。",
        "petitioner": {"name": "漏单甲", "phone": f"1390000{sum(map(ord, number)) % 10_000:04d}"},
        "place": {"region_code": "370811"},
        "occurred_at": "2026-11-01T09:00:00+08:00",
    }


_SWITCHES: dict[str, dict[str, dict[str, Any]]] = {
    "hotline12345": {
        "state": {"do": "state", "value": "办理中"},
        "words": {"do": "field", "name": "eventDesc", "value": FORGED},
        "file": {"do": "attachment", "value": "无主.jpg"},
    },
    "governance_center": {
        "state": {"do": "state", "status": "02"},
        "words": {"do": "field", "field": "content", "value": FORGED},
        "file": {"do": "attachment", "name": "无主.jpg"},
    },
    "wechat": {
        "state": {"do": "state", "state": "withdrawn"},
        "words": {"do": "field", "name": "content", "value": FORGED},
        "file": {"do": "attachment", "name": "无主.jpg"},
    },
}
"""By what each sandbox's list is made to say something else of a case."""


class There:
    """Meddles with one sandbox's list."""

    def __init__(self, url: str, system: str) -> None:
        self._url = url
        self._system = system

    def forget(self, petition_id: str) -> None:
        self._do({"do": "forget"}, petition_id)

    def twice(self, petition_id: str) -> None:
        self._do({"do": "twice"}, petition_id)

    def change(self, what: str, petition_id: str) -> None:
        """`what`: state, words or file."""
        self._do(_SWITCHES[self._system][what], petition_id)

    def invent(self, day: date) -> tuple[str, str]:
        """A case of noon of that day that the bridge was never told of: its number there, and the key of the message
        that never came."""
        noon, number = f"{day.isoformat()}T12:00:00+08:00", f"LOST-{day:%m%d}-{self._system[:3]}"
        match self._system:
            case "hotline12345":
                made = self._do({"do": "invent", "document": invented(number)})
                self._do({"do": "entered", "caseId": made["caseId"], "value": f"{day.isoformat()} 12:00:00"})
                return str(made["caseId"]), str(made["uid"])
            case "governance_center":
                made = self._do({"do": "invent", "at": noon})
                return str(made["eventId"]), str(made["messageId"])
            case _:
                made = self._do({"do": "stranger", "document": invented(number), "entered_at": noon})
                return str(made["number"]), f"form:{made['number']}"

    def _do(self, command: dict[str, Any], petition_id: str | None = None) -> dict[str, Any]:
        whose = {"number" if self._system == "wechat" else "petition_id": petition_id} if petition_id else {}
        status, answer = call("POST", f"{self._url}/sandbox/register", {**command, **whose})
        assert status == 200, (command, status, answer)
        return answer


class Here:
    """Meddles in the ledger of one bridge."""

    def __init__(self, store: Store, vault: Vault, system: str) -> None:
        self._store = store
        self._vault = vault
        self._system = system

    def reopen(self, petition_id: str) -> None:
        """The ledger lost the news that it ended."""
        self._set(petition_id, state="handling")

    def reword(self, petition_id: str, **changes: Any) -> None:
        """Its document says something else."""
        with self._store.writing() as conn:
            row = conn.execute(select(petitions).where(petitions.c.petition_id == petition_id)).mappings().one()
            body = {**orjson.loads(open_petition(self._vault, row)["body"]), **changes}
            sealed = self._vault.seal_text(f"petitions.body:{petition_id}", orjson.dumps(body).decode())
            conn.execute(update(petitions).where(petitions.c.petition_id == petition_id).values(body=sealed))

    def mistake(self, petition_id: str, other: str) -> None:
        """The system's numbers of one petition are written down as another's."""
        mine = (cross_references.c.system == self._system) & (cross_references.c.petition_id == petition_id)
        with self._store.writing() as conn:
            conn.execute(
                update(cross_references).where(mine, cross_references.c.kind != RECEIPT_KIND).values(petition_id=other)
            )

    def imagine(self, petition_id: str, like: str) -> None:
        """A number there that was never given, learnt when that of `like` was."""
        columns = cross_references.c
        query = select(columns.kind, columns.learnt_at).where(
            columns.petition_id == like, columns.system == self._system, columns.kind != RECEIPT_KIND
        )
        with self._store.writing() as conn:
            row = conn.execute(query.limit(1)).mappings().one()
            values = {"system": self._system, "value": NOWHERE, "petition_id": petition_id, **row}
            conn.execute(insert(cross_references), values)

    def _set(self, petition_id: str, **values: Any) -> None:
        with self._store.writing() as conn:
            conn.execute(update(petitions).where(petitions.c.petition_id == petition_id).values(**values))


def at(conn: Connection, system: str) -> set[str]:
    """The petitions of which the ledger knows a number at the system."""
    query = select(cross_references.c.petition_id).where(
        cross_references.c.system == system, cross_references.c.kind != RECEIPT_KIND
    )
    return set(conn.scalars(query))


def kept(conn: Connection, system: str, day: date) -> dict[str, Any]:
    """The newest report of that day."""
    found = report(conn, system, day.isoformat())
    assert found is not None
    return found


def named(differences: Sequence[Any]) -> set[tuple[str, str, str | None]]:
    """Class, side and the petition, or its number there where it has none here."""
    return {(one.kind.value, one.side, one.petition_id or one.number) for one in differences}
