"""The levers of a search, and how the same money is kept.

Claim     A mix is a point of the levers' ranges. Its plan costs sum(price * (value - baseline)) pounds a year more than
          the baseline's. A mix that costs more or less is moved: every priced lever by the same part of its range, as
          far as its range goes, until the plan costs the same (of each budget holder, if the design says so). A mix
          that costs the same stays as it is. The move has no preferred direction: money may leave or enter any line.
Evidence  Prices follow from the baseline's budget lines (`service_budget`, `community_investment`: the line; `grant`:
          a pound for each resident). `prevention_share` and `acute_share` move money within a plan and cost nothing.
Limits    Prices are those of the declared parameters: in a draw with other unit costs, plans differ by what the lines
          differ. What is spent in a run (overspends, bail-outs, posts that nobody takes) is no part of the plan: the
          limit `spending_tolerance` concerns that. Levers that are no money cost nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from sim.results.asked_budgets import budget_levers
from sim.scenario.policy import Policy
from sim.scenario.policy_checks import levers_by_name, service_ids, services_of
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError, Phrase
from sim.searches.design import SearchLevers
from sim.services.catalogue import load_catalogue
from sim.state.codes import PREVENTION_KINDS, PURPOSES, SILOS, Tier

F = npt.NDArray[np.float64]
Refusal = Callable[[str, str, object, Sequence[object]], InputError]
"""Makes the error of a lever from its name, what was wanted, what came, and the choices."""
TIERS: tuple[str, ...] = get_args(Tier)
LINES = ("service_budget", "grant", "community_investment")
"""Levers that change lines, whose price is known."""
MOVES = ("prevention_share", "acute_share")
"""Levers that move money within the plan of each budget holder, or between these, and cost nothing."""
SAME = 1e-12
"""Distance from the baseline, as a share of the range, below which a lever is at the baseline."""
HALVINGS = 100


class LeverOfMix(NamedTuple):
    """A lever of a search.

    Attributes
    ----------
    name : str
        Name in the design: LEVER or LEVER.AIM.
    label : str
        Label of the lever, and of its aim.
    lever : str
        Name of the lever.
    unit : str
        Unit of its values.
    services : tuple of str
        The services that it is aimed at; none for all.
    prevention : str or None
        The kind of prevention that it is aimed at.
    is_shift : bool
        Whether values are shifts of a lever that is 0 in the baseline.
    low, high, baseline : float
        Ends of the range, and the value in the baseline.
    prices : tuple of float
        Pounds a year of the plan of each budget holder for each 1 of the value.
    """

    name: str
    label: str
    lever: str
    unit: str
    services: tuple[str, ...]
    prevention: str | None
    is_shift: bool
    low: float
    high: float
    baseline: float
    prices: tuple[float, ...]

    @property
    def width(self) -> float:
        """Width of the range."""
        return self.high - self.low

    def policy(self, value: float, start: str | None, over_months: int) -> dict[str, Any]:
        """Arguments of `Scenario.with_policy`."""
        amount = {"shift" if self.is_shift else "value": value}
        aim: dict[str, Any] = {}
        if self.services:
            aim["service"] = self.services[0] if len(self.services) == 1 else list(self.services)
        if self.prevention is not None:
            aim["prevention"] = self.prevention
        return {"lever": self.lever, "start": start, "over_months": over_months, **aim, **amount}


@dataclass(frozen=True)
class LeverSpace:
    """The levers of a search with their ranges and prices.

    Attributes
    ----------
    levers : tuple of LeverOfMix
        The levers.
    start : str
        First month of the policies.
    over_months : int
        Months until they are complete.
    same_money : {"place", "budget_holder"}
        Whose plans cost the same as in the baseline.
    """

    levers: tuple[LeverOfMix, ...]
    start: str
    over_months: int
    same_money: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the levers."""
        return tuple(lever.name for lever in self.levers)

    @property
    def baseline(self) -> F:
        """Values in the baseline. Shape (levers,)."""
        return np.array([lever.baseline for lever in self.levers])

    @property
    def shares_of_baseline(self) -> F:
        """The baseline as shares of the ranges; outside 0 to 1 if a range leaves it out. Shape (levers,)."""
        return np.array([(lever.baseline - lever.low) / lever.width for lever in self.levers])

    @property
    def has_baseline(self) -> bool:
        """Whether every range includes the baseline."""
        shares = self.shares_of_baseline
        return bool(((shares >= 0.0) & (shares <= 1.0)).all())

    def values(self, shares: F) -> F:
        """Values of mixes from shares of the ranges. Shape (mixes, levers)."""
        low, width = (np.array([getattr(lever, key) for lever in self.levers]) for key in ("low", "width"))
        out: F = np.clip(low + shares * width, low, low + width)
        at_baseline = np.abs(shares - self.shares_of_baseline) < SAME
        return np.where(at_baseline, self.baseline, out)

    def cost(self, values: F) -> F:
        """What the plans of mixes cost more than the baseline's.

        Parameters
        ----------
        values : ndarray of float64, shape (mixes, levers)
            Values of the levers.

        Returns
        -------
        ndarray of float64, shape (mixes, budget holders)
            Pounds a year.
        """
        out: F = (values - self.baseline) @ np.array([lever.prices for lever in self.levers])
        return out

    def groups(self) -> list[npt.NDArray[np.intp]]:
        """The priced levers whose plans together cost the same: all of them, or those of each budget holder."""
        prices = np.array([lever.prices for lever in self.levers])
        if self.same_money == "place":
            chosen = [np.flatnonzero(prices.any(axis=1))]
        else:
            chosen = [np.flatnonzero(prices[:, k]) for k in range(prices.shape[1])]
        return [group for group in chosen if group.size]

    def projected(self, shares: F) -> F:
        """Move mixes until their plans cost the same as the baseline's.

        Parameters
        ----------
        shares : ndarray of float64, shape (mixes, levers)
            Shares of the ranges.

        Returns
        -------
        ndarray of float64, shape (mixes, levers)
            Shares from 0 to 1.
        """
        out: F = np.clip(shares, 0.0, 1.0)
        for group in self.groups():
            weights, wanted = self._balance(group)
            out[:, group] = _level(out[:, group], weights, wanted)
        return out

    def _balance(self, group: npt.NDArray[np.intp]) -> tuple[F, float]:
        """Pounds of the range of each priced lever, and the pounds above the low ends that the baseline's plan has."""
        weights = np.array([sum(self.levers[k].prices) * self.levers[k].width for k in group])
        return weights, float(weights @ self.shares_of_baseline[group])

    def check(self, refuse: Callable[[str, object], InputError], people: int) -> None:
        """Refuse ranges in which no plan costs the same as the baseline's."""
        for group in self.groups():
            weights, wanted = self._balance(group)
            lowest, highest = -wanted / people, (weights.sum() - wanted) / people
            if lowest > 1e-9 * weights.sum() / people or highest < -1e-9 * weights.sum() / people:
                names = ", ".join(self.levers[k].name for k in group)
                came = Phrase(f"plans that cost {lowest:+,.2f} to {highest:+,.2f} pounds a head more ({names})")
                raise refuse("ranges in which a plan can cost the same as the baseline's", came)

    def scenario(self, baseline: Scenario, values: Sequence[float], name: str, *, checked: bool = False) -> Scenario:
        """Make the scenario of a mix.

        Parameters
        ----------
        baseline : Scenario
            The baseline.
        values : sequence of float
            Value of each lever.
        name : str
            Name of the scenario.
        checked : bool
            Whether each policy is checked against the scenario. The ends of the ranges are checked when a search is
            planned, so mixes between them need no further check.

        Returns
        -------
        Scenario
            With a policy for each lever that is not at its baseline.
        """
        policies = [
            lever.policy(float(value), self.start, self.over_months)
            for lever, value in zip(self.levers, values, strict=True)
            if value != lever.baseline
        ]
        scenario = baseline
        if checked:
            for settings in policies:
                scenario = scenario.with_policy(
                    settings["lever"], **{k: v for k, v in settings.items() if k != "lever"}
                )
        else:
            made = [Policy(**settings) for settings in policies]
            scenario = scenario.model_copy(update={"policies": [*baseline.policies, *made]})
        return scenario.model_copy(update={"name": name})


def _level(shares: F, weights: F, wanted: float) -> F:
    """Add the same to all shares of a row, within 0 to 1, until their weighted sum is `wanted`."""
    off = shares @ weights - wanted
    rows = np.abs(off) > SAME * weights.sum()
    low, high = np.full(len(shares), -1.0), np.full(len(shares), 1.0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        above = np.clip(shares + middle[:, None], 0.0, 1.0) @ weights > wanted
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    moved: F = np.where(rows[:, None], np.clip(shares + low[:, None], 0.0, 1.0), shares)
    return moved


def lever_space(design: SearchLevers, scenario: Scenario, budgets: F, people: int, refuse: Refusal) -> LeverSpace:
    """Make the levers of a search.

    Parameters
    ----------
    design : SearchLevers
        Their names and ranges.
    scenario : Scenario
        The baseline.
    budgets : ndarray of float64, shape (services,)
        Budget lines of the baseline, pounds a year.
    people : int
        Number of people.
    refuse : callable
        Makes the error of a lever.

    Returns
    -------
    LeverSpace

    Raises
    ------
    InputError
        If a lever or its aim is unknown, has no known price, or a range is empty or beyond the lever's own; or if two
        levers change the same line.
    """
    made: list[LeverOfMix] = []
    lines: dict[str, str] = {}
    for name, bounds in design.factors.items():
        lever = _lever(name, budgets, people, refuse)
        low = lever.low if bounds.low is None else bounds.low
        high = lever.high if bounds.high is None else bounds.high
        for end in (low, high):
            if not lever.low <= end <= lever.high:
                raise refuse(name, f"{lever.low:g} to {lever.high:g}, its range", end, ())
        if not low < high:
            raise refuse(name, "a range", Phrase(f"{low:g} to {high:g}"), ())
        if lever.lever in LINES:
            for service in lever.services:
                if service in lines:
                    wanted = f"levers that change different lines: {lines[service]} changes '{service}' too"
                    raise refuse(name, wanted, Phrase("the same line"), ())
                lines[service] = name
        made.append(lever._replace(low=low, high=high))
    moving = [lever.name for lever in made if lever.lever in MOVES]
    if moving and lines:
        wanted = f"levers that change lines ({', '.join(LINES)}) or levers that move shares ({', '.join(MOVES)}), as "
        raise refuse(moving[0], wanted + "what one of the others moves depends on the lines", Phrase("both"), ())
    if design.same_money == "budget_holder":
        for lever in made:
            if np.count_nonzero(lever.prices) > 1:
                wanted = "levers of one budget holder each, as same_money is 'budget_holder'"
                holders = [SILOS[k] for k in np.flatnonzero(lever.prices)]
                raise refuse(lever.name, wanted, Phrase(f"one of {', '.join(holders)}"), ())
    start = design.start or scenario.months()[12]
    return LeverSpace(tuple(made), start, design.over_months, design.same_money)


def _lever(name: str, budgets: F, people: int, refuse: Refusal) -> LeverOfMix:
    """A lever with its declared range."""
    key, _, aim = name.partition(".")
    known = levers_by_name()
    priced = {m.lever for m in budget_levers()} | set(PURPOSES)
    possible = [x.name for x in known.values() if not x.shock and (x.name not in priced or x.name in (*LINES, *MOVES))]
    if key not in known:
        raise refuse(name, "the name of a lever", key, possible)
    lever = known[key]
    if lever.shock:
        raise refuse(name, "a lever that somebody decides", Phrase(f"the shock '{key}'"), possible)
    if key not in possible:
        raise refuse(name, "a lever whose plan has a known price", key, possible)
    services, prevention = _aim(name, aim, refuse)
    prices = np.zeros(len(SILOS))
    catalogue = {service.id: (k, service) for k, service in enumerate(load_catalogue())}
    for service in services if key in LINES else ():
        at, entry = catalogue[service]
        prices[SILOS.index(entry.silo)] += people if key == "grant" else budgets[at]
    shift = lever.baseline if lever.kind == "shift" else 0.0
    of_all = key == "community_investment"
    return LeverOfMix(
        name,
        lever.label if not aim else f"{lever.label}: {aim.replace('_', ' ')}",
        key,
        lever.unit,
        () if of_all else services,
        prevention,
        lever.kind == "shift",
        lever.low - shift,
        lever.high - shift,
        lever.baseline - shift,
        tuple(prices.tolist()),
    )


def _aim(name: str, aim: str, refuse: Refusal) -> tuple[tuple[str, ...], str | None]:
    """The services, or the kind of prevention, at which a lever is aimed."""
    key, catalogue = name.partition(".")[0], load_catalogue()
    lever = levers_by_name()[key]
    if key == "community_investment" and not aim:
        return tuple(s.id for s in catalogue if s.tier == "community"), None
    if not aim:
        if lever.needs:
            choices = (*PREVENTION_KINDS, *TIERS, *service_ids()) if lever.by_service else PREVENTION_KINDS
            raise refuse(name, f"an aim, such as {key}.{choices[0]}", Phrase("none"), choices)
        return (), None
    if lever.axis == "prevention":
        if aim not in PREVENTION_KINDS:
            raise refuse(name, "a kind of prevention", aim, PREVENTION_KINDS)
        return (), aim
    if key == "community_investment" or not lever.by_service:
        raise refuse(name, "no aim: the lever is for the place", aim, ())
    if aim in service_ids():
        return (aim,), None
    if aim not in (*PREVENTION_KINDS, *TIERS):
        choices = (*PREVENTION_KINDS, *TIERS, *service_ids())
        raise refuse(name, "a service, a kind of prevention or a tier of services", aim, choices)
    chosen = tuple(s.id for s in catalogue if aim in (s.prevention, s.tier) and s.id in services_of(key))
    if not chosen:
        raise refuse(name, f"services on which {key} acts", aim, services_of(key))
    return chosen, None
