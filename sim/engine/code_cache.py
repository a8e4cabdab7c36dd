"""Machine code kept on disk, each function under a digest of everything its compilation depends on.

A compiled function depends on its bytecode and constants, on the values of the globals it reads, on every compiled
function it calls, on its argument types, on the processor, on the settings of the compiler and on the library versions.
The digest of all of these names the file. So an edit recompiles the functions that it changes, and their callers, and
nothing else; comments, docstrings and text recompile nothing. A file is proved before its content is unpickled, and a
damaged one is compiled again (`engine/verified_files.py`).
"""

from __future__ import annotations

import dis
import enum
import hashlib
import sys
import threading
import types as python_types
from functools import lru_cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core import config, serialize, sigutils, types
from numba.core.caching import CompileResultCacheImpl, NullCache

from sim.engine.verified_files import VerifiedFolder

Function = python_types.FunctionType
SUFFIX = ".code"
_GLOBAL_READS = {"LOAD_GLOBAL", "LOAD_NAME"}
_VERSIONS = (
    f"{sys.implementation.cache_tag} {sys.version_info[:3]} {numba.__version__} {llvmlite.__version__} {np.__version__}"
)
_COMPILER_SETTINGS = (
    "OPT", "BOUNDSCHECK", "LOOP_VECTORIZE", "SLP_VECTORIZE", "USING_SVML", "DEBUGINFO_DEFAULT",
    "EXTEND_VARIABLE_LIFETIMES", "ENABLE_PROFILING", "USE_LLVMLITE_MEMORY_MANAGER",
)  # fmt: skip
"""Settings of Numba, from its environment variables, that change machine code or what it is linked to."""
_INFRASTRUCTURE = ("tables.py", "code_cache.py", "prefetch.py", "thinning.py", "recorder.py", "jit.py")
"""Files of this folder that define types, intrinsics or overloads: machine code of every function depends on them."""


@lru_cache(maxsize=1)
def _base() -> str:
    digest = hashlib.sha256(_VERSIONS.encode())
    for name in _INFRASTRUCTURE:
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()


@lru_cache
def _file_digest(module: str) -> str:
    """The digest of a module's source file; the name alone for modules outside this project."""
    path = getattr(sys.modules.get(module), "__file__", None)
    if module.split(".", maxsplit=1)[0] != __name__.split(".")[0] or path is None:
        return module
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _describe_code(code: python_types.CodeType, digest: Any) -> set[str]:
    """Add bytecode and constants of a function to a digest; return the names that it reads as globals."""
    names = {step.argval for step in dis.get_instructions(code) if step.opname in _GLOBAL_READS}
    text = code.co_consts[0] if code.co_consts and isinstance(code.co_consts[0], str) else None
    digest.update(repr((code.co_code, code.co_varnames, code.co_names, code.co_freevars, code.co_argcount)).encode())
    for k, constant in enumerate(code.co_consts):
        if isinstance(constant, python_types.CodeType):
            names |= _describe_code(constant, digest)
        elif not (k == 0 and constant is text):  # a docstring compiles to nothing
            digest.update(repr((type(constant).__name__, constant)).encode())
    return names


_fingerprints: dict[Function, str] = {}
_fingerprint_lock = threading.RLock()


def fingerprint(function: Any) -> str:
    """Identify everything in the source that a function's machine code depends on.

    Parameters
    ----------
    function : function or compiled function

    Returns
    -------
    str
        64 hexadecimal digits: bytecode, constants, and (recursively) the functions and global values it refers to.
    """
    plain: Function = getattr(function, "py_func", function)
    with _fingerprint_lock:
        if plain not in _fingerprints:
            _fingerprints[plain] = f"recursive {plain.__module__}.{plain.__qualname__}"  # while it is being worked out
            digest = hashlib.sha256(_base().encode())
            digest.update(repr(getattr(function, "targetoptions", None)).encode())
            for name in sorted(_describe_code(plain.__code__, digest)):
                if name in plain.__globals__:
                    digest.update(f"{name}={_describe(plain.__globals__[name])};".encode())
            for cell in plain.__closure__ or ():
                digest.update(_describe(cell.cell_contents).encode())
            _fingerprints[plain] = digest.hexdigest()
        return _fingerprints[plain]


def _describe(value: Any) -> str:
    """Describe a global value so that equal descriptions compile to the same machine code."""
    if hasattr(value, "py_func"):
        return fingerprint(value)
    if isinstance(value, python_types.ModuleType):
        return _file_digest(value.__name__)
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    if isinstance(value, enum.Enum | np.generic | int | float | complex | str | bytes | bool | None):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, tuple | list):
        return f"{type(value).__name__}({', '.join(map(_describe, value))})"
    if isinstance(value, dict | set | frozenset):
        return f"{type(value).__name__} {sorted(map(repr, value.items() if isinstance(value, dict) else value))}"
    if isinstance(value, type) and hasattr(value, "_fields"):
        return f"{value.__qualname__} {value._fields}"
    module = getattr(value, "__module__", None) or type(value).__module__
    return f"{getattr(value, '__qualname__', type(value).__qualname__)} {_file_digest(module)}"


def _describe_type(kind: Any) -> str:
    """Describe an argument type; unlike `str`, with the names of a tuple's fields."""
    members = getattr(kind, "types", None) if isinstance(kind, types.BaseTuple) else None
    if members is None:
        return str(kind)
    if isinstance(kind, types.BaseNamedTuple):
        fields, name = getattr(kind, "fields", ()), getattr(kind, "instance_class", type(kind)).__name__
        pairs = zip(fields, members, strict=True)
        return f"{name}({', '.join(f'{field}: {_describe_type(t)}' for field, t in pairs)})"
    return f"({', '.join(map(_describe_type, members))})"


def target(context: Any) -> str:
    """Describe the processor, its features, the operating system and the settings of the compiler.

    Parameters
    ----------
    context : numba.core.cpu.CPUContext
        The context for which functions are compiled.

    Returns
    -------
    str
        Two machines that share a folder run the same machine code only if their descriptions are equal.
    """
    return repr((context.codegen().magic_tuple(), [getattr(config, name, None) for name in _COMPILER_SETTINGS]))


class CodeCache(NullCache):
    """Load and save the machine code of one function; Numba calls this object in place of its own cache.

    Parameters
    ----------
    dispatcher : compiled function
        The function.
    folder : VerifiedFolder
        The folder of its files.
    names : set of str
        Receives the name of each file that is loaded or saved.
    """

    def __init__(self, dispatcher: Any, folder: VerifiedFolder, names: set[str]) -> None:
        self._dispatcher, self._folder, self._names = dispatcher, folder, names
        self._form = CompileResultCacheImpl.__new__(CompileResultCacheImpl)  # only its conversions are used

    @property
    def cache_path(self) -> str:
        """The folder, as Numba asks for it."""
        return str(self._folder.path)

    def _name(self, signature: Any, context: Any) -> str:
        function = self._dispatcher.py_func
        digest = hashlib.sha256(fingerprint(self._dispatcher).encode())
        digest.update(target(context).encode())
        digest.update(", ".join(map(_describe_type, _arguments(signature))).encode())
        module = function.__module__.rsplit(".", 1)[-1]
        return f"{module}.{function.__name__}-{digest.hexdigest()}{SUFFIX}"

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The compiled function for argument types, or None if there is none that can be relied on."""
        context.refresh()

        def rebuilt(content: memoryview) -> Any:
            import pickle

            payload = pickle.loads(content)
            self._check(payload, signature)
            return self._form.rebuild(context, payload)  # type: ignore[no-untyped-call]  # Numba's

        name = self._name(signature, context)
        result = self._folder.get(name, rebuilt)
        if result is not None:
            self._names.add(name)
        return result

    def _check(self, payload: Any, signature: Any) -> None:
        """Refuse the machine code of another function, or for other arguments, before it is loaded."""
        _, description, _, compiled_for, *_ = payload
        function = self._dispatcher.py_func
        is_same = (description.modname, description.qualname) == (function.__module__, function.__qualname__)
        if not is_same or tuple(compiled_for.args) != _arguments(signature):
            raise ValueError("the machine code of another function")

    def save_overload(self, signature: Any, result: Any) -> None:
        """Store a compiled function. Where nothing can be written, nothing is stored."""
        if result.library.has_dynamic_globals or any(not lifted.can_cache for lifted in result.lifted):
            return
        name = self._name(signature, self._dispatcher.targetctx)
        self._names.add(name)
        self._folder.put(name, serialize.dumps(self._form.reduce(result)))  # type: ignore[no-untyped-call]  # Numba's


def _arguments(signature: Any) -> tuple[Any, ...]:
    """The argument types of a signature."""
    arguments, _ = sigutils.normalize_signature(signature)  # type: ignore[no-untyped-call]  # Numba's
    return tuple(arguments)
