"""Declaration of a column of state: type, axes, unit and meaning."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from sim.engine.tables import Column

A = npt.NDArray[Any]


def column(dtype: str, axes: str, unit: str, meaning: str) -> Any:
    """Declare a column of state.

    Parameters
    ----------
    dtype : str
        NumPy type, such as ``f4``.
    axes : str
        Names of the axes, separated by spaces: person (slots), domain, service, silo (budget holder), neighbourhood,
        level (0 well, 1 emerging, 2 serious, 3 crisis), quintile (0 = most deprived), band (age), and others.
    unit, meaning : str
        Unit and description, for the data dictionary.

    Returns
    -------
    Column
    """
    return Column(dtype, tuple(axes.split()), unit, meaning)


def monthly_count(dtype: str, axes: str, unit: str, meaning: str) -> Any:
    """Declare a column that counts events of a month: it starts at 0 each month.

    Parameters
    ----------
    dtype : str
        NumPy type, such as ``i4``.
    axes : str
        Names of the axes, separated by spaces, as for `column`.
    unit, meaning : str
        Unit and description, for the data dictionary.

    Returns
    -------
    Column
    """
    return Column(dtype, tuple(axes.split()), unit, meaning, monthly=True)
