"""The exported file, run by PySD, beside the twin's own run. PySD is installed with the test tools only."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sim.twins.stock_flow.equations import run
from sim.twins.stock_flow.twin import Twin
from sim.twins.stock_flow.xmile import write


@contextmanager
def _unformatted() -> Iterator[None]:
    """While PySD leaves the code that it writes as it is: laying it out takes half of the time, for nobody to read."""
    import black

    lay_out = black.format_file_contents
    black.format_file_contents = lambda text, **_: text
    try:
        yield
    finally:
        black.format_file_contents = lay_out


def largest_difference(twin: Twin, folder: Path) -> float:
    """The largest difference of any stock in any month, over its largest value. PySD writes a file beside its own."""
    import pysd

    inside = Path(tempfile.mkdtemp(dir=folder, prefix="xmile-"))
    try:
        path = inside / "twin.xmile"
        names = write(twin, path).stocks
        with _unformatted():
            model = pysd.read_xmile(str(path))
        seen = model.run(return_columns=list(names.values()))
        _, own = run(twin.equations)
        worst = 0.0
        for k, key in enumerate(twin.equations.stocks):
            theirs = seen[names[key]].to_numpy(dtype=float)[1:]
            size = max(1e-9, float(np.abs(own[:, k]).max()), float(np.abs(theirs).max()))
            worst = max(worst, float(np.abs(theirs - own[:, k]).max()) / size)
        return worst
    finally:
        shutil.rmtree(inside, ignore_errors=True)
