"""Selection of the k-th smallest of many keys, without sorting them.

Numba has `np.partition`, which takes as long to compile as the five largest mechanisms together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.engine.jit import Int, kernel

A = npt.NDArray[Any]


@kernel
def kth_smallest(keys: A, k: Int) -> np.uint64:
    """Select the k-th smallest key (quickselect with Hoare's partition).

    Parameters
    ----------
    keys : ndarray of uint64, shape (n,)
        The keys. Their order is changed.
    k : int
        Rank, counted from 0, below n.

    Returns
    -------
    uint64
        The key at position `k` of the sorted keys.
    """
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
    key: np.uint64 = keys[k]
    return key
