"""The list of mutants: `mutants.toml`, read strictly."""

import ast
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
LIST = HERE / "mutants.toml"
SECONDS = 90.0
SERVICES = frozenset({"rabbitmq", "postgres"})


class BadPatch(ValueError):
    """A patch that does not apply: the code has moved on, and the mutant must follow it."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One seeded bug. What each field means stands at the head of `mutants.toml`."""

    name: str
    zh: str
    part: str
    imitates: str
    file: str
    old: str
    new: str
    test: str
    seconds: float = SECONDS
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError: a mutant that is not said well."""
        if self.old == self.new or not self.old.strip():
            raise ValueError(f"mutant {self.name!r}: `old` must be there, and differ from `new`")
        if not self.file.endswith(".py") or not self.test.startswith("tests/"):
            raise ValueError(f"mutant {self.name!r}: `file` is a Python file, `test` a test in tests/")
        if set(self.needs) - SERVICES:
            raise ValueError(f"mutant {self.name!r}: `needs` knows only {', '.join(sorted(SERVICES))}")

    @property
    def id(self) -> str:
        """For the test's id: `answer-before-COMMIT`."""
        words = "".join(letter if letter.isalnum() else " " for letter in self.name.replace("'", ""))
        return "-".join(words.split())

    @property
    def module(self) -> str:
        return self.file.removesuffix(".py").replace("/", ".")

    def patched(self, source: str) -> str:
        """The file's text with the bug in it. Raises `BadPatch`."""
        count = source.count(self.old)
        if count != 1:
            raise BadPatch(f"mutant {self.name!r}: `old` stands {count} times in {self.file}, not once:\n{self.old}")
        text = source.replace(self.old, self.new)
        try:
            ast.parse(text)
        except SyntaxError as error:
            raise BadPatch(f"mutant {self.name!r}: {self.file} is no Python any more: {error}") from error
        return text


def load(path: Path = LIST) -> list[Mutant]:
    """Every mutant, in the order of the list. Raises ValueError or TypeError for one that is not said well."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    return [Mutant(**{**row, "needs": tuple(row.get("needs", ()))}) for row in rows]


MUTANTS = load()
