"""Counter-based random numbers: every draw is a pure function of (seed, stream, month, person).

No draw depends on the number of draws before it. So a run is bitwise the same on any number of threads, a new mechanism
leaves the draws of all other mechanisms unchanged, and two policies face the same chance events (common random
numbers): the difference between their results is the effect of the policy.

Notes
-----
The address is hashed in two steps. (seed, stream, month) becomes one 64-bit key by the finaliser of SplitMix64 [1]_.
The person is then mixed in by two rounds of the 32-bit finaliser "lowbias32" [2]_; the first round is keyed by the low
half of the key, the second by the high half. Adding the person to the month, the obvious short cut, repeats draws along
diagonals.

References
----------
.. [1] G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
.. [2] C. Wellons, "Prospecting for hash functions", 2018 (public domain).
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
    """Hash (seed, stream, month) to the 64-bit key of all persons' draws of a stream in a month.

    Parameters
    ----------
    seed : uint64
        Seed of the run.
    stream : uint64
        Number of the stream, from `stream`.
    month : int
        Month of the run, counted from 0.

    Returns
    -------
    uint64
    """
    k = _finalise(np.uint64(seed) + _GOLDEN)
    k = _finalise(k ^ (np.uint64(stream) * _MIX_2 + _GOLDEN))
    return _finalise(k ^ (np.uint64(month) * _GOLDEN + _MIX_1))


@inlined
def mixed(spread: np.uint32, key: np.uint64) -> np.uint32:
    """Mix a person into a month's key.

    Parameters
    ----------
    spread : uint32
        The person's number, spread over 32 bits by `spread_of`.
    key : uint64
        Key of the stream and month, from `month_key`.

    Returns
    -------
    uint32
        32 random bits.
    """
    x = np.uint32(spread ^ np.uint32(key & np.uint64(0xFFFFFFFF)))
    x = np.uint32(np.uint32(x ^ (x >> np.uint32(16))) * _ROUND_1)
    x = np.uint32(np.uint32(x ^ (x >> np.uint32(15))) * _ROUND_2)
    x = np.uint32(np.uint32(x ^ (x >> np.uint32(16))) ^ np.uint32(key >> np.uint64(32)))
    x = np.uint32(np.uint32(x ^ (x >> np.uint32(16))) * _ROUND_1)
    x = np.uint32(np.uint32(x ^ (x >> np.uint32(15))) * _ROUND_2)
    return np.uint32(x ^ (x >> np.uint32(16)))


@inlined
def spread_of(person: Int) -> np.uint32:
    """Spread a person's number over 32 bits; that of the next person is `SPREAD` more, without a multiplication."""
    return np.uint32(np.uint32(person) * SPREAD)


@kernel
def bits(key: np.uint64, person: Int) -> np.uint32:
    """Draw 32 random bits for one person.

    Parameters
    ----------
    key : uint64
        Key of the stream and month, from `month_key`.
    person : int
        Slot of the person.

    Returns
    -------
    uint32
    """
    return mixed(spread_of(person), key)


@kernel
def uniform(key: np.uint64, person: Int) -> float:
    """Draw a number in the open interval (0, 1) for one person.

    Parameters
    ----------
    key : uint64
        Key of the stream and month, from `month_key`.
    person : int
        Slot of the person.

    Returns
    -------
    float
        The midpoint of one of 2^32 equal parts of the interval, so never 0 or 1.
    """
    return (np.float64(bits(key, person)) + 0.5) * UNIT


@kernel
def fill_bits(key: np.uint64, first: Int, out: U32) -> None:
    """Draw 32 random bits for many persons in a row: the same values as `bits`.

    Parameters
    ----------
    key : uint64
        Key of the stream and month, from `month_key`.
    first : int
        Slot of the first person.
    out : ndarray of uint32, shape (persons,)
        Receives the draws of the persons first, first + 1, ….
    """
    spread = spread_of(first)
    for i in range(out.size):
        out[i] = mixed(spread, key)
        spread = np.uint32(spread + SPREAD)


def stream(name: str) -> np.uint64:
    """Number a stream of draws by its name, so that adding a stream changes no other stream.

    Parameters
    ----------
    name : str
        Unique name of the stream.

    Returns
    -------
    uint64
        CRC-32 of the name.

    Examples
    --------
    >>> int(stream("deaths"))
    3342828817
    """
    return np.uint64(zlib.crc32(name.encode()))
