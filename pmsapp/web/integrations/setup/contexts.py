"""What the templates of the five steps are given."""

from __future__ import annotations

from dataclasses import dataclass

from pmsapp.web.ui.page_contexts import Badge, FormField, Notice, Option, RunProgress


@dataclass(frozen=True, slots=True)
class Step:
    """One step of connecting. `state`: done, current, later."""

    number: int
    word: str
    state: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Needed:
    """Something the connect form will ask for, and where it comes from."""

    label: str
    where: str
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class VendorChoice:
    """A practice software one can connect. `begun`: a set-up that somebody left half way."""

    slug: str
    label: str
    how: str
    who: str
    minutes: int
    needed: tuple[Needed, ...]
    connected: tuple[tuple[str, str], ...]
    chosen: bool = False
    begun: str | None = None


@dataclass(frozen=True, slots=True)
class ChoosePage:
    """`integrations/setup/choose.html`: step 1. `training_href`: where the training clinic answers, if it does."""

    steps: tuple[Step, ...]
    vendors: tuple[VendorChoice, ...]
    training_href: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ListPage:
    """`integrations/setup/list.html`: what to have at hand, for paper."""

    vendor: VendorChoice
    paths: tuple[str, ...]
    clinic: str


@dataclass(frozen=True, slots=True)
class LoginField:
    """One field of the connect form. A secret's `value` is always empty: it is never sent back to the browser.

    `kept`: a secret that was typed before and need not be typed again; `from_server`: it is stored already.
    """

    name: str
    label: str
    help: str
    secret: bool
    required: bool
    value: str = ""
    error: str | None = None
    from_server: bool = False
    kept: bool = False
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class ConnectPage:
    """`integrations/setup/connect.html`: step 2, signing in again, and changing a login.

    `spare`: fields that are supplied already and need not be seen.
    """

    steps: tuple[Step, ...]
    pms: str
    title: str
    action: str
    fields: tuple[LoginField, ...]
    where: tuple[str, ...]
    lead: str
    button: str
    back: str
    spare: tuple[LoginField, ...] = ()
    display_name: FormField | None = None
    zones: tuple[Option, ...] = ()
    errors: tuple[tuple[str, str], ...] = ()
    refusal: Notice | None = None
    draft_id: int | None = None
    kept_words: str | None = None
    stays: str | None = None
    return_to: str = ""


@dataclass(frozen=True, slots=True)
class PairPage:
    """`integrations/setup/pair.html`: a code for a connection that has its login. `there`: the login of the connection
    that reads this practice already."""

    steps: tuple[Step, ...]
    id: int
    pms: str
    where: str | None
    code: str = ""
    error: str | None = None
    advice: str | None = None
    error_code: str | None = None
    help_href: str | None = None
    there: str | None = None


@dataclass(frozen=True, slots=True)
class FoundPage:
    """`integrations/setup/found.html`: who answered, before anything goes on. `permissions`: (what, may it be read)."""

    steps: tuple[Step, ...]
    id: int
    pms: str
    practice: str | None
    facts: tuple[tuple[str, str], ...]
    permissions: tuple[tuple[str, bool], ...]
    clock: Notice | None
    warnings: tuple[str, ...]
    question: str | None
    zones: tuple[Option, ...]
    zone: str
    fault: Notice | None = None


@dataclass(frozen=True, slots=True)
class MatchRow:
    """One practitioner of step 3. `note`: why suggested, or that the column is taken twice."""

    number: int
    key: str
    name: str
    marks: str
    provider_number: str | None
    ahead: str
    options: tuple[Option, ...]
    why: str | None
    error: str | None = None
    is_twice: bool = False


@dataclass(frozen=True, slots=True)
class MatchState:
    """`integrations/setup/_match_state.html`: the counter, and columns that are taken twice."""

    counter: str
    twice: tuple[str, ...] = ()
    undecided: str | None = None
    saved: str | None = None
    same: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class MatchPage:
    """`integrations/setup/practitioners.html`: step 3."""

    steps: tuple[Step, ...]
    id: int
    pms: str
    rows: tuple[MatchRow, ...]
    state: MatchState
    ahead_head: str
    fault: Notice | None = None


@dataclass(frozen=True, slots=True)
class KindRow:
    """One appointment type of step 4. `on`: its one switch; `options`: where the practice software decides."""

    number: int
    key: str
    name: str
    length: str
    ahead: str
    share: str
    next_at: str
    evidence: str
    on: bool = False
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class KindGroup:
    """A group of types. `is_open`: not folded."""

    key: str
    title: str
    about: str
    rows: tuple[KindRow, ...]
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class KindState:
    """`integrations/setup/_kind_state.html`: what the choice comes to."""

    words: str
    is_empty: bool = False
    saved: str | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """What is to become of a type that appears later, in words and what that means."""

    value: str
    word: str
    about: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class KindsPage:
    """`integrations/setup/types.html`: step 4."""

    steps: tuple[Step, ...]
    id: int
    pms: str
    follows_pms: bool
    decides: str | None
    share_head: str
    groups: tuple[KindGroup, ...]
    later: tuple[Later, ...]
    state: KindState
    fault: Notice | None = None


@dataclass(frozen=True, slots=True)
class VisitRow:
    """One line of the preview: its time, whose, and what becomes of it."""

    at: str
    who: str
    type_name: str
    clinician: str
    badge: Badge
    why: str = ""


@dataclass(frozen=True, slots=True)
class PreviewDay:
    """One day of the preview. `words`: "30 appear, 12 do not, 2 need a decision"."""

    title: str
    words: str
    shown: tuple[VisitRow, ...]
    left_out: tuple[VisitRow, ...]
    undecided: tuple[VisitRow, ...]


@dataclass(frozen=True, slots=True)
class PreviewPart:
    """`integrations/setup/_preview.html`. One of: under way, what it shows, or why there is nothing."""

    id: int
    progress: RunProgress | None = None
    poll_href: str | None = None
    days: tuple[PreviewDay, ...] = ()
    names_shown: bool = False
    fault: Notice | None = None
    as_of: str | None = None
    button: str = "Start"


@dataclass(frozen=True, slots=True)
class ClinicBlock:
    """What the clinic has not said about itself yet: asked for on the last step."""

    name: FormField | None = None
    states: tuple[Option, ...] = ()
    opens: FormField | None = None
    closes: FormField | None = None


@dataclass(frozen=True, slots=True)
class StartPage:
    """`integrations/setup/start.html`: step 5. `facts`: (what, how it stands, where to change it)."""

    steps: tuple[Step, ...]
    id: int
    pms: str
    facts: tuple[tuple[str, str, str], ...]
    warnings: tuple[str, ...]
    preview: PreviewPart
    clinic: ClinicBlock
    test: Notice | None = None
    refusal: Notice | None = None
    errors: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StartedPart:
    """`integrations/setup/_started.html`: the first update, in place. `cards`: what stands on today's sheet now."""

    id: int
    pms: str
    progress: RunProgress | None = None
    poll_href: str | None = None
    said: str | None = None
    headline: str = ""
    fault: Notice | None = None
    cards: int = 0
    return_to: str | None = None
