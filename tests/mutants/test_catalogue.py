"""Always looked at, also by `make test`: every patch still applies, every named test is there, the page is the list."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutants import page
from tests.mutants.catalogue import MUTANTS, ROOT, BadPatch, Mutant, load
from tests.mutants.workshop import collected

LEAST = 18
"""Fewer would be a list that somebody has thinned out."""


def test_there_are_enough_and_each_is_one_of_its_own() -> None:
    assert len(MUTANTS) >= LEAST
    for values in (
        [mutant.name for mutant in MUTANTS],
        [mutant.id for mutant in MUTANTS],
        [mutant.zh for mutant in MUTANTS],
        [(mutant.file, mutant.old, mutant.new) for mutant in MUTANTS],
    ):
        assert [value for value, count in Counter(values).items() if count > 1] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_its_patch_still_applies(mutant: Mutant) -> None:
    mutant.patched((ROOT / mutant.file).read_text(encoding="utf-8"))


def test_every_named_test_is_there() -> None:
    found, output = collected((mutant.test for mutant in MUTANTS), ROOT)
    assert found, output


def test_the_page_is_this_list() -> None:
    if os.environ.get("BRIDGE_MUTANTS_DOC") == "1":
        return  # It is written anew at the end of this very run.
    assert page.PAGE.read_text(encoding="utf-8") == page.render(MUTANTS), "BRIDGE_MUTANTS_DOC=1 make mutants"


@pytest.mark.parametrize(
    ("old", "why"), [("nothing like it", "stands 0 times"), ("a", "stands 3 times"), ("b = 2", "no Python any more")]
)
def test_a_patch_that_does_not_apply_is_refused(old: str, why: str) -> None:
    mutant = replace(MUTANTS[0], old=old, new="(")
    with pytest.raises(BadPatch, match=why):
        mutant.patched("a = 1\nb = 2\nc = a + a\n")


@pytest.mark.parametrize(
    "row",
    [
        'file = "bridge/x.py"\nold = "a"\nnew = "a"',
        'file = "bridge/x.py"\nold = " "\nnew = "a"',
        'file = "bridge/x.toml"\nold = "a"\nnew = "b"',
        'file = "bridge/x.py"\nold = "a"\nnew = "b"\nneeds = ["oracle"]',
        'file = "bridge/x.py"\nold = "a"\nnew = "b"\nsecs = 5',
    ],
)
def test_a_mutant_that_is_not_said_well_is_refused(tmp_path: Path, row: str) -> None:
    path = tmp_path / "mutants.toml"
    rest = 'name = "n"\nzh = "名"\npart = "p"\nimitates = "i"\ntest = "tests/x.py::test_x"'
    path.write_text(f"[[mutant]]\n{rest}\n{row}\n", encoding="utf-8")
    with pytest.raises((ValueError, TypeError)):
        load(path)
