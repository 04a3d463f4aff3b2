"""What Halaxy's adapter declares about itself: the connect form, the rate limit and the badge draw from it."""

from __future__ import annotations

from pmsapp.adapters.base import AdapterInfo, Capabilities, CredentialField, TelehealthSource

INFO = AdapterInfo(
    slug="halaxy",
    label="Halaxy",
    how_you_connect="An API key that you make in Halaxy",
    default_base_url="https://au-api.halaxy.com/main",
    hosts=("au-api.halaxy.com", "eu-api.halaxy.com"),
    settings_prefix="HALAXY",
    credential_fields=(
        CredentialField("client_id", "Client id", "Shown in Halaxy beside the API key."),
        CredentialField(
            "client_secret",
            "Client secret",
            "Shown once when the API key is made; make a new key if it is lost.",
            secret=True,
        ),
        CredentialField(
            "organization_id",
            "Clinic id",
            "Only if this connection should read one clinic of the practice group. It begins with CL-.",
            required=False,
            goes_to="organization_id",
        ),
    ),
    capabilities=Capabilities(
        reads_per_practitioner=False,
        telehealth_source=TelehealthSource.APPOINTMENT,
        includes_patients=True,
        names_time_zone=False,
        webhooks=True,
    ),
    # Halaxy allows 500 a minute per key in a sliding window; the rest is left for other users of the same key.
    default_requests_per_minute=450,
    default_concurrency=4,
    minutes_to_connect=10,
    who_must_be_there="The owner of the Halaxy account",
    repeats_500=True,
    menu_paths={
        "revoke": "Settings > API Keys in Halaxy, delete the key",
        "credentials": "Settings > API Keys, with Retrieve ticked for Appointments, Patients and Practitioners",
        "webhook": "Settings > Integrations > Webhooks > Create: one webhook for each event, each with its own address",
    },
    webhook_events=("appointment-create", "appointment-update", "appointment-delete", "patient-update"),
)
