"""Random draws: each is a function of its address, independent of draws at neighbouring addresses, and uniform.

Statistical tests use 2**18 draws. Each comparison fails by chance once in about 150,000 seeds (|z| < 4.5) or once in a
million (p > 1e-6); all of them together about once in 3,000.
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
Z_LIMIT = 4.5
P_LIMIT = 1e-6
WIDEST = 64
"""The draws of a mechanism for each domain, service or door use the streams that follow its first."""

M64, M32 = 2**64 - 1, 2**32 - 1
U32 = npt.NDArray[np.uint32]


# The definition again, in Python's integers, masked explicitly.


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
    """Draws of consecutive people."""
    out = np.empty(size, np.uint32)
    fill_bits(key_of(seed, (int(stream(name)) + offset), month), first, out)
    return out


def test_draws_equal_their_definition() -> None:
    """Compiled draws equal the definition in plain integers, for months before and after the start."""
    for seed, number, month, person in ADDRESSES:
        key = key_of(seed, number, month)
        assert int(key) == plain_key(seed, number, month)
        assert int(bits(key, person)) == plain_bits(int(key), person)
        assert uniform(key, person) == (plain_bits(int(key), person) + 0.5) / 2**32


def test_draws_equal_known_answers() -> None:
    """The finaliser of splitmix64 gives its published first output, and Upstream's draws have not changed."""
    assert plain_mix64(0x9E3779B97F4A7C15) == 0xE220A8397B1DCDAF  # first output of splitmix64 with seed 0
    assert int(key_of(0, 0, 0)) == 0xD30E9801A295B433
    assert int(bits(key_of(0, 0, 0), 0)) == 0x104BA554


def test_many_draws_at_once_are_the_same_draws(seed: int) -> None:
    """`fill_bits` gives the draws of `bits`, from any first person on, beyond 2**32 too."""
    key = key_of(seed, 5, 3)
    for first in (0, 1, 1_000, 2**32 - 10):
        out = np.empty(100, np.uint32)
        fill_bits(key, first, out)
        assert [int(x) for x in out] == [plain_bits(int(key), (first + i) & M32) for i in range(100)]


@pytest.mark.parametrize("people", [1, 7, 8, 4095, 4096, 9001])
def test_thinning_selects_the_draws_below_their_bounds(seed: int, people: int) -> None:
    """Candidate thinning selects the same draws as a direct comparison, in order.

    This holds for few or nearly all candidates, and for any number of draws left after the last block of eight.
    """
    rng, first = np.random.default_rng(seed), 12_345
    key = np.uint64(month_key(np.uint64(seed), stream("screen"), 5))  # compiled code returns it as a Python integer
    drawn, row, tops = np.zeros(people, np.uint32), np.zeros(people, np.uint32), np.zeros(people, np.uint16)
    scratch = np.zeros(BLOCK, np.uint16), np.zeros(BLOCK, np.uint8)
    fill_bits(key, first, drawn)
    top = (drawn >> 16).astype(np.int64)
    for highest in (1, 40, 256):
        low, high, middle = rng.integers(0, highest, (3, people)).astype(np.uint8)
        far = [bound.astype(np.int64) * (bound.astype(np.int64) + 2) for bound in (low, high, middle)]
        right = (top < far[0]) | (65535 - top < far[1]) | ((top >= 32768) & (top - 32768 < far[2]))
        count = find_zones(key, first, low, high, middle, *scratch, row, tops)
        assert (row[:count] == first + np.flatnonzero(right)).all()
        assert (tops[:count] == top[right]).all()
        count = find_low(key, first, low, *scratch, row)
        assert (row[:count] == first + np.flatnonzero(top < far[0])).all()


def test_a_number_lies_strictly_between_0_and_1() -> None:
    """Neither end can be drawn, so that the logarithm of a draw is always finite."""
    assert 0.0 < (0 + 0.5) * UNIT < (M32 + 0.5) * UNIT < 1.0


def test_draws_under_one_key_are_all_different(seed: int) -> None:
    """Under one key the draw is a one-to-one function of the person: 2**18 people have 2**18 different draws."""
    assert np.unique(draws(seed)).size == N


@pytest.mark.statistics
@pytest.mark.parametrize("shift", [0, 8, 16, 24])
def test_every_byte_is_uniform(seed: int, shift: int) -> None:
    """Each of the four bytes has its 256 values equally often, over people and over months."""
    over_persons = draws(seed)
    over_months = np.array([bits(key_of(seed, 1, m), 17) for m in range(20_000)], np.uint32)
    for sample in (over_persons, over_months):
        counts = np.bincount((sample >> shift) & 0xFF, minlength=256)
        # Draws under one key never repeat, so that their counts are a little too even, if anything.
        assert stats.chisquare(counts).pvalue > P_LIMIT
        assert stats.chi2.sf(stats.chisquare(counts).statistic, 255) < 1.0 - P_LIMIT


def neighbours(seed: int) -> dict[str, tuple[U32, U32]]:
    """Pairs of draws whose addresses differ by one step, in each direction."""
    reference = draws(seed)
    return {
        "next person": (reference, draws(seed, first=1)),
        "two persons on": (reference, draws(seed, first=2)),
        "sixteen persons on": (reference, draws(seed, first=16)),
        "next month": (reference, draws(seed, month=1)),
        "next year": (reference, draws(seed, month=12)),
        "month before the start": (reference, draws(seed, month=-1)),
        "diagonal": (reference, draws(seed, month=1, first=1)),
        "other diagonal": (draws(seed, first=1), draws(seed, month=1)),
        "next stream": (reference, draws(seed, offset=1)),
        "stream and person": (reference, draws(seed, offset=1, first=1)),
        "stream and month": (reference, draws(seed, offset=1, month=1)),
        "other stream": (reference, draws(seed, "b")),
        "next seed": (reference, draws(seed + 1)),
        "seed and month": (reference, draws(seed + 1, month=1)),
        "month for seed": (draws(seed, month=1), draws(seed + 1)),
        "seed and stream": (reference, draws(seed + 1, offset=1)),
        "seed and person": (reference, draws(seed + 1, first=1)),
    }


@pytest.mark.statistics
def test_neighbouring_addresses_are_independent(seed: int) -> None:
    """A step to the next person, month, diagonal, stream or seed changes half the bits, and leaves no correlation."""
    failures = []
    for name, (a, b) in neighbours(seed).items():
        correlation = np.corrcoef(a.astype(float), b.astype(float))[0, 1] * np.sqrt(N)
        # 32 fair bits: mean 16 and variance 8 of the number that differ.
        flipped = (np.bitwise_count(a ^ b).astype(float).mean() - 16.0) / np.sqrt(8.0 / N)
        if not (abs(correlation) < Z_LIMIT and abs(flipped) < Z_LIMIT):
            failures.append(f"{name}: correlation z = {correlation:.1f}, flipped bits z = {flipped:.1f}")
        assert (a == b).sum() <= 3, f"{name}: whole draws repeat"  # 2**18 pairs share 6e-5 draws on average
    assert not failures


@pytest.mark.statistics
def test_pairs_of_neighbours_fill_the_square_evenly(seed: int) -> None:
    """Pairs fall into the cells of a 64 by 64 square equally often."""
    for name, (a, b) in neighbours(seed).items():
        cell = (a >> 26).astype(int) * 64 + (b >> 26).astype(int)
        assert stats.chisquare(np.bincount(cell, minlength=4096)).pvalue > P_LIMIT, name


@pytest.mark.statistics
def test_draws_over_months_have_no_autocorrelation(seed: int) -> None:
    """The draws of one person over months, seeds or streams have no autocorrelation."""
    walks = {
        "months": [bits(key_of(seed, 3, m), 5) for m in range(20_000)],
        "seeds": [bits(key_of(seed + k, 3, 0), 5) for k in range(20_000)],
        "streams": [bits(key_of(seed, 3 + k, 0), 5) for k in range(20_000)],
    }
    for name, walk in walks.items():
        u = np.array(walk, float)
        for lag in (1, 2, 12):
            z = np.corrcoef(u[:-lag], u[lag:])[0, 1] * np.sqrt(u.size - lag)
            assert abs(z) < Z_LIMIT, f"{name}, lag {lag}: z = {z:.1f}"


def test_a_new_stream_changes_no_other() -> None:
    """A stream's number is a function of its name alone."""
    before = {name: int(stream(name)) for name in ("need and help", "threshold")}
    stream("a mechanism nobody has thought of yet")
    assert before == {name: int(stream(name)) for name in reversed(before)}
    assert before["threshold"] == 0xEB7A2A96


def test_streams_of_the_model_do_not_overlap() -> None:
    """Each name is used once, and no stream, with those of its domains and services after it, reaches another."""
    names = [
        name for path in sorted(ROOT.rglob("*.py")) for name in re.findall(r'stream\("([^"]+)"\)', path.read_text())
    ]
    assert len(names) > 10, "no streams in the code: has the way they are written changed?"
    assert sorted(set(names)) == sorted(names)
    numbers = sorted(int(stream(name)) for name in names)
    assert min(b - a for a, b in pairwise(numbers)) > WIDEST
    assert all(a != b for a, b in combinations(numbers, 2))
