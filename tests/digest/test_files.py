"""What is written to be handed on: the sealed document byte for byte, and no department that is not shown."""

from pathlib import Path

import orjson
import pytest

from bridge.digest.digest import compose
from bridge.digest.documents import published, traced
from bridge.digest.extract import NoSuchUnit
from bridge.digest.files import write
from bridge.digest.handouts import Audience, NotYet, handout
from bridge.digest.seal import Reckoned
from bridge.prose import mask
from bridge.witness.canonical import canonical
from tests.digest.cases import CUT_OFF, MONTH, RULES, digest, many


def reckoned(units: list[str], *, final: bool = True) -> Reckoned:
    """A month in which each of these units got twelve petitions."""
    cases = [one for at, unit in enumerate(units) for one in many(12, 100 * at, unit=unit)]
    made = compose(cases, MONTH, CUT_OFF, RULES, mask, since=0, final=final)
    return Reckoned(MONTH, published(made), traced(made))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_document_is_written_as_it_is_sealed(tmp_path: Path) -> None:
    found = reckoned(["水务局", "城管局"])
    written = write(tmp_path, found, [])
    content = (tmp_path / "digest-2026-10.json").read_bytes()
    assert content == canonical(found.published)
    assert sorted(written) == sorted(path for path in tmp_path.rglob("*") if path.is_file())


def test_no_file_names_a_petition(tmp_path: Path) -> None:
    found = reckoned(["水务局", "城管局"])
    for path in write(tmp_path, found, []):
        if path.suffix != ".xlsx":
            assert "P00" not in path.read_text("utf-8"), path


def test_each_department_has_its_own(tmp_path: Path) -> None:
    write(tmp_path, reckoned(["水务局", "../城管局/二科"]), [])
    folder = tmp_path / "departments-2026-10"
    stems = ("001-_城管局_二科", "002-水务局")
    assert names(folder) == sorted(f"{stem}.{form}" for stem in stems for form in ("html", "json", "xlsx"))
    document = orjson.loads((folder / "002-水务局.json").read_bytes())
    assert (document["unit"]["key"], document["unit"]["count"]) == ("水务局", 12)
    assert "城管局" not in str(document)


def test_a_department_of_an_earlier_run_is_gone(tmp_path: Path) -> None:
    write(tmp_path, reckoned(["水务局", "城管局", "邮政局"]), [])
    write(tmp_path, reckoned(["水务局"]), [])
    assert {name.partition(".")[0] for name in names(tmp_path / "departments-2026-10")} == {"001-水务局"}


def test_of_a_month_that_goes_on_nothing_leaves_the_house(tmp_path: Path) -> None:
    """And what there is says what it is, in its name and in itself."""
    write(tmp_path, reckoned(["水务局", "城管局"], final=False), [])
    assert names(tmp_path) == [
        "digest-2026-10-interim.json", *(f"meeting-2026-10-interim.{form}" for form in ("html", "json", "xlsx")),
    ]  # fmt: skip
    page = (tmp_path / "meeting-2026-10-interim.html").read_text("utf-8")
    assert "阶段性数字" in page
    assert "Interim" in page
    assert orjson.loads((tmp_path / "meeting-2026-10-interim.json").read_bytes())["final"] is False


def test_once_it_is_over_the_interim_files_are_gone(tmp_path: Path) -> None:
    write(tmp_path, reckoned(["水务局", "城管局"], final=False), [])
    write(tmp_path, reckoned(["水务局", "城管局"]), [])
    assert not [name for name in names(tmp_path) if "interim" in name]
    assert "deputies-2026-10.xlsx" in names(tmp_path)


@pytest.mark.parametrize(("audience", "unit"), [("deputies", ""), ("department", "水务局")])
def test_nobody_outside_is_given_interim_numbers(audience: Audience, unit: str) -> None:
    with pytest.raises(NotYet, match="当月未结束"):
        handout(reckoned(["水务局", "城管局"], final=False), audience, [], unit)


@pytest.mark.parametrize("unit", ["", "邮政局", "个体诊所"])
def test_a_department_that_is_not_shown_is_as_one_that_is_not_there(unit: str) -> None:
    made = digest([*many(12), *many(12, 100, unit="城管局"), *many(2, 200, unit="个体诊所"), *many(9, 300, unit="")])
    found = Reckoned(MONTH, published(made), traced(made))
    with pytest.raises(NoSuchUnit, match="no department of this name is shown"):
        handout(found, "department", [], unit)
