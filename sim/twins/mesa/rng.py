"""Counter-based random numbers of the model, in integer arithmetic: the same address always gives the same number.

The address of a random number is the seed of the run, the name of the stream ("threshold"), the month and the person.
CRC-32 turns names into numbers. Seed, name and month are mixed into one key, and the person is mixed into the key. The
generator has no state, so a person's random number does not depend on the draws made before it.
"""

from __future__ import annotations

import struct
import zlib

WORD, LONG = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
GOLDEN = 0x9E3779B97F4A7C15
MIX_1, MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
ROUND_1, ROUND_2 = 0x7FEB352D, 0x846CA68B
SPREAD = 0x9E3779B1


def stream(name: str) -> int:
    """The number of a stream's name."""
    return zlib.crc32(name.encode())


def _mix(x: int) -> int:
    """Mix the bits of a 64-bit integer (the last steps of splitmix64)."""
    x = (x ^ (x >> 30)) * MIX_1 & LONG
    x = (x ^ (x >> 27)) * MIX_2 & LONG
    return x ^ (x >> 31)


def month_key(seed: int, number: int, month: int) -> int:
    """The key of all random numbers of one stream in one month."""
    key = _mix((seed + GOLDEN) & LONG)
    key = _mix(key ^ ((number * MIX_2 + GOLDEN) & LONG))
    return _mix(key ^ ((month * GOLDEN + MIX_1) & LONG))


def bits(key: int, person: int) -> int:
    """An integer from 0 to 2^32 - 1 for one person."""
    x = (person * SPREAD & WORD) ^ (key & WORD)
    x = (x ^ (x >> 16)) * ROUND_1 & WORD
    x = (x ^ (x >> 15)) * ROUND_2 & WORD
    x = x ^ (x >> 16) ^ (key >> 32)
    x = (x ^ (x >> 16)) * ROUND_1 & WORD
    x = (x ^ (x >> 15)) * ROUND_2 & WORD
    return x ^ (x >> 16)


def uniform(key: int, person: int) -> float:
    """A number strictly between 0 and 1 for one person."""
    return (bits(key, person) + 0.5) * 2.0**-32


def uniforms(key: int, many: int) -> list[float]:
    """`uniform` for persons 0 to `many` - 1. The loop repeats the arithmetic of `bits` to save function calls."""
    low, high = key & WORD, key >> 32
    out = []
    for person in range(many):
        x = (person * SPREAD & WORD) ^ low
        x = (x ^ (x >> 16)) * ROUND_1 & WORD
        x = (x ^ (x >> 15)) * ROUND_2 & WORD
        x = x ^ (x >> 16) ^ high
        x = (x ^ (x >> 16)) * ROUND_1 & WORD
        x = (x ^ (x >> 15)) * ROUND_2 & WORD
        out.append(((x ^ (x >> 16)) + 0.5) * 2.0**-32)
    return out


def rounded(x: float) -> float:
    """The nearest 32-bit floating-point number: trust, resilience and support are stored with 32 bits."""
    nearest: float = struct.unpack("f", struct.pack("f", x))[0]
    return nearest
