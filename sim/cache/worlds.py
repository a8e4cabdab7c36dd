"""On-disk cache of burned-in worlds, keyed by everything that determines them.

The key of a world is a digest of the source code, the solution, the place's neighbourhoods, the number of people, and
the seed. A file is proved before it is used (`engine/verified_files.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from sim.calibration.calibrated_model import Calibrated
from sim.engine import jit
from sim.engine.tables import columns
from sim.engine.verified_files import cache_folder
from sim.place.place import Place
from sim.state.world import World, all_tables, make_world
from sim.world.build import BURN_IN_MONTHS

FOLDER = cache_folder("worlds", 1_000_000_000)
ALIGNED = 64


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
    name = f"{digest}-{seed}.world"
    world = FOLDER.get(name, _decoded)
    if world is None:
        world = calibrated.burned_in_world(place, people, seed)
        FOLDER.put(name, *encoded_tables(world, all_tables()))
        FOLDER.limit()
    return world


def digest_of(calibrated: Calibrated, place: Place, people: int | None) -> str:
    """A digest of everything that determines the worlds of a place, except the seed."""
    digest = hashlib.sha256(f"{jit.DIGEST} {np.__version__} {BURN_IN_MONTHS} {people}".encode())
    digest.update(place.model_dump_json().encode())
    digest.update(repr(place.neighbourhoods(people)).encode())
    digest.update(calibrated.digest().encode())
    return digest.hexdigest()[:40]


def _layout(shapes: Mapping[str, list[int]], kinds: Mapping[str, type]) -> dict[str, tuple[int, int]]:
    """The byte offset and number of elements of each column; the key '' has the total size."""
    offset, out = 0, {}
    for table, kind in kinds.items():
        for column, spec in columns(kind):
            name = f"{table}.{column}"
            count = int(np.prod(shapes[name], dtype=np.int64))
            out[name] = offset, count
            offset += -(-count * np.dtype(spec.dtype).itemsize // ALIGNED) * ALIGNED
    return {**out, "": (offset, 0)}


def encoded_tables(world: World, kinds: Mapping[str, type]) -> tuple[bytes, bytearray]:
    """Write tables of a world as bytes.

    Parameters
    ----------
    world : World
        The world.
    kinds : mapping of str to type
        The tables to write, by name.

    Returns
    -------
    head : bytes
        The shapes of the columns, as JSON after its length.
    body : bytearray
        The columns.
    """
    made = {table: world.table(table)._asdict() for table in kinds}
    shapes = {f"{table}.{column}": list(array.shape) for table in made for column, array in made[table].items()}
    layout = _layout(shapes, kinds)
    body = bytearray(layout[""][0])
    for name, (offset, count) in layout.items():
        if count:
            table, column = name.split(".")
            array = made[table][column]
            body[offset : offset + array.nbytes] = array.tobytes()
    head = json.dumps(shapes).encode()
    return len(head).to_bytes(8, "little") + head, body


def decoded_tables(content: memoryview, kinds: Mapping[str, type]) -> dict[str, Any]:
    """Read tables that `encoded_tables` wrote, with arrays of their own.

    Parameters
    ----------
    content : memoryview
        Head and body, one after the other.
    kinds : mapping of str to type
        The tables, in the order in which they were written.

    Returns
    -------
    dict of str to NamedTuple
        The tables by name.

    Raises
    ------
    ValueError
        If the content has columns of other sizes.
    """
    start = 8 + int.from_bytes(content[:8], "little")
    shapes = json.loads(bytes(content[8:start]))
    body = np.frombuffer(bytearray(content[start:]), np.uint8)
    layout = _layout(shapes, kinds)
    if layout[""][0] != body.size:
        raise ValueError("columns of other sizes")

    def column(name: str, dtype: str) -> np.ndarray:
        offset, count = layout[name]
        values: np.ndarray = body[offset : offset + count * np.dtype(dtype).itemsize].view(dtype).reshape(shapes[name])
        return values

    return {
        table: kind(*(column(f"{table}.{c}", spec.dtype) for c, spec in columns(kind))) for table, kind in kinds.items()
    }


def _decoded(content: memoryview) -> World:
    tables = decoded_tables(content, all_tables())
    return make_world(lambda table, _: tables[table])
