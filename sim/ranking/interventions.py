"""The interventions of the library: its main scenarios, and single levers that somebody could buy.

An intervention is a scenario whose policies can be made larger or smaller together. The list follows from the library
and the declarations of levers, so a new scenario, service or priced lever stands in it without an edit here. Whatever
cannot be brought to a budget is set apart with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sim.policies import Lever, levers
from sim.scenario.policy import Policy
from sim.scenario.policy_checks import levers_by_name
from sim.scenario.scenario import Scenario, library, scenario_names
from sim.scenario.timeline import month_name
from sim.schema.errors import InputError
from sim.services.catalogue import load_catalogue
from sim.state.codes import PURPOSES

Funding = Literal["new money", "other lines"]
"""Where the budget comes from: from outside, or from other lines of the same total."""
MONTHS_BEFORE, RAMP_MONTHS = 12, 24
"""Timetable of an intervention of one lever, and of the budget: its start after that of the run, and its growth."""
FULL_GRANT = 50.0
"""Pounds a head a year of a grant at its full size; a scaled grant may be larger, up to the range of the lever."""
DIGITS = 6
"""Significant digits of a scaled lever."""
MOVES_BUDGETS = ("prevention_share", "acute_share")
"""Levers that move money between lines of the same total."""
STAND_INS = {
    "grant": "a grant to each service is ranked",
    "service_budget": "a grant to each service is ranked, which pays the same",
    "prevention_share": "the scenarios prevention-shift are ranked, which move this lever",
    "acute_share": "the scenario more-acute is ranked, which moves this lever",
}
"""Levers that other interventions of the list move."""
NO_PRICE = "the model has no price for it, so no budget buys a part of it"
SHOCK = "it happens to a place, and nobody decides it"
ADDS_NOTHING = "it adds money to no line or programme, so it cannot be made larger until it costs the budget"


@dataclass(frozen=True)
class Intervention:
    """A policy that can be scaled to a budget.

    Attributes
    ----------
    scenario : Scenario
        The scenario at the size of the library, or of the lever's full range.
    largest : float
        The largest factor by which all of its policies can be multiplied within the ranges of their levers.
    """

    scenario: Scenario
    largest: float

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return self.scenario.name

    @property
    def label(self) -> str:
        """Label of the scenario."""
        return self.scenario.label

    @property
    def funding(self) -> Funding:
        """Where its money comes from."""
        moved = all(policy.lever in MOVES_BUDGETS for policy in self.scenario.policies)
        return "other lines" if moved else "new money"

    @property
    def buys_programmes(self) -> bool:
        """Whether it has a programme outside services, whose cost is known from a run."""
        return any(policy.lever in PURPOSES for policy in self.scenario.policies)

    def scaled(self, factor: float) -> Scenario:
        """Multiply all of its policies.

        Parameters
        ----------
        factor : float
            1 for the present size; at most `largest`.

        Returns
        -------
        Scenario
        """
        policies = [_scaled(policy, factor, self.scenario) for policy in self.scenario.policies]
        return self.scenario.model_copy(update={"policies": policies, "expect": [], "stops": []})


class SetApart(NamedTuple):
    """Something that is not ranked.

    Attributes
    ----------
    name, label : str
        Name and label.
    reason : str
        The reason, a clause without a full stop.
    """

    name: str
    label: str
    reason: str


class Library(NamedTuple):
    """Interventions that can be ranked, and those that cannot."""

    interventions: tuple[Intervention, ...]
    apart: tuple[SetApart, ...]


def interventions(baseline: Scenario, only: Iterable[str] | None = None) -> Library:
    """Collect the interventions of the library.

    Parameters
    ----------
    baseline : Scenario
        The baseline with the place, people and years of the ranking.
    only : iterable of str, optional
        Names of interventions, of any scenario of the library, or paths of scenario files; by default all
        interventions.

    Returns
    -------
    Library

    Raises
    ------
    InputError
        If a name is unknown, or a scenario does not fit the place or the years.
    """
    listed = {entry.name: entry for entry in (*_scenarios(baseline), *_levers(baseline), *_grants(baseline))}
    chosen = list(listed.values())
    if only is not None:
        chosen = [listed[name] if name in listed else _by_name(name, baseline, listed) for name in dict.fromkeys(only)]
        names = [entry.name for entry in chosen]
        for k, name in enumerate(names):
            if name in names[:k]:
                raise InputError("--only", None, "", "a different name for each scenario", name)
    ranked = tuple(entry for entry in chosen if isinstance(entry, Intervention))
    return Library(ranked, tuple(entry for entry in chosen if isinstance(entry, SetApart)))


def _scenarios(baseline: Scenario) -> Iterator[Intervention | SetApart]:
    """The main scenarios of the library."""
    for name in scenario_names():
        if name != baseline.name:
            yield _of_scenario(Scenario.load(name), baseline)


def _by_name(name: str, baseline: Scenario, listed: Iterable[str]) -> Intervention | SetApart:
    """Any scenario of the library, or of a file."""
    if not (name.endswith(".toml") or "/" in name or "\\" in name) and name not in library():
        wanted = "the name of an intervention or a scenario, or a path to a .toml file"
        raise InputError("--only", None, "", wanted, name, [*listed, *(n for n in library() if n not in listed)])
    scenario = Scenario.load(name)
    if scenario.name == baseline.name:
        return SetApart(scenario.name, scenario.label, "everything is compared with it")
    return _of_scenario(scenario, baseline)


def _of_scenario(scenario: Scenario, baseline: Scenario) -> Intervention | SetApart:
    name, label = scenario.name, scenario.label
    if scenario.shocks:
        return SetApart(name, label, f"it has a shock beside its policies: {SHOCK}")
    placed = scenario.model_copy(update={"expect": [], "stops": []}).with_settings(
        place=baseline.place, people=baseline.people, years=baseline.years
    )
    placed = placed.model_copy(update={"people": baseline.people, "calibrate": baseline.calibrate})
    placed.check_acting(name)
    if not any(_may_cost(policy, placed) for policy in placed.policies):
        return SetApart(name, label, ADDS_NOTHING)
    return _intervention(placed)


def _levers(baseline: Scenario) -> Iterator[Intervention | SetApart]:
    """Levers that are paid for without being aimed at a service."""
    for lever in levers():
        name = lever.name.replace("_", "-")
        if lever.shock:
            yield SetApart(name, lever.label, SHOCK)
        elif lever.name in STAND_INS:
            yield SetApart(name, lever.label, STAND_INS[lever.name])
        elif lever.name not in PURPOSES and lever.pays is None and lever.name != "total_budget":
            yield SetApart(name, lever.label, NO_PRICE)
        else:
            label = "More money for every service" if lever.name == "total_budget" else lever.label
            yield _of_lever(baseline, lever, name, label, lever.high)


def _grants(baseline: Scenario) -> Iterator[Intervention]:
    """A grant for each service that is not acute, and one for all acute services in proportion to their budgets."""
    by_name = levers_by_name()
    acute = [service.id for service in load_catalogue() if service.tier == "acute" and service.alternative is None]
    for service in load_catalogue():
        if service.tier != "acute":
            name, label = f"grant-{service.id.replace('_', '-')}", f"Grant: {service.label}"
            yield _of_lever(baseline, by_name["grant"], name, label, FULL_GRANT, service.id)
    lever = by_name["service_budget"]
    yield _of_lever(baseline, lever, "grant-acute-services", "Grant: all acute services", lever.baseline * 1.05, acute)


def _of_lever(
    baseline: Scenario, lever: Lever, name: str, label: str, full: float, service: str | list[str] | None = None
) -> Intervention:
    """An intervention of one lever, on the common timetable."""
    moved = {lever.kind: full}
    scenario = baseline.with_policy(
        lever.name,
        start=start_of(baseline),
        over_months=RAMP_MONTHS,
        service=service,
        name=name,
        **moved,  # type: ignore[arg-type]  # the amount, by a key that is a name known at run time
    )
    return _intervention(scenario.model_copy(update={"label": label}))


def start_of(baseline: Scenario) -> str:
    """First month of an intervention of one lever, and of the budget, YYYY-MM."""
    return month_name(baseline.start, MONTHS_BEFORE)


def _intervention(scenario: Scenario) -> Intervention:
    return Intervention(scenario, min(_room(policy, scenario) for policy in scenario.policies))


def _may_cost(policy: Policy, scenario: Scenario) -> bool:
    """Whether a policy may add money to a line or a programme."""
    lever = levers_by_name()[policy.lever]
    if policy.lever in MOVES_BUDGETS:
        return _move(policy, scenario) != 0.0
    return (policy.lever in PURPOSES or lever.pays is not None or policy.lever == "total_budget") and (
        _move(policy, scenario) > 0.0
    )


def _move(policy: Policy, scenario: Scenario) -> float:
    """The change of the lever that a policy makes."""
    if policy.value is None:
        return policy.shift or 0.0
    return policy.value - scenario.span.baseline_of(levers_by_name()[policy.lever])


def _room(policy: Policy, scenario: Scenario) -> float:
    """The factor at which a policy reaches the end of its lever's range."""
    lever = levers_by_name()[policy.lever]
    base, move = scenario.span.baseline_of(lever), _move(policy, scenario)
    if move == 0.0:
        return math.inf
    return ((lever.high if move > 0.0 else lever.low) - base) / move


def _scaled(policy: Policy, factor: float, scenario: Scenario) -> Policy:
    lever = levers_by_name()[policy.lever]
    if policy.value is None:
        return policy.model_copy(update={"shift": _rounded((policy.shift or 0.0) * factor)})
    base = scenario.span.baseline_of(lever)
    value = min(lever.high, max(lever.low, base + _rounded((policy.value - base) * factor)))
    return policy.model_copy(update={"value": value})


def _rounded(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")
