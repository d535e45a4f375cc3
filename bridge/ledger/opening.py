"""Rows of the ledger with their sealed documents opened. Everyone who needs the words of a case comes through here."""

from bridge.ledger.tables import Row
from bridge.vault import Vault

FIRST_OWNER = "first_owner"
"""In a petition's document, after a hand-over: the secretary of its intake, as the month's analysis saw them."""


def open_petition(vault: Vault, row: Row) -> Row:
    """The petition's row with `body` in clear. Raises `VaultError`."""
    return {**row, "body": vault.open_text(f"petitions.body:{row['petition_id']}", row["body"])}


def open_event(vault: Vault, row: Row) -> Row:
    """The event's row with `data` in clear. Raises `VaultError`."""
    return {**row, "data": vault.open_text(f"events.data:{row['event_id']}", row["data"])}
