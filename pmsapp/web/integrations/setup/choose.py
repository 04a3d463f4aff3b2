"""Step 1: which practice software, and everything that will be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Response, make_response

from pmsapp.adapters.base import AdapterInfo
from pmsapp.adapters.registry import list_infos
from pmsapp.services.setup import drafts
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.web.integrations.setup import connect_form
from pmsapp.web.integrations.setup.contexts import ChoosePage, ListPage, Needed, VendorChoice
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import shell


def page(chosen: str | None = None, error: str | None = None) -> Response:
    """The choice, every practice software with what it asks for."""
    now = shell.page_status()
    vendors = tuple(_choice(info, now, chosen) for info in list_infos())
    shown = ChoosePage(
        steps=connect_form.steps(1), vendors=vendors, training_href=_training_href(), error=error
    )
    html = shell.render("integrations/setup/choose.html", "integrations", now, page=shown)
    return make_response(html, 422 if error else 200)


def list_page(info: AdapterInfo) -> Response:
    """What to have at hand, for paper."""
    now = shell.page_status()
    shown = ListPage(_choice(info, now), connect_form.paths(info), now.clinic)
    return make_response(shell.render("integrations/setup/list.html", "integrations", now, page=shown))


def needed(info: AdapterInfo) -> tuple[Needed, ...]:
    """Everything the connect form asks for here, in its order."""
    supplied = vendor_adapters.filled_credentials(info, {})
    asked = [
        Needed(item.label, item.help, is_optional=not item.required)
        for item in info.credential_fields
        if item.name not in supplied
    ]
    if info.capabilities.pairing:
        asked.append(Needed(connect_form.CODE_LABEL, info.menu_paths.get("pairing", "")))
    if not info.capabilities.names_time_zone:
        asked.append(Needed("Time zone of the practice", f"{info.label} does not say it; suggested already."))
    return tuple(asked)


def _choice(info: AdapterInfo, now: shell.PageStatus, chosen: str | None = None) -> VendorChoice:
    begun = drafts.of_vendor(info.slug)
    return VendorChoice(
        slug=info.slug,
        label=info.label,
        how=info.how_you_connect,
        who=info.who_must_be_there or "An administrator",
        minutes=info.minutes_to_connect,
        needed=needed(info),
        connected=_connected(info, now),
        chosen=info.slug == chosen,
        begun=f"Begun by {begun.by}, {fmt.moment(begun.at, now.now, now.zone)}" if begun else None,
    )


def _connected(info: AdapterInfo, now: shell.PageStatus) -> tuple[tuple[str, str], ...]:
    return tuple(
        (view.display_name, f"/integrations/{view.id}")
        for view in now.connections
        if view.pms_type == info.slug and view.state != "setup"
    )


def _training_href() -> str | None:
    """Where the training clinic's own pages are, where this server is connected to one."""
    simulated: Sequence[AdapterInfo] = [
        info for info in list_infos() if vendor_adapters.is_simulated(info.slug)
    ]
    if not simulated:
        return None
    parts = urlsplit(vendor_adapters.base_url(simulated[0]))
    return f"{parts.scheme}://{parts.netloc}/"
