"""The JSON interface's shapes: named models for what comes in and what goes out, one module per family."""
