"""A wrong setting stops the start with one sentence that names it; an empty one counts as not set."""

from __future__ import annotations

from pathlib import Path

import pytest

from pmsapp.domain.errors import ConfigurationError
from pmsapp.factory import create_app
from pmsapp.settings import load_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "nonsense"),
        ("REDIS_URL", "http://127.0.0.1"),
        ("HEARTBEAT_URL", "ftp://watch.example"),
        ("SENTRY_DSN", "https://sentry.example/7"),
        ("ALERT_URLS", "somebody@clinic.example"),
        ("ALLOWED_PMS_HOSTS", "127.0.0.1:8099/v1"),
        ("GENTU_BASE_URL", "api.vendor.example"),
        ("GENTU_CONCURRENCY", "0"),
        ("GENUT_BASE_URL", "https://api.vendor.example"),
        ("CLINIC_TIME_ZONE", "Melbourne"),
        ("PORT", "99999"),
        ("POTR", "8080"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(name: str, value: str, tmp_path: Path) -> None:
    environ = {"PMSAPP_INSTANCE_DIR": str(tmp_path), f"PMSAPP_{name}": value}
    with pytest.raises(ConfigurationError) as refused:
        create_app(load_settings(environ))
    sentence = str(refused.value)
    assert sentence.startswith(f"PMSAPP_{name.split('_')[0]}")
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_an_empty_setting_counts_as_not_set(tmp_path: Path) -> None:
    names = ("HOST", "PORT", "DATABASE_URL", "REDIS_URL", "ALERT_URLS", "GENTU_CLIENT_ID", "GENTU_BASE_URL")
    folder = {"PMSAPP_INSTANCE_DIR": str(tmp_path)}
    assert load_settings(folder | {f"PMSAPP_{name}": "" for name in names}) == load_settings(folder)


def test_an_empty_name_is_still_no_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="PMSAPP_POTR"):
        load_settings({"PMSAPP_INSTANCE_DIR": str(tmp_path), "PMSAPP_POTR": ""})


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('port = 9001\nhost = "0.0.0.0"\n', encoding="utf-8")
    settings = load_settings({"PMSAPP_INSTANCE_DIR": str(tmp_path), "PMSAPP_PORT": "9002"})
    assert (settings.host, settings.port) == ("0.0.0.0", 9002)
