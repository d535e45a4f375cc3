"""Who must know: each rule of the built-in table, what is struck, and tables that cannot be used."""

from pathlib import Path

import pytest

from bridge.routing import BadRoutes, Facts, Route, Routes
from schemas.event import EventType
from schemas.petition import HandlingClass
from tests.support.ledgers import CENTER, HOTLINE, ROUTES, SPEAKS, WECHAT

STATUSES = ("accepted", "not_accepted", "dispatched", "signed", "progressed", "return_requested", "returned",
            "return_denied", "extension_requested", "extended", "extension_denied", "cancel_requested",
            "cancel_denied", "replied", "verified", "rehandled", "merged", "suspended", "resumed", "closed",
            "cancelled", "followed_up", "rated")  # fmt: skip
HEARD = ("accepted", "not_accepted", "dispatched", "progressed", "extended", "replied", "rehandled", "merged", "closed",
         "cancelled")  # fmt: skip


def facts(type_: str = "submitted", **more: object) -> Facts:
    given: dict[str, object] = {
        "source": WECHAT, "origin": WECHAT, "handling_class": "hotline_transfer", "kind": "help", "urgency": "normal",
        "region": "320281", "actor": "", "others": frozenset(), "petitioner_has_openid": True,
    }  # fmt: skip
    return Facts(type=type_, **{**given, **more})  # type: ignore[arg-type]


def told(route: Route) -> dict[str, set[str]]:
    return {target.system: set(target.audience) for target in route.targets}


@pytest.mark.parametrize(
    ("cls", "expected", "held"),
    [
        ("on_site", {WECHAT: {"petitioner"}}, True),
        ("home_unit", {WECHAT: {"unit", "petitioner", "owner"}}, True),
        ("hotline_transfer", {HOTLINE: set(), WECHAT: {"petitioner", "owner"}}, False),
        ("key_supervision", {CENTER: set(), WECHAT: {"petitioner", "owner"}}, False),
        ("joint_package", {CENTER: set(), WECHAT: {"petitioner", "owner"}}, False),
    ],
)
def test_each_class_has_its_handler(cls: str, expected: dict[str, set[str]], held: bool) -> None:
    route = ROUTES.route(facts(handling_class=cls))
    assert told(route) == expected
    assert route.held_by_origin is held
    assert all(target.rules for target in route.targets)


def test_every_class_of_the_vocabulary_is_handled() -> None:
    for cls in HandlingClass:
        route = ROUTES.route(facts(handling_class=str(cls)))
        assert route.targets
        assert route.held_by_origin or {target.system for target in route.targets} & {HOTLINE, CENTER}


@pytest.mark.parametrize("type_", STATUSES)
def test_every_status_goes_back_to_the_source_to_the_others_and_to_the_owner(type_: str) -> None:
    route = ROUTES.route(facts(type_, source=HOTLINE, origin=CENTER, others=frozenset({HOTLINE, CENTER})))
    assert CENTER in told(route)
    assert HOTLINE not in told(route)
    assert "owner" in told(route)[WECHAT]
    assert ("petitioner" in told(route)[WECHAT]) == (type_ in HEARD)


@pytest.mark.parametrize("type_", ["supervised", "urged"])
def test_supervision_reaches_every_system_that_has_the_case(type_: str) -> None:
    route = ROUTES.route(facts(type_, others=frozenset({HOTLINE, CENTER, WECHAT})))
    assert told(route) == {HOTLINE: set(), CENTER: set(), WECHAT: {"owner"}}
    assert told(ROUTES.route(facts(type_))) == {WECHAT: {"owner"}}


@pytest.mark.parametrize(
    ("cls", "system"), [("key_supervision", CENTER), ("joint_package", CENTER), ("hotline_transfer", HOTLINE)]
)
def test_a_new_class_brings_its_handler_in(cls: str, system: str) -> None:
    assert told(ROUTES.route(facts("reclassed", handling_class=cls))) == {system: set(), WECHAT: {"owner"}}


def test_a_petition_that_comes_to_the_home_unit_is_its_task() -> None:
    route = ROUTES.route(facts("reclassed", source="bridge", handling_class="home_unit"))
    assert told(route) == {WECHAT: {"unit", "owner"}}
    assert route.held_by_origin


@pytest.mark.parametrize("type_", ["rehandled", "cancelled", "merged"])
def test_the_home_unit_hears_that_its_task_begins_anew_or_is_over(type_: str) -> None:
    for source in (HOTLINE, "bridge"):
        assert "unit" in told(ROUTES.route(facts(type_, source=source, handling_class="home_unit")))[WECHAT]
        assert "unit" not in told(ROUTES.route(facts(type_, source=source)))[WECHAT]


@pytest.mark.parametrize("cls", HandlingClass)
@pytest.mark.parametrize("type_", [type_ for type_ in EventType if type_ not in ("submitted", "noted", "unknown")])
def test_the_owner_receives_every_change(type_: str, cls: str) -> None:
    for source in (HOTLINE, CENTER, "bridge"):
        assert "owner" in told(ROUTES.route(facts(type_, source=source, handling_class=cls)))[WECHAT]


@pytest.mark.parametrize("source", [HOTLINE, CENTER, "bridge"])
def test_the_owner_hears_what_others_note(source: str) -> None:
    assert told(ROUTES.route(facts("noted", source=source, others=frozenset({HOTLINE})))) == {WECHAT: {"owner"}}


@pytest.mark.parametrize("type_", ["noted", "unknown"])
def test_notes_stay_here(type_: str) -> None:
    assert ROUTES.route(facts(type_, others=frozenset({HOTLINE, CENTER}))).targets == ()


def test_every_event_type_has_a_rule() -> None:
    for type_ in EventType:
        cls = "key_supervision" if type_ is EventType.RECLASSED else "hotline_transfer"
        assert ROUTES.route(facts(str(type_), handling_class=cls)).rules, type_


@pytest.mark.parametrize("system", [HOTLINE, CENTER])
@pytest.mark.parametrize("type_", list(EventType))
def test_no_system_is_told_what_it_said(type_: EventType, system: str) -> None:
    everyone = frozenset({HOTLINE, CENTER})
    for origin in (HOTLINE, CENTER, WECHAT):
        for cls in HandlingClass:
            route = ROUTES.route(
                facts(str(type_), source=system, origin=origin, others=everyone, handling_class=str(cls))
            )
            assert system not in told(route)


@pytest.mark.parametrize("actor", ["petitioner", "owner", "unit"])
def test_whoever_spoke_is_not_told_again(actor: str) -> None:
    route = ROUTES.route(facts(handling_class="home_unit", actor=actor))
    assert told(route)[WECHAT] == {"petitioner", "owner", "unit"} - {actor}
    assert f"{actor}: said it" in route.struck


def test_an_anonymous_petitioner_is_not_written_to() -> None:
    route = ROUTES.route(facts(petitioner_has_openid=False))
    assert told(route)[WECHAT] == {"owner"}
    assert "petitioner: no openid" in route.struck


def test_with_nobody_left_wechat_gets_no_hand_off() -> None:
    route = ROUTES.route(facts(handling_class="on_site", petitioner_has_openid=False))
    assert told(route) == {}
    assert route.held_by_origin


def test_a_system_is_not_told_what_it_cannot_be_told() -> None:
    speaks = {**SPEAKS, HOTLINE: frozenset({EventType.SUBMITTED})}
    routes = Routes.load(None, speaks)
    route = routes.route(facts("urged", others=frozenset({HOTLINE})))
    assert HOTLINE not in told(route)
    assert f"{HOTLINE}: cannot be told urged" in route.struck


def test_an_origin_that_only_calls_us_is_struck_with_the_reason() -> None:
    route = ROUTES.route(facts("replied", source=HOTLINE, origin="city_app"))
    assert "city_app" not in told(route)
    assert "city_app: no outbound connection" in route.struck


def test_the_same_facts_give_the_same_route() -> None:
    assert ROUTES.route(facts()) is ROUTES.route(facts())


# ── classifying ──


@pytest.mark.parametrize(
    ("source", "urgency", "cls"),
    [
        (WECHAT, "critical", HandlingClass.KEY_SUPERVISION),
        (WECHAT, "normal", HandlingClass.HOTLINE_TRANSFER),
        (CENTER, "normal", HandlingClass.KEY_SUPERVISION),
        (HOTLINE, "critical", HandlingClass.HOTLINE_TRANSFER),
        ("city_app", "normal", HandlingClass.HOTLINE_TRANSFER),
    ],
)
def test_a_petition_without_a_class_gets_one(source: str, urgency: str, cls: HandlingClass) -> None:
    assert ROUTES.classify(source=source, kind="help", urgency=urgency, region="")[0] is cls


# ── tables that cannot be used ──


def load(tmp_path: Path, text: str) -> Routes:
    path = tmp_path / "routes.toml"
    path.write_text(f'version = "x"\n{text}', "utf-8")
    return Routes.load(path, SPEAKS)


def rule(**fields: str) -> str:
    given = {"name": '"r"', "when": '{ type = "submitted" }', "to": '["origin"]'}
    return "[[rule]]\n" + "\n".join(f"{name} = {value}" for name, value in {**given, **fields}.items())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (rule(to='["hotline"]'), "hotline"),
        (rule(to='["petitoner"]'), "petitoner"),
        (rule(when='{ type = "submited" }'), "submited"),
        (rule(when='{ tpye = "submitted" }'), "tpye"),
        (rule(when='{ class = "onsite" }'), "onsite"),
        (rule(when='{ kind = "complain" }'), "complain"),
        (rule(when='{ urgency = "hurry" }'), "hurry"),
        (rule(when='{ actor = "secretary" }'), "secretary"),
        (rule(held_by='"hotline12345"'), "held_by"),
        (rule(also='"x"'), "also"),
        (rule() + '\n[[classify]]\nname = "c"\nwhen = {}\nclass = "everything"', "class"),
        (rule() + '\n[[classify]]\nname = "c"\nwhen = { type = "submitted" }\nclass = "on_site"', "type"),
        (rule() + '\n[[classify]]\nname = "c"\nwhen = { urgency = "hurry" }\nclass = "on_site"', "hurry"),
        ("[[rule]]\nname = ", "value"),
        ("", "rule"),
    ],
)
def test_a_typo_must_not_silently_route_to_nobody(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadRoutes) as refused:
        load(tmp_path, text)
    assert said in str(refused.value)
    assert "routes.toml" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_naming_the_messenger_itself_is_refused_or_reaches_somebody(tmp_path: Path) -> None:
    try:
        routes = load(tmp_path, rule(to='["wechat"]'))
    except BadRoutes:
        return
    assert told(routes.route(facts()))


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadRoutes, match="missing"):
        Routes.load(tmp_path / "missing.toml", SPEAKS)


def test_a_table_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "routes.toml"
    path.write_bytes('version = "中文"'.encode("gbk"))
    with pytest.raises(BadRoutes):
        Routes.load(path, SPEAKS)


def test_a_citys_own_table_decides(tmp_path: Path) -> None:
    routes = load(tmp_path, rule(when='{ region = ["3202", "3205"], kind = "help" }', to='["governance_center"]'))
    assert told(routes.route(facts())) == {CENTER: set()}
    assert told(routes.route(facts(region="110000"))) == {}
    assert told(routes.route(facts(kind="praise"))) == {}
