"""The badges and marks that patients' cards carry."""

from __future__ import annotations

from pmsapp.domain.appointment import AppointmentStatus, Presence, WorkflowState
from pmsapp.web.help.topics import BadgeHelp, Group
from pmsapp.web.ui import labels
from pmsapp.web.ui.page_contexts import Badge

_S, _P, _W, _T = labels.STATUS, labels.PRESENCE, labels.WORKFLOW, labels.TELEHEALTH
_FROM_PMS = "The practice software says so; each update reads it again."
_PRESS = "Reception pressed it on the line."
_SEEN = "Read the reason, then press [Acknowledge]."


def _pms(status: AppointmentStatus, effect: str, do: str = "Nothing.") -> BadgeHelp:
    return BadgeHelp(Group.PMS, _S[status], _FROM_PMS, effect, "It follows the practice software.", do)


def _desk(state: WorkflowState, effect: str, do: str) -> BadgeHelp:
    return BadgeHelp(
        Group.DESK, _W[state], _PRESS, effect, "Nothing: only people change it, and no update touches it.", do
    )


CARD_BADGES = (
    _pms(
        AppointmentStatus.BOOKED, "The patient stands among those to call.", "Call the patient in good time."
    ),
    _pms(
        AppointmentStatus.CONFIRMED,
        "The patient said they will come; they still stand among those to call.",
        "Call the patient in good time.",
    ),
    _pms(
        AppointmentStatus.ARRIVED,
        "Somebody marked the patient as arrived there; the line moves up.",
        "Look whether the patient waits in the call.",
    ),
    _pms(AppointmentStatus.IN_PROGRESS, "The appointment has begun there."),
    _pms(AppointmentStatus.COMPLETED, "The appointment is over there; the line is shown as past."),
    _pms(
        AppointmentStatus.NO_SHOW,
        "The patient did not come, says the practice software; nobody is asked to call.",
    ),
    BadgeHelp(
        Group.PMS,
        labels.UNKNOWN_STATUS,
        "The practice software sent a word for the state that pmsapp does not know.",
        "The card stays on the sheet as a booked one.",
        "It follows the practice software.",
        "Look the appointment up there.",
    ),
    BadgeHelp(
        Group.CARD,
        _P[Presence.CANCELLED],
        "The appointment was cancelled in the practice software, or, in the history of updates, somebody stopped the "
        "update.",
        "The name is struck through, with reason and time. Nobody is asked to call.",
        "The card leaves the sheet once somebody has seen it.",
        _SEEN,
        codes=("RUN-CANCELLED",),
    ),
    BadgeHelp(
        Group.CARD,
        _P[Presence.DELETED],
        "The appointment is no longer in the practice software.",
        "The name is struck through. Nobody is asked to call.",
        "The card leaves the sheet once somebody has seen it.",
        _SEEN,
        codes=("RECORD-GONE",),
    ),
    BadgeHelp(
        Group.CARD,
        _P[Presence.HELD],
        "The card is missing from what the practice software sent, and too many went at once, or somebody works on it.",
        "It stays on the sheet until somebody decides.",
        "If it comes back in the practice software, the mark goes.",
        "Press [Decide] on the line, or open [Decisions].",
        codes=("REMOVE-HELD",),
    ),
    BadgeHelp(
        Group.CARD,
        _P[Presence.FILTERED],
        "The appointment's type is not, or no longer, telehealth.",
        "The card is under [Not shown].",
        "If its type becomes telehealth again, it comes back.",
        "If that is wrong, have an administrator look at the appointment types.",
    ),
    BadgeHelp(
        Group.CARD,
        _P[Presence.UNMAPPED],
        "The practitioner has no column, or is not shown on purpose.",
        "The card is under [Not shown].",
        "It comes back once the practitioner has a column.",
        "If that is wrong, have an administrator match the practitioner.",
        codes=("MAP-NEW",),
    ),
    BadgeHelp(
        Group.CARD,
        _P[Presence.REMOVED_BY_STAFF],
        "Somebody took the card off the sheet and said why.",
        "The card is under [Not shown]; no update brings it back.",
        "If its time changes in the practice software, it comes back once, marked.",
        "Open the card to put it back.",
    ),
    BadgeHelp(
        Group.CARD,
        labels.DISCONNECTED,
        "The connection the card came from was taken away.",
        "The card stays readable, and no update reads it again.",
        "Nothing; it stays as it is.",
        "Look the appointment up in the practice software.",
    ),
    _desk(
        WorkflowState.CONTACTED,
        "The patient was reached and is not called again.",
        "Press on when the patient waits in the call.",
    ),
    _desk(
        WorkflowState.WAITING,
        "The line stands on top, with how long the patient has waited.",
        "Tell the clinician, and the patient if it takes long.",
    ),
    _desk(
        WorkflowState.READY, "The patient is ready for the clinician.", "The clinician takes it from here."
    ),
    _desk(WorkflowState.WITH_CLINICIAN, "Clinician and patient talk.", "Press on when they have finished."),
    _desk(WorkflowState.DONE, "The line is shown as past.", "Nothing."),
    _desk(
        WorkflowState.NO_ANSWER,
        "The patient did not answer; the number of tries is counted.",
        "Try again, or mark that they did not attend.",
    ),
    _desk(
        WorkflowState.DID_NOT_ATTEND,
        "The line leaves those to call.",
        "Do what your clinic does then; pmsapp writes nothing into the practice software.",
    ),
    BadgeHelp(
        Group.MARK,
        _T[True],
        "The practice software, its type, or somebody here says that it is telehealth.",
        "The card is on the sheet.",
    ),
    BadgeHelp(
        Group.MARK,
        _T[False],
        "It is not telehealth.",
        "The card is under [Not shown], or on the sheet if somebody wanted it there.",
    ),
    BadgeHelp(
        Group.MARK,
        _T[None],
        "Nothing says whether it is telehealth; its type is new.",
        "The card is on the sheet, so that nobody is missed.",
        "It goes once the type is decided.",
        "Open [Decisions] and say whether the type is telehealth.",
        codes=("TYPE-NEW",),
    ),
    BadgeHelp(
        Group.MARK,
        Badge("In person?", "person", "unsure"),
        "Nothing marks the appointment as telehealth, but it is on the sheet: your clinic shows every kind, or somebody "
        "wanted it here.",
        "The card stays on the sheet.",
        do="Ask before you send a link.",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Recorded as deceased", "warn", "stop"),
        "The practice software records that the patient has died.",
        "The card stays on the sheet.",
        do="Do not call. Tell the clinician.",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Similar name", "warn", "warn"),
        "Another patient of this day has nearly the same name.",
        "Both cards carry it.",
        do="Check three details before you go on.",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("No video link", "video", "warn"),
        "Other appointments of the day have a video link, and this one has none.",
        "There is no link to copy on this line.",
        "Each update looks again.",
        "Make the link in the practice software, or call by phone.",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Video link is on two patients", "video", "warn"),
        "The practice software sent the same link with two patients of the day.",
        "Two patients could meet in one call.",
        "Each update looks again.",
        "Make a link of its own for one of them, in the practice software.",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("The patient's link is the clinician's", "video", "warn"),
        "The link that would be sent to the patient is the one that opens the call as the clinician.",
        "It is not offered for copying.",
        "Each update looks again.",
        "Make the patient's link in the practice software, or call by phone.",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Moved from …", "moved", "wait"),
        "Time, day or clinician was changed in the practice software.",
        "The card stands at its new place.",
        "The mark goes once you have seen the card.",
        "If the patient was told the old time, tell them the new one.",
        title="Moved from",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("New", "plus", "accent"),
        "The card came since you last looked.",
        "None.",
        "It goes once you have seen the card.",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Changed", "dot", "accent"),
        "Something of the card changed since you last looked.",
        "The card shows what is true now.",
        "It goes once you have seen the card.",
        "Open the card: its story names what changed.",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Returned: time changed in PMS", "undo", "wait"),
        "Somebody removed the card here, and then its time changed in the practice software.",
        "It is back on the sheet, once.",
        do="Look whether it is to be called now, or remove it again.",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Check the time", "clock", "warn"),
        "The time does not exist, or exists twice, in the night the clocks change.",
        "The card shows the time as it was sent.",
        do="Ask which time is meant, and put it right in the practice software.",
        codes=("TIME-ODD",),
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Interpreter", "callout", "wait"),
        "The booking says that an interpreter is needed.",
        "None.",
        do="Have the interpreter in the call before the clinician.",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Status there: …", "help"),
        "The practice software uses a word of its own for the state.",
        "The card stays on the sheet as a booked one.",
        do="Look the appointment up there if the word matters.",
        title="Status there",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Manual", "edit"),
        "Somebody added the card here; it is not in the practice software.",
        "No update touches it.",
        "It stays for its day.",
        "Book it in the practice software if it belongs there.",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Note", "list"),
        "Somebody wrote a note here.",
        "No update touches it.",
        do="Open the card to read it.",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Also with …", "person"),
        "More than one clinician takes part in the appointment.",
        "The card stands in one column and names the others.",
        title="Also with",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Length estimated", "clock"),
        "The practice software sends no length; the usual one of the type is shown.",
        "Only the end of the time is estimated.",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Edited: … (…, …)", "edit"),
        "Somebody changed a field here.",
        "Their value is shown, and the practice software's beneath it.",
        "No update overwrites it. If the practice software's value changes too, you are asked.",
        "To take it back, open the card and choose the practice software's value.",
        title="Edited",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("…: … …", "decide", "warn"),
        "A field was changed here and in the practice software, each differently.",
        "One value is shown and the other stands beside it; nothing typed is lost.",
        "Nothing; only people know which is right.",
        "Open the card or [Decisions] and choose.",
        title="Two values for one field",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Booked anew at …", "moved", "wait"),
        "The appointment was cancelled and the same patient booked again.",
        "Both cards point to each other.",
        do="Call at the new time only.",
        title="Booked anew",
    ),
    BadgeHelp(
        Group.MARK,
        Badge("Booked anew, was at …", "moved", "wait"),
        "An earlier appointment of this patient was cancelled and booked again as this one.",
        "Both cards point to each other.",
        title="Booked anew, was at",
    ),
)
