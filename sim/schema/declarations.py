"""Errors of declarations written in Python: the file, the line and the choices, before anything is compiled.

A lever, a mechanism and its parameters are declared in Python files. Whatever is wrong there is reported in the form
that errors of input files have (`InputError`).
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
import traceback
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from pydantic import ValidationError

from sim.schema import extensions
from sim.schema.errors import NOTHING, InputError, Phrase


def line_of(file: str | Path, pattern: str) -> int | None:
    """Find the first line of a file that a regular expression matches.

    Parameters
    ----------
    file : str or Path
        The file.
    pattern : str
        Regular expression, searched in each line.

    Returns
    -------
    int or None
        Number of the line, counted from 1; None if there is none or the file cannot be read.
    """
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        return None
    return next((k for k, line in enumerate(lines, 1) if re.search(pattern, line)), None)


def declared_modules(package: ModuleType) -> tuple[str, ...]:
    """List the modules of a package that declare levers or mechanisms, with those of extensions in use.

    Parameters
    ----------
    package : module
        One of the packages of `sim.schema.extensions.PACKAGES`. The folders of extensions become part of it.

    Returns
    -------
    tuple of str
        Dotted names.
    """
    name = package.__name__.rsplit(".", 1)[-1]
    for extension in extensions.active():
        folder = str(extension.folder / name)
        if folder not in package.__path__:
            package.__path__.append(folder)
    stems = (info.name for info in pkgutil.iter_modules(package.__path__))
    return tuple(f"{package.__name__}.{stem}" for stem in stems if not stem.startswith("_"))


def import_declaration(name: str) -> ModuleType:
    """Import a module that declares a lever or mechanisms.

    Parameters
    ----------
    name : str
        Dotted name, such as ``sim.policies.pay``.

    Raises
    ------
    InputError
        If the file cannot be executed or declares something that is not allowed.
    """
    try:
        return importlib.import_module(name)
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        spec = find_spec(name)
        file = spec.origin if spec is not None and spec.origin else name
        raise _described(error, file) from error


def import_file(path: Path) -> ModuleType:
    """Import a file of an extension that is in no package, once in a process.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    InputError
        If the file cannot be executed or declares something that is not allowed.
    """
    name = f"upstream_extension_{path.parent.name}_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # a Python file has both
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, InputError) or not isinstance(error, Exception | SystemExit):
            raise
        raise _described(error, str(path)) from error
    return module


def _described(error: BaseException, file: str) -> InputError:
    """An error of a declaration as an InputError, with the line at fault where it can be found."""
    raised_at = next((f.lineno for f in reversed(traceback.extract_tb(sys.exc_info()[2])) if f.filename == file), None)
    if isinstance(error, ValidationError):
        problems = error.errors()
        first = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])  # most likely a misspelling
        key = str(first["loc"][0]) if first["loc"] else error.title
        line = line_of(file, rf"^\s+{re.escape(key)}\s*[=:]") or raised_at
        choices = re.findall(r"'([^']*)'", str(first.get("ctx", {}).get("expected", "")))
        missing = first["type"] == "missing"
        wanted = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        if first["type"] == "extra_forbidden":
            missing_keys = [str(p["loc"][0]) for p in problems if p["type"] == "missing"]
            return InputError(file, line, error.title, "a key of the declaration", key, missing_keys)
        wanted = "one of these" if choices else f"{key}, which is missing" if missing else wanted
        further = error.error_count() - 1
        return InputError(
            file, line, f"{error.title}.{key}", wanted, NOTHING if missing else first["input"], choices, further
        )
    if isinstance(error, SyntaxError):
        return InputError(file, error.lineno, "", "Python source", Phrase(str(error.msg)))
    return InputError(file, raised_at, "", Phrase(str(error)), Phrase(type(error).__name__))
