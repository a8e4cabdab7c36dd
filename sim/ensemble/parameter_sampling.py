"""Sampling of every parameter from its range, so that bands show the uncertainty of parameters as well as chance.

Each seed of an ensemble has a separate sample, the same for every scenario of a comparison. A parameter's value follows
a triangular distribution from `low` to `high` with its peak at the declared value. Its sample for seed k depends on
(parameter, k) only, so an ensemble can be split over machines, extended by further seeds, or restricted to some
parameters: no sample changes.

The samples of a parameter form a sliced Latin hypercube (Qian 2012, J. Am. Stat. Assoc. 107:393). Each 16 consecutive
seeds have one sample in each sixteenth of the distribution, in an order that is random for each parameter. Within a
sixteenth, successive samples follow a scrambled Sobol' sequence, so 16 * 2^m seeds have one sample in each part of that
size. A Sobol' sequence alone, over hundreds of parameters and tens of seeds, would correlate most pairs of parameters.

`upstream fit PLACE --draws mechanisms` (or `all`) reports how steady baselines with sampled parameters are: of 12
samples of everything, 12 kept acute demand within 10% of its first year's for ten years (the furthest year 8% off, in
one town of 12,000 each, which has chance events of its own). Without adaptation, 3 of 18 samples did not (the furthest
42%).

Limits    Parameters are sampled independently. Samples of published figures that contradict one another (more people
          in crisis than with serious need) are moved half way to the published values until they do not.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from sim import hazards
from sim.place.place import Place
from sim.place.population_mix import ENGLAND, population_mix
from sim.scenario.data_parameters import is_figure, set_in_england
from sim.scenario.parameters import Parameter, parameters
from sim.scenario.valuation import VALUATION
from sim.schema.errors import InputError

F = npt.NDArray[np.float64]
Which = Literal["mechanisms", "all"]
"""Parameters of mechanisms only, or the figures of the data files too."""
Draws = Literal["all", "mechanisms", "none"]
"""The parameters that each seed of an ensemble draws; none: all seeds have the central values."""
HALVINGS = 8
SLICE, SLICES = 16, 64
"""Seeds with one sample in each part of the distribution, and the number of slices that refine one another."""


def draws(
    which: Which, seeds: Sequence[int], place: str, fixed: Mapping[str, float], only: Iterable[str] | None = None
) -> list[dict[str, float]]:
    """Sample the parameters for each seed.

    Parameters
    ----------
    which : {"mechanisms", "all"}
        Parameters of mechanisms only, or the figures of the data files too.
    seeds : sequence of int
        The seeds.
    place : str
        Name of the place whose figures are included.
    fixed : mapping of str to float
        Parameters that are not sampled, by dotted name.
    only : iterable of str, optional
        The parameters that are sampled, by dotted name; by default all of `which` that are not in `fixed`.

    Returns
    -------
    list of dict of str to float
        Values by dotted name, for each seed.

    Raises
    ------
    InputError
        If `only` names a parameter that does not exist or is in `fixed`.
    """
    known = sampled_parameters(which, place, fixed)
    if only is not None:
        chosen = set(only)
        for name in sorted(chosen - known.keys()):
            raise InputError("draws", None, "only", "a parameter that can be sampled", name, sorted(known))
        known = {name: parameter for name, parameter in known.items() if name in chosen}
    table = {name: _values(name, parameter, seeds) for name, parameter in known.items()}
    # One draw a seed, each of every parameter.
    samples = [{name: float(column[k]) for name, column in table.items()} for k in range(len(seeds))]
    return [reconciled(sample, known, fixed) for sample in samples] if which == "all" else samples


def sampled_parameters(which: Which, place: str, fixed: Mapping[str, float]) -> dict[str, Parameter]:
    """Collect the parameters that are sampled: all but the choices of the analyst and those that are fixed.

    Parameters
    ----------
    which : {"mechanisms", "all"}
        Parameters of mechanisms only, or the figures of the data files too.
    place : str
        Name of the place whose figures are included.
    fixed : mapping of str to float
        Parameters that are not sampled, by dotted name.

    Returns
    -------
    dict of str to Parameter
        By dotted name.
    """
    return {
        name: parameter
        for name, parameter in parameters(place).items()
        if name not in fixed and not name.startswith(f"{VALUATION}.") and (which == "all" or not is_figure(name))
    }


def quantiles(shares: F, low: F, mode: F, high: F) -> F:
    """Compute values of parameters at shares of their distributions, which are triangular.

    Parameters
    ----------
    shares : ndarray of float64
        Shares of the distributions, 0 to 1.
    low, mode, high : ndarray of float64
        Ends and peak of each distribution, of a shape that can be broadcast to that of `shares`.

    Returns
    -------
    ndarray of float64, shape of `shares`
        Values from `low` to `high`.
    """
    from scipy import stats

    values = stats.triang.ppf(shares, (mode - low) / (high - low), loc=low, scale=high - low)
    out: F = np.clip(values, low, high)
    return out


def _values(name: str, parameter: Parameter, seeds: Sequence[int]) -> F:
    """One parameter's values, one for each seed."""
    block = SLICE * SLICES
    shares = np.array([_sequence(name, seed // block)[seed % block] for seed in seeds])
    return quantiles(shares, *(np.array(end) for end in (parameter.spec.low, parameter.value, parameter.spec.high)))


@lru_cache(maxsize=4096)
def _sequence(name: str, block: int) -> F:
    """The shares of its distribution, 0 to 1, at which a parameter is sampled by the seeds of a block of slices."""
    from scipy.stats import qmc

    rng = np.random.default_rng([zlib.crc32(name.encode()), block])
    within = qmc.Sobol(d=SLICE, scramble=True, rng=rng).random(SLICES)
    parts = rng.permuted(np.tile(np.arange(SLICE), (SLICES, 1)), axis=1)
    out: F = ((parts + np.take_along_axis(within, parts, axis=1)) / SLICE).ravel()
    return out


def reconciled(
    sample: dict[str, float], known: Mapping[str, Parameter], fixed: Mapping[str, float]
) -> dict[str, float]:
    """Move the figures of a sample towards the published ones as long as they contradict one another.

    Parameters
    ----------
    sample : dict of str to float
        Values of parameters, by dotted name.
    known : mapping of str to Parameter
        The parameters of the sample.
    fixed : mapping of str to float
        Values of further parameters.

    Returns
    -------
    dict of str to float
        The sample, or another with the same parameters of mechanisms.
    """
    for _ in range(HALVINGS):
        if _fit({**sample, **fixed}):
            return sample
        sample = {n: (v + known[n].value) / 2.0 if is_figure(n) else v for n, v in sample.items()}
    return {name: known[name].value if is_figure(name) else value for name, value in sample.items()}


def _fit(values: Mapping[str, float]) -> bool:
    domains, services = set_in_england(values)
    mix = _mix_of_england()
    try:
        hazards.targets(domains, services, mix, mix * 0.4)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1)
def _mix_of_england() -> npt.NDArray[np.float64]:
    mix: npt.NDArray[np.float64] = population_mix(Place.load(ENGLAND))
    return mix
