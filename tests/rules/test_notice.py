"""The official notice as a file: what is taken, and what is refused with every line at fault."""

import pytest

from bridge.rules.notice import BadNotice, parse
from tests.rules.support import RULES
from tests.rules.test_calendar import notice_2027

HEAD = "date,is_workday,source_doc\n"
DAYS = "".join(f"{one.day},{int(one.is_workday)},{one.source_doc}\n" for one in notice_2027())


def test_csv_and_toml_say_the_same() -> None:
    toml = "".join(
        f'[[day]]\ndate = {one.day}\nis_workday = {str(one.is_workday).lower()}\nsource_doc = "{one.source_doc}"\n'
        for one in notice_2027()
    )
    read = parse("2027.csv", HEAD + DAYS, RULES)
    assert read == parse("2027.toml", toml, RULES)
    assert read.years == {2027}
    assert list(read.days) == sorted(notice_2027(), key=lambda one: one.day)


def test_a_spreadsheets_file_and_chinese_words_are_read() -> None:
    words = DAYS.replace(",1,", ",班,").replace(",0,", ",休,")
    assert parse("2027.CSV", "\ufeff" + (HEAD + words).replace("\n", "\r\n"), RULES) == parse(
        "x.csv", HEAD + DAYS, RULES
    )


def test_a_correction_within_a_known_year_makes_no_other_year_known() -> None:
    notice = parse("fix.csv", HEAD + "2026-11-03,0,a city holiday\n", RULES)
    assert len(notice.days) == 1
    assert notice.years == frozenset()


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("2027-02-30,0,doc\n", "line 2: day is out of range"),
        ("2027/01/01,0,doc\n", "line 2: Invalid isoformat"),
        ("2027-01-01T00:00:00,0,doc\n", "line 2: Invalid isoformat"),
        (f'2027-01-01,0,"{"x" * 140_000}"\n', "^line 2: field larger than"),
        ("2027-01-01,maybe,doc\n", "line 2: is_workday: write 1 or 0, not 'maybe'"),
        ("2027-01-01,0,\n", "line 2: source_doc"),
        ("2027-01-01,0\n", "line 2: source_doc"),
        ("2027-01-01,0,doc,more\n", "line 2: columns must be"),
        ("2027-01-01,1,doc\n", "line 2: 2027-01-01 is a statutory day off"),
        ("2026-11-03,0,doc\n2026-11-03,1,doc\n", "line 3: 2026-11-03 stands here twice, and differently"),
        (DAYS.replace("2027-10-02", "2027-10-12"), "2027: the statutory days 10-02 are missing"),
        ("".join(f"2027-{day},0,doc\n" for day in RULES.horizon.fixed), "2027: 6 days off; a year has at least 13"),
        ("", "no days in it"),
    ],
)
def test_what_is_refused(lines: str, fault: str) -> None:
    with pytest.raises(BadNotice, match=fault):
        parse("2027.csv", HEAD + lines, RULES)


def test_every_line_at_fault_is_named() -> None:
    with pytest.raises(BadNotice) as caught:
        parse("2027.csv", HEAD + "x,0,doc\n2027-01-01,0,doc\ny,0,doc\n", RULES)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["line 2", "line 4"]


@pytest.mark.parametrize("text", ["day = 3", "[[day]]\nx = 1", "[[day", "", "day = [1]"])
def test_toml_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(BadNotice):
        parse("2027.toml", text, RULES)


def test_a_day_with_a_time_is_refused() -> None:
    days = "".join(f'[[day]]\ndate = {day}\nis_workday = false\nsource_doc = "x"\n' for day in (
        "2026-11-03", "2026-11-04T00:00:00", "2026-11-05 08:00:00+08:00", '"2026-11-06T00:00:00"', "12:00:00",
    ))  # fmt: skip
    with pytest.raises(BadNotice) as caught:
        parse("fix.toml", days, RULES)
    assert [line.split(": ", 2)[1:] for line in str(caught.value).splitlines()] == [
        ["day 2", "date: write 2026-11-04 without a time of day"],
        ["day 3", "date: write 2026-11-05 without a time of day"],
        ["day 4", "Invalid isoformat string: '2026-11-06T00:00:00'"],
        ["day 5", "Invalid isoformat string: '12:00:00'"],
    ]


def test_the_same_day_twice_alike_is_one() -> None:
    assert len(parse("fix.csv", HEAD + "2026-11-03,0,doc\n2026-11-03,0,doc\n", RULES).days) == 1
