"""The k smallest of many keys, without sorting all of them.

Numba has `np.partition`, which compiles for as long as the five largest mechanisms together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.engine.jit import Int, kernel

A = npt.NDArray[Any]


@kernel
def kth_smallest(keys: A, k: Int) -> np.uint64:
    """The key that has k smaller or equal ones before it in order, k from 0. Leaves `keys` in another order."""
    low: Int = 0
    high: Int = keys.size - 1
    while low < high:
        pivot = keys[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while keys[i] < pivot:
                i += 1
            while keys[j] > pivot:
                j -= 1
            if i <= j:
                keys[i], keys[j] = keys[j], keys[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    found: np.uint64 = keys[k]
    return found
