"""What a run leaves behind: monthly counts with named axes, and the measures made of them.

Every measure is a ratio of two sums (episodes over people, pounds over people, people at a level over people), so that
a year, a group or an ensemble is always the ratio of the summed parts, never a mean of ratios.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.fields import AGE_BAND_NAMES
from sim.people.domains import load_domains
from sim.services.catalogue import Service, load_catalogue
from sim.state import ACUTE, COMMUNITY, PREVENTIVE, PURPOSES, RESPONSIVE, SILOS, World

A = npt.NDArray[Any]


class What(NamedTuple):
    """An array of the world that is kept each month, with its axes."""

    table: str
    column: str
    axes: tuple[str, ...]

    def array(self, world: World) -> A:
        """The array itself."""
        found: A = getattr(getattr(world, self.table), self.column)
        return found


RECORDED: dict[str, What] = {
    "opened": What("tally", "opened", ("service", "quintile", "age")),
    "census": What("tally", "census", ("domain", "level", "quintile", "age")),
    "unmet": What("tally", "unmet", ("domain", "quintile", "age")),
    "people": What("tally", "people", ("quintile", "age")),
    "died": What("tally", "died", ("quintile", "age")),
    "helped": What("tally", "helped", ("service", "quintile")),
    "waiting": What("tally", "waiting", ("service", "quintile")),
    "asked": What("tally", "asked", ("service", "quintile")),
    "turned_away": What("tally", "turned_away", ("service", "quintile")),
    "gave_up": What("tally", "gave_up", ("service", "quintile")),
    "started": What("tally", "started", ("service", "quintile")),
    "born": What("tally", "born", ("quintile",)),
    "moved_in": What("tally", "moved_in", ("quintile",)),
    "moved_out": What("tally", "moved_out", ("quintile",)),
    "spent": What("money", "spent", ("service",)),
    "funding": What("money", "funding", ("service",)),
    "carried": What("money", "carried", ("silo",)),
    "bailed_out": What("money", "bailed_out", ("silo",)),
    "clawed_back": What("money", "clawed_back", ("silo",)),
    "reinvested": What("money", "reinvested", ("silo",)),
    "posts": What("services", "posts", ("service",)),
    "overload": What("services", "overload", ("service",)),
    "energy": What("places", "energy", ("neighbourhood",)),
    "legitimacy": What("places", "legitimacy", ("neighbourhood",)),
    "pooled": What("money", "pooled", ("silo",)),
    "outlay": What("money", "outlay", ("purpose",)),
    "practice": What("places", "practice", ("neighbourhood",)),
    "leaving": What("services", "leaving", ("service",)),
    "vacancy": What("services", "vacancy", ("service",)),
    "burnout": What("services", "burnout", ("service",)),
    "admin": What("services", "admin", ("service",)),
    "hours": What("services", "hours", ("service",)),
    "quality": What("services", "quality", ("service",)),
    "fit": What("services", "fit", ("service",)),
    "lay": What("services", "lay", ("service",)),
}


class Record(NamedTuple):
    """One run: a seed and its months."""

    seed: int
    monthly: dict[str, A]
    opened_by_year: A
    """Acute episodes by year, service and neighbourhood."""


class Parts(NamedTuple):
    """A measure as two sums by month, each over its own further axes; `scale` turns their ratio into the unit."""

    numerator: A
    axes: tuple[str, ...]
    denominator: A
    over: tuple[str, ...]
    scale: float


class Metric(NamedTuple):
    """A measure: what it is called, in what unit, and how it is made."""

    name: str
    label: str
    unit: str
    better: Literal["up", "down"] | None
    decimals: int
    parts: Callable[[Record], Parts]
    kind: Literal["service", "need", "access", "money", "community", "life", "staff"]


def services_of(tier: int) -> list[int]:
    """The positions of the services of a tier."""
    order = {"preventive": PREVENTIVE, "responsive": RESPONSIVE, "acute": ACUTE, "community": COMMUNITY}
    return [k for k, s in enumerate(load_catalogue()) if order[s.tier] == tier]


def _episodes(services: list[int], per: str) -> Callable[[Record], Parts]:
    def parts(r: Record) -> Parts:
        opened = r.monthly["opened"][:, services].astype(float)
        if per == "households":
            whole = _heads(r)
        else:
            catalogue = load_catalogue()
            served = np.any([catalogue[k].bands for k in services], axis=0)
            whole = r.monthly["people"] * served[None, None, :]
        return Parts(opened, ("service", "quintile", "age"), whole.astype(float), ("quintile", "age"), 12000.0)

    return parts


def _heads(r: Record) -> A:
    """Households by the reference person's fifth and age, from a household domain's own count."""
    d = next(k for k, domain in enumerate(load_domains()) if domain.unit == "household")
    heads: A = r.monthly["census"][:, d].sum(axis=1)
    return heads


def _at_least(level: int) -> Callable[[Record], Parts]:
    def parts(r: Record) -> Parts:
        census = r.monthly["census"].astype(float)
        above = census[:, :, level:].sum(axis=2)
        axes = ("domain", "quintile", "age")
        return Parts(above, axes, census.sum(axis=2), axes, 1.0)

    return parts


def _unmet(r: Record) -> Parts:
    serious = r.monthly["census"][:, :, 2].astype(float)
    axes = ("domain", "quintile", "age")
    return Parts(r.monthly["unmet"].astype(float), axes, serious, axes, 1.0)


def _per_ask(column: str) -> Callable[[Record], Parts]:
    def parts(r: Record) -> Parts:
        axes = ("service", "quintile")
        return Parts(r.monthly[column].astype(float), axes, r.monthly["asked"].astype(float), axes, 1.0)

    return parts


def _wait(r: Record) -> Parts:
    # Little's law: the mean wait is the mean queue over the starts a month.
    axes = ("service", "quintile")
    return Parts(r.monthly["waiting"].astype(float), axes, r.monthly["started"].astype(float), axes, 1.0)


def _asked_per_start(r: Record) -> Parts:
    axes = ("service", "quintile")
    return Parts(r.monthly["asked"].astype(float), axes, r.monthly["started"].astype(float), axes, 1.0)


def _spend(tiers: tuple[int, ...]) -> Callable[[Record], Parts]:
    def parts(r: Record) -> Parts:
        chosen = sorted(k for tier in tiers for k in services_of(tier))
        spent = r.monthly["spent"][:, chosen].astype(float)
        people = r.monthly["people"].sum(axis=(1, 2)).astype(float)
        return Parts(spent, ("service",), people, (), 12.0 / 100.0)

    return parts


def _share_upstream(r: Record) -> Parts:
    spent = r.monthly["spent"].astype(float)
    upstream = sorted(services_of(PREVENTIVE) + services_of(COMMUNITY))
    return Parts(spent[:, upstream].sum(axis=1), (), spent.sum(axis=1), (), 1.0)


def _account(column: str) -> Callable[[Record], Parts]:
    def parts(r: Record) -> Parts:
        people = r.monthly["people"].sum(axis=(1, 2)).astype(float)
        money = r.monthly[column].astype(float)
        return Parts(money, ("silo",), people, (), 12.0 / 100.0)

    return parts


def _died(r: Record) -> Parts:
    axes = ("quintile", "age")
    return Parts(r.monthly["died"].astype(float), axes, r.monthly["people"].astype(float), axes, 12000.0)


def _energy(r: Record) -> Parts:
    energy = r.monthly["energy"].astype(float)
    return Parts(energy, ("neighbourhood",), np.ones_like(energy), ("neighbourhood",), 1.0)


def _legitimacy(r: Record) -> Parts:
    legitimacy = r.monthly["legitimacy"].astype(float)
    return Parts(legitimacy, ("neighbourhood",), np.ones_like(legitimacy), ("neighbourhood",), 1.0)


def _outlay(r: Record) -> Parts:
    people = r.monthly["people"].sum(axis=(1, 2)).astype(float)
    return Parts(r.monthly["outlay"].astype(float), ("purpose",), people, (), 12.0 / 100.0)


def _practice(r: Record) -> Parts:
    practice = r.monthly["practice"].astype(float)
    return Parts(practice, ("neighbourhood",), np.ones_like(practice), ("neighbourhood",), 1.0)


def _staffed() -> list[int]:
    return [k for k, s in enumerate(load_catalogue()) if s.staff is not None]


def _of_staff(column: str, scale: float = 1.0, rest: bool = False) -> Callable[[Record], Parts]:
    """A mean over services, each weighted by what it spends, as most of that is staff."""

    def parts(r: Record) -> Parts:
        chosen = _staffed()
        spent = r.monthly["spent"][:, chosen].astype(float)
        values = r.monthly[column][:, chosen].astype(float)
        return Parts(spent * (1.0 - values if rest else values), ("service",), spent, ("service",), scale)

    return parts


def _of_helped(column: str) -> Callable[[Record], Parts]:
    """A mean over services that are not acute, each weighted by how many it helps."""

    def parts(r: Record) -> Parts:
        chosen = sorted(set(_staffed()) - set(services_of(ACUTE)))
        helped = r.monthly["helped"][:, chosen].sum(axis=2).astype(float)
        return Parts(helped * r.monthly[column][:, chosen], ("service",), helped, ("service",), 1.0)

    return parts


def _who(service: Service, per: str) -> str:
    if per == "households":
        return "households"
    first, last = service.ages
    return "people" if (first, last) == (0, 109) else f"people aged {first}{'+' if last == 109 else f' to {last}'}"


def metrics() -> tuple[Metric, ...]:
    """Every measure, acute services first: one for each, from its catalogue file."""
    units = {domain.id: domain.unit for domain in load_domains()}
    acute = services_of(ACUTE)
    catalogue = load_catalogue()
    out = [
        Metric(
            "acute_demand",
            "Acute demand",
            "episodes per 1,000 people per year",
            "down",
            1,
            _episodes(acute, "people"),
            "service",
        )
    ]
    for k in acute:
        service = catalogue[k]
        per = "households" if units[service.domain] == "household" else "people"
        name = service.measure or service.id
        label = name.replace("_", " ").capitalize().replace("Ae ", "A&E ")
        unit = f"{service.episodes} per 1,000 {_who(service, per)} per year"
        out.append(Metric(name, label, unit, "down", 2, _episodes([k], per), "service"))
    pounds = "£ per person per year"
    out += [
        Metric("deaths", "Deaths", "deaths per 1,000 people per year", "down", 2, _died, "life"),
        Metric("need_1", "Some need or worse", "share of people and domains", "down", 4, _at_least(1), "need"),
        Metric("need_2", "Serious need or worse", "share of people and domains", "down", 4, _at_least(2), "need"),
        Metric("need_3", "In crisis", "share of people and domains", "down", 5, _at_least(3), "need"),
        Metric("unmet_need", "Serious need nobody helps with", "share of serious need", "down", 3, _unmet, "access"),
        Metric("turned_away", "Turned away", "share of requests", "down", 3, _per_ask("turned_away"), "access"),
        Metric("wait_months", "Wait for help", "months", "down", 2, _wait, "access"),
        Metric("asked_per_start", "Assessments for each start", "requests", "down", 2, _asked_per_start, "access"),
        Metric("spend_total", "All spending", pounds, None, 1, _spend((0, 1, 2, 3)), "money"),
        Metric("spend_acute", "Acute spending", pounds, None, 1, _spend((ACUTE,)), "money"),
        Metric("spend_responsive", "Responsive spending", pounds, None, 1, _spend((RESPONSIVE,)), "money"),
        Metric("spend_preventive", "Preventive spending", pounds, None, 1, _spend((PREVENTIVE,)), "money"),
        Metric("spend_community", "Community spending", pounds, None, 1, _spend((COMMUNITY,)), "money"),
        Metric("prevention_share", "Spending on prevention", "share of spending", None, 4, _share_upstream, "money"),
        Metric("bailed_out", "Bailed out by the centre", pounds, "down", 2, _account("bailed_out"), "money"),
        Metric("clawed_back", "Clawed back by the centre", pounds, None, 2, _account("clawed_back"), "money"),
        Metric("saving_reinvested", "Savings reinvested", pounds, "up", 2, _account("reinvested"), "money"),
        Metric("staff_turnover", "Staff leaving", "share per year", "down", 3, _of_staff("leaving", 12.0), "staff"),
        Metric("vacancy_rate", "Posts vacant", "share of posts", "down", 3, _of_staff("vacancy"), "staff"),
        Metric("morale", "Staff not burnt out", "share of staff", "up", 3, _of_staff("burnout", rest=True), "staff"),
        Metric("admin_share", "Time on administration", "share of time", "down", 3, _of_staff("admin"), "staff"),
        Metric("hours_per_person", "Time for each person", "1 = baseline", "up", 3, _of_helped("hours"), "staff"),
        Metric("help_quality", "Effect of help", "1 = baseline", "up", 3, _of_helped("quality"), "staff"),
        Metric("help_fit", "Fit of help to need", "1 = baseline", "up", 3, _of_helped("fit"), "staff"),
        Metric("lay_helpers", "Lay helpers beside each worker", "per worker", None, 3, _of_helped("lay"), "staff"),
        Metric("practice_quality", "Practice of places", "1 = baseline", "up", 3, _practice, "community"),
        Metric("community_energy", "Energy of community groups", "1 = baseline", "up", 3, _energy, "community"),
        Metric("legitimacy", "Belief that services answer", "1 = baseline", "up", 3, _legitimacy, "community"),
        Metric("spend_outside", "New money outside services", pounds, None, 2, _outlay, "money"),
    ]
    return tuple(out)


def metric(name: str) -> Metric:
    """A measure by its id. Raises KeyError with what there is."""
    found = {m.name: m for m in metrics()}
    if name not in found:
        raise KeyError(f"no metric called '{name}'; there are {', '.join(found)}")
    return found[name]


AXIS_NAMES: dict[str, Callable[[], tuple[str, ...]]] = {
    "service": lambda: tuple(s.id for s in load_catalogue()),
    "domain": lambda: tuple(d.id for d in load_domains()),
    "quintile": lambda: ("1", "2", "3", "4", "5"),
    "age": lambda: AGE_BAND_NAMES,
    "silo": lambda: SILOS,
    "purpose": lambda: PURPOSES,
}
