"""Headings: a policy in a few words with its aim, and headings of scenarios that differ."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence

from sim.scenario.policy import NeighbourhoodFilter, Policy
from sim.schema.quantities import AGE_BANDS, QUINTILES
from sim.services.catalogue import load_catalogue
from sim.state.codes import PreventionKind

LONGEST_LABEL = 80
"""Characters of a scenario's label."""
MOST_NAMED = 3
"""Largest number of services or neighbourhoods that a heading names."""
PREVENTION_NAMES: dict[PreventionKind, str] = {
    "general_practice": "general practice",
    "public_health": "public health",
    "targeted": "targeted prevention",
    "community": "community prevention",
}
"""Kinds of prevention in a sentence."""
FIFTH_NAMES = {1: "most deprived fifth", QUINTILES: "least deprived fifth"}


def policy_label(policy: Policy) -> str:
    """Describe a policy: its lever, its value or shift, and its aim.

    Parameters
    ----------
    policy : Policy

    Returns
    -------
    str

    Examples
    --------
    >>> policy_label(Policy(lever="threshold", start="2026-04", value=0.2, service="camhs"))
    "threshold 0.2, children's mental health service"
    """
    change = f"{policy.value:g}" if policy.value is not None else f"{policy.shift or 0.0:+g}"
    return textwrap.shorten(", ".join((f"{policy.lever} {change}", *aims(policy))), LONGEST_LABEL, placeholder="…")


def joined_label(label: str, addition: str) -> str:
    """Add a policy to a scenario's label, or the number of policies that no longer fit.

    Parameters
    ----------
    label : str
        Label so far.
    addition : str
        Label of the policy.

    Returns
    -------
    str
        At most `LONGEST_LABEL` characters.

    Examples
    --------
    >>> joined_label("Plan", "threshold 0.2")
    'Plan, threshold 0.2'
    >>> joined_label("A plan of many policies and 2 more", "threshold 0.2")
    'A plan of many policies and 3 more'
    """
    counted = re.fullmatch(r"(.*) and (\d+) more", label)
    if counted is None and len(label) + len(addition) + 2 <= LONGEST_LABEL:
        return f"{label}, {addition}"
    beginning, more = (counted[1], int(counted[2]) + 1) if counted is not None else (label, 1)
    end = f" and {more} more"
    return textwrap.shorten(beginning, LONGEST_LABEL - len(end), placeholder="…") + end


def aims(policy: Policy) -> tuple[str, ...]:
    """Name the services or the kind of prevention, the neighbourhoods and the ages that a policy is for.

    Parameters
    ----------
    policy : Policy

    Returns
    -------
    tuple of str
        Empty for a policy for everybody.

    Examples
    --------
    >>> aims(Policy(lever="grant", start="2026-04", shift=5, service="gp", who={"ages": [65, 109]}))
    ('general practice', 'ages 65 and over')
    """
    parts: list[str] = []
    if policy.prevention is not None:
        parts.append(PREVENTION_NAMES[policy.prevention])
    elif policy.services:
        names = {service.id: _in_sentence(service.label) for service in load_catalogue()}
        parts.append(_listed([names.get(service, service) for service in policy.services], "services"))
    if policy.where is not None:
        parts.append(_where(policy.where))
    if policy.ages is not None:
        first, last = policy.ages
        parts.append(f"ages {first} and over" if last == AGE_BANDS[-1][1] else f"ages {first} to {last}")
    return tuple(parts)


def _where(where: NeighbourhoodFilter) -> str:
    parts = []
    if where.quintiles is not None:
        fifths = sorted(set(where.quintiles))
        numbers = " and ".join(map(str, fifths))
        single = FIFTH_NAMES.get(fifths[0], f"fifth {fifths[0]} by deprivation")
        parts.append(single if len(fifths) == 1 else f"fifths {numbers} by deprivation")
    if where.names is not None:
        parts.append(_listed(where.names, "neighbourhoods"))
    if where.share is not None:
        parts.append(f"{where.share:.3g} of the neighbourhoods")
    return ", ".join(parts)


def _listed(names: Sequence[str], plural: str) -> str:
    return " and ".join(names) if len(names) <= MOST_NAMED else f"{len(names)} {plural}"


def _in_sentence(label: str) -> str:
    """A label as it stands inside a sentence: without a capital at its start, unless it begins with an abbreviation."""
    return label[0].lower() + label[1:] if label[1:2].islower() else label


def distinct_headings(labels: Mapping[str, str]) -> dict[str, str]:
    """Make a heading for each scenario; scenarios with the same label get their names too.

    Parameters
    ----------
    labels : mapping of str to str
        Label by name.

    Returns
    -------
    dict of str to str
        Heading by name; no two are alike.

    Examples
    --------
    >>> distinct_headings({"plan-a": "Plan", "plan-b": "Plan", "other": "Other"})
    {'plan-a': 'Plan (plan-a)', 'plan-b': 'Plan (plan-b)', 'other': 'Other'}
    """
    headings = {name: " ".join(label.split()) or name for name, label in labels.items()}
    while True:
        count = Counter(heading.casefold() for heading in headings.values())
        repeated = [name for name, heading in headings.items() if count[heading.casefold()] > 1]
        if not repeated:
            return headings
        headings |= {name: f"{headings[name]} ({name})" for name in repeated}
