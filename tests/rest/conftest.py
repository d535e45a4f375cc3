"""One bridge with its HTTP server for each module of tests; what refuses and what takes is played by the tests."""

from collections.abc import Iterator

import pytest

from bridge.adapter import Outgoing, Permanent, Receipt
from tests.support.assemblies import Played, take
from tests.support.halls import Hall
from tests.support.ledgers import HOTLINE


async def _picky(system: Played, outgoing: Outgoing) -> Receipt:
    if "拒" in outgoing.petition.content and outgoing.idempotency_key not in _mended:
        raise Permanent("bad_region")
    return await take(system, outgoing)


_mended: set[str] = set()


@pytest.fixture(scope="session")
def mended() -> set[str]:
    """Hand-offs that the hotline takes although their text has 拒 in it."""
    return _mended


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("hall")
        patch.chdir(folder)
        found = Hall(folder, patch)
        found.systems[HOTLINE].play = _picky
        yield found
        found.close()


@pytest.fixture(scope="module")
def open_hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A bridge with its real doors."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("open_hall")
        patch.chdir(folder)
        found = Hall(folder, patch, doors=True)
        yield found
        found.close()
