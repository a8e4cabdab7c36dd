"""A lever's path over time, read at a month and a neighbourhood."""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel


@kernel
def at(path: np.ndarray, month: Int, n: int) -> float:
    """The lever's value: that of neighbourhood n where the path has a column for each, else the last column's."""
    value: float = path[month, min(n, path.shape[1] - 1)]
    return value
