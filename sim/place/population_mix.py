"""People of a place by age band and deprivation fifth, and the place that has England's mix of both."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.place.place import Place
from sim.schema.quantities import AGE_BANDS, QUINTILES

ENGLAND = "anytown"
"""Name of the place file with England's population mix."""


def population_mix(place: Place, people: int | None = None) -> npt.NDArray[np.float64]:
    """Count the people of a place by age band and deprivation fifth.

    Parameters
    ----------
    place : Place
        The place.
    people : int, optional
        Number of people; by default the population of the place.

    Returns
    -------
    ndarray of float64, shape (bands, fifths)
        Most deprived fifth first.
    """
    table = np.zeros((len(AGE_BANDS), QUINTILES))
    for n in place.neighbourhoods(people):
        table[:, n.quintile - 1] += n.ages
    return table
