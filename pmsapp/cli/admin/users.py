"""`pmsapp users`: the people who may sign in."""

from __future__ import annotations

import sys

import click

from pmsapp.cli.shared.base import json_option, open_app, show_json, show_table
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.domain.roles import PEOPLE_ROLES
from pmsapp.services.base.errors import Invalid
from pmsapp.services.people import users as people


@click.group()
def users() -> None:
    """The people who may sign in."""


def _password(from_stdin: bool) -> str:
    """The password, typed twice, or the first line of standard input."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Invalid({"password": "There is no terminal to type a password in; use --password-stdin."})
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of standard input."
)


@users.command()
@click.argument("email")
@click.option("--role", required=True, type=click.Choice(sorted(PEOPLE_ROLES)), help="What they may do.")
@click.option("--name", help="The name others see; by default the first part of the email.")
@click.option("--clinician", type=int, help="Number of their run sheet column, for the role clinician.")
@password_option
def add(email: str, role: str, name: str | None, clinician: int | None, password_stdin: bool) -> None:
    """Let a person in."""
    with open_app():
        person = people.add_user(
            email,
            role=role,
            name=name,
            clinician_id=clinician,
            password=_password(password_stdin),
            actor=COMMAND_LINE,
        )
    click.echo(f"{person.email} may now sign in as {person.role}.")


@users.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Show everybody."""
    with open_app():
        found = people.list_users()
    if as_json:
        show_json({"items": found})
        return
    rows = [
        (p.email, p.name, p.role, "disabled" if p.disabled_at else "may sign in", p.last_login_at)
        for p in found
    ]
    show_table(
        ["email", "name", "role", "state", "last sign-in"],
        rows,
        empty="Nobody may sign in yet; run: pmsapp users add EMAIL --role admin",
    )


@users.command()
@click.argument("email")
@password_option
def passwd(email: str, password_stdin: bool) -> None:
    """Give a person a new password and end their sessions."""
    with open_app():
        person = people.find_user(email)
        people.set_password(person.id, _password(password_stdin), COMMAND_LINE)
    click.echo(f"{person.email} has a new password; their sessions have ended.")


@users.command()
@click.argument("email")
def disable(email: str) -> None:
    """Keep a person out and end their sessions."""
    with open_app():
        person = people.find_user(email)
        people.disable_user(person.id, COMMAND_LINE)
    click.echo(f"{person.email} may no longer sign in.")


@users.command()
@click.argument("email")
def enable(email: str) -> None:
    """Let a disabled person in again."""
    with open_app():
        person = people.find_user(email)
        people.enable_user(person.id, COMMAND_LINE)
    click.echo(f"{person.email} may sign in again.")
