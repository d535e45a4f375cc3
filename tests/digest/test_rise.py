"""Growth in percent: of shown numbers, or none at all."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.digest.rise import rise, written


@pytest.mark.parametrize(
    ("now", "before", "percent", "text"),
    [
        (30, [10, 10, 10], 200, "+200%"),
        (12, [10, 11, 12], 9, "+9%"),
        (8, [10, 10, 10], -20, "−20%"),
        (10, [10, 10, 10], 0, "±0%"),
        (10, [0, 0, 6], 400, "+400%"),
        (10, [0, 0, 0], None, ""),
        (10, [None, 10, 10], None, ""),
        (10, [0, 0, None], None, ""),
        (None, [10, 10, 10], None, ""),
        (10, [], None, ""),
    ],
)
def test_against_the_mean(now: int | None, before: Sequence[int | None], percent: int | None, text: str) -> None:
    assert rise(now, before) == percent
    assert written(percent) == text


@given(st.none() | st.integers(0, 50), st.lists(st.none() | st.integers(0, 50), max_size=4))
def test_where_something_is_hidden_nothing_is_told(now: int | None, before: list[int | None]) -> None:
    if now is None or None in before:
        assert rise(now, before) is None
