"""The documents we send and the answers we get, exactly as the platform writes them (DOMAIN 3.3, 3.4)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Openid = Annotated[str, Field(min_length=1, max_length=128)]
FIELD_NAME = r"^(thing|character_string|phrase|time|date|name)[0-9]{1,2}$"


class Wire(BaseModel):
    """A document of the platform's API: no field of our own invention."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Value(Wire):
    """One field of a template."""

    value: str = Field(min_length=1)


FieldName = Annotated[str, Field(pattern=FIELD_NAME)]


class TokenRequest(Wire):
    """`POST /cgi-bin/stable_token`."""

    grant_type: Literal["client_credential"] = "client_credential"
    appid: str
    secret: str
    force_refresh: bool = False


class TokenAnswer(BaseModel):
    """Its answer; an error has `errcode` instead."""

    access_token: str = Field(min_length=1, max_length=512)
    expires_in: int = Field(gt=0, le=7200)


class TemplateMessage(Wire):
    """`POST /cgi-bin/message/template/send`."""

    touser: Openid
    template_id: str = Field(min_length=1)
    client_msg_id: str | None = Field(default=None, min_length=1, max_length=32)
    url: str | None = None
    data: dict[FieldName, Value] = Field(min_length=1)


class SubscribeMessage(Wire):
    """`POST /cgi-bin/message/subscribe/bizsend`: no key of ours can go with it."""

    touser: Openid
    template_id: str = Field(min_length=1)
    page: str | None = None
    data: dict[FieldName, Value] = Field(min_length=1)


class Words(Wire):
    """The words of a text message."""

    content: str = Field(min_length=1)


class CustomMessage(Wire):
    """`POST /cgi-bin/message/custom/send`: a customer-service message."""

    touser: Openid
    msgtype: Literal["text"] = "text"
    text: Words


class Answer(BaseModel):
    """What every call is answered with. `msgid`: only template messages, and subscribe messages of newer accounts."""

    errcode: int
    errmsg: str
    msgid: int | str | None = None


# ── what we answer a push with ──


class Reply(Wire):
    """The passive reply, in its JSON form; the XML form has the same names."""

    ToUserName: Openid
    FromUserName: str
    CreateTime: int
    MsgType: Literal["text"] = "text"
    Content: str = Field(max_length=2047)


class SealedReply(Wire):
    """The same in safe mode, sealed with the key that opened the message."""

    Encrypt: str = Field(min_length=1)
    MsgSignature: str = Field(pattern=r"^[0-9a-f]{40}$")
    TimeStamp: int
    Nonce: str = Field(min_length=1)
