"""pmsapp: a telehealth run sheet filled from the practice management system."""

__version__ = "0.1.0"
