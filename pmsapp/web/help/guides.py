"""The guides: one page for reception, one for the manager. Each thing is named as the screen names it."""

from __future__ import annotations

from pmsapp.domain.roles import ADMIN, RECEPTION
from pmsapp.web.help.topics import Guide, GuideStep

RECEPTION_GUIDE = Guide(
    "guide-reception",
    "Reception in one page",
    "Today's telehealth patients in one list, read from the practice software. Nothing is written back into it.",
    RECEPTION,
    (
        GuideStep(
            "Open the day",
            (
                "[Today] shows the run sheet. [Needs attention] stands on top: patients who wait, and questions.",
                "Below, each clinician has a section. The figures on top filter the list: [To call], [Waiting], "
                "[Late], [Done].",
                "The box on top finds a patient by name, phone or birth date.",
            ),
            "work-list.png",
            "The top of the run sheet, with the filters and the first patients",
        ),
        GuideStep(
            "Trust it only as far as it is fresh",
            (
                "The sidebar says [Data as of] and a time. A column that is older says so beside its name.",
                "[Sync now] reads the practice software at once; otherwise it is read every few minutes.",
                "An empty list counts only beside [Up to date].",
            ),
            "sidebar.png",
            "The foot of the sidebar, with the badge, the age of the data and Sync now",
        ),
        GuideStep(
            "Call a patient",
            (
                "Press the name: the card opens. Under [Who is it?] ask for three details, tick what the patient "
                "said and press [Identity checked].",
                "The button on the line takes the patient one state further. If nobody answers, press [No answer]: "
                "the tries are counted.",
                "A wrong press is taken back with [Undo] for ten seconds.",
            ),
        ),
        GuideStep(
            "When something changes",
            (
                "A cancelled patient is struck through, with the reason. Press [Acknowledge] once you have seen it.",
                "What you type into a card stays: no update overwrites it. If the practice software changes the same "
                "field, you are asked.",
                "A card marked [Held] is missing in the practice software. Look there, then answer under [Decisions].",
            ),
        ),
        GuideStep(
            "At the end",
            (
                "The button [Hand-over] lists what is left of the day, for whoever comes next.",
                "[Print] makes a paper copy, with the time it was true. Shred it after use.",
                "[Hide details] covers names when somebody looks over your shoulder.",
            ),
        ),
        GuideStep(
            "If something is wrong",
            (
                "The notice on top says what happened, what still holds and what to do. Its code leads to a page here.",
                "Where the step is not yours, tell an administrator the code.",
            ),
        ),
    ),
)

MANAGER_GUIDE = Guide(
    "guide-manager",
    "The manager in one page",
    "Connect the practice software, say who sees what, and know that it runs. All of it is done on these pages.",
    ADMIN,
    (
        GuideStep(
            "Connect",
            (
                "[Integrations] and [Connect] lead through five steps. The first lists what you need at hand.",
                "Nothing is on the run sheet before the last step, and what you typed is kept for 14 days.",
            ),
            "connection.png",
            "A connection on the page Integrations, with its badge and its buttons",
        ),
        GuideStep(
            "Say what goes on the sheet",
            (
                "Open the connection: [Match practitioners] says in whose column each stands, [Telehealth types] which "
                "appointments count.",
                "Somebody new in the practice software becomes a question under [Decisions].",
            ),
        ),
        GuideStep(
            "See that it runs",
            (
                "The connection's badge says how it is. [History] names every update, what it changed and why one "
                "did not get through.",
                "A badge that names a step, such as [Sign in again], waits for you; the button beside it leads there.",
                "Under [Settings], [Health] shows the server, and [Alerts] what is wrong and who was told.",
            ),
        ),
        GuideStep(
            "Pause, change, disconnect",
            (
                "On the connection's page, [Pause updates] asks why and until when; a pause ends by itself.",
                "[Sign in again] takes a new login and keeps everything else.",
                "Disconnecting asks what becomes of today's cards, and can be undone for a day.",
            ),
        ),
        GuideStep(
            "People",
            (
                "Under [Settings], [People] adds a colleague and makes a link with which they choose a password.",
                "Reception works on the whole sheet, a clinician on their own column, a viewer reads.",
                "[Log] says who did what, and who looked at which cards. [Retention] says how long data stay.",
            ),
        ),
        GuideStep(
            "Before the server is away",
            (
                "[Downtime copy] keeps today and tomorrow in an encrypted file. Try once whether reception can open it.",
                "Ask who runs the server to show you that a backup was put back, once a year.",
            ),
        ),
    ),
)

GUIDES = (RECEPTION_GUIDE, MANAGER_GUIDE)
