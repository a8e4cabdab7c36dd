"""Runs of a baseline, kept on disk from one process to the next: what every policy is compared with.

A record is kept under a digest of all that made it: the source, what is recorded, the world it began from, the
scenario, what was left out. NumPy's archive has a checksum for each array: a file that was cut short or changed is
made anew. Files are written aside and put in place whole; the longest unused go when the folder grows beyond `MOST`.
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
"""Bytes that the folder may hold."""
SPOILT = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)
"""What reading a file that is missing, cut short or changed may raise."""


def stem_of(world: str, scenario: Scenario, disabled: Iterable[str]) -> str:
    """A digest of all that records of a scenario rest on, but for the seed. `world`: that of the worlds they are of."""
    told = hashlib.sha256(f"{world} {sorted(disabled)} {RECORDED} {RECORDED_BY_YEAR}".encode())
    told.update(scenario.model_dump_json(exclude={"expect", "stops", "label", "question", "reason", "shows"}).encode())
    return told.hexdigest()[:40]


def recalled(stem: str, seed: int, make: Callable[[], Record]) -> Record:
    """The record of this seed: from disk, or made and put there. `stem`: see `stem_of`."""
    path = FOLDER / f"{stem}-{seed}.npz"
    record = _read(path, seed)
    if record is None:
        record = make()
        _write(record, path)
    return record


def _read(path: Path, seed: int) -> Record | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            monthly = {name: kept[f"m.{name}"] for name in RECORDED}
            yearly = {name: kept[f"y.{name}"] for name in RECORDED_BY_YEAR}
        os.utime(path)
    except SPOILT:
        return None
    return Record(seed, monthly, yearly)


def _write(record: Record, path: Path) -> None:
    arrays: dict[str, Any] = {f"m.{name}": rows for name, rows in record.monthly.items()}
    arrays |= {f"y.{name}": rows for name, rows in record.yearly.items()}
    files.put(path, lambda file: np.savez(file, **arrays), MOST)
