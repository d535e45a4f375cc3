"""`docs/mutants.md`, written from the list by a run that has caught every one: `BRIDGE_MUTANTS_DOC=1 make mutants`."""

from collections.abc import Sequence
from itertools import groupby

from tests.mutants.catalogue import ROOT, Mutant

PAGE = ROOT / "docs" / "mutants.md"

_HEAD = """\
# Loss mutants (变异测试：故意植入的丢件缺陷)

Tests that have never failed prove little. Here {count} bugs are put in on purpose, each of a kind by which systems like
this one have lost cases, and for each a named test must turn red. `make mutants` does it anew:

1. the tree is copied, and the named test is run in the copy: green;
2. the bug is put into another copy, one small patch (the old text must stand there exactly once), and the same test is
   run there: red, and by what it found, not because an import broke or the run never ended;
3. the run must prove that the patched file is the one that was imported.

A mutant that no test notices fails the run, and so does a patch that no longer applies; `make test` looks at the
patches too. Each patch stands in full in [`tests/mutants/mutants.toml`](../tests/mutants/mutants.toml); this page is
written from there, by a run that has caught them all.
"""


def render(mutants: Sequence[Mutant]) -> str:
    """The whole page."""
    parts = [_HEAD.format(count=len(mutants))]
    for part, members in groupby(mutants, lambda mutant: mutant.part):
        rows = [_row(mutant) for mutant in members]
        parts.append(
            "\n".join([f"## {part}", "", "| bug | what it would cost | turned red |", "|---|---|---|", *rows, ""])
        )
    return "\n".join(parts)


def _row(mutant: Mutant) -> str:
    where = f"`{mutant.file}`"
    return f"| **{mutant.name}** ({mutant.zh}), in {where} | {mutant.imitates} | `{mutant.test}` |"
