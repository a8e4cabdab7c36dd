"""On-disk cache of burned-in worlds, keyed by everything that determines them.

The key of a world is a digest of the source code, the solution, the place's neighbourhoods, the number of people, and
the seed. A file also holds a digest of its contents: a truncated or changed file is computed again. Files are written
atomically, so that processes can share the folder. The least recently used files are deleted when the folder grows
beyond `MOST` bytes.
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
from sim.state.world import World, all_tables, make_world
from sim.world.build import BURN_IN_MONTHS

FOLDER = jit.CACHE_ROOT / "worlds"
MOST = 1_000_000_000
"""Largest size of the folder in bytes."""
ALIGNED = 64
DIGEST = 32


def burned_in_world(digest: str, calibrated: Calibrated, place: Place, people: int | None, seed: int) -> World:
    """A world at its first reported month, from the cache or computed now.

    Parameters
    ----------
    digest : str
        See `digest_of`.
    calibrated : Calibrated
        The inputs from which the world is built.
    place : Place
        The place.
    people : int or None
        Number of people; None for the place's own number.
    seed : int
        The seed.

    Returns
    -------
    World
        The burned-in world.
    """
    path = FOLDER / f"{digest}-{seed}.world"
    world = _read(path)
    if world is None:
        world = calibrated.burned_in_world(place, people, seed)
        _write(world, path)
    return world


def digest_of(calibrated: Calibrated, place: Place, people: int | None) -> str:
    """A digest of everything that determines the worlds of a place, except the seed."""
    digest = hashlib.sha256(f"{jit.DIGEST} {np.__version__} {BURN_IN_MONTHS} {people}".encode())
    digest.update(place.model_dump_json().encode())
    digest.update(repr(place.neighbourhoods(people)).encode())
    for model in (*calibrated.domains, *calibrated.services, *calibrated.params.values()):
        digest.update(model.model_dump_json().encode())
    for array in (*calibrated.solution, *calibrated.aims):
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:40]


def _layout(shapes: dict[str, list[int]]) -> dict[str, tuple[int, int]]:
    """The byte offset and number of elements of each column; the key '' has the total size."""
    offset, out = 0, {}
    for table, kind in all_tables().items():
        for column, spec in columns(kind):
            name = f"{table}.{column}"
            count = int(np.prod(shapes[name], dtype=np.int64))
            out[name] = offset, count
            offset += -(-count * np.dtype(spec.dtype).itemsize // ALIGNED) * ALIGNED
    return {**out, "": (offset, 0)}


def _write(world: World, path: Path) -> None:
    shapes = {
        f"{table}.{column}": list(array.shape)
        for table, made in world.tables()
        for column, array in made._asdict().items()
    }
    layout = _layout(shapes)
    body = bytearray(layout[""][0])
    for name, (offset, count) in layout.items():
        if count:
            table, column = name.split(".")
            array = getattr(world.table(table), column)
            body[offset : offset + array.nbytes] = array.tobytes()
    head = json.dumps(shapes).encode()
    head = len(head).to_bytes(8, "little") + head
    digest = hashlib.blake2b(head + body, digest_size=DIGEST).digest()
    files.store(path, lambda file: file.write(digest + head + body), MOST)


def _read(path: Path) -> World | None:
    """The world in a file; None if the file is missing, truncated or changed."""
    try:
        contents = memoryview(path.read_bytes())
        os.utime(path)
    except OSError:
        return None
    digest, payload = contents[:DIGEST], contents[DIGEST:]
    if hashlib.blake2b(payload, digest_size=DIGEST).digest() != digest:
        return None
    start = 8 + int.from_bytes(payload[:8], "little")
    shapes = json.loads(bytes(payload[8:start]))
    body = np.frombuffer(bytearray(payload[start:]), np.uint8)
    layout = _layout(shapes)

    def column(name: str, dtype: str) -> np.ndarray:
        offset, count = layout[name]
        values: np.ndarray = body[offset : offset + count * np.dtype(dtype).itemsize].view(dtype).reshape(shapes[name])
        return values

    return make_world(lambda table, kind: kind(*(column(f"{table}.{c}", spec.dtype) for c, spec in columns(kind))))
