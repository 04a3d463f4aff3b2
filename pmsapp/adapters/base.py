"""The one interface to a practice management system, and what an adapter declares about itself.

The connect form, the badge, the sync and the run sheet draw themselves from `AdapterInfo`; nothing outside
the vendor's folder asks which vendor it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from pmsapp.adapters.client.tokens import Token
from pmsapp.adapters.reference_cache import ReferenceCache
from pmsapp.domain.appointment import AppointmentType, BadRecord, Patient, Practitioner, UnifiedAppointment
from pmsapp.domain.errors import UnsupportedFeatureError
from pmsapp.domain.window import SyncWindow

if TYPE_CHECKING:
    from pmsapp.adapters.client.http import HTTPClient


class TelehealthSource(StrEnum):
    """Where the vendor's evidence for telehealth comes from."""

    NONE = "none"
    APPOINTMENT = "appointment"
    TYPE = "type"


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One field of the connect form.

    `setting`: the server setting that may supply it instead (then the form field may stay empty).
    `goes_to`: "credentials" (encrypted) or the name of a connection column, e.g. "practice_id".
    """

    name: str
    label: str
    help: str
    secret: bool = False
    required: bool = True
    setting: str | None = None
    goes_to: str = "credentials"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the vendor can do; sync and screens ask these, never the vendor's name."""

    reads_per_practitioner: bool
    telehealth_source: TelehealthSource
    includes_patients: bool
    names_time_zone: bool
    pairing: bool = False
    webhooks: bool = False
    gives_links: bool = False
    knows_no_show: bool = True
    fixed_token: bool = False


@dataclass(frozen=True, slots=True)
class AdapterInfo:
    """Everything the rest of the product needs to know about a vendor.

    `settings_prefix`: settings are read as <PREFIX>_BASE_URL, <PREFIX>_REQUESTS_PER_MINUTE, <PREFIX>_CONCURRENCY.
    `default_requests_per_minute` and `default_concurrency` are the safe rate where the vendor published none.
    `repeats_500`: the vendor's page says that a 500 passes by itself; elsewhere its body is read before a repeat.
    `menu_paths`: help texts naming the vendor's own menus, by topic ("pairing", "credentials", "webhook", "revoke").
    """

    slug: str
    label: str
    how_you_connect: str
    default_base_url: str
    hosts: tuple[str, ...]
    settings_prefix: str
    credential_fields: tuple[CredentialField, ...]
    capabilities: Capabilities
    default_requests_per_minute: int
    default_concurrency: int
    minutes_to_connect: int = 5
    who_must_be_there: str = ""
    repeats_500: bool = False
    menu_paths: Mapping[str, str] = field(default_factory=dict)
    webhook_events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class AdapterConfig:
    """One connection's side of an adapter, in plain values.

    `credentials` holds the secret fields by name. `time_zone` is None until it is known. `concurrency`: how many
    requests may be under way at once; None is the vendor's default.
    """

    base_url: str
    credentials: Mapping[str, str]
    time_zone: str | None = None
    tenant_id: str | None = None
    practice_id: str | None = None
    organization_id: str | None = None
    concurrency: int | None = None

    def __repr__(self) -> str:
        return f"AdapterConfig({self.base_url!r})"


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """The vendor's answer to "is all well": who it says we are talking to.

    `practice_fingerprint`: the id that tells this practice from any other, the same for every login to it;
    `practice_marks`: further ids that belong to it alone, for a login that may not read that one.
    `organizations`: (id, name) of sub-clinics where the vendor has them. `clock_skew_s`: their clock minus ours,
    None when they sent no Date header. `can_read`: permission name -> whether it may be read.
    `warnings`: short sentences for the person, no patient data.
    """

    practice_name: str | None
    time_zone: str | None
    practice_fingerprint: str | None
    clock_skew_s: float | None = None
    practitioners: int | None = None
    organizations: tuple[tuple[str, str], ...] = ()
    can_read: Mapping[str, bool] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    practice_marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pairing:
    """A consumed pairing code: the practice we may now read."""

    tenant_id: str
    practice_name: str | None
    time_zone: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """One step of reading a window.

    Shape: `items` in any order, possibly starting outside the window (the caller keeps rows by their own start);
    `bad` are records that could not be understood. `practitioner_external_id` is whose list this is, None when
    the page belongs to all practitioners asked for. Complete: `is_last` marks the vendor's own end; without
    having seen it nothing may be taken as gone. `digest` is equal for two pages only if the vendor's answers
    were equal byte for byte; None when the adapter cannot tell. `unchanged`: stands for a whole list whose answers
    were those of `Adapter.known_pages`; it has no items.
    """

    items: Sequence[UnifiedAppointment]
    is_last: bool
    practitioner_external_id: str | None = None
    bad: Sequence[BadRecord] = ()
    digest: str | None = None
    warnings: tuple[str, ...] = ()
    unchanged: bool = False


def every_patient(appointment: UnifiedAppointment) -> bool:
    """The default of `Adapter.needs_patient`: everybody's details are wanted."""
    return True


def nobody_known(appointment: UnifiedAppointment) -> Patient | None:
    """The default of `Adapter.known_patient`: nobody's details are known."""
    return None


KnownPages = Callable[[SyncWindow, str], Sequence[str]]


def nothing_known(_window: SyncWindow, _practitioner_id: str) -> Sequence[str]:
    """No earlier reading to compare with."""
    return ()


class Adapter(ABC):
    """Reads one practice. Safe to use from several threads at once.

    `needs_patient` is set by whoever reads a window: whether the details of an appointment's patient are wanted.
    An adapter that has to ask for each patient may leave the others as `Patient(id, None)`, and takes those whom
    `known_patient` gives as they are, unless it asked for them anyway; `get_appointment` asks for everybody.
    `reference_cache` holds reference data that was read before this adapter was made; what is kept there outlives it.

    Every method raises only errors of `pmsapp.domain.errors`: ReconnectRequiredError, RetryLaterError,
    BadVendorDataError, NotFoundError, UnsupportedFeatureError.
    """

    info: ClassVar[AdapterInfo]

    def __init__(self, config: AdapterConfig, client: HTTPClient) -> None:
        self.config = config
        self.client = client
        self.known_pages: KnownPages = nothing_known
        self.needs_patient: Callable[[UnifiedAppointment], bool] = every_patient
        self.known_patient: Callable[[UnifiedAppointment], Patient | None] = nobody_known
        self.reference_cache = ReferenceCache()
        # False once the vendor would name only some of its practitioners: who is missing then is not gone.
        self.lists_everybody = True

    @property
    def concurrency(self) -> int:
        """How many requests may be under way at once, at least one."""
        return max(1, self.config.concurrency or self.info.default_concurrency)

    @classmethod
    @abstractmethod
    def mint_token(cls, config: AdapterConfig, client: HTTPClient) -> Token:
        """Fetch a fresh token with the credentials. `client` sends without a token.

        Raises: ReconnectRequiredError AUTH-REFUSED when refused; RetryLaterError for network faults and 5xx.
        """

    @abstractmethod
    def check_connection(self) -> ConnectionCheck:
        """Ask the vendor who we are talking to; proves token, practice and permission to read."""

    @abstractmethod
    def list_practitioners(self) -> list[Practitioner]:
        """Every practitioner, inactive ones too, sorted by name then id. Read to the vendor's end mark."""

    @abstractmethod
    def list_appointment_types(self) -> list[AppointmentType]:
        """Every appointment type, archived ones too, sorted by name then id. Read to the vendor's end mark."""

    @abstractmethod
    def list_appointments(self, window: SyncWindow, practitioner_ids: Sequence[str]) -> Iterator[Page]:
        """Yield the window's appointments of these practitioners, one Page at a time.

        Where `reads_per_practitioner`, pages come practitioner by practitioner in the order asked, each closed by
        its own `is_last`, and an error ends only that call: the caller asks one practitioner at a time.
        Otherwise the pages hold every practitioner of the practice, also ones not asked for.
        `known_pages`, set by the caller, gives the digests of a practitioner's pages as they were last read whole; an
        adapter that reads per practitioner may then answer with one `unchanged` Page when nothing differs.
        Order: none. Raises BadVendorDataError READ-ENDLESS on a repeated cursor or a page ceiling, READ-SHIFTED
        when the list would not stand still.
        """

    @abstractmethod
    def get_appointment(self, external_id: str) -> list[UnifiedAppointment]:
        """One appointment by id: one item per patient (or one without). Raises NotFoundError when it is gone."""

    def pair(self, code: str) -> Pairing:
        """Consume a pairing code. Raises UnsupportedFeatureError where the vendor has none."""
        raise UnsupportedFeatureError(pms=self.info.label)

    def check_webhook(self, headers: Mapping[str, str], body: bytes, secret: str) -> tuple[str, ...]:
        """Authenticate a webhook and return its event ids for deduplication.

        Raises UnsupportedFeatureError where the vendor has none, ReconnectRequiredError when not authentic.
        """
        raise UnsupportedFeatureError(pms=self.info.label)
