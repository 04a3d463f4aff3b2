"""The sandbox's own pages: change appointments, switch faults on."""
