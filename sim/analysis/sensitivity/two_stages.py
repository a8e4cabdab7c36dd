"""Two stages of a study: Morris screening of all inputs, then Sobol' indices of the leading ones.

In the second stage the inputs that do not lead are sampled too, together as one group: the indices are shares of the
variance over all inputs, and the group has an index that shows how much the selection leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.sensitivity.indices import OTHERS, elementary_effects, screening_design, sobol_design, sobol_indices
from sim.analysis.sensitivity.inputs import Inputs
from sim.analysis.sensitivity.screening import leading
from sim.schema.errors import InputError, Phrase

F = npt.NDArray[np.float64]
LEAST_USABLE = 0.75
"""Part of the samples that must be evaluated; else the study is refused."""
Evaluate = Callable[[F, str], F]
"""From values of the inputs, shape (samples, inputs), and the name of the stage, to outputs, shape (samples, functions,
steps)."""

REACH = 2.0
"""Largest distance of an output from the median in indices, in half widths of the middle 95%."""


class SampleDesign(NamedTuple):
    """Size of a study.

    Attributes
    ----------
    trajectories : int
        Trajectories of the screening, each of one sample more than there are inputs.
    samples : int
        Base samples of the Sobol' design, a power of 2; each has two samples more than there are groups.
    seed : int
        Seed of the scrambling.
    screening_seed : int
        Seed of the trajectories.
    """

    trajectories: int
    samples: int
    seed: int = 0
    screening_seed: int = 0


class Indices(NamedTuple):
    """Indices of a study.

    Attributes
    ----------
    screening : list of pandas.DataFrame
        For each function, elementary effects of every input (`elementary_effects`).
    leaders : tuple of str
        The inputs that lead for any of the functions, in the order of the screening.
    indices : list of list of pandas.DataFrame
        For each function and step, indices of the leading inputs and of `OTHERS` (`sobol_indices`).
    outputs : ndarray of float64, shape (samples, functions, steps)
        Outputs of independent samples of all inputs, without outliers (`without_outliers`).
    evaluations, refused : int
        Number of samples, and of those that could not be evaluated.
    """

    screening: list[pd.DataFrame]
    leaders: tuple[str, ...]
    indices: list[list[pd.DataFrame]]
    outputs: F
    evaluations: int
    refused: int


def two_stages(inputs: Inputs, design: SampleDesign, evaluate: Evaluate, step: int = -1) -> Indices:
    """Screen all inputs, and compute Sobol' indices of the leading ones.

    Parameters
    ----------
    inputs : Inputs
        The inputs.
    design : SampleDesign
        Size of the study.
    evaluate : callable
        The functions, with outputs by step of time; NaN where a sample is refused.
    step : int
        The step for which inputs are screened.

    Returns
    -------
    Indices

    Raises
    ------
    InputError
        If more than a quarter of the samples are refused.
    """
    names = inputs.names
    trajectories = screening_design(names, design.trajectories, design.screening_seed)
    screened = evaluate(inputs.values(trajectories), "screening")
    _check_refused(screened)
    functions = range(screened.shape[1])
    effects = [elementary_effects(names, trajectories, screened[:, f, step], design.screening_seed) for f in functions]
    leaders = leading(effects)
    together = [name for name in names if name not in set(leaders)]
    groups = [*leaders, *([OTHERS] if together else [])]
    shares = np.empty((design.samples * (len(groups) + 2), len(names)))
    columns = [names.index(name) for name in (*leaders, *together)]
    shares[:, columns] = sobol_design(leaders, together, design.samples, design.seed)
    outputs = evaluate(inputs.values(shares), "Sobol' indices")
    _check_refused(outputs)
    steps = range(outputs.shape[2])
    within = without_outliers(outputs)
    indices = [[sobol_indices(groups, within[:, f, k], design.seed) for k in steps] for f in functions]
    blocks = within.reshape(design.samples, len(groups) + 2, *outputs.shape[1:])
    refused = sum(int(np.isnan(each[:, :, step]).any(axis=1).sum()) for each in (screened, outputs))
    independent = np.concatenate([blocks[:, 0], blocks[:, -1]])
    return Indices(effects, tuple(leaders), indices, independent, len(screened) + len(outputs), refused)


def without_outliers(outputs: F) -> F:
    """Replace outputs that lie far outside the middle 95% by the end of a wide range.

    In a few draws of a hundred the services of the stock-flow twin break down, and the difference is ten times as large
    as in others. Such draws would be nearly all of the variance, and its parts would be those of a few samples.

    Parameters
    ----------
    outputs : ndarray of float64, shape (samples, ...)
        Outputs; NaN where a sample is refused.

    Returns
    -------
    ndarray of float64, shape (samples, ...)
        Outputs at most `REACH` times half the width of their middle 95% from their median.
    """
    low, median, high = np.nanquantile(outputs, (0.025, 0.5, 0.975), axis=0)
    reach = REACH * (high - low) / 2.0
    limited: F = np.clip(outputs, median - reach, median + reach)
    return limited


def evaluations_of(inputs: int, design: SampleDesign, leaders: int) -> int:
    """Compute the number of samples of a study.

    Parameters
    ----------
    inputs : int
        Number of inputs.
    design : SampleDesign
        Size of the study.
    leaders : int
        Number of leading inputs.

    Returns
    -------
    int
    """
    groups = leaders + (inputs > leaders)
    return design.trajectories * (inputs + 1) + design.samples * (groups + 2)


def _check_refused(outputs: F) -> None:
    usable = float(np.isfinite(outputs).all(axis=(1, 2)).mean())
    if usable < LEAST_USABLE:
        wanted = f"at least {LEAST_USABLE:.0%} of the draws with a steady baseline"
        raise InputError("sensitivity", None, "", wanted, Phrase(f"{usable:.0%}; the others were refused"))


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Compute the rank correlation of two lists.

    Parameters
    ----------
    first, second : sequence of float
        Numbers of the same inputs.

    Returns
    -------
    float
    """
    from scipy import stats

    return float(stats.spearmanr(first, second).statistic)
