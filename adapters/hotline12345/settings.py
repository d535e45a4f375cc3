"""What a city sets to connect its hotline (`BRIDGE_HOTLINE12345__…`)."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from adapters.hotline12345 import codes as tables
from bridge.adapter import SystemSettings


class HotlineSettings(SystemSettings):
    """`client_*` and `sender_code` are given by the hotline; `inbound_key` is what it must show at our door.

    Without `inbound_key` the door refuses everybody; without `base_url` nothing is sent. `codes` is a TOML file laid
    over the built-in code tables (`codes.toml`); what it does not name stays as it is.
    """

    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    sender_code: str = Field(default="laiting", min_length=1, max_length=64)
    inbound_key: SecretStr = SecretStr("")
    poll_seconds: float = Field(default=0.0, ge=0, le=86_400)
    page_size: int = Field(default=100, ge=1, le=1000)
    codes: Path | None = None
    token_in: Literal["query", "header"] = "query"  # noqa: S105 - where it travels
    token_parameter: str = "egova_openapi_token"  # noqa: S105 - the name of a parameter, not a secret
    unit_name: str = Field(default="来听桥", min_length=1, max_length=100)

    @field_validator("codes")
    @classmethod
    def _readable(cls, path: Path | None) -> Path | None:
        """A slip in a city's code table is told with the other settings, at start."""
        tables.load(path)
        return path
