"""What every adapter has to do, whichever vendor: one class of behaviours run over real HTTP against the sandbox.

A vendor's test module derives `TestContract(AdapterContract)` from it, names its slug and gives two configurations.
What a vendor cannot do is read from its declared capabilities, never skipped by hand.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest

from pmsapp import clock
from pmsapp.adapters.base import Adapter, AdapterConfig, Page
from pmsapp.adapters.client import paging
from pmsapp.adapters.client.hosts import HostPolicy
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.client.tokens import MemoryTokens
from pmsapp.adapters.registry import get_adapter
from pmsapp.domain.appointment import AppointmentStatus
from pmsapp.domain.errors import (
    BadVendorDataError,
    NotFoundError,
    PMSError,
    ReconnectRequiredError,
    RetryLaterError,
)
from pmsapp.domain.window import AUSTRALIAN_ZONES, SyncWindow
from pmsapp.sandbox.clinic.model import Vendor
from pmsapp.sandbox.server import SandboxServer
from tests.adapters.damage import DAMAGES, MISSING, Rewriter, place_of, places, with_unknown_keys
from tests.adapters.reading import DayRead, differences, read_day
from tests.support.clock import FrozenClock

ZONE = "Australia/Melbourne"
MONDAY, SATURDAY, SUNDAY = date(2026, 11, 23), date(2026, 11, 28), date(2026, 11, 22)
WINDOW = SyncWindow(MONDAY, ZONE)
# A Sunday has three plain appointments of one practitioner.
SMALL_WINDOW = SyncWindow(SUNDAY, ZONE)
# Both clock changes of the year for every zone that has them, and plain Sundays for the rest.
CHANGE_DAYS = (date(2026, 4, 5), date(2026, 10, 4))
GARBLED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("html_ok", {}),
    ("empty_body", {}),
    ("truncated_json", {}),
    ("wrong_content_type", {}),
    ("duplicate_keys", {}),
    ("nan", {}),
    ("deep_nesting", {}),
    ("oversized", {"megabytes": 21}),
    ("redirect", {}),
)
PASSING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("server_error", {"status": 500}),
    ("server_error", {"status": 503}),
    ("bad_gateway", {}),
    ("cut", {}),
    ("rate_limited", {"retry_after": "absent"}),
    ("rate_limited", {"retry_after": "3600"}),
)


class AdapterContract:
    """Derive, name `slug`, give `config` and `wrong_config`. Everything else is inherited."""

    slug: ClassVar[Vendor]
    # Patterns of values whose loss may make a row quietly disappear, because the vendor's own rules say so.
    may_vanish: ClassVar[frozenset[str]] = frozenset()
    # Fault kinds this vendor's sandbox does not have for the list of appointments.
    list_endpoint: ClassVar[str] = "appointments"

    # To be given by the vendor

    def config(self, server: SandboxServer) -> AdapterConfig:
        """A good login for the clinic in front of the sandbox."""
        raise AssertionError("every contract names its configuration")

    def wrong_config(self, server: SandboxServer) -> AdapterConfig:
        """The same with a login the vendor refuses."""
        config = self.config(server)
        return replace(config, credentials=dict.fromkeys(config.credentials, "wrong"))

    # Set-up

    @pytest.fixture(autouse=True)
    def _standing_clock(self, frozen_clock: FrozenClock) -> None:
        """Adapter and sandbox share one clock: Monday, nine in the morning."""

    @pytest.fixture(scope="class")
    @classmethod
    def running(cls) -> Iterator[SandboxServer]:
        """One sandbox for the class."""
        with SandboxServer(now=lambda: clock.now(), zone=ZONE, paired=True, vendors=(cls.slug,)) as server:
            server.app.wsgi_app = Rewriter(server.app.wsgi_app)  # type: ignore[method-assign]
            yield server

    @pytest.fixture
    def server(self, running: SandboxServer) -> SandboxServer:
        """The sandbox as just started."""
        running.sandbox.reset()
        self.rewriter(running).change = None
        return running

    @pytest.fixture
    def adapter(self, server: SandboxServer) -> Iterator[Adapter]:
        """An adapter with a good login and no pauses between tries."""
        with self.connected(server) as adapter:
            yield adapter

    def rewriter(self, server: SandboxServer) -> Rewriter:
        """What may change the sandbox's answers on their way out."""
        rewriter = server.app.wsgi_app
        assert isinstance(rewriter, Rewriter)
        return rewriter

    @contextmanager
    def connected(
        self, server: SandboxServer, config: AdapterConfig | None = None, **options: Any
    ) -> Iterator[Adapter]:
        """An adapter talking to the sandbox; `options` go to the client."""
        config = config or self.config(server)
        kind = get_adapter(self.slug)
        client = HTTPClient(
            config.base_url,
            label=kind.info.label,
            user_agent="pmsapp contract",
            hosts=HostPolicy((), ("127.0.0.1",)),
            repeats_500=kind.info.repeats_500,
            **{"backoff_s": 0.0, **options},
        )
        yield kind(config, client.with_tokens(MemoryTokens(lambda: kind.mint_token(config, client))))
        client.close()

    def fault(self, server: SandboxServer, name: str, endpoint: str | None = None, **options: Any) -> None:
        """Switch a fault on for this vendor."""
        server.faults.set(name, vendor=self.slug, endpoint=endpoint or self.list_endpoint, **options)

    def practitioner_id(self, server: SandboxServer, key: str) -> str:
        """This vendor's id for one of the clinic's practitioners."""
        return server.clinic.id_of(self.slug, "practitioner", key)

    # What it says about itself

    def test_it_is_registered_under_its_own_slug(self, adapter: Adapter) -> None:
        info = adapter.info
        assert info.slug == self.slug
        assert info.label
        assert info.default_base_url.startswith("https://")
        assert any(f"//{host}/" in info.default_base_url for host in info.hosts)
        assert info.settings_prefix == self.slug.upper()
        assert info.default_requests_per_minute >= 1
        assert info.default_concurrency >= 1
        assert {field.name for field in info.credential_fields if field.secret}

    def test_the_documented_base_address_may_be_called(self, adapter: Adapter) -> None:
        HostPolicy(adapter.info.hosts).check_url(adapter.info.default_base_url, adapter.info.label)

    # Who we are talking to

    def test_a_check_names_the_practice(self, server: SandboxServer, adapter: Adapter) -> None:
        check = adapter.check_connection()
        assert check.practice_name == server.clinic.name
        assert check.practice_fingerprint
        assert check.time_zone in (ZONE, None)
        assert check.time_zone == ZONE or not adapter.info.capabilities.names_time_zone
        assert check.practitioners is None or check.practitioners > 0
        assert abs(check.clock_skew_s or 0) <= 1
        assert adapter.check_connection().practice_fingerprint == check.practice_fingerprint

    def test_a_check_notices_a_clock_that_is_off(self, server: SandboxServer, adapter: Adapter) -> None:
        server.faults.set("clock_skew", vendor=self.slug, seconds=600)
        assert abs((adapter.check_connection().clock_skew_s or 0) - 600) <= 1

    def test_people_are_listed_with_their_marks_in_order_and_once(
        self, server: SandboxServer, adapter: Adapter
    ) -> None:
        people = adapter.list_practitioners()
        expected = {
            self.practitioner_id(server, person.key): person.display_name
            for person in server.clinic.practitioners()
            if not person.administrator
        }
        found = {person.external_id: person for person in people}
        assert len(found) == len(people)
        assert expected.items() <= {key: person.name for key, person in found.items()}.items()
        assert [person.name.casefold() for person in people] == sorted(
            person.name.casefold() for person in people
        )
        assert found[self.practitioner_id(server, "raman")].active is False
        assert found[self.practitioner_id(server, "odwyer")].active is True

    def test_types_are_listed_to_the_end_in_order_and_once(
        self, server: SandboxServer, adapter: Adapter
    ) -> None:
        types = adapter.list_appointment_types()
        active = {
            server.clinic.id_of(self.slug, "type", kind.key): (kind.name, kind.duration_min)
            for kind in server.clinic.appointment_types()
            if kind.active
        }
        found = {kind.external_id: kind for kind in types}
        assert len(found) == len(types)
        assert active.items() <= {k: (v.name, v.default_duration_min) for k, v in found.items()}.items()
        assert [kind.name.casefold() for kind in types] == sorted(kind.name.casefold() for kind in types)
        named = {kind.name for kind in server.clinic.appointment_types() if kind.named}
        assert {kind.name for kind in types if kind.suggested} <= named
        assert all(kind.evidence for kind in types if kind.suggested)

    # Reading a day

    @pytest.mark.parametrize("day", [MONDAY, SATURDAY, SUNDAY], ids=["monday", "saturday", "sunday"])
    @pytest.mark.parametrize("hour", [6, 10, 13, 22])
    def test_a_day_is_read_as_a_perfect_reader_would(
        self, server: SandboxServer, adapter: Adapter, frozen_clock: FrozenClock, day: date, hour: int
    ) -> None:
        frozen_clock.set(datetime(day.year, day.month, day.day, hour, 36, tzinfo=ZoneInfo(ZONE)))
        window = SyncWindow(day, ZONE)
        read = read_day(adapter, window)
        truth = server.clinic.truth(self.slug, day)
        assert differences(adapter, read, window, truth.rows) == []
        assert read.without_patient(window) == set(truth.skipped)
        assert read.bad == []
        assert read.repeated == []
        assert read.warnings == []

    def test_a_day_of_several_pages_is_read_whole(self, server: SandboxServer, adapter: Adapter) -> None:
        server.clinic.fill_day(MONDAY, "odwyer", 110)
        read = read_day(adapter, WINDOW)
        assert len(read.pages) > len([page for page in read.pages if page.is_last])
        assert differences(adapter, read, WINDOW, server.clinic.truth(self.slug, MONDAY).rows) == []
        assert read.repeated == []

    def test_pages_that_are_short_lose_nothing_and_double_nothing(
        self, server: SandboxServer, adapter: Adapter
    ) -> None:
        server.clinic.fill_day(MONDAY, "odwyer", 110)
        self.fault(server, "short_pages")
        read = read_day(adapter, WINDOW)
        assert differences(adapter, read, WINDOW, server.clinic.truth(self.slug, MONDAY).rows) == []
        assert read.repeated == []

    @pytest.mark.parametrize("by", [1, -1])
    def test_field_07_a_list_that_shifted_between_two_pages_is_read_once_more(
        self, server: SandboxServer, adapter: Adapter, by: int
    ) -> None:
        server.clinic.fill_day(MONDAY, "odwyer", 110)
        self.fault(server, "drifting_pages", by=by, page=2, times=1)
        read = read_day(adapter, WINDOW)
        assert differences(adapter, read, WINDOW, server.clinic.truth(self.slug, MONDAY).rows) == []
        assert read.repeated == []

    def test_field_07_a_list_that_does_not_stand_still_is_not_complete(
        self, server: SandboxServer, adapter: Adapter
    ) -> None:
        server.clinic.fill_day(MONDAY, "odwyer", 110)
        self.fault(server, "drifting_pages")
        pages: list[Page] = []
        with pytest.raises(BadVendorDataError) as caught:
            pages.extend(adapter.list_appointments(WINDOW, [self.practitioner_id(server, "odwyer")]))
        assert caught.value.code == "READ-SHIFTED"
        assert not any(page.is_last for page in pages)
        keys = [(row.external_id, row.patient) for page in pages for row in page.items]
        assert len(keys) == len(set(keys)) > 110

    @pytest.mark.parametrize("fault", ["repeated_cursor", "endless_next"])
    def test_a_list_without_end_raises_and_never_counts_as_whole(
        self, server: SandboxServer, adapter: Adapter, fault: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.lower_the_ceiling(monkeypatch, 30)
        self.fault(server, fault)
        pages = []
        with pytest.raises(BadVendorDataError) as caught:
            pages += self._pages(server, adapter)
        assert caught.value.code == "READ-ENDLESS"
        assert server.requests.count(self.slug, self.list_endpoint) <= 40

    def lower_the_ceiling(self, monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
        """Let listings end after a few pages. Override where the vendor keeps its own ceiling."""
        monkeypatch.setattr(paging, "MAX_PAGES", pages)

    def _pages(self, server: SandboxServer, adapter: Adapter) -> list[Any]:
        return list(adapter.list_appointments(WINDOW, [self.practitioner_id(server, "odwyer")]))

    def test_a_list_that_breaks_off_has_no_last_page(self, server: SandboxServer, adapter: Adapter) -> None:
        server.clinic.fill_day(MONDAY, "odwyer", 110)
        self.fault(server, "server_error", page=2)
        pages = adapter.list_appointments(WINDOW, [self.practitioner_id(server, "odwyer")])
        seen: list[bool] = []
        with pytest.raises(RetryLaterError):
            seen.extend(page.is_last for page in pages)
        assert seen == [False]

    def test_an_empty_day_is_a_whole_answer(self, server: SandboxServer, adapter: Adapter) -> None:
        self.fault(server, "empty_day")
        read = read_day(adapter, WINDOW)
        assert read.rows == {}
        assert all(page.is_last for page in read.pages)

    def test_two_threads_may_read_through_one_adapter(self, server: SandboxServer, adapter: Adapter) -> None:
        gate = threading.Barrier(3)

        def read(_: int) -> DayRead:
            gate.wait()
            return read_day(adapter, WINDOW)

        with ThreadPoolExecutor(3) as pool:
            first, *others = pool.map(read, range(3))
        assert all(other.rows == first.rows for other in others)

    def test_reading_twice_gives_the_same(self, adapter: Adapter) -> None:
        assert read_day(adapter, WINDOW).rows == read_day(adapter, WINDOW).rows

    def test_nothing_is_ever_written(self, server: SandboxServer, adapter: Adapter) -> None:
        adapter.check_connection()
        adapter.list_appointment_types()
        read = read_day(adapter, WINDOW)
        adapter.get_appointment(next(iter(read.appointment_ids)))
        asked = server.requests.entries(self.slug)
        assert {entry.method for entry in asked if entry.endpoint != "token"} == {"GET"}
        assert all(entry.user_agent == "pmsapp contract" for entry in asked)

    @pytest.mark.parametrize("zone", AUSTRALIAN_ZONES)
    def test_days_of_clock_changes_hold_exactly_their_own_appointments(self, zone: str) -> None:
        server = SandboxServer(now=lambda: clock.now(), zone=zone, paired=True, vendors=(self.slug,))
        with server, self.connected(server, replace(self.config(server), time_zone=zone)) as adapter:
            for day in CHANGE_DAYS:
                server.clinic.book_edges(day)
                window = SyncWindow(day, zone)
                read = read_day(adapter, window)
                truth = server.clinic.truth(self.slug, day)
                assert differences(adapter, read, window, truth.rows) == []
                local = [row.start_at.astimezone(ZoneInfo(zone)) for row in read.inside(window).values()]
                assert {start.date() for start in local} == {day}
                assert {(0, 0), (0, 1), (23, 59)} <= {(start.hour, start.minute) for start in local}

    # One appointment

    def test_one_appointment_by_id_is_the_same_as_in_the_list(
        self, server: SandboxServer, adapter: Adapter
    ) -> None:
        rows = read_day(adapter, WINDOW).rows
        for external_id in sorted({key[0] for key in rows})[:12]:
            listed = [row for key, row in rows.items() if key[0] == external_id]
            single = adapter.get_appointment(external_id)
            assert sorted(map(_comparable, single)) == sorted(map(_comparable, listed))

    def test_a_deleted_appointment_is_gone_and_a_cancelled_one_is_not(
        self, server: SandboxServer, adapter: Adapter
    ) -> None:
        rows = [
            row for row in read_day(adapter, WINDOW).inside(WINDOW).values() if row.practitioner_external_id
        ]
        upcoming = [row for row in rows if row.status is AppointmentStatus.BOOKED]
        gone, off = upcoming[0].external_id, upcoming[1].external_id
        server.clinic.delete(gone)
        server.clinic.cancel(off)
        with pytest.raises(NotFoundError) as caught:
            adapter.get_appointment(gone)
        assert caught.value.code == "RECORD-GONE"
        assert {row.status for row in adapter.get_appointment(off)} == {AppointmentStatus.CANCELLED}

    @pytest.mark.parametrize("external_id", ["", ".", "..", "../../x", "a b/c?d#e", "ö"])
    def test_an_id_that_cannot_be_theirs_is_not_found_or_refused(
        self, adapter: Adapter, external_id: str
    ) -> None:
        with pytest.raises((NotFoundError, BadVendorDataError)):
            adapter.get_appointment(external_id)

    # Odd records

    def test_keys_nobody_knows_change_nothing(self, server: SandboxServer, adapter: Adapter) -> None:
        plain = read_day(adapter, WINDOW).rows
        self.rewriter(server).change = with_unknown_keys
        assert read_day(adapter, WINDOW).rows == plain

    @pytest.mark.parametrize("damage", DAMAGES)
    def test_a_damaged_value_costs_one_record_at_most_and_never_quietly(
        self, server: SandboxServer, adapter: Adapter, damage: str
    ) -> None:
        """Every value of a good list in turn: the record survives or is set aside, or the whole answer is refused."""
        good, payload = self._small_list(server, adapter)
        record_at = place_of(payload, server.sandbox.servers[self.slug].records(payload)[0]).steps
        problems = []
        for place in places(payload):
            was = place.value(payload)
            if place.pattern in self.may_vanish or type(was) is type(DAMAGES[damage]):
                continue
            if isinstance(place.steps[-1], int) and DAMAGES[damage] is MISSING:
                continue
            in_record = len(place.steps) > len(record_at) and place.steps[: len(record_at)] == record_at
            told = self._read_damaged(
                server, adapter, place.damaged(payload, DAMAGES[damage]), good, in_record
            )
            if told is not None:
                problems.append(f"{place.pattern} {damage}: {told}")
        assert problems == []

    def _small_list(self, server: SandboxServer, adapter: Adapter) -> tuple[DayRead, Any]:
        """A small day's reading, and the list it was read from."""
        seen: list[Any] = []
        reader = server.sandbox.servers[self.slug]

        def note(payload: Any) -> Any:
            if reader.records(payload):
                seen.append(payload)
            return payload

        self.rewriter(server).change = note
        good = self._read_small(server, adapter)
        assert len(seen) == 1
        assert len(good.appointment_ids) >= 3
        return good, seen[0]

    def _read_small(self, server: SandboxServer, adapter: Adapter) -> DayRead:
        return read_day(adapter, SMALL_WINDOW, [self.practitioner_id(server, "lee-hana")])

    def _read_damaged(
        self, server: SandboxServer, adapter: Adapter, damaged: Any, good: DayRead, in_record: bool
    ) -> str | None:
        reader = server.sandbox.servers[self.slug]
        sent: list[Any] = []

        def change(payload: Any) -> Any:
            if not reader.records(payload) or sent:
                return payload
            sent.append(payload)
            return damaged

        self.rewriter(server).change = change
        try:
            read = self._read_small(server, adapter)
        except BadVendorDataError as exc:
            return f"sank the list ({exc.code})" if in_record else None
        except Exception as exc:  # noqa: BLE001 - anything else is what this test is after
            return f"raised {type(exc).__name__}"
        kept = len(read.appointment_ids) + len(read.bad)
        if kept < len(good.appointment_ids):
            return f"{len(good.appointment_ids) - kept} records vanished"
        lost = len(good.appointment_ids - read.appointment_ids)
        return f"{lost} records were lost" if lost > 1 and in_record else None

    @pytest.mark.parametrize("fault", ["malformed_time", "missing_id"])
    def test_one_broken_record_is_set_aside_and_the_others_are_read(
        self, server: SandboxServer, adapter: Adapter, fault: str
    ) -> None:
        good = self._read_small(server, adapter)
        self.fault(server, fault)
        read = self._read_small(server, adapter)
        assert len(read.bad) == 1
        assert len(read.appointment_ids) == len(good.appointment_ids) - 1
        bad = read.bad[0]
        assert bad.reason
        assert bad.shape
        assert (bad.external_id is None) == (fault == "missing_id")
        assert bad.practitioner_external_id in (self.practitioner_id(server, "lee-hana"), None)
        said = repr(bad)
        for row in good.rows.values():
            assert row.patient is not None
            assert (row.patient.name or "?") not in said
            assert row.start_at.isoformat()[:16] not in said

    def test_an_unknown_status_shows_as_booked_and_keeps_the_word(
        self, server: SandboxServer, adapter: Adapter
    ) -> None:
        self.fault(server, "unknown_status", word="teleported")
        read = self._read_small(server, adapter)
        odd = [row for row in read.rows.values() if "teleported" in (row.status_raw or "")]
        assert len(odd) == 1
        assert odd[0].status is AppointmentStatus.BOOKED
        assert [row for row in read.rows.values() if not row.status_is_known] == odd

    @pytest.mark.parametrize("style", ["upper", "title", "spaces", "hyphens"])
    def test_the_spelling_of_a_status_does_not_matter(
        self, server: SandboxServer, adapter: Adapter, style: str
    ) -> None:
        plain = {key: row.status for key, row in read_day(adapter, WINDOW).rows.items()}
        self.fault(server, "status_spelling", style=style)
        assert {key: row.status for key, row in read_day(adapter, WINDOW).rows.items()} == plain

    def test_hostile_text_comes_out_safe_to_store(self, server: SandboxServer, adapter: Adapter) -> None:
        good = read_day(adapter, WINDOW)
        self.fault(server, "hostile_text")
        read = read_day(adapter, WINDOW)
        assert read.rows.keys() == good.rows.keys()
        for row in read.rows.values():
            for text in (row.notes, row.patient and row.patient.name):
                assert not set(text or "") & set("\x00\x07\u202e\u202c\ud800")

    def test_a_patient_who_cannot_be_read_costs_a_name_and_no_appointment(
        self, server: SandboxServer, adapter: Adapter
    ) -> None:
        good = self._read_small(server, adapter)
        victim = sorted(key[1] for key in good.rows if key[1])[0]
        server.faults.set("server_error", vendor=self.slug, endpoint="patient", patient=victim)
        if adapter.info.capabilities.includes_patients:
            server.faults.set("patient_left_out", vendor=self.slug, patient=victim)
        with self.connected(server) as fresh:
            read = self._read_small(server, fresh)
        assert read.rows.keys() == good.rows.keys()
        for key, row in read.rows.items():
            assert row.patient is not None
            assert (row.patient.name is None) == (key[1] == victim)
        assert read.warnings

    # Refusals and faults

    def test_a_wrong_login_is_refused_as_such(self, server: SandboxServer) -> None:
        with (
            self.connected(server, self.wrong_config(server)) as adapter,
            pytest.raises(ReconnectRequiredError) as caught,
        ):
            adapter.check_connection()
        assert caught.value.code in ("AUTH-REFUSED", "AUTH-EXPIRED")

    def test_a_token_that_ran_out_is_renewed_without_anybody_noticing(
        self, server: SandboxServer, adapter: Adapter
    ) -> None:
        adapter.list_practitioners()
        if adapter.info.capabilities.fixed_token:
            return
        self.fault(server, "expire_token", times=1)
        assert read_day(adapter, WINDOW).rows
        assert server.requests.count(self.slug, "token") == 2

    @pytest.mark.parametrize("endpoint", ["appointments", "practitioners"])
    def test_an_access_that_is_gone_asks_for_a_new_sign_in(
        self, server: SandboxServer, adapter: Adapter, endpoint: str
    ) -> None:
        self.fault(server, "unauthorized", endpoint)
        with pytest.raises(ReconnectRequiredError) as caught:
            self._ask(server, adapter, endpoint)
        assert caught.value.code in ("AUTH-EXPIRED", "AUTH-REFUSED")
        assert server.requests.count(self.slug, endpoint, status=401) <= 2

    def test_a_missing_permission_is_told_as_such(self, server: SandboxServer, adapter: Adapter) -> None:
        self.fault(server, "forbidden")
        with pytest.raises(ReconnectRequiredError) as caught:
            self._ask(server, adapter, "appointments")
        assert caught.value.code == "AUTH-SCOPE"

    @pytest.mark.parametrize(("fault", "options"), PASSING, ids=lambda value: str(value))
    @pytest.mark.parametrize("endpoint", ["token", "practitioners", "appointments"])
    def test_passing_trouble_is_never_read_as_a_refused_login(
        self, server: SandboxServer, endpoint: str, fault: str, options: dict[str, Any]
    ) -> None:
        self.fault(server, fault, endpoint, **options)
        with self.connected(server, retries=1) as adapter:
            if endpoint == "token" and adapter.info.capabilities.fixed_token:
                return
            with pytest.raises(RetryLaterError) as caught:
                self._ask(server, adapter, endpoint)
        assert caught.value.code == ("RATE-WAIT" if fault == "rate_limited" else "PMS-DOWN")
        if fault == "rate_limited":
            wait = caught.value.retry_at
            assert wait is not None
            assert wait > clock.now()
            if "3600" in options.values():
                assert wait == clock.now() + timedelta(hours=1)
                assert server.requests.count(self.slug, endpoint) == 1

    def test_silence_is_slowness_and_not_a_refused_login(self, server: SandboxServer) -> None:
        self.fault(server, "hang")
        with (
            self.connected(server, read_timeout_s=0.2, retries=0) as adapter,
            pytest.raises(RetryLaterError) as caught,
        ):
            self._ask(server, adapter, "appointments")
        assert caught.value.code == "PMS-SLOW"

    def test_a_server_that_is_not_there_is_down(self, server: SandboxServer) -> None:
        with SandboxServer(vendors=(self.slug,), paired=True) as gone:
            config = replace(self.config(gone), base_url=gone.base(self.slug))
        with (
            self.connected(server, config, retries=0) as adapter,
            pytest.raises(RetryLaterError) as caught,
        ):
            adapter.check_connection()
        assert caught.value.code == "PMS-DOWN"

    def test_trouble_that_passes_within_a_read_is_not_noticed(
        self, server: SandboxServer, adapter: Adapter
    ) -> None:
        good = read_day(adapter, WINDOW).rows
        self.fault(server, "bad_gateway", times=2)
        self.fault(server, "cut", times=1)
        assert read_day(adapter, WINDOW).rows == good

    @pytest.mark.parametrize(("fault", "options"), GARBLED, ids=lambda value: str(value))
    @pytest.mark.parametrize("endpoint", ["token", "practitioners", "appointments"])
    def test_an_answer_that_makes_no_sense_is_never_taken_for_data(
        self, server: SandboxServer, endpoint: str, fault: str, options: dict[str, Any]
    ) -> None:
        self.fault(server, fault, endpoint, **options)
        with self.connected(server) as adapter:
            if endpoint == "token" and adapter.info.capabilities.fixed_token:
                return
            with pytest.raises(BadVendorDataError) as caught:
                self._ask(server, adapter, endpoint)
        assert caught.value.code == "PMS-GARBLED"
        assert server.requests.count("elsewhere") == 0

    def _ask(self, server: SandboxServer, adapter: Adapter, endpoint: str) -> object:
        """Make the call that meets a fault at `endpoint`."""
        if endpoint == "appointments":
            return list(adapter.list_appointments(WINDOW, [self.practitioner_id(server, "odwyer")]))
        return adapter.list_practitioners()

    # Secrets

    @pytest.mark.parametrize("endpoint", ["token", "practitioners", "appointments"])
    def test_no_error_no_log_and_no_repr_holds_a_secret_or_a_patient(
        self,
        server: SandboxServer,
        endpoint: str,
        capfd: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level("DEBUG")
        config = self.config(server)
        said = [repr(config)]
        faults = ["unauthorized", "forbidden", "not_found", "server_error", "cut"]
        for fault in [
            *faults,
            *(name for name, _ in GARBLED),
            "unknown_status",
            "malformed_time",
            "endless_next",
        ]:
            server.faults.clear()
            self.fault(server, fault, endpoint)
            with self.connected(server, retries=1) as adapter:
                said += [repr(adapter), repr(adapter.client), repr(adapter.config)]
                said += _told(partial(self._ask, server, adapter, endpoint))
        written = "\n".join([*said, *capfd.readouterr(), caplog.text])
        for secret in self._secrets(server, config):
            assert secret not in written

    def _secrets(self, server: SandboxServer, config: AdapterConfig) -> Iterator[str]:
        hidden = [field.name for field in get_adapter(self.slug).info.credential_fields if field.secret]
        yield from (value for name, value in config.credentials.items() if name in hidden)
        for row in server.clinic.truth(self.slug, MONDAY).rows:
            yield from (
                text
                for text in (
                    row.patient_name,
                    row.patient_phone,
                    row.patient_email,
                    row.patient_id,
                    row.host_link,
                )
                if text and len(text) > 6
            )


def _told(call: Callable[[], object]) -> list[str]:
    """Everything an error says about itself, causes and contexts included; nothing when there is none."""
    try:
        call()
    except PMSError as exc:
        said, links = [], [exc, exc.__cause__, exc.__context__]
        while links:
            link = links.pop()
            if link is not None:
                said += [str(link), repr(link), repr(link.__dict__)]
                links += [link.__cause__, link.__context__]
        return said
    return []


def _comparable(row: Any) -> tuple[str, ...]:
    """A row as text, without what only the list can know."""
    return (
        row.external_id,
        str(row.patient),
        str(row.start_at),
        str(row.duration_min),
        str(row.status),
        str(row.type_external_id),
        str(row.notes),
        str(row.practitioner_external_id),
        str(row.telehealth_evidence),
        str((row.links.host, row.links.patient)),
    )
