"""A wrong or missing setting is one clear line with its name, and never quotes a value that may be a secret."""

import os
from pathlib import Path

import pytest

from bridge import app
from bridge.apikeys import BadKeyFile, KeyRing, hash_of, new_key
from bridge.settings import Settings, SettingsError

SECRET = "hunter2-not-to-be-seen"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("BRIDGE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)  # no .env of ours


def test_the_defaults_are_the_contracts() -> None:
    found = app.settings()
    assert found.database_url == "sqlite:///data/bridge.db"
    assert found.broker_url == "memory://"
    assert found.audit_dir == Path("data/audit")
    assert (found.host, found.port) == ("127.0.0.1", 8080)
    assert found.retry_ladder == "5s,30s,2m,10m,30m,1h"
    assert found.api_keys is None
    assert found.embedded


def refused(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        app.settings()
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BRIDGE_PORT", "eighty"),
        ("BRIDGE_PORT", "70000"),
        ("BRIDGE_LOG_LEVEL", "loud"),
        ("BRIDGE_CHECKPOINT_SECONDS", "0"),
        ("BRIDGE_RETRY_LADDER", "5s,ten"),
        ("BRIDGE_HOTLINE12345__RETRY_LADDER", "5s,ten"),
        ("BRIDGE_WECHAT__TIMEOUT_SECONDS", "-1"),
        ("BRIDGE_GOVERNANCE_CENTER__CONCURRENCY", "0"),
        ("BRIDGE_HOTLINE12345__POLL_SECONDS", "often"),
        ("BRIDGE_HOTLINE12345__POL_SECONDS", "5"),
        ("BRIDGE_WECHAT__AES_KEY", SECRET),
        ("BRIDGE_WECHAT", SECRET),
        ("BRIDGE_DUTY_SECRETARY__ID", ""),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    said = refused(monkeypatch, **{name: value})
    assert name in said
    assert len(said.splitlines()) == 1
    assert SECRET not in said
    assert "pydantic" not in said


def test_two_wrong_settings_are_two_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(monkeypatch, BRIDGE_PORT="eighty", BRIDGE_LOG_LEVEL="loud")
    assert sorted(line.split(":")[0] for line in said.splitlines()) == ["BRIDGE_LOG_LEVEL", "BRIDGE_PORT"]


def test_a_base_url_without_its_secret_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(monkeypatch, BRIDGE_GOVERNANCE_CENTER__BASE_URL="http://center")
    assert "BRIDGE_GOVERNANCE_CENTER" in said
    assert "SECRET" in said


def test_what_a_validator_says_is_said_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(monkeypatch, BRIDGE_AUDIT_COPIES="ftp://away")
    assert said == "BRIDGE_AUDIT_COPIES: directories and http(s):// addresses, separated by commas"


@pytest.mark.parametrize("name", ["CALENDAR", "DEADLINES", "SUPERVISION", "RATES", "ROUTES", "DIGEST_RULES"])
def test_a_table_is_named_by_its_own_variable(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    Path("broken.toml").write_text("nobody_knows = 1\n", "utf-8")
    monkeypatch.setenv(f"BRIDGE_{name}", "broken.toml")
    with pytest.raises(SettingsError) as error:
        app.Bridge(app.settings(), app.Part.DOORS)
    assert str(error.value).startswith(f"BRIDGE_{name}: ")
    assert str(error.value).count("BRIDGE_") == 1
    assert "broken.toml" in str(error.value)


def test_each_system_may_have_a_ladder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_WECHAT__RETRY_LADDER", "1s")
    found = app.settings()
    assert found.ladder("wechat").delays()[0] == 1
    assert found.ladder("hotline12345").delays()[0] == 5


def test_secrets_are_not_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_HOTLINE12345__CLIENT_SECRET", SECRET)
    monkeypatch.setenv("BRIDGE_WECHAT__TOKEN", SECRET)
    assert SECRET not in repr(app.settings())


def test_settings_do_not_change_while_running() -> None:
    found: Settings = app.settings()
    with pytest.raises(ValueError, match="frozen"):
        found.port = 1  # type: ignore[misc]


# ── API keys ──


def test_a_key_is_known_by_its_hash_alone(tmp_path: Path) -> None:
    key, entry = new_key("city_app", ("petitions:read", "operate"))
    assert key not in entry
    path = tmp_path / "keys.toml"
    path.write_text(entry)
    ring = KeyRing.load(path)
    caller = ring.caller(key)
    assert caller is not None
    assert (caller.name, caller.source, caller.scopes) == ("city_app", "city_app", ("petitions:read", "operate"))
    assert ring.caller(hash_of(key)) is None
    assert ring.caller("") is None


@pytest.mark.parametrize(
    "text", ["[[key]]\nname = 'x'", "key = 1", "[[key]]\nname='BAD NAME'\nsha256='x'\nscopes=[]", "{{{",
             "[[key]]\nname='app'\nsha256='x'\nscopes=['everything']"],
)  # fmt: skip
def test_a_key_file_that_cannot_be_used_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(text)
    with pytest.raises(BadKeyFile) as refused_:
        KeyRing.load(path)
    assert "BRIDGE_API_KEYS" in str(refused_.value)
    assert len(str(refused_.value).splitlines()) == 1


def test_no_key_file_means_nobody() -> None:
    assert KeyRing.load(None).caller("anything") is None
