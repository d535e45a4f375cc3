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
        ("subscribe_msg_sent_event", "delivery_without_number"),
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
    assert fate.another_way == ({"failed:200163836": failure} if failure else {})


ENTRY = (
    "<List><TemplateId>t</TemplateId><MsgID>{n}</MsgID>"
    "<ErrorCode>{code}</ErrorCode><ErrorStatus>{said}</ErrorStatus></List>"
)


def subscribed(*entries: tuple[int, str, str]) -> bytes:
    lists = "".join(ENTRY.format(n=n, code=code, said=said) for n, code, said in entries)
    head, _, tail = xml("event", Event="subscribe_msg_sent_event").decode().rpartition("</xml>")
    return f"{head}<SubscribeMsgSentEvent>{lists}</SubscribeMsgSentEvent></xml>{tail}".encode()


def test_the_fates_of_subscribe_messages() -> None:
    core = Core(inbound())
    assert core.answer(request(subscribed((71, "0", "success"), (72, "-1", "system failed")))).body == b"success"
    one, two = core.drafts
    assert isinstance(one, Acknowledgement)
    assert isinstance(two, Acknowledgement)
    assert (one.receipt, one.failure, one.another_way) == ("71", None, {})
    assert (two.receipt, two.failure, two.another_way) == ("72", "system_failed", {"failed:72": "system_failed"})
    assert one.message_key != two.message_key


def test_the_fate_of_one_subscribe_message_in_json() -> None:
    body = (
        b'{"ToUserName":"gh","FromUserName":"oA","CreateTime":1,"MsgType":"event","Event":"subscribe_msg_sent_event",'
        b'"List":{"TemplateId":"t","MsgID":"1700827132819554304","ErrorCode":"0","ErrorStatus":"success"}}'
    )
    core = Core(inbound())
    core.answer(request(body))
    assert [(fate.receipt, fate.failure) for fate in core.acknowledged] == [("1700827132819554304", None)]
