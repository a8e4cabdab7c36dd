"""Sampling of every parameter from its range, so that bands show the uncertainty of parameters as well as chance.

Each seed of an ensemble has a separate sample, the same for every scenario of a comparison. A parameter's value follows
a triangular distribution from `low` to `high` with its peak at the declared value, and over the K seeds the samples of
a parameter fill its distribution evenly (a Latin hypercube). The samples of a parameter depend on (parameter, first
seed, K) only: adding a parameter changes no other's samples.

`upstream fit PLACE --draws mechanisms` (or `all`) reports how steady baselines with sampled parameters are: of 12
samples of everything, 12 kept acute demand within 10% of its first year's for ten years (the furthest year 8% off, in
one town of 12,000 each, which has chance events of its own). Without adaptation, 3 of 18 samples did not (the furthest
42%).

Limits    Parameters are sampled independently. Samples of published figures that contradict one another (more people
          in crisis than with serious need) are moved half way to the published values until they do not.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from sim import hazards
from sim.place.place import Place
from sim.scenario.data_parameters import is_figure, set_in_england
from sim.scenario.parameters import Parameter, parameters
from sim.world.build import england_mix

Which = Literal["mechanisms", "all"]
"""Parameters of mechanisms only, or the figures of the data files too."""
HALVINGS = 8


def draws(which: Which, seeds: Sequence[int], place: str, fixed: Mapping[str, float]) -> list[dict[str, float]]:
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

    Returns
    -------
    list of dict of str to float
        Values by dotted name, for each seed.
    """
    known = {
        name: parameter
        for name, parameter in parameters(place).items()
        if name not in fixed and (which == "all" or not is_figure(name))
    }
    table = {name: _column(name, parameter, seeds) for name, parameter in known.items()}
    # One draw a seed, each of every parameter.
    samples = [{name: float(column[k]) for name, column in table.items()} for k in range(len(seeds))]
    return [_possible(sample, known, fixed) for sample in samples] if which == "all" else samples


def _column(name: str, parameter: Parameter, seeds: Sequence[int]) -> npt.NDArray[np.float64]:
    """One parameter's values, one for each seed."""
    from scipy import stats
    from scipy.stats import qmc

    low, high, mode = parameter.spec.low, parameter.spec.high, parameter.value
    rng = np.random.default_rng([zlib.crc32(name.encode()), seeds[0], len(seeds)])
    even = qmc.LatinHypercube(d=1, rng=rng).random(len(seeds))[:, 0]
    drawn = stats.triang.ppf(even, (mode - low) / (high - low), loc=low, scale=high - low)
    out: npt.NDArray[np.float64] = np.clip(drawn, low, high)
    return out


def _possible(sample: dict[str, float], known: Mapping[str, Parameter], fixed: Mapping[str, float]) -> dict[str, float]:
    """Move the figures of a sample towards the published ones as long as they contradict one another."""
    for _ in range(HALVINGS):
        if _fit({**sample, **fixed}):
            return sample
        sample = {n: (v + known[n].value) / 2.0 if is_figure(n) else v for n, v in sample.items()}
    return {name: known[name].value if is_figure(name) else value for name, value in sample.items()}


def _fit(values: Mapping[str, float]) -> bool:
    domains, services = set_in_england(values)
    mix = england_mix(Place.load("anytown"), 30_000)
    try:
        hazards.targets(domains, services, mix, mix * 0.4)
    except ValueError:
        return False
    return True
