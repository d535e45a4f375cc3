"""On the spot (现场解决：事不过夜): due at 23:59:59 of its day, closed with what was done, or re-classed."""

from dataclasses import dataclass
from datetime import datetime

from bridge.rules.supervision import OnSiteRule, SupervisionRules
from schemas.base import shanghai
from schemas.event import EventData
from schemas.petition import Urgency


@dataclass(frozen=True, slots=True)
class OnSite:
    """What the rule looks at, of a petition that was not closed."""

    due: datetime
    has_home_unit: bool
    urgency: Urgency


def overnight(table: SupervisionRules, facts: OnSite, now: datetime) -> OnSiteRule | None:
    """The rule by which the petition gets another class; None while its day lasts."""
    if now <= facts.due:
        return None
    return next(rule for rule in table.on_site if _fits(rule, facts))


def announcement(rule: OnSiteRule, due: datetime) -> EventData:
    """The event that tells everyone of the new class."""
    text = f"现场解决未在{shanghai(due):%m月%d日}当日办结，按规则改为“{rule.reclass.zh}”：{rule.zh}"
    return EventData(handling_class=rule.reclass, text=text)


def _fits(rule: OnSiteRule, facts: OnSite) -> bool:
    when = rule.when
    return when.home_unit in (None, facts.has_home_unit) and (not when.urgency or facts.urgency in when.urgency)
