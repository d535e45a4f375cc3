"""docs/topology.md says of each exchange and queue what `bridge/bus/topology.py` declares."""

import re

from kombu import Queue

from bridge import app as root
from bridge.bus.topology import Topology
from tests.docs.pages import DOCS, text

PAGE = text(DOCS / "topology.md")
TOPOLOGY = Topology(tuple(manifest.system for manifest in root.manifests()))


def _rows(heading: str) -> dict[str, list[str]]:
    """The rows of the first table under a heading, by their first cell."""
    section = PAGE.split(f"## {heading}")[1].split("\n## ")[0].split("\n\n")[1]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines()[2:]]
    return {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in rows}


def _quorum_arguments() -> dict[str, str]:
    section = PAGE.split("The quorum queues have:")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `(x-[a-z-]+)` \| `([^`]+)` \|", section, flags=re.MULTILINE))


def _is_main(queue: Queue) -> bool:
    return queue.name != TOPOLOGY.unroutable


def test_exchanges() -> None:
    declared = {queue.exchange.name: queue.exchange for queue in TOPOLOGY.entities()}
    written = _rows("Exchanges")
    assert set(written) == set(declared)
    for name, exchange in declared.items():
        arguments = ", ".join(f"`{key}={value}`" for key, value in (exchange.arguments or {}).items()) or "–"
        assert written[name][:3] == [exchange.type, "yes" if exchange.durable else "no", arguments]


def test_queues() -> None:
    declared = {queue.name: queue for queue in TOPOLOGY.entities()}
    written = _rows("Queues")
    assert list(written) == TOPOLOGY.queue_names(), (
        "docs/topology.md, Queues: a row for each queue, in the order of adapters/registry.py, petition.unroutable last"
    )
    for name, queue in declared.items():
        assert queue.durable
        bound, key, arguments = written[name][:3]
        assert bound == f"`{queue.exchange.name}`"
        assert key == (f"`{queue.routing_key}`" if queue.routing_key else "–")
        assert ("quorum (below)" in arguments) == _is_main(queue)


def test_arguments() -> None:
    written = _quorum_arguments()
    for queue in TOPOLOGY.entities():
        real = {key: str(value) for key, value in queue.queue_arguments.items()}
        assert real == (written if _is_main(queue) else {"x-queue-type": "quorum"})


def test_the_readmes_name_the_queues_that_operators_watch() -> None:
    for readme in ("README.md", "README.zh-CN.md"):
        page = text(DOCS.parent / readme)
        missing = [
            name for name in (*TOPOLOGY.queue_names(), "petition.events", "petition.handoffs") if name not in page
        ]
        assert not missing, f"{readme}, section of the queues: a row for each of {missing}, before petition.unroutable"
