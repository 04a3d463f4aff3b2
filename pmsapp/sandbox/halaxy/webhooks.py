"""Webhooks out of Halaxy: a thin notification for every change, to addresses set up by hand.

In Halaxy they are set up in its settings, one event each; here by `HalaxyServer.webhooks.add` or by JSON at
`/halaxy/_webhooks`, outside the API. A notification names the resource that changed and not how. There are no retries.
Deliveries go to this machine only.
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import uuid
from collections import deque
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

from flask import Response, request
from flask.sansio.app import App

from pmsapp.sandbox.clinic.model import Change, SandboxError
from pmsapp.sandbox.core.faults import Fault
from pmsapp.sandbox.core.hub import Sandbox
from pmsapp.sandbox.core.vendor import Json, json_response

EVENTS = (
    "appointment-create",
    "appointment-update",
    "appointment-delete",
    "patient-create",
    "patient-update",
)
SETUP_PATH = "/halaxy/_webhooks"
TIMEOUT_S = 5.0
MOST_DELIVERIES = 1_000
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})
_API = "https://au-api.halaxy.com/main"
_PROFILES = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
_CREATING = frozenset({"book", "fill_day"})


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook: which event it hears, where it goes, and the header typed into Halaxy's form ("" = none)."""

    id: int
    event: str
    url: str
    authorization: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notification that was sent. `status` is the receiver's answer, 0 when there was none."""

    webhook_id: int
    event: str
    event_id: str
    resource_id: str
    status: int


def event_of(change: Change) -> str | None:
    """Which event a change in the clinic raises, None when Halaxy has none for it."""
    if change.kind == "patient":
        return "patient-update"
    if change.kind != "appointment":
        return None
    if change.action == "delete":
        return "appointment-delete"
    return "appointment-create" if change.action in _CREATING else "appointment-update"


class WebhookSender:
    """Sends notifications from a thread of its own, in order unless a switch says otherwise."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._changed = threading.Condition()
        self._ids = itertools.count(1)
        self._hooks: list[Webhook] = []
        self._waiting: deque[tuple[Webhook, Json]] = deque()
        self._held: dict[int, list[tuple[Webhook, Json]]] = {}
        self._sent: deque[Delivery] = deque(maxlen=MOST_DELIVERIES)
        self._busy = False
        self._thread: threading.Thread | None = None
        sandbox.clinic.listeners.append(self._hear)

    # -- setting up -----------------------------------------------------------------------------------------------------

    def add(self, event: str, url: str, authorization: str = "") -> Webhook:
        """Set a webhook up. Raises SandboxError for an unknown event or an address that is not on this machine."""
        if event not in EVENTS:
            raise SandboxError(f"An event is one of {', '.join(EVENTS)}.")
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname not in _HERE:
            raise SandboxError("A webhook goes to this machine only, by http.")
        with self._changed:
            hook = Webhook(next(self._ids), event, url, authorization)
            self._hooks.append(hook)
            return hook

    def remove(self, webhook_id: int) -> None:
        """Forget a webhook."""
        with self._changed:
            self._hooks = [hook for hook in self._hooks if hook.id != webhook_id]

    def reset(self) -> None:
        """Forget every webhook and what was to be sent."""
        with self._changed:
            self._hooks, self._held = [], {}
            self._waiting.clear()
            self._sent.clear()

    def hooks(self) -> list[Webhook]:
        """What is set up."""
        with self._changed:
            return list(self._hooks)

    def deliveries(self) -> list[Delivery]:
        """What was sent, oldest first."""
        with self._changed:
            return list(self._sent)

    def add_routes(self, app: App) -> None:
        """The JSON for setting up: GET and POST {event, url, authorization?}, DELETE with ?id=."""

        def listing() -> Response:
            hooks = [{"id": hook.id, "event": hook.event, "url": hook.url} for hook in self.hooks()]
            return json_response(
                {"webhooks": hooks, "deliveries": [asdict(delivery) for delivery in self.deliveries()]}
            )

        def change() -> Response:
            if request.method == "DELETE":
                self.remove(request.args.get("id", 0, type=int))
                return listing()
            sent = request.get_json(silent=True) if request.is_json else None
            if not isinstance(sent, dict):
                return json_response({"error": "Send a JSON object."}, 422)
            try:
                self.add(str(sent.get("event")), str(sent.get("url")), str(sent.get("authorization") or ""))
            except SandboxError as error:
                return json_response({"error": str(error)}, 422)
            return listing()

        app.add_url_rule(SETUP_PATH, "halaxy_webhooks", listing, methods=["GET"])
        app.add_url_rule(SETUP_PATH, "halaxy_webhooks_change", change, methods=["POST", "DELETE"])

    # -- sending --------------------------------------------------------------------------------------------------------

    def _hear(self, change: Change) -> None:
        event = event_of(change)
        with self._changed:
            for hook in self._hooks:
                if hook.event == event:
                    self._queue(hook, notification(change, self._sandbox.now().isoformat(timespec="seconds")))

    def _queue(self, hook: Webhook, payload: Json) -> None:
        batch = self._held.setdefault(hook.id, [])
        batch.append((hook, payload))
        reorder = self._switch("webhook_reorder")
        if reorder is not None and len(batch) < reorder.number("count"):
            return
        self._release(hook.id)

    def _release(self, webhook_id: int) -> None:
        batch = self._held.pop(webhook_id, [])
        twice = self._switch("webhook_twice") is not None
        for item in reversed(batch):
            self._waiting.extend([item, item] if twice else [item])
        if self._waiting and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="halaxy-webhooks", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _switch(self, name: str) -> Fault | None:
        return next((fault for fault in self._sandbox.faults.active() if fault.name == name), None)

    def flush(self, timeout_s: float = 10.0) -> list[Delivery]:
        """Send what is held back, wait until everything has been sent, and return all deliveries."""
        with self._changed:
            for webhook_id in list(self._held):
                self._release(webhook_id)
            self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout_s)
            return list(self._sent)

    def _run(self) -> None:
        """Send until there is nothing left; the next change starts a thread again."""
        while True:
            with self._changed:
                self._busy = bool(self._waiting)
                if not self._waiting:
                    self._thread = None
                    self._changed.notify_all()
                    return
                hook, payload = self._waiting.popleft()
            status = _post(hook, payload)
            event = payload["entry"][0]["resource"]["notificationEvent"][0]
            resource_id = event["focus"]["reference"].rpartition("/")[2]
            with self._changed:
                self._sent.append(Delivery(hook.id, hook.event, event["id"], resource_id, status))


def _post(hook: Webhook, payload: Json) -> int:
    parts = urlsplit(hook.url)
    headers = {"Content-Type": "application/json"}
    if hook.authorization:
        headers["Authorization"] = hook.authorization
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT_S)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target or "/", json.dumps(payload), headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def notification(change: Change, at: str) -> Json:
    """A notification: counters are text, and nothing says whether it was made, changed or deleted."""
    kind = "Patient" if change.kind == "patient" else "Appointment"
    status_id = str(uuid.uuid4())
    topic = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{_API}/{event_of(change)}"))
    status: Json = {
        "subscription": {"reference": f"{_API}/Subscription/{topic}", "type": "Subscription"},
        "topic": {"reference": f"{_API}/SubscriptionTopic/{topic}", "type": "SubscriptionTopic"},
        "status": "active",
        "type": "event-notification",
        "eventsSinceSubscriptionStart": "0",
        "notificationEvent": [
            {
                "eventNumber": "1",
                "timestamp": at,
                "focus": {"reference": f"{_API}/{kind}/{change.ids['halaxy']}", "type": kind},
                "id": str(uuid.uuid4()),
            }
        ],
        "id": status_id,
        "meta": {"profile": f"{_PROFILES}/backport-subscription-status"},
        "resourceType": "SubscriptionStatus",
    }
    return {
        "timestamp": at,
        "type": "history",
        "link": [],
        "entry": [{"fullUrl": status_id, "resource": status}],
        "contained": [],
        "extension": [],
        "modifierExtension": [],
        "id": str(uuid.uuid4()),
        "meta": {
            "profile": f"{_PROFILES}/backport-subscription-notification",
            "security": [],
            "tag": [],
        },
        "resourceType": "Bundle",
    }
