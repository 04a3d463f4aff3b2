"""What a permission is made of. Nothing here knows Flask or the database."""

from __future__ import annotations

from dataclasses import dataclass

from pmsapp.domain.roles import ADMIN, CLINICIAN, PEOPLE_ROLES, RECEPTION, STATUS, TOKEN_ROLES


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may call one method of one endpoint.

    `people`: roles of signed-in people. `tokens`: roles of API tokens (honoured only under `TOKEN_PATHS` of
    `pmsapp.access.guard`). `public`: nobody has to be signed in. `poll`: asked by a timer, so it never counts as activity.
    `csrf`: False only where the caller proves itself by other means (webhook signatures). `fresh`: a person must have
    given their password within the last minutes.
    """

    people: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    public: bool = False
    poll: bool = False
    csrf: bool = True
    fresh: bool = False


PUBLIC = Rule(public=True)
WEBHOOK = Rule(public=True, csrf=False)  # the vendor's own scheme authenticates it in the view
SIGNED_IN = Rule(people=PEOPLE_ROLES)  # one's own account; programs have none

STATE = Rule(people=PEOPLE_ROLES, tokens=TOKEN_ROLES)  # answers hold no patient data
STATE_POLL = Rule(people=PEOPLE_ROLES, tokens=TOKEN_ROLES, poll=True)
READ = Rule(
    people=PEOPLE_ROLES, tokens=TOKEN_ROLES - {STATUS}
)  # a clinician: own column, checked by the service
READ_POLL = Rule(people=PEOPLE_ROLES, tokens=TOKEN_ROLES - {STATUS}, poll=True)
DESK_READ = Rule(people=PEOPLE_ROLES - {CLINICIAN}, tokens=TOKEN_ROLES - {STATUS})
OWN_EDIT = Rule(people=frozenset({ADMIN, RECEPTION, CLINICIAN}), tokens=frozenset({ADMIN, RECEPTION}))
DESK = Rule(people=frozenset({ADMIN, RECEPTION}), tokens=frozenset({ADMIN, RECEPTION}))
ADMINS = Rule(people=frozenset({ADMIN}), tokens=frozenset({ADMIN}))
ADMINS_FRESH = Rule(people=frozenset({ADMIN}), tokens=frozenset({ADMIN}), fresh=True)

Table = dict[str, dict[str, Rule]]
