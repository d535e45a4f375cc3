"""What is written to be handed on: the sealed document byte for byte, and no department that is not shown."""

from pathlib import Path

import orjson

from bridge.digest.documents import published, traced
from bridge.digest.files import write
from bridge.digest.seal import Reckoned
from bridge.witness.canonical import canonical
from tests.digest.cases import MONTH, digest, many


def reckoned(units: list[str]) -> Reckoned:
    """A month in which each of these units got twelve petitions."""
    made = digest([one for at, unit in enumerate(units) for one in many(12, 100 * at, unit=unit)])
    return Reckoned(MONTH, published(made), traced(made))


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
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["001-_城管局_二科.html", "001-_城管局_二科.json", "002-水务局.html", "002-水务局.json"]
    document = orjson.loads((folder / "002-水务局.json").read_bytes())
    assert (document["unit"]["key"], document["unit"]["count"]) == ("水务局", 12)
    assert "城管局" not in str(document)


def test_a_department_of_an_earlier_run_is_gone(tmp_path: Path) -> None:
    write(tmp_path, reckoned(["水务局", "城管局", "邮政局"]), [])
    write(tmp_path, reckoned(["水务局"]), [])
    assert sorted(path.name for path in (tmp_path / "departments-2026-10").iterdir()) == [
        "001-水务局.html",
        "001-水务局.json",
    ]
