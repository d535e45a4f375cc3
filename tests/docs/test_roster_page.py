"""docs/roster.md names every column of every list, and every reason of the two lists."""

import re

import pytest

from bridge.ledger.unbound import UNBOUND_ZH
from bridge.ledger.unreached import WHY_ZH
from bridge.rosterfile import HEADERS, LISTS
from tests.docs.pages import DOCS, text

PAGE = text(DOCS / "roster.md")
ROWS = {line.split("|")[1].split()[0]: line for line in PAGE.splitlines() if re.match(r"\| \w+ [一-鿿]+ \|", line)}


@pytest.mark.parametrize("kind", sorted(LISTS))
def test_every_column_of_the_list(kind: str) -> None:
    needed, more = LISTS[kind]
    written, _, optional = ROWS[kind].partition("if you like")
    assert set(re.findall(r"`(\w+)` (\S+?)[,;| ]", written)) == {(name, HEADERS[name][0]) for name in needed}
    assert set(re.findall(r"`(\w+)` (\S+?)[,;| ]", optional)) == {(name, HEADERS[name][0]) for name in more}


def test_every_reason() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE)) == {"why", *WHY_ZH, *UNBOUND_ZH}
