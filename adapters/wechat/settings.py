"""What `BRIDGE_WECHAT__…` can set."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from bridge.adapter import Lack, SystemSettings

PUBLIC_API = "https://api.weixin.qq.com"
KEY_LENGTH = 43


def _blank_is_none(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


# An empty variable is an unset one: an empty token or key must never open a door.
Secret = Annotated[SecretStr | None, BeforeValidator(_blank_is_none)]
Text = Annotated[str | None, BeforeValidator(_blank_is_none)]


class TemplateIds(BaseModel):
    """The account's template ids, one for each purpose; their fields are laid out in `words.toml`.

    Template messages and subscribe messages have ids of their own; an empty one closes that way for that purpose.
    """

    model_config = ConfigDict(extra="forbid")

    accepted: str = ""
    progress: str = ""
    reply: str = ""
    task: str = ""


class WechatSettings(SystemSettings):
    """The service account (服务号). What is not set is refused: no token, no door; no template, no message."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    base_url: str | None = PUBLIC_API
    app_id: Text = None
    app_secret: Secret = None
    token: Secret = None
    aes_key: Secret = None
    previous_aes_key: Secret = None
    require_encryption: bool = False
    inbound_key: Secret = None
    templates: TemplateIds = Field(default_factory=TemplateIds)
    subscribe_templates: TemplateIds = Field(default_factory=TemplateIds)
    customer_service: bool = True
    window_minutes: float = Field(default=10.0, ge=0, le=24 * 60)
    recipients: Text = None
    duty_openid: Text = None
    words: Text = None
    platform_url: Text = None

    def lacks(self) -> Sequence[Lack]:
        return (
            Lack(self.unset("app_id", "app_secret"), "nobody can be told anything (无法发送)"),
            Lack(self._without_template(), "what needs it is parked as no_template_… (挂起)"),
            Lack(self.unset("duty_openid"), "tasks for people without an openid are parked as no_recipient (挂起)"),
            Lack(self.unset("token"), "citizens' messages are refused (/in/wechat 关闭)", choice=True),
            Lack(self.unset("inbound_key"), "the form is refused (/in/wechat/petitions 关闭)", choice=True),
        )

    def _without_template(self) -> tuple[str, ...]:
        purposes = TemplateIds.model_fields
        ids = {name: getattr(self.templates, name) or getattr(self.subscribe_templates, name) for name in purposes}
        return tuple(f"templates__{name}" for name, known in ids.items() if not known)

    @field_validator("aes_key", "previous_aes_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not is_aes_key(value.get_secret_value()):
            raise ValueError(f"EncodingAESKey has {KEY_LENGTH} Base64 characters (EncodingAESKey为{KEY_LENGTH}位)")
        return value

    @model_validator(mode="after")
    def _key_needs_account(self) -> Self:
        if (self.aes_key or self.previous_aes_key) and not self.app_id:
            raise ValueError("aes_key needs app_id: every encrypted message names its account (须同时设置app_id)")
        return self


def is_aes_key(text: str) -> bool:
    """Whether `text` is an EncodingAESKey: 43 Base64 characters, 32 bytes."""
    if len(text) != KEY_LENGTH:
        return False
    try:
        return len(base64.b64decode(text + "=", validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


def secret(value: SecretStr | None) -> str:
    """The secret's text, or "" when unset."""
    return value.get_secret_value() if value is not None else ""
