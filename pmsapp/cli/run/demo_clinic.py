"""Sets a training clinic up against the sandbox, by the same services a person's clicks take.

Run twice it does only what is still missing, so data and passwords of the first start are kept.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pmsapp.crypto import private_files
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.extensions import current_settings
from pmsapp.services.base.errors import Conflict, NotFound
from pmsapp.services.connections import connections
from pmsapp.services.connections.views import ConnectionView
from pmsapp.services.matching import appointment_types, mappings
from pmsapp.services.matching.appointment_types import TypeChoice
from pmsapp.services.matching.mappings import MappingChoice, PractitionerView
from pmsapp.services.people import users

LOGINS_FILE = "demo-logins.json"
PEOPLE = (
    ("admin", "admin@training.example", "Alex Admin"),
    ("reception", "reception@training.example", "Mel Reception"),
)
_LETTERS = "abcdefghjkmnpqrstuvwxyz"  # none that are mistaken for another
_PASSWORD_GROUPS, _GROUP_CHARS = 4, 4

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Practice:
    """The sandbox practice to connect to, and what a person would type for it."""

    pms_type: str
    credentials: Mapping[str, str]
    pairing_codes: Sequence[str]

    def __repr__(self) -> str:
        return f"Practice({self.pms_type!r})"


@dataclass(frozen=True, slots=True)
class Login:
    """A person of the training clinic. The password opens nothing but the demo."""

    role: str
    email: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.email!r})"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What there is to use: who may sign in, and the connection."""

    logins: tuple[Login, ...]
    connection_id: int


def prepare(practice: Practice, tell: Tell) -> Prepared:
    """Make people and connection, or find those of an earlier start. The first run is asked for, not awaited.

    Raises what the services raise.
    """
    logins = _people(tell)
    view = _connection(practice, tell)
    if view.tenant_id is None:
        _pair(view.id, practice, tell)
    if not view.sync_enabled:
        _decide(view.id, tell)
        connections.update_connection(view.id, COMMAND_LINE, sync_enabled=True)
    return Prepared(logins, view.id)


def _people(tell: Tell) -> tuple[Login, ...]:
    path = current_settings().instance_dir / LOGINS_FILE
    known = _read(path)
    logins = []
    for role, email, name in PEOPLE:
        password = known.get(email) or _new_password()
        known[email] = password
        logins.append(Login(role, email, password))
        _write(path, known)
        try:
            users.find_user(email)
        except NotFound:
            tell(f"Letting {name} in")
            users.add_user(email, role=role, name=name, password=password, actor=COMMAND_LINE)
    return tuple(logins)


def _connection(practice: Practice, tell: Tell) -> ConnectionView:
    found = [view for view in connections.list_connections() if view.pms_type == practice.pms_type]
    if found:
        return found[0]
    tell("Connecting to the practice software")
    return connections.create_connection(
        COMMAND_LINE, pms_type=practice.pms_type, credentials=practice.credentials
    )


def _pair(connection_id: int, practice: Practice, tell: Tell) -> None:
    """Use the first pairing code that is still good."""
    tell("Pairing with a code")
    last: Conflict | None = None
    for code in practice.pairing_codes:
        try:
            connections.pair(connection_id, code, COMMAND_LINE)
            return
        except Conflict as error:
            last = error
    raise last or Conflict("PAIR-USED", "Every pairing code was used.")


def _decide(connection_id: int, tell: Tell) -> None:
    """Every practitioner of the appointment book gets a column; types whose name says telehealth are chosen."""
    tell("Giving each practitioner a column")
    people = mappings.list_practitioners(connection_id)
    mappings.set_mappings(connection_id, [_choice(practitioner) for practitioner in people], COMMAND_LINE)
    tell("Choosing the telehealth appointment types")
    listed = appointment_types.list_types(connection_id)
    chosen = [
        TypeChoice(appointment_type.pms_type_id, is_telehealth=appointment_type.suggested)
        for appointment_type in listed
    ]
    appointment_types.set_types(connection_id, chosen, COMMAND_LINE)


def _choice(practitioner: PractitionerView) -> MappingChoice:
    shown = practitioner.active and practitioner.shown_in_appointment_book
    return MappingChoice(
        practitioner.pms_practitioner_id,
        "create" if shown else "ignore",
        name=practitioner.name if shown else None,
    )


def _new_password() -> str:
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP_CHARS)) for _ in range(_PASSWORD_GROUPS))
    return "-".join(groups)


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return {str(email): str(password) for email, password in found.items()}


def _write(path: Path, logins: Mapping[str, str]) -> None:
    private_files.replace(path, json.dumps(dict(logins), indent=2))
