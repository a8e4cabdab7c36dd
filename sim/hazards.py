"""The monthly probabilities of a world: targets from England's published figures, and the calibrated solution.

`Targets` are the rates and shares that the baseline must reproduce. `Solution` holds the calibrated values with which
it does (sim/calibration/calibrate.py writes them to sim/calibration/solved/PLACE.npz): hazards of getting worse by
domain, level, age band and deprivation fifth; the probability of asking each service; and multipliers of mortality and
attendance. The targets are national: places differ by their residents. Each place has its own hazards, with which its
people have the national rates.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.people.domains import Domain
from sim.policies import LEVER_GROUP
from sim.schema.quantities import AGE_BANDS, QUINTILES, Params
from sim.services.catalogue import Service

F = npt.NDArray[np.float64]
SOLVED = Path(__file__).parent / "calibration" / "solved"
"""The folder of the solutions that are supplied with the project, one file per place."""
BANDS = len(AGE_BANDS)
LEVELS = 4
FIRST_ASK = 0.03
"""Monthly probability of asking a service at the start of a calibration."""
TIER_INDEX = {"preventive": 0, "responsive": 1, "acute": 2, "community": 3}

# Mortality: shape of the Gompertz-Makeham form, A1 * exp(0.1 * age) + A0, per year; and its gradient over fifths.
DEATHS_PER_THOUSAND = 10.0
"""England's deaths per 1,000 people a year (A21, ONS, recalled)."""
DEATH_GRADIENT = np.array([1.42, 1.17, 0.98, 0.84, 0.72])
"""Mortality by fifth relative to the mean: a gap in life expectancy of about 7 years between fifths (A22 [ONSLE] gives
9.7 and 7.9 between tenths) at a slope of 0.1 per year of age is a ratio of exp(0.7) = 2.0. CALC."""


class Targets(NamedTuple):
    """The values that England's published figures imply for every age band and deprivation fifth."""

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
    """The calibrated values of a place."""

    up: F
    """Monthly probability of getting one level worse with all modifiers at 1, shape (domain, 3, band, quintile)."""
    down: F
    """Monthly probability of getting one level better without help, shape (domain, 4, band)."""
    ask: F
    """Monthly probability of asking each service, shape (service,)."""
    mortality: F
    """Mean multiplier on mortality by which the published rate is divided, shape (band, quintile)."""
    knocks: F
    """Attendances due to unmet need per person and month, subtracted from the walk-in rate; (door, band, quintile)."""
    resilience: F
    """Mean resilience at baseline, shape (band, quintile)."""
    trust: F
    """Mean trust at baseline, shape (band, quintile)."""
    care: F
    """Ratio of the cost of acute care to the cost implied by the published tables, shape (service,)."""
    room: F
    """Ratio of places to people helped: some places are empty until somebody is found, shape (service,)."""
    households: F
    """Reference persons per person, shape (band, quintile)."""
    donor_level: npt.NDArray[np.uint8]
    """Needs of people of the burned-in baseline, shape (donor, domain); see sim/people/donors.py."""
    donor_resilience: npt.NDArray[np.float32]
    donor_trust: npt.NDArray[np.float32]
    donor_range: npt.NDArray[np.int64]
    """First and last + 1 donor by role, level of the household's needs, band and quintile, shape (2, 4, 10, 5, 2)."""


def targets(domains: Iterable[Domain], services: Iterable[Service], people: F, heads: F) -> Targets:
    """Compute the targets from England's published figures.

    Parameters
    ----------
    domains : iterable of Domain
        The domains of need.
    services : iterable of Service
        The services.
    people : ndarray
        People. Shape (band, quintile).
    heads : ndarray
        Households by their reference person. Shape (band, quintile).

    Returns
    -------
    Targets
        Monthly rates and shares.

    Raises
    ------
    ValueError
        If more people are in crisis than have serious need, in any age band and fifth of a domain.
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
    walk_ins = [s for s in services if s.walk_in is not None]
    walk_in = np.zeros((len(walk_ins), BANDS, QUINTILES))
    for k, service in enumerate(walk_ins):
        assert service.walk_in is not None
        published = service.walk_in
        table = (
            np.array(list(published.per_thousand_by_age.values()))[:, None] * np.array(published.by_quintile)[None, :]
        )
        through = sum(
            published.arrives_with_crisis_share.value * float((crises[d] * people).sum())
            for d, domain in enumerate(domains)
            if domain.id == service.domain
        )
        required = published.total.value / 12000.0 * people.sum() - through
        walk_in[k] = table * required / float((table * people).sum())
    return Targets(at_least, crises, months, walk_in, _death(people))


def _death(people: F) -> F:
    age = np.arange(110)
    shape = 2e-5 * np.exp(0.1 * age) + 3e-4
    shape[0] += 3.5e-3
    table = shape[:, None] * DEATH_GRADIENT[None, :] / 12.0
    # Ages are uniform within a band, except in the oldest band, where they decline (sim/people/population.py).
    deaths = 0.0
    for b, (first, last) in enumerate(AGE_BANDS):
        weight = np.exp(-0.15 * np.arange(last - first + 1)) if b == BANDS - 1 else np.ones(last - first + 1)
        deaths += float((weight[:, None] * table[first : last + 1]).sum(axis=0) / weight.sum() @ people[b])
    monthly: F = np.minimum(0.5, table * (DEATHS_PER_THOUSAND / 12000.0) * people.sum() / deaths)
    return monthly


def natural_recovery(domains: tuple[Domain, ...], aims: Targets) -> F:
    """Monthly probability of improving by a level without help, from the domain files. Shape (domain, 4, band)."""
    down = np.zeros((len(domains), LEVELS, BANDS))
    for d, domain in enumerate(domains):
        down[d, 1] = 1.0 - np.exp(-domain.recovery.emerging_per_year.value / 12.0)
        down[d, 2] = 1.0 - np.exp(-domain.recovery.serious_per_year.value / 12.0)
        down[d, 3] = 1.0 / aims.crisis_months[d]
    return down


def first_guess(aims: Targets, domains: tuple[Domain, ...], services: tuple[Service, ...]) -> Solution:
    """The initial values of a calibration: flows balance with all modifiers at 1."""
    shares = aims.shares()
    up = np.zeros((shares.shape[0], LEVELS - 1, BANDS, QUINTILES))
    up[:, 2] = np.divide(aims.crises, shares[:, 2], out=np.zeros_like(aims.crises), where=shares[:, 2] > 0)
    up[:, :2] = 0.01
    nothing = np.zeros((BANDS, QUINTILES))
    return Solution(
        up=up,
        down=natural_recovery(domains, aims),
        ask=np.full(len(services), FIRST_ASK),
        mortality=nothing + 1.2,
        knocks=np.zeros_like(aims.walk_in),
        resilience=nothing,
        trust=nothing + 0.6,
        care=np.ones(len(services)),
        room=np.ones(len(services)),
        households=nothing + 0.4,
        **independent_donors(aims, domains),
    )


def independent_donors(aims: Targets, domains: tuple[Domain, ...], count: int = 200) -> dict[str, Any]:
    """Donors with independent needs, for the start of a calibration, when no simulated population exists."""
    shares = aims.shares()
    levels, ranges, row = [], np.zeros((2, LEVELS, BANDS, QUINTILES, 2), np.int64), 0
    rng = np.random.default_rng(0)
    for role, b, q in np.ndindex(2, BANDS, QUINTILES):
        levels_drawn = np.zeros((count, len(domains)), np.uint8)
        for d in range(len(domains)):
            levels_drawn[:, d] = np.searchsorted(shares[d, :, b, q].cumsum(), rng.random(count)).clip(0, LEVELS - 1)
        levels.append(levels_drawn)
        ranges[role, 0, b, q] = row, row + count
        row += count
    return {
        "donor_level": np.concatenate(levels),
        "donor_resilience": np.zeros(row, np.float32),
        "donor_trust": np.full(row, 0.6, np.float32),
        "donor_range": ranges,
    }


PROSE = {
    "label", "source", "unit", "meaning", "status", "low", "high", "measure", "question", "clients", "prevention",
    "price_year", "plus",
}  # fmt: skip
"""Keys of a data file that describe a figure or a service. A solution does not depend on them."""


def _figures(table: Any) -> Any:
    """The numbers and ids of a data file, without the text that describes them."""
    if isinstance(table, dict):
        return {key: _figures(value) for key, value in table.items() if key not in PROSE}
    return [_figures(value) for value in table] if isinstance(table, list | tuple) else table


def digest(
    domains: Iterable[Domain], services: Iterable[Service], params: Mapping[str, Params], place: str | None = None
) -> str:
    """A digest of everything on which a solution depends.

    Parameters
    ----------
    domains : iterable of Domain
        The domains of need.
    services : iterable of Service
        The services.
    params : mapping of str to Params
        Parameters by mechanism.
    place : str, optional
        The properties of the place (sim.calibration.calibrate.shape_of); None for England.

    Returns
    -------
    str
        A hexadecimal digest. Labels, units, ranges, sources and the baselines of levers do not change it: a calibration
        sets care costs and hazards at which accounts are even.
    """
    basis = {
        "domains": [_figures(domain.model_dump(mode="json")) for domain in domains],
        "services": [_figures(service.model_dump(mode="json")) for service in services],
        "parameters": {
            name: values.model_dump(mode="json") for name, values in sorted(params.items()) if name != LEVER_GROUP
        },
    } | ({} if place is None else {"place": place})
    return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:16]


def encoded_solution(solution: Solution, name: str) -> bytes:
    """A solution with its digest, as the content of a file."""
    parts = solution._asdict()
    for half in ("donor_resilience", "donor_trust"):  # already rounded to half precision
        parts[half] = parts[half].astype(np.float16)
    file = io.BytesIO()
    np.savez_compressed(file, digest=np.array(name), **parts)
    return file.getvalue()


def write_solution(solution: Solution, name: str, path: Path) -> None:
    """Write a solution with its digest to a file, atomically."""
    temporary = path.with_suffix(".part.npz")
    temporary.write_bytes(encoded_solution(solution, name))
    temporary.replace(path)


def read_solution(file: Path | BinaryIO) -> tuple[str, Solution]:
    """The digest and the values of a stored solution."""
    with np.load(file, allow_pickle=False) as stored:
        return str(stored["digest"]), Solution(**{name: stored[name] for name in Solution._fields})


def pool_narrow_bands(stock: F, aims: Targets) -> F:
    """Stocks by domain and band, with the total of all narrow bands in each narrow band.

    A band is narrow if people leave it by ageing before their crisis ends. Only the total stock of the narrow bands of
    a domain can agree with the published figure.
    """
    years = np.array([last - first + 1 for first, last in AGE_BANDS])
    narrow = years * 12.0 < 3.0 * aims.crisis_months
    out = stock.copy()
    for d in range(len(stock)):
        out[d, narrow[d]] = stock[d, narrow[d]].sum()
    return out
