"""Notes beside a result: what a policy did that its file does not say.

A share of neighbourhoods that is rounded, money for less than one worker, a change that is not complete before the
policy ends, a policy that another one replaces everywhere, and changes that are cut off at the end of a lever's range.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from sim.place.place import Neighbourhood
from sim.policies import Lever
from sim.scenario.headings import policy_label
from sim.scenario.paths import TargetColumns, lever_path, neighbourhood_columns
from sim.scenario.policy import Policy
from sim.scenario.policy_checks import check_acting, levers_by_name, service_ids, services_of
from sim.scenario.scenario import Scenario
from sim.scenario.timeline import month_name, months_between
from sim.schema.errors import RequirementError
from sim.services.catalogue import Service, load_catalogue

F = npt.NDArray[np.float64]
MOST_REPLACED = 40
"""Largest number of policies of a scenario that are each compared with the scenario without them."""
ROUNDING = 0.02
"""Relative difference between a share and the share that is reached from which a note says so."""
RESIDENTS = {"workers per 10,000": 10_000.0, "workers per 100,000": 100_000.0}


def policy_notes(scenario: Scenario, neighbourhoods: list[Neighbourhood]) -> tuple[str, ...]:
    """Describe what the policies of a scenario do beyond or short of what they state.

    Parameters
    ----------
    scenario : Scenario
    neighbourhoods : list of Neighbourhood
        Of the place where it runs, at its size.

    Returns
    -------
    tuple of str
        Sentences; empty if every policy does what it states.

    Examples
    --------
    >>> from sim.place.place import Place
    >>> few = {"quintiles": [1], "share": 0.01}
    >>> outreach = Scenario.load("baseline").with_policy("outreach", value=0.05, where=few)
    >>> policy_notes(outreach, Place.load("anytown").neighbourhoods(30_000))[0]
    'outreach 0.05, most deprived fifth, 0.01 of the neighbourhoods: reaches 25% of them (1 of 4)'
    """
    columns = TargetColumns(scenario.moves, service_ids(), neighbourhood_columns(neighbourhoods), scenario.name)
    residents = np.array([n.ages for n in neighbourhoods], float)
    notes = []
    for k, policy in enumerate(scenario.moves):
        texts = [*_reached(policy, neighbourhoods), *_bought(policy, residents * columns.cells(k))]
        texts += [*_incomplete(policy, scenario), *_unread(scenario, k)]
        notes += [f"{policy_label(policy)}: {text}" for text in texts]
    return (*notes, *_without_change(scenario, columns), *_cut_off(scenario, columns))


def _reached(policy: Policy, neighbourhoods: list[Neighbourhood]) -> Iterator[str]:
    """A share of neighbourhoods that is reached other than the share that was asked for."""
    if policy.where is None or policy.where.share is None:
        return
    columns = neighbourhood_columns(neighbourhoods)
    reached = int(policy.where.chosen(columns.quintile, columns.code).sum())
    eligible = len(neighbourhoods)
    if policy.where.quintiles is not None or policy.where.names is not None:
        rest = policy.where.model_copy(update={"share": None})
        eligible = int(rest.chosen(columns.quintile, columns.code).sum())
    if not math.isclose(reached / eligible, policy.where.share, rel_tol=ROUNDING):
        yield f"reaches {reached / eligible:.0%} of them ({reached} of {eligible})"


def _bought(policy: Policy, residents: F) -> Iterator[str]:
    """Money for less than one worker. `residents`: people that the policy is for, by neighbourhood and age band."""
    lever = levers_by_name()[policy.lever]
    if lever.pays is None:
        return
    services = [s for s in load_catalogue() if s.id in (policy.services or services_of(lever.name))]
    if policy.services and any(service.alternative is not None for service in services):
        yield "hires nobody, as the service has no staff budget at baseline"
        return
    change = policy.value - lever.baseline if policy.value is not None else policy.shift or 0.0
    workers = _workers(lever, change, services, residents)
    if workers is not None and 0.0 < abs(workers) < 1.0:
        yield f"changes the money by that for about {abs(workers):.2g} of a worker, less than one"


def _workers(lever: Lever, change: float, services: list[Service], residents: F) -> float | None:
    """Workers for whom the change of a lever pays, about; None if a service states no cost of a worker."""
    if lever.pays in RESIDENTS:
        return change * float(residents.sum()) / RESIDENTS[lever.pays]
    if lever.pays == "pounds per head":
        costs = [_cost_of_worker(service) for service in services]
        return None if None in costs else sum(change * float(residents.sum()) / cost for cost in costs if cost)
    posts = [_posts(service, residents) for service in services]
    if all(count is None for count in posts) or (lever.pays == "multiple" and None in posts and len(posts) == 1):
        return None
    return change * sum(count for count in posts if count is not None)


def _cost_of_worker(service: Service) -> float | None:
    """Pounds a year of a worker with the cases of a worker."""
    if service.staff is None or service.cost is None:
        return None
    prices = (service.cost.per_case_month, service.cost.per_month, service.cost.per_episode)
    price = next((figure.value for figure in prices if figure is not None and figure.value > 0.0), None)
    return None if price is None else 12.0 * price * service.staff.cases_per_worker.value


def _posts(service: Service, residents: F) -> float | None:
    """Workers that a service has for these residents at baseline, about; None if it does not help by name."""
    if service.activity is None or service.staff is None:
        return None
    eligible = float(residents[:, np.array(service.bands)].sum())
    return service.activity.caseload_per_thousand.value / 1000.0 * eligible / service.staff.cases_per_worker.value


def _incomplete(policy: Policy, scenario: Scenario) -> Iterator[str]:
    """A change that is not complete when the policy or the scenario ends."""
    start, months, _ = scenario.span
    first = months_between(start, policy.start)
    end = months if policy.until is None else months_between(start, policy.until)
    if end - first < policy.over_months:
        by = month_name(start, end - 1)
        yield f"{(end - first) / policy.over_months:.0%} of the change is reached by {by}, its last month"


def _unread(scenario: Scenario, k: int) -> Iterator[str]:
    """A policy whose lever is not read while it holds, in a scenario that is composed in Python."""
    try:
        check_acting(scenario.moves, k, scenario.span)
    except RequirementError as unmet:
        yield f"changes nothing: it needs {unmet.wanted}"


def _without_change(scenario: Scenario, columns: TargetColumns) -> Iterator[str]:
    """Policies without which every lever would be the same."""
    moves = scenario.moves
    for k, policy in enumerate(moves if len(moves) <= MOST_REPLACED else ()):
        lever = levers_by_name()[policy.lever]
        with_it, without_it = (
            np.clip(lever_path(lever, columns, scenario.span, left_out), lever.low, lever.high)
            for left_out in ((), (k,))
        )
        if (with_it == without_it).all():
            yield f"{policy_label(policy)}: changes nothing, as the lever has these values without it"


def _cut_off(scenario: Scenario, columns: TargetColumns) -> Iterator[str]:
    """Levers whose policies add up to values outside the range."""
    for name in sorted({policy.lever for policy in scenario.moves}):
        lever = levers_by_name()[name]
        path = lever_path(lever, columns, scenario.span)
        for furthest, end, beyond in ((path.min(), lever.low, path.min() < lever.low - 1e-9),
                                      (path.max(), lever.high, path.max() > lever.high + 1e-9)):  # fmt: skip
            if beyond:
                yield f"{name}: its policies add up to {furthest:g}; its range ends at {end:g}, which is used"
