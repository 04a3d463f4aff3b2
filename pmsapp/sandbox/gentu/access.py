"""Who may ask Gentu's server what: the app's credentials and tokens, pairing codes, and the practices that are paired."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import SandboxError
from pmsapp.sandbox.core.hub import Sandbox

# The app's own credentials in the training world. They open nothing else.
CLIENT_ID = "training-client-id"
CLIENT_SECRET = "training-client-secret"
APP_ID = "5a9d1f0e-3c1b-4f6a-9d2e-7b8c6a5d4e3f"
TOKEN_LIFE_S = 3599
# Codes that are there from the start: which clinic each belongs to, and how it stands.
FIXED_CODES = {
    "demo1234": (0, "fresh"),
    "demo2345": (0, "fresh"),
    "demo3456": (0, "fresh"),
    "perth123": (1, "fresh"),
    "quiet123": (2, "fresh"),
    "used0000": (0, "used"),
    "late0000": (0, "expired"),
}


@dataclass(slots=True)
class PairingCode:
    """A code a practice has made: fresh, used or expired."""

    code: str
    clinic: Clinic
    state: str = "fresh"


class GentuAccess:
    """Tokens, codes and paired practices. Thread-safe."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """As at the start: no tokens, the fixed codes, nobody paired (but the front clinic where wanted)."""
        with self._lock:
            self._tokens: dict[str, datetime] = {}
            self._withdrawn: set[str] = set()
            self._codes = {
                code: PairingCode(code, self._sandbox.clinics[place], state)
                for code, (place, state) in FIXED_CODES.items()
                if place < len(self._sandbox.clinics)
            }
            self._paired: dict[str, Clinic] = {}
            self._disabled: set[str] = set()
            if self._sandbox.paired:
                self._pair(self._sandbox.clinic)

    # -- tokens -----------------------------------------------------------------------------------------------------

    def issue_token(self) -> tuple[str, datetime]:
        """A new token and when it was issued; it serves every paired practice."""
        with self._lock:
            token, now = secrets.token_urlsafe(21), self._sandbox.now()
            self._tokens[token] = now + timedelta(seconds=TOKEN_LIFE_S)
            return token, now

    def token_state(self, token: str) -> str:
        """good, expired, revoked or unknown."""
        with self._lock:
            if token in self._withdrawn:
                return "revoked"
            expires_at = self._tokens.get(token)
            if expires_at is None:
                return "unknown"
            return "good" if self._sandbox.now() < expires_at else "expired"

    def expire_token(self, token: str) -> None:
        """Let one token's time be over."""
        with self._lock:
            if token in self._tokens:
                self._tokens[token] = self._sandbox.now()

    def expire_all(self) -> None:
        """Let the time of every token be over."""
        with self._lock:
            self._tokens = dict.fromkeys(self._tokens, self._sandbox.now())

    def revoke_token(self, token: str) -> None:
        """Take one token back."""
        with self._lock:
            self._withdrawn.add(token)

    # -- pairing ----------------------------------------------------------------------------------------------------

    def make_code(self, clinic: Clinic | None = None) -> str:
        """A fresh pairing code of eight characters, as the practice's screen would show it."""
        with self._lock:
            code = secrets.token_hex(4)
            self._codes[code] = PairingCode(code, clinic or self._sandbox.clinic)
            return code

    def codes(self) -> list[PairingCode]:
        """Every code there is, used ones too."""
        with self._lock:
            return list(self._codes.values())

    def use_code(self, code: str) -> str:
        """Spend a code: the id of the practice it paired, or "unknown", "used" or "expired"."""
        with self._lock:
            found = self._codes.get(code)
            if found is None or found.state != "fresh":
                return found.state if found else "unknown"
            found.state = "used"
            return self._pair(found.clinic)

    def _pair(self, clinic: Clinic) -> str:
        tenant_id = clinic.id_of("gentu", "practice", "")
        self._paired[tenant_id] = clinic
        self._disabled.discard(tenant_id)
        return tenant_id

    # -- practices --------------------------------------------------------------------------------------------------

    def tenants(self) -> dict[str, bool]:
        """Every paired practice: its id, and whether it lets the app in."""
        with self._lock:
            return {tenant_id: tenant_id not in self._disabled for tenant_id in self._paired}

    def clinic_of(self, tenant_id: str) -> Clinic | None:
        """The clinic behind a paired practice's id, or None."""
        with self._lock:
            return self._paired.get(tenant_id)

    def set_access(self, tenant_id: str, access: str) -> None:
        """What a practice does about the app: enabled, disabled (switched off) or withdrawn (unpaired).

        Raises SandboxError for another word, or when that practice is not paired.
        """
        with self._lock:
            if tenant_id not in self._paired:
                raise SandboxError("No paired practice has that id.")
            if access not in ("enabled", "disabled", "withdrawn"):
                raise SandboxError("access is enabled, disabled or withdrawn.")
            self._disabled.discard(tenant_id)
            if access == "disabled":
                self._disabled.add(tenant_id)
            if access == "withdrawn":
                del self._paired[tenant_id]
