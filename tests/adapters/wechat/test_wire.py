"""Every message and event in the shape the platform writes it, and every way in which a body can be malformed."""

from collections.abc import Mapping

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.wechat import markup, wire
from bridge.adapter import Malformed, Refused
from tests.adapters.wechat.support import NOW, OPENID, Core, inbound, request, text, xml

HEAD = "<ToUserName>gh</ToUserName><FromUserName>oA</FromUserName><CreateTime>1795311000</CreateTime>"


def body(inner: str, head: str = HEAD) -> bytes:
    return f"<xml>{head}{inner}</xml>".encode()


def said(content: str) -> str:
    return f"<MsgType>text</MsgType><Content>{content}</Content><MsgId>1</MsgId>"


# ── samples ──

SAMPLES: list[tuple[str, dict[str, str]]] = [
    ("text", {"Content": "this is a test", "MsgId": "1234567890123456"}),
    ("image", {"PicUrl": "http://p.example.invalid/1", "MediaId": "m", "MsgId": "1"}),
    ("voice", {"MediaId": "m", "Format": "amr", "Recognition": "路灯坏了", "MsgId": "2"}),
    ("video", {"MediaId": "m", "ThumbMediaId": "t", "MsgId": "3"}),
    ("shortvideo", {"MediaId": "m", "ThumbMediaId": "t", "MsgId": "4"}),
    (
        "location",
        {"Location_X": "23.134521", "Location_Y": "113.358803", "Scale": "20", "Label": "位置信息", "MsgId": "5"},
    ),
    ("link", {"Title": "t", "Description": "d", "Url": "http://u.example.invalid", "MsgId": "6"}),
    ("event", {"Event": "subscribe"}),
    ("event", {"Event": "subscribe", "EventKey": "qrscene_5", "Ticket": "T"}),
    ("event", {"Event": "unsubscribe"}),
    ("event", {"Event": "SCAN", "EventKey": "5", "Ticket": "T"}),
    ("event", {"Event": "LOCATION", "Latitude": "35.4", "Longitude": "116.6", "Precision": "119.3"}),
    ("event", {"Event": "CLICK", "EventKey": "PROGRESS"}),
    ("event", {"Event": "VIEW", "EventKey": "www.example.invalid"}),
    ("event", {"Event": "TEMPLATESENDJOBFINISH", "MsgID": "200163836", "Status": "success"}),
]


@pytest.mark.parametrize(("kind", "fields"), SAMPLES)
def test_xml_and_json_give_the_same_message(kind: str, fields: dict[str, str]) -> None:
    from_xml = wire.message(xml(kind, **fields))
    head = {"ToUserName": from_xml.account, "FromUserName": OPENID, "CreateTime": 1795311000, "MsgType": kind}
    numbers = {name: int(value) for name, value in fields.items() if name in {"MsgId", "MsgID"}}
    from_json = wire.message(orjson.dumps({**head, **fields, **numbers}))
    assert from_xml.fields == from_json.fields
    assert (from_xml.dialect, from_json.dialect) == ("xml", "json")
    assert from_xml.key == from_json.key
    assert {name: from_xml.get(name) for name in fields} == fields


POPUP = (
    "<MsgType>event</MsgType><Event>subscribe_msg_popup_event</Event>"
    "<SubscribeMsgPopupEvent>{}</SubscribeMsgPopupEvent>"
)
ENTRY = (
    "<List><TemplateId>T{}</TemplateId><SubscribeStatusString>accept</SubscribeStatusString>"
    "<PopupScene>1</PopupScene></List>"
)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_list_is_one_or_many_in_either_format(count: int) -> None:
    entries = [{"TemplateId": f"T{n}", "SubscribeStatusString": "accept", "PopupScene": "1"} for n in range(count)]
    from_xml = wire.message(body(POPUP.format("".join(ENTRY.format(n) for n in range(count)))))
    head = {"ToUserName": "gh", "FromUserName": "oA", "CreateTime": 1795311000, "MsgType": "event"}
    document = {**head, "Event": "subscribe_msg_popup_event", "List": entries if count > 1 else entries[0]}
    assert list(from_xml.items) == list(wire.message(orjson.dumps(document)).items) == entries


@pytest.mark.parametrize("number", [2**63 - 1, 2**64, 1])
def test_message_ids_stay_exact(number: int) -> None:
    head = {"FromUserName": "oA", "MsgType": "text", "Content": "x"}
    assert wire.message(orjson.dumps(head)[:-1] + b',"MsgId":%d}' % number).key == f"msg:{number}"
    assert wire.message(text("x", str(number))).key == f"msg:{number}"


def test_two_events_of_one_second_are_two() -> None:
    clicks = [wire.message(xml("event", Event="CLICK", EventKey=key)).key for key in ("A", "B")]
    fates = [wire.message(xml("event", Event="TEMPLATESENDJOBFINISH", MsgID=n, Status="success")).key for n in "12"]
    assert len({*clicks, *fates}) == 4
    assert clicks[0] == wire.message(xml("event", Event="CLICK", EventKey="A")).key
    assert OPENID not in "".join(clicks)


def test_a_message_without_number_still_has_a_key() -> None:
    keys = {wire.message(xml(Content=content)).key for content in ("一", "二", "一")}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("created", "expected"),
    [("1795310990", 1795310990), ("1348831860", None), ("2024-01-01 00:00:00", None), ("9" * 30, None), ("", None)],
)
def test_a_clock_that_is_far_off_is_not_believed(created: str, expected: int | None) -> None:
    found = wire.message(xml(Content="x").replace(b"1795311000", created.encode()))
    assert found.created(NOW).timestamp() == (expected or NOW.timestamp())


# ── what may look odd and is read ──


@pytest.mark.parametrize(
    ("raw", "content"),
    [
        (body(said("ab<!-- x -->cd")), "abcd"),
        (body(said("<![CDATA[a]]]]><![CDATA[>b]]>")), "a]]>b"),
        (body(said("<![CDATA[</Content><MsgType>event</MsgType>]]>")), "</Content><MsgType>event</MsgType>"),
        (body(said("<![CDATA[a\x01\x08b]]>")), "a\x01\x08b"),
        (body(said("<![CDATA[a\x00b\r\nc\rd\te]]>")), "a\x00b\r\nc\rd\te"),
        (body(said("<![CDATA[\ufffe\uffff]]>")), "\ufffe\uffff"),
        (body(said("😀👨\u200d👩\ue415/::)[微笑]")), "😀👨\u200d👩\ue415/::)[微笑]"),
        (body(said("  路灯  \n")), "  路灯  \n"),
        (body(said("&lt;b&gt; &#36335;&#x706F;")), "<b> 路灯"),
        (b"\xef\xbb\xbf\r\n " + body(said("hi")) + b"\r\n", "hi"),
        (b"\xef\xbb\xbf" + body(said("路灯")), "路灯"),
        (b'<?xml version="1.0" encoding="UTF-8"?>\n' + body(said("路灯")), "路灯"),
        (b'<?xml version="1.0" encoding="GBK"?>' + body(said("路灯坏了")).decode().encode("gbk"), "路灯坏了"),
        (b"<?xml version='1.0' encoding='gb2312'?>" + body(said("路灯")).decode().encode("gbk"), "路灯"),
        (b"\xff\xfe" + body(said("路灯")).decode().encode("utf-16-le"), "路灯"),
        (b"\xfe\xff" + body(said("路灯")).decode().encode("utf-16-be"), "路灯"),
        (body(said("hi").replace("<MsgType>", '<MsgType type="event">')), "hi"),
        (b'\xef\xbb\xbf{"FromUserName":"oA","MsgType":"text","Content":"a\\u0000b","MsgId":1}', "a\x00b"),
    ],
)
def test_read_to_the_letter(raw: bytes, content: str) -> None:
    assert wire.message(raw).get("Content") == content


@given(
    content=st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="".join(map(chr, range(0x10FF00, 0x10FF22))))
    )
)
def test_any_text_comes_out_as_it_went_in(content: str) -> None:
    assert wire.message(text(content)).get("Content") == content


# ── malformed ──

BOMB = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "lol"}">' for n in range(9))

MALFORMED: Mapping[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "blank": (b" \r\n\t", "empty"),
    "bom_only": (b"\xef\xbb\xbf", "empty"),
    "truncated": (text("路灯坏了")[:80], "well-formed"),
    "two_roots": (text("a") + text("b"), "well-formed"),
    "other_root": (b"<root><MsgType>text</MsgType></root>", "root"),
    "login_page": ("<!DOCTYPE html><html><head><title>登录</title></head></html>".encode(), "DTD"),
    "html_without_doctype": (b"<html><body>502 Bad Gateway</body></html>", "root"),
    "billion_laughs": (f"<!DOCTYPE xml [{BOMB}]><xml>&a8;</xml>".encode(), "DTD"),
    "external_file": (b'<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + body(said("&x;")), "DTD"),
    "external_http": (b'<!DOCTYPE xml [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]>' + body(said("&x;")), "DTD"),
    "parameter_entity": (b'<!DOCTYPE xml [<!ENTITY % p SYSTEM "http://127.0.0.1:9/e"> %p;]>' + body(said("hi")), "DTD"),
    "unknown_entity": (body(said("&x;")), "well-formed"),
    "xinclude": (
        b'<xml xmlns:xi="http://www.w3.org/2001/XInclude"><Content><xi:include href="file:///etc/hostname"/></Content></xml>',
        "namespaces",
    ),
    "namespace": (b'<xml xmlns="http://evil.example/ns"><MsgType>text</MsgType></xml>', "namespaces"),
    "deep": (b"<xml>" + b"<a>" * 20000 + b"</a>" * 20000 + b"</xml>", "nested"),
    "many": (b"<xml><l>" + b"<a/>" * 3000 + b"</l></xml>", "too many"),
    "large": (body(said("灯" * 400_000)), "1 MiB"),
    "nul_entity": (body(said("a&#0;b")), "well-formed"),
    "lone_surrogate": (body(said("&#xD83D;")), "well-formed"),
    "gbk_undeclared": (body(said("路灯坏了")).decode().encode("gbk"), "GBK"),
    "gbk_json": ('{"FromUserName":"oA","MsgType":"text","Content":"路灯"}'.encode("gbk"), "UTF-8"),
    "not_gbk": (b'<?xml version="1.0" encoding="GBK"?><xml><Content>\xff\xff</Content></xml>', "gb18030"),
    "utf7": (b'<?xml version="1.0" encoding="UTF-7"?>' + body(said("+ADw-")), "declared encoding"),
    "ebcdic": (b'<?xml version="1.0" encoding="cp037"?>' + body(said("x")), "declared encoding"),
    "utf16_without_bom": (body(said("x")).decode().encode("utf-16-le"), "well-formed"),
    "sender_twice": (body("<FromUserName>oB</FromUserName>" + said("x")), "FromUserName stands there twice"),
    "no_sender": (body(said("x"), head=""), "FromUserName"),
    "no_type": (body("<Content>x</Content>"), "MsgType"),
    "all_empty": (b"<xml><ToUserName/><FromUserName/><CreateTime/><MsgType/><Content/><MsgId/></xml>", "MsgType"),
    "control_in_sender": (body(said("x")).replace(b">oA<", b">o\x01A<"), "FromUserName"),
    "no_event": (body("<MsgType>event</MsgType>"), "Event"),
    "float_number": (b'{"FromUserName":"oA","MsgType":"text","Content":"x","MsgId":1.5e18}', "MsgId"),
    "long_number": (b'{"FromUserName":"oA","MsgType":"text","MsgId":' + b"9" * 5000 + b"}", ""),
    "mixed_planes": (body(said("\x01\U0010ff01")), "control characters"),
    "json_array": (b"[1]", "well-formed"),
    "json_nan": (b'{"FromUserName":"oA","MsgType":"text","CreateTime":NaN}', "JSON"),
    "json_deep": (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "JSON"),
    "json_surrogate": (b'{"FromUserName":"oA","MsgType":"text","Content":"\\ud83d"}', "JSON"),
    "json_truncated": (b'{"FromUserName":"oA"', "JSON"),
    "not_markup": (b"Content=hi&MsgType=text", "well-formed"),
    "too_long_a_text": (b'{"FromUserName":"oA","MsgType":"text","Content":"' + b"x" * 100_001 + b'"}', "longer"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_is_told_clearly_and_kept(name: str) -> None:
    raw, says = MALFORMED[name]
    reading = Core(inbound()).read(request(raw))
    assert isinstance(reading, Malformed)
    assert reading.response.status == 400
    assert says in reading.reason
    assert reading.response.body.decode() == reading.reason
    assert "路灯" not in reading.reason


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_without_signature_is_only_refused(name: str) -> None:
    assert isinstance(inbound().read(request(MALFORMED[name][0], {})).reading, Refused)


@given(
    raw=st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=60).map(lambda b: b"<xml>" + b + b"</xml>"),
        st.binary(max_size=60).map(lambda b: b"{" + b),
    )
)
def test_no_bytes_make_a_door_fall(raw: bytes) -> None:
    assert Core(inbound()).answer(request(raw)).status in {200, 400}


def test_limits_hold_while_parsing() -> None:
    with pytest.raises(markup.BadMarkup, match="nested"):
        markup.read(b"<xml>" + b"<a>" * 100_000)
