"""The need mechanism in five domains, written with whole arrays: the reference for the speed of thinning.

The equation is that of sim/people/need.py, without help, outside exposure and care at home. Every hazard of every
person is computed every month and compared with a random draw.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from sim.calibration.calibrated_model import Calibrated
from sim.state.codes import EMPTY_SLOT
from sim.state.world import World


class NumpyNeed:
    """The needs of a place, month by month."""

    def __init__(self, calibrated: Calibrated, world: World, seed: int) -> None:
        people, ties, need = world.people, world.ties, calibrated.params["need"].compiled()
        support = calibrated.params["support"].compiled()
        self.rates, self.level = world.rates, people.level.copy()
        self.alive, self.band, self.quintile = people.age != EMPTY_SLOT, people.band, people.quintile
        self.half, self.strain, self.withdrawal = support.half, support.strain, support.withdrawal
        self.beta, self.baseline_support = need.beta_support, need.usual_support
        self.most_worsening, self.most_improvement = need.most_worsening, need.most_improvement
        self.resilient = np.exp(-need.beta_resilience * people.resilience.astype(float))
        start, to = ties.start.astype(np.int64), ties.to.astype(np.int64)
        self.ties = sparse.csr_matrix((np.ones(to.size, np.float32), to, start), shape=(people.age.size,) * 2)
        self.rng = np.random.Generator(np.random.SFC64(seed))

    def month(self) -> None:
        """Worsen, improve or keep the needs of everybody for one month."""
        worst = self.level.max(axis=0)
        worth = np.array([1.0, 1.0, 0.5, -self.strain], np.float32)[worst] * self.alive
        held = np.maximum(0.0, (self.ties @ worth) * np.where(worst >= 2, 1.0 - self.withdrawal, 1.0))
        common = self.resilient * np.exp(-self.beta * (held / (held + self.half) - self.baseline_support))
        before = self.level.copy()
        for d in range(len(before)):
            hazard = self.rates.up[d, before[d], self.band, self.quintile] * common
            for e in range(len(before)):
                if self.rates.omega[d, e] > 0.0:
                    hazard *= 1.0 + self.rates.omega[d, e] * before[e]
            better = np.minimum(self.most_improvement, self.rates.down[d, before[d], self.band])
            draw = self.rng.random(self.alive.size)
            self.level[d] += (draw < np.minimum(self.most_worsening, hazard)) & self.alive
            self.level[d] -= (draw > 1.0 - better) & (before[d] > 0)
