"""pmsapp: a telehealth run sheet filled from the practice management system."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from flask import Flask

    from pmsapp.settings import Settings


def create_app(settings: Settings | None = None, *, screens: bool = True) -> Flask:
    """Build the web application. Raises ConfigurationError, one sentence, when a setting or file is wrong.

    Without `screens` it has no pages and no interface for programs: enough for commands and jobs, and ready sooner.
    """
    from pmsapp.factory import build_app

    return build_app(settings, screens=screens)
