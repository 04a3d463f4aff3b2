"""What Gentu's adapter declares about itself: the connect form, the rate limit and the badge draw from it."""

from __future__ import annotations

from pmsapp.adapters.base import AdapterInfo, Capabilities, CredentialField, TelehealthSource

PRODUCTION_HOST = "api.pm.magentus.com"
SANDBOX_HOST = "api.pm.sandbox.magentus.com"

INFO = AdapterInfo(
    slug="gentu",
    label="Gentu",
    how_you_connect="A pairing code from the Gentu Marketplace",
    default_base_url=f"https://{PRODUCTION_HOST}/v1",
    hosts=(PRODUCTION_HOST, SANDBOX_HOST),
    settings_prefix="GENTU",
    credential_fields=(
        CredentialField(
            "client_id",
            "Client ID",
            "From Magentus, when the app was registered. Usually set once for the whole server.",
            setting="GENTU_CLIENT_ID",
        ),
        CredentialField(
            "client_secret",
            "Client secret",
            "From Magentus, together with the client ID.",
            secret=True,
            setting="GENTU_CLIENT_SECRET",
        ),
        CredentialField(
            "app_id",
            "App ID",
            "From Magentus: the app's own id, which pairing codes are made for.",
            setting="GENTU_APP_ID",
        ),
    ),
    capabilities=Capabilities(
        reads_per_practitioner=True,
        telehealth_source=TelehealthSource.NONE,
        includes_patients=True,
        names_time_zone=True,
        pairing=True,
    ),
    # No figures are published: about one call a second, one at a time.
    default_requests_per_minute=60,
    default_concurrency=1,
    minutes_to_connect=5,
    who_must_be_there="Someone who may open the Marketplace in Gentu, usually the practice owner",
    menu_paths={
        "pairing": "In Gentu open Marketplace, choose the app and press Add to Gentu. Gentu then shows a code, "
        "good for one use. It gives access to the whole practice.",
        "revoke": "In Gentu open Marketplace, choose the app and remove it",
        "credentials": "Client ID, client secret and app ID come from Magentus when the app is registered; "
        "they are the same for every practice.",
    },
)
