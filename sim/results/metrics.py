"""Measures made of the records of runs (sim/results/records.py).

Most measures are ratios of two sums (episodes over people, pounds over people, people at a level over people), so that
a year, a group or an ensemble is always the ratio of the summed parts, never a mean of ratios. Some are computed from a
year's sums by a pure function (a life table, an index of inequality), and two exist only as a comparison with the
baseline (the year of break-even, the cost of a QALY). The functions are in sim/results/outcomes.py and
sim/results/money/verdicts.py.

Acute demand is an index: its ratio is pounds per person per year at fixed unit costs (sim/results/episode_weights.py),
and a comparison states it with the baseline's first year as 100. Measures of how it is distributed are points of the
same index (`Metric.index_of`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sim.people.domains import load_domains
from sim.results import outcomes
from sim.results.episode_weights import share_counted, unit_cost
from sim.results.extension_metrics import extension_metrics
from sim.results.metric_types import Derived, Metric, RatioParts, Sum
from sim.results.money import verdicts
from sim.results.money.health import qalys_with_deaths
from sim.results.records import Record
from sim.results.service_groups import counted_services, names_of, services_of, services_of_kind
from sim.schema.quantities import AGE_BAND_NAMES
from sim.services.catalogue import Service, load_catalogue
from sim.state.codes import ACUTE, CHILD_AGES, COMMUNITY, FINE, PREVENTIVE, PURPOSES, RESPONSIVE, SILOS, PreventionKind

A = npt.NDArray[Any]
F = npt.NDArray[np.float64]


HEADLINE = "acute_demand"
"""Id of the measure that a comparison is about."""

Weights = Callable[[list[int]], F]
"""From the positions of services to the weight of an episode of each."""


def _ones(services: list[int]) -> F:
    return np.ones(len(services))


def episode_costs(services: list[int]) -> F:
    """Weigh episodes by their unit cost.

    Parameters
    ----------
    services : list of int
        Positions of acute services in the catalogue.

    Returns
    -------
    ndarray of float64, shape (services,)
        Pounds per episode.
    """
    return np.array([unit_cost(load_catalogue()[k]) for k in services])


def _shares_counted(services: list[int]) -> F:
    return np.array([share_counted(load_catalogue()[k]) for k in services])


def _weighted(counts: A, weights: F) -> A:
    """Counts with the services on the second axis, each times its weight; whole numbers stay so."""
    if (weights == 1.0).all():
        return counts
    weighted: A = counts * weights.reshape(1, -1, *(1 for _ in counts.shape[2:]))
    return weighted


def _episodes(
    services: list[int], per: str, weights: Weights = _ones, scale: float = 12000.0
) -> Callable[[Record], RatioParts]:
    def parts(r: Record) -> RatioParts:
        opened = _weighted(r.monthly["opened"][:, services], weights(services))
        if per == "households":
            at_risk = _heads(r)
        else:
            catalogue = load_catalogue()
            served = np.any([catalogue[k].bands for k in services], axis=0)
            at_risk = r.monthly["people"] * served[None, None, :]
        axes, over = ("service", "quintile", "age"), ("quintile", "age")
        return RatioParts(opened, axes, at_risk, over, scale, names_of(services))

    return parts


def _episodes_by_year(
    services: list[int], weights: Weights = _ones, scale: float = 1000.0
) -> dict[str, Callable[[Record], RatioParts]]:
    """By neighbourhood, where everybody is served; by year of age, where children are: per 1,000 people of that age."""
    catalogue = load_catalogue()
    by_axis: dict[str, Callable[[Record], RatioParts]] = {}

    def of_neighbourhoods(r: Record) -> RatioParts:
        opened = _weighted(r.yearly["opened_in"][:, services], weights(services))
        return RatioParts(opened, ("service", "neighbourhood"), r.yearly["residents"], ("neighbourhood",), scale)

    def of_children(r: Record) -> RatioParts:
        opened = _weighted(r.yearly["opened_age"][:, services], weights(services))
        axes, over = ("service", "child_age", "quintile"), ("child_age", "quintile")
        return RatioParts(opened, axes, r.yearly["children"], over, scale)

    served = np.any([catalogue[k].bands for k in services], axis=0)
    if served.all():
        by_axis["neighbourhood"] = of_neighbourhoods
    if served[outcomes.CHILDREN].any():
        by_axis["child_age"] = of_children
    return by_axis


def _heads(r: Record) -> A:
    """Households by the reference person's fifth and age, from a household domain's own count."""
    d = next(k for k, domain in enumerate(load_domains()) if domain.unit == "household")
    heads: A = r.at_least[0][:, d]
    return heads


def _at_least(level: int) -> Callable[[Record], RatioParts]:
    def parts(r: Record) -> RatioParts:
        axes = ("domain", "quintile", "age")
        return RatioParts(r.at_least[level], axes, r.at_least[0], axes, 1.0)

    return parts


def _unmet(r: Record) -> RatioParts:
    serious = r.monthly["census"][:, :, 2]
    axes = ("domain", "quintile", "age")
    return RatioParts(r.monthly["unmet"], axes, serious, axes, 1.0)


def _per_ask(column: str) -> Callable[[Record], RatioParts]:
    def parts(r: Record) -> RatioParts:
        axes = ("service", "quintile")
        return RatioParts(r.monthly[column], axes, r.monthly["asked"], axes, 1.0)

    return parts


def _wait(r: Record) -> RatioParts:
    # Little's law: the mean wait is the mean queue over the starts a month.
    axes = ("service", "quintile")
    return RatioParts(r.monthly["waiting"], axes, r.monthly["started"], axes, 1.0)


def _asked_per_start(r: Record) -> RatioParts:
    axes = ("service", "quintile")
    return RatioParts(r.monthly["asked"], axes, r.monthly["started"], axes, 1.0)


def _spend(services: Iterable[int]) -> Callable[[Record], RatioParts]:
    chosen = sorted(services)

    def parts(r: Record) -> RatioParts:
        spent = r.monthly["spent"][:, chosen]
        people = r.monthly["people"].sum(axis=(1, 2))
        return RatioParts(spent, ("service",), people, (), 12.0 / 100.0, names_of(chosen))

    return parts


def _share_of_spending(services: list[int]) -> Callable[[Record], RatioParts]:
    def parts(r: Record) -> RatioParts:
        spent = r.monthly["spent"]
        return RatioParts(spent[:, sorted(services)].sum(axis=1), (), spent.sum(axis=1), (), 1.0)

    return parts


PREVENTION_LABELS: dict[PreventionKind, tuple[str, str]] = {
    "general_practice": ("general_practice", "General practice"),
    "public_health": ("public_health", "Public health"),
    "targeted": ("targeted_prevention", "Targeted prevention"),
    "community": ("community", "Community"),
}
"""Kinds of prevention: part of the id of their measures, and label."""
SPENDING_OF_KIND: dict[PreventionKind, str] = {kind: f"spend_{name}" for kind, (name, _) in PREVENTION_LABELS.items()}
"""Id of the measure of spending on each kind of prevention."""


def _prevention_metrics(pounds: str) -> Iterator[Metric]:
    """Spending on each kind of prevention, and its share; `spend_community` is that of its tier."""
    for kind, (name, label) in PREVENTION_LABELS.items():
        services = services_of_kind(kind)
        spending = SPENDING_OF_KIND[kind]
        if kind != "community":
            yield Metric(spending, f"{label} spending", pounds, None, 1, _spend(services), "money")
        share = f"{name}_share"
        yield Metric(share, f"{label}, share", "share of spending", None, 4, _share_of_spending(services), "money")


def _account(column: str) -> Callable[[Record], RatioParts]:
    def parts(r: Record) -> RatioParts:
        people = r.monthly["people"].sum(axis=(1, 2))
        money = r.monthly[column]
        return RatioParts(money, ("silo",), people, (), 12.0 / 100.0)

    return parts


def _paid_work() -> list[int]:
    return [k for k, s in enumerate(load_catalogue()) if s.staff is not None]


def _of_staff(value: Callable[[Record], A], scale: float = 1.0) -> Callable[[Record], RatioParts]:
    """A mean over services, weighted by what is spent on them: most of it is pay."""

    def parts(r: Record) -> RatioParts:
        services = _paid_work()
        spent = r.monthly["spent"][:, services].astype(float)
        return RatioParts(value(r)[:, services] * spent, ("service",), spent, ("service",), scale, names_of(services))

    return parts


def _of_adults(column: str, units: float = 1.0) -> Callable[[Record], RatioParts]:
    """A mean over the adults surveyed; the column counts `units` units for one."""

    def parts(r: Record) -> RatioParts:
        axes = ("quintile", "age")
        return RatioParts(r.monthly[column], axes, r.monthly["surveyed"], axes, 1.0 / units)

    return parts


def _eased(group: str) -> Callable[[Record], RatioParts]:
    """How often need lessens in a year: people surveyed once a year represent the people in all its months."""

    def parts(r: Record) -> RatioParts:
        eased, in_need = (r.monthly[f"{name}_{group}"] for name in ("eased", "need"))
        return RatioParts(eased, ("domain",), in_need, ("domain",), 1.0)

    return parts


def _delayed(r: Record) -> RatioParts:
    axes = ("quintile", "age")
    days = 365.25 / 12.0
    return RatioParts(
        days * r.monthly["delayed"], axes, r.monthly["people"], axes, 12000.0
    )  # a person counted in a month is delayed for all of it


def _qalys(r: Record) -> RatioParts:
    axes = ("quintile", "age")
    return RatioParts(r.quality[0], axes, r.monthly["people"].astype(float), axes, 1000.0)


def _satisfaction(r: Record) -> RatioParts:
    axes = ("quintile", "age")
    return RatioParts(r.quality[1], axes, r.monthly["people"] * outcomes.ADULTS, axes, 1.0)


def _lives(r: Record) -> tuple[Sum, ...]:
    axes = ("quintile", "age")
    return Sum(r.monthly["died"], axes), Sum(r.monthly["people"] / 12.0, axes)


def _unequal(services: list[int], make: Callable[[F, F], F]) -> Derived:
    """A measure of how acute demand differs between fifths, in pounds per person per year."""

    def sums(r: Record) -> tuple[Sum, ...]:
        opened = _weighted(r.monthly["opened"][:, services], episode_costs(services))
        people = r.monthly["people"].sum(axis=2) / 12.0
        return Sum(opened, ("service", "quintile", "age")), Sum(people, ("quintile",))

    return Derived(sums, ("service",), "quintile", make, names_of(services))


def _help_and_need(r: Record) -> tuple[Sum, ...]:
    """People helped, and people with a need that the help is for, by domain and fifth."""
    helped, census = r.monthly["helped"], r.monthly["census"]
    of_domain = [[k for k, s in enumerate(load_catalogue()) if s.domain == domain.id] for domain in load_domains()]
    helped = np.stack([helped[:, services].sum(axis=1) for services in of_domain], axis=1)
    in_need = census[:, :, 1] + census[:, :, 2]
    return Sum(helped, ("domain", "quintile")), Sum(in_need, ("domain", "quintile", "age"))


SPREADS: tuple[tuple[str, str, Literal["staff", "community"], str], ...] = (
    ("practice", "Practice, between neighbourhoods", "staff", "practice"),
    ("place_fit", "Fit, between neighbourhoods", "staff", "place_fit"),
    ("energy", "Energy, between neighbourhoods", "community", "energy"),
)
"""Measures of the variation between neighbourhoods: name, label, kind and column."""


def _qalys_lived(r: Record) -> RatioParts:
    people = r.monthly["people"].sum(axis=(1, 2)).astype(float).reshape(r.runs, -1)
    at_start = np.repeat(people[:, 0], people.shape[1])
    return RatioParts(qalys_with_deaths(r), (), at_start, (), 12000.0)


def _died(r: Record) -> RatioParts:
    axes = ("quintile", "age")
    return RatioParts(r.monthly["died"], axes, r.monthly["people"], axes, 12000.0)


def _mean_place(column: str) -> Callable[[Record], RatioParts]:
    def parts(r: Record) -> RatioParts:
        value = r.monthly[column].astype(float)
        return RatioParts(value, ("neighbourhood",), np.ones_like(value), ("neighbourhood",), 1.0)

    return parts


def _between_neighbourhoods(column: str) -> Derived:
    """Variation between neighbourhoods: the standard deviation of their means over a year."""

    def sums(r: Record) -> tuple[Sum, ...]:
        return (Sum(r.monthly[column] / 12.0, ("neighbourhood",)),)

    def spread(means: F) -> F:
        spreads: F = means.std(axis=1)
        return spreads

    return Derived(sums, (), "neighbourhood", spread)


def _peers(r: Record) -> RatioParts:
    people = r.monthly["people"].sum(axis=(1, 2)).astype(float)
    return RatioParts(r.monthly["peers"].sum(axis=1), (), people, (), 1000.0)


def _column(name: str, r: Record) -> A:
    return r.monthly[name]


def _not_burnt_out(r: Record) -> A:
    return 1.0 - r.monthly["burnout"]


def _outlay(r: Record) -> RatioParts:
    people = r.monthly["people"].sum(axis=(1, 2)).astype(float)
    return RatioParts(r.monthly["outlay"].astype(float), ("purpose",), people, (), 12.0 / 100.0)


def _of_helped(column: str) -> Callable[[Record], RatioParts]:
    """A mean over services that are not acute, each weighted by how many it helps."""

    def parts(r: Record) -> RatioParts:
        acute = services_of(ACUTE)
        chosen = [k for k in _paid_work() if k not in acute]
        helped = r.helped[:, chosen].astype(float)
        value = r.monthly[column][:, chosen] * helped
        return RatioParts(value, ("service",), helped, ("service",), 1.0, names_of(chosen))

    return parts


def _population_of(service: Service, per: str) -> str:
    if per == "households":
        return "households"
    first, last = service.ages
    return "people" if (first, last) == (0, 109) else f"people aged {first}{'+' if last == 109 else f' to {last}'}"


def metrics() -> tuple[Metric, ...]:
    """List every measure, acute services first: one for each, from its catalogue file. Those of extensions are last."""
    listed = _of_package()
    return listed + extension_metrics(tuple(measure.name for measure in listed))


def _of_package() -> tuple[Metric, ...]:
    units = {domain.id: domain.unit for domain in load_domains()}
    catalogue = load_catalogue()
    counted = counted_services()
    out = [
        Metric(
            HEADLINE,
            "Acute demand",
            "index, baseline year 1 = 100",
            "down",
            1,
            _episodes(counted, "people", episode_costs, 12.0),
            "service",
            _episodes_by_year(counted, episode_costs, 1.0),
            index_of=HEADLINE,
            meaning=(
                "Everything that acute services must answer in a year, from a visit to A&E to a child taken into care, "
                "each counted at what it costs, per person; 100 is the baseline's first year."
            ),
        ),
        Metric(
            "acute_episodes",
            "Acute episodes",
            "episodes per 1,000 people per year",
            "down",
            1,
            _episodes(counted, "people", _shares_counted),
            "service",
            _episodes_by_year(counted, _shares_counted),
            meaning=(
                "The number of visits, admissions, crises, arrests and children taken into care, each counted as one; "
                "a visit to A&E that ends in an admission is counted once."
            ),
        ),
    ]
    for k in services_of(ACUTE):
        service = catalogue[k]
        per = "households" if units[service.domain] == "household" else "people"
        name = service.measure or service.id
        label = name.replace("_", " ").capitalize().replace("Ae ", "A&E ")
        unit = f"{service.episodes} per 1,000 {_population_of(service, per)} per year"
        finer = _episodes_by_year([k]) if per == "people" else {}
        out.append(Metric(name, label, unit, "down", 2, _episodes([k], per), "service", finer))
    pounds = "£ per person per year"
    points = "points of the index of acute demand"
    days = "bed days per 1,000 people per year"
    adults = "share of adults"
    lives = Derived(_lives, ("quintile",), "age", outcomes.life_expectancy)
    concentration = Derived(_help_and_need, ("domain",), "quintile", outcomes.inverse_care)
    slope, gap = (_unequal(counted, make) for make in (outcomes.slope_index, outcomes.gap))
    upstream = _share_of_spending(services_of(PREVENTIVE) + services_of(COMMUNITY))
    leaving, vacancy = (_of_staff(partial(_column, name), n) for name, n in (("leaving", 12.0), ("vacancy", 1.0)))
    out += [
        Metric("delayed_discharge_days", "Delayed discharge", days, "down", 1, _delayed, "life"),
        Metric("deaths", "Deaths", "deaths per 1,000 people per year", "down", 2, _died, "life"),
        Metric("life_expectancy", "Life expectancy at birth", "years", "up", 2, None, "life", derived=lives),
        Metric("qalys", "Quality-adjusted life", "QALYs per 1,000 people per year", "up", 2, _qalys, "life"),
        Metric(
            "qalys_lived",
            "Quality-adjusted life, deaths counted",
            "QALYs per 1,000 people at the start per year",
            "up",
            2,
            _qalys_lived,
            "life",
        ),
        Metric("wellbeing", "Life satisfaction", "points, 0-10, of adults", "up", 3, _satisfaction, "life"),
        Metric("need_1", "Some need or worse", "share of people and domains", "down", 4, _at_least(1), "need"),
        Metric("need_2", "Serious need or worse", "share of people and domains", "down", 4, _at_least(2), "need"),
        Metric("need_3", "In crisis", "share of people and domains", "down", 5, _at_least(3), "need"),
        Metric("eased_alone", "Need eased, with no other need", "times a year", "up", 3, _eased("alone"), "need"),
        Metric("eased_several", "Need eased, with several others", "times a year", "up", 3, _eased("several"), "need"),
        Metric(
            "unmet_need",
            "Serious need that no service helps with",
            "share of serious need",
            "down",
            3,
            _unmet,
            "access",
            meaning="Serious need without help that has begun from a service of the domain, at one moment. Waiting, a "
            "visit to A&E, and care by family and friends do not count as help.",
        ),
        Metric("turned_away", "Turned away", "share of requests", "down", 3, _per_ask("turned_away"), "access"),
        Metric(
            "failure_demand_share", "Failure demand", "share of requests", "down", 3, _per_ask("repeated"), "access"
        ),
        Metric("wait_months", "Wait for help", "months", "down", 2, _wait, "access"),
        Metric("asked_per_start", "Assessments for each start", "requests", "down", 2, _asked_per_start, "access"),
        Metric(
            "hours_per_person", "Time for each person helped", "1 = baseline", "up", 3, _of_helped("hours"), "access"
        ),
        Metric("staff_turnover", "Staff turnover", "share of staff a year", "down", 3, leaving, "staff"),
        Metric("vacancy_rate", "Vacancies", "share of posts", "down", 3, vacancy, "staff"),
        Metric("morale", "Staff who are not burnt out", "share of staff", "up", 3, _of_staff(_not_burnt_out), "staff"),
        Metric("practice_quality", "Quality of practice", "1 = baseline", "up", 3, _mean_place("practice"), "staff"),
        Metric("group_members", "Members of community groups", adults, "up", 3, _of_adults("members"), "community"),
        Metric(
            "community_energy",
            "Energy of community groups",
            "1 = baseline",
            "up",
            3,
            _mean_place("energy"),
            "community",
        ),
        Metric("lonely", "Lonely often or always", adults, "down", 4, _of_adults("lonely", FINE), "community"),
        Metric("trust", "Trust in services", "0-1, mean of adults", "up", 3, _of_adults("trusting", FINE), "community"),
        Metric(
            "resilience", "Resilience", "log hazard, 0 = usual", "up", 3, _of_adults("resilient", FINE), "community"
        ),
        Metric("carers", "Adults who care for somebody at home", adults, None, 4, _of_adults("carers"), "community"),
        Metric(
            "carer_hours",
            "Care given at home",
            "hours a week per adult",
            None,
            3,
            _of_adults("carer_hours", FINE),
            "community",
        ),
        Metric(
            "spend_total",
            "Spending in scope",
            pounds,
            None,
            1,
            _spend(range(len(catalogue))),
            "money",
            meaning="Spending on the services that the model holds: `upstream list scope` shows how much of public "
            "spending that is.",
        ),
        Metric("spend_acute", "Acute spending", pounds, None, 1, _spend(services_of(ACUTE)), "money"),
        Metric("spend_responsive", "Responsive spending", pounds, None, 1, _spend(services_of(RESPONSIVE)), "money"),
        Metric("spend_preventive", "Preventive spending", pounds, None, 1, _spend(services_of(PREVENTIVE)), "money"),
        *_prevention_metrics(pounds),
        Metric("spend_community", "Community spending", pounds, None, 1, _spend(services_of(COMMUNITY)), "money"),
        Metric("prevention_share", "Spending on prevention", "share of spending", None, 4, upstream, "money"),
        Metric("bailed_out", "Bailed out by the centre", pounds, "down", 2, _account("bailed_out"), "money"),
        Metric("clawed_back", "Clawed back by the centre", pounds, None, 2, _account("clawed_back"), "money"),
        Metric("saving_reinvested", "Savings reinvested", pounds, "up", 2, _account("reinvested"), "money"),
        Metric(
            "admin_share",
            "Time on administration",
            "share of time",
            "down",
            3,
            _of_staff(partial(_column, "admin")),
            "staff",
        ),
        Metric("help_quality", "Effect of help", "1 = baseline", "up", 3, _of_helped("quality"), "staff"),
        Metric("help_fit", "Fit of help to need", "1 = baseline", "up", 3, _of_helped("fit"), "staff"),
        Metric("lay_helpers", "Lay helpers beside each worker", "per worker", None, 3, _of_helped("lay"), "staff"),
        Metric("place_fit", "Fit of what a place decides", "1 = baseline", "up", 3, _mean_place("place_fit"), "staff"),
        Metric("peers", "Recovered people who support others", "per 1,000 people", "up", 2, _peers, "community"),
        *(
            Metric(
                f"{name}_spread",
                label,
                "standard deviation",
                None,
                3,
                None,
                kind,
                derived=_between_neighbourhoods(column),
            )
            for name, label, kind, column in SPREADS
        ),
        Metric(
            "legitimacy", "Belief that services answer", "1 = baseline", "up", 3, _mean_place("legitimacy"), "community"
        ),
        Metric("spend_outside", "New money outside services", pounds, None, 2, _outlay, "money"),
        Metric(
            "inverse_care_index", "Help where need is", "1 = as need", "up", 3, None, "fairness", derived=concentration
        ),
        Metric(
            "slope_index",
            "Slope index of inequality",
            points,
            "down",
            1,
            None,
            "fairness",
            derived=slope,
            index_of=HEADLINE,
        ),
        Metric(
            "gap_most_least_deprived",
            "Gap, most to least deprived fifth",
            points,
            "down",
            1,
            None,
            "fairness",
            derived=gap,
            index_of=HEADLINE,
        ),
        Metric("break_even_year", "Break-even year", "year", "down", 0, None, "worth", against=verdicts.break_even),
        Metric(
            "cost_per_qaly",
            "Cost of a QALY gained",
            "£ per QALY",
            "down",
            0,
            None,
            "worth",
            against=verdicts.cost_per_qaly,
        ),
    ]
    return tuple(out)


def metric(name: str) -> Metric:
    """Look up a measure.

    Parameters
    ----------
    name : str
        Id of the measure.

    Returns
    -------
    Metric

    Raises
    ------
    KeyError
        If there is no such measure; the message lists all.

    Examples
    --------
    >>> metric("acute_demand").unit
    'index, baseline year 1 = 100'
    """
    by_id = {m.name: m for m in metrics()}
    if name not in by_id:
        raise KeyError(f"no metric called '{name}'; there are {', '.join(by_id)}")
    return by_id[name]


AXIS_NAMES: dict[str, Callable[[], tuple[str, ...]]] = {
    "service": lambda: tuple(s.id for s in load_catalogue()),
    "domain": lambda: tuple(d.id for d in load_domains()),
    "quintile": lambda: ("1", "2", "3", "4", "5"),
    "age": lambda: AGE_BAND_NAMES,
    "child_age": lambda: tuple(str(age) for age in range(CHILD_AGES)),
    "silo": lambda: SILOS,
    "purpose": lambda: PURPOSES,
}

metrics()  # a wrong measure of an extension is reported before anything is run
