"""The one place that compiles.

Numba's own cache looks only at the file a function stands in, so an edit elsewhere would leave old machine code in
use. Here the cache folder's name holds a digest of all of `sim`'s source: any edit is a new folder. Kernels release
the interpreter lock, so the seeds of an ensemble run side by side in threads. `fastmath` is forbidden: it would let
the last bit of a result depend on the machine.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
import platformdirs

F = TypeVar("F", bound=Callable[..., Any])
Int = int | np.int64
"""A whole number in a kernel: written as it is, or as the 64 bits that arrays count in."""

SOURCE = Path(__file__).parents[1]
NO_KERNELS = {
    "cli",
    "documents.py",
    "analysis.py",
    "drawing.py",
    "claims.py",
    "expectations.py",
    "experiments.py",
    "readings.py",
    "figures.py",
    "steadiness.py",
    "results.py",
    "outcomes.py",
    "place_tables.py",
    "inputs.py",
    "version.py",
}
"""Nothing here is compiled or read by what is: an edit need not compile the model anew."""


def source_digest() -> str:
    """A digest of every Python file of `sim` that kernels rest on: what the compiled code was made from."""
    digest = hashlib.sha256()
    for path in sorted(SOURCE.rglob("*.py")):
        if path.relative_to(SOURCE).parts[0] in NO_KERNELS:
            continue
        digest.update(path.relative_to(SOURCE).as_posix().encode())
        digest.update(path.read_bytes())
    digest.update(numba.__version__.encode())
    return digest.hexdigest()[:16]


DIGEST = source_digest()
CACHE_ROOT = Path(os.environ.get("UPSTREAM_CACHE") or platformdirs.user_cache_path("upstream"))
CACHE = CACHE_ROOT / f"compiled-{DIGEST}"
_WARM = CACHE / "complete"


def is_warm() -> bool:
    """Whether this source was compiled before on this machine."""
    return _WARM.exists()


def mark_warm() -> None:
    """Note that all kernels are compiled, and drop the machine code of older source."""
    CACHE.mkdir(parents=True, exist_ok=True)
    _WARM.touch()
    others = sorted(
        (p for p in CACHE_ROOT.glob("compiled-*") if p != CACHE), key=lambda p: p.stat().st_mtime, reverse=True
    )
    for old in others[4:]:
        shutil.rmtree(old, ignore_errors=True)


def kernel(function: F) -> F:
    """Compile a function of numbers, arrays and NamedTuples; `.py_func` is the same code uncompiled."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def entry(function: Callable[..., Any], *given: Any) -> Callable[..., Any]:
    """What calls a compiled function with arguments of these types, without asking each time which types they are.

    A month calls thirty kernels, most of them shorter than that question. A function that is not compiled is returned.
    """
    if not hasattr(function, "typeof_pyval"):
        return function
    return cast(Callable[..., Any], cast(Any, function).compile(tuple(map(function.typeof_pyval, given))))


CACHE.mkdir(parents=True, exist_ok=True)
CACHE.chmod(0o700)  # machine code is loaded from here: nobody else may write it
numba.config.CACHE_DIR = str(CACHE)  # type: ignore[attr-defined]  # Numba sets its settings while it is imported
