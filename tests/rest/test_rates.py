"""`GET /v1/rates/{month}`: figures that can be traced to petitions."""

import uuid
from datetime import datetime

from schemas.base import SHANGHAI
from tests.support.halls import Hall


def test_each_rate_names_the_petitions_it_counts(hall: Hall) -> None:
    answered, silent = hall.submit(uuid.uuid4().hex), hall.submit(uuid.uuid4().hex)
    said = {"type": "rated", "actor": "petitioner", "satisfaction": "satisfied", "resolved": "yes"}
    assert hall.post(f"/v1/petitions/{answered}/events", json={"type": "replied", "text": "已修好"}).status == 202
    assert hall.post(f"/v1/petitions/{answered}/events", json=said).status == 202
    month = datetime.now(SHANGHAI).strftime("%Y-%m")
    found = {rate["name"]: rate for rate in hall.get(f"/v1/rates/{month}", "ops").json["rates"]}
    assert answered in found["response"]["numerator"]
    assert silent in set(found["response"]["denominator"]) - set(found["response"]["numerator"])
    assert answered in found["resolution"]["numerator"]
    assert silent not in found["satisfaction"]["denominator"], "nobody asked is nobody unsatisfied"


def test_another_month_or_team_has_none_and_no_month_is_a_problem(hall: Hall) -> None:
    for path in ("/v1/rates/2025-01", f"/v1/rates/{datetime.now(SHANGHAI):%Y-%m}?team=nobody"):
        rates = hall.get(path, "ops").json["rates"]
        assert {rate["value"] for rate in rates} == {None}
        assert not any(rate["denominator"] for rate in rates)
    for month in ("2026-13", "now", "2026"):
        assert hall.get(f"/v1/rates/{month}", "ops").status == 422
