"""The monthly probabilities a world runs on: England's published figures turned into targets, and the solved table.

`Targets` are what the baseline must show. `Solution` is what calibration found to make it show them (sim/calibration/calibrate.py
writes it to `solved.npz`): hazards of getting worse by domain, level, age band and fifth; how often
each service is asked; and what multiplies mortality and attendance. The targets are national: places differ by who
lives there. Each place has hazards of its own, by which its people show the national rates.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.people.domains import Domain
from sim.schema.quantities import AGE_BANDS, QUINTILES, Params
from sim.services.catalogue import Service

F = npt.NDArray[np.float64]
SOLVED = Path(__file__).parent / "calibration" / "solved"
"""The folder of the solutions that come with the project, one file a place."""
BANDS = len(AGE_BANDS)
LEVELS = 4
TIER_INDEX = {"preventive": 0, "responsive": 1, "acute": 2, "community": 3}

# Mortality: shape of the Gompertz-Makeham form, A1 * exp(0.1 * age) + A0, per year; and its gradient over fifths.
DEATHS_PER_THOUSAND = 10.0
"""England's deaths per 1,000 people a year (A21, ONS, recalled)."""
DEATH_GRADIENT = np.array([1.42, 1.17, 0.98, 0.84, 0.72])
"""Mortality by fifth relative to the mean: a gap in life expectancy of about 7 years between fifths (A22 [ONSLE] gives
9.7 and 7.9 between tenths) at a slope of 0.1 per year of age is a ratio of exp(0.7) = 2.0. CALC."""


class Targets(NamedTuple):
    """What England's published figures imply for every age band and fifth."""

    at_least: F
    """Share at a level or above, shape (domain, level, band, quintile); level 0 is 1."""
    crises: F
    """New crises per person (or household) and month, shape (domain, band, quintile)."""
    crisis_months: F
    """Mean length, shape (domain, band)."""
    walk_in: F
    """Attendances that are not crises, per person and month, shape (door, band, quintile)."""
    death: F
    """Probability of dying in a month, shape (age 0..109, quintile)."""

    def shares(self) -> F:
        """Share at exactly each level, shape (domain, level, band, quintile)."""
        out = self.at_least.copy()
        out[:, :-1] -= self.at_least[:, 1:]
        return out


class Solution(NamedTuple):
    """What calibration found."""

    up: F
    """Monthly probability of getting one level worse with all modifiers at 1, shape (domain, 3, band, quintile)."""
    down: F
    """Monthly probability of getting one level better without help, shape (domain, 4, band)."""
    ask: F
    """Monthly probability of asking each service, shape (service,)."""
    mortality: F
    """Mean multiplier on mortality by which the published rate is divided, shape (band, quintile)."""
    knocks: F
    """Attendances of unmet need per person and month, taken off the walk-in rate, shape (door, band, quintile)."""
    resilience: F
    """Mean resilience at baseline, shape (band, quintile)."""
    trust: F
    """Mean trust at baseline, shape (band, quintile)."""
    care: F
    """Pounds of acute care over what the published tables give, shape (service,)."""
    room: F
    """Places over the people that a service is to be helping: some stand empty while somebody is found, (service,)."""
    households: F
    """Reference persons per person, shape (band, quintile)."""
    donor_level: npt.NDArray[np.uint8]
    """Needs of people of the settled baseline, shape (donor, domain); see sim/people/donors.py."""
    donor_resilience: npt.NDArray[np.float32]
    donor_trust: npt.NDArray[np.float32]
    donor_range: npt.NDArray[np.int64]
    """First and last + 1 donor by role, level of the household's needs, band and quintile, shape (2, 4, 10, 5, 2)."""


def targets(domains: Iterable[Domain], services: Iterable[Service], people: F, heads: F) -> Targets:
    """England's figures as tables.

    `people` and `heads` (households by reference person) have shape (band, quintile).
    """
    domains, services = tuple(domains), tuple(services)
    at_least = np.ones((len(domains), LEVELS, BANDS, QUINTILES))
    crises = np.zeros((len(domains), BANDS, QUINTILES))
    months = np.ones((len(domains), BANDS))
    for d, domain in enumerate(domains):
        counted = heads if domain.unit == "household" else people
        crises[d] = domain.crisis.per_year(counted) / 12.0
        months[d] = domain.crisis.months()
        at_least[d, 1] = np.minimum(0.97, domain.prevalence.emerging.table(counted))
        at_least[d, 2] = np.minimum(at_least[d, 1] * 0.97, domain.prevalence.serious.table(counted))
        at_least[d, 3] = crises[d] * months[d][:, None]
        if (at_least[d, 3] > at_least[d, 2]).any():
            raise ValueError(f"{domain.id}: more people in crisis than with serious need, in some age band and fifth")
    doors = [s for s in services if s.walk_in is not None]
    walk_in = np.zeros((len(doors), BANDS, QUINTILES))
    for k, service in enumerate(doors):
        assert service.walk_in is not None
        given = service.walk_in
        table = np.array(list(given.per_thousand_by_age.values()))[:, None] * np.array(given.by_quintile)[None, :]
        through = sum(
            given.arrives_with_crisis_share.value * float((crises[d] * people).sum())
            for d, domain in enumerate(domains)
            if domain.id == service.domain
        )
        wanted = given.total.value / 12000.0 * people.sum() - through
        walk_in[k] = table * wanted / float((table * people).sum())
    return Targets(at_least, crises, months, walk_in, _death(people))


def _death(people: F) -> F:
    age = np.arange(110)
    shape = 2e-5 * np.exp(0.1 * age) + 3e-4
    shape[0] += 3.5e-3
    table = shape[:, None] * DEATH_GRADIENT[None, :] / 12.0
    # Within a band ages are evenly spread, but for the oldest, who thin out (sim/people/population.py).
    deaths = 0.0
    for b, (first, last) in enumerate(AGE_BANDS):
        weight = np.exp(-0.15 * np.arange(last - first + 1)) if b == BANDS - 1 else np.ones(last - first + 1)
        deaths += float((weight[:, None] * table[first : last + 1]).sum(axis=0) / weight.sum() @ people[b])
    monthly: F = np.minimum(0.5, table * (DEATHS_PER_THOUSAND / 12000.0) * people.sum() / deaths)
    return monthly


def natural_recovery(domains: tuple[Domain, ...], aims: Targets) -> F:
    """Monthly probability of improving by a level without help, as the domain files give it. (domain, 4, band)."""
    down = np.zeros((len(domains), LEVELS, BANDS))
    for d, domain in enumerate(domains):
        down[d, 1] = 1.0 - np.exp(-domain.recovery.emerging_per_year.value / 12.0)
        down[d, 2] = 1.0 - np.exp(-domain.recovery.serious_per_year.value / 12.0)
        down[d, 3] = 1.0 / aims.crisis_months[d]
    return down


def first_guess(aims: Targets, domains: tuple[Domain, ...], services: tuple[Service, ...]) -> Solution:
    """A table to begin solving from: flows balance, modifiers are 1."""
    shares = aims.shares()
    up = np.zeros((shares.shape[0], LEVELS - 1, BANDS, QUINTILES))
    up[:, 2] = np.divide(aims.crises, shares[:, 2], out=np.zeros_like(aims.crises), where=shares[:, 2] > 0)
    up[:, :2] = 0.01
    nothing = np.zeros((BANDS, QUINTILES))
    return Solution(
        up=up,
        down=natural_recovery(domains, aims),
        ask=np.full(len(services), 0.03),
        mortality=nothing + 1.2,
        knocks=np.zeros_like(aims.walk_in),
        resilience=nothing,
        trust=nothing + 0.6,
        care=np.ones(len(services)),
        room=np.ones(len(services)),
        households=nothing + 0.4,
        **strangers(aims, domains),
    )


def strangers(aims: Targets, domains: tuple[Domain, ...], each: int = 200) -> dict[str, Any]:
    """Donors whose needs have nothing to do with one another: where solving begins, before there is a population."""
    shares = aims.shares()
    levels, ranges, row = [], np.zeros((2, LEVELS, BANDS, QUINTILES, 2), np.int64), 0
    dice = np.random.default_rng(0)
    for role, b, q in np.ndindex(2, BANDS, QUINTILES):
        drawn = np.zeros((each, len(domains)), np.uint8)
        for d in range(len(domains)):
            drawn[:, d] = np.searchsorted(shares[d, :, b, q].cumsum(), dice.random(each)).clip(0, LEVELS - 1)
        levels.append(drawn)
        ranges[role, 0, b, q] = row, row + each
        row += each
    return {
        "donor_level": np.concatenate(levels),
        "donor_resilience": np.zeros(row, np.float32),
        "donor_trust": np.full(row, 0.6, np.float32),
        "donor_range": ranges,
    }


PROSE = {"label", "source", "unit", "meaning", "status", "low", "high", "measure", "question"}
"""Keys of a data file that describe a figure: a solution does not depend on them."""


def _figures(table: Any) -> Any:
    """The numbers and ids of a data file, without the text that describes them."""
    if isinstance(table, dict):
        return {key: _figures(value) for key, value in table.items() if key not in PROSE}
    return [_figures(value) for value in table] if isinstance(table, list | tuple) else table


def digest(
    domains: Iterable[Domain], services: Iterable[Service], params: Mapping[str, Params], place: str | None = None
) -> str:
    """Identify what a solution belongs to: figures of the data files, parameters, and the place it was solved with.

    `place` is the shape of the place; None stands for England. Labels, units, ranges and sources do not count.
    """
    basis = {
        "domains": [_figures(domain.model_dump(mode="json")) for domain in domains],
        "services": [_figures(service.model_dump(mode="json")) for service in services],
        "parameters": {name: values.model_dump(mode="json") for name, values in sorted(params.items())},
    } | ({} if place is None else {"place": place})
    return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:16]


def write_solution(solution: Solution, name: str, path: Path) -> None:
    """Keep a solution with the digest of what it belongs to. Written whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part.npz")
    parts = solution._asdict()
    for half in ("donor_resilience", "donor_trust"):  # half precision is theirs already
        parts[half] = parts[half].astype(np.float16)
    np.savez_compressed(temporary, digest=np.array(name), **parts)
    temporary.replace(path)


def read_solution(path: Path) -> tuple[str, Solution]:
    """The digest and the numbers of a written solution."""
    with np.load(path, allow_pickle=False) as kept:
        return str(kept["digest"]), Solution(**{name: kept[name] for name in Solution._fields})


def together(stock: F, aims: Targets) -> F:
    """Stocks by domain and band, with narrow bands summed: where people grow out of a band before their crisis ends,
    only the stock of such bands together can be what is published."""
    years = np.array([last - first + 1 for first, last in AGE_BANDS])
    narrow = years * 12.0 < 3.0 * aims.crisis_months
    out = stock.copy()
    for d in range(len(stock)):
        out[d, narrow[d]] = stock[d, narrow[d]].sum()
    return out
