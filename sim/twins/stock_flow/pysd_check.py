"""Comparison of the exported file, run by PySD, with the twin's own run. PySD is installed with the test tools only."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sim.twins.stock_flow.tape import run_tape, tape_of
from sim.twins.stock_flow.twin import Twin
from sim.twins.stock_flow.xmile import write


@contextmanager
def _without_formatting() -> Iterator[None]:
    """Disable the formatting of the code that PySD generates, which takes half of the time."""
    import black

    formatter = black.format_file_contents
    black.format_file_contents = lambda text, **_: text
    try:
        yield
    finally:
        black.format_file_contents = formatter


def largest_difference(twin: Twin, folder: Path) -> float:
    """The largest difference between PySD and the twin, of any stock in any month, over the stock's largest value.

    Parameters
    ----------
    twin
        The twin.
    folder
        Folder for a temporary folder that holds the exported file and PySD's file.
    """
    import pysd

    working_folder = Path(tempfile.mkdtemp(dir=folder, prefix="xmile-"))
    try:
        path = working_folder / "twin.xmile"
        names = write(twin, path).stocks
        with _without_formatting():
            model = pysd.read_xmile(str(path))
        pysd_results = model.run(return_columns=list(names.values()))
        _, twin_results = run_tape(tape_of(twin.equations))
        worst = 0.0
        for k, key in enumerate(twin.equations.stocks):
            pysd_values = pysd_results[names[key]].to_numpy(dtype=float)[1:]
            size = max(1e-9, float(np.abs(twin_results[:, k]).max()), float(np.abs(pysd_values).max()))
            worst = max(worst, float(np.abs(pysd_values - twin_results[:, k]).max()) / size)
        return worst
    finally:
        shutil.rmtree(working_folder, ignore_errors=True)
