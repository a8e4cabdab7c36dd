"""Scores of inputs: how much of a difference each input explains, whatever the shape of the dependence.

Extra trees (Geurts et al. 2006, Mach. Learn. 63:3), by EMA Workbench and scikit-learn. Some columns of random numbers
are scored too: an input whose score is not above the largest of theirs is not distinguishable from chance.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

F = npt.NDArray[np.float64]
NOISE = "random numbers"
"""Name of the columns of random numbers."""
COLUMNS = 5
"""Number of these columns."""
MOST_INPUTS = 20
"""Largest number of inputs among which a box is searched; of more, those whose ranks go with the cases most."""


class FeatureScore(NamedTuple):
    """The score of an input.

    Attributes
    ----------
    name : str
        The input.
    score : float
        Part of the explained variance of the difference; with those of random numbers, scores add up to 1.
    above_chance : bool
        Whether the score is above those of random numbers.
    """

    name: str
    score: float
    above_chance: bool


def feature_scores(inputs: pd.DataFrame, values: F, seed: int) -> list[FeatureScore]:
    """Score inputs.

    Parameters
    ----------
    inputs : pandas.DataFrame
        A row for each point, a column for each input.
    values : ndarray of float64, shape (points,)
        The differences.
    seed : int
        Seed of the trees and of the random numbers.

    Returns
    -------
    list of FeatureScore
        The largest first.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # EMA Workbench names its optional packages
        from ema_workbench.analysis import RuleInductionType, get_ex_feature_scores

        rng = np.random.default_rng(seed)
        x = inputs.assign(**{f"{NOISE} {k}": rng.random(len(inputs)) for k in range(COLUMNS)})
        table, _ = get_ex_feature_scores(x, values, mode=RuleInductionType.REGRESSION, random_state=seed)
    scores = {str(name): float(score) for name, score in table.iloc[:, 0].items()}
    noise = max(scores.pop(f"{NOISE} {k}") for k in range(COLUMNS))
    return [FeatureScore(name, score, score > noise) for name, score in scores.items()]


def leading(inputs: pd.DataFrame, cases: npt.NDArray[np.bool_]) -> list[str]:
    """Choose the inputs among which a box is searched.

    Parameters
    ----------
    inputs : pandas.DataFrame
        A row for each point, a column for each input.
    cases : ndarray of bool, shape (points,)
        Whether each point is of interest.

    Returns
    -------
    list of str
        All inputs that vary; of more than `MOST_INPUTS`, those whose rank correlation with the cases is largest.
    """
    names = [str(name) for name in inputs.columns if inputs[name].nunique() > 1]
    if len(names) <= MOST_INPUTS:
        return names
    numbers = [name for name in names if inputs[name].dtype.kind == "f"]
    ranks = inputs[numbers].rank().to_numpy(float)
    ranks = (ranks - ranks.mean(axis=0)) / ranks.std(axis=0)
    strength = dict(zip(numbers, np.abs(ranks.T @ (cases - cases.mean())), strict=True))
    others = [name for name in names if name not in strength]
    top = sorted(numbers, key=lambda name: -strength[name])[: MOST_INPUTS - len(others)]
    chosen = {*others, *top}
    return [name for name in names if name in chosen]
