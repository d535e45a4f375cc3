"""The journal says who ordered something and why: no command takes a blank for either."""

from pathlib import Path

import pytest

from tests.support.commands import bridge

ORDERS = {
    "replay": ("replay", "2f0c6a3e", "--reason", "答复模板已补", "--operator", "zhang"),
    "cancel": ("cancel", "2f0c6a3e", "--reason", "已电话告知", "--operator", "zhang"),
    "merge": ("merge", "LT1", "--into", "LT2", "--reason", "同一事项", "--operator", "zhang"),
    "owner": ("owner", "LT1", "--to", "S1", "--reason", "轮换", "--operator", "zhang"),
    "erase": ("erase", "--petition", "LT1", "--reason", "本人申请", "--operator", "zhang"),
    "calendar import": ("calendar", "import", "2027.csv", "--operator", "zhang"),
    "roster import": ("roster", "import", "teams.csv", "--operator", "zhang"),
    "digest": ("digest", "--month", "2026-10", "--operator", "zhang"),
    "digest-items propose": ("digest-items", "propose", "1", "--month", "2026-10", "--title", "灯", "--operator", "z"),
    "digest-items adopt": ("digest-items", "adopt", "2026-10-01", "已采纳", "--operator", "zhang"),
    "roster bind-code": ("roster", "bind-code", "S1", "--operator", "zhang"),
}


@pytest.mark.parametrize("blank", ["", "  ", "\u3000"])
@pytest.mark.parametrize(
    ("order", "option"),
    [(name, option) for name, words in ORDERS.items() for option in ("--reason", "--operator") if option in words],
)
def test_a_blank_is_refused(order: str, option: str, blank: str, here: Path) -> None:
    words = list(ORDERS[order])
    words[words.index(option) + 1] = blank
    told = bridge(*words)
    assert (told.code, f"'{option}'" in told.stderr, "不能为空" in told.stderr) == (2, True, True), told
