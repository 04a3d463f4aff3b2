"""What must be true after a run, worked out from the fake practice and never with the engine's own code."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from pmsapp import clock
from pmsapp.domain.runsheet import Card
from pmsapp.domain.window import day_of, utc_text
from pmsapp.extensions import key_ring
from pmsapp.services.base.transaction import reading
from pmsapp.services.runs.history import RunView
from pmsapp.services.sheet import days as sheet_days
from pmsapp.services.sheet.cards import load_cards
from tests.support.fake_clinic import FakeClinic
from tests.support.fake_pms import WHOLE_PRACTICE, Visit
from tests.support.snapshot import Row, Snapshot

COLUMNS = {
    "patient_name": "patient_name",
    "patient_phone": "patient_phone",
    "patient_email": "patient_email",
    "start_at": "start_at",
    "duration_minutes": "appointment_duration_minutes",
    "clinician_id": "clinician_id",
    "is_telehealth": "is_telehealth",
}
STAFF_SHOWS = {"patient_name", "patient_phone", "patient_email"}
IN_FORCE = ("active", "conflict")


class Oracle:
    """Knows the practice and the clinic's decisions, and says what a run may and must have done."""

    def __init__(self, clinic: FakeClinic, slug: str, take: Callable[[], Snapshot]) -> None:
        self.clinic = clinic
        self._take = take
        self.practice = clinic.practice
        self.whole = slug == WHOLE_PRACTICE
        self.decisions: dict[str, tuple[str, int | None]] = {
            key: ("mapped", clinician) for key, clinician in clinic.mapped.items()
        }
        self.types: dict[str, tuple[bool | None, bool]] = dict.fromkeys(self.practice.types, (None, True))
        self.kept: set[int] = set()
        self._looks = 0
        self._compared: Snapshot | None = None

    # -- the truth --------------------------------------------------------------------------------------------------

    def day(self, visit: Visit) -> date:
        return day_of(visit.start_at, self.clinic.zone)

    def is_read(self, practitioner: str | None) -> bool:
        """Whether a full run reads this practitioner's list."""
        if self.whole:
            return True
        return practitioner is not None and self.decisions[practitioner][0] != "ignored"

    def telehealth(self, visit: Visit) -> bool | None:
        decided = self.types[visit.type_id][0] if visit.type_id else None
        if decided is not None:
            return decided
        if visit.evidence is not None:
            return visit.evidence
        return self.practice.types[visit.type_id].is_telehealth if visit.type_id else None

    def presence(self, visit: Visit) -> str:
        """Where a card of this visit belongs."""
        if visit.practitioner is not None and self.decisions[visit.practitioner][0] != "mapped":
            return "unmapped"
        if visit.type_id and not self.types[visit.type_id][1]:
            return "filtered"
        if self.telehealth(visit) is False:
            return "filtered"
        return "cancelled" if visit.status == "cancelled" else "on_sheet"

    def columns(self, visit: Visit, patient: str) -> Row:
        """What the PMS columns of a card must hold."""
        person = self.practice.patients[patient]
        clinician = self.decisions[visit.practitioner][1] if visit.practitioner else None
        return {
            "start_at": visit.start_at,
            "appointment_duration_minutes": visit.minutes,
            "patient_name": person.name,
            "patient_phone": person.phone,
            "patient_email": person.email,
            "appointment_status": visit.status,
            "is_telehealth": self.telehealth(visit),
            "clinician_id": clinician,
            "pms_practitioner_id": visit.practitioner,
            "pms_type_id": visit.type_id,
            "pms_date": self.day(visit),
        }

    def names(self, row: Row) -> bool:
        """Whether the PMS still has this card's patient in this card's appointment."""
        visit = self.practice.visits.get(row["pms_appointment_id"])
        return visit is not None and row["pms_patient_id"] in visit.patients

    # -- always -----------------------------------------------------------------------------------------------------

    def check_always(self, now: Snapshot) -> None:
        """True at any moment, whatever happened. Cards that were compared stay right until something is stored."""
        if now is not self._compared:
            self._check_cards(now)
            self._check_questions(now)
            self._compared = now
        self._looks += 1
        day = self.clinic.today + timedelta(days=self._looks % 3)
        assert sheet_days.get_sheet(day).etag == sheet_days.sheet_etag(day)

    def _check_cards(self, now: Snapshot) -> None:
        shown = self._shown_cards()
        for row in now.cards.values():
            typed = self._typed(now, row["id"])
            card = shown[row["id"]]
            for field, column in COLUMNS.items():
                wanted = row[column]
                edit = typed.get(field)
                if edit and (edit["state"] == "active" or field in STAFF_SHOWS):
                    wanted = edit["value"]
                got = getattr(card, field)
                got = utc_text(got) if field == "start_at" else got
                wanted = utc_text(wanted) if hasattr(wanted, "astimezone") else wanted
                assert got == wanted, f"card {row['id']} shows {field} {got}, not {wanted}"
            assert card.date == row["sheet_date"], f"card {row['id']} is kept under another day than it shows"

    def _shown_cards(self) -> dict[int, Card]:
        with reading() as session:
            return {card.id: card for card in load_cards(session, key_ring(), [])}

    def _typed(self, now: Snapshot, card_id: int) -> dict[str, Row]:
        return {
            row["field"]: row
            for row in now.overrides.values()
            if row["appointment_id"] == card_id and row["state"] in IN_FORCE
        }

    def _check_questions(self, now: Snapshot) -> None:
        """Whatever waits for a person is asked, once."""
        asked = [row for row in now.decisions.values() if row["state"] == "open"]
        subjects = Counter(row["subject"] for row in asked)
        assert not [subject for subject, times in subjects.items() if times > 1]
        about: dict[str, set[int]] = defaultdict(set)
        for row in asked:
            first = row["appointment_ids"][:1] if row["kind"] == "patient_changed" else row["appointment_ids"]
            about[row["kind"]] |= set(first)
        held = {row["id"] for row in now.cards.values() if row["presence"] == "held"}
        assert held <= about["removals_held"] | about["patient_changed"], "a held card nobody is asked about"
        for row in now.overrides.values():
            card = now.cards[row["appointment_id"]]
            if row["state"] == "conflict" and card["presence"] in ("on_sheet", "cancelled"):
                mine = [
                    question
                    for question in asked
                    if question["subject"] == f"field:{card['id']}:{row['field']}"
                ]
                assert len(mine) == 1, "a conflict nobody is asked about"
                theirs = card[COLUMNS[row["field"]]]
                theirs = utc_text(theirs) if hasattr(theirs, "astimezone") else theirs
                assert (mine[0]["ours"], mine[0]["theirs"]) == (row["value"], theirs)

    # -- after any run ----------------------------------------------------------------------------------------------

    def check_run(self, run: RunView, before: Snapshot, after: Snapshot, staff: dict[str, Any]) -> None:
        """True after every run, however it ended. `staff`: what staff's side was when they last touched anything."""
        assert _of(after.staff, staff) == staff, "a run touched what staff typed"
        for row in before.cards.values():
            now = after.cards[row["id"]]
            assert [now[name] for name in _IDENTITY] == [row[name] for name in _IDENTITY]
            if row["pms_appointment_id"] is None:
                assert now == row, "a run touched a card made by hand"
            elif now["presence"] != row["presence"]:
                self._check_step(run, row, now)
        self._check_swaps(before, after)
        self._check_counts(run)
        self._check_brake(before, after)

    def _check_step(self, run: RunView, was: Row, now: Row) -> None:
        if now["presence"] in ("deleted", "held"):
            assert was["presence"] == "on_sheet", f"{was['presence']} became {now['presence']}"
            assert not self.names(now), "taken off although the PMS still has it"
        if now["presence"] == "deleted":
            scopes = {(scope.pms_practitioner_id, scope.date): scope.outcome for scope in run.scopes}
            outcome = scopes.get((was["pms_practitioner_id"], was["pms_date"]))
            assert outcome == "complete", f"deleted although its scope was {outcome}"
        if was["presence"] == "removed_by_staff":
            assert now["presence"] == "on_sheet"
            assert now["start_at"] != was["tombstone_start_at"], "came back although its start is the same"
            assert now["returned_at"] is not None

    def _check_swaps(self, before: Snapshot, after: Snapshot) -> None:
        """Whoever gives way to another patient on the same appointment is held, not deleted."""
        arrived = {
            row["pms_appointment_id"]
            for row in after.cards.values()
            if row["presence"] == "on_sheet"
            and (row["id"] not in before.cards or before.cards[row["id"]]["presence"] != "on_sheet")
        }
        for row in before.cards.values():
            if row["presence"] == "on_sheet" and after.cards[row["id"]]["presence"] == "deleted":
                assert row["pms_appointment_id"] not in arrived, "deleted instead of held for another patient"

    def _check_counts(self, run: RunView) -> None:
        for counts in (run.counts, *(scope.counts for scope in run.scopes)):
            parts = ("created", "updated", "unchanged", "skipped", "failed")
            assert counts["fetched"] == sum(counts[name] for name in parts), counts
        if run.scopes:
            for name in run.counts:
                assert run.counts[name] == sum(scope.counts[name] for scope in run.scopes), name
        assert sum(run.skipped_reasons.values()) == run.counts["skipped"] or run.status not in _ENDED_WELL
        if run.status == "success":
            assert not run.counts["failed"]
            assert not run.counts["held"]
            assert all(scope.outcome == "complete" for scope in run.scopes)

    def _check_brake(self, before: Snapshot, after: Snapshot) -> None:
        """No clinician-day lost more than the brake lets pass."""
        deleted: Counter[Any] = Counter()
        stood: Counter[Any] = Counter()
        for row in before.cards.values():
            if row["presence"] == "on_sheet" and row["pms_appointment_id"]:
                scope = (row["pms_practitioner_id"], row["pms_date"])
                stood[scope] += 1
                deleted[scope] += after.cards[row["id"]]["presence"] == "deleted"
        for scope, count in deleted.items():
            assert count <= max(3, stood[scope] * 3 // 10), f"{count} of {stood[scope]} deleted unasked"

    # -- after a run without faults ---------------------------------------------------------------------------------

    def check_converged(self, run: RunView, before: Snapshot, days: list[date]) -> None:
        """The sheet equals the PMS except where staff decided otherwise."""
        after = self._take()
        cards = {
            (row["pms_appointment_id"], row["pms_patient_id"]): row
            for row in after.cards.values()
            if row["pms_connection_id"] == self.clinic.connection_id
        }
        for visit in self.practice.visits.values():
            if self.day(visit) in days and self.is_read(visit.practitioner):
                for patient in visit.patients:
                    self._check_pair(visit, patient, cards.get((visit.id, patient)))
        for row in cards.values():
            if row["pms_date"] in days and self.is_read(row["pms_practitioner_id"]):
                self._check_card(before, after, row)
        held = any(
            row["presence"] == "held" and row["pms_date"] in days and self.is_read(row["pms_practitioner_id"])
            for row in after.cards.values()
        )
        assert run.status == ("partial" if held else "success"), (run.status, run.error, run.counts)
        self._check_fresh(after, days)

    def _check_pair(self, visit: Visit, patient: str, row: Row | None) -> None:
        wanted = self.presence(visit)
        if row is None:
            assert wanted != "on_sheet", f"{visit.id} has no card"
            return
        for name, value in self.columns(visit, patient).items():
            assert row[name] == value, f"{visit.id}: {name} is {row[name]}, not {value}"
        if row["presence"] == "removed_by_staff":
            # Merged into another card there is no tombstone: it never comes back.
            came_back = row["tombstone_start_at"] not in (None, visit.start_at)
            assert not (came_back and wanted == "on_sheet"), (
                "removed by staff, moved since, and did not return"
            )
            return
        assert row["presence"] == wanted, f"{visit.id} is {row['presence']}, not {wanted}"
        assert row["kept_digest"] is None

    def _check_card(self, before: Snapshot, after: Snapshot, row: Row) -> None:
        typed = {
            override["field"]: override
            for override in after.overrides.values()
            if override["appointment_id"] == row["id"] and override["state"] in IN_FORCE
        }
        if not self.names(row):
            if row["presence"] == "on_sheet":
                assert row["kept_digest"] is not None, f"{row['pms_appointment_id']} is gone but stands there"
                assert row["id"] in self.kept
            return
        for field, edit in typed.items():
            pms = row[COLUMNS[field]]
            pms = utc_text(pms) if hasattr(pms, "astimezone") else pms
            assert pms != edit["value"], "an edit the PMS agrees with still stands"
            assert edit["state"] == ("active" if pms == edit["base_value"] else "conflict")

    def _check_fresh(self, after: Snapshot, days: list[date]) -> None:
        for practitioner, (decision, _) in self.decisions.items():
            for day in days:
                found = [
                    row
                    for row in after.freshness.values()
                    if (row["pms_practitioner_id"], row["date"]) == (practitioner, day)
                ]
                if decision == "mapped":
                    assert found, "a day that was read has no age"
                    assert found[0]["as_of"] == clock.now()


_IDENTITY = ("id", "pms_connection_id", "pms_appointment_id", "pms_patient_id", "created_at")
_ENDED_WELL = ("success", "partial")


def _of(now: dict[str, Any], staff: dict[str, Any]) -> dict[str, Any]:
    """The part of what stands now that staff had touched by then."""
    return {part: {key: now[part].get(key) for key in rows} for part, rows in staff.items()}
