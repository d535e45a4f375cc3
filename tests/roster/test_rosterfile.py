"""The roster's CSV files: what is read, and what is refused with its line."""

from pathlib import Path

import pytest

from bridge.ledger.roster import Lists
from bridge.roster import Area, Member, Team, Unit
from bridge.rosterfile import HEADERS, LISTS, BadRoster, Known, read_files

TEAMS = "服务队编号,服务队名称,派出单位,队长编号\nT1,第一服务队,市住建局,S1\n"
SECRETARIES = "书记编号,姓名,服务队编号,在岗\nS1,孟一,T1,是\nS2,孟二,T1,否\n"
AREAS = "区划代码,街道,社区,服务队编号,书记编号\n370811,太白湖街道,许庄社区,T1,S1\n370811,太白湖街道,,T1,\n"
UNITS = "单位名称,单位代码,联系人编号\n市住建局,ZJ,S1\n"


def read(folder: Path, *texts: str | bytes, known: Known | None = None) -> Lists:
    paths = []
    for number, text in enumerate(texts):
        paths.append(folder / f"{number}.csv")
        paths[-1].write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_files(paths, known or Known())


def test_the_four_lists(tmp_path: Path) -> None:
    lists = read(tmp_path, AREAS, UNITS, SECRETARIES, TEAMS)
    assert lists.teams == (Team("T1", "第一服务队", "市住建局", "S1"),)
    assert lists.members == (Member("S1", "孟一", "T1"), Member("S2", "孟二", "T1", active=False))
    assert lists.areas is not None
    assert lists.areas[0] == Area("370811", "太白湖街道", "许庄社区", "T1", "S1")
    assert lists.units == (Unit("市住建局", "ZJ", "S1"),)


def test_english_headers_excel_bytes_and_blank_lines(tmp_path: Path) -> None:
    english = "\ufeffsecretary_id , Name,team_id\r\n S1 ,孟一,T1\r\n,,\r\n"
    assert read(tmp_path, english, known=Known(teams=frozenset({"T1"}))).members == (Member("S1", "孟一", "T1"),)
    assert read(tmp_path, TEAMS.encode("gb18030"), SECRETARIES.encode("gb18030")).teams == (
        Team("T1", "第一服务队", "市住建局", "S1"),
    )


def test_every_header_belongs_to_a_list() -> None:
    assert {column for needed, more in LISTS.values() for column in needed | more} == set(HEADERS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0.csv:1: no list has these columns"),
        ("姓名,电话\n孟一,1\n", "0.csv:1: no list has these columns"),
        ("书记编号,姓名,服务队编号\n", "0.csv: the list is empty"),
        ("书记编号,姓名,服务队编号\n,孟一,T1\n", "0.csv:2: secretary_id is empty"),
        ("书记编号,姓名,服务队编号\nS1,孟一,T1\nS1,孟一,T1\n", "0.csv:3: stands there twice"),
        ("书记编号,姓名,服务队编号,在岗\nS1,孟一,T1,也许\n", "0.csv:2: active is neither"),
        ("书记编号,姓名,服务队编号\nS1," + "孟" * 101 + ",T1\n", "0.csv:2: name is longer than 100"),
        ("书记编号,姓名,服务队编号\nS1,孟\x01一,T1\n", "0.csv:2: name holds a control character"),
        ("书记编号,姓名,服务队编号\nS1,孟一,T7\n", "there is no team T7"),
        ("服务队编号,服务队名称,队长编号\nT1,一队,S9\n", "leader S9 is on no list"),
        ("区划代码,社区,服务队编号\n37081,许庄,T1\n", "0.csv:2: region_code has"),
        ("区划代码,社区,服务队编号\n,,T1\n", "0.csv:2: an area needs"),
        ("社区,服务队编号,书记编号\n许庄,T8,S8\n", "there is no team T8"),
        ("社区,服务队编号,书记编号\n许庄,T1,S8\n", "secretary S8 is on no list"),
        ("单位名称,联系人编号\n市住建局,S8\n", "its contact S8 is on no list"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadRoster) as caught:
        read(tmp_path, text, known=Known(frozenset({"T1"}), frozenset({"S1"})))
    assert any(says in fault for fault in caught.value.faults), caught.value.faults


def test_all_faults_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadRoster) as caught:
        read(tmp_path, "书记编号,姓名,服务队编号\n,孟一,T1\nS2,,T1\nS3,孟三,T7\n", SECRETARIES)
    assert len(caught.value.faults) >= 4
