"""Many arrays noted or emptied in one call hold what they would one by one."""

from __future__ import annotations

import numpy as np
import pytest

from sim.engine.recorder import ArrayClearer, ArrayRecorder


def arrays(seed: int) -> dict[str, np.ndarray]:
    """Arrays of several types and shapes, one of them without a number in it."""
    luck = np.random.default_rng(seed)
    return {
        "counts": luck.integers(-5, 5, (3, 4), dtype=np.int32),
        "pence": luck.integers(-(10**12), 10**12, 7),
        "shares": luck.random((2, 3, 5)),
        "bits": luck.integers(0, 255, 9, dtype=np.uint8),
        "nothing": np.zeros((0, 4)),
    }


def test_rows_hold_what_was_noted(seed: int) -> None:
    """Each moment stands in its own row; what changes later does not."""
    held = arrays(seed)
    rows = ArrayRecorder(held, 3)
    noted = []
    for row in (2, 0):
        for name, new in arrays(seed + 1 + row).items():
            held[name][...] = new
        rows.note(row)
        noted.append((row, {name: array.copy() for name, array in held.items()}))
    for array in held.values():
        array.fill(0)
    for row, before in noted:
        for name, array in before.items():
            assert rows.rows[name].dtype == array.dtype
            assert np.array_equal(rows.rows[name][row], array)
    assert not any(array[1].any() for array in rows.rows.values())


def test_counts_add_up_and_nothing_else_does(seed: int) -> None:
    """Whole numbers of 32 bits are summed row by row; others are refused by name, as their bits would be summed."""
    counts = {"counts": arrays(seed)["counts"]}
    rows = ArrayRecorder(counts, 2)
    for row in (1, 1, 0):
        rows.add(row)
    assert np.array_equal(rows.rows["counts"], np.stack([counts["counts"], 2 * counts["counts"]]))
    with pytest.raises(TypeError, match="pence, shares, bits, nothing"):
        ArrayRecorder(arrays(seed), 1).add(0)


def test_clearing_empties_all_and_only_those(seed: int) -> None:
    """As often as it is called."""
    held, other = arrays(seed), arrays(seed)
    clear = ArrayClearer(held.values())
    for _ in range(2):
        clear()
        assert not any(array.any() for array in held.values())
        for array in held.values():
            array[...] = 1
    assert all(np.array_equal(array, arrays(seed)[name]) for name, array in other.items())
