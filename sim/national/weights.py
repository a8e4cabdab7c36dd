"""From simulated people to the people of the nation: exact weights, and whole numbers that add up.

Claim     Each simulated person of authority a stands for population[a] / simulated[a] people, a fraction without
          rounding error. Counts of an authority (its people, episodes, pence) are multiplied by it: the sum over all
          cells is rounded to the nearest whole number, and the cells to whole numbers with that sum, by largest
          remainder. Totals of the nation are sums of these whole numbers.
Limits    The sum over authorities differs from the exact fraction by at most half a unit for each authority.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
LARGEST = 2**63 - 1


class Weight(NamedTuple):
    """How many people a simulated person of an authority stands for.

    Attributes
    ----------
    population : int
        People of the authority.
    simulated : int
        Simulated people at the start.
    """

    population: int
    simulated: int

    @property
    def exact(self) -> Fraction:
        """The weight as a fraction."""
        return Fraction(self.population, self.simulated)

    def of(self, cells: I64) -> I64:
        """Scale counts to the people of the authority.

        Parameters
        ----------
        cells : ndarray of int64
            Counts of simulated people, episodes or pence, not negative.

        Returns
        -------
        ndarray of int64, same shape
            Whole numbers; their sum is that of the counts times the weight, rounded to the nearest (half up).

        Examples
        --------
        >>> Weight(50, 3).of(np.array([1, 1, 1, 0])).tolist()
        [17, 17, 16, 0]
        """
        flat = np.asarray(cells, np.int64).ravel()
        if flat.size and int(flat.min()) < 0:
            raise ValueError("a count that is not negative")
        if int(flat.sum()) * self.population > LARGEST // 2:
            raise OverflowError("a count that does not fit into 64 bits")
        down, rest = np.divmod(flat * self.population, self.simulated)
        total = (2 * int(flat.sum()) * self.population + self.simulated) // (2 * self.simulated)
        out = down.copy()
        out[np.argsort(-rest, kind="stable")[: total - int(down.sum())]] += 1
        return out.reshape(np.shape(cells))
