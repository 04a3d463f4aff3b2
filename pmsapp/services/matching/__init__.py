"""Practitioners to clinicians, appointment types to telehealth, and the lists they are chosen from."""
