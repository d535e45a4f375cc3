"""The lifecycle: every pair of state and event is decided, and the ledger's words agree with the table."""

import pytest

from bridge import lifecycle
from bridge.rules import transitions
from bridge.rules.diagram import mermaid
from bridge.rules.table import BadTable
from bridge.rules.transitions import Chart, Transitions
from schemas.event import EventType as E

PETITION = transitions.petition()
ASSIGNMENT = transitions.assignment()

REFUSED: dict[str, set[str]] = {
    "submitted": {"return_denied", "extension_denied", "resumed"},
    "accepted": {"submitted", "return_denied", "extension_denied", "resumed"},
    "rehandling": {"submitted", "return_denied", "extension_denied", "resumed"},
    "dispatched": {"submitted", "resumed"},
    "signed": {"submitted", "resumed"},
    "handling": {"submitted", "resumed"},
    "return_requested": {"submitted", "resumed"},
    "extension_requested": {"submitted", "resumed"},
    "returned": {"submitted", "return_requested", "return_denied", "extension_requested", "extended",
                 "extension_denied", "resumed"},
    "suspended": {"submitted", "accepted", "not_accepted", "signed", "return_requested", "returned", "return_denied",
                  "extension_requested", "extended", "extension_denied", "verified"},
    "replied": {"submitted", "accepted", "not_accepted", "dispatched", "return_requested", "returned", "return_denied",
                "extension_requested", "extended", "extension_denied", "suspended", "resumed"},
    "followed_up": {"submitted", "accepted", "not_accepted", "dispatched", "return_requested", "returned",
                    "return_denied", "extension_requested", "extended", "extension_denied", "suspended", "resumed"},
    "not_accepted": {"submitted", "accepted", "dispatched", "progressed", "return_requested", "returned",
                     "return_denied", "extension_requested", "extended", "extension_denied", "cancelled", "merged",
                     "suspended", "resumed"},
    "closed": {"submitted", "accepted", "not_accepted", "dispatched", "progressed", "return_requested", "returned",
               "return_denied", "extension_requested", "extended", "extension_denied", "cancelled", "merged",
               "suspended", "resumed"},
    "cancelled": {"submitted", "accepted", "not_accepted", "dispatched", "progressed", "return_requested", "returned",
                  "return_denied", "extension_requested", "extended", "extension_denied", "merged", "suspended",
                  "resumed"},
    "merged": {"submitted", "accepted", "dispatched", "progressed", "return_requested", "returned", "return_denied",
               "extension_requested", "extended", "extension_denied", "suspended", "resumed"},
}  # fmt: skip
"""Written out by hand, not by the table: whoever changes an edge says so here."""


@pytest.mark.parametrize("state", sorted(REFUSED))
def test_what_is_not_allowed_from_where(state: str) -> None:
    assert {str(event) for event in E if not PETITION.allowed(state, event)} == REFUSED[state]


def test_every_state_is_told_of_here() -> None:
    assert set(PETITION.chart.states) == {*REFUSED, "new"}
    assert {event for event in E if PETITION.allowed("new", event)} == {E.SUBMITTED}


@pytest.mark.parametrize("state", sorted(REFUSED))
def test_what_is_not_allowed_moves_nothing(state: str) -> None:
    for event in E:
        if not PETITION.allowed(state, event):
            assert PETITION.after(state, event) == state
            assert not PETITION.moves(state, event)


def test_an_event_leads_where_the_ledger_says_it_stands() -> None:
    leads: dict[E, set[str]] = {}
    for edge in PETITION.chart.edge:
        for event in edge.events:
            leads.setdefault(event, set()).update({edge.to} - {""})
    assert {event: states for event, states in leads.items() if states} == {
        event: {state} for event, state in lifecycle.STATE_AFTER.items()
    }


def test_the_ends_are_the_ledgers() -> None:
    assert set(PETITION.chart.groups["ended"]) == lifecycle.ENDED
    assert set(PETITION.chart.groups["open"]) == set(PETITION.chart.states) - lifecycle.ENDED - {"new"}


@pytest.mark.parametrize("state", sorted(lifecycle.ENDED))
def test_only_a_rehandling_leads_out_of_an_end(state: str) -> None:
    assert {event for event in E if PETITION.moves(state, event)} == {E.REHANDLED}


@pytest.mark.parametrize("chart", [PETITION, ASSIGNMENT], ids=["petition", "assignment"])
def test_every_state_can_be_reached(chart: Transitions) -> None:
    reached = {chart.chart.start}
    while new := {chart.after(state, event) for state in reached for event in E} - reached:
        reached |= new
    assert reached == set(chart.chart.states)


@pytest.mark.parametrize("state", sorted(set(REFUSED) - lifecycle.ENDED))
def test_every_open_petition_can_be_answered_and_closed(state: str) -> None:
    assert PETITION.after(state, E.REPLIED) == "replied"
    assert PETITION.after(state, E.CLOSED) == "closed"


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("submitted accepted dispatched signed progressed replied followed_up closed", "closed"),
        ("submitted replied closed", "closed"),
        ("submitted dispatched return_requested returned dispatched signed replied", "replied"),
        ("submitted dispatched return_requested return_denied", "handling"),
        ("submitted dispatched extension_requested progressed extended", "handling"),
        ("submitted dispatched suspended resumed replied rehandled dispatched", "dispatched"),
        ("submitted closed rehandled dispatched replied closed", "closed"),
        ("submitted dispatched progressed accepted signed", "handling"),
        ("submitted dispatched replied dispatched extended return_requested suspended", "replied"),
        ("submitted supervised urged rated noted unknown reclassed cancel_requested cancel_denied", "submitted"),
        ("submitted closed cancelled dispatched progressed", "closed"),
    ],
)
def test_a_life(path: str, end: str) -> None:
    state = "new"
    for event in path.split():
        state = PETITION.after(state, E(event))
    assert state == end


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("dispatched signed progressed replied closed", "finished"),
        ("dispatched signed closed", "excused"),
        ("dispatched return_requested returned dispatched", "assigned"),
        ("dispatched extension_requested extension_denied", "handling"),
        ("dispatched replied rehandled", "assigned"),
        ("signed dispatched", "signed"),
        ("dispatched replied extension_requested return_requested", "finished"),
        ("dispatched return_requested progressed return_denied", "handling"),
    ],
)
def test_a_units_part(path: str, end: str) -> None:
    state = "none"
    for event in path.split():
        state = ASSIGNMENT.after(state, E(event))
    assert state == end


@pytest.mark.parametrize("chart", [PETITION.chart, ASSIGNMENT.chart], ids=["petition", "assignment"])
def test_the_diagram_shows_every_move_and_no_other(chart: Chart) -> None:
    """Read back from the drawing: each arrow is an edge of the table, each moving edge an arrow."""
    drawn = set()
    for line in mermaid(chart).splitlines():
        if "-->" in line:
            source, _, rest = line.strip().partition(" --> ")
            to, _, labels = rest.partition(" : ")
            word = chart.start if source == "[*]" else source.removeprefix("any_")
            drawn |= {(state, to, label) for state in chart.members(word) for label in labels.split("、")}
    wanted = {
        (state, edge.to, event.zh)
        for edge in chart.edge if edge.to for word in edge.sources for state in chart.members(word)
        for event in edge.events
    }  # fmt: skip
    assert drawn == wanted


def chart(**changes: object) -> Chart:
    edge = {"event": "submitted", "from": ["new"], "to": "here", "rule": "r", "zh": "规", "source": "s"}
    return Chart.model_validate(
        {"start": "new", "states": {"new": "新", "here": "此"}, "groups": {}, "edge": [edge | changes]}
    )


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"to": "there"}, "unknown state 'there'"),
        ({"from": ["there"]}, "unknown state or group 'there'"),
        ({"from": ["here", "any"]}, "submitted from here stands here twice"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(changes: dict[str, object], fault: str) -> None:
    with pytest.raises(BadTable, match=fault):
        Transitions.of(chart(**changes))
