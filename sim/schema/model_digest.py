"""A digest of the model: results of two versions of the code are never mixed without a word."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from sim.schema import extensions

SOURCE = Path(__file__).parents[1]
MATTERS = (".py", ".toml", ".npz")
WITHOUT = ("cli", "assurance", "report")
"""Folders on which no result depends."""


@lru_cache(maxsize=1)
def model_digest() -> str:
    """Compute a digest of the model: its code and its figures, without the command line, the logs and the report.

    The files of extensions in use (sim/schema/extensions.py) are part of the model.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for path in sorted(SOURCE.rglob("*")):
        inside = path.relative_to(SOURCE)
        if path.suffix in MATTERS and inside.parts[0] not in WITHOUT:
            digest.update(inside.as_posix().encode())
            digest.update(path.read_bytes())
    digest.update(extensions.digest().encode())
    return digest.hexdigest()
