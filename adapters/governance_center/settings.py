"""What `BRIDGE_GOVERNANCE_CENTER__…` can set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from adapters.governance_center.signature import SignType
from bridge.adapter import Lack, SystemSettings


class CenterSettings(SystemSettings):
    """Two pairs of credentials: `app_id`/`secret` sign what we send, `inbound_…` verify what the center sends."""

    app_id: str = ""
    secret: SecretStr = SecretStr("")
    inbound_app_id: str = ""
    inbound_secret: SecretStr = SecretStr("")
    sign_type: SignType = SignType.HMAC_SM3
    window_seconds: int = Field(default=300, ge=1, le=3600)
    platform: str = "jiangyin"
    codes: Path | None = None

    def lacks(self) -> Sequence[Lack]:
        door = self.unset("inbound_app_id", "inbound_secret")
        return (Lack(door, "its door refuses everybody (入口关闭)", choice=True),)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.base_url and not (self.app_id and self.secret.get_secret_value()):
            raise ValueError("governance_center: BASE_URL is set, so APP_ID and SECRET are needed too")
        if bool(self.inbound_app_id) != bool(self.inbound_secret.get_secret_value()):
            raise ValueError("governance_center: INBOUND_APP_ID and INBOUND_SECRET come together or not at all")
        return self


def sandbox_settings(base_url: str, secret: str) -> CenterSettings:
    """Settings that connect the bridge with its sandbox; each direction has a secret of its own."""
    return CenterSettings(
        base_url=base_url,
        app_id="laiting-bridge",
        secret=SecretStr(f"{secret}-to-center"),
        inbound_app_id="governance-center",
        inbound_secret=SecretStr(f"{secret}-from-center"),
    )
