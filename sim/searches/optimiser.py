"""NSGA-II (Deb et al. 2002), by pymoo, asked for the mixes of one generation after another.

The state of the optimiser is a function of its seed and of what it was answered. So it is not stored: an interrupted
search asks a new optimiser for the same generations and answers them from the folder, and each mix that is asked for is
compared with the stored one. No stored object is executed, and a folder is read by any version that asks the same.

The first generation is a Latin hypercube of the ranges, moved to the same money, with the baseline in the place of its
first mix. Every later mix is moved to the same money too (`LeverSpace.projected`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.schema.errors import InputError, Phrase
from sim.searches.lever_space import LeverSpace

F = npt.NDArray[np.float64]
EXTRA = "the package pymoo: install Upstream with its extra, upstream-simulator[search]"


def require_pymoo() -> None:
    """Refuse to search without the package of the optimiser."""
    try:
        import pymoo  # noqa: F401
    except ImportError:
        raise InputError("search", None, "", EXTRA, Phrase("no such package")) from None


class Optimiser:
    """Mixes of one generation after another.

    Parameters
    ----------
    space : LeverSpace
        The levers.
    objectives, limits : int
        Numbers of objectives and of limits.
    population : int
        Mixes of a generation.
    seed : int
        Seed.
    """

    def __init__(self, space: LeverSpace, objectives: int, limits: int, population: int, seed: int) -> None:
        """Set up the algorithm with its first generation."""
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.core.problem import Problem
        from pymoo.core.repair import Repair
        from pymoo.core.termination import NoTermination
        from scipy.stats import qmc

        width = len(space.levers)

        class SameMoney(Repair):  # type: ignore[misc]  # a class of a package without types
            """Moves mixes to the same money."""

            def _do(self, _problem: Any, shares: F, **_settings: Any) -> F:
                return space.projected(shares)

        first = space.projected(qmc.LatinHypercube(d=width, rng=np.random.default_rng(seed)).random(population))
        if space.has_baseline:
            first[0] = space.shares_of_baseline
        self._problem = Problem(n_var=width, n_obj=objectives, n_ieq_constr=limits, xl=0.0, xu=1.0)
        self._algorithm = NSGA2(pop_size=population, sampling=first, repair=SameMoney(), seed=seed)
        self._algorithm.setup(self._problem, termination=NoTermination(), verbose=False)
        self._asked: Any = None

    def ask(self) -> F:
        """The mixes of the next generation, as shares of the ranges.

        Returns
        -------
        ndarray of float64, shape (mixes, levers)
            Fewer mixes than asked for, or none, if the levers allow no others.
        """
        self._asked = self._algorithm.ask()
        if self._asked is None:
            return np.empty((0, self._problem.n_var))
        return np.array(self._asked.get("X"), float)

    def answer(self, objectives: F, excesses: F) -> None:
        """Take the objectives of the mixes that were asked for, all to be small, and by how much they exceed limits."""
        from pymoo.core.evaluator import Evaluator as Assignment
        from pymoo.problems.static import StaticProblem

        settings = {"F": objectives} | ({"G": excesses} if excesses.shape[1] else {})
        Assignment().eval(StaticProblem(self._problem, **settings), self._asked)
        self._algorithm.tell(infills=self._asked)
