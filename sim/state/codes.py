"""Codes that columns of state hold, and the names behind their indices."""

from __future__ import annotations

EMPTY_SLOT = 255
"""The age of an empty slot."""
WAITING = 128
"""`help` holds 0 for no help, 1 + service while helped, 128 + service while waiting."""
HELP_ONLY, RESILIENCE_ONLY, TRUST_ONLY, LEVEL, ANYTHING = 31, 32, 64, 128, 255
"""Bits of `changed`: help, or a level that fell, in one of the first five domains (a bit each), resilience lower, trust
higher, a level that rose (with the domain's own bit); all of them."""
GONE = 4
"""The bit of `worst` that says that nobody is there."""
REFERENCE_TRUST = 0.6
"""Trust at which people ask for help at the usual rate: the zero of its scale, so to say. Calibration absorbs it."""
MOST_GROUPS = 16
"""Groups of people that the policies of one scenario can tell apart, those without a policy of their own among them."""
PREVENTIVE, RESPONSIVE, ACUTE, COMMUNITY = 0, 1, 2, 3
KINDS: tuple[str, ...] = ("physical_health", "mental_health", "care", "economic_security", "family_safety")
"""Domains that the world outside services is known to act on, by id; a place may have others, which it leaves alone."""
PHYSICAL, MENTAL, CARE, ECONOMIC, FAMILY = 0, 1, 2, 3, 4
PURPOSES: tuple[str, ...] = (
    "organisers",
    "resident_control",
    "peer_support",
    "micro_enterprise",
    "mutual_aid",
    "volunteering_days",
    "air_and_activity",
    "housing_quality",
    "job_security",
    "income_floor",
    "resident_voice",
    "joined_up",
    "outreach",
    "time_to_care",
    "digital_ties",
    "network_crisis",
    "schooling",
)
"""What new money may be paid for beside services: each the name of its lever."""
FINE = 2.0**20
"""Parts of one in which answers that are no whole numbers are added up."""
INFANT = 2
"""Children below this age are looked at in children's centres."""
CHILD_AGES = 18
"""Years of age, from 0, by which children's acute episodes are counted."""
SILOS: tuple[str, ...] = ("nhs", "adult_care", "children", "housing_welfare", "police")
