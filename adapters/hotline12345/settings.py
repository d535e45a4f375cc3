"""What a city sets to connect its hotline (`BRIDGE_HOTLINE12345__…`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from adapters.hotline12345 import codes as tables
from bridge.adapter import Lack, SystemSettings


class HotlineSettings(SystemSettings):
    """`client_*` and `sender_code` are given by the hotline; `inbound_key` is what it must show at our door.

    Without `inbound_key` the door refuses everybody; without `base_url` nothing is sent. `codes` is a TOML file
    laid over the built-in code tables (`codes.toml`); what it does not name stays as it is. `peer_sender_code`: the
    only `senderCode` that the door takes. `media_hosts`: hosts, joined by commas, from which files may be fetched
    though they are inside; sizes in bytes.
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
    peer_sender_code: str | None = Field(default=None, min_length=1, max_length=64)
    dictionary_hours: float = Field(default=24.0, ge=0, le=24 * 30)
    medias: Literal["path", "content"] = "path"
    media_base_url: str | None = None
    media_hosts: str = ""
    media_max_bytes: int = Field(default=5 * 1024 * 1024, ge=1, le=100 * 1024 * 1024)
    unit_name: str = Field(default="来听桥", min_length=1, max_length=100)

    @property
    def trusted_hosts(self) -> tuple[str, ...]:
        """The hosts of `media_hosts`."""
        return tuple(host.strip() for host in self.media_hosts.split(",") if host.strip())

    def lacks(self) -> Sequence[Lack]:
        return (
            Lack(self.unset("client_id", "client_secret") if self.base_url else (), "nothing can be handed over"),
            Lack(self.unset("inbound_key"), "its door refuses everybody (入口关闭)", choice=True),
        )

    @field_validator("codes")
    @classmethod
    def _readable(cls, path: Path | None) -> Path | None:
        """A slip in a city's code table is told with the other settings, at start."""
        tables.load(path)
        return path
