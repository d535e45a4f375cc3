"""Of whom a growing group says something new: the threshold, the doublings, the window, and who is gone by then."""

from dataclasses import replace

import pytest

from bridge.ledger.counting import Group, Member, news_of
from bridge.rules import supervision

DAY = 86_400_000
HOT = next(rule for rule in supervision.rules().trigger if rule.counts == "place_and_subject")
MANY, DAYS = HOT.threshold, HOT.window_days


def stream(count: int, every: float = 0.01) -> Group:
    """So many, one after the other, with so many days between."""
    return {f"{i:03}": Member(int(i * every * DAY)) for i in range(1, count + 1)}


def said(group: Group, since: int = 0) -> list[int]:
    return [int(one) for one in news_of(group, HOT, since)]


def test_the_table_is_what_these_tests_think() -> None:
    assert (MANY, DAYS) == (10, 30)


@pytest.mark.parametrize(("count", "of"), [(9, []), (10, [10]), (19, [10]), (20, [10, 20]), (100, [10, 20, 40, 80])])
def test_at_the_threshold_and_at_each_doubling(count: int, of: list[int]) -> None:
    assert said(stream(count)) == of


def test_who_came_at_one_moment_is_counted_one_by_one() -> None:
    assert said(stream(21, every=0), since=-1) == [10, 20]


def test_what_was_said_is_not_said_again_by_those_that_remain() -> None:
    """Ten, and the tenth was supervised; one after the other is merged, and one after the other comes."""
    group = stream(10)
    group["010"] = replace(group["010"], said=True)
    for merged in range(1, 6):
        group[f"{merged:03}"] = replace(group[f"{merged:03}"], counts=False)
        group |= {f"{10 + merged:03}": Member((10 + merged) * DAY // 100)}
        assert said(group) == []
    group["010"] = replace(group["010"], counts=False)
    assert said(group) == [], "nor because the one of which it was said is merged itself"


def test_who_is_over_leaves_it_to_the_next() -> None:
    group = stream(14)
    for over in ("010", "011"):
        group[over] = replace(group[over], over=True)
    assert said(group) == [12]


def test_one_every_three_days_is_news_once_a_window() -> None:
    """Ten are in each window from the tenth on."""
    assert said(stream(40, every=3)) == [10, 20, 30, 40]


def test_after_a_quiet_window_it_is_news_again() -> None:
    late = {f"{100 + i}": Member((40 + i) * DAY) for i in range(1, 11)}
    assert said(stream(10) | late) == [10, 110]


def test_what_came_long_before_is_not_found_to_be_the_one() -> None:
    group = stream(12)
    assert said(group, since=group["011"].at) == [12]
