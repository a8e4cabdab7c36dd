"""Damage to the files that the program writes for itself: bit flips, truncations, and other things in their place.

`python tests/damage.py --flips 3000 --truncations 300` damages a file of each kind so often and prints the counts.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
from numba.core.registry import cpu_target
from strategies import calibrated

from sim import hazards
from sim.cache import records, worlds
from sim.calibration import calibrate
from sim.engine import jit, verified_files
from sim.engine.code_cache import CodeCache
from sim.engine.verified_files import VerifiedFolder
from sim.ensemble import batch
from sim.place.place import Place
from sim.scenario.scenario import Scenario
from sim.simulation.simulate import run_months
from sim.state.world import World, all_tables

PEOPLE = 1_500
BASELINE = Scenario.load("baseline").with_settings(people=PEOPLE, years=1)


class StoredFile(NamedTuple):
    """A file of one kind: where it is, and how the program reads it."""

    path: Path
    read: Callable[[], Any]
    """Returns the content as an object, or None if it is to be computed again."""


def arrays_of(content: Any) -> list[np.ndarray]:
    """The numbers in what was read, to be compared with those of the original."""
    if content is None:
        return []
    if isinstance(content, records.Record):
        return [*content.monthly.values(), *content.yearly.values()]
    if isinstance(content, dict):
        return list(content.values())
    if isinstance(content, hazards.Solution):
        return list(content)
    if isinstance(content, batch._Result):
        return [np.array(content.seeds), *content.values.values()]
    if isinstance(content, World):
        return [array for _, table in content.tables() for array in table]
    return [np.array(content)]


def stored_files(folder: Path, seed: int = 0) -> dict[str, StoredFile]:
    """A file of each kind, written by the program to a folder."""
    place = Place.load("anytown")
    world = calibrated().burned_in_world(place, PEOPLE, seed)
    out = {}

    def add(kind: str, files: VerifiedFolder, name: str, decode: Callable[[memoryview], Any]) -> None:
        out[kind] = StoredFile(files.path / name, lambda: files.get(name, decode))

    files = VerifiedFolder(folder / "worlds", "worlds")
    files.put("town.world", *worlds.encoded_tables(world, all_tables()))
    add("world", files, "town.world", worlds._decoded)

    files = VerifiedFolder(folder / "baselines", "baselines")
    files.put("town.record", records._encoded(run_months(world, BASELINE, BASELINE.params(), seed)))
    add("record", files, "town.record", lambda content: records._decoded(content, seed))

    solved = VerifiedFolder(folder / "solved", "solved")
    solution = calibrate.solution_for(BASELINE).solution
    solved.put("town.solution", hazards.encoded_solution(solution, "town"))
    add("solution", solved, "town.solution", calibrate._decoded)

    readings = batch.Readings(folder=folder)
    readings.ask(BASELINE, batch.Setting((0, 1)), [("acute_demand", {}), ("deaths", {})])
    ((run, request),) = readings._requests.items()
    values = np.random.default_rng(seed).normal(700.0, 30.0, (2, 1))
    readings._results[run] = batch._Result((0, 1), dict.fromkeys(request.readings, values))
    readings._store(run)
    out["stored run"] = StoredFile(folder / "runs" / f"{run}.json", lambda: readings._stored(run))

    code = VerifiedFolder(folder / "compiled", "compiled")
    names: set[str] = set()
    function = numba.njit(_double)
    function._cache = CodeCache(function, code, names)
    assert function(2.5) == 5.0
    (signature,) = function.overloads
    (name,) = names

    def load() -> Any:
        cached = function._cache.load_overload(signature, cpu_target.target_context)
        return None if cached is None else cached.entry_point(2.5)

    out["machine code"] = StoredFile(folder / "compiled" / name, load)
    code.put("complete-list", b"\n".join(name.encode() for name in sorted(jit._names)))
    add("list of machine code", code, "complete-list", lambda content: len(bytes(content).decode().splitlines()))
    return out


def _double(x: float) -> float:
    return 2.0 * x


def flips(content: bytes, count: int, seed: int) -> Iterator[bytes]:
    """The content with one bit flipped, so many times; every third flip is in the first 1,000 bytes."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        spoilt = bytearray(content)
        spoilt[rng.integers(min(1_000, len(content)) if k % 3 == 0 else len(content))] ^= 1 << int(rng.integers(8))
        yield bytes(spoilt)


def truncations(content: bytes, count: int, seed: int) -> Iterator[bytes]:
    """The content cut short at so many places; the first file is empty."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        yield content[: int(rng.integers(len(content))) if k else 0]


def outcomes(file: StoredFile, contents: Iterator[bytes]) -> Counter[str]:
    """Read each damaged content in place of the file, and count the outcomes; the file is restored."""
    original = file.path.read_bytes()
    right = arrays_of(file.read())
    assert right
    out: Counter[str] = Counter()
    for content in contents:
        file.path.write_bytes(content)
        try:
            result = file.read()
        except Exception as error:  # noqa: BLE001  # any exception is an outcome
            out[type(error).__name__] += 1
            continue
        if result is None:
            out["removed" if not file.path.exists() else "not removed"] += 1
        else:
            same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(arrays_of(result), right, strict=True))
            out["unchanged" if same else "WRONG"] += 1
    file.path.write_bytes(original)
    return out


def replaced(path: Path, other: Path) -> Iterator[str]:
    """Put other things in place of a file, one after another, and yield the name of each."""
    content = path.read_bytes()
    things: dict[str, Callable[[], Any]] = {
        "empty file": lambda: path.write_bytes(b""),
        "noise": lambda: path.write_bytes(np.random.default_rng(0).bytes(len(content))),
        "content twice": lambda: path.write_bytes(content + content),
        "longer by one byte": lambda: path.write_bytes(content + b"\0"),
        "another file of the folder": lambda: path.write_bytes(other.read_bytes()),
        "empty folder": path.mkdir,
        "folder with files": lambda: (path / "in").mkdir(parents=True) or (path / "in" / "file").write_text("x"),
        "symbolic link to a sound file": lambda: path.symlink_to(other),
        "symbolic link to nothing": lambda: path.symlink_to(path.parent / "nothing"),
        "symbolic link to itself": lambda: path.symlink_to(path),
        "symbolic link to noise without end": lambda: path.symlink_to("/dev/zero"),
        "pipe": lambda: os.mkfifo(path),
    }
    for name, make in things.items():
        verified_files._delete(path)
        make()
        yield name
    verified_files._delete(path)
    path.write_bytes(content)


def main() -> None:
    """Damage a file of each kind, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=3_000)
    parser.add_argument("--truncations", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = stored_files(Path(folder), options.seed)
        for kind, file in files.items():
            content = file.path.read_bytes()
            with contextlib.redirect_stderr(None):
                flipped = outcomes(file, flips(content, options.flips, options.seed))
                cut = outcomes(file, truncations(content, options.truncations, options.seed))
            print(f"{kind}, {len(content):,} bytes: {options.flips} flips: {dict(flipped)}; "
                  f"{options.truncations} truncations: {dict(cut)}", flush=True)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
