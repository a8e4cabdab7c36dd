"""On-disk cache of baseline runs, with which every policy is compared.

The key of a record is a digest of everything that determines it: the source code, the recorded quantities, the initial
world, the scenario, and the disabled mechanisms. NumPy's archive has a checksum for each array: a truncated or changed
file is computed again. Files are written atomically. The least recently used files are deleted when the folder grows
beyond `MOST` bytes.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from sim.cache import files
from sim.engine import jit
from sim.results.records import RECORDED, RECORDED_BY_YEAR, Record
from sim.scenario.scenario import Scenario

FOLDER = jit.CACHE_ROOT / "baselines"
MOST = 500_000_000
"""Largest size of the folder in bytes."""
READ_ERRORS = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)
"""Exceptions that reading a missing, truncated or changed file can raise."""


def digest_of(world: str, scenario: Scenario, disabled: Iterable[str]) -> str:
    """A digest of everything that determines the records of a scenario, except the seed.

    Parameters
    ----------
    world : str
        Digest of the initial worlds (sim.cache.worlds.digest_of).
    scenario : Scenario
        The scenario.
    disabled : iterable of str
        Names of the disabled mechanisms or loops.

    Returns
    -------
    str
        A hexadecimal digest.
    """
    digest = hashlib.sha256(f"{world} {sorted(disabled)} {RECORDED} {RECORDED_BY_YEAR}".encode())
    digest.update(
        scenario.model_dump_json(exclude={"expect", "stops", "label", "question", "reason", "shows"}).encode()
    )
    return digest.hexdigest()[:40]


def cached_record(digest: str, seed: int, make: Callable[[], Record]) -> Record:
    """The record of a seed, from the cache or computed now.

    Parameters
    ----------
    digest : str
        See `digest_of`.
    seed : int
        The seed.
    make : callable
        Computes the record if the cache does not have it.

    Returns
    -------
    Record
        The record.
    """
    path = FOLDER / f"{digest}-{seed}.npz"
    record = _read(path, seed)
    if record is None:
        record = make()
        _write(record, path)
    return record


def _read(path: Path, seed: int) -> Record | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            monthly = {name: stored[f"m.{name}"] for name in RECORDED}
            yearly = {name: stored[f"y.{name}"] for name in RECORDED_BY_YEAR}
        os.utime(path)
    except READ_ERRORS:
        return None
    return Record(seed, monthly, yearly)


def _write(record: Record, path: Path) -> None:
    arrays: dict[str, Any] = {f"m.{name}": rows for name, rows in record.monthly.items()}
    arrays |= {f"y.{name}": rows for name, rows in record.yearly.items()}
    files.store(path, lambda file: np.savez(file, **arrays), MOST)
