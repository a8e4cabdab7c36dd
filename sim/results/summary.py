"""Summaries over seeds: mean, middle 95% of the runs, and the 95% interval of the mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import special

if TYPE_CHECKING:
    import pandas as pd

F = npt.NDArray[np.float64]
COVER = 0.95
"""Share of the seeds, or of the sampling distribution, that a band covers."""
BAND = ["mean", "q025", "q975"]
SUMMARY = [*BAND, "ci_low", "ci_high"]


def summary(values: F) -> dict[str, F]:
    """Summarise values over seeds.

    Parameters
    ----------
    values : ndarray of float64, shape (seeds, …)
        Values.

    Returns
    -------
    dict of str to ndarray of float64, shape (…)
        `mean`; `q025` and `q975`, the middle 95% of the seeds; `ci_low` and `ci_high`, the 95% interval of the mean by
        Student's t, NaN with one seed.

    Examples
    --------
    >>> {name: round(float(value), 2) for name, value in summary(np.array([1.0, 2.0, 3.0])).items()}
    {'mean': 2.0, 'q025': 1.05, 'q975': 2.95, 'ci_low': -0.48, 'ci_high': 4.48}
    """
    seeds = values.shape[0]
    mean = values.mean(axis=0)
    low, high = np.quantile(values, [(1 - COVER) / 2, (1 + COVER) / 2], axis=0)
    half = np.full_like(mean, np.nan)
    if seeds > 1:
        half = special.stdtrit(seeds - 1, (1 + COVER) / 2) * values.std(axis=0, ddof=1) / np.sqrt(seeds)
    return {"mean": mean, "q025": low, "q975": high, "ci_low": mean - half, "ci_high": mean + half}


def summarise(values: F) -> pd.DataFrame:
    """Summarise values over seeds as a table.

    Parameters
    ----------
    values : ndarray of float64, shape (seeds, time)
        Values.

    Returns
    -------
    pandas.DataFrame
        A row for each time, with the columns of `summary`.
    """
    import pandas as pd

    return pd.DataFrame(summary(values))
