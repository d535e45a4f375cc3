"""The code tables: every status code of every platform, one spelling for 1 and 01, a city's own file, no default."""

from pathlib import Path
from typing import Any

import pytest

from adapters.governance_center.codes import SHIPPED, Unmapped, code_for, find, load
from adapters.governance_center.settings import CenterSettings
from bridge.adapter import Ignored, Taken
from schemas.event import EventType
from schemas.petition import Urgency
from tests.adapters.governance_center.support import EVENT_ID, SETTINGS, read, submission_of, update_of

PLATFORMS = ("jiangyin", "ffcs", "digital_village", "wecom", "digital_city", "four_platforms", "emergency", "lifeline")
STATUSES: dict[str, dict[str, str]] = {
    "jiangyin": {"99": "ignored", "02": "progressed", "03": "closed", "04": "closed", "06": "cancelled"},
    "ffcs": {
        "99": "ignored",
        "00": "accepted",
        "01": "ignored",
        "02": "dispatched",
        "02/01": "progressed",
        "02/02": "progressed",
        "03": "closed",
        "04": "closed",
        "05": "suspended",
        "06": "cancelled",
        "07": "followed_up",
    },
    "digital_village": {
        "待处理": "ignored",
        "已处理": "progressed",
        "已完成": "closed",
        "已归档": "closed",
        "已评价": "ignored",
    },
    "wecom": {"待受理": "ignored", "办理中": "progressed", "已办结": "closed", "不受理": "not_accepted"},
    "digital_city": {
        "0": "ignored",
        "1": "accepted",
        "2": "progressed",
        "3": "progressed",
        "4": "progressed",
        "5": "verified",
        "6": "closed",
    },
    "four_platforms": {"网格上报": "ignored"},
    "emergency": {},
    "lifeline": {},
}
URGENCIES: dict[str, dict[str, str]] = {
    "jiangyin": {"01": "normal", "02": "urgent", "03": "critical"},
    "ffcs": {"01": "critical", "02": "urgent", "03": "normal"},
    "wecom": {"1": "normal", "2": "urgent", "3": "critical"},
}
URGENCY_WORDS = {"": "normal", "一般": "normal", "普通": "normal", "紧急": "urgent", "特急": "critical"}
WORDS = {
    "已受理": "accepted",
    "不予受理": "not_accepted",
    "待派遣": "ignored",
    "已派遣": "dispatched",
    "待签收": "ignored",
    "已签收": "signed",
    "处理中": "progressed",
    "待核实": "progressed",
    "已核实": "verified",
    "已结案": "closed",
    "已挂起": "suspended",
    "已恢复": "resumed",
    "已作废": "cancelled",
}
CASES = [(name, code, meaning) for name in PLATFORMS for code, meaning in (STATUSES[name] | WORDS).items()]


def on(platform: str) -> CenterSettings:
    return SETTINGS.model_copy(update={"platform": platform})


def status(code: str) -> dict[str, Any]:
    main, _, sub = code.partition("/")
    return {"op": "progress", "eventId": EVENT_ID, "status": main, "subStatus": sub}


@pytest.mark.parametrize(("platform", "code", "meaning"), CASES)
def test_every_status(platform: str, code: str, meaning: str) -> None:
    if meaning == "ignored":
        reading = read(status(code), on(platform))
        assert isinstance(reading, Ignored)
        assert reading.reason.startswith(f"status {code}")
        assert reading.message_key
        return
    draft = update_of(status(code), on(platform))
    assert draft.type == meaning
    assert draft.data.status is not None
    assert draft.data.status.code == code


def test_no_status_of_the_tables_is_untested() -> None:
    for name in PLATFORMS:
        tested = set(STATUSES[name]) | set(WORDS) | {"待受理", "办理中", "已办结", "不受理"}
        assert set(load(name).status) == tested


@pytest.mark.parametrize("code", ["97", "不予受理（转人工）", "2.0", "02\x00"])
def test_an_unmapped_status_is_unknown_and_kept(code: str) -> None:
    draft = update_of({"op": "progress", "status": code, "statusName": "新状态", "advice": "办理中的情况"})
    assert draft.type is EventType.UNKNOWN
    assert draft.data.status is not None
    assert (draft.data.status.code, draft.data.status.name) == (code, "status 新状态")
    assert draft.data.raw is not None
    assert "办理中的情况" in draft.data.raw


def test_a_sub_status_is_not_guessed_from_the_main_one() -> None:
    draft = update_of({"op": "progress", "status": "02", "subStatus": "09"}, on("ffcs"))
    assert draft.type is EventType.UNKNOWN
    assert draft.data.status is not None
    assert draft.data.status.code == "02/09"


def test_an_ignored_status_with_words_is_a_note() -> None:
    draft = update_of({"op": "progress", "status": "待签收", "advice": "请尽快签收"})
    assert (draft.type, draft.data.text) == (EventType.NOTED, "请尽快签收")


@pytest.mark.parametrize("code", ["1", 1, "01", " 01 ", 1.0, True])
def test_one_code_many_spellings(code: object) -> None:
    draft = update_of({"op": "delay_review", "checkResult": code})
    assert draft.type is EventType.EXTENDED


def test_zero_is_not_a_missing_code() -> None:
    assert find({"": "missing", "0": "zero"}, "00", "x") == "zero"
    with pytest.raises(Unmapped):
        find({"": "missing"}, "0", "x")


@pytest.mark.parametrize(
    ("platform", "code", "urgency"),
    [
        ("jiangyin", "01", Urgency.NORMAL),
        ("jiangyin", "03", Urgency.CRITICAL),
        ("ffcs", "01", Urgency.CRITICAL),
        ("ffcs", "02", Urgency.URGENT),
        ("ffcs", "03", Urgency.NORMAL),
        ("wecom", 2, Urgency.URGENT),
        ("wecom", "特急", Urgency.CRITICAL),
        ("digital_village", "", Urgency.NORMAL),
    ],
)
def test_urgency_is_the_platforms(platform: str, code: object, urgency: Urgency) -> None:
    draft = submission_of({"urgencyDegree": code}, on(platform))
    assert draft.petition.urgency is urgency


URGENCY_CASES = [
    (name, code, meaning) for name in PLATFORMS for code, meaning in (URGENCIES.get(name, {}) | URGENCY_WORDS).items()
]


@pytest.mark.parametrize(("platform", "code", "meaning"), URGENCY_CASES)
def test_every_urgency(platform: str, code: str, meaning: str) -> None:
    assert submission_of({"urgencyDegree": code}, on(platform)).petition.urgency == meaning
    assert set(load(platform).urgency) == set(URGENCIES.get(platform, {}) | URGENCY_WORDS)


@pytest.mark.parametrize(
    ("platform", "code"), [("lifeline", "0"), ("lifeline", "1"), ("lifeline", "2"), ("four_platforms", "1级事件")]
)
def test_codes_whose_meaning_nobody_published_are_kept_and_not_guessed(platform: str, code: str) -> None:
    """A city that knows them writes them into its own table."""
    if platform == "lifeline":
        draft = update_of({"op": "progress", "state": code}, on(platform))
        assert draft.type is EventType.UNKNOWN
        return
    reading = read({"op": "report", "eventId": EVENT_ID, "content": "x", "eventLevel": code}, on(platform))
    assert isinstance(reading, Taken)
    assert reading.drafts[1].message_key.endswith("#urgencyDegree")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_we_send_reads_back_as_what_we_meant(platform: str) -> None:
    tables = load(platform)
    for urgency in Urgency:
        code = code_for(tables.urgency, urgency)
        assert find(tables.urgency, code, "urgencyDegree") is urgency
    for kind, code in tables.status_out.items():
        rule = tables.status_rule(code, None)
        assert rule.event in (kind, None, EventType.PROGRESSED, EventType.ACCEPTED)


def test_a_city_lays_its_file_over_ours(tmp_path: Path) -> None:
    own = tmp_path / "codes.toml"
    own.write_text(
        """
        [units]
        "371101" = "市住房和城乡建设局"
        [ops]
        syncTask = ""
        [platform.jishiban]
        zh = "本市平台"
        based_on = "words"
        [platform.jishiban.status]
        "A1" = { event = "signed", zh = "已接件" }
        """,
        encoding="utf-8",
    )
    settings = SETTINGS.model_copy(update={"codes": own, "platform": "jishiban"})
    draft = update_of({"op": "progress", "status": "A1", "orgCode": "371101"}, settings)
    assert (draft.type, draft.data.unit) == (EventType.SIGNED, "市住房和城乡建设局")
    assert "syncTask" not in load("jishiban", own).ops


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[platform.x]\nzh = 'x'\n[platform.x.status]\n'1' = { event = 'flew_away' }", "event"),
        ("[platform.x]\nzh = 'x'\n[platform.x.status]\n'1' = { zh = '两者皆无' }", "either"),
        ("[urgent]\n'1' = 'now'", "urgent"),
        ("[[[", "cannot be read"),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, text: str, words: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=words) as told:
        load("jiangyin", own)
    assert "\n" not in str(told.value)


def test_a_missing_file_or_platform_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        load("jiangyin", tmp_path / "nowhere.toml")
    with pytest.raises(ValueError, match="jiangyin, ffcs"):
        load("elsewhere")
    assert SHIPPED.exists()
