"""Each system is given what its manifest declares, and a confidential petitioner is known to none that hands on."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from adapters.registry import MANIFESTS
from bridge.adapter import EVERY_NEED, IDENTITY, Manifest, Need
from bridge.minimum import Minimum
from bridge.prose import mask_words
from schemas.event import Event, EventData, EventType
from schemas.petition import Attachment, HandlingClass, Petition, Petitioner, Place, Secretary

NAME, PHONE, OPENID = "钱多多", "13900001234", "oABCD-1234567890abcdefghijklm"
ADDRESS = "幸福路8号2单元301"
BY_SYSTEM = {manifest.system: manifest for manifest in MANIFESTS}


def petition(*, confidential: bool = False, anonymous: bool = False) -> Petition:
    return Petition(
        petition_id="LT261125-AAAAAAAAAA",
        source="wechat",
        title=f"{NAME}反映路灯不亮",
        content=f"我叫{NAME}，电话 139 0000 1234，路灯不亮",
        petitioner=Petitioner(
            name=NAME, phone=PHONE, openid=OPENID, confidential=confidential, anonymous=anonymous
        ),
        place=Place(street="古槐街道", address=ADDRESS, longitude=116.6, latitude=35.4),
        secretary=Secretary(id="S-1", name="沈静", team_id="T-07"),
        attachments=(Attachment(name="照片.jpg", url="https://files.example.cn/1"),),
        handling_class=HandlingClass.HOTLINE_TRANSFER,
        state="submitted",
        submitted_at=datetime(2026, 11, 25, tzinfo=UTC),
    )  # fmt: skip


def event(text: str = f"已联系{NAME}（１３９－００００－１２３４）") -> Event:
    at = datetime(2026, 11, 25, tzinfo=UTC)
    return Event(
        event_id=UUID(int=1), petition_id="LT261125-AAAAAAAAAA", sequence=2, type=EventType.REPLIED,
        source="hotline12345", occurred_at=at, recorded_at=at, data=EventData(text=text, raw=f'{{"tel": "{PHONE}"}}'),
    )  # fmt: skip


def given_to(needs: frozenset[Need], clear: Petition) -> Petition:
    return Minimum(needs, needs, mask_words).given(clear, event())[0]


@pytest.mark.parametrize(
    ("need", "word"),
    [
        (Need.NAME, NAME), (Need.PHONE, f'"{PHONE}"'), (Need.OPENID, OPENID), (Need.ADDRESS, ADDRESS),
        (Need.COORDINATES, "116.6"), (Need.SECRETARY, "沈静"), (Need.ATTACHMENTS, "照片"),
    ],
)  # fmt: skip
def test_what_is_not_needed_is_not_given(need: Need, word: str) -> None:
    clear = petition().model_copy(update={"title": "", "content": "路灯不亮"})
    assert word in given_to(EVERY_NEED, clear).model_dump_json()
    assert word not in given_to(EVERY_NEED - {need}, clear).model_dump_json()


def test_every_need_has_a_test_above() -> None:
    marks = test_what_is_not_needed_is_not_given.pytestmark
    assert {need for need, _ in marks[0].args[1]} == EVERY_NEED


def test_what_is_needed_is_given_as_it_is() -> None:
    clear = petition()
    assert given_to(EVERY_NEED, clear) == clear


def test_what_nobody_understood_is_told_to_no_system() -> None:
    _, told = Minimum(EVERY_NEED, EVERY_NEED, mask_words).given(petition(), event())
    assert told.data.raw is None
    assert told.data.text == event().data.text


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest.system)
@pytest.mark.parametrize("hidden", [{"confidential": True}, {"anonymous": True}], ids=["confidential", "anonymous"])
def test_a_hidden_petitioner_is_known_to_no_system_that_hands_on(manifest: Manifest, hidden: dict[str, bool]) -> None:
    told, said = Minimum.of(manifest, mask_words).given(petition(**hidden), event())
    everything = f"{told.model_dump_json()} {said.model_dump_json()}"
    for word in (NAME, PHONE, "139 0000 1234", "１３９－００００－１２３４"):
        assert word not in everything
    assert (OPENID in everything) == (manifest.system == "wechat"), "only the messenger may reach them"
    assert "路灯不亮" in told.content


@pytest.mark.parametrize("system", ["hotline12345", "governance_center"])
def test_what_identifies_somebody_by_its_form_is_struck_for_a_hidden_petitioner(system: str) -> None:
    words = "我的身份证号11010819900307771X，家人电话13811112222，路灯不亮"
    unnamed = petition(anonymous=True).model_copy(update={"content": words, "petitioner": Petitioner(anonymous=True)})
    said = event().model_copy(update={"data": EventData(text=words, person=NAME)})
    told, news = Minimum.of(BY_SYSTEM[system], mask_words).given(unnamed, said)
    for text in (told.content, news.data.text or ""):
        assert "11010819900307771X" not in text
        assert "13811112222" not in text
        assert "路灯不亮" in text
    _, news = Minimum.of(BY_SYSTEM[system], mask_words).given(petition(confidential=True), said)
    assert NAME not in (news.data.person or "")
    assert petition().content == Minimum.of(BY_SYSTEM[system], mask_words).petition(petition()).content


def test_the_messenger_reads_no_numbers_in_a_petition_and_says_what_a_unit_wrote() -> None:
    told, said = Minimum.of(BY_SYSTEM["wechat"], mask_words).given(petition(), event("请拨打0537-2345678，找张工"))
    assert NAME not in told.title + told.content
    assert "0000" not in told.content
    assert "路灯不亮" in told.content
    assert said.data.text == "请拨打0537-2345678，找张工"
    _, said = Minimum.of(BY_SYSTEM["wechat"], mask_words).given(petition(confidential=True), said)
    assert said.data.text == "请拨打0537-2345678，找张工", "the petitioner needs it, confidential or not"
    by_petitioner = event().model_copy(update={"actor": "petitioner", "data": EventData(text=f"我的电话{PHONE}")})
    assert PHONE not in (
        Minimum.of(BY_SYSTEM["wechat"], mask_words).given(petition(), by_petitioner)[1].data.text or ""
    )


def test_a_title_cut_through_a_number_shows_no_half_of_it() -> None:
    content = "我的身份证号11010819900307771X，路灯不亮"
    cut = petition(confidential=True).model_copy(update={"title": content[:16] + "…", "content": content})
    told = Minimum.of(BY_SYSTEM["hotline12345"], mask_words).petition(cut)
    assert told.title.startswith("我的身份证号")
    assert told.title.endswith("…")
    assert "19900307" not in told.title
    assert len(told.title) == len(cut.title)


def test_news_brings_no_more_than_the_petition_does() -> None:
    files, place = (Attachment(name="照片.jpg", url="https://files.example.cn/1"),), Place(address=ADDRESS)
    said = event().model_copy(update={"data": EventData(place=place, attachments=files)})
    none = Minimum(frozenset(), frozenset(), mask_words)
    _, told = none.given(petition(), said)
    assert told.data.place == Place()
    assert told.data.attachments == ()
    assert Minimum(EVERY_NEED, EVERY_NEED, mask_words).given(petition(), said)[1] == said


def test_only_the_messenger_gets_the_identity_of_a_hidden_petitioner() -> None:
    given = {name: manifest.needs_confidential & IDENTITY for name, manifest in BY_SYSTEM.items()}
    assert given == {"hotline12345": set(), "governance_center": set(), "wechat": {Need.OPENID}}
