"""Each seeded bug must turn its test red; and the workshop must not call caught what was not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.mutants.catalogue import MUTANTS, BadPatch, Mutant
from tests.mutants.workshop import Workshop

MARKS = {"rabbitmq": pytest.mark.rabbitmq, "postgres": pytest.mark.postgres}


def _param(mutant: Mutant) -> object:
    return pytest.param(mutant, id=mutant.id, marks=[MARKS[name] for name in mutant.needs])


@pytest.mark.parametrize("mutant", [_param(mutant) for mutant in MUTANTS])
def test_a_seeded_bug_turns_its_test_red(
    mutant: Mutant, workshop: Workshop, record_property: Callable[[str, object], None]
) -> None:
    verdict = workshop.verdict(mutant)
    record_property(
        "mutant",
        {
            "name": mutant.name,
            "test": mutant.test,
            "caught": verdict.caught,
            "how": verdict.how,
            "seconds": round(verdict.seconds, 1),
        },
    )
    assert verdict.caught, f"{mutant.name}: {verdict.how}\n{mutant.imitates}\n{mutant.test}\n{verdict.output}"


# ── the workshop itself ──

CONTROL = Mutant(
    name="control",
    zh="对照",
    part="",
    imitates="Nothing: only words change.",
    file="bridge/retry.py",
    old='"""Only a person can go on;',
    new='"""Only a human being can go on;',
    test="tests/core/test_retry.py::test_every_delay_of_the_ladder",
)


def test_a_change_of_words_survives(workshop: Workshop) -> None:
    verdict = workshop.verdict(CONTROL)
    assert (verdict.caught, verdict.how) == (False, "SURVIVED: the test is green with the bug"), verdict.output


def test_a_patch_that_breaks_the_import_is_no_catch(workshop: Workshop) -> None:
    broken = replace(CONTROL, name="control broken", old="\nDEFAULT_LADDER = ", new="\nDEFAULT_LADDER = nowhere + ")
    verdict = workshop.verdict(broken)
    assert (verdict.caught, verdict.how) == (False, "the run broke before the test could fail"), verdict.output


def test_a_patch_in_what_the_test_does_not_import_is_no_catch(workshop: Workshop) -> None:
    elsewhere = replace(
        CONTROL, name="control elsewhere", file="bridge/doctor.py", old='"""`bridge doctor`', new='"""It'
    )
    verdict = workshop.verdict(elsewhere)
    assert (verdict.caught, verdict.how) == (False, "the test never imports bridge/doctor.py"), verdict.output


def test_a_test_that_is_red_without_the_bug_is_no_catch(workshop: Workshop) -> None:
    absent = replace(CONTROL, name="control absent", test="tests/core/test_retry.py::test_that_is_not_there")
    verdict = workshop.verdict(absent)
    assert (verdict.caught, verdict.how) == (False, "its test is not green without the bug"), verdict.output


def test_a_run_without_end_is_no_catch(workshop: Workshop) -> None:
    endless = replace(
        CONTROL,
        name="control endless",
        old='        """Every delay of the ladder, ',
        new='        while True:\n            pass\n        """',
        seconds=6.0,
    )
    verdict = workshop.verdict(endless)
    assert (verdict.caught, verdict.how) == (False, "neither red nor green within 6 s"), verdict.output


def test_a_patch_that_does_not_apply_is_an_error(workshop: Workshop) -> None:
    with pytest.raises(BadPatch, match="stands 0 times"):
        workshop.verdict(replace(CONTROL, name="control gone", old="no such text"))
