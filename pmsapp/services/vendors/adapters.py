"""Puts an adapter together: its class, the login, where to call, how fast, as whom.

The login comes from the connection's row; a field that the server's settings may supply is taken from there when
the row has none. Nothing here crosses the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import update

from pmsapp import __version__, clock
from pmsapp.adapters.base import Adapter, AdapterConfig, AdapterInfo
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.adapters.client.hosts import HostPolicy, is_loopback_host
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.client.rate_limit import RateLimit, RateLimitStore
from pmsapp.adapters.client.tokens import MemoryTokens, Token, TokenSource
from pmsapp.adapters.registry import get_adapter, get_info, list_infos
from pmsapp.crypto.cipher import CipherError
from pmsapp.domain.actor import SYSTEM
from pmsapp.domain.errors import ConfigurationError, ReconnectRequiredError, message_for
from pmsapp.extensions import current_settings, key_ring
from pmsapp.models import PMSConnection
from pmsapp.services.base import audit, encrypted_columns, metrics
from pmsapp.services.base.errors import NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.vendors import reference_cache as stored_reference
from pmsapp.services.vendors.rate_limit_blocks import StoredBlocks
from pmsapp.services.vendors.token_store import MINT_S, FixedTokens, StoredTokens
from pmsapp.settings import PREFIX, Settings


@dataclass(frozen=True, slots=True, repr=False)
class ConnectionValues:
    """What an adapter needs to know of a connection, stored or only tried out. `credentials` are plain text."""

    pms_type: str
    credentials: Mapping[str, str] = field(default_factory=dict)
    tenant_id: str | None = None
    practice_id: str | None = None
    organization_id: str | None = None
    time_zone: str | None = None

    def __repr__(self) -> str:
        return f"ConnectionValues({self.pms_type!r})"


def check_settings(settings: Settings) -> None:
    """Refuse settings of a vendor nobody knows and hosts that cannot be read. Raises ConfigurationError."""
    prefixes = {info.settings_prefix for info in list_infos()} if settings.vendors else set()
    for prefix in settings.vendors:
        if prefix not in prefixes:
            raise ConfigurationError(
                f"{PREFIX}{prefix}_... is not a setting of pmsapp; vendors are {', '.join(sorted(prefixes))}."
            )
    try:
        HostPolicy((), settings.allowed_pms_hosts)
    except ValueError as error:
        raise ConfigurationError(
            f"{PREFIX}ALLOWED_PMS_HOSTS is wrong: an entry is no host or host:port."
        ) from error


def adapter_for(connection_id: int, *, deadline: Deadline | None = None) -> Adapter:
    """The adapter of a stored connection, with its stored token and reference cache. Close its `client` when done.

    Raises NotFound; ReconnectRequiredError KEY-MISMATCH when the saved login does not open with this server's key
    (noted on that connection, nothing else suffers).
    """
    adapter = build(connection_id, values_of(connection_id), deadline=deadline)
    stored_reference.load(connection_id, adapter)
    return adapter


def adapter_from(values: ConnectionValues, *, deadline: Deadline | None = None) -> Adapter:
    """An adapter for values that are not stored; its token lives in this process only. Close its `client` when done."""
    kind = get_adapter(values.pms_type)
    client = _client(kind.info, deadline)
    config = _config(kind.info, values)
    tokens = MemoryTokens(lambda: kind.mint_token(config, client))
    return kind(config, client.with_tokens(tokens))


def build(connection_id: int, values: ConnectionValues, *, deadline: Deadline | None = None) -> Adapter:
    """The adapter of a stored connection as `values` describe it, using its stored token."""
    kind = get_adapter(values.pms_type)
    client = _client(kind.info, deadline)
    return kind(
        _config(kind.info, values), client.with_tokens(_stored_tokens(connection_id, kind, client, deadline))
    )


def values_of(connection_id: int) -> ConnectionValues:
    """A stored connection in plain values. Raises as `adapter_for` does."""
    with reading() as session:
        row = session.get(PMSConnection, connection_id)
        if row is None:
            raise NotFound("connection")
        try:
            credentials = encrypted_columns.open_credentials(key_ring(), row)
        except CipherError:
            credentials = None
    if credentials is None:
        _note_key_mismatch(connection_id, get_info(row.pms_type).label)
        raise ReconnectRequiredError("KEY-MISMATCH", pms=get_info(row.pms_type).label)
    return ConnectionValues(
        pms_type=row.pms_type,
        credentials=credentials,
        tenant_id=row.tenant_id,
        practice_id=row.practice_id,
        organization_id=row.organization_id,
        time_zone=row.time_zone,
    )


def is_simulated(pms_type: str) -> bool:
    """True when the vendor's base address is on this very machine: a training clinic, where nobody is real."""
    return is_loopback_host(urlsplit(_base_url(get_info(pms_type), current_settings())).hostname or "")


def base_url(info: AdapterInfo) -> str:
    """Where the vendor is called."""
    return _base_url(info, current_settings())


def filled_credentials(info: AdapterInfo, given: Mapping[str, str]) -> dict[str, str]:
    """The login with the server's settings in the places that were left empty."""
    settings = current_settings()
    filled = {}
    for credential in info.credential_fields:
        if credential.goes_to != "credentials":
            continue
        value = given.get(credential.name) or (
            credential.setting and getattr(settings, credential.setting.lower(), None)
        )
        if value:
            filled[credential.name] = value
    return filled


def has_credentials(info: AdapterInfo, *, is_stored: bool) -> bool:
    """True when a login is stored, or the server's settings supply every field of it that is required."""
    if is_stored:
        return True
    filled = filled_credentials(info, {})
    wanted = [
        credential.name
        for credential in info.credential_fields
        if credential.required and credential.goes_to == "credentials"
    ]
    return all(name in filled for name in wanted)


def _stored_tokens(
    connection_id: int, kind: type[Adapter], client: HTTPClient, deadline: Deadline | None
) -> TokenSource:
    app_context = current_app._get_current_object().app_context  # type: ignore[attr-defined]
    label = kind.info.label

    def mint() -> Token:
        with app_context():
            config = _config(kind.info, values_of(connection_id))
        remaining_s = deadline.remaining_s() if deadline is not None else MINT_S
        return kind.mint_token(config, client.with_deadline(Deadline(min(MINT_S, remaining_s))))

    if kind.info.capabilities.fixed_token:
        return FixedTokens(mint, pms=label)
    return StoredTokens(connection_id, mint, app_context=app_context, pms=label)


def _config(info: AdapterInfo, values: ConnectionValues) -> AdapterConfig:
    settings = current_settings()
    return AdapterConfig(
        base_url=_base_url(info, settings),
        concurrency=settings.vendor(info.settings_prefix).concurrency,
        credentials=filled_credentials(info, values.credentials),
        time_zone=values.time_zone,
        tenant_id=values.tenant_id,
        practice_id=values.practice_id,
        organization_id=values.organization_id,
    )


def _client(info: AdapterInfo, deadline: Deadline | None) -> HTTPClient:
    settings = current_settings()
    counts = metrics.current()
    documented = {*info.hosts, urlsplit(info.default_base_url).hostname or ""} - {""}
    return HTTPClient(
        _base_url(info, settings),
        label=info.label,
        user_agent=f"pmsapp/{__version__} ({settings.contact})",
        hosts=HostPolicy(documented, settings.allowed_pms_hosts),
        rate_limit=_rate_limit(info, settings),
        deadline=deadline,
        repeats_500=info.repeats_500,
        on_request=partial(counts.vendor_request, info.slug),
        on_wait=partial(counts.vendor_wait, info.slug),
    )


def _rate_limit(info: AdapterInfo, settings: Settings) -> RateLimit:
    """How fast the vendor may be called: as the server says, else the vendor's own safe rate.

    On a loopback address stands a simulator, which needs no sparing unless the server says so.
    """
    chosen = settings.vendor(info.settings_prefix)
    return RateLimit(
        rate_limit_store(settings.queue_url),
        requests_per_minute=requests_per_minute(info.slug),
        concurrency=chosen.concurrency or info.default_concurrency,
        board=StoredBlocks(current_app._get_current_object().app_context),  # type: ignore[attr-defined]
    )


def requests_per_minute(pms_type: str) -> int | None:
    """How often a minute the vendor may be called at most; None where nothing limits it."""
    info = get_info(pms_type)
    chosen = current_settings().vendor(info.settings_prefix).requests_per_minute
    return chosen or (None if is_simulated(pms_type) else info.default_requests_per_minute)


def _base_url(info: AdapterInfo, settings: Settings) -> str:
    return settings.vendor(info.settings_prefix).base_url or info.default_base_url


@lru_cache(maxsize=8)
def rate_limit_store(redis_url: str) -> RateLimitStore:
    """This process's view of how fast vendors may be called; shared through Redis where there is one."""
    return RateLimitStore(redis_url)


def _note_key_mismatch(connection_id: int, label: str) -> None:
    """Say on the connection, once, that its login cannot be opened; the rest of the application goes on."""
    with writing() as session:
        changed = session.execute(
            update(PMSConnection)
            .where(
                PMSConnection.id == connection_id,
                PMSConnection.last_error_code.is_distinct_from("KEY-MISMATCH"),
            )
            .values(
                state="needs_you",
                last_error_code="KEY-MISMATCH",
                last_sync_error=message_for("KEY-MISMATCH", label),
                updated_at=clock.now(),
            )
        )
        if changed.rowcount:  # type: ignore[attr-defined]
            audit.record(session, SYSTEM, "connection.login_unreadable", f"connection:{connection_id}")


def without_zone(values: ConnectionValues) -> ConnectionValues:
    """The same values with the vendor left to name the time zone."""
    return replace(values, time_zone=None)
