"""The demo's invented petitions: the same for a seed, whole, varied, and nobody's personal data."""

import re
import subprocess
import sys
import unicodedata
from collections import Counter
from dataclasses import asdict
from datetime import date, datetime, timedelta

import orjson
import pytest

from bridge.demo import petitions as demo
from bridge.demo.petitions import DemoPetition, petitions
from schemas.petition import HandlingClass, Kind, PetitionDocument

DOORS = {"form", "rest", "wechat", "hotline12345", "governance_center"}
KEYS = {
    *("external_id", "kind", "handling_class", "title", "content", "petitioner", "place", "category", "urgency"),
    *("secretary", "lead_unit", "assist_units", "attachments", "occurred_at"),
}
IMPORTS = "import hashlib, orjson; from bridge.demo.petitions import petitions"
DIGEST = "print(hashlib.sha256(orjson.dumps([p.document for p in petitions(300)])).hexdigest())"


@pytest.fixture(scope="module")
def many() -> list[DemoPetition]:
    return petitions(300)


@pytest.fixture(scope="module")
def texts() -> list[demo.BasePetition]:
    return demo._library()["petitions"]


def test_the_same_seed_gives_the_same_petitions(many: list[DemoPetition]) -> None:
    assert petitions(300) == many
    assert [p.document for p in petitions(300, seed=6)] != [p.document for p in many]


def test_two_processes_give_the_same_petitions() -> None:
    def digest(hash_seed: str) -> str:
        command = [sys.executable, "-c", f"{IMPORTS}\n{DIGEST}"]
        env = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout

    assert digest("1") == digest("2") != ""


@pytest.mark.parametrize("count", [0, 1, 30, 300, 1000])
def test_as_many_as_asked_each_with_its_own_number(count: int) -> None:
    found = petitions(count)
    assert len({p.external_id for p in found}) == len(found) == count


def test_the_numbers_of_two_seeds_differ(many: list[DemoPetition]) -> None:
    assert not {p.external_id for p in many} & {p.external_id for p in petitions(300, seed=6)}


def test_every_document_is_a_whole_petition_document(many: list[DemoPetition]) -> None:
    for petition in many:
        assert petition.document.keys() == KEYS
        read = PetitionDocument.model_validate_json(orjson.dumps(petition.document), strict=True)
        assert read.petitioner.reachable or read.petitioner.anonymous
        assert read.content.endswith(petition.base["content"])
        assert read.occurred_at is not None
        assert read.occurred_at.utcoffset() == timedelta(hours=8)


def test_the_times_are_of_the_day_and_in_order(many: list[DemoPetition]) -> None:
    moments = [datetime.fromisoformat(p.occurred_at) for p in many]
    assert moments == sorted(moments)
    assert {m.date() for m in moments} == {demo.VISIT_DAY}
    assert petitions(1, day=date(2027, 1, 5))[0].occurred_at.startswith("2027-01-05T")


def test_the_numbers_of_two_days_differ(many: list[DemoPetition]) -> None:
    assert not {p.external_id for p in many} & {p.external_id for p in petitions(300, day=date(2026, 11, 25))}


@pytest.mark.parametrize("seed", range(20))
def test_thirty_petitions_show_every_door_and_class(seed: int) -> None:
    found = petitions(30, seed)
    assert {p.door for p in found} == DOORS
    assert {p.base["handling_class"] for p in found} == set(HandlingClass)


def test_the_doors_share_the_petitions_as_they_should(many: list[DemoPetition]) -> None:
    assert Counter(p.door for p in many) == {
        "form": 150,
        "hotline12345": 45,
        "wechat": 45,
        "governance_center": 30,
        "rest": 30,
    }
    assert {p.base["kind"] for p in many} == {kind.zh for kind in Kind}


def test_every_text_comes_before_any_comes_too_often(many: list[DemoPetition], texts: list[demo.BasePetition]) -> None:
    waves = Counter(p.base["key"] for p in many)
    assert set(waves) == {text["key"] for text in texts}
    assert max(waves.values()) < 8


def test_a_neighbour_brings_the_same_trouble_from_another_address(many: list[DemoPetition]) -> None:
    for petition in many:
        same = petition.wave == 0
        assert (petition.content == petition.base["content"]) is same
        assert (petition.place == petition.base["place"]) is same
    addresses = {(p.base["key"], p.place["address"]) for p in many}
    assert len(addresses) > len({key for key, _ in addresses}) * 1.5


def test_only_a_secretary_solves_on_the_spot_or_sends_home(many: list[DemoPetition]) -> None:
    for petition in many:
        by_secretary = petition.door in {"form", "rest"}
        assert (petition.secretary is not None) is by_secretary
        assert by_secretary or petition.base["handling_class"] not in {"on_site", "home_unit"}
        if petition.base["handling_class"] == "home_unit":
            assert petition.secretary is not None
            assert petition.secretary.home_unit == petition.document["lead_unit"]


def test_a_secretary_is_one_person_of_one_team_whatever_the_seed() -> None:
    found = [p.secretary for seed in range(4) for p in petitions(300, seed) if p.secretary]
    assert len({s.id for s in found}) == len(set(found)) > 50
    assert all(re.fullmatch(r"S\d{5}", s.id) and re.fullmatch(r"T\d{4}", s.team_id) for s in found)


def test_a_message_to_the_service_account_is_short_and_can_be_answered(many: list[DemoPetition]) -> None:
    for petition in (p for p in many if p.door == "wechat"):
        assert petition.petitioner.openid
        assert not petition.petitioner.anonymous
        assert petition.base["handling_class"] == "hotline_transfer"
        assert petition.document["lead_unit"] is None
        assert len(petition.content.encode()) <= 2048


def test_some_are_anonymous_some_confidential_some_without_openid(many: list[DemoPetition]) -> None:
    anonymous = [p.petitioner for p in many if p.petitioner.anonymous]
    assert 5 <= len(anonymous) <= 40
    assert all(p.name is p.phone is p.openid is None for p in anonymous)
    assert 10 <= sum(p.petitioner.confidential for p in many) <= 80
    assert 50 <= sum(p.petitioner.openid is None for p in many) <= 200
    assert all(p.petitioner.confidential for p in many if p.base["confidential"])


def test_openids_look_like_the_platforms(many: list[DemoPetition]) -> None:
    openids = [p.petitioner.openid for p in many if p.petitioner.openid]
    assert all(re.fullmatch(r"oDemo[\w-]{23}", openid, re.ASCII) for openid in openids)
    assert len(set(openids)) == len(openids)


def test_nobody_shares_a_phone() -> None:
    phones = [p.petitioner.phone for p in petitions(3000) if p.petitioner.phone]
    assert len(set(phones)) == len(phones) > 2000


def test_no_phone_or_identity_number_could_be_someones(many: list[DemoPetition]) -> None:
    for petition in many:
        said = [petition.content, petition.reply, petition.progress, petition.on_site_result or ""]
        text = unicodedata.normalize("NFKC", "\n".join([*said, str(petition.petitioner.phone)]))
        for phone in re.findall(r"(?<!\d)1[3-9]\d{9}(?!\d)", text):
            assert phone.startswith("1390000"), petition.base["key"]
        assert not re.search(r"\d{12}|\d{3,4}-\d{7,8}|(?<!\d)[2-9]\d{6,7}(?!\d)", text), petition.base["key"]


def test_each_text_is_told_to_its_end(texts: list[demo.BasePetition]) -> None:
    assert len({text["key"] for text in texts}) == len({text["content"] for text in texts}) == len(texts) >= 90
    for text in texts:
        assert 12 <= len(text["content"]) <= 1500, text["key"]
        assert 80 <= len(text["reply"]) <= 300, text["key"]
        assert text["progress"], text["key"]
        assert bool(text["on_site_result"]) is (text["handling_class"] == "on_site"), text["key"]
        assert bool(text["lead_unit"]) is (text["handling_class"] != "on_site"), text["key"]
        assert (2 <= len(text["assist_units"]) <= 4) is (text["handling_class"] == "joint_package"), text["key"]
        assert text["place"]["grid"].startswith(text["place"]["region_code"]), text["key"]


def test_the_texts_hold_what_breaks_careless_software(texts: list[demo.BasePetition]) -> None:
    everything = "".join(text["content"] for text in texts)
    for piece in ("\u3000", "\u00a0", "\u200b", "_x000D_", "\n", "😡", "🙏", "①", "“", "１", "䶮", "𠮷", "㙓"):
        assert piece in everything, repr(piece)


def test_one_category_code_has_one_name(texts: list[demo.BasePetition]) -> None:
    pairs = {(text["category"]["code"], text["category"]["name"]) for text in texts}
    assert len({code for code, _ in pairs}) == len({name for _, name in pairs}) == len(pairs)


def test_a_document_can_be_changed_without_changing_the_petition(many: list[DemoPetition]) -> None:
    before = asdict(many[0])
    document = many[0].document
    document["place"]["street"] = document["petitioner"]["name"] = "改"
    document["assist_units"].append("改")
    assert asdict(many[0]) == before
