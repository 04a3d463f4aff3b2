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
    given their password within the last minutes. `unfinished`: also for a person who still has to choose a password of
    their own or set a second factor up; until then nothing else is.
    """

    people: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    public: bool = False
    poll: bool = False
    csrf: bool = True
    fresh: bool = False
    unfinished: bool = False


PUBLIC = Rule(public=True)
WEBHOOK = Rule(public=True, csrf=False)  # the vendor's own scheme authenticates it in the view
SIGNED_IN = Rule(people=PEOPLE_ROLES)  # one's own account; programs have none
SIGNED_IN_FRESH = Rule(people=PEOPLE_ROLES, fresh=True)
UNFINISHED = Rule(people=PEOPLE_ROLES, unfinished=True)
UNFINISHED_FRESH = Rule(people=PEOPLE_ROLES, fresh=True, unfinished=True)

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
