"""Connecting a practice through the pages, step by step, pressing the buttons as they stand. The same for any vendor."""

from __future__ import annotations

from html import unescape
from typing import Any

from flask import Flask

from pmsapp.adapters.registry import get_info
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.connections import connections
from pmsapp.services.matching import appointment_types
from pmsapp.services.runs import history as run_history
from pmsapp.services.sync import execute
from tests.support.actors import Browser, browser_for
from tests.support.connecting import gentu_access
from tests.support.synced_clinic import LOGINS, practice_id
from tests.vendors.clinics import ConnectedClinic
from tests.vendors.forms import Form, form_at


class Wizard:
    """An administrator's browser on the way through the five steps."""

    def __init__(self, app: Flask, sandbox: SandboxServer, vendor: str) -> None:
        self.sandbox = sandbox
        self.info = get_info(vendor)
        self.browser: Browser = browser_for(app, "admin")
        self.action = f"/integrations/new/{vendor}"
        login = LOGINS[vendor]["credentials"]
        self.right: dict[str, str] = {
            field.name: login[field.name]
            if field.goes_to == "credentials"
            else practice_id(vendor, sandbox) or ""
            for field in self.info.credential_fields
        }
        if self.info.capabilities.pairing:
            self.right["pairing_code"] = gentu_access(sandbox).make_code()

    @property
    def secret(self) -> str:
        """The name of the field that holds the secret."""
        return next(field.name for field in self.info.credential_fields if field.secret)

    def form(self) -> Form:
        """The connect form as drawn."""
        page = self.browser.get(self.action)
        assert page.status_code == 200
        return form_at(page.text, self.action)

    def send(self, **typed: str) -> Any:
        """Fill the form in and press the button; what is not typed is as it should be."""
        return self.browser.post(self.action, data=self.form().filled(**{**self.right, **typed}))

    def walk_on(self, created: Any) -> int:
        """From the answer to the connect form to the last step, taking what is suggested. Returns the connection."""
        assert created.status_code == 303, unescape(created.text)
        (view,) = [
            connection
            for connection in connections.list_connections()
            if connection.pms_type == self.info.slug
        ]
        step = created.headers["Location"]
        assert step.endswith("/found")
        step = self._press(step, answer="yes")
        assert step.endswith("/practitioners")
        step = self._press(step)
        assert step.endswith("/types")
        step = self._press(step)
        assert step.endswith("/start")
        assert self._press(step) == step
        return view.id

    def _press(self, step: str, **typed: str) -> str:
        page = self.browser.get(step)
        assert page.status_code == 200
        assert self.info.label in page.text
        answer = self.browser.post(step, data=form_at(page.text, step).filled(**typed))
        assert answer.status_code == 303, unescape(answer.text)
        return str(answer.headers["Location"])


class WalkedClinic(ConnectedClinic):
    """The connection a wizard made, and what the clinic decided on the way."""

    def __init__(self, app: Flask, wizard: Wizard, connection_id: int) -> None:
        self._made = connection_id
        super().__init__(app, wizard.sandbox, wizard.info.slug)
        listed = appointment_types.list_types(connection_id)
        self.decided = {
            person.pms_type_id: person.is_telehealth for person in listed if person.is_telehealth is not None
        }

    def _connect(self) -> int:
        return self._made

    def first_run(self) -> run_history.RunView:
        """Do the run that the last step asked for."""
        current = run_history.list_runs(self.connection_id).current
        assert current is not None
        assert current.trigger == "setup"
        execute.execute_run(current.id)
        return run_history.get_run(self.connection_id, current.id)
