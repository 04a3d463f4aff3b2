"""One safe line per event."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from pmsapp.domain.errors import RetryLaterError
from pmsapp.observability import logs
from pmsapp.services.base.errors import NotFound
from pmsapp.settings import Settings

SECRET = "Zzyzx Quux"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _loggers_as_they_were() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    known = {name: logging.getLogger(name) for name in logs.QUIET}
    before = {name: (logger.level, logger.propagate, logger.handlers[:]) for name, logger in known.items()}
    yield
    root.handlers[:], root.level = handlers, level
    for name, (old_level, propagate, old_handlers) in before.items():
        known[name].setLevel(old_level)
        known[name].propagate = propagate
        known[name].handlers[:] = old_handlers
    logging.captureWarnings(False)
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def lines(stream: io.StringIO, make_settings: Callable[..., Settings]) -> Lines:
    logs.setup(make_settings(log_format="json"), level=logging.DEBUG, stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_logger_sentence_and_values(lines: Lines) -> None:
    logs.get("pmsapp.services.runs.requests").info("run ended", run_id=7, status="success", ms=12.5)
    (line,) = lines()
    assert line["event"] == "run ended"
    assert (line["level"], line["logger"]) == ("info", "pmsapp.services.runs.requests")
    assert (line["run_id"], line["status"], line["ms"]) == (7, "success", 12.5)
    assert line["at"].endswith("+00:00")


def test_the_standard_librarys_way_gives_the_same_line(lines: Lines) -> None:
    logging.getLogger("pmsapp.services.runs.lease").warning("heartbeat missed", extra={"run_id": 7})
    (line,) = lines()
    assert (line["event"], line["run_id"], line["level"]) == ("heartbeat missed", 7, "warning")


def test_the_request_id_is_on_every_line_of_a_request(lines: Lines) -> None:
    structlog.contextvars.bind_contextvars(request_id="abc123")
    logs.get("pmsapp.a").info("one")
    logging.getLogger("pmsapp.b").info("two")
    assert [line["request_id"] for line in lines()] == ["abc123", "abc123"]


@pytest.mark.parametrize(
    "name",
    [
        "patient_name",
        "password",
        "api_token",
        "Authorization",
        "email",
        "phone",
        "patient_dob",
        "body",
        "notes",
        "cookie",
    ],
)
def test_values_under_telling_names_are_removed_also_inside(lines: Lines, name: str) -> None:
    logs.get("pmsapp").warning("thing", **{name: SECRET}, inner={name: SECRET, "id": 3})
    (line,) = lines()
    assert SECRET not in json.dumps(line)
    assert line["inner"]["id"] == 3


@pytest.mark.parametrize(
    "text",
    [
        "wrote to mel.tran@example.org today",
        "GET /sheet?patient=Zzyzx%20Quux",
        "used pms_0123abcd_" + "x" * 43,
    ],
)
def test_addresses_queries_and_keys_in_any_text_are_removed(lines: Lines, text: str) -> None:
    logs.get("pmsapp").warning("thing", what=text)
    logging.getLogger("pmsapp").warning("%s", text)
    written = json.dumps(lines())
    for secret in ("mel.tran", "Zzyzx", "0123abcd"):
        assert secret not in written


def test_line_breaks_and_escapes_cannot_forge_a_line(stream: io.StringIO, make_settings: Any) -> None:
    for log_format in ("json", "text"):
        logs.setup(make_settings(log_format=log_format), stream=stream)
        logs.get("pmsapp").warning("thing", label='a\r\n{"event":"forged"}\x1b[31m\u2028\x85b')
    written = stream.getvalue()
    assert written.count("\n") == 2
    assert not any(char in written for char in "\r\x1b\u2028\x85")


def test_an_exception_leaves_type_and_place_but_not_its_text(lines: Lines) -> None:
    def read_card(name: str) -> None:
        raise ValueError(f"no such patient: {name}")

    try:
        try:
            read_card(SECRET)
        except ValueError as error:
            raise RuntimeError(f"while reading {SECRET}") from error
    except RuntimeError:
        logs.get("pmsapp").exception("reading failed")
    (line,) = lines()
    assert SECRET not in json.dumps(line)
    assert line["exception"]["type"] == "RuntimeError"
    assert line["exception"]["cause"]["type"] == "ValueError"
    assert "read_card" in line["exception"]["cause"]["frames"][-1]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NotFound("card"), "There is no such card."),
        (RetryLaterError("PMS-DOWN", pms="Halaxy"), "Halaxy is not answering"),
    ],
)
def test_our_own_errors_keep_their_text_and_code(lines: Lines, error: Any, text: str) -> None:
    try:
        raise error
    except type(error):
        logging.getLogger("pmsapp").exception("refused")
    (line,) = lines()
    assert line["exception"]["text"] == text
    assert line["exception"]["code"] == error.code


def test_a_librarys_sentence_is_kept_but_not_what_was_filled_in(lines: Lines) -> None:
    logging.getLogger("somelib").warning("could not send %s to %s", SECRET, "x")
    logging.getLogger("somelib").warning(f"finished text about {SECRET}")
    first, second = lines()
    assert first["event"] == "could not send %s to %s"
    assert second["event"] == "library message"


def test_chatty_libraries_say_nothing_below_their_level(lines: Lines) -> None:
    for name in (
        "urllib3.connectionpool",
        "werkzeug",
        "rq.worker",
        "sqlalchemy.engine.Engine",
        "gunicorn.access",
        "waitress",
    ):
        logging.getLogger(name).info("GET /patients?name=%s", SECRET)
    assert lines() == []


def test_an_object_leaves_only_its_kind(lines: Lines) -> None:
    class Patient:
        def __repr__(self) -> str:
            return SECRET

    logs.get("pmsapp").warning("thing", card=Patient(), cards=[Patient()], when=None)
    (line,) = lines()
    assert (line["card"], line["cards"], line["when"]) == ("<Patient>", ["<Patient>"], None)


def test_a_very_long_value_is_cut(lines: Lines) -> None:
    logs.get("pmsapp").warning("thing", code="x" * 100_000)
    assert len(json.dumps(lines())) < 2000
