"""What ships beside the code: the compose file, its secrets, the lock files."""

import re
import stat
from pathlib import Path

import pytest
import yaml

from scripts import make_env

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
LOCKS = sorted(ROOT.glob("requirements*.txt"))


def test_make_env_gives_exactly_the_secrets_that_compose_asks_for() -> None:
    assert set(make_env.values()) == set(re.findall(r"\$\{(\w+)", COMPOSE))


def test_compose_has_no_default_secret() -> None:
    assert "${" in COMPOSE
    assert all(rest.startswith(":?") for rest in re.findall(r"\$\{\w+([^}]*)\}", COMPOSE))


def test_only_this_machine_reaches_the_ports() -> None:
    services = yaml.safe_load(COMPOSE)["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert sorted(ports) == ["127.0.0.1:15672:15672", "127.0.0.1:8080:8080", "127.0.0.1:8081:8081"]


def test_secrets_are_random_private_and_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_env, "FILE", tmp_path / ".env")
    assert make_env.main() == 0
    written = make_env.FILE.read_text(encoding="utf-8")
    assert stat.S_IMODE(make_env.FILE.stat().st_mode) == 0o600
    assert make_env.main() == 1
    assert make_env.FILE.read_text(encoding="utf-8") == written
    assert all(value not in written for value in make_env.values().values())


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_everything_by_hash_and_names_no_place_to_fetch_from(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9][^\n]*", text, flags=re.MULTILINE)
    assert all("==" in pin and pin.endswith("\\") for pin in pins)
    assert not re.search(r"://|--index|--extra-index|--find-links|--trusted-host|file:", text)


def test_the_locks_agree() -> None:
    pins = [
        set(re.findall(r"^([a-z0-9][^ ;]*)", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)) for lock in LOCKS
    ]
    everything = set().union(*pins)
    assert len({pin.split("==")[0] for pin in everything}) == len(everything)
