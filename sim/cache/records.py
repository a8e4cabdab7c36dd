"""On-disk cache of baseline runs, with which every policy is compared.

The key of a record is a digest of everything that determines it: the source code, the recorded quantities, the initial
world, the scenario, and the disabled mechanisms. A file is proved before it is used (`engine/verified_files.py`).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from sim.engine.verified_files import cache_folder
from sim.results.records import RECORDED, RECORDED_BY_YEAR, Record
from sim.scenario.scenario import Scenario

FOLDER = cache_folder("baselines", 500_000_000)


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
    name = f"{digest}-{seed}.record"
    record = FOLDER.get(name, lambda content: _decoded(content, seed))
    if record is None:
        record = make()
        FOLDER.put(name, _encoded(record))
        FOLDER.limit()
    return record


def _decoded(content: memoryview, seed: int) -> Record:
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        monthly = {name: stored[f"m.{name}"] for name in RECORDED}
        yearly = {name: stored[f"y.{name}"] for name in RECORDED_BY_YEAR}
    return Record(seed, monthly, yearly)


def _encoded(record: Record) -> memoryview:
    arrays: dict[str, Any] = {f"m.{name}": rows for name, rows in record.monthly.items()}
    arrays |= {f"y.{name}": rows for name, rows in record.yearly.items()}
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getbuffer()
