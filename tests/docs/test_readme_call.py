"""The call that the READMEs show is taken by a bridge as it stands there."""

import shlex
from pathlib import Path

import pytest

from tests.docs.pages import READMES, fenced, name, text
from tests.support.halls import Hall


@pytest.mark.parametrize("page", READMES, ids=name)
def test_the_call_is_taken(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = [block for block in fenced(text(page)) if "/v1/petitions " in block]
    words = shlex.split(block)
    assert words[:4] == ["curl", "-X", "POST", "http://127.0.0.1:8080/v1/petitions"]
    body = words[words.index("-d") + 1].encode()
    hall = Hall(tmp_path, monkeypatch)
    try:
        answers = [hall.post("/v1/petitions", "city_app", body=body) for _ in range(2)]
        trail = hall.get(f"/v1/petitions/{answers[0].json['petition_id']}/trail", "city_app")
    finally:
        hall.close()
    assert [answer.status for answer in answers] == [202, 202], answers[0].body
    assert answers[0].json == answers[1].json
    assert set(answers[0].json) == {"petition_id", "receipt"}
    assert trail.status == 200
