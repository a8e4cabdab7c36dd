"""The one place that compiles.

Numba's own cache looks only at the file a function stands in, so an edit elsewhere would leave old machine code in
use. Here the cache folder's name holds a digest of all of `sim`'s source: any edit is a new folder. Kernels release
the interpreter lock, so the seeds of an ensemble run side by side in threads. `fastmath` is forbidden: it would let
the last bit of a result depend on the machine.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
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
    "comparison.py",
    "kept_worlds.py",
    "kept_records.py",
    "kept_files.py",
    "compiling.py",
    "drawing.py",
    "alone.py",
    "claims.py",
    "expectations.py",
    "experiments.py",
    "readings.py",
    "figures.py",
    "steadiness.py",
    "stopping.py",
    "records.py",
    "results.py",
    "outcomes.py",
    "place_tables.py",
    "inputs.py",
    "version.py",
    "mesa_model",
    "stocks",
    "loop_map",
    "stories.py",
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


def moment(function: F) -> F:
    """The same for what takes a moment: it keeps the interpreter lock, as giving it back and taking it again may cost a
    thread more, when another holds it meanwhile."""
    return cast(F, numba.njit(cache=True, error_model="numpy")(function))


def inlined(function: F) -> F:
    """The same for a short function of a hot loop, which becomes part of wherever it is called."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)(function))


def entry(function: Callable[..., Any], *given: Any) -> Callable[..., Any]:
    """What calls a compiled function with arguments of these types, without asking each time which types they are.

    A month calls thirty kernels, most of them shorter than that question. A function that is not compiled is returned.
    """
    if not hasattr(function, "typeof_pyval"):
        return function
    return cast(Callable[..., Any], cast(Any, function).compile(tuple(map(function.typeof_pyval, given))))


def chain(functions: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    """One compiled function `(world, addresses, parameters of each, clock)` that calls these functions one after
    another, for one world after another: those whose handles have these addresses, and the type of the one given.

    Threads that run side by side meet at each return to Python: hundreds of short kernels a month would spend as long
    waiting for one another as they run. The chain's source is written beside the compiled code, so that it is compiled
    once for this source and no more.
    """
    plain = [function.py_func for function in functions]  # type: ignore[attr-defined]  # compiled functions have it
    lines = [
        '"""Written by sim/engine/jit.py: the kernels of a stretch of the month, in order."""',
        "from sim.engine.tables import at",
        "from sim.engine.jit import kernel",
        *(f"from {f.__module__} import {f.__name__} as _{k}" for k, f in enumerate(plain)),
        "@kernel",
        "def run(world, addresses, given, clock):",
        "    for address in addresses:",
        "        each = at(world, address)",
        *(f"        _{k}(each, given[{k}], clock)" for k in range(len(plain))),
    ]
    text = "\n".join(lines) + "\n"
    name = f"chain_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    path = CACHE / f"{name}.py"
    with _chaining:
        if name in sys.modules:
            return cast(Callable[..., Any], sys.modules[name].run)
        if not path.exists() or path.read_text() != text:
            temporary = path.with_suffix(f".{os.getpid()}.part")
            temporary.write_text(text)
            temporary.replace(path)
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return cast(Callable[..., Any], module.run)


_chaining = threading.Lock()
CACHE.mkdir(parents=True, exist_ok=True)
CACHE.chmod(0o700)  # machine code is loaded from here: nobody else may write it
numba.config.CACHE_DIR = str(CACHE)  # type: ignore[attr-defined]  # Numba sets its settings while it is imported
