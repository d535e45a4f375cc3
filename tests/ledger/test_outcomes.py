"""What came of the petitions of a time, out of the ledger, and the rates over them."""

from bridge.ledger.outcomes import outcomes
from bridge.rules import rates as reckoning
from bridge.rules.outcome import Fact
from schemas.event import EventType, Satisfaction
from tests.support.ledgers import HOTLINE, PRIVACY, Bench


def test_the_rates_list_every_petition_they_count(bench: Bench) -> None:
    answered, silent, refused = (bench.submit() for _ in range(3))
    bench.say(answered, EventType.REPLIED, HOTLINE, text="已修好")
    bench.say(answered, EventType.RATED, actor="petitioner", satisfaction=Satisfaction.UNSATISFIED, resolved="no")
    bench.say(answered, EventType.RATED, actor="petitioner", satisfaction=Satisfaction.SATISFIED, resolved="yes")
    bench.say(refused, EventType.NOT_ACCEPTED, HOTLINE, text="不属受理范围")
    now = bench.clock.ms

    def read(since: int, until: int, team: str | None = None) -> list[str]:
        found = bench.do(bench.ledger.read(lambda conn: outcomes(conn, PRIVACY.vault, since, until, team)))
        known.update({one.petition_id: one.facts for one in found})
        return [one.petition_id for one in found]

    known: dict[str, frozenset[Fact]] = {}
    assert read(0, now + 1) == sorted([answered.id, silent.id, refused.id])
    assert read(0, now) == read(now + 1, now + 2) == [], "the end of a time is not in it"
    assert read(0, now + 1, "nobody's") == []
    assert {Fact.RESPONDED, Fact.RESOLVED, Fact.FIRST_UNSATISFIED, Fact.FINAL_SATISFIED} <= known[answered.id]
    assert known[silent.id] == {Fact.VALID}
    assert Fact.VALID not in known[refused.id]
    found = bench.do(bench.ledger.read(lambda conn: outcomes(conn, PRIVACY.vault, 0, now + 1)))
    by_name = {rate.formula.name: rate for rate in reckoning.rates(reckoning.rules(), found)}
    assert by_name["response"].numerator == (answered.id,)
    assert by_name["response"].denominator == tuple(sorted([answered.id, silent.id]))
    assert by_name["satisfaction"].value == 1
    assert by_name["first_satisfaction"].value == 0
