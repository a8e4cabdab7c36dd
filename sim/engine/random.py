"""Luck with an address: every draw is a pure function of (seed, stream, month, person).

No draw depends on how many came before it. So a run is bitwise the same on any number of threads, a new mechanism
moves nobody else's luck, and two policies face the same dice: their difference is the policy's.

The address is hashed in two steps. (seed, stream, month) becomes one 64-bit key by splitmix64's finaliser; the person
is then mixed in by two rounds of a 32-bit finaliser ("lowbias32", C. Wellons, public domain), the first keyed by the
low half, the second by the high half. Adding person to month, the obvious short cut, repeats draws along diagonals.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from sim.engine.jit import Int, inlined, kernel

U32 = npt.NDArray[np.uint32]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_ROUND_1 = np.uint32(0x7FEB352D)
_ROUND_2 = np.uint32(0x846CA68B)
SPREAD = np.uint32(0x9E3779B1)
UNIT = 2.0**-32


@kernel
def _finalise(x: np.uint64) -> np.uint64:
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


@kernel
def month_key(seed: np.uint64, stream: np.uint64, month: Int) -> np.uint64:
    """One 64-bit key for all persons' draws of a stream in a month."""
    k = _finalise(np.uint64(seed) + _GOLDEN)
    k = _finalise(k ^ (np.uint64(stream) * _MIX_2 + _GOLDEN))
    return _finalise(k ^ (np.uint64(month) * _GOLDEN + _MIX_1))


@inlined
def mixed(spread: np.uint32, key: np.uint64) -> np.uint32:
    """32 random bits for a person, given as `spread_of` says, under a month's key."""
    x = np.uint32(spread ^ np.uint32(key & np.uint64(0xFFFFFFFF)))
    x = np.uint32(np.uint32(x ^ (x >> np.uint32(16))) * _ROUND_1)
    x = np.uint32(np.uint32(x ^ (x >> np.uint32(15))) * _ROUND_2)
    x = np.uint32(np.uint32(x ^ (x >> np.uint32(16))) ^ np.uint32(key >> np.uint64(32)))
    x = np.uint32(np.uint32(x ^ (x >> np.uint32(16))) * _ROUND_1)
    x = np.uint32(np.uint32(x ^ (x >> np.uint32(15))) * _ROUND_2)
    return np.uint32(x ^ (x >> np.uint32(16)))


@inlined
def spread_of(person: Int) -> np.uint32:
    """A person's number, spread over 32 bits; the next person's is `SPREAD` more, which takes no product."""
    return np.uint32(np.uint32(person) * SPREAD)


@kernel
def bits(key: np.uint64, person: Int) -> np.uint32:
    """32 random bits for one person under a month's key."""
    return mixed(spread_of(person), key)


@kernel
def uniform(key: np.uint64, person: Int) -> float:
    """A number in (0, 1) for one person under a month's key."""
    return (np.float64(bits(key, person)) + 0.5) * UNIT


@kernel
def fill_bits(key: np.uint64, first: Int, out: U32) -> None:
    """Draws of the persons first, first + 1, … into `out`: the same values as `bits`, many at a time."""
    spread = spread_of(first)
    for i in range(out.size):
        out[i] = mixed(spread, key)
        spread = np.uint32(spread + SPREAD)


def stream(name: str) -> np.uint64:
    """The number of a stream of luck, from its name: adding a stream shifts no other."""
    return np.uint64(zlib.crc32(name.encode()))
