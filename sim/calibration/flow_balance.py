"""Solves for hazards by flow balance, while a place is simulated with the current solution.

The equation is given in calibrate.py. Its expectations are measured person by person. A slow integral term for each
domain, level and age band removes the remaining error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim import hazards as tables
from sim.engine.jit import kernel
from sim.hazards import Solution, Targets, pool_narrow_bands
from sim.networks.support import Support, support
from sim.people.ageing import BAND_OF_AGE
from sim.people.life_and_death import LifeAndDeath, death_probability, set_mortality
from sim.people.need import Need, recovery_factor, worsening_probability
from sim.people.walk_in_demand import attendance_probability
from sim.schema.quantities import AGE_BANDS, Params
from sim.services.acute import care_cost
from sim.state.codes import ACUTE, EMPTY_SLOT
from sim.state.world import World, handle
from sim.world.build import all_asks

F = npt.NDArray[np.float64]
GAIN = 0.008
"""Monthly gain of the integral term."""
MOST_ASK = 0.27
MEMORY = 0.9
"""Weight of all earlier measurements at a further measurement."""


class Expectations(NamedTuple):
    """Sums over people at risk. The equation uses the means."""

    at_risk: F
    worse: F
    better: F
    alive: F
    mortality: F
    knocks: F
    resilience: F
    trust: F


@kernel
def _measure(w: World, need: Need, near: Support, life: LifeAndDeath, seed: np.uint64, out: Expectations) -> None:
    people = w.people
    for i in range(people.age.size):
        if people.age[i] == EMPTY_SLOT:
            continue
        b, q = people.band[i], people.quintile[i]
        support_given = support(w, near, seed, i)
        out.alive[b, q] += 1.0
        out.mortality[b, q] += death_probability(w, life, i) / w.rates.death[people.age[i], q]
        out.resilience[b, q] += people.resilience[i]
        out.trust[b, q] += people.trust[i]
        for k in range(w.rates.door.size):
            out.knocks[k, b, q] += attendance_probability(w, k, i) - w.rates.walk_in[k, b, q]
        for d in range(people.level.shape[0]):
            if w.rates.household[d] == 1 and w.dwellings.head[people.dwelling[i]] != i:
                continue
            level = people.level[d, i]
            out.at_risk[d, level, b, q] += 1.0
            out.better[d, level, b, q] += recovery_factor(w, d, i) if level < 3 else 1.0
            if level < 3 and w.rates.up[d, level, b, q] > 0.0:
                out.worse[d, level, b, q] += (
                    worsening_probability(w, need, d, i, people.level, support_given) / w.rates.up[d, level, b, q]
                )


def _zero_expectations(domains: int, doors: int) -> Expectations:
    cell = (tables.BANDS, 5)
    by_level, by_door = (domains, 4, *cell), (doors, *cell)
    return Expectations(
        at_risk=np.zeros(by_level),
        worse=np.zeros(by_level),
        better=np.zeros(by_level),
        alive=np.zeros(cell),
        mortality=np.zeros(cell),
        knocks=np.zeros(by_door),
        resilience=np.zeros(cell),
        trust=np.zeros(cell),
    )


def _demography(shares: F, moved_in: F, aged: F) -> F:
    """Net inflow of people at or above each level by ageing and moving, per person and month.

    `aged` and `moved_in` are the people who enter a cell a month by a birthday or by moving, over the people there.
    Shape (domain, level, band, quintile); deaths are added by the caller.
    """
    younger = np.empty_like(shares)
    younger[:, :, 1:] = shares[:, :, :-1]
    younger[:, :, 0] = np.array([1.0, 0.0, 0.0, 0.0])[None, :, None]
    newcomer = shares.copy()  # donors represent the whole population, but a crisis becomes serious need
    newcomer[:, 2] += newcomer[:, 3]
    newcomer[:, 3] = 0.0
    inflow = aged * (younger - shares) + moved_in * (newcomer - shares)
    out: F = inflow[:, ::-1].cumsum(axis=1)[:, ::-1]
    return out


class Solver:
    """The tables of hazards during calibration, and the integral terms that correct them."""

    def __init__(self, world: World, aims: Targets, params: Mapping[str, Params], seed: int) -> None:
        self.aims, self.seed = aims, seed
        self.use(world)
        self.shares = aims.shares()
        self.need = params["need"].compiled()
        self.near = params["support"].compiled()
        self.life = params["life_and_death"].compiled()
        domains, doors = world.people.level.shape[0], world.rates.door.size
        self.memory_weight = MEMORY
        self.memory = _zero_expectations(domains, doors)
        self.natural = world.rates.down.copy()
        self.trim = np.zeros((domains, 4, tables.BANDS))
        self.tilt = np.zeros((domains, 2, 5))
        self.joined = np.zeros(5)
        self.ask_trim = np.zeros(world.services.domain.size)
        self.sums: dict[str, F] = {}
        self.counted = 0
        self.mixing = np.zeros((2, tables.BANDS, 5))
        self.ask_base = self._first_asks()
        world.rates.ask[:] = self.ask_base
        world.rates.asks[:] = all_asks(world)

    def use(self, world: World) -> None:
        """Go on with a world that shares all tables with the present one, except its donors."""
        self.world, self.compiled = world, handle(world)

    def start_asking(self, ask: F) -> None:
        """Start from probabilities of asking that another run solved."""
        ratio = np.divide(ask, self.ask_base, out=np.ones_like(ask), where=self.ask_base > 0)
        self.ask_trim[:] = np.log(np.clip(ratio, 0.2, 5.0))

    def forget(self) -> None:
        """Discard all measurements so far. The following ones are weighted equally."""
        self.memory_weight = 1.0
        for sums in self.memory:
            sums[:] = 0.0

    def _first_asks(self) -> F:
        """Probabilities of asking at which accepted requests equal starts plus abandoned waits, all else equal."""
        s = self.world.services
        starts = s.base_places * s.flow
        queue = starts * s.wait_base
        let_in = (starts + s.give_up * queue) / np.maximum(0.05, 1.0 - s.refused_base)
        free = np.zeros(s.domain.size)
        census = self.world.tally.census
        for k in range(s.domain.size):
            for level in (1, 2):
                if s.serves[k, level]:
                    free[k] += (census[s.domain[k], level] * s.bands[k][None, :]).sum()
        # People who are helped by, or wait for, any service of the domain and level do not ask.
        busy = np.array(
            [
                sum(
                    s.base_places[j] + queue[j]
                    for j in range(s.domain.size)
                    if s.domain[j] == s.domain[k] and (s.serves[j] & s.serves[k]).any()
                )
                for k in range(s.domain.size)
            ]
        )
        out: F = np.where(s.base_places > 0, let_in / np.maximum(1.0, np.maximum(free * 0.2, free - busy)), 0.0)
        return np.minimum(out, 0.2)

    def measure(self, month: int) -> None:
        """Measure the expectations and compute the hazards that satisfy the equation."""
        world, aims = self.world, self.aims
        measured = _zero_expectations(world.people.level.shape[0], world.rates.door.size)
        _measure(self.compiled, self.need, self.near, self.life, np.uint64(self.seed), measured)
        retained = 0.0 if month == 0 else self.memory_weight
        for memory, latest in zip(self.memory, measured, strict=True):
            memory[:] = memory * retained + latest
        sums = self.memory
        worse = (sums.worse + 1.2 * 5.0) / (sums.at_risk + 5.0)
        better = (sums.better + 1.1 * 5.0) / (sums.at_risk + 5.0)
        alive = np.maximum(1.0, sums.alive)
        mortality = sums.mortality / alive
        death_rate = np.zeros((tables.BANDS, 5))
        for b, (first, last) in enumerate(AGE_BANDS):
            weight = np.exp(-0.15 * np.arange(last - first + 1)) if b == tables.BANDS - 1 else np.ones(last - first + 1)
            death_rate[b] = (weight[:, None] * aims.death[first : last + 1]).sum(axis=0) / weight.sum()
        aged, moved_in = self._flows()
        above = _demography(self.shares, moved_in, aged)
        above -= self._deaths_above(death_rate)
        self._recoveries(above, better, alive)
        down = world.rates.down[:, :, :, None] * np.where(np.arange(4)[None, :, None, None] < 3, better, 1.0)
        for level in range(2):
            back = self.shares[:, level + 1] * down[:, level + 1]
            required = np.maximum(0.05 * back, back - above[:, level + 1])
            required = required * np.exp(self.trim[:, level][:, :, None] + self.tilt[:, level][:, None, :])
            base = self.shares[:, level] * worse[:, level]
            rate = np.divide(required, base, out=np.zeros_like(required), where=base > 1e-9)
            world.rates.up[:, level] = np.minimum(0.3, rate)
        # Crises are a flow: the people now at risk must have the published number of crises.
        households = (world.rates.household == 1)[:, None, None]
        population = np.where(households, sums.at_risk.sum(axis=1), sums.alive)
        at_risk = sums.worse[:, 2] + 1.2
        required = aims.crises * population + 1.2 * np.divide(
            aims.crises, self.shares[:, 2], out=np.zeros_like(aims.crises), where=self.shares[:, 2] > 0
        )
        world.rates.up[:, 2] = np.minimum(0.3, required / at_risk)
        knocks = sums.knocks / alive
        world.rates.walk_in[:] = np.maximum(0.0, aims.walk_in - knocks)
        set_mortality(world.rates, np.minimum(0.4, aims.death / np.maximum(0.5, mortality[BAND_OF_AGE])))
        world.rates.resilience[:] = sums.resilience / alive
        world.rates.trust[:] = sums.trust / alive
        self.now = {
            "mortality": mortality,
            "knocks": knocks,
            "resilience": sums.resilience / alive,
            "trust": sums.trust / alive,
        }

    def _recoveries(self, above: F, better: F, alive: F) -> None:
        """Compute natural recovery, and the rate at which crises end.

        Natural recovery is faster where people who enter an age band have more need than the band. Crises end at the
        rate at which the published stock and the published inflow agree.
        """
        down = self.world.rates.down
        for level in (1, 2):
            natural = self.natural[:, level]
            back = (alive * self.shares[:, level] * natural[:, :, None] * better[:, level]).sum(axis=2)
            entering = (alive * above[:, level]).sum(axis=2)
            quicker = np.divide(entering, 0.7 * back, out=np.ones_like(back), where=back > 1e-9)
            # If need is too high even when almost nobody gets worse, recovery must be faster.
            quicker = quicker * np.exp(np.maximum(0.0, -0.7 - self.trim[:, level - 1]))
            down[:, level] = np.minimum(0.2, natural * np.clip(quicker, 1.0, 12.0))
        long = self.aims.crisis_months > 1.25
        down[:, 3] = np.where(
            long, np.clip(self.natural[:, 3] * np.exp(-self.trim[:, 3]), 0.002, 0.9), self.natural[:, 3]
        )

    def _flows(self) -> tuple[F, F]:
        """People who enter each cell in a month by ageing and by moving in, per person of the cell."""
        people = self.world.tally.people.T.astype(float)
        widths = np.array([last - first + 1 for first, last in AGE_BANDS], float)
        aged = np.zeros_like(people)
        aged[1:] = people[:-1] / widths[:-1, None] / 12.0
        aged[0] = people[0] / 5.0 / 12.0 * 0.9  # births
        tally = self.world.tally
        self.joined += 0.02 * (tally.moved_in / np.maximum(1, tally.people.sum(axis=1)) - self.joined)
        moved_in = np.broadcast_to(np.maximum(0.004, self.joined)[None, :], people.shape)
        population = np.maximum(1.0, people)
        return aged / population, moved_in

    def _deaths_above(self, death_rate: F) -> F:
        """Deaths of people at or above each level in excess of their share of all deaths, per person and month."""
        world = self.world
        serious, crisis = float(self.life.serious), float(self.life.crisis)
        factor = np.array([1.0, 1.0, serious, crisis])[None, :, None, None]
        personal = (world.rates.household == 0)[:, None, None, None]
        mean = (self.shares * factor).sum(axis=1, keepdims=True)
        excess = np.where(personal, self.shares * (factor / mean - 1.0) * death_rate, 0.0)
        out: F = excess[:, ::-1].cumsum(axis=1)[:, ::-1]
        return out

    def control(self, *, averaging: bool) -> None:
        """Update the integral terms after a month, and add the tables to the averages if `averaging`."""
        world = self.world
        census = world.tally.census.transpose(0, 1, 3, 2).astype(float)
        counted = census.sum(axis=1)
        for level in range(2):
            target = self.aims.at_least[:, level + 1] * counted
            observed = census[:, level + 1 :].sum(axis=1)
            for term, axis in ((self.trim, 2), (self.tilt, 1)):
                required, total = target.sum(axis=axis), observed.sum(axis=axis)
                error = np.divide(required - total, required, out=np.zeros_like(required), where=required > 0.5)
                term[:, level] += GAIN * np.clip(error, -0.5, 0.5) * required / (required + 50.0)
        required = (self.aims.at_least[:, 3] * counted).sum(axis=2)
        required, pooled = (
            pool_narrow_bands(required, self.aims),
            pool_narrow_bands(census[:, 3].sum(axis=2), self.aims),
        )
        error = np.divide(required - pooled, required, out=np.zeros_like(required), where=required > 0.5)
        self.trim[:, 3] += GAIN * np.clip(error, -0.5, 0.5) * required / (required + 50.0)
        np.clip(self.trim, -2.5, 2.5, out=self.trim)
        np.clip(self.tilt, -1.0, 1.0, out=self.tilt)
        s = world.services
        queue = s.base_places * s.flow * s.wait_base
        error = np.divide(queue - s.queue, queue, out=np.zeros_like(queue), where=queue > 0.01)
        self.ask_trim += 0.01 * np.clip(error, -1.0, 1.0)
        np.clip(self.ask_trim, -2.0, 2.0, out=self.ask_trim)
        proportional = 0.15 * np.clip(error, -1.0, 1.0)
        world.rates.ask[:] = np.minimum(MOST_ASK, self.ask_base * np.exp(self.ask_trim + proportional))
        world.rates.asks[:] = all_asks(world)
        if averaging:
            current = {
                "up": world.rates.up[:, :3],
                "down": world.rates.down,
                "ask": world.rates.ask,
                **self.now,
                "care": np.array(
                    [
                        care_cost(self.compiled, k) / s.base_demand[k]
                        if s.tier[k] == ACUTE and s.base_demand[k] > 0
                        else 1.0
                        for k in range(s.domain.size)
                    ]
                ),
            }
            for name, value in current.items():
                self.sums[name] = self.sums.get(name, 0.0) + np.array(value)
            self.counted += 1

    def solution(self, households: F, donors: Mapping[str, npt.NDArray[np.generic]]) -> Solution:
        """The solution: the average of the tables over the averaged months."""
        mean = {name: total / self.counted for name, total in self.sums.items()}
        room = np.ones(self.world.services.domain.size)
        return Solution(**mean, room=room, households=households, **donors)  # type: ignore[arg-type]  # fields by name
