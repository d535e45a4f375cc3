"""The pages under test: README and everything in docs/."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")


def pages() -> list[Path]:
    """Every Markdown page of ours, the two READMEs first."""
    return [*READMES, *sorted(DOCS.rglob("*.md"))]


@cache
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name(path: Path) -> str:
    """The page's path inside the repository."""
    return path.relative_to(ROOT).as_posix()


def without_code(page: str) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)


def fenced(page: str) -> list[str]:
    """The contents of all fenced blocks."""
    return re.findall(r"^```\w*\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


def titled(page: str) -> dict[str, str]:
    """Fenced blocks that follow a paragraph with a bold title: title → content."""
    pattern = r"^\*\*`?(?P<title>[^*`]+)`?\*\*[^\n]*\n(?:[^\n`][^\n]*\n|`[^`\n][^\n]*\n)*\n```\w*\n(?P<code>.*?)^```$"
    return {match["title"]: match["code"] for match in re.finditer(pattern, page, flags=re.MULTILINE | re.DOTALL)}
