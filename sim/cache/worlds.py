"""Settled worlds, kept on disk from one process to the next: nobody need wait twice for eight years to settle.

A world is kept under a digest of all that made it: the source, the solution, the place's neighbourhoods, people, seed.
A file tells its own digest, too: one that was cut short or changed is made anew. Files are written aside and put in
place whole, so that processes can share the folder; the longest unused go when it grows beyond `MOST` bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np

from sim.cache import files
from sim.calibration.calibrated_model import Calibrated
from sim.engine import jit
from sim.engine.tables import columns
from sim.place.place import Place
from sim.state.tables import TABLES, World
from sim.world.build import BURN_IN_MONTHS

FOLDER = jit.CACHE_ROOT / "worlds"
MOST = 1_000_000_000
"""Bytes that the folder may hold."""
ALIGNED = 64
DIGEST = 32


def settled(stem: str, calibrated: Calibrated, place: Place, people: int | None, seed: int) -> World:
    """A world of this place at its first reported month: from disk, or made and put there. `stem`: see `stem_of`."""
    path = FOLDER / f"{stem}-{seed}.world"
    world = _read(path)
    if world is None:
        world = calibrated.settled(place, people, seed)
        _write(world, path)
    return world


def stem_of(calibrated: Calibrated, place: Place, people: int | None) -> str:
    """A digest of all that the worlds of a place rest on, but for the seed."""
    told = hashlib.sha256(f"{jit.DIGEST} {np.__version__} {BURN_IN_MONTHS} {people}".encode())
    told.update(place.model_dump_json().encode())
    told.update(repr(place.neighbourhoods(people)).encode())
    for thing in (*calibrated.domains, *calibrated.services, *calibrated.params.values()):
        told.update(thing.model_dump_json().encode())
    for array in (*calibrated.solution, *calibrated.aims):
        told.update(f"{array.dtype} {array.shape}".encode())
        told.update(np.ascontiguousarray(array).tobytes())
    return told.hexdigest()[:40]


def _layout(shapes: dict[str, list[int]]) -> dict[str, tuple[int, int]]:
    """Where each column begins and how many numbers it has; the end under ''."""
    at, out = 0, {}
    for table, kind in TABLES.items():
        for column, what in columns(kind):
            name = f"{table}.{column}"
            count = int(np.prod(shapes[name], dtype=np.int64))
            out[name] = at, count
            at += -(-count * np.dtype(what.dtype).itemsize // ALIGNED) * ALIGNED
    return {**out, "": (at, 0)}


def _write(world: World, path: Path) -> None:
    shapes = {
        f"{table}.{column}": list(getattr(getattr(world, table), column).shape)
        for table, kind in TABLES.items()
        for column, _ in columns(kind)
    }
    layout = _layout(shapes)
    body = bytearray(layout[""][0])
    for name, (at, count) in layout.items():
        if count:
            table, column = name.split(".")
            array = getattr(getattr(world, table), column)
            body[at : at + array.nbytes] = array.tobytes()
    head = json.dumps(shapes).encode()
    head = len(head).to_bytes(8, "little") + head
    digest = hashlib.blake2b(head + body, digest_size=DIGEST).digest()
    files.put(path, lambda file: file.write(digest + head + body), MOST)


def _read(path: Path) -> World | None:
    """The world in a file, or None if there is none that can be relied on."""
    try:
        whole = memoryview(path.read_bytes())
        os.utime(path)
    except OSError:
        return None
    digest, rest = whole[:DIGEST], whole[DIGEST:]
    if hashlib.blake2b(rest, digest_size=DIGEST).digest() != digest:
        return None
    start = 8 + int.from_bytes(rest[:8], "little")
    shapes = json.loads(bytes(rest[8:start]))
    body = np.frombuffer(bytearray(rest[start:]), np.uint8)
    layout = _layout(shapes)

    def column(name: str, dtype: str) -> np.ndarray:
        at, count = layout[name]
        found: np.ndarray = body[at : at + count * np.dtype(dtype).itemsize].view(dtype).reshape(shapes[name])
        return found

    return World._make(
        kind(*(column(f"{table}.{name}", what.dtype) for name, what in columns(kind))) for table, kind in TABLES.items()
    )
