"""What came of the petitions of a time (响应率 解决率 满意率): read from their events, never from what a unit says of
itself."""

from sqlalchemy import Connection, select

from bridge.ledger.histories import read_histories
from bridge.ledger.tables import petitions
from bridge.rules.outcome import Fact, Outcome, outcome_of
from bridge.vault import Vault

BATCH = 500


def outcomes(conn: Connection, vault: Vault, since: int, until: int, team: str | None = None) -> list[Outcome]:
    """Of every petition taken in from `since` to before `until` (milliseconds), of one team or of all; by number."""
    columns = (petitions.c.petition_id, petitions.c.answered_by)
    query = select(*columns).where(petitions.c.accepted_at >= since, petitions.c.accepted_at < until)
    if team:
        query = query.where(petitions.c.team_id == team)
    answered = {row.petition_id: row.answered_by is not None for row in conn.execute(query)}
    wanted = sorted(answered)
    found: list[Outcome] = []
    for start in range(0, len(wanted), BATCH):
        histories = read_histories(conn, vault, wanted[start : start + BATCH])
        for petition_id, history in sorted(histories.items()):
            # The proof that the petitioner was told is the hand-off's, not what somebody says.
            told = (Fact.RESPONDED,) if answered[petition_id] else ()
            found.append(outcome_of(petition_id, history.steps, told))
    return found
