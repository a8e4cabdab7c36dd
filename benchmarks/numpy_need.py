"""One mechanism, need in five domains, as it would be written with whole arrays: what thinning is measured against.

The equation is that of sim/people/need.py, without help, outside exposure and care at home; every person's every hazard
is worked out every month, and drawn for.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from sim.calibration.calibrated_model import Calibrated
from sim.people.need import CAP, CAP_BETTER
from sim.state.tables import EMPTY_SLOT, World


class NumpyNeed:
    """A place's needs, month after month."""

    def __init__(self, calibrated: Calibrated, world: World, seed: int) -> None:
        people, ties, need = world.people, world.ties, calibrated.params["need"].compiled()
        support = calibrated.params["support"].compiled()
        self.rates, self.level = world.rates, people.level.copy()
        self.alive, self.band, self.quintile = people.age != EMPTY_SLOT, people.band, people.quintile
        self.half, self.strain, self.withdrawal = support.half, support.strain, support.withdrawal
        self.beta, self.usual = need.beta_support, need.usual_support
        self.resilient = np.exp(-need.beta_resilience * people.resilience.astype(float))
        start, to = ties.start.astype(np.int64), ties.to.astype(np.int64)
        self.ties = sparse.csr_matrix((np.ones(to.size, np.float32), to, start), shape=(people.age.size,) * 2)
        self.luck = np.random.Generator(np.random.SFC64(seed))

    def month(self) -> None:
        """Everybody's needs get worse, or better, or stay."""
        worst = self.level.max(axis=0)
        worth = np.array([1.0, 1.0, 0.5, -self.strain], np.float32)[worst] * self.alive
        held = np.maximum(0.0, (self.ties @ worth) * np.where(worst >= 2, 1.0 - self.withdrawal, 1.0))
        common = self.resilient * np.exp(-self.beta * (held / (held + self.half) - self.usual))
        before = self.level.copy()
        for d in range(len(before)):
            hazard = self.rates.up[d, before[d], self.band, self.quintile] * common
            for e in range(len(before)):
                if self.rates.omega[d, e] > 0.0:
                    hazard *= 1.0 + self.rates.omega[d, e] * before[e]
            better = np.minimum(CAP_BETTER, self.rates.down[d, before[d], self.band])
            draw = self.luck.random(self.alive.size)
            self.level[d] += (draw < np.minimum(CAP, hazard)) & self.alive
            self.level[d] -= (draw > 1.0 - better) & (before[d] > 0)
