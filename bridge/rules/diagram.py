"""A chart of states as a Mermaid diagram, drawn from the transition table."""

from bridge.rules.transitions import ANY, Chart, Edge

_FIRST = "[*]"


def mermaid(chart: Chart) -> str:
    """`stateDiagram-v2`. A group stands as one box with its members' names; edges that move nothing are not drawn."""
    moving = [edge for edge in chart.edge if edge.to]
    groups = {word for edge in moving for word in edge.sources} - set(chart.states)
    lines = ["stateDiagram-v2", "    direction LR"]
    lines += [f"    {name} : {zh} {name}" for name, zh in chart.states.items() if name != chart.start]
    lines += [f"    {_box(word)} : {_members(chart, word)}" for word in (*chart.groups, ANY) if word in groups]
    lines += [f"    {_node(chart, source)} --> {to} : {label}" for (source, to), label in _arrows(moving).items()]
    return "\n".join(lines) + "\n"


def _arrows(edges: list[Edge]) -> dict[tuple[str, str], str]:
    """One arrow between two boxes, labelled with all events that lead along it."""
    found: dict[tuple[str, str], list[str]] = {}
    for edge in edges:
        for word in edge.sources:
            found.setdefault((word, edge.to), []).extend(event.zh for event in edge.events)
    return {ends: "、".join(dict.fromkeys(labels)) for ends, labels in found.items()}


def _node(chart: Chart, word: str) -> str:
    if word == chart.start:
        return _FIRST
    return word if word in chart.states else _box(word)


def _box(group: str) -> str:
    return f"any_{group}" if group != ANY else "any_state"


def _members(chart: Chart, word: str) -> str:
    return f"{word} = " + "、".join(chart.states[state] for state in chart.members(word))
