"""Every setting once: environment variables with the prefix PMSAPP_, the machine's file of them (/etc/pmsapp.env), or
`settings.toml` in the instance folder.

The environment wins over the machine's file, and that over settings.toml. A wrong value raises ConfigurationError with one sentence that names it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pmsapp import paths
from pmsapp.domain.errors import ConfigurationError
from pmsapp.domain.window import is_zone

PREFIX = "PMSAPP_"
LEGAL_MINIMUM_DAYS = 2557  # seven years: health records acts of NSW, Victoria and the ACT
ENV_FILE = Path("/etc/pmsapp.env")
M = TypeVar("M", bound=BaseModel)
_VENDOR_SUFFIXES = {
    "_BASE_URL": "base_url",
    "_REQUESTS_PER_MINUTE": "requests_per_minute",
    "_CONCURRENCY": "concurrency",
}


class VendorSettings(BaseModel):
    """What the server says about one vendor; None means "as the adapter declares"."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str | None = None
    requests_per_minute: Annotated[int, Field(ge=1, le=6000)] | None = None
    concurrency: Annotated[int, Field(ge=1, le=64)] | None = None

    @field_validator("base_url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username:
            raise ValueError("must be an http(s) address without user name or query")
        return value.rstrip("/")


class Settings(BaseModel):
    """All settings, validated. Field names are the documented names in lower case."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    instance_dir: Path = Field(
        default_factory=paths.default_instance_dir, description="Folder of the database, keys and sockets"
    )
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL; default is SQLite in the instance folder"
    )
    database_timeout_s: Annotated[int, Field(ge=1, le=60)] = Field(
        default=8,
        description="Seconds that PostgreSQL lets anybody wait for a lock or a connection; SQLite: always 8",
    )
    redis_url: str | None = Field(
        default=None, description="Queue server; default is an embedded one on a unix socket"
    )
    secret_key: str | None = Field(
        default=None, repr=False, description="Signs cookies; made on first start when absent"
    )
    encryption_keys: str | None = Field(
        default=None,
        repr=False,
        description="Comma list of base64 keys, first is current; made on first start when absent",
    )

    gentu_client_id: str | None = Field(
        default=None, repr=False, description="Gentu app login, when it is the server's"
    )
    gentu_client_secret: str | None = Field(
        default=None, repr=False, description="Gentu app secret, when it is the server's"
    )
    gentu_app_id: str | None = Field(default=None, description="Gentu app id, when it is the server's")
    vendors: Mapping[str, VendorSettings] = Field(
        default_factory=dict, description="<VENDOR>_BASE_URL, _REQUESTS_PER_MINUTE, _CONCURRENCY"
    )
    allowed_pms_hosts: tuple[str, ...] = Field(
        default=(), description="Extra host[:port] entries pmsapp may call"
    )

    host: str = Field(default="127.0.0.1", description="Address the web server listens on")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8080, description="Port the web server listens on"
    )
    trusted_proxies: Annotated[int, Field(ge=0, le=5)] = Field(
        default=0, description="Number of reverse proxies in front"
    )
    trusted_hosts: tuple[str, ...] = Field(
        default=(), description="Host names the pages answer to, beside localhost"
    )

    clinic_time_zone: str = Field(default="Australia/Melbourne", description="IANA zone of the clinic")
    lookahead_days: Annotated[int, Field(ge=0, le=14)] = Field(
        default=1, description="Days after today that each run reads"
    )
    contact: str = Field(default="admin@localhost", description="Goes into the User-Agent sent to vendors")
    alert_urls: tuple[str, ...] = Field(default=(), repr=False, description="Apprise addresses for alerts")
    heartbeat_url: str | None = Field(default=None, repr=False, description="Pinged after each good run")
    backup_to: Path | None = Field(
        default=None,
        description="Folder on another disk or machine that sealed archives are put into each night",
    )
    backup_passphrase: str | None = Field(
        default=None, repr=False, description="Seals those archives; keep it where the machine is not"
    )
    backup_command: str | None = Field(
        default=None, description="Called after an archive was written, its file in place of {}; no shell"
    )
    log_format: Literal["json", "text"] = Field(default="json", description="json or text")
    sentry_dsn: str | None = Field(
        default=None,
        repr=False,
        description="Sentry server that errors are reported to, without patient data; needs the library sentry-sdk",
    )
    api_reads_per_minute: Annotated[int, Field(ge=1)] = Field(default=600, description="Per API token")
    api_writes_per_minute: Annotated[int, Field(ge=1)] = Field(default=120, description="Per API token")

    retention_cards_days: Annotated[int, Field(ge=30, le=36525)] = Field(
        default=365, description="How long a card stays on which staff wrote nothing"
    )
    retention_notes_days: Annotated[int, Field(ge=LEGAL_MINIMUM_DAYS, le=36525)] = Field(
        default=LEGAL_MINIMUM_DAYS,
        description="How long a card with notes, calls or an identity check stays; seven years at least",
    )
    retention_overrides_days: Annotated[int, Field(ge=30, le=36525)] = Field(
        default=LEGAL_MINIMUM_DAYS, description="How long a card stays on which staff changed something"
    )
    retention_timelines_days: Annotated[int, Field(ge=30, le=36525)] = Field(
        default=LEGAL_MINIMUM_DAYS, description="How long the lines of a card's timeline stay"
    )
    retention_runs_days: Annotated[int, Field(ge=7, le=36525)] = Field(
        default=90, description="How long updates, incidents and messages stay"
    )
    retention_audit_days: Annotated[int, Field(ge=365, le=36525)] = Field(
        default=LEGAL_MINIMUM_DAYS, description="How long the log of who did what and who looked stays"
    )
    retention_backups_days: Annotated[int, Field(ge=7, le=3653)] = Field(
        default=90, description="How long copies of the database stay, but for the newest"
    )

    @field_validator("allowed_pms_hosts", "trusted_hosts", "alert_urls", mode="before")
    @classmethod
    def _comma_list(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("clinic_time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if not is_zone(value):
            raise ValueError("is not a time zone this machine knows, e.g. Australia/Melbourne")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, value: str | None) -> str | None:
        if value and urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("must start with redis://, rediss:// or unix://")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_scheme(cls, value: str | None) -> str | None:
        if value and urlsplit(value).scheme.partition("+")[0] not in {"sqlite", "postgresql"}:
            raise ValueError("must start with sqlite:// or postgresql+psycopg://")
        return value

    @field_validator("heartbeat_url")
    @classmethod
    def _heartbeat_scheme(cls, value: str | None) -> str | None:
        if value and urlsplit(value).scheme not in {"http", "https"}:
            raise ValueError("must start with https:// or http://")
        return value

    @field_validator("alert_urls")
    @classmethod
    def _alert_schemes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any("://" not in host for host in value):
            raise ValueError("holds an entry that is no address such as mailtos://...")
        return value

    @field_validator("sentry_dsn")
    @classmethod
    def _is_dsn(cls, value: str | None) -> str | None:
        if value:
            parts = urlsplit(value)
            project = parts.path.rpartition("/")[2]
            if parts.scheme not in {"http", "https"} or not (
                parts.username and parts.hostname and project.isdigit()
            ):
                raise ValueError("must look like https://key@host/number")
        return value

    @field_validator("backup_passphrase")
    @classmethod
    def _long_passphrase(cls, value: str | None) -> str | None:
        if value is not None and len(value) < 16:
            raise ValueError("must have at least 16 characters, e.g. five words")
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_secret(cls, value: str | None) -> str | None:
        if value is not None and len(value) < 32:
            raise ValueError("must have at least 32 characters")
        return value

    @property
    def sqlalchemy_url(self) -> str:
        """The database's URL; SQLite in the instance folder by default."""
        return self.database_url or f"sqlite:///{self.instance_dir / 'pmsapp.sqlite3'}"

    @property
    def sqlite_file(self) -> Path | None:
        """The database's file, None when it is no file."""
        parts = urlsplit(self.sqlalchemy_url)
        name = parts.path.removeprefix("/")
        is_file = parts.scheme.partition("+")[0] == "sqlite" and name not in {"", ":memory:"}
        return Path(name) if is_file else None

    @property
    def embedded_redis_socket(self) -> Path:
        """Where the embedded queue server listens; elsewhere than its data when that path is too long for a socket."""
        return paths.socket_dir(self.instance_dir / "redis") / "redis.sock"

    @property
    def queue_url(self) -> str:
        """The queue server's URL: REDIS_URL, else the embedded one's socket."""
        return self.redis_url or f"unix://{self.embedded_redis_socket}"

    def vendor(self, prefix: str) -> VendorSettings:
        """The server's settings for the vendor whose adapter declares `prefix`."""
        return self.vendors.get(prefix.upper(), VendorSettings())


def load_settings(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Read settings.toml, the machine's settings file and the environment, each winning over those before it;
    `overrides` (field names) win over all. Raises ConfigurationError."""
    given = os.environ if environ is None else environ
    env = _ours({**_of_machine(given, by_default=environ is None), **given})
    env.pop("ENV_FILE", None)
    instance = (
        Path(overrides.get("instance_dir") or env.get("INSTANCE_DIR") or paths.default_instance_dir())
        .expanduser()
        .absolute()
    )
    raw: dict[str, Any] = {**_from_file(instance / "settings.toml"), **env}
    raw.pop("INSTANCE_DIR", None)
    values = (
        _sorted_out(raw)
        | {"instance_dir": instance}
        | {k: v for k, v in overrides.items() if k != "instance_dir"}
    )
    return _validated(Settings, values)


def _ours(environ: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX)}


def machine_file(environ: Mapping[str, str], *, by_default: bool = True) -> Path | None:
    """The one settings file that the systemd unit and every command read: PMSAPP_ENV_FILE, else /etc/pmsapp.env where
    it exists. A checkout has none by default."""
    if named := environ.get(f"{PREFIX}ENV_FILE"):
        return Path(named)
    return ENV_FILE if by_default and not paths.IN_CHECKOUT and ENV_FILE.exists() else None


def _of_machine(environ: Mapping[str, str], *, by_default: bool) -> dict[str, str]:
    """The lines NAME=value of the machine's settings file, as systemd reads them."""
    path = machine_file(environ, by_default=by_default)
    if path is None:
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error.__class__.__name__}); run pmsapp as the user of its service, or as root."
        ) from error
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and line[0] not in "#;" and "=" in line)
    return {name.strip(): _unquoted(value.strip()) for name, _, value in pairs}


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _from_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error.__class__.__name__}.") from error
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from error
    return {key.upper().removeprefix(PREFIX): value for key, value in table.items()}


def _sorted_out(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Split <VENDOR>_BASE_URL and the like from the plain settings; refuse names nobody knows.

    An empty text counts as not set.
    """
    plain: dict[str, Any] = {}
    vendors: dict[str, dict[str, Any]] = {}
    for name, value in raw.items():
        suffix = next((s for s in _VENDOR_SUFFIXES if name.endswith(s)), None)
        if not suffix and (name.lower() not in Settings.model_fields or name == "VENDORS"):
            raise ConfigurationError(f"{PREFIX}{name} is not a setting of pmsapp; check its spelling.")
        if value == "":
            continue
        if suffix:
            vendors.setdefault(name.removesuffix(suffix), {})[_VENDOR_SUFFIXES[suffix]] = value
        else:
            plain[name.lower()] = value
    checked = {prefix: _validated(VendorSettings, values, prefix + "_") for prefix, values in vendors.items()}
    return {**plain, "vendors": checked}


def _validated(model: type[M], values: Mapping[str, Any], prefix: str = "") -> M:
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = prefix + "_".join(str(part) for part in first["loc"][:1]).upper()
        raise ConfigurationError(
            f"{PREFIX}{name} is wrong: {first['msg'].removeprefix('Value error, ')}."
        ) from None
