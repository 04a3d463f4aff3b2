"""The control page and its JSON: usable by hand, by a test and by a script."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
import requests

from pmsapp.sandbox.server import SandboxServer
from tests.sandbox.conftest import MONDAY, GentuClient

PAGES = (
    "/_sandbox/",
    "/_sandbox/clinic",
    "/_sandbox/dial",
    "/_sandbox/connect",
    "/_sandbox/appointments/2026-11-23/0008",
)


class Forms(HTMLParser):
    """The forms of a page, each as (action, method, the values its fields start with)."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, dict[str, str]]] = []
        self.styles = 0
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.styles += "style" in given or tag in ("style", "script")
        if tag == "form":
            self.found.append((given["action"], given.get("method", "get"), {}))
        elif tag == "input" and "name" in given and given.get("type") != "checkbox":
            self.found[-1][2][given["name"]] = given.get("value", "")
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and ("selected" in given or self._select not in self.found[-1][2]):
            self.found[-1][2][self._select] = given["value"]


@pytest.fixture
def get(server: SandboxServer) -> Callable[[str], requests.Response]:
    return lambda path: requests.get(server.url + path, timeout=10)


@pytest.fixture
def post(server: SandboxServer) -> Callable[..., requests.Response]:
    def send(path: str, **how: Any) -> requests.Response:
        return requests.post(server.url + path, timeout=10, allow_redirects=False, **how)

    return send


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_that_nobody_here_is_real(get: Callable[[str], requests.Response], path: str) -> None:
    answer = get(path)
    assert answer.status_code == 200
    assert "Training clinic: not real patients" in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_pages_hold_no_inline_style_or_script_and_forbid_them(
    get: Callable[[str], requests.Response], path: str
) -> None:
    answer = get(path)
    assert Forms(answer.text).styles == 0
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_names_with_markup_are_shown_as_text(get: Callable[[str], requests.Response]) -> None:
    page = get("/_sandbox/").text
    assert "<b>Tables</b>" not in page
    assert "&lt;b&gt;Tables&lt;/b&gt;" in page


def test_the_first_page_is_found_from_the_root(get: Callable[[str], requests.Response]) -> None:
    answer = get("/")
    assert answer.url.endswith("/_sandbox/")
    assert "Monday 23 November 2026" in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_every_button_on_every_page_does_what_it_says(
    server: SandboxServer,
    get: Callable[[str], requests.Response],
    post: Callable[..., requests.Response],
    path: str,
) -> None:
    server.faults.set("clock_skew", vendor="halaxy")
    seen = set()
    for action, method, fields in Forms(get(path).text).found:
        kind = (action, fields.get("action"))
        if method != "post" or kind in seen:
            continue
        seen.add(kind)
        typed = {
            name: value or "Novak" if name in ("family", "name") else value for name, value in fields.items()
        }
        if action == "/_sandbox/faults":
            typed["name"] = "server_error"
        answer = post(action, data=typed)
        assert answer.status_code == 303, (kind, answer.text)
        assert answer.headers["Location"].startswith("/_sandbox/")
        server.sandbox.clinic.reset()
    assert len(seen) >= 1


def test_a_form_comes_back_to_its_page_and_never_leads_away(post: Callable[..., requests.Response]) -> None:
    sent = {"action": "cancel", "appointment": "2026-11-23/0008"}
    back = post("/_sandbox/actions", data={**sent, "back": "/_sandbox/?date=2026-11-23"})
    assert back.headers["Location"] == "/_sandbox/?date=2026-11-23"
    away = post("/_sandbox/actions", data={**sent, "back": "//elsewhere.example.com/"})
    assert away.headers["Location"] == "/_sandbox/"


def test_a_form_on_another_site_cannot_press_buttons(post: Callable[..., requests.Response]) -> None:
    answer = post("/_sandbox/reset", data={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_actions_answer_with_what_changed(
    server: SandboxServer, post: Callable[..., requests.Response]
) -> None:
    answer = post(
        "/_sandbox/actions", json={"action": "cancel", "appointment": "2026-11-23/0008", "reason": "Ill"}
    )
    (change,) = answer.json()["changes"]
    assert change["after"]["status"] == "cancelled"
    assert change["ids"]["gentu"] == server.clinic.appointment_id(
        "gentu", server.clinic.appointment(change["key"])
    )


def test_actions_take_vendor_ids_numbers_and_switches(
    server: SandboxServer, post: Callable[..., requests.Response]
) -> None:
    person = server.clinic.id_of("gentu", "practitioner", "odwyer")
    booked = post(
        "/_sandbox/actions",
        json={"action": "book", "practitioner": person, "appointment_type": "video", "start": "2026-11-24T11:00:00",
              "patients": ["canary", "cjk"], "duration_min": 25},
    ).json()["changes"][0]  # fmt: skip
    row = server.clinic.appointment(booked["key"])
    assert (row.duration_min, row.patient_keys) == (25, ("canary", "cjk"))
    post("/_sandbox/actions", data={"action": "set_practitioner", "practitioner": person, "active": "false"})
    assert not server.clinic.practitioner("odwyer").active


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/_sandbox/actions", {"action": "explode"}),
        ("/_sandbox/actions", {"action": "cancel", "appointment": "nope"}),
        (
            "/_sandbox/actions",
            {"action": "fill_day", "on": "2026-11-23", "practitioner": "odwyer", "count": "many"},
        ),
        ("/_sandbox/actions", ["cancel"]),
        ("/_sandbox/faults", {"name": "earthquake"}),
        ("/_sandbox/pairing-codes", {"clinic": 9}),
        ("/_sandbox/vendors/gentu/explode", {}),
        ("/_sandbox/vendors/nobody/pairing_code", {}),
        ("/_sandbox/vendors/gentu/tenant", {"tenant_id": "x", "access": "disabled"}),
    ],
)
def test_a_wrong_request_is_refused_in_one_sentence(
    post: Callable[..., requests.Response], path: str, sent: object
) -> None:
    answer = post(path, json=sent)
    assert answer.status_code == 422
    assert answer.json()["error"].endswith(".")


def test_the_truth_is_given_by_vendor_and_date(
    server: SandboxServer, get: Callable[[str], requests.Response]
) -> None:
    answer = get("/_sandbox/truth?vendor=gentu&date=2026-11-24").json()
    assert answer["date"] == "2026-11-24"
    truth = server.clinic.truth("gentu", MONDAY.replace(day=24))
    assert answer["rows"] == [row.as_dict() for row in truth.rows]
    assert answer["skipped"] == truth.skipped
    assert get("/_sandbox/truth?vendor=medirecords").json()["date"] == "2026-11-23"
    assert get("/_sandbox/truth?vendor=nobody").status_code == 422
    assert get("/_sandbox/truth?date=tomorrow").status_code == 422
    assert get("/_sandbox/truth?clinic=7").status_code == 422


def test_faults_are_set_listed_and_cleared_by_json(
    server: SandboxServer, get: Callable[[str], requests.Response], post: Callable[..., requests.Response]
) -> None:
    made = post(
        "/_sandbox/faults", json={"name": "rate_limited", "times": 2, "options": {"retry_after": 90}}
    ).json()
    assert get("/_sandbox/faults").json()["items"] == [made]
    assert requests.delete(f"{server.url}/_sandbox/faults/{made['id']}", timeout=5).json() == {"cleared": 1}
    post("/_sandbox/faults", data={"name": "slow", "options": "seconds=2, when=after"})
    assert server.faults.active()[0].options == {"seconds": "2", "when": "after"}
    assert requests.delete(f"{server.url}/_sandbox/faults", timeout=5).json() == {"cleared": 1}


def test_the_request_log_holds_no_query_value_and_no_token(
    server: SandboxServer, gentu: GentuClient, get: Callable[[str], requests.Response]
) -> None:
    gentu.day()
    log = get("/_sandbox/requests?vendor=gentu&endpoint=appointments")
    (entry,) = log.json()["items"]
    assert entry["method"] == "GET"
    assert entry["status"] == 200
    assert entry["query"] == ["fromDate", "toDate", "practitionerId", "limit"]
    assert entry["at"] == "2026-11-23T00:30:00+00:00"
    assert "%2B11" not in log.text
    assert gentu.headers["Authorization"].split()[1] not in log.text
    assert log.json()["peaks"]["gentu"] == 1
    requests.delete(f"{server.url}/_sandbox/requests", timeout=5)
    assert get("/_sandbox/requests").json()["items"] == []


def test_state_tells_addresses_and_credentials(
    server: SandboxServer, get: Callable[[str], requests.Response]
) -> None:
    state = get("/_sandbox/state").json()
    assert state["vendors"]["gentu"]["base_url"] == server.gentu_base
    assert state["vendors"]["gentu"]["credentials"]["Client id"] == "training-client-id"
    assert state["clinics"][0]["today"] == "2026-11-23"


def test_reset_makes_everything_as_just_started(
    server: SandboxServer, gentu: GentuClient, post: Callable[..., requests.Response]
) -> None:
    server.faults.set("server_error")
    server.clinic.empty_day(MONDAY)
    assert post("/_sandbox/reset").json() == {"reset": True}
    assert server.faults.active() == []
    assert server.clinic.appointments_on(MONDAY)
    assert server.requests.count() == 0
    assert gentu.get("/tenants").status_code == 401
    assert gentu.connect("demo1234").get("/tenants").status_code == 200
