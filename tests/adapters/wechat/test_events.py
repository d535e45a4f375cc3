"""Events: welcome, the fate of a message, and all that is kept without being used."""

import pytest

from bridge.adapter import Acknowledgement, Ignored
from tests.adapters.wechat.support import (
    Core,
    inbound,
    request,
    xml,
)


def test_welcome() -> None:
    core = Core(inbound())
    reading = core.read(request(xml("event", Event="subscribe", EventKey="qrscene_5")))
    assert isinstance(reading, Ignored)
    assert reading.reason == "event:subscribe"
    assert reading.message_key.startswith("event:sha256:")  # type: ignore[union-attr]
    assert "欢迎关注" in reading.response.body.decode()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("unsubscribe", "unused_event:unsubscribe"),
        ("VIEW", "unused_event:view"),
        ("SCAN", "unused_event:scan"),
        ("LOCATION", "unused_event:location"),
        ("subscribe_msg_popup_event", "unused_event:subscribe_msg_popup_event"),
        ("subscribe_msg_change_event", "unused_event:subscribe_msg_change_event"),
        ("subscribe_msg_sent_event", "unused_event:subscribe_msg_sent_event"),
        ("CLICK", "unknown_menu_key"),
        ("brand_new_event", "unknown_event:brand_new_event"),
    ],
)
def test_events_that_are_not_used(name: str, reason: str) -> None:
    reading = Core(inbound()).read(request(xml("event", Event=name)))
    assert isinstance(reading, Ignored)
    assert (reading.reason, reading.response.body) == (reason, b"success")


def test_an_unknown_type_is_kept() -> None:
    reading = Core(inbound()).read(request(xml("hologram", MsgId="5")))
    assert isinstance(reading, Ignored)
    assert (reading.reason, reading.message_key) == ("unknown_type:hologram", "msg:5")


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        ("success", None),
        ("failed:user block", "user_block"),
        ("failed: system failed", "system_failed"),
        ("failed:system failed", "system_failed"),
        ("failed", "failed"),
        ("", "failed"),
        ("失败", "failed"),
    ],
)
@pytest.mark.parametrize("spelling", ["MsgID", "MsgId"])
def test_the_fate_of_a_message(status: str, failure: str | None, spelling: str) -> None:
    body = xml("event", Event="TEMPLATESENDJOBFINISH", Status=status, **{spelling: "200163836"})
    core = Core(inbound())
    reply = core.answer(request(body)).body
    (fate,) = core.drafts
    assert isinstance(fate, Acknowledgement)
    assert (fate.receipt, fate.failure, reply) == ("200163836", failure, b"success")
