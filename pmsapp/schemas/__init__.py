"""The shapes of JSON: named models for what comes in and what goes out, one module per family.

The JSON interface and `pmsapp sync --json` speak them."""
