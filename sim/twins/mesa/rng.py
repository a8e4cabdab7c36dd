"""The dice of the model, in whole numbers: every throw has an address, and the same address always shows the same.

A throw is addressed by the seed of the run, the name of what it decides ("threshold"), the month and the person. Names
become numbers by CRC-32. Seed, name and month are stirred into one key; the person is stirred into the key. Nothing is
remembered from one throw to the next, so nobody's luck depends on who threw before.
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
    """The number that a name stands for."""
    return zlib.crc32(name.encode())


def _stir(x: int) -> int:
    """Sixty-four bits, well mixed (splitmix64's last steps)."""
    x = (x ^ (x >> 30)) * MIX_1 & LONG
    x = (x ^ (x >> 27)) * MIX_2 & LONG
    return x ^ (x >> 31)


def month_key(seed: int, number: int, month: int) -> int:
    """One key for everybody's throws of one kind in one month."""
    key = _stir((seed + GOLDEN) & LONG)
    key = _stir(key ^ ((number * MIX_2 + GOLDEN) & LONG))
    return _stir(key ^ ((month * GOLDEN + MIX_1) & LONG))


def bits(key: int, person: int) -> int:
    """A whole number from 0 to 2^32 - 1 for one person."""
    x = (person * SPREAD & WORD) ^ (key & WORD)
    x = (x ^ (x >> 16)) * ROUND_1 & WORD
    x = (x ^ (x >> 15)) * ROUND_2 & WORD
    x = x ^ (x >> 16) ^ (key >> 32)
    x = (x ^ (x >> 16)) * ROUND_1 & WORD
    x = (x ^ (x >> 15)) * ROUND_2 & WORD
    return x ^ (x >> 16)


def uniform(key: int, person: int) -> float:
    """A number between 0 and 1 for one person."""
    return (bits(key, person) + 0.5) * 2.0**-32


def uniforms(key: int, many: int) -> list[float]:
    """The same for persons 0, 1, 2 and so on: `uniform` again, written in one go as it is thrown so often."""
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
    """A number kept with seven digits, as trust, resilience and support are: the nearest of 32 bits."""
    kept: float = struct.unpack("f", struct.pack("f", x))[0]
    return kept
