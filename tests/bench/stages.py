"""What each stage of a petition's way takes, read out of the ledger after a run at a steady rate."""

from sqlalchemy import create_engine, text


def stages(database_url: str, mark: str) -> dict[str, float]:
    """Median milliseconds between the journal's stamps of the petitions whose number begins with `mark`."""
    engine = create_engine(database_url)
    with engine.connect() as conn:
        rows = conn.execute(
            text(
                "SELECT j.petition_id, j.what, j.at FROM journal j JOIN cross_references c "
                "ON c.petition_id = j.petition_id WHERE c.value LIKE :mark AND c.kind = 'external_id'"
            ),
            {"mark": f"{mark}%"},
        ).all()
    engine.dispose()
    at: dict[str, dict[str, int]] = {}
    for petition_id, what, moment in rows:
        at.setdefault(petition_id, {}).setdefault(what, moment)
    return {
        "accepted to routed": _median(at, "petition.accepted", "event.routed"),
        "routed to delivered": _median(at, "event.routed", "handoff.delivered"),
    }


def _median(at: dict[str, dict[str, int]], first: str, second: str) -> float:
    took = sorted(entry[second] - entry[first] for entry in at.values() if first in entry and second in entry)
    return float(took[len(took) // 2]) if took else float("nan")
