"""All settings, read here and nowhere else: environment variables `BRIDGE_…` and `.env` (CONTRACT 3)."""

import difflib
import re
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, NoDecode, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as EnvironmentError_

from bridge.adapter import SystemSettings
from bridge.lookup import Hash
from bridge.patience import Patience
from bridge.retry import DEFAULT_LADDER, BadLadder, Ladder
from bridge.vault import Algorithm
from schemas.base import Identifier


class SettingsError(ValueError):
    """Settings cannot be used; one line a setting, each with its name, the cause and the next step."""


class DutySecretary(BaseModel):
    """Who owns a petition that came without a secretary (首问负责: never nobody)."""

    model_config = ConfigDict(extra="forbid")

    id: Identifier = "duty"
    name: str = "值班书记"
    team_id: Identifier = "duty"
    home_unit: str | None = None


class Settings(BaseSettings):
    """The core's settings; `load` adds a section for each system."""

    model_config = SettingsConfigDict(
        env_prefix="BRIDGE_", env_nested_delimiter="__", env_file=".env", extra="ignore", frozen=True
    )

    database_url: str = "sqlite:///data/bridge.db"
    broker_url: str = "memory://"
    broker_prefix: str = ""
    audit_dir: Path = Path("data/audit")
    audit_copies: Annotated[tuple[str, ...], NoDecode] = ()
    audit_keep_days: int = Field(default=180, ge=180, le=36500)
    audit_origin: str = "laiting-bridge"
    duplicate_days: float = Field(default=7.0, ge=0, le=365)
    merge_repeats: bool = False
    reconcile_at: time | None = time(0, 30)
    digest_at: time | None = time(2, 30)
    checkpoint_seconds: float = Field(default=60.0, gt=0)
    keys_dir: Path = Path("data/keys")
    cipher: Algorithm = "AES-256-GCM"
    keyed_hash: Hash = "HMAC-SHA256"
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    health_port: int = Field(default=0, ge=0, le=65535)
    api_keys: Path | None = None
    retry_ladder: str = DEFAULT_LADDER
    patience: Patience = Patience()
    routes: Path | None = None
    digest_rules: Path | None = None
    deadlines: Path | None = None
    calendar: Path | None = None
    supervision: Path | None = None
    rates: Path | None = None
    duty_secretary: DutySecretary = DutySecretary()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    failpoints: str = ""
    failpoints_log: str | None = None

    @field_validator("audit_copies", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("audit_copies")
    @classmethod
    def _directories_or_addresses(cls, targets: tuple[str, ...]) -> tuple[str, ...]:
        for target in targets:
            if target.startswith(("[", '"')) or ("://" in target and not target.startswith(("http://", "https://"))):
                raise ValueError("directories and http(s):// addresses, separated by commas")
        return targets

    @field_validator("reconcile_at", "digest_at", mode="before")
    @classmethod
    def _empty_is_never(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("broker_url")
    @classmethod
    def _one_default_vhost(cls, url: str) -> str:
        # `amqp://host//` is how Celery's users write the default virtual host; pika would look for one named "/" + "".
        base, slashes, _ = url.partition("//") if url.startswith("amqp") else ("", "", "")
        rest = url[len(base) + len(slashes) :]
        return f"{base}//{rest[:-2]}/%2F" if base and rest.endswith("//") else url

    @property
    def embedded(self) -> bool:
        """Whether the conveyor lives inside this process."""
        return self.broker_url.startswith("memory")

    def system(self, name: str) -> SystemSettings:
        """One system's section."""
        return cast(SystemSettings, getattr(self, name))

    def ladder(self, name: str) -> Ladder:
        """The system's retry ladder, or the one for all."""
        return Ladder.parse(self.system(name).retry_ladder or self.retry_ladder)


def load(sections: Mapping[str, type[SystemSettings]], **overrides: Any) -> Settings:
    """Settings from the environment, with a section for each system; `overrides` win. Raises `SettingsError`."""
    fields: dict[str, Any] = {name: (kind, Field(default_factory=kind)) for name, kind in sections.items()}
    model = create_model("Settings", __base__=Settings, **fields)
    try:
        settings = model(**overrides)
        for name in sections:
            try:
                settings.ladder(name)
            except BadLadder as error:
                raise _ladder_error(settings, name, error) from None
    except ValidationError as error:
        raise SettingsError("\n".join(_line(item) for item in error.errors())) from None
    except EnvironmentError_ as error:
        # Its own text would quote the value, which may be a secret.
        raise SettingsError(
            f"{_variable(str(error))}: not in the form this setting has; see docs/settings.md"
        ) from None
    return settings


def unknown_names(model: type[Settings]) -> dict[str, str | None]:
    """Names `BRIDGE_…` in the environment and in `.env` that no setting has, each with the one that is most like it.

    Inside a section (`BRIDGE_WECHAT__…`) such a name is refused at the start: sections take no other fields.
    """
    kinds = {f"BRIDGE_{name}".upper(): field.annotation for name, field in model.model_fields.items()}
    sections = {f"{name}__": kind.model_fields for name, kind in kinds.items() if _is_section(kind)}
    inside = [f"{section}{name}".upper() for section, fields in sections.items() for name in fields]
    sources = (EnvSettingsSource(model), DotEnvSettingsSource(model))
    given = {name.upper() for source in sources for name in source.env_vars}
    strange = [name for name in given - kinds.keys() if name.startswith("BRIDGE_")]
    strange = sorted(name for name in strange if not name.startswith(tuple(sections)))
    return {name: next(iter(difflib.get_close_matches(name, [*kinds, *inside], 1)), None) for name in strange}


def _is_section(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _variable(text: str) -> str:
    named = re.search(r'field "([^"]+)"', text)
    return f"BRIDGE_{named[1].upper()}" if named else "BRIDGE_…"


def _ladder_error(settings: Settings, name: str, error: BadLadder) -> SettingsError:
    own = settings.system(name).retry_ladder is not None
    return SettingsError(f"{f'BRIDGE_{name.upper()}__RETRY_LADDER' if own else 'BRIDGE_RETRY_LADDER'}: {error}")


def _line(item: Any) -> str:
    # The value itself may be a secret, so it is not quoted.
    name = "BRIDGE_" + "__".join(str(part).upper() for part in item["loc"])
    return f"{name}: {item['msg'].removeprefix('Value error, ')}"
