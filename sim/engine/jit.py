"""Compile kernels: the only module that calls Numba's decorators.

Machine code is kept on disk by what each kernel depends on (`engine/code_cache.py`), so that an edit compiles what it
touches. Kernels release the interpreter lock, so the seeds of an ensemble run in parallel in threads. `fastmath` is
forbidden: the last bit of a result would depend on the machine.
"""

from __future__ import annotations

import hashlib
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core import cgutils
from numba.core.errors import NumbaError
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from sim.engine.code_cache import CodeCache, fingerprint, target
from sim.engine.verified_files import cache_folder
from sim.schema import extensions
from sim.schema.errors import InputError, Phrase, plain

F = TypeVar("F", bound=Callable[..., Any])
Int = int | np.int64
"""A whole number in a kernel: written as it is, or as the 64 bits that arrays count in."""

SOURCE = Path(__file__).parents[1]
OF_WORLDS = (
    "schema", "engine", "place", "state", "people", "services", "networks", "policies", "feedback", "scenario",
    "hazards.py", "world", "simulation", "calibration",
)  # fmt: skip
"""Parts of `sim` that a burned-in world, and a record of a run, depend on."""


def source_digest(further: str) -> str:
    """Digest of every Python file that worlds and records depend on; names the files of their caches.

    `further` is the digest of the code of extensions.
    """
    digest = hashlib.sha256()
    for path in sorted(SOURCE.rglob("*.py")):
        if path.relative_to(SOURCE).parts[0] in OF_WORLDS:
            digest.update(path.relative_to(SOURCE).as_posix().encode())
            digest.update(path.read_bytes())
    digest.update(further.encode())
    digest.update(numba.__version__.encode())
    return digest.hexdigest()[:16]


DIGEST = source_digest(extensions.code_digest())
PACKAGE_DIGEST = source_digest("") if extensions.code_digest() else DIGEST
"""The digest without extensions, for what is computed without them."""
FOLDER = cache_folder("compiled", 600_000_000, private=True)
"""Machine code, and lists of the files that a month needs. Code is loaded from here: nobody else may write in it."""
_compiled: list[Any] = []
"""Every function that a decorator of this module was given."""
_names: set[str] = set()
"""Names of the files of machine code that this process has loaded or saved."""
_warm = threading.Event()


def _list_name() -> str:
    """The name of the list of the files that hold the kernels of the month, as they stand, for this processor."""
    digest = hashlib.sha256(target(cpu_target.target_context).encode())
    for function in sorted(_compiled, key=lambda f: (f.__module__, f.__qualname__)):
        parts = function.__module__.split(".")
        if parts[0] == "sim" and parts[1] in OF_WORLDS and parts[1] != "policies":  # levers compile when they are moved
            digest.update(fingerprint(function).encode())
    return f"complete-{digest.hexdigest()}"


def is_warm() -> bool:
    """Whether the kernels of a month, as they stand, were compiled before: each file of machine code is proved."""
    if not _warm.is_set():
        names = FOLDER.get(_list_name(), lambda content: bytes(content).decode().splitlines())
        if names is not None and sum(FOLDER.is_sound(name) for name in names) == len(names):  # damaged: removed
            _warm.set()
    return _warm.is_set()


def mark_warm() -> None:
    """Note that all kernels of a month are compiled, and delete machine code unused for longest."""
    FOLDER.put(_list_name(), "\n".join(sorted(_names)).encode())
    FOLDER.limit()
    _warm.set()


def _cached(dispatcher: Any) -> Any:
    dispatcher._cache = CodeCache(dispatcher, FOLDER, _names)
    _compiled.append(dispatcher)
    return dispatcher


def kernel(function: F) -> F:
    """Compile a function of numbers, arrays and NamedTuples; `.py_func` is the same code uncompiled."""
    return cast(F, _cached(numba.njit(nogil=True, error_model="numpy")(function)))


def moment(function: F) -> F:
    """Compile a short function that keeps the interpreter lock.

    Releasing the lock and taking it again may cost a thread more than the function, when another thread holds it.
    """
    return cast(F, _cached(numba.njit(error_model="numpy")(function)))


def inlined(function: F) -> F:
    """Compile a short function of a hot loop, which is inlined where it is called."""
    return cast(F, _cached(numba.njit(nogil=True, error_model="numpy", forceinline=True)(function)))


def entry(function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """Return the machine code of a function for arguments of these types, to be called without a look-up of types.

    A month calls thirty kernels, most of them shorter than the look-up. A function that is not compiled is returned.
    """
    if not hasattr(function, "typeof_pyval"):
        return function
    return cast(Callable[..., Any], _compiled_for(function, tuple(map(function.typeof_pyval, arguments))))


def _compiled_for(dispatcher: Any, signature: tuple[Any, ...]) -> Any:
    """Compile a kernel for types of arguments; where that fails, name the file and the line of the kernel."""
    try:
        return dispatcher.compile(signature)
    except NumbaError as error:
        code = dispatcher.py_func.__code__
        at: Any = getattr(error, "loc", None)
        is_inside = getattr(at, "filename", None) == code.co_filename
        text = next((line for line in str(error).splitlines() if line and "pipeline" not in line), "an error")
        line = at.line if is_inside else code.co_firstlineno
        came = Phrase(plain(text, 200))
        raise InputError(code.co_filename, line, code.co_name, "a kernel that Numba compiles", came) from error


def pointer(function: Callable[..., Any], *arguments: Any) -> int:
    """Compile a kernel for arguments like these and return the address of its machine code.

    The kernel returns nothing. Its module keeps it alive, so the address stays valid.
    """
    dispatcher = cast(Any, function)
    signature = tuple(map(dispatcher.typeof_pyval, arguments))
    _compiled_for(dispatcher, signature)
    compiled = dispatcher.overloads[signature]
    if compiled.signature.return_type is not numba.types.none:
        raise TypeError(
            f"{dispatcher.py_func.__qualname__} returns {compiled.signature.return_type}; a kernel returns None"
        )
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))


@intrinsic
def _call(_typing: Any, address: Any, world: Any, parameters: Any, clock: Any) -> Any:
    """In compiled code: call the kernel at an address, and pass on what it raises."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        types_of = signature.args[1:]
        form = context.call_conv.get_function_type(numba.types.none, types_of)
        kernel_at = builder.inttoptr(values[0], form.as_pointer())
        status, _ = context.call_conv.call_function(builder, kernel_at, numba.types.none, types_of, values[1:])
        with cgutils.if_unlikely(builder, status.is_error):  # type: ignore[no-untyped-call]  # Numba's
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return numba.types.none(address, world, parameters, clock), code


def chain(count: int) -> Callable[..., Any]:
    """Make one compiled function that calls `count` kernels in order, for one part of a place after another.

    Threads that run side by side meet at each return to Python: hundreds of short kernels a month would spend as long
    waiting for one another as they run. The kernels are called by address, so that an edit of one compiles only it.

    Parameters
    ----------
    count : int
        Number of kernels.

    Returns
    -------
    compiled function
        `(world, addresses, kernels, parameters, clock)`: a handle whose type all parts share, the addresses of the
        parts' handles, those of the kernels (`pointer`), their parameters as a tuple, and the clock.
    """
    lines = [
        "from sim.engine.jit import _call, kernel",
        "from sim.engine.tables import at",
        "@kernel",
        "def run(world, addresses, kernels, parameters, clock):",
        "    for address in addresses:",
        "        part = at(world, address)",
        *(f"        _call(kernels[{k}], part, parameters[{k}], clock)" for k in range(count)),
    ]
    name = f"chain_of_{count}"
    with _chaining:
        if name not in sys.modules:  # Numba finds the function again by the name of its module
            module = types.ModuleType(name)
            exec(compile("\n".join(lines), f"<{name}>", "exec"), module.__dict__)
            sys.modules[name] = module
        return cast(Callable[..., Any], sys.modules[name].run)


_chaining = threading.Lock()
