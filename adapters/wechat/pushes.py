"""What the platform pushes to the message server, document by document (DOMAIN 3.1, 3.2), in its JSON form.

The XML form has the same names; `List` stands there inside an element named after the event. Descriptions are
`English · 中文`: the interface documents are made of them. The door itself reads by `wire.py`, which is more forgiving;
the sandbox sends nothing that is not here.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

Openid = Annotated[str, Field(min_length=1, max_length=128)]
Number = Annotated[
    int | str, Field(description="64-bit number of the message; events have none · 消息编号（64位），事件没有")
]


class Push(BaseModel):
    """What every message and event has. Further fields are normal and passed over."""

    model_config = ConfigDict(extra="allow")

    ToUserName: str = Field(description="the account (gh_…) · 服务号原始ID")
    FromUserName: Openid = Field(description="the citizen's openid · 发送者openid")
    CreateTime: int = Field(description="seconds since 1970; believed within a day · 秒级时间戳，相差一天以内才采信")


class Message(Push):
    """What every message from a citizen has."""

    MsgId: Number


class Text(Message):
    """Words · 文字."""

    MsgType: Literal["text"]
    Content: str = Field(description="the words · 文字内容")


class Image(Message):
    """A picture · 图片."""

    MsgType: Literal["image"]
    PicUrl: str = Field(description="where the picture lies · 图片链接")
    MediaId: str = Field(description="by which it can be fetched for three days · 媒体编号，三天内可取")


class Voice(Message):
    """A recording · 语音."""

    MsgType: Literal["voice"]
    MediaId: str = Field(description="by which it can be fetched for three days · 媒体编号，三天内可取")
    Format: str = Field(description="amr, speex, … · 语音格式")
    Recognition: str | None = Field(default=None, description="what was understood, if anything · 语音识别结果")


class Video(Message):
    """A film · 视频."""

    MsgType: Literal["video"]
    MediaId: str = Field(description="by which it can be fetched for three days · 媒体编号，三天内可取")
    ThumbMediaId: str | None = Field(default=None, description="its thumbnail · 缩略图媒体编号")


class ShortVideo(Message):
    """A short film · 小视频."""

    MsgType: Literal["shortvideo"]
    MediaId: str = Field(description="by which it can be fetched for three days · 媒体编号，三天内可取")
    ThumbMediaId: str | None = Field(default=None, description="its thumbnail · 缩略图媒体编号")


class Location(Message):
    """A place · 位置."""

    MsgType: Literal["location"]
    Location_X: float = Field(description="latitude, GCJ-02 · 纬度")
    Location_Y: float = Field(description="longitude, GCJ-02 · 经度")
    Scale: int = Field(description="zoom of the map · 地图缩放级别")
    Label: str = Field(description="its name · 位置名称")


class Link(Message):
    """An article that was passed on · 链接."""

    MsgType: Literal["link"]
    Title: str = Field(description="its title · 标题")
    Description: str = Field(description="its first words · 描述")
    Url: str = Field(description="where it lies · 链接地址")


class Event(Push):
    """An event has no MsgId: it is known by who, when, and what."""

    MsgType: Literal["event"]


class Subscribe(Event):
    """Somebody follows the account · 关注."""

    Event: Literal["subscribe"]
    EventKey: str | None = Field(default=None, description="qrscene_… or last_trade_no_… · 来源参数")
    Ticket: str | None = Field(default=None, description="of the QR code · 二维码ticket")


class Unsubscribe(Event):
    """Somebody left · 取消关注."""

    Event: Literal["unsubscribe"]


class Scan(Event):
    """A follower scanned a QR code · 已关注者扫码."""

    Event: Literal["SCAN"]
    EventKey: str = Field(description="the code's scene · 场景值")
    Ticket: str | None = Field(default=None, description="of the QR code · 二维码ticket")


class Position(Event):
    """Where a phone reports itself to be · 上报地理位置."""

    Event: Literal["LOCATION"]
    Latitude: float = Field(description="latitude · 纬度")
    Longitude: float = Field(description="longitude · 经度")
    Precision: float = Field(description="metres · 精度")


class Click(Event):
    """A menu entry that asks us · 点击菜单."""

    Event: Literal["CLICK"]
    EventKey: str = Field(description="the entry's key · 菜单KEY")


class View(Event):
    """A menu entry that opens a page · 菜单跳转."""

    Event: Literal["VIEW"]
    EventKey: str = Field(description="the page's address · 跳转地址")


class TemplateSendJobFinish(Event):
    """How a template message fared · 模板消息送达结果."""

    Event: Literal["TEMPLATESENDJOBFINISH"]
    MsgID: int | str = Field(
        validation_alias=AliasChoices("MsgID", "MsgId"),
        description="the msgid that sending it gave; also written MsgId · 发送时的msgid",
    )
    Status: str = Field(description="success, failed:user block, failed: system failed · 送达状态")


class Consent(BaseModel):
    """One template of a consent · 一项授权."""

    TemplateId: str = Field(description="the template · 模板编号")
    SubscribeStatusString: Literal["accept", "reject"] = Field(description="accept or reject · 同意或拒绝")
    PopupScene: str | None = Field(default=None, description="1 H5, 2 article · 弹窗场景")


class SubscribePopup(Event):
    """Somebody agreed or declined in the window that asks · 订阅弹窗."""

    Event: Literal["subscribe_msg_popup_event"]
    List: Consent | list[Consent] = Field(
        description="an object for one, an array for several · 一项为对象，多项为数组"
    )


class SubscribeChange(Event):
    """Somebody withdrew a consent · 取消订阅."""

    Event: Literal["subscribe_msg_change_event"]
    List: Consent | list[Consent] = Field(
        description="an object for one, an array for several · 一项为对象，多项为数组"
    )


class SentOne(BaseModel):
    """How one subscribe message fared · 一条订阅消息的结果."""

    TemplateId: str = Field(description="the template · 模板编号")
    MsgID: int | str = Field(description="the msgid that sending it gave · 发送时的msgid")
    ErrorCode: int | str = Field(description="0: it arrived · 0为成功")
    ErrorStatus: str = Field(description="in words · 文字说明")


class SubscribeSent(Event):
    """How subscribe messages fared · 订阅消息送达结果."""

    Event: Literal["subscribe_msg_sent_event"]
    List: SentOne | list[SentOne] = Field(
        description="an object for one, an array for several · 一项为对象，多项为数组"
    )


class Sealed(BaseModel):
    """A push in safe mode; in compatible mode the clear fields stand beside it · 安全模式与兼容模式的消息体."""

    model_config = ConfigDict(extra="allow")

    ToUserName: str = Field(description="the account · 服务号原始ID")
    Encrypt: str = Field(min_length=1, description="AES-256-CBC, base64 · 密文")


MESSAGES: Mapping[str, type[Message]] = {
    "text": Text,
    "image": Image,
    "voice": Voice,
    "video": Video,
    "shortvideo": ShortVideo,
    "location": Location,
    "link": Link,
}
EVENTS: Mapping[str, type[Event]] = {
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "SCAN": Scan,
    "LOCATION": Position,
    "CLICK": Click,
    "VIEW": View,
    "TEMPLATESENDJOBFINISH": TemplateSendJobFinish,
    "subscribe_msg_popup_event": SubscribePopup,
    "subscribe_msg_change_event": SubscribeChange,
    "subscribe_msg_sent_event": SubscribeSent,
}
"""The events with a document of their own; the others of `[events] unused` are read by their name alone."""


def check(fields: Mapping[str, Any]) -> None:
    """Whether a push is one that the documents know. Raises `ValueError` (pydantic's)."""
    flat = {name: value["List"] if isinstance(value, Mapping) else value for name, value in fields.items()}
    listed = {"List" if isinstance(fields[name], Mapping) else name: value for name, value in flat.items()}
    kind, event = str(fields["MsgType"]), str(fields.get("Event", ""))
    model: type[Push] | None = MESSAGES.get(kind) or EVENTS.get(event)
    if model is not None:
        model.model_validate(listed)
