"""What Toybox's adapter declares about itself."""

from __future__ import annotations

from pmsapp.adapters.base import AdapterInfo, Capabilities, CredentialField, TelehealthSource

LABEL = "Toybox"
INFO = AdapterInfo(
    slug="toybox",
    label=LABEL,
    how_you_connect="A toy key and the code of the toy clinic",
    default_base_url="https://api.toybox.example/v1",
    hosts=("api.toybox.example",),
    settings_prefix="TOYBOX",
    credential_fields=(
        CredentialField("toy_key", "Toy key", "It hangs on a hook beside the door.", secret=True),
        CredentialField(
            "clinic_code", "Clinic code", "It stands on the lid of the box.", goes_to="practice_id"
        ),
    ),
    capabilities=Capabilities(
        reads_per_practitioner=False,
        telehealth_source=TelehealthSource.APPOINTMENT,
        includes_patients=True,
        names_time_zone=True,
    ),
    default_requests_per_minute=300,
    default_concurrency=2,
    minutes_to_connect=2,
    who_must_be_there="Whoever keeps the toys",
    menu_paths={"credentials": "Open the lid, look under the bear"},
)
