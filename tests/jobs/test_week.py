"""A whole week in seconds: every slot that was due was read once, and only once.

Two schedulers, a worker, a real queue server and a clock of the test's own. The week holds a change-over night, a
public holiday, a pause, a machine that slept, and a queue server wiped at noon. What was due is worked out here a
second time, from the rule's own words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import func, select, update

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.jobs import tasks
from pmsapp.jobs.queue import worker_connection
from pmsapp.jobs.scheduler import Scheduler
from pmsapp.models import Clinic, PMSConnection, SyncRun, SyncScope
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import connections
from pmsapp.services.connections.input import Pause
from pmsapp.services.maintenance import retention
from pmsapp.services.monitoring import incidents, task_table
from pmsapp.settings import Settings
from pmsapp.supervisor.redis import EmbeddedRedis
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic, stock
from tests.support.fake_pms import FakePractice, registered

MEL = Actor(kind="user", name="Mel", id=1, role="admin")
QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
JITTER = timedelta(seconds=37)
OPENS, CLOSES = time(7, 0), time(18, 30)
SATURDAY_CLOSES = time(14, 0)
HOURS = {
    **dict.fromkeys(clinic.WEEKDAYS[:5], ("07:00", "18:30")),
    "sat": ("07:00", "14:00"),
    "sun": None,
}


@dataclass(frozen=True)
class Week:
    """Seven days of one clinic. Offsets count from its first midnight, in hours of the wall clock's first day."""

    zone: str
    state: str
    first_day: date
    holiday: date
    pause: tuple[str, str]
    sleep: tuple[str, str]
    wiped: str

    def at(self, text: str) -> datetime:
        """Local "2027-03-31 12:00" as an instant."""
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)

    @property
    def begins_at(self) -> datetime:
        return self.at(f"{self.first_day} 00:00")

    @property
    def ends_at(self) -> datetime:
        return self.at(f"{self.first_day + timedelta(days=7)} 00:00")


AUTUMN = Week(
    zone="Australia/Melbourne",
    state="VIC",
    first_day=date(2027, 3, 29),  # Easter Monday; the night to Sunday has 25 hours
    holiday=date(2027, 3, 29),
    pause=("2027-03-30 10:05", "2027-03-30 12:40"),
    sleep=("2027-04-01 10:10", "2027-04-01 13:20"),
    wiped="2027-03-31 12:00",
)
SPRING = Week(
    zone="Australia/Sydney",
    state="NSW",
    first_day=date(2027, 9, 28),  # the night to Sunday has 23 hours, Monday is Labour Day
    holiday=date(2027, 10, 4),
    pause=("2027-09-28 10:05", "2027-09-29 07:10"),
    sleep=("2027-10-01 16:50", "2027-10-02 08:20"),
    wiped="2027-09-30 12:00",
)


def is_watched(week: Week, instant: datetime) -> bool:
    """In opening hours or the half hour before; never on a holiday or a Sunday."""
    local = instant.astimezone(ZoneInfo(week.zone))
    if local.date() == week.holiday or local.weekday() == 6:
        return False
    opens = week.at(f"{local.date()} {OPENS:%H:%M}")
    closes = week.at(f"{local.date()} {(SATURDAY_CLOSES if local.weekday() == 5 else CLOSES):%H:%M}")
    return opens - timedelta(minutes=30) <= instant < closes


def slots_by_the_rule(week: Week) -> list[datetime]:
    """Every 15 minutes in hours and once at their end, hourly outside, half an hour before opening."""
    found = []
    instant = week.begins_at + JITTER
    while instant < week.ends_at:
        local = instant.astimezone(ZoneInfo(week.zone))
        on_the_hour = instant.minute == 0
        half_before = (local.hour, local.minute) == (6, 30)
        if (
            is_watched(week, instant)
            or is_watched(week, instant - QUARTER)
            or on_the_hour
            or (half_before and is_watched(week, instant + HOUR))
        ):
            found.append(instant)
        instant += QUARTER
    return found


def due_slots(week: Week) -> list[datetime]:
    """What the schedule must have taken: no slot of the pause but its end, one slot of the time asleep."""
    paused_at, resumed_at = (week.at(text) for text in week.pause)
    asleep_at, awake_at = (week.at(text) for text in week.sleep)
    every = slots_by_the_rule(week)
    kept = [slot for slot in every if not paused_at < slot <= resumed_at and not asleep_at < slot <= awake_at]
    slept_through = [slot for slot in every if asleep_at < slot <= awake_at]
    return sorted([*kept, resumed_at, slept_through[0]])


@pytest.fixture
def practice() -> Iterator[FakePractice]:
    made = stock(FakePractice())
    for key in ("ben", "cleo"):
        del made.practitioners[key]
    with registered("practice", made):
        yield made


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings(lookahead_days=0)


@pytest.fixture
def frozen_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[FrozenClock]:
    """The wall clock and the clock that only grows, both in the test's hand."""
    source = FrozenClock(AUTUMN.begins_at)
    monkeypatch.setattr(clock, "monotonic_s", lambda: source.at.timestamp())
    with clock.use(source):
        yield source


class Installation:
    """Two schedulers and one worker, without their processes."""

    def __init__(self, app: Flask, queue: Redis) -> None:
        self.schedulers = [Scheduler(app), Scheduler(app)]
        self.queue = queue
        self.deaf = False

    def tick(self) -> None:
        """Both schedulers look; then the worker does what it hears."""
        for scheduler in self.schedulers:
            scheduler.tick()
            assert scheduler.wait_for_periodic(60)
        while not self.deaf and (job_id := self.queue.lpop("rq:queue:pmsapp")):
            name = job_id.decode()
            tasks.run_sync(int(name.rpartition("-")[2]))
            self.queue.delete(f"rq:job:{name}")


def live_through(
    week: Week, installation: Installation, frozen_clock: FrozenClock, connection_id: int
) -> None:
    """Look shortly after every quarter hour of the week."""
    paused_at, resumed_at = (week.at(text) for text in week.pause)
    asleep_at, awake_at = (week.at(text) for text in week.sleep)
    wiped_at = week.at(week.wiped)
    looks = [
        week.begins_at + JITTER + number * QUARTER + timedelta(seconds=2) for number in range(-1, 7 * 97)
    ]
    looks += [resumed_at + timedelta(seconds=2), awake_at]
    paused = False
    for look in sorted(look for look in looks if look < week.ends_at):
        if asleep_at < look < awake_at:
            continue
        if look >= paused_at and not paused:
            paused = True
            frozen_clock.set(paused_at)
            connections.update_connection(connection_id, MEL, paused=Pause(resumed_at, "moving house"))
        frozen_clock.set(look)
        if wiped_at <= look < wiped_at + QUARTER:
            _lose_a_job(installation, frozen_clock)
        installation.tick()


def _lose_a_job(installation: Installation, frozen_clock: FrozenClock) -> None:
    """The run is asked for, its job enqueued, and the queue server loses everything before a worker takes it."""
    installation.deaf = True
    installation.tick()
    assert installation.queue.llen("rq:queue:pmsapp") == 1
    installation.queue.flushall()
    frozen_clock.advance(seconds=11)
    installation.deaf = False


@pytest.mark.slow
@pytest.mark.parametrize("week", [AUTUMN, SPRING], ids=["25-hour-night", "23-hour-night"])
def test_j1_every_run_that_was_due_in_a_week_ran_once(
    app: Flask,
    week: Week,
    practice: FakePractice,
    redis_server: EmbeddedRedis,
    settings: Settings,
    frozen_clock: FrozenClock,
) -> None:
    frozen_clock.set(week.begins_at)
    clinic.ensure()
    clinic.update_clinic(MEL, time_zone=week.zone, state=week.state, hours=HOURS)
    fake = FakeClinic(practice, zone=week.zone)
    with writing() as session:
        session.execute(update(Clinic).values(jitter_s=int(JITTER.total_seconds())))
        session.execute(update(PMSConnection).values(next_sync_at=week.begins_at + JITTER))
    installation = Installation(app, worker_connection(settings.queue_url))
    live_through(week, installation, frozen_clock, fake.connection_id)

    with reading() as session:
        runs = session.scalars(select(SyncRun).order_by(SyncRun.id)).all()
        scopes = Counter(
            dict(session.execute(select(SyncScope.run_id, func.count()).group_by(SyncScope.run_id)).all())  # type: ignore[arg-type]
        )
    taken = [datetime.fromisoformat(run.slot) for run in runs if run.slot]
    assert [_words(week, slot) for slot in taken] == [_words(week, slot) for slot in due_slots(week)]
    assert len(runs) == len(taken)  # nobody asked but the schedule
    assert {run.status for run in runs} == {"success"}
    assert set(scopes.values()) == {1}  # each was done once
    assert incidents.list_recent() == []  # and there was nothing to tell anybody
    backup = next(task for task in task_table.list_tasks() if task.name == retention.BACKUP)
    assert backup.failures == 0
    nights = len(list((settings.instance_dir / "backups").iterdir()))
    assert nights in (
        7,
        8,
    )  # one at the first start, one each night, none in a night asleep but one in the morning


def _words(week: Week, instant: datetime) -> str:
    return f"{instant.astimezone(ZoneInfo(week.zone)):%a %d %b %H:%M:%S %Z}"
