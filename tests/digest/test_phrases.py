"""Labels: words that many used in many places, and never a name, a number or a sentence."""

from bridge.digest.phrases import Commons, label
from bridge.prose import mask

NOISE = [f"{place}社区张大彪的工地夜间施工噪声扰民，电话一三九" for place in "甲乙丙丁戊己"]
CITY = [*NOISE, "夜间施工噪声大", "施工车辆多", "噪声扰民严重", "夜间施工太吵", "供水不足", "道路破损"]
PLACES = [f"{at}号社区" for at in range(len(CITY))]


def told(texts: list[str], places: list[str], **more: object) -> list[str]:
    said = {f"p{at}": [text] for at, text in enumerate(texts)}
    options = {"k": 5, "places": 3, "mask": mask, **more}
    return label(said, Commons(CITY, places), **options)  # type: ignore[arg-type]  # the test's own defaults


def test_a_label_is_what_many_said() -> None:
    assert "夜间施工噪声扰民" in told(NOISE, PLACES)


def test_what_is_said_in_one_community_only_is_no_label() -> None:
    """张大彪 is named by six people, but only where he lives."""
    one_place = ["柳岸社区"] * len(NOISE) + PLACES[len(NOISE) :]
    phrases = told(NOISE, one_place)
    assert phrases
    assert not any("大彪" in phrase for phrase in phrases)


def test_a_petitioners_name_is_no_label_wherever_it_was_said() -> None:
    assert any("张大彪" in phrase for phrase in told(NOISE, PLACES))
    assert not any("大彪" in phrase for phrase in told(NOISE, PLACES, names=["张大彪"]))


def test_fewer_than_k_people_make_no_label() -> None:
    assert told(NOISE[:4], PLACES) == []
    assert label({"one": NOISE}, Commons(CITY, PLACES), k=5, places=3) == []


def test_numbers_make_no_label() -> None:
    assert not any(char in phrase for phrase in told(NOISE, PLACES) for char in "0123456789一三九")
