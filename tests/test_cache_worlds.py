"""The cache of worlds: a burned-in world read from disk is the one that was built; a damaged file is built again."""

from __future__ import annotations

from pathlib import Path

import pytest
from strategies import calibrated, columns, different

from sim.cache import worlds
from sim.calibration.calibrated_model import Calibrated
from sim.engine.verified_files import VerifiedFolder
from sim.place.place import Place
from sim.state.world import World

PEOPLE = 1_500


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the user's folder."""
    monkeypatch.setattr(worlds, "FOLDER", VerifiedFolder(tmp_path / "worlds", "worlds", 1_000_000_000))
    return tmp_path / "worlds"


def cached_world(seed: int, place: str = "anytown") -> World:
    """A world, from disk if it is cached."""
    site = Place.load(place)
    return worlds.burned_in_world(worlds.digest_of(calibrated(), site, PEOPLE), calibrated(), site, PEOPLE, seed)


def alike(a: World, b: World) -> bool:
    """Whether all columns except scratch are the same to the last bit."""
    return not [name for name in different(columns(a), columns(b)) if not name.startswith("screen.")]


@pytest.fixture
def built_seeds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds of worlds that were built rather than read."""
    seeds: list[int] = []
    make = Calibrated.burned_in_world

    def noted(self: Calibrated, place: Place, people: int | None, seed: int, threads: int = 1) -> World:
        seeds.append(seed)
        return make(self, place, people, seed, threads)

    monkeypatch.setattr(Calibrated, "burned_in_world", noted)
    return seeds


def test_a_cached_world_is_the_world(folder: Path, built_seeds: list[int], seed: int) -> None:
    """The second time, the world is read, with the same columns; another seed or place is another world."""
    first = cached_world(seed)
    again = cached_world(seed)
    assert built_seeds == [seed]
    assert alike(first, again)
    assert all(array.flags.carray for _, table in again.tables() for array in table)
    assert not alike(first, cached_world(seed + 1))
    assert not alike(first, cached_world(seed, "wigan"))
    assert built_seeds == [seed, seed + 1, seed]
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize("damage", ["cut short", "one bit", "empty"])
def test_a_damaged_file_is_built_again(folder: Path, built_seeds: list[int], damage: str, seed: int) -> None:
    """A file that is cut short, or has a changed bit, is built again and replaced."""
    first = cached_world(seed)
    (path,) = folder.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "one bit":
        content[len(content) // 2] ^= 1
    path.write_bytes({"cut short": content[:-100], "one bit": content, "empty": b""}[damage])
    assert alike(cached_world(seed), first)
    assert alike(cached_world(seed), first)
    assert built_seeds == [seed, seed]


def test_a_world_of_another_seed_is_not_used(folder: Path, built_seeds: list[int], seed: int) -> None:
    """Two worlds whose files are swapped are both built again."""
    first, second = cached_world(seed), cached_world(seed + 1)
    a, b = folder.iterdir()
    content = a.read_bytes()
    a.write_bytes(b.read_bytes())
    b.write_bytes(content)
    assert alike(cached_world(seed), first)
    assert alike(cached_world(seed + 1), second)
    assert built_seeds == [seed, seed + 1, seed, seed + 1]


def test_the_folder_has_a_maximum_size(folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """When the folder is full, the worlds that were not used for the longest time are deleted."""
    cached_world(seed)
    (path,) = folder.iterdir()
    monkeypatch.setattr(worlds.FOLDER, "most", int(2.5 * path.stat().st_size))
    for k in range(1, 4):
        cached_world(seed + k)
    assert len(list(folder.iterdir())) == 2
    assert not path.exists()


def test_an_unwritable_folder_is_no_error(
    folder: Path, built_seeds: list[int], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """If the folder cannot be written, every world is built."""
    folder.write_text("a file where the folder should be")
    assert alike(cached_world(seed), cached_world(seed))
    assert built_seeds == [seed, seed]
