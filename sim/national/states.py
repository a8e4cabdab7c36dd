"""Worlds between two years of a coupled run, on disk: a year continues from them, on any worker.

A state is a help and no record: it is proved before it is used, and a worker that does not find it runs the years
before again, with the same result. Workers that share the folder of the national run with the command (those of this
computer, or of a cluster with a shared disk) store states there; others have a temporary folder of their own. The last
two years are there, as a batch may be lost after its worlds were stored and before its outcomes were.
"""

from __future__ import annotations

import atexit
import contextlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from sim.cache.worlds import decoded_tables, encoded_tables
from sim.engine.verified_files import VerifiedFolder
from sim.state.rates import Rates
from sim.state.ties import TieLists
from sim.state.world import World, all_tables, make_world

FOLDER, TOKEN = "states", "token"
CODEC = "lz4"
LARGEST = 8_000_000_000
"""Bytes of the temporary folder of a worker that does not share the folder of the run."""
FIXED = {Rates, TieLists}
"""Tables that never change during a run."""


class States:
    """Stored worlds.

    Parameters
    ----------
    folder : str
        Folder of states of the run, on the computer of the command.
    token : str
        Content of its file `token`, by which a worker knows that it sees the same folder.
    """

    def __init__(self, folder: str, token: str) -> None:
        """Choose the shared folder, or a temporary one."""
        shared = Path(folder)
        is_shared = False
        with contextlib.suppress(OSError):
            is_shared = (shared / TOKEN).read_text(encoding="utf-8") == token
        path = shared if is_shared else _temporary()
        self._files = VerifiedFolder(path, FOLDER, None if is_shared else LARGEST)
        self._is_shared = is_shared

    def get(self, key: str, of_run: str, number: int) -> list[World] | None:
        """The worlds under a key, or None.

        Parameters
        ----------
        key : str
            Digest of all that determines them.
        of_run : str
            Digest of what determines the tables that never change.
        number : int
            Number of worlds.
        """
        fixed = self._files.get(f"{of_run}.fixed", lambda content: _tables(content, fixed=True))
        if fixed is None:
            return None
        worlds = []
        for k in range(number):
            moving = self._files.get(f"{key}-{k}.state", lambda content: _tables(content, fixed=False))
            if moving is None:
                return None
            worlds.append(_joined({**fixed, **moving}))
        return worlds

    def put(self, key: str, of_run: str, worlds: Sequence[World]) -> None:
        """Store worlds under a key, and the tables that they share."""
        if not self._files.is_sound(f"{of_run}.fixed"):
            self._files.put(f"{of_run}.fixed", *_content(worlds[0], fixed=True))
        for k, world in enumerate(worlds):
            self._files.put(f"{key}-{k}.state", *_content(world, fixed=False))
        if not self._is_shared:
            self._files.limit()

    def drop(self, key: str, number: int) -> None:
        """Delete the worlds under a key."""
        for k in range(number):
            with contextlib.suppress(OSError):
                assert self._files.path is not None
                (self._files.path / f"{key}-{k}.state").unlink()


def _joined(tables: Mapping[str, object]) -> World:
    return make_world(lambda name, _: tables[name])


def _kinds(*, fixed: bool) -> dict[str, type]:
    return {name: kind for name, kind in all_tables().items() if (kind in FIXED) == fixed}


def _content(world: World, *, fixed: bool) -> tuple[bytes, bytes]:
    """The tables of a world, compressed, after their length."""
    head, body = encoded_tables(world, _kinds(fixed=fixed))
    content = head + body
    return len(content).to_bytes(8, "little"), pa.compress(content, codec=CODEC, asbytes=True)


def _tables(content: memoryview, *, fixed: bool) -> dict[str, object]:
    length = int.from_bytes(content[:8], "little")
    tables = pa.decompress(content[8:], decompressed_size=length, codec=CODEC, asbytes=True)
    return decoded_tables(memoryview(tables), _kinds(fixed=fixed))


@lru_cache(maxsize=1)
def _temporary() -> Path:
    """A folder of this process, deleted at its end."""
    path = Path(tempfile.mkdtemp(prefix="upstream-states-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path
