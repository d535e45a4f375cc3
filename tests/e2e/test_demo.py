"""`bridge demo`, as a stranger runs it."""

import json
import subprocess
from pathlib import Path

from bridge.app import manifests
from tests.support.launch import BRIDGE

PETITIONS = 60


def test_the_demo_holds_and_says_so_in_one_document(tmp_path: Path) -> None:
    done = subprocess.run(
        [BRIDGE, "demo", "--petitions", str(PETITIONS), "--json"],
        cwd=tmp_path,
        capture_output=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    document = json.loads(done.stdout)

    assert document["holds"] is True
    assert document["petitions"] == PETITIONS
    assert document["handoffs"] > PETITIONS
    assert 0 < document["seconds"] < 120

    law = document["conservation"]
    assert law["holds"] is True
    assert law["accepted"] == PETITIONS == law["closed"] + law["held"] + law["in_flight"] + law["parked"]
    assert (law["difference"], law["in_flight"], law["orphans"]) == (0, 0, [])
    assert law["closed"] > law["held"]

    verdict = document["verify"]
    assert verdict["holds"] is True
    assert verdict["faults"] == []
    assert verdict["entries"] == verdict["tree_size"] > document["handoffs"]
    assert verdict["checkpoints"] >= 1
    assert len(bytes.fromhex(verdict["root"])) == 32

    assert document["sandboxes"].keys() == {manifest.system for manifest in manifests()}
    for system, view in document["sandboxes"].items():
        assert view["received"] > 0, system
        assert (view["duplicates"], view["missing"], view["unexpected"]) == (0, 0, 0), system


def test_the_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    subprocess.run(
        [BRIDGE, "demo", "--petitions", "20", "--json"], cwd=tmp_path, capture_output=True, timeout=180, check=True
    )
    assert list(tmp_path.iterdir()) == []
