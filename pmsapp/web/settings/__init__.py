"""Settings pages: clinic, people, keys for programs, alerts, health."""
