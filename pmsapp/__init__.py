"""pmsapp: a telehealth run sheet filled from the practice management system."""

__version__ = "0.2.0"  # raised by every release; pip leaves an equal one as it is
