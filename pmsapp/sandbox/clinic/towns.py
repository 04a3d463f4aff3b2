"""Where the pretended practice stands, by its time zone: state, town, postcode."""

from __future__ import annotations

TOWNS = {
    "Australia/Melbourne": ("VIC", "Melbourne", "3000"),
    "Australia/Sydney": ("NSW", "Sydney", "2000"),
    "Australia/Brisbane": ("QLD", "Brisbane", "4000"),
    "Australia/Adelaide": ("SA", "Adelaide", "5000"),
    "Australia/Darwin": ("NT", "Darwin", "0800"),
    "Australia/Perth": ("WA", "Perth", "6000"),
    "Australia/Hobart": ("TAS", "Hobart", "7000"),
    "Australia/Broken_Hill": ("NSW", "Broken Hill", "2880"),
    "Australia/Lord_Howe": ("NSW", "Lord Howe Island", "2898"),
}
