"""Codes that columns of state hold, and the names behind their indices."""

from __future__ import annotations

from typing import Literal, get_args

Tier = Literal["preventive", "responsive", "acute", "community"]
"""The tier of a service."""
PreventionKind = Literal["general_practice", "public_health", "targeted", "community"]
"""The kind of prevention of a preventive or community service."""
PREVENTION_KINDS: tuple[PreventionKind, ...] = get_args(PreventionKind)
NOT_PREVENTION = -1
"""The kind of prevention of a responsive or acute service."""
EMPTY_SLOT = 255
"""The age of an empty slot."""
WAITING = 128
"""`help` holds 0 for no help, 1 + service while helped, 128 + service while waiting."""
HELP_ONLY, RESILIENCE_ONLY, TRUST_ONLY, LEVEL, ANYTHING = 31, 32, 64, 128, 255
"""Bits of `changed`: help, or a level that fell, in one of the first five domains (a bit each), resilience lower, trust
higher, a level that rose (with the domain's own bit); all of them."""
GONE = 4
"""The bit of `worst` for an empty slot."""
REFERENCE_TRUST = 0.6
"""Trust at which people ask for help at the baseline rate. Calibration absorbs its value."""
MOST_GROUPS = 16
"""Largest number of groups of people under the policies of a scenario, with the group without a targeted policy."""
PREVENTIVE, RESPONSIVE, ACUTE, COMMUNITY = 0, 1, 2, 3
KINDS: tuple[str, ...] = ("physical_health", "mental_health", "care", "economic_security", "family_safety")
"""Domains on which conditions outside services act, by id. They do not act on other domains of a place."""
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
"""Purposes of new money other than services: each is the name of its lever."""
FINE = 2.0**20
"""Units per 1 in which survey answers that are not integers are summed."""
INFANT = 2
"""Age in years below which children are examined in children's centres."""
CHILD_AGES = 18
"""Years of age, from 0, by which children's acute episodes are counted."""
SILOS: tuple[str, ...] = ("nhs", "adult_care", "children", "housing_welfare", "police")
