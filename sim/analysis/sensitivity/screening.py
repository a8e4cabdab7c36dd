"""First stage of a study: which of hundreds of inputs lead, so that indices are computed for these."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

FEWEST, MOST = 15, 30
"""Fewest and most leading inputs, if there are so many."""
COVERED = 0.9
"""Part of the sum of estimated total indices that the leading inputs must reach, within these numbers."""


def leading(tables: Sequence[pd.DataFrame], fewest: int = FEWEST, most: int = MOST) -> list[str]:
    """Select the inputs that lead in the screening of some functions of the same inputs.

    Parameters
    ----------
    tables : sequence of pandas.DataFrame
        The screening of each function, as `elementary_effects` returns it.
    fewest, most : int
        Fewest and most inputs.

    Returns
    -------
    list of str
        Names, the largest share for any function first: as many as are needed for `COVERED` of the sum of shares of
        each function, within the limits.
    """
    shares = pd.DataFrame({k: table.set_index("name")["share"] for k, table in enumerate(tables)})
    ranked = shares.loc[shares.max(axis=1).sort_values(ascending=False, kind="stable").index]
    needed = int(np.searchsorted(ranked.cumsum().min(axis=1).to_numpy(), COVERED)) + 1
    number = min(len(ranked), max(fewest, min(most, needed)))
    return [str(name) for name in ranked.index[:number]]
