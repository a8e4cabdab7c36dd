"""Kernels run by themselves, for tests of a mechanism against its formula."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.engine.schedule import Clock
from sim.state.world import World, handle


def clock(month: int = 0, seed: int = 0) -> Clock:
    """The clock of a month."""
    return Clock(np.uint64(seed), np.int64(month))


def run(world: World, kernel: Callable[..., None], params: object, months: int = 1, first: int = 0) -> None:
    """Run one kernel for a number of months, from the month `first` on."""
    w = handle(world)
    for m in range(first, first + months):
        kernel(w, params, clock(m))


def set_rules(world: World, **rules: float) -> None:
    """Set columns of `rules` to a value in every neighbourhood."""
    for name, value in rules.items():
        getattr(world.rules, name)[:] = value


def by_silo(world: World, amounts: np.ndarray) -> np.ndarray:
    """Amounts by service, summed by silo."""
    return np.bincount(world.services.silo, weights=amounts, minlength=world.money.carried.size)
