"""The run sheet: days, columns, cards, what staff typed over them, and each card's timeline."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pmsapp.models.base import Base, table
from pmsapp.models.column_types import JSONText


class RunSheet(Base):
    """One clinic day. `version` grows with every visible change."""

    __tablename__ = "run_sheets"
    __table_args__ = table()

    id: Mapped[int] = mapped_column(primary_key=True)
    date: Mapped[date] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(default="open")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class RunSheetClinician(Base):
    """A column of the run sheet.

    `notice_after_minutes`, `warn_after_minutes`, `urgent_after_minutes`: how long a patient may wait before the line
    says so. `running_late_minutes` counts on the clinic day `running_late_on` alone.
    """

    __tablename__ = "run_sheet_clinicians"
    __table_args__ = table()

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    sort_order: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    notice_after_minutes: Mapped[int] = mapped_column(default=10, server_default="10")
    warn_after_minutes: Mapped[int] = mapped_column(default=15, server_default="15")
    urgent_after_minutes: Mapped[int] = mapped_column(default=30, server_default="30")
    running_late_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    running_late_on: Mapped[date | None]
    running_late_by: Mapped[str | None]
    running_late_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class RunSheetAppointment(Base):
    """A card. Vendor columns are written by sync alone; what staff typed stands in RunSheetOverride.

    `pms_date`: the local day of the PMS start, the day of its scope. `run_sheet_id`: the day it is shown on.
    `pms_digest`: equal for two reads only if every vendor column is equal. `pms_patient_id` is "" for a manual card.
    `pms_status_raw`: the PMS's word for a status that is not known here; null for the others.
    `also_practitioner_ids`: the other practitioners of a joint consultation, an id a line.
    `kept_digest`: staff chose to keep a card the PMS no longer lists; what the PMS said then.
    `presence_at`: since when we know; `pms_cancelled_at`: when the PMS says it was cancelled, where it says so.
    `moved_from_at`, `moved_from_clinician_id`: the last other start and column, where the PMS changed them.
    `rebooked_from_id`, `rebooked_to_id`: the cards of a visit cancelled and booked anew, new and old (ids are never
    used again); `taken_over_at`: when staff took the work of the cancelled card over.
    `waiting_since`: the beginning of the wait, whatever was pressed since. `attempts`, `identity_check`: what staff
    did, with who and when. `claimed_key`: who is calling the patient (an actor's key).
    """

    __tablename__ = "run_sheet_appointments"
    __table_args__ = table(
        UniqueConstraint("pms_connection_id", "pms_appointment_id", "pms_patient_id"),
        Index("ix_cards_sheet", "run_sheet_id"),
        Index("ix_cards_scope", "pms_connection_id", "pms_date", "pms_practitioner_id"),
        never_reuse_ids=True,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_sheet_id: Mapped[int] = mapped_column(ForeignKey("run_sheets.id"))
    clinician_id: Mapped[int | None] = mapped_column(ForeignKey("run_sheet_clinicians.id"), index=True)
    start_at: Mapped[datetime]
    time_zone: Mapped[str]
    appointment_duration_minutes: Mapped[int | None]
    duration_estimated: Mapped[bool] = mapped_column(default=False)
    patient_name: Mapped[str | None]
    patient_dob: Mapped[date | None]
    patient_phone: Mapped[str | None]
    patient_email: Mapped[str | None]
    patient_has_died: Mapped[bool | None]
    appointment_type_name: Mapped[str | None]
    appointment_status: Mapped[str]
    is_telehealth: Mapped[bool | None]
    host_link_sealed: Mapped[str | None]
    patient_link_sealed: Mapped[str | None]
    pms_notes: Mapped[str | None]
    time_odd: Mapped[bool] = mapped_column(default=False)

    pms_connection_id: Mapped[int | None] = mapped_column(
        ForeignKey("pms_connections.id", ondelete="SET NULL")
    )
    pms_appointment_id: Mapped[str | None]
    pms_patient_id: Mapped[str] = mapped_column(default="", server_default="")
    pms_practitioner_id: Mapped[str | None]
    also_practitioner_ids: Mapped[str | None]
    pms_type_id: Mapped[str | None]
    pms_status_raw: Mapped[str | None]
    pms_date: Mapped[date | None]
    pms_digest: Mapped[str | None]
    pms_last_synced_at: Mapped[datetime | None]

    presence: Mapped[str] = mapped_column(default="on_sheet")
    presence_reason: Mapped[str | None]
    presence_at: Mapped[datetime | None]
    pms_cancelled_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    moved_from_at: Mapped[datetime | None]
    moved_from_date: Mapped[date | None] = mapped_column(index=True)
    moved_from_clinician_id: Mapped[int | None]
    moved_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[str | None]
    removed_reason: Mapped[str | None]
    tombstone_start_at: Mapped[datetime | None]
    kept_digest: Mapped[str | None]
    rebooked_from_id: Mapped[int | None]
    rebooked_to_id: Mapped[int | None]
    taken_over_at: Mapped[datetime | None]

    notes: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="booked", server_default="booked")
    state_since: Mapped[datetime | None]
    waiting_since: Mapped[datetime | None]
    attempts: Mapped[Any | None] = mapped_column(JSONText)
    identity_check: Mapped[Any | None] = mapped_column(JSONText)
    claimed_key: Mapped[str | None]
    claimed_by: Mapped[str | None]
    claimed_at: Mapped[datetime | None]
    row_version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class HandOver(Base):
    """A day handed over at its end: who closed it and when (null: open again), and who opened it again."""

    __tablename__ = "hand_overs"
    __table_args__ = table()

    id: Mapped[int] = mapped_column(primary_key=True)
    date: Mapped[date] = mapped_column(unique=True)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    note: Mapped[str | None]
    reopened_at: Mapped[datetime | None]
    reopened_by: Mapped[str | None]


class SheetLook(Base):
    """When a person first looked at a day, or last said that they have seen all of it: later changes are news."""

    __tablename__ = "run_sheet_looks"
    __table_args__ = table()

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    run_sheet_id: Mapped[int] = mapped_column(
        ForeignKey("run_sheets.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    looked_at: Mapped[datetime]


class CardLook(Base):
    """When a person last looked at one card, or did something to it."""

    __tablename__ = "run_sheet_card_looks"
    __table_args__ = table()

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    appointment_id: Mapped[int] = mapped_column(
        ForeignKey("run_sheet_appointments.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    looked_at: Mapped[datetime]


class PatientRead(Base):
    """When a card's patient was last read, where the vendor has to be asked for each; missing: ask again."""

    __tablename__ = "pms_patient_reads"
    __table_args__ = table()

    appointment_id: Mapped[int] = mapped_column(
        ForeignKey("run_sheet_appointments.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    read_at: Mapped[datetime]


class RunSheetOverride(Base):
    """A value staff typed over a PMS value. `base_value` is what the PMS said when they did.

    state: active (in force), conflict (the PMS changed too), dropped, agreed (the PMS came to say the same).
    """

    __tablename__ = "run_sheet_overrides"
    __table_args__ = table(
        Index(
            "uq_overrides_in_force",
            "appointment_id",
            "field",
            unique=True,
            sqlite_where=text("state in ('active', 'conflict')"),
            postgresql_where=text("state in ('active', 'conflict')"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    appointment_id: Mapped[int] = mapped_column(
        ForeignKey("run_sheet_appointments.id", ondelete="CASCADE"), index=True
    )
    field: Mapped[str]
    value: Mapped[Any | None] = mapped_column(JSONText)
    base_value: Mapped[Any | None] = mapped_column(JSONText)
    by: Mapped[str]
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="active")
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]


class RunSheetEvent(Base):
    """One line of a card's timeline: what the PMS said or staff did. `source`: pms, staff or system."""

    __tablename__ = "run_sheet_events"
    __table_args__ = table(Index("ix_events_card", "appointment_id", "id"), Index("ix_events_run", "run_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    appointment_id: Mapped[int] = mapped_column(ForeignKey("run_sheet_appointments.id", ondelete="CASCADE"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("pms_sync_log.id", ondelete="SET NULL"))
    at: Mapped[datetime]
    source: Mapped[str]
    kind: Mapped[str]
    actor: Mapped[str | None]
    data: Mapped[Any | None] = mapped_column(JSONText)


class Decision(Base):
    """Something only a person can settle.

    kind: field_conflict, patient_changed, removals_held, merge_suggestion, practitioner_new,
    practitioner_gone, practitioner_changed, type_new, type_changed, type_gone.
    state: open, decided, lapsed (it settled itself). `subject` makes an open decision unique.
    `marker`: what the PMS said when the question arose. `undo`: what an undo puts back.
    """

    __tablename__ = "decisions"
    __table_args__ = table(
        Index(
            "uq_decisions_open",
            "subject",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_decisions_state_date", "state", "date"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    connection_id: Mapped[int | None] = mapped_column(ForeignKey("pms_connections.id", ondelete="CASCADE"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("pms_sync_log.id", ondelete="SET NULL"))
    date: Mapped[date | None]
    clinician_id: Mapped[int | None] = mapped_column(ForeignKey("run_sheet_clinicians.id"))
    appointment_ids: Mapped[Any] = mapped_column(JSONText, default=list)
    field: Mapped[str | None]
    ours: Mapped[Any | None] = mapped_column(JSONText)
    theirs: Mapped[Any | None] = mapped_column(JSONText)
    since: Mapped[datetime]
    marker: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="open")
    choice: Mapped[str | None]
    undo: Mapped[Any | None] = mapped_column(JSONText)
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]


class FormerCard(Base):
    """A card whose connection was taken away: what it was at the PMS, so that reconnecting the same practice finds it.

    `practice_key`: the practice's fingerprint and organization, as `services.connections.reconnect` writes it.
    `kept_values`: for a card kept as a manual one, what the PMS had said in the fields staff may edit.
    """

    __tablename__ = "pms_former_cards"
    __table_args__ = table(
        UniqueConstraint("pms_type", "practice_key", "pms_appointment_id", "pms_patient_id"),
        Index("ix_former_cards_card", "appointment_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pms_type: Mapped[str]
    practice_key: Mapped[str]
    pms_appointment_id: Mapped[str]
    pms_patient_id: Mapped[str]
    pms_practitioner_id: Mapped[str | None]
    pms_type_id: Mapped[str | None]
    pms_date: Mapped[date | None]
    appointment_id: Mapped[int] = mapped_column(ForeignKey("run_sheet_appointments.id", ondelete="CASCADE"))
    kept_values: Mapped[Any | None] = mapped_column(JSONText)
    left_at: Mapped[datetime]


class CardBefore(Base):
    """How a card stood before a run changed it, kept for a day so that the run can be undone.

    `before`: the PMS's side, what staff typed over it by state, and the open questions about it; null where the run made
    the card. `row_version`: the card's after the run's last write; another one means that somebody came after the run.
    """

    __tablename__ = "run_sheet_before"
    __table_args__ = table(
        UniqueConstraint("run_id", "appointment_id"), Index("ix_before_card", "appointment_id")
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("pms_sync_log.id", ondelete="CASCADE"))
    appointment_id: Mapped[int] = mapped_column(ForeignKey("run_sheet_appointments.id", ondelete="CASCADE"))
    before: Mapped[Any | None] = mapped_column(JSONText)
    row_version: Mapped[int]
    at: Mapped[datetime]
