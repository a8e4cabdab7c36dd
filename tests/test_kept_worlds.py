"""A settled world read from disk is the one that was made; what cannot be relied on is made again."""

from __future__ import annotations

from pathlib import Path

import pytest
from strategies import calibrated, columns, different

from sim.cache import worlds
from sim.calibration.calibrated_model import Calibrated
from sim.place.place import Place
from sim.state.tables import World

PEOPLE = 1_500


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the user's."""
    monkeypatch.setattr(worlds, "FOLDER", tmp_path / "worlds")
    return tmp_path / "worlds"


def settled(seed: int, place: str = "anytown") -> World:
    """A world, from disk if it is there."""
    where = Place.load(place)
    return worlds.settled(worlds.stem_of(calibrated(), where, PEOPLE), calibrated(), where, PEOPLE, seed)


def alike(a: World, b: World) -> bool:
    """Whether all but scratch is the same to the last bit."""
    return not [name for name in different(columns(a), columns(b)) if not name.startswith("screen.")]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds of worlds that were made rather than read."""
    seeds: list[int] = []
    make = Calibrated.settled

    def noted(self: Calibrated, place: Place, people: int | None, seed: int, threads: int = 1) -> World:
        seeds.append(seed)
        return make(self, place, people, seed, threads)

    monkeypatch.setattr(Calibrated, "settled", noted)
    return seeds


def test_a_kept_world_is_the_world(folder: Path, made: list[int], seed: int) -> None:
    """The second time it is read, and every column is the same; another seed or place is another world."""
    first = settled(seed)
    again = settled(seed)
    assert made == [seed]
    assert alike(first, again)
    assert all(array.flags.carray for table in again for array in table)
    assert not alike(first, settled(seed + 1))
    assert not alike(first, settled(seed, "wigan"))
    assert made == [seed, seed + 1, seed]
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize("harm", ["cut short", "one bit", "empty"])
def test_a_harmed_file_is_not_relied_on(folder: Path, made: list[int], harm: str, seed: int) -> None:
    """A file that lost its end, or in which a bit has changed, is made again, and is whole afterwards."""
    first = settled(seed)
    (path,) = folder.iterdir()
    whole = bytearray(path.read_bytes())
    if harm == "one bit":
        whole[len(whole) // 2] ^= 1
    path.write_bytes({"cut short": whole[:-100], "one bit": whole, "empty": b""}[harm])
    assert alike(settled(seed), first)
    assert alike(settled(seed), first)
    assert made == [seed, seed]


def test_the_folder_stays_within_its_bounds(folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """The longest unused worlds go when there is no more room."""
    settled(seed)
    (path,) = folder.iterdir()
    monkeypatch.setattr(worlds, "MOST", int(2.5 * path.stat().st_size))
    for k in range(1, 4):
        settled(seed + k)
    assert len(list(folder.iterdir())) == 2
    assert not path.exists()


def test_a_folder_that_cannot_be_written_is_done_without(
    folder: Path, made: list[int], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Where nothing can be kept, worlds are made each time."""
    folder.write_text("a file where the folder should be")
    assert alike(settled(seed), settled(seed))
    assert made == [seed, seed]
