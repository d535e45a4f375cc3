"""A month that was sealed by an older computation is served as it was sealed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from bridge.clock import from_ms
from bridge.digest import page, workbook
from bridge.digest.digest import FORMAT
from bridge.digest.handouts import Audience, handout, written
from bridge.digest.seal import Reckoned
from tests.digest.cases import MONTH
from tests.digest.test_page import Reader, sheets
from tests.digest.test_reading import Town
from tests.support.ledgers import Bench

SEALED = Path(__file__).with_name("laiting-digest-3.json").read_bytes()
"""Of October 2026, as `laiting-digest/3` published it: no month stands beside its numbers, no county beside a place."""


@pytest.fixture
def older() -> Reckoned:
    document: dict[str, Any] = orjson.loads(SEALED)
    return Reckoned(MONTH, document, document)


def test_it_is_of_an_older_format(older: Reckoned) -> None:
    assert older.published["format"] == "laiting-digest/3" != FORMAT


def test_it_is_served_byte_for_byte(bench: Bench, older: Reckoned) -> None:
    town = Town(bench)
    town.submit()
    bench.clock.at = from_ms(MONTH.end) + timedelta(days=2)
    assert town.seal(older)
    found = town.reckon()
    assert (found.published, found.holds) == (older.published, None)
    assert written(found.published, "json", found.sealed) == SEALED


@pytest.mark.parametrize(
    ("audience", "unit"), [("everyone", ""), ("meeting", ""), ("deputies", ""), ("department", "水务局")]
)
def test_every_paper_of_it_can_be_read(older: Reckoned, audience: Audience, unit: str) -> None:
    document = handout(older, audience, [], unit)
    text = Reader(page.render(document)).said("zh-CN")
    found = sheets(workbook.render(document))
    if audience == "department":
        assert found["热点 Hot"][1:] == [["柳岸社区", "供水", "12"], ["柳岸社区", "路灯", "6"]]
    else:
        assert "比前3个月月均（2026-07、2026-08、2026-09）" in text
        assert found["热点 Hot"][1:] == [
            ["柳岸社区", "供水", "12", "0 / ＊ / 12", "大幅上升"], ["柳岸社区", "路灯", "6", "0 / 0 / 0", "新出现"],
        ]  # fmt: skip
