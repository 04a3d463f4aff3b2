"""Every command: help, exit code, one clear sentence when it fails, JSON where it lists."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import click
import pytest
from sqlalchemy.exc import OperationalError

from pmsapp.cli.program import COMMANDS, program
from pmsapp.cli.shared import failures
from pmsapp.domain.errors import ConfigurationError, ReconnectRequiredError
from pmsapp.models.databases.sqlite import sqlite_module
from pmsapp.services.base.errors import Conflict, Invalid, NotFound, Refused
from pmsapp.supervisor.lock import only_one
from tests.cli.conftest import Pmsapp
from tests.support import postgres
from tests.support.cases import check_each

GOLDEN = Path(__file__).parents[2] / "services" / "maintenance" / "golden"
FIRST_RELEASE = GOLDEN / "0.1.0.sql"
KEY = json.loads((GOLDEN / "0.1.0.json").read_text(encoding="utf-8"))["encryption_key"]
PASSWORD = "purple trains eat moss"


def _every_command() -> list[list[str]]:
    found: list[list[str]] = [[]]
    context = click.Context(program)
    for name in COMMANDS:
        command = program.get_command(context, name)
        assert command is not None
        found.append([name])
        if isinstance(command, click.Group):
            found += [[name, child] for child in command.commands]
    return found


def test_every_command_explains_itself(pmsapp: Pmsapp) -> None:
    def check(command: list[str]) -> None:
        shown = pmsapp(*command, "--help")
        assert shown.code == 0
        first = shown.out.split("\n\n")[1].strip()
        assert first.endswith((".", ":")) or "." in first

    check_each(_every_command(), check, " ".join)


def test_commands_that_list_speak_json(pmsapp: Pmsapp) -> None:
    for command in (["users", "list"], ["tokens", "list"], ["keys", "list"]):
        shown = pmsapp(*command, "--json")
        assert shown.code == 0
        assert isinstance(json.loads(shown.out)["items"], list)


def test_an_unknown_command_is_one_sentence(pmsapp: Pmsapp) -> None:
    shown = pmsapp("upp")
    assert shown.code == 2
    assert "No such command 'upp'" in shown.err


def test_a_wrong_setting_is_one_sentence(pmsapp: Pmsapp) -> None:
    shown = pmsapp("users", "list", PMSAPP_CLINIC_TIME_ZONE="Mars/Olympus")
    assert shown.code == 2
    assert shown.err.startswith("Error: PMSAPP_CLINIC_TIME_ZONE is wrong")
    assert len(shown.err.splitlines()) == 1


def test_a_misspelt_setting_is_one_sentence(pmsapp: Pmsapp) -> None:
    shown = pmsapp("users", "list", PMSAPP_PROT="8000")
    assert (shown.code, shown.err) == (
        2,
        "Error: PMSAPP_PROT is not a setting of pmsapp; check its spelling.\n",
    )


def test_a_database_without_tables_is_one_sentence(pmsapp: Pmsapp, instance_dir: Path) -> None:
    (instance_dir / "pmsapp.sqlite3").write_bytes(b"")
    shown = pmsapp("users", "list")
    assert (shown.code, shown.err) == (2, "Error: The database has no tables yet; run: pmsapp db upgrade\n")


def test_a_folder_one_may_not_write_is_one_sentence(pmsapp: Pmsapp) -> None:
    shown = pmsapp("db", "upgrade", PMSAPP_INSTANCE_DIR="/proc/pmsapp")
    assert shown.code == 2
    assert "set PMSAPP_INSTANCE_DIR to a folder of yours" in shown.err


def test_upgrading_a_fresh_folder_makes_everything_private(pmsapp: Pmsapp, tmp_path: Path) -> None:
    folder = tmp_path / "fresh"
    shown = pmsapp("db", "upgrade", PMSAPP_INSTANCE_DIR=str(folder))
    assert (shown.code, shown.out) == (0, "The database is ready.\n")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert pmsapp("db", "upgrade", PMSAPP_INSTANCE_DIR=str(folder)).out == "The database is up to date.\n"


def test_a_person_is_added_listed_given_a_password_and_disabled(pmsapp: Pmsapp) -> None:
    added = pmsapp(
        "users", "add", "mel@example.org", "--role", "admin", "--password-stdin", stdin=PASSWORD + "\n"
    )
    assert (added.code, added.out) == (0, "mel@example.org may now sign in as admin.\n")
    pmsapp("users", "add", "jo@example.org", "--role", "reception", "--password-stdin", stdin=PASSWORD + "\n")
    assert (
        pmsapp(
            "users", "passwd", "jo@example.org", "--password-stdin", stdin="moss eats purple trains\n"
        ).code
        == 0
    )
    assert pmsapp("users", "disable", "jo@example.org").code == 0
    people = json.loads(pmsapp("users", "list", "--json").out)["items"]
    assert [(p["email"], p["role"], bool(p["disabled_at"])) for p in people] == [
        ("jo@example.org", "reception", True),
        ("mel@example.org", "admin", False),
    ]
    assert "disabled" in pmsapp("users", "list").out
    assert pmsapp("users", "enable", "jo@example.org").code == 0


def test_an_invitation_is_printed_alone_and_a_second_one_replaces_it(pmsapp: Pmsapp) -> None:
    made = pmsapp("users", "invite", "jo@example.org", "--role", "reception")
    assert made.code == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/link/[\w-]{43}\n", made.out)
    assert "invited" in pmsapp("users", "list").out
    again = pmsapp("users", "invite", "jo@example.org")
    assert again.code == 0
    assert again.out != made.out
    unknown = pmsapp("users", "invite", "new@example.org")
    assert (unknown.code, "--role" in unknown.err) == (1, True)


def test_a_second_factor_is_taken_away_from_the_command_line(pmsapp: Pmsapp) -> None:
    pmsapp("users", "add", "mel@example.org", "--role", "admin", "--password-stdin", stdin=PASSWORD + "\n")
    shown = pmsapp("users", "reset-2fa", "mel@example.org")
    assert (shown.code, shown.out) == (0, "mel@example.org has no second factor set up.\n")
    assert pmsapp("users", "reset-2fa", "nobody@example.org").code == 1


def test_a_weak_password_is_refused_with_its_reason(pmsapp: Pmsapp) -> None:
    shown = pmsapp("users", "add", "mel@example.org", "--role", "admin", "--password-stdin", stdin="short\n")
    assert shown.code == 1
    assert shown.err.startswith("Error: ")
    assert "short" not in shown.err.replace("too short", "")


def test_without_a_terminal_a_password_must_come_from_standard_input(pmsapp: Pmsapp) -> None:
    shown = pmsapp("users", "add", "mel@example.org", "--role", "admin")
    assert shown.code == 1
    assert "--password-stdin" in shown.err


def test_an_unknown_person_is_one_sentence(pmsapp: Pmsapp) -> None:
    shown = pmsapp("users", "disable", "nobody@example.org")
    assert (shown.code, shown.err) == (1, "Error: There is no such user.\n")


def test_a_token_stands_alone_on_standard_output(pmsapp: Pmsapp) -> None:
    made = pmsapp("tokens", "create", "--name", "Display", "--role", "status")
    assert made.code == 0
    assert made.out.startswith("pms_")
    assert len(made.out.split()) == 1
    listed = pmsapp("tokens", "list", "--json")
    assert made.out.strip() not in listed.out
    token_id = json.loads(listed.out)["items"][0]["id"]
    assert pmsapp("tokens", "revoke", str(token_id)).code == 0
    assert pmsapp("tokens", "revoke", str(token_id)).err == "Error: There is no such API token.\n"


def test_a_key_is_added_used_and_the_old_one_dropped(pmsapp: Pmsapp) -> None:
    old = json.loads(pmsapp("keys", "list", "--json").out)["items"][0]["id"]
    assert pmsapp("keys", "drop", old).code == 1
    assert pmsapp("keys", "add").code == 0
    assert pmsapp("keys", "rotate").out == "1 sealed again, 0 were already.\n"  # the key of the log
    assert pmsapp("keys", "drop", old).code == 0
    assert [key["id"] == old for key in json.loads(pmsapp("keys", "list", "--json").out)["items"]] == [False]


def test_an_unknown_connection_is_one_sentence(pmsapp: Pmsapp) -> None:
    shown = pmsapp("sync", "Gentu")
    assert shown.code == 1
    assert shown.err.startswith("Error: There is no such connection")


def test_a_backup_says_where_it_is(pmsapp: Pmsapp) -> None:
    made = pmsapp("backup")
    assert made.code == 0
    assert Path(made.out.strip()).stat().st_mode & 0o777 == 0o600


def test_help_names_the_files_that_settings_are_read_from(
    pmsapp: Pmsapp, instance_dir: Path, tmp_path: Path
) -> None:
    file = tmp_path / "clinic.env"
    shown = pmsapp("--help", PMSAPP_ENV_FILE=str(file)).out.splitlines()
    assert shown[-2:] == [f"  {file}", f"  {instance_dir}/settings.toml"]


def test_a_person_gets_another_role_and_is_taken_out_for_good(pmsapp: Pmsapp) -> None:
    for email, role in (("ann@clinic.example", "admin"), ("jo@clinic.example", "viewer")):
        assert pmsapp("users", "invite", email, "--role", role).code == 0
    assert (
        pmsapp("users", "role", "jo@clinic.example", "reception").out
        == "jo@clinic.example is now reception.\n"
    )
    refused = pmsapp("users", "remove", "ann@clinic.example", "--yes")
    assert (refused.code, "administrator" in refused.err) == (1, True)
    asked = pmsapp("users", "remove", "jo@clinic.example", stdin="n\n")
    assert (asked.code != 0, "for good?" in asked.err) == (True, True)
    assert pmsapp("users", "remove", "jo@clinic.example", "--yes").code == 0
    people = json.loads(pmsapp("users", "list", "--json").out)["items"]
    assert [(person["email"], person["role"]) for person in people] == [("ann@clinic.example", "admin")]
    assert (
        pmsapp("users", "setup-code").err
        == "Error: The first administrator exists already; sign in instead.\n"
    )


def test_a_new_setup_code_is_alone_on_standard_output(pmsapp: Pmsapp) -> None:
    first, second = pmsapp("users", "setup-code"), pmsapp("users", "setup-code")
    assert re.fullmatch(r"(\w{4}-){4}\w{4}\n", second.out)
    assert first.out != second.out
    assert "/setup within an hour" in second.err


def test_an_upgrade_waits_until_the_older_pmsapp_is_stopped(pmsapp: Pmsapp, instance_dir: Path) -> None:
    """Tables that change under a process of the older version give its pages errors, and its writes may fit no more."""
    file = instance_dir / "pmsapp.sqlite3"
    if postgres.SERVER is not None:
        return
    file.unlink()
    older = sqlite_module().connect(file)
    older.executescript(FIRST_RELEASE.read_text(encoding="utf-8"))
    older.execute("pragma journal_mode = wal").fetchone()
    with only_one(instance_dir):
        refused = pmsapp("db", "upgrade")
    assert (refused.code, "stop it first." in refused.err) == (2, True)
    older.execute("select count(*) from users").fetchone()
    refused = pmsapp("db", "upgrade", "--under-lock")
    assert (refused.code, refused.err) == (
        2,
        "Error: A process still uses the database; stop pmsapp first.\n",
    )
    assert older.execute("select version_num from alembic_version").fetchall() == [("0003",)]
    older.close()
    assert "The database was upgraded." in pmsapp("db", "upgrade", PMSAPP_ENCRYPTION_KEYS=KEY).out


def test_doctor_says_what_is_wrong_and_what_to_do(pmsapp: Pmsapp, instance_dir: Path) -> None:
    (instance_dir / "encryption_keys").chmod(0o644)
    shown = pmsapp("doctor", "--json")
    assert shown.code == 1
    assert "chmod 600" in json.loads(shown.out)["items"][0]["message"]


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (ConfigurationError("A file is wrong."), 2, "Error: A file is wrong."),
        (NotFound("card"), 1, "Error: There is no such card."),
        (Conflict("X", "It is taken."), 1, "Error: It is taken."),
        (Refused("X", "They said no.", "Ask again."), 1, "Error: They said no. Ask again."),
        (Invalid({"a": "First.", "b": "Second."}), 1, "Error: First.\nError: Second."),
        (
            ReconnectRequiredError("AUTH-REFUSED", pms="Gentu"),
            1,
            "Error: Gentu did not accept these login details. "
            "Enter the login again, copied rather than typed; cards stay as they are until then. (AUTH-REFUSED)",
        ),
        (
            OperationalError("select secret", {}, Exception("secret")),
            1,
            "Error: The database could not be used; run: pmsapp doctor",
        ),
    ],
)
def test_each_kind_of_failure_is_a_sentence(error: Exception, code: int, sentence: str) -> None:
    assert failures.exit_code_and_sentences(error) == (code, sentence.splitlines())


def test_a_bug_is_a_sentence_without_its_text() -> None:
    try:
        raise KeyError("Jane Citizen")
    except KeyError as error:
        code, sentences = failures.exit_code_and_sentences(error)
    assert code == 70
    assert "KeyError" in sentences[0]
    assert "Jane" not in sentences[0]
