"""Declaration of a column of state: type, axes, unit and meaning."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from sim.engine.tables import Column

A = npt.NDArray[Any]


def column(dtype: str, axes: str, unit: str, meaning: str) -> Any:
    """Declare a column.

    Parameters
    ----------
    dtype : str
        NumPy type, such as ``f4``.
    axes : str
        Names of the axes, separated by spaces: person (slots), domain, service, silo (budget holder), neighbourhood,
        level (0 well, 1 emerging, 2 serious, 3 crisis), quintile (0 = most deprived), band (age), and others.
    unit, meaning : str
    """
    return Column(dtype, tuple(axes.split()), unit, meaning)


def monthly_count(dtype: str, axes: str, unit: str, meaning: str) -> Any:
    """Declare a column that counts what happens in a month: it starts at 0 each month."""
    return Column(dtype, tuple(axes.split()), unit, meaning, monthly=True)
