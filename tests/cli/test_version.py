"""`bridge --version` and `bridge --help`."""

from importlib.metadata import version

from tests.support.commands import bridge


def test_the_version() -> None:
    told = bridge("--version")
    assert (told.code, told.stdout) == (0, f"laiting-bridge {version('laiting-bridge')} 来听桥\n")


def test_help_still_says_what_it_is() -> None:
    told = bridge("--help")
    assert (told.code, "来听桥 Laiting Bridge" in told.stdout, "--version" in told.stdout) == (0, True, True)
