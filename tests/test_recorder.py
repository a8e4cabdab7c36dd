"""Many arrays recorded or cleared in one call have the same values as if they were handled one by one."""

from __future__ import annotations

import numpy as np
import pytest

from sim.engine.recorder import ArrayClearer, ArrayRecorder


def arrays(seed: int) -> dict[str, np.ndarray]:
    """Arrays of several types and shapes, one of them empty."""
    rng = np.random.default_rng(seed)
    return {
        "counts": rng.integers(-5, 5, (3, 4), dtype=np.int32),
        "pence": rng.integers(-(10**12), 10**12, 7),
        "shares": rng.random((2, 3, 5)),
        "bits": rng.integers(0, 255, 9, dtype=np.uint8),
        "nothing": np.zeros((0, 4)),
    }


def test_rows_hold_the_recorded_values(seed: int) -> None:
    """Each moment is recorded in its own row; a later change of the arrays does not change the rows."""
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


def test_only_counts_are_added(seed: int) -> None:
    """Arrays of 32-bit integers are summed row by row; other types are refused by name."""
    counts = {"counts": arrays(seed)["counts"]}
    rows = ArrayRecorder(counts, 2)
    for row in (1, 1, 0):
        rows.add(row)
    assert np.array_equal(rows.rows["counts"], np.stack([counts["counts"], 2 * counts["counts"]]))
    with pytest.raises(TypeError, match="pence, shares, bits, nothing"):
        ArrayRecorder(arrays(seed), 1).add(0)


def test_clearing_sets_these_arrays_to_zero(seed: int) -> None:
    """Each call sets the arrays to 0, and no other arrays."""
    held, other = arrays(seed), arrays(seed)
    clear = ArrayClearer(held.values())
    for _ in range(2):
        clear()
        assert not any(array.any() for array in held.values())
        for array in held.values():
            array[...] = 1
    assert all(np.array_equal(array, arrays(seed)[name]) for name, array in other.items())
