"""The origin of results: the versions of the model and of the libraries that its numbers depend on, and the machine."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib import metadata
from typing import Any, NamedTuple

from sim.schema import extensions
from sim.schema.model_digest import model_digest
from sim.schema.version import VERSION

LIBRARIES = ("numpy", "numba", "scipy")


class Origin(NamedTuple):
    """Versions with which results were made, and the machine.

    Attributes
    ----------
    versions : dict of str to str
        Version of Upstream, digest of the model, SHA-256 of each extension in use (``extension NAME``), and versions of
        Python's numerical libraries. Results of different versions are not put together.
    machine : dict
        System, processor, number of cores and version of Python.
    """

    versions: dict[str, str]
    machine: dict[str, Any]

    @property
    def extensions(self) -> dict[str, str]:
        """SHA-256 of each extension with which the results were made, by the name of the extension."""
        prefix = extensions.VERSION_PREFIX
        return {key.removeprefix(prefix): sha for key, sha in self.versions.items() if key.startswith(prefix)}


@cache
def present_origin() -> Origin:
    """Return the origin of results that this process makes."""
    versions = {"upstream": VERSION, "model": model_digest()}
    versions |= extensions.versions()
    versions |= {name: metadata.version(name) for name in LIBRARIES}
    machine = {
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    return Origin(versions, machine)
