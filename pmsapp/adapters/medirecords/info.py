"""What MediRecords' adapter declares about itself: the connect form, the rate limit and the badge draw from it."""

from __future__ import annotations

from pmsapp.adapters.base import AdapterInfo, Capabilities, CredentialField, TelehealthSource

INFO = AdapterInfo(
    slug="medirecords",
    label="MediRecords",
    how_you_connect="An API token from MediRecords and the practice id",
    default_base_url="https://api.medirecords.com/v1",
    hosts=("api.medirecords.com",),
    settings_prefix="MEDIRECORDS",
    credential_fields=(
        CredentialField(
            "api_token",
            "API token",
            "The Connect API token that MediRecords gave this practice. A token for their FHIR API will not do.",
            secret=True,
        ),
        CredentialField(
            "practice_id",
            "Practice id",
            "The practice's own id: 36 characters with four hyphens. MediRecords sends it with the token.",
            goes_to="practice_id",
        ),
    ),
    capabilities=Capabilities(
        reads_per_practitioner=False,
        telehealth_source=TelehealthSource.APPOINTMENT,
        includes_patients=False,
        names_time_zone=False,
        gives_links=True,
        knows_no_show=False,
        fixed_token=True,
    ),
    # The vendor's recommended thresholds are not public: about two calls a second, two at a time.
    default_requests_per_minute=120,
    default_concurrency=2,
    minutes_to_connect=5,
    who_must_be_there="Someone who has the practice's API token and practice id",
    menu_paths={
        "revoke": "ask your MediRecords Customer Success Manager to withdraw the API token",
        "credentials": "Ask your MediRecords Customer Success Manager for a Connect API token and your practice id",
    },
)
