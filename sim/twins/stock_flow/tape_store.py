"""Equations with inputs: traced once, checked against each draw, and traced again only if a draw does not fit.

A `TracedTape` is a tape with the layout of its inputs. It holds for a draw if literals and signs are as they were when
it was traced, and every guard has the same outcome. A `TapeStore` has one or more of them for one structure.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.jit import DIGEST
from sim.engine.verified_files import cache_folder
from sim.twins.stock_flow import symbolic
from sim.twins.stock_flow.equations import Equations, OutputSlices, output_slices
from sim.twins.stock_flow.inputs import Arrays, Layout, vector_of
from sim.twins.stock_flow.tape import Tape, filled, holds, inputs_of, tape_of

F = npt.NDArray[np.float64]
FOLDER = cache_folder("twins", 300_000_000, private=True)
"""Traced equations. They are unpickled: nobody else may write in the folder."""
MOST_TAPES = 8
"""Number of tapes of a structure, for draws with different outcomes of guards."""


class TracedTape(NamedTuple):
    """A tape with the layout of its inputs."""

    tape: Tape
    layout: Layout
    used: npt.NDArray[np.intp]
    """Positions in the vector of a draw of the tape's inputs."""
    stocks: tuple[str, ...]
    series: tuple[str, ...]
    slices: OutputSlices

    def filled(self, vector: F) -> Tape | None:
        """The tape for a draw; None if the equations do not hold for it."""
        if not self.layout.allows(vector, self.used):
            return None
        tape = filled(self.tape, vector[self.used])
        return tape if holds(tape) else None


class TapeStore:
    """The tapes of one structure.

    Parameters
    ----------
    trace
        Traces equations for a layout of inputs.
    probes
        Draws of all parameters, which show what is structure; called only if nothing is stored.
    name
        What determines the equations, apart from the source code.
    """

    def __init__(self, trace: Callable[[Layout], Equations], probes: Callable[[], list[Arrays]], name: str):
        self._trace, self._probes = trace, probes
        self._key = hashlib.sha256(f"{_source_digest()} {name}".encode()).hexdigest()[:32]
        stored: list[TracedTape] | None = FOLDER.get(self._key, lambda content: pickle.loads(bytes(content)))
        self._tapes: list[TracedTape] = stored or []
        self.traced = 0
        """Number of times that equations were traced by this object."""

    def tape(self, arrays: Arrays) -> tuple[TracedTape, Tape]:
        """The tape for a draw, with its inputs; traced now if there is none.

        Parameters
        ----------
        arrays
            The numbers of the draw.
        """
        vector = vector_of(arrays)
        for k, traced in enumerate(self._tapes):
            tape = traced.filled(vector)
            if tape is not None:
                self._tapes.insert(0, self._tapes.pop(k))
                return traced, tape
        if self._tapes:
            layout = self._tapes[0].layout
            layout = layout.widened(vector)
        else:
            layout = Layout.of(self._probes()).widened(vector)
        traced = self._traced(layout)
        tape = traced.filled(vector)
        assert tape is not None, "equations hold for the draw from which they were traced"
        self._tapes = [traced, *self._tapes][:MOST_TAPES]
        FOLDER.put(self._key, pickle.dumps(self._tapes))
        FOLDER.limit()
        return traced, tape

    def _traced(self, layout: Layout) -> TracedTape:
        self.traced += 1
        e = self._trace(layout)
        used = np.array(inputs_of(e), np.intp)
        traced = TracedTape(tape_of(e), layout, used, tuple(e.stocks), tuple(e.values), output_slices(e))
        symbolic.clear()
        return traced


def _source_digest() -> str:
    digest = hashlib.sha256(DIGEST.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
