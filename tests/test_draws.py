"""The dice: every draw is what its address says, looks like chance in every direction, and moves no other draw.

Statistical tests look at 2**18 draws. Each comparison fails by chance once in about 150,000 seeds (|z| < 4.5) or once
in a million (p > 1e-6); all of them together about once in 3,000.
"""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

import sim
from sim.engine.random import UNIT, bits, fill_bits, month_key, stream, uniform
from sim.engine.thinning import BLOCK, find_low, find_zones

ROOT = Path(sim.__file__).parent
N = 2**18
SURE = 4.5
RARE = 1e-6
WIDEST = 64
"""Draws of one mechanism for each domain, service or door take the streams that follow its own."""

M64, M32 = 2**64 - 1, 2**32 - 1
U32 = npt.NDArray[np.uint32]


# The definition once more, in whole numbers without end, masked by hand.


def plain_mix64(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & M64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & M64
    return x ^ (x >> 31)


def plain_key(seed: int, number: int, month: int) -> int:
    k = plain_mix64((seed + 0x9E3779B97F4A7C15) & M64)
    k = plain_mix64(k ^ ((number * 0x94D049BB133111EB + 0x9E3779B97F4A7C15) & M64))
    return plain_mix64(k ^ (((month & M64) * 0x9E3779B97F4A7C15 + 0xBF58476D1CE4E5B9) & M64))


def plain_mix32(x: int) -> int:
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & M32
    x = ((x ^ (x >> 15)) * 0x846CA68B) & M32
    return x ^ (x >> 16)


def plain_bits(key: int, person: int) -> int:
    return plain_mix32(plain_mix32(((person * 0x9E3779B1) & M32) ^ (key & M32)) ^ (key >> 32))


ADDRESSES = [
    (seed, number, month, person)
    for seed in (0, 1, 19, 2**32, 2**63 + 5)
    for number in (0, 1, 0xDEADBEEF, 2**32 - 1)
    for month in (-36, -1, 0, 1, 11, 239)
    for person in (0, 1, 2, 29_999, 2**31, 2**32 - 1)
]


def key_of(seed: int, number: int, month: int) -> np.uint64:
    return np.uint64(month_key(np.uint64(seed), np.uint64(number), np.int64(month)))


def draws(seed: int, name: str = "a", month: int = 0, first: int = 0, offset: int = 0, size: int = N) -> U32:
    """Draws of consecutive persons."""
    out = np.empty(size, np.uint32)
    fill_bits(key_of(seed, (int(stream(name)) + offset), month), first, out)
    return out


def test_a_draw_is_what_its_definition_says() -> None:
    """Compiled draws equal the definition, worked out in plain whole numbers, for months before and after the start."""
    for seed, number, month, person in ADDRESSES:
        key = key_of(seed, number, month)
        assert int(key) == plain_key(seed, number, month)
        assert int(bits(key, person)) == plain_bits(int(key), person)
        assert uniform(key, person) == (plain_bits(int(key), person) + 0.5) / 2**32


def test_known_answers_are_kept() -> None:
    """The published finaliser of splitmix64 gives its published first output, and our own draws have not moved."""
    assert plain_mix64(0x9E3779B97F4A7C15) == 0xE220A8397B1DCDAF  # first output of splitmix64 with seed 0
    assert int(key_of(0, 0, 0)) == 0xD30E9801A295B433
    assert int(bits(key_of(0, 0, 0), 0)) == 0x104BA554


def test_many_draws_at_a_time_are_the_same_draws(seed: int) -> None:
    """`fill_bits` gives what `bits` gives, from any first person on, past 2**32 too."""
    key = key_of(seed, 5, 3)
    for first in (0, 1, 1_000, 2**32 - 10):
        out = np.empty(100, np.uint32)
        fill_bits(key, first, out)
        assert [int(x) for x in out] == [plain_bits(int(key), (first + i) & M32) for i in range(100)]


@pytest.mark.parametrize("people", [1, 7, 8, 4095, 4096, 9001])
def test_the_screen_finds_whom_a_plain_look_at_every_draw_finds(seed: int, people: int) -> None:
    """In order, whether few are marked or nearly all, and however many remain beyond the last eight."""
    luck, key, first = np.random.default_rng(seed), month_key(np.uint64(seed), stream("screen"), 5), 12_345
    drawn, row, tops = np.zeros(people, np.uint32), np.zeros(people, np.uint32), np.zeros(people, np.uint16)
    scratch = np.zeros(BLOCK, np.uint16), np.zeros(BLOCK, np.uint8)
    fill_bits(key, first, drawn)
    top = (drawn >> 16).astype(np.int64)
    for highest in (1, 40, 256):
        low, high, middle = luck.integers(0, highest, (3, people)).astype(np.uint8)
        far = [bound.astype(np.int64) * (bound.astype(np.int64) + 2) for bound in (low, high, middle)]
        right = (top < far[0]) | (65535 - top < far[1]) | ((top >= 32768) & (top - 32768 < far[2]))
        found = find_zones(key, first, low, high, middle, *scratch, row, tops)
        assert (row[:found] == first + np.flatnonzero(right)).all()
        assert (tops[:found] == top[right]).all()
        found = find_low(key, first, low, *scratch, row)
        assert (row[:found] == first + np.flatnonzero(top < far[0])).all()


def test_a_number_lies_strictly_between_0_and_1() -> None:
    """Neither end can be drawn, so a logarithm of a draw is always a number."""
    assert 0.0 < (0 + 0.5) * UNIT < (M32 + 0.5) * UNIT < 1.0


def test_two_persons_never_share_a_draw_by_construction(seed: int) -> None:
    """Under one key the draw is a one-to-one function of the person: 2**18 persons have 2**18 different draws."""
    assert np.unique(draws(seed)).size == N


@pytest.mark.statistics
@pytest.mark.parametrize("shift", [0, 8, 16, 24])
def test_every_byte_is_uniform(seed: int, shift: int) -> None:
    """Each of the four bytes takes its 256 values equally often, over persons and over months."""
    over_persons = draws(seed)
    over_months = np.array([bits(key_of(seed, 1, m), 17) for m in range(20_000)], np.uint32)
    for sample in (over_persons, over_months):
        seen = np.bincount((sample >> shift) & 0xFF, minlength=256)
        # Persons under one key never repeat, so their counts are, if anything, a little too even.
        assert stats.chisquare(seen).pvalue > RARE
        assert stats.chi2.sf(stats.chisquare(seen).statistic, 255) < 1.0 - RARE


def neighbours(seed: int) -> dict[str, tuple[U32, U32]]:
    """Pairs of draws whose addresses differ by one step, in each direction one might step."""
    here = draws(seed)
    return {
        "next person": (here, draws(seed, first=1)),
        "two persons on": (here, draws(seed, first=2)),
        "sixteen persons on": (here, draws(seed, first=16)),
        "next month": (here, draws(seed, month=1)),
        "next year": (here, draws(seed, month=12)),
        "month before the start": (here, draws(seed, month=-1)),
        "diagonal": (here, draws(seed, month=1, first=1)),
        "other diagonal": (draws(seed, first=1), draws(seed, month=1)),
        "next stream": (here, draws(seed, offset=1)),
        "stream and person": (here, draws(seed, offset=1, first=1)),
        "stream and month": (here, draws(seed, offset=1, month=1)),
        "other stream": (here, draws(seed, "b")),
        "next seed": (here, draws(seed + 1)),
        "seed and month": (here, draws(seed + 1, month=1)),
        "month for seed": (draws(seed, month=1), draws(seed + 1)),
        "seed and stream": (here, draws(seed + 1, offset=1)),
        "seed and person": (here, draws(seed + 1, first=1)),
    }


@pytest.mark.statistics
def test_neighbouring_addresses_have_nothing_in_common(seed: int) -> None:
    """A step to the next person, month, diagonal, stream or seed changes half the bits, and correlates with nothing."""
    found = []
    for name, (a, b) in neighbours(seed).items():
        correlation = np.corrcoef(a.astype(float), b.astype(float))[0, 1] * np.sqrt(N)
        # 32 fair bits: mean 16 and variance 8 of the number that differ.
        flipped = (np.bitwise_count(a ^ b).astype(float).mean() - 16.0) / np.sqrt(8.0 / N)
        if not (abs(correlation) < SURE and abs(flipped) < SURE):
            found.append(f"{name}: correlation z = {correlation:.1f}, flipped bits z = {flipped:.1f}")
        assert (a == b).sum() <= 3, f"{name}: whole draws repeat"  # 2**18 pairs share 6e-5 draws on average
    assert not found


@pytest.mark.statistics
def test_pairs_of_neighbours_fill_the_square_evenly(seed: int) -> None:
    """Pairs fall into the cells of a 64 by 64 square equally often."""
    for name, (a, b) in neighbours(seed).items():
        cell = (a >> 26).astype(int) * 64 + (b >> 26).astype(int)
        assert stats.chisquare(np.bincount(cell, minlength=4096)).pvalue > RARE, name


@pytest.mark.statistics
def test_no_bit_of_the_month_shows_in_the_draws(seed: int) -> None:
    """The draws of one person over months, seeds or streams are as patternless as those of many persons."""
    walks = {
        "months": [bits(key_of(seed, 3, m), 5) for m in range(20_000)],
        "seeds": [bits(key_of(seed + k, 3, 0), 5) for k in range(20_000)],
        "streams": [bits(key_of(seed, 3 + k, 0), 5) for k in range(20_000)],
    }
    for name, walk in walks.items():
        u = np.array(walk, float)
        for lag in (1, 2, 12):
            z = np.corrcoef(u[:-lag], u[lag:])[0, 1] * np.sqrt(u.size - lag)
            assert abs(z) < SURE, f"{name}, lag {lag}: z = {z:.1f}"


def test_adding_a_stream_shifts_no_other() -> None:
    """A stream's number is a function of its name alone."""
    before = {name: int(stream(name)) for name in ("need and help", "threshold")}
    stream("a mechanism nobody has thought of yet")
    assert before == {name: int(stream(name)) for name in reversed(before)}
    assert before["threshold"] == 0xEB7A2A96


def test_streams_of_the_model_do_not_run_into_one_another() -> None:
    """Each name is used once, and no stream, with those of its domains and services behind it, reaches another."""
    names = [
        name for path in sorted(ROOT.rglob("*.py")) for name in re.findall(r'stream\("([^"]+)"\)', path.read_text())
    ]
    assert len(names) > 10, "found no streams: has the way they are written changed?"
    assert sorted(set(names)) == sorted(names)
    numbers = sorted(int(stream(name)) for name in names)
    assert min(b - a for a, b in pairwise(numbers)) > WIDEST
    assert all(a != b for a, b in combinations(numbers, 2))
