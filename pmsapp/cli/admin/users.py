"""`pmsapp users`: the people who may sign in."""

from __future__ import annotations

import sys

import click

from pmsapp.cli.shared.base import json_option, open_app, show_json, show_table
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.domain.roles import PEOPLE_ROLES
from pmsapp.extensions import current_settings
from pmsapp.services.base.errors import Invalid, NotFound
from pmsapp.services.people import one_time_links, second_factor
from pmsapp.services.people import users as people
from pmsapp.services.people.one_time_links import NewLink
from pmsapp.services.people.users import UserView


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
            must_change_password=True,
        )
    click.echo(f"{person.email} may now sign in as {person.role}.")
    click.echo("They choose a password of their own when they first do.", err=True)


@users.command()
@click.argument("email")
@click.option("--role", type=click.Choice(sorted(PEOPLE_ROLES)), help="What they may do, for somebody new.")
@click.option("--name", help="The name others see; by default the first part of the email.")
@click.option("--clinician", type=int, help="Number of their run sheet column, for the role clinician.")
def invite(email: str, role: str | None, name: str | None, clinician: int | None) -> None:
    """Print a one-time link with which a person chooses a password; adds them when they are new."""
    with open_app():
        made = _link(email, role, name, clinician)
        address = _address()
    click.echo(f"Hand this link to {made.user.email}; it works once, for three days:", err=True)
    click.echo(f"{address}{made.path}")


def _link(email: str, role: str | None, name: str | None, clinician: int | None) -> NewLink:
    try:
        known = people.find_user(email)
    except NotFound:
        if role is None:
            raise Invalid({"role": "Say with --role what somebody new may do."}) from None
        return one_time_links.invite(email, role=role, name=name, clinician_id=clinician, actor=COMMAND_LINE)
    return one_time_links.make(known.id, COMMAND_LINE)


def _address() -> str:
    """Where browsers find the pages, as far as the settings tell."""
    settings = current_settings()
    if settings.trusted_proxies and settings.trusted_hosts:
        return f"https://{settings.trusted_hosts[0]}"
    return f"http://{settings.host}:{settings.port}"


@users.command(name="reset-2fa")
@click.argument("email")
def reset_2fa(email: str) -> None:
    """Take a person's second factor away, when phone and recovery codes are gone; their sessions end."""
    with open_app():
        person = people.find_user(email)
        had = second_factor.reset(person.id, COMMAND_LINE)
    click.echo(f"{person.email} has no second factor {'any more' if had else 'set up'}.")


@users.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Show everybody."""
    with open_app():
        found = people.list_users()
    if as_json:
        show_json({"items": found})
        return
    rows = [(p.email, p.name, p.role, _state(p), p.last_login_at) for p in found]
    show_table(
        ["email", "name", "role", "state", "last sign-in"],
        rows,
        empty="Nobody may sign in yet; run: pmsapp users add EMAIL --role admin",
    )


def _state(person: UserView) -> str:
    if person.disabled_at:
        return "disabled"
    return "invited" if person.is_invited else "may sign in"


@users.command()
@click.argument("email")
@password_option
def passwd(email: str, password_stdin: bool) -> None:
    """Give a person a new password, which they change when they next sign in; their sessions end."""
    with open_app():
        person = people.find_user(email)
        people.set_password(person.id, _password(password_stdin), COMMAND_LINE, must_change=True)
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


@users.command()
@click.argument("email")
@click.argument("role", type=click.Choice(sorted(PEOPLE_ROLES)))
@click.option("--clinician", type=int, help="Number of their run sheet column, for the role clinician.")
def role(email: str, role: str, clinician: int | None) -> None:
    """Give a person another role; their sessions end."""
    with open_app():
        person = people.find_user(email)
        people.change_role(person.id, role, COMMAND_LINE, clinician_id=clinician)
    click.echo(f"{person.email} is now {role}.")


@users.command()
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(email: str, yes: bool) -> None:
    """Take a person out for good; the log of who did what keeps their name. See also: users disable."""
    with open_app():
        person = people.find_user(email)
        if not yes:
            click.confirm(f"Remove {person.email} for good?", abort=True, err=True)
        people.remove_user(person.id, COMMAND_LINE)
    click.echo(f"{person.email} was removed.")


@users.command(name="setup-code")
def setup_code() -> None:
    """Print a new one-time code for the first administrator; the one before stops working."""
    with open_app():
        made = people.make_setup_code()
        address = _address()
    click.echo(f"Open {address}/setup within an hour and enter this code:", err=True)
    click.echo(made.code)
