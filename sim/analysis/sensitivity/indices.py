"""Designs of samples and the indices estimated from them, by SALib: Morris screening, and Sobol' indices.

A design is an array of shares, shape (samples, inputs). Its outputs are one number a sample; NaN marks a sample that
could not be evaluated.

Morris    Elementary effects (Morris 1991, Technometrics 33:161; Campolongo et al. 2007, Environ. Model. Softw.
          22:1509). The four levels are the middles of the quarters of each distribution: screening shows effects within
          the distributions, and not those of many parameters at the ends of their ranges at once. A step is half of a
          distribution.
Sobol'    First-order and total indices (Saltelli et al. 2010, Comput. Phys. Commun. 181:259) from a scrambled Sobol'
          sequence, with 95% intervals by bootstrap of the base samples. Further inputs can form a group, which
          has indices like a single input.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

F = npt.NDArray[np.float64]
LEVELS = 4
EDGE = 1.0 / (2 * LEVELS)
"""Share of the distribution below the lowest level of a screening, and above the highest."""
RESAMPLES = 500
"""Bootstrap samples of an interval."""
OTHERS = "all others"
"""Name of the group of inputs that have no index each."""
LEAST_ROWS = 8
"""Fewest base samples, and fewest steps of an input, from which indices are computed."""


def _problem(names: Sequence[str], low: float, high: float) -> dict[str, Any]:
    """The description of a design for SALib."""
    return {"num_vars": len(names), "names": list(names), "bounds": [[low, high]] * len(names)}


def screening_design(names: Sequence[str], trajectories: int, seed: int) -> F:
    """Make a Morris design: trajectories in which each step moves one input.

    Parameters
    ----------
    names : sequence of str
        Names of the inputs.
    trajectories : int
        Number of trajectories.
    seed : int
        Seed of the design.

    Returns
    -------
    ndarray of float64, shape (trajectories * (inputs + 1), inputs)
        Shares of the distributions.
    """
    from SALib.sample import morris

    problem = _problem(names, EDGE, 1.0 - EDGE)
    design: F = morris.sample(problem, trajectories, num_levels=LEVELS, seed=seed + 1)  # SALib reads 0 as no seed
    return design


def elementary_effects(names: Sequence[str], design: F, outputs: F, seed: int) -> pd.DataFrame:
    """Estimate the elementary effect of each input on an output, over half of its distribution.

    Parameters
    ----------
    names : sequence of str
        Names of the inputs.
    design : ndarray of float64, shape (trajectories * (inputs + 1), inputs)
        The design.
    outputs : ndarray of float64, shape (trajectories * (inputs + 1),)
        The output of each sample. A trajectory with a NaN is left out.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        A row for each input: `mu` (mean effect), `mu_star` (mean size), `mu_star_low`, `mu_star_high` (95% interval),
        `sigma` (standard deviation, of effects that depend on other inputs or are curved), and `share`: the part of
        the input in the sum of `mu_star`² + `sigma`², an estimate of its total index.
    """
    from SALib.analyze import morris

    size = len(names) + 1
    usable = np.isfinite(outputs.reshape(-1, size)).all(axis=1)
    rows = np.repeat(usable, size)
    problem = _problem(names, EDGE, 1.0 - EDGE)
    table = morris.analyze(
        problem, design[rows], outputs[rows], num_levels=LEVELS, num_resamples=RESAMPLES, seed=seed + 1
    )
    step = LEVELS / (2.0 * (LEVELS - 1.0))  # SALib divides by this; effects here are those of a complete step
    mu, star, error, sigma = (
        step * np.ma.filled(np.ma.asarray(table[name], float), 0.0)
        for name in ("mu", "mu_star", "mu_star_conf", "sigma")
    )
    sigma, error = np.nan_to_num(sigma), np.nan_to_num(error)
    size_squared = star**2 + sigma**2
    total = size_squared.sum()
    share = size_squared / total if total > 0.0 else np.zeros_like(size_squared)
    return pd.DataFrame(
        {"name": list(names), "mu": mu, "mu_star": star, "mu_star_low": np.maximum(0.0, star - error),
         "mu_star_high": star + error, "sigma": sigma, "share": share}
    )  # fmt: skip


def sobol_design(names: Sequence[str], together: Sequence[str], samples: int, seed: int) -> F:
    """Make a design for Sobol' indices of inputs, and of one group of further inputs.

    The inputs have a scrambled Sobol' sequence, of which the first dimensions are the most even. The group, which may
    have hundreds of inputs, has independent random numbers. A design with fewer samples is the beginning of one with
    more.

    Parameters
    ----------
    names : sequence of str
        The inputs that have an index each.
    together : sequence of str
        The inputs that form a group; none, or two and more.
    samples : int
        Number of base samples, a power of 2.
    seed : int
        Seed of the scrambling. Designs of different seeds are independent.

    Returns
    -------
    ndarray of float64, shape (samples * (indices + 2), names + together)
        Shares of the distributions. For each base sample: the sample, the sample with each input (and, last, the group)
        taken from a second sample, and the second sample.
    """
    from SALib.sample import sobol

    groups = [*names, *([OTHERS] if together else [])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SALib passes an argument that SciPy has renamed
        design: F = sobol.sample(_problem(groups, 0.0, 1.0), samples, calc_second_order=False, seed=seed + 1)
    if not together:
        return design
    pairs = np.random.default_rng([seed, len(together)]).random((samples, 2, len(together)))
    further = np.repeat(pairs[:, :1], len(groups) + 2, axis=1)
    further[:, -2:] = pairs[:, 1:]
    return np.concatenate([design[:, : len(names)], further.reshape(len(design), -1)], axis=1)


def sobol_indices(groups: Sequence[str], outputs: F, seed: int) -> pd.DataFrame:
    """Estimate first-order and total Sobol' indices of inputs.

    Parameters
    ----------
    groups : sequence of str
        The inputs, and `OTHERS` for the group, in the order of the design.
    outputs : ndarray of float64, shape (samples * (groups + 2),)
        The output of each sample. A base sample with a NaN is left out with all its samples.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        A row for each input or group: `name`, `first_order`, `first_order_low`, `first_order_high`, `total`,
        `total_low`, `total_high`. All are NaN if the output does not vary, or if too few base samples are left.
    """
    from SALib.analyze import sobol

    rows = outputs.reshape(-1, len(groups) + 2)
    rows = rows[np.isfinite(rows).all(axis=1)]
    out = pd.DataFrame({"name": list(groups)})
    figures = np.full((len(groups), 6), np.nan)
    if len(rows) >= LEAST_ROWS and np.ptp(rows) > 1e-9 * max(1e-300, float(np.abs(rows).max())):
        table = sobol.analyze(
            _problem(groups, 0.0, 1.0), rows.ravel(), calc_second_order=False, num_resamples=RESAMPLES, seed=seed + 1
        )
        for k, (name, error) in enumerate((("S1", "S1_conf"), ("ST", "ST_conf"))):
            figures[:, 3 * k] = table[name]
            figures[:, 3 * k + 1] = table[name] - table[error]
            figures[:, 3 * k + 2] = table[name] + table[error]
    columns = ("first_order", "first_order_low", "first_order_high", "total", "total_low", "total_high")
    out[list(columns)] = figures
    return out
