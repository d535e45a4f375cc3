"""Which profile holds, by which edition, and what `explain` says of it."""

from datetime import date
from typing import Any

import pytest

from bridge.rules.profiles import CardRules, Edition, Profile, Profiles, When
from bridge.rules.table import BadTable
from bridge.rules.term import Term
from schemas.petition import HandlingClass, Kind, Urgency
from tests.rules.support import PROFILES, facts

SAID = {"rule": "a rule", "zh": "规则", "source": "a test"}


def profile(name: str = "all", reply: str = "5WD", **more: Any) -> Profile:
    return Profile.model_validate({"name": name, "reply": reply, **SAID, **more})


def edition(version: str, effective: str, *profiles: Profile, **cards: Any) -> Edition:
    return Edition(
        version=version, effective=date.fromisoformat(effective), profile=profiles,
        cards=CardRules.model_validate({"yellow": "1WD", "red": "1WD", "black": "6WD", "urge": True, **SAID, **cards}),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({}, "general"),
        ({"kind": Kind.CONSULTATION}, "general"),
        ({"urgency": Urgency.URGENT}, "urgent"),
        ({"urgency": Urgency.CRITICAL}, "critical"),
        ({"handling_class": HandlingClass.ON_SITE}, "on_site"),
        ({"handling_class": HandlingClass.ON_SITE, "urgency": Urgency.CRITICAL}, "on_site"),
        ({"handling_class": HandlingClass.JOINT_PACKAGE}, "general"),
    ],
)
def test_the_built_in_profiles(more: dict[str, Any], name: str) -> None:
    assert PROFILES.choose(facts(**more)).profile.name == name


def test_the_default_is_shandongs() -> None:
    general = PROFILES.choose(facts()).profile
    assert (str(general.reply), str(general.extension), str(general.return_window)) == ("5WD", "10WD", "2WD")
    assert general.return_reason
    assert general.pause == ()


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("urgency", list(Urgency))
@pytest.mark.parametrize("handling_class", list(HandlingClass))
def test_nobody_is_outside(kind: Kind, urgency: Urgency, handling_class: HandlingClass) -> None:
    for system in ("wechat", "hotline12345", "governance_center", "a_fourth"):
        given = facts(kind=kind, urgency=urgency, handling_class=handling_class, system=system)
        assert PROFILES.choose(given).profile.reply


@pytest.mark.parametrize(
    ("when", "more", "fits"),
    [
        ({}, {}, True),
        ({"kind": "help"}, {}, True),
        ({"kind": ["complaint", "report"]}, {}, False),
        ({"system": "wechat"}, {}, True),
        ({"system": ["hotline12345"]}, {}, False),
        ({"class": "hotline_transfer", "urgency": "urgent"}, {}, False),
        ({"class": "hotline_transfer", "urgency": "urgent"}, {"urgency": Urgency.URGENT}, True),
    ],
)
def test_when_a_profile_fits(when: dict[str, Any], more: dict[str, Any], fits: bool) -> None:
    assert When.model_validate(when).fits(facts(**more)) is fits


@pytest.mark.parametrize(
    ("submitted", "version", "expected"),
    [
        ("2026-06-30 23:59", "", "first"),
        ("2026-07-01 00:00", "", "second"),
        ("2019-01-01", "", "first"),
        ("2026-07-02", "first", "first"),
        ("2026-06-30", "second", "second"),
    ],
)
def test_the_edition_of_the_day_is_kept_for_life(submitted: str, version: str, expected: str) -> None:
    table = Profiles((edition("second", "2026-07-01", profile()), edition("first", "2020-01-01", profile())))
    assert table.choose(facts(submitted, version=version)).edition.version == expected


def test_a_frozen_edition_that_is_gone_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(BadTable, match="'old-city-rules' is gone"):
        PROFILES.choose(facts(version="old-city-rules"))


def test_a_profile_changes_only_the_cards_it_names() -> None:
    own = profile(cards={"yellow": "4H", "black": ""})
    cards = edition("one", "2020-01-01", own).cards_of(own)
    assert (cards.yellow, cards.red, cards.black, cards.urge) == (Term.parse("4H"), Term.parse("1WD"), None, True)


def test_explain_says_which_and_why() -> None:
    assert PROFILES.explain(facts(urgency=Urgency.URGENT)) == (
        "kind help, urgency urgent, class hotline_transfer, system wechat\n"
        "  edition shandong-2020  (in effect since 2020-01-01)\n"
        "  ✗ on_site: does not fit\n"
        "  ✗ critical: does not fit\n"
        "  → urgent: urgent: an answer within 24 hours (紧急：24小时内反馈)\n"
        "    accept 2H (2小时)\n"
        "    sign 2H (2小时)\n"
        "    reply 24H (24小时)\n"
        "    source: DOMAIN 1.5 (北京 DB11, utilities)"
    )
    assert "frozen on the petition" in PROFILES.explain(facts(version="shandong-2020"))
