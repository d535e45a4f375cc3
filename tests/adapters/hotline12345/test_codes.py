from pathlib import Path

import pytest

from adapters.hotline12345 import codes, mapping, telling
from adapters.hotline12345.codes import IGNORE
from schemas.event import EventType
from schemas.petition import Kind, Urgency
from tests.adapters.hotline12345.support import CODES


def test_every_event_but_unknown_has_a_way_to_be_told() -> None:
    assert set(CODES.tell) == set(EventType) - {EventType.UNKNOWN}
    actions = {action for telling_ in CODES.tell.values() for action in (telling_.theirs, telling_.ours)} - {""}
    assert actions == set(telling.WRITERS)


def test_every_step_we_tell_is_read_as_the_same_event() -> None:
    for event, told in CODES.tell.items():
        if told.step:
            expected = EventType.PROGRESSED if event is EventType.REPLIED else event
            assert CODES.item_actions[told.step] == expected


def test_every_kind_and_urgency_we_write_is_read_back() -> None:
    for kind in Kind:
        assert CODES.kind_names[kind.zh] == kind
        assert CODES.rec_type_ids[str(CODES.kinds_sent[kind]["rec_type"])] == kind
    for urgency in Urgency:
        assert CODES.urgency[str(CODES.urgency_sent[urgency])] == urgency


def test_every_notice_carries_a_known_action() -> None:
    assert set(CODES.notices.values()) <= set(mapping.READERS)
    assert len(CODES.notices) == 18


def test_a_city_lays_its_own_table_over(tmp_path: Path) -> None:
    mine = tmp_path / "codes.toml"
    mine.write_text('[item_actions]\nSHOULI = "accepted"\n[report]\ncase_mark = "民情"\n', encoding="utf-8")
    laid = codes.load(mine)
    assert laid.item_actions["shouli"] == "accepted"
    assert laid.item_actions["transit"] == "dispatched"
    assert laid.report["case_mark"] == "民情"
    assert laid.report["discretion"] == CODES.report["discretion"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[item_actions]\nx = "finished"\n', "finished"),
        ('[tell]\nfinished = { step = "x" }\n', "finished"),
        ('[kinds.names]\n"咨询" = "question"\n', "question"),
        ("not toml", "cannot be read"),
        ("[kinds.send]\nhelp = 3\n", "kinds"),
    ],
)
def test_a_slip_in_the_citys_table_is_told_at_start(tmp_path: Path, text: str, said: str) -> None:
    mine = tmp_path / "codes.toml"
    mine.write_text(text, encoding="utf-8")
    with pytest.raises(codes.WrongCodes, match=said):
        codes.load(mine)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(codes.WrongCodes, match="nowhere"):
        codes.load(tmp_path / "nowhere.toml")


def test_ignored_is_not_unmapped() -> None:
    assert CODES.item_actions["report"] == IGNORE
    assert "no_such_code" not in CODES.item_actions
