"""The numbers of a draw as inputs of equations: addresses, structural zeros and ones, and bounds.

All arrays of numbers on which a twin depends are laid end to end. The position in this *vector* is the address of an
input. A number that is 0 or 1 in several draws of all parameters is part of the structure: a literal of the equations,
which would otherwise have terms for every lever and service that do nothing. Every draw is checked against the literals
and against the signs of the inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.twins.stock_flow.balance import Unbalanced
from sim.twins.stock_flow.baseline import AgeBandBaseline
from sim.twins.stock_flow.cells import Constants
from sim.twins.stock_flow.symbolic import SMALLEST, Cells, cells, input_symbol

A = npt.NDArray[Any]
F = npt.NDArray[np.float64]
Arrays = Mapping[str, F]
"""Arrays of numbers by name."""
CODES = (
    "household",
    "service",
    "level",
    "domain",
    "above",
    "below",
    "instead",
    "of_domain",
    "door",
    "informal",
    "waits_for",
    "policy_group",
    "peers_of",
)
"""Constants of the flows that are codes, not quantities: the structure of the equations depends on them."""
QUANTITIES = tuple(name for name in Constants._fields if name not in CODES)
LITERALS = (0.0, 1.0)


def arrays_of(u: Unbalanced, bands: AgeBandBaseline, tables: Mapping[str, A], params: Mapping[str, Any]) -> Arrays:
    """The numbers of a draw by name.

    Parameters
    ----------
    u
        The baseline before it is balanced.
    bands
        The baseline by age band.
    tables
        Columns of the world by "table.column".
    params
        Compiled parameters by mechanism.
    """
    out: dict[str, F] = {f"constants.{name}": np.asarray(getattr(u.flows.c, name), float) for name in QUANTITIES}
    for name in ("need", "helped", "waiting", "people"):
        out[f"state.{name}"] = getattr(u.state, name)
    for name in ("crises", "visits", "queue"):
        out[f"published.{name}"] = getattr(u, name)
    out["published.room"] = u.conditions.room
    out["bands.people"] = bands.people
    out |= {f"params.{name}": np.array(x, float) for name, x in params.items()}
    out |= {f"tables.{name}": array for name, array in tables.items() if array.dtype == float}
    return out


class Layout(NamedTuple):
    """The order of the numbers of a draw in a vector, and what is known of them in all draws.

    Attributes
    ----------
    shapes
        Shape of each array by name, in order.
    literal
        Whether a number is part of the structure. Shape (number,).
    values
        The vector of the draw that is traced. Shape (number,).
    lowest
        Lower bound: `SMALLEST`, 0 or minus infinity. Shape (number,).
    """

    shapes: dict[str, tuple[int, ...]]
    literal: npt.NDArray[np.bool_]
    values: F
    lowest: F

    @classmethod
    def of(cls, probes: Sequence[Arrays]) -> Layout:
        """The layout for some draws; the first of them is traced."""
        shapes = {name: array.shape for name, array in probes[0].items()}
        vectors = np.array([vector_of(probe) for probe in probes])
        first, low = vectors[0], vectors.min(axis=0)
        literal = (vectors == first).all(axis=0) & np.isin(first, LITERALS)
        return cls(shapes, literal, first, np.where(low >= SMALLEST, SMALLEST, np.where(low >= 0.0, 0.0, -np.inf)))

    def widened(self, vector: F) -> Layout:
        """The layout that allows one more draw, which is traced."""
        low = np.where(vector >= SMALLEST, SMALLEST, np.where(vector >= 0.0, 0.0, -np.inf))
        literal = self.literal & (vector == self.values)
        return self._replace(literal=literal, values=vector, lowest=np.minimum(self.lowest, low))

    def allows(self, vector: F, used: npt.NDArray[np.intp]) -> bool:
        """Whether equations with these inputs hold for a draw, guards apart."""
        if vector.size != self.values.size:
            return False
        same = (vector[self.literal] == self.values[self.literal]).all()
        return bool(same and (vector[used] >= self.lowest[used]).all())

    def symbols(self) -> dict[str, Cells]:
        """The arrays with symbols of inputs in place of numbers that are not literals."""
        out, at = {}, 0
        for name, shape in self.shapes.items():
            size = int(np.prod(shape))
            array = np.empty(size, object)
            for k in range(size):
                value = float(self.values[at + k])
                array[k] = value if self.literal[at + k] else input_symbol(at + k, value, float(self.lowest[at + k]))
            out[name] = cells(array.reshape(shape))
            at += size
        return out


def vector_of(arrays: Arrays) -> F:
    """The numbers of a draw, end to end."""
    return np.concatenate([np.ravel(array) for array in arrays.values()])


def constants_of(arrays: Mapping[str, A], codes: Constants) -> Constants:
    """The constants of the flows from arrays, with the codes of other constants."""
    values: dict[str, Any] = {name: arrays[f"constants.{name}"] for name in QUANTITIES}
    return codes._replace(**{name: x if x.shape else x.item() for name, x in values.items()})
