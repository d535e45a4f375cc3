"""One month for all the tests of this folder."""

from collections.abc import Iterator

import pytest

from bridge.ledger.migrate import migrate
from bridge.ledger.store import Store
from tests.month.city import BEGIN, month
from tests.month.run import COUNT, Run, live
from tests.support.ledgers import Bench, Clock


@pytest.fixture(scope="session")
def over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    url = f"sqlite:///{tmp_path_factory.mktemp('month') / 'bridge.db'}"
    store = Store(url)
    migrate(store)
    bench = Bench(url, Clock(BEGIN), store=store)
    run = Run(bench, month(COUNT))
    bench.do(live(run), seconds=3600.0)
    yield run
    bench.close()
