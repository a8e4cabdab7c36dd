"""Evaluations of a design, stored as they are made: the same design continues where it was interrupted.

A design is divided into parts of consecutive samples. The name of a stored part is a digest of everything that
determines its outputs: the model (its code, scenarios, place and calibration, as `context` states) and the samples
themselves. So a longer design, or the same design in another process, uses the parts that it shares.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from sim.analysis.sensitivity.workers import Model, evaluated
from sim.engine.verified_files import cache_folder
from sim.simulation.simulate import Progress

F = npt.NDArray[np.float64]
FOLDER = cache_folder("evaluations", 500_000_000)
PART = 32
"""Samples of a part: some seconds of the stock-flow twin."""


def evaluate(
    names: Sequence[str],
    samples: F,
    make: Callable[[], Model],
    context: str,
    *,
    workers: int = 1,
    progress: Progress | None = None,
    note: str = "",
) -> F:
    """Evaluate samples, except those that were evaluated before.

    Parameters
    ----------
    names : sequence of str
        Names of the inputs.
    samples : ndarray of float64, shape (samples, inputs)
        Values of the inputs.
    make : callable
        Makes the model. With several workers it is pickled, so it must be importable.
    context : str
        Everything else that determines the outputs, as text.
    workers : int
        Number of processes.
    progress : callable, optional
        Called with the number of samples done, the number of all, and `note`.
    note : str
        Name of the design.

    Returns
    -------
    ndarray of float64, shape (samples, ...)
        Outputs of the model; NaN where it refuses a sample.
    """
    parts = {k: samples[start : start + PART] for k, start in enumerate(range(0, len(samples), PART))}
    head = f"{context}\n{' '.join(names)}\n"
    files = {k: _file_name(head, values) for k, values in parts.items()}
    stored = {k: FOLDER.get(name, _decoded) for k, name in files.items()}
    outputs = {k: part for k, part in stored.items() if part is not None}
    done = sum(len(parts[k]) for k in outputs)

    def report() -> None:
        if progress is not None:
            progress(done, len(samples), note)

    report()
    for k, part in evaluated(make, {k: parts[k] for k in parts if k not in outputs}, workers):
        outputs[k] = part
        FOLDER.put(files[k], _encoded(part))
        done += len(parts[k])
        report()
    FOLDER.limit()
    return np.concatenate([outputs[k] for k in parts])


def _file_name(head: str, values: F) -> str:
    digest = hashlib.sha256(head.encode())
    digest.update(np.ascontiguousarray(values).tobytes())
    return f"{digest.hexdigest()[:40]}.evaluations"


def _encoded(outputs: F) -> memoryview:
    file = io.BytesIO()
    np.save(file, outputs)
    return file.getbuffer()


def _decoded(content: memoryview) -> F:
    out: F = np.load(io.BytesIO(content), allow_pickle=False)
    return out
