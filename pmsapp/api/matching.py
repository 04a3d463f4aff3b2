"""Practitioners, appointment types and clinicians."""

from __future__ import annotations

from flask import Blueprint

from pmsapp.access.guard import current_actor
from pmsapp.api.contract import Answered, call
from pmsapp.schemas.base import given
from pmsapp.schemas.matching import (
    AppointmentTypeList,
    Clinician,
    ClinicianChange,
    ClinicianCreate,
    ClinicianList,
    MappingsIn,
    PractitionerList,
    RunningLateIn,
    TypesIn,
)
from pmsapp.services.clinic import clinic
from pmsapp.services.matching import appointment_types, mappings
from pmsapp.services.matching.appointment_types import TypeChoice
from pmsapp.services.matching.mappings import MappingChoice
from pmsapp.services.sheet import columns

bp = Blueprint("api_matching", __name__, url_prefix="/api")
TAG = "Matching"


@bp.get("/pms/connections/<id:connection_id>/practitioners")
@call(answers={200: PractitionerList}, refusals=(404, 409, 502), tag=TAG)
def list_practitioners(connection_id: int) -> Answered:
    """List the vendor's practitioners, read live.

    Kept for a minute; also before any run. Where the vendor does not answer, the list known from before, with `stale`
    beside it. 409 when a person has to act first (not paired, login refused).
    """
    return PractitionerList.of(mappings.list_practitioners(connection_id), clinic.time_zone())


@bp.post("/pms/connections/<id:connection_id>/practitioners")
@call(answers={200: PractitionerList}, refusals=(400, 404, 409, 415, 422, 502), tag=TAG)
def decide_practitioners(connection_id: int, json: MappingsIn) -> Answered:
    """Decide about practitioners, all or none.

    Whoever is ignored or undecided leaves the sheets from today at once.
    """
    choices = [
        MappingChoice(mapping.pms_practitioner_id, mapping.decision, mapping.clinician_id, mapping.name)
        for mapping in json.mappings
    ]
    return PractitionerList.of(
        mappings.set_mappings(connection_id, choices, current_actor()), clinic.time_zone()
    )


@bp.get("/pms/connections/<id:connection_id>/appointment-types")
@call(answers={200: AppointmentTypeList}, refusals=(404, 409, 502), tag=TAG)
def list_appointment_types(connection_id: int) -> Answered:
    """List the vendor's appointment types, read live, or those known from before, with `stale` beside them."""
    return AppointmentTypeList.of(appointment_types.list_types(connection_id), clinic.time_zone())


@bp.patch("/pms/connections/<id:connection_id>/appointment-types")
@call(answers={200: AppointmentTypeList}, refusals=(400, 404, 409, 415, 422, 502), tag=TAG)
def decide_appointment_types(connection_id: int, json: TypesIn) -> Answered:
    """Decide about appointment types, all or none; the next run applies it."""
    choices = [TypeChoice(**given(kind)) for kind in json.types]
    return AppointmentTypeList.of(
        appointment_types.set_types(connection_id, choices, current_actor()), clinic.time_zone()
    )


@bp.get("/clinicians")
@call(answers={200: ClinicianList}, tag=TAG)
def list_clinicians() -> Answered:
    """List the columns of the run sheet."""
    return ClinicianList(items=[Clinician.of(view) for view in columns.list_clinicians()])


@bp.post("/clinicians")
@call(answers={201: Clinician}, refusals=(400, 415, 422), tag=TAG)
def create_clinician(json: ClinicianCreate) -> Answered:
    """Add a column."""
    view = columns.create_clinician(
        current_actor(), name=json.name, sort_order=json.sort_order, active=json.active
    )
    return Clinician.of(view), 201, {"Location": f"/api/clinicians/{view.id}"}


@bp.get("/clinicians/<id:clinician_id>")
@call(answers={200: Clinician}, refusals=(404,), tag=TAG)
def get_clinician(clinician_id: int) -> Answered:
    """Show one column."""
    return Clinician.of(columns.get_clinician(clinician_id))


@bp.patch("/clinicians/<id:clinician_id>")
@call(answers={200: Clinician}, refusals=(400, 404, 415, 422), tag=TAG)
def change_clinician(clinician_id: int, json: ClinicianChange) -> Answered:
    """Rename, move or retire a column."""
    return Clinician.of(columns.update_clinician(clinician_id, current_actor(), **given(json)))


@bp.put("/clinicians/<id:clinician_id>/running-late")
@call(answers={200: Clinician}, refusals=(400, 404, 415, 422), tag=TAG)
def set_running_late(clinician_id: int, json: RunningLateIn) -> Answered:
    """Say by how many minutes a clinician runs late today.

    Expected times on the run sheet shift by as much; the next day begins on time.
    """
    return Clinician.of(columns.set_running_late(clinician_id, json.minutes, current_actor()))
