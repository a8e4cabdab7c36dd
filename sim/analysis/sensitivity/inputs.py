"""The uncertain inputs of a study: their names, and the quantile function of each.

A design is made in shares of the distributions, 0 to 1, and turned into values by the quantile functions. So the
parameters of the model and the inputs of a function with known indices take the same path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.ensemble.parameter_sampling import quantiles
from sim.scenario.parameters import Parameter

F = npt.NDArray[np.float64]


class Inputs(NamedTuple):
    """Uncertain inputs, which are independent of each other.

    Attributes
    ----------
    names : tuple of str
        Name of each input.
    values : callable
        Quantile functions: from shares of the distributions, shape (samples, inputs), to values of the same shape.
    """

    names: tuple[str, ...]
    values: Callable[[F], F]


def parameter_inputs(known: Mapping[str, Parameter]) -> Inputs:
    """Make inputs of parameters, with the distributions from which ensembles sample them.

    Parameters
    ----------
    known : mapping of str to Parameter
        The parameters, by dotted name.

    Returns
    -------
    Inputs
    """
    ends = np.array([(p.spec.low, p.value, p.spec.high) for p in known.values()], float).reshape(-1, 3)
    low, mode, high = ends.T
    return Inputs(tuple(known), lambda shares: quantiles(shares, low, mode, high))
