"""What a policy asks for, in words."""

from __future__ import annotations

from sim.policies import Lever
from sim.results.number_text import fixed, is_share
from sim.scenario.headings import aims
from sim.scenario.policy import Policy

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def asked_words(policy: Policy, lever: Lever, baseline: float) -> str:
    """Describe what a policy asks for: the change, for which services and people, and when.

    Parameters
    ----------
    policy : Policy
    lever : Lever
    baseline : float
        Value of the lever where no policy moves it.

    Returns
    -------
    str

    Examples
    --------
    >>> from sim.scenario.policy_checks import levers_by_name
    >>> cut = Policy(lever="total_budget", value=0.85, start="2026-04", over_months=72)
    >>> asked_words(cut, levers_by_name()["total_budget"], 1.0)
    'Total budget: 15% less for every service, in equal steps over 6 years from April 2026'
    >>> gate = Policy(lever="threshold", value=0.5, start="2026-04", service="camhs", until="2030-04")
    >>> asked_words(gate, levers_by_name()["threshold"], 0.35)[:73]
    'Share of requests turned away: 50% of requests instead of 35% for childre'
    """
    limits = list(aims(policy))
    if not limits and lever.axis == "service" and "service" in lever.aims:
        limits = ["every service"]
    target = f" for {', '.join(limits)}" if limits else ""
    return f"{lever.label}: {_change(policy, lever, baseline)}{target}, {_time(policy)}"


def _change(policy: Policy, lever: Lever, baseline: float) -> str:
    """The change of the lever's value."""
    value = policy.value if policy.value is not None else baseline + (policy.shift or 0.0)
    unit = lever.unit
    if unit.startswith("multiple of") and baseline > 0.0:
        change = value / baseline - 1.0
        return f"{_plain(100.0 * abs(change))}% {'less' if change < 0.0 else 'more'}" if change else "as today"
    if lever.kind == "shift" or policy.value is None:
        moved = policy.shift or 0.0
        sign = "+" if moved > 0.0 else "-"
        return f"{sign}{_amount(abs(moved), unit)}"
    return f"{_amount(value, unit)} instead of {_amount(baseline, unit, short=True)}"


def _amount(value: float, unit: str, *, short: bool = False) -> str:
    """A value with its unit."""
    if is_share(unit):
        return f"{_plain(100.0 * value)}%" + ("" if short else unit.removeprefix("share"))
    return _plain(value) if short else f"{_plain(value)} ({unit})"


def _plain(value: float) -> str:
    """A number with up to three decimals."""
    text = fixed(value, 3)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _time(policy: Policy) -> str:
    """When the policy begins, how long it takes, and when it ends."""
    months = policy.over_months
    steps = "" if months == 1 else f"in equal steps over {_months(months)} "
    until = "" if policy.until is None else f" to {_month(policy.until)}"
    return f"{steps}from {_month(policy.start)}{until}"


def _months(count: int) -> str:
    years, rest = divmod(count, 12)
    if rest:
        return f"{count} months"
    return "1 year" if years == 1 else f"{years} years"


def _month(name: str) -> str:
    return f"{MONTHS[int(name[5:]) - 1]} {name[:4]}"
