"""pmsapp: a telehealth run sheet filled from the practice management system."""
