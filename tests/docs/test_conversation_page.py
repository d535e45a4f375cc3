"""docs/conversation.md is what is really answered: the whole conversation is held again and compared word for word."""

import asyncio
from pathlib import Path

from scripts.conversation import PAGE, settled, transcript


def test_the_page_is_what_is_answered(tmp_path: Path) -> None:
    said = asyncio.run(transcript(tmp_path))
    assert said == PAGE.read_text(encoding="utf-8"), "run `python -m scripts.conversation` and read the page again"


def test_only_numbers_codes_and_times_are_replaced() -> None:
    told = "编号 LT261123-7K3M9QX2AB 和 LT261123-7K3M9QX2AC，又是 LT261123-7K3M9QX2AB；2027-01-05 23:59；1月5日"
    assert settled(told) == (
        "编号 LT261122-0000000001 和 LT261122-0000000002，又是 LT261122-0000000001；2026-11-22 09:30；11月22日"
    )
    assert settled("**书记**：绑定 AB12-CD34\n") == "**书记**：绑定 7K3M-9QX2\n"
    assert settled("**书记**：绑定 0000-0000\n") == "**书记**：绑定 0000-0000\n"
