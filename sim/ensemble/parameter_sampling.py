"""Every parameter drawn from its range, so that bands show what is not known as well as luck.

Each seed of an ensemble gets a draw of its own, the same for every scenario of a comparison: a parameter's value
follows a triangular distribution from `low` to `high` with its peak at the mode value, and over the K seeds the draws
of a parameter fill its distribution evenly (a Latin hypercube). A draw's address is (parameter, first seed, K, k):
adding a parameter changes no other's draws.

How steady drawn baselines are is told by `upstream calibrate PLACE --draw-parameters [all]`: of 12 draws of everything,
12 kept acute demand within 10 % of its first year's for ten years (the furthest year 8 % off, in one town of 12,000
each, which has luck of its own). Not adapted to, 3 of 18 draws did not (the furthest 42 %).

Limits    Parameters are drawn apart from one another. Draws of published figures that contradict one another (more
          people in crisis than with serious need) are moved half way to the published values until they do not.
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
    """Values of the parameters for each seed. Those that are `fixed` stay as they are."""
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
    """The draw, with its figures nearer to the published ones as far as they would contradict one another."""
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
