"""How far the twin is from the agents: in a world where its closures are exact, and on the scenarios that come along.

`python -m sim.twins.stock_flow.agreement SCENARIO…` prints acute demand by agents and twin, year by year; `--all` takes every
scenario of the library. `python -m sim.twins.stock_flow.agreement --mixed 1000 10000 100000 1000000` prints the well-mixed limit.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.calibration.calibrate import solution_for
from sim.calibration.calibrated_model import Calibrated
from sim.engine.schedule import Clock, Phase
from sim.place.place import Place
from sim.results.metrics import services_of
from sim.results.records import Record
from sim.scenario.scenario import Scenario, library
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import FLOWS, Month, ensemble
from sim.state.tables import ANYTHING, EMPTY_SLOT, GONE, WAITING, World, handle
from sim.twins.stock_flow.aggregation import Aggregation
from sim.twins.stock_flow.baseline import calm, constants, given
from sim.twins.stock_flow.cells import StockState
from sim.twins.stock_flow.flows import Flows
from sim.twins.stock_flow.records import record_of
from sim.twins.stock_flow.twin import Twin
from sim.world.build import copy
from sim.world.partition import parts_of, stretches

F = npt.NDArray[np.float64]
CHAIN = {
    "candidate_thinning",
    "support",
    "need",
    "help_seeking",
    "queues",
    "queue_allocation",
    "waiting",
    "remembering",
}
"""Mechanisms of the well-mixed world: need and help, nothing else."""
STILL = {
    "need": {"beta_support": 0.0, "beta_resilience": 0.0, "informal": 0.0},
    "help_seeking": {"hurt": 0.0, "silo": 0.0, "burden": 0.0},
    "waiting": {"known": 0.0},
}
"""What would make people differ is switched off."""
UP, DOWN, ASK = (0.03, 0.05, 0.02), (0.0, 0.04, 0.08, 0.4), 0.06
"""Monthly probabilities of the well-mixed world, the same for everybody."""
PLACES = 0.06
"""Places of each service that is at work there, over people: queues form."""


class Mixed(NamedTuple):
    """A well-mixed world of some size: what its agents showed at some months, and the twin."""

    people: int
    agents: F
    """Part of people by seed, month looked at and what is looked at: levels of need, helped and waiting."""
    twin: F
    """The same of the twin, by month looked at."""

    @property
    def error(self) -> float:
        """Root mean square distance of one run from the twin."""
        return float(np.sqrt(((self.agents - self.twin) ** 2).mean()))


def standard_errors(found: Sequence[Mixed]) -> list[F]:
    """How far the mean of each world's runs lies from the twin, in standard errors of that mean.

    A few runs say little of their own spread, so it is taken of all sizes together: it goes as 1 / sqrt(people).
    """
    common = np.mean([f.agents.var(axis=0, ddof=1) * f.people for f in found], axis=0)
    return [
        (f.agents.mean(axis=0) - f.twin) / np.maximum(np.sqrt(common / f.people / len(f.agents)), 1e-9) for f in found
    ]


def _alike(calibrated: Calibrated, people: int) -> World:
    """A world in which everybody is well, alike, and served by the same services."""
    world = calibrated.world(Place.load("anytown"), people, 0).world
    rates, services, people_ = world.rates, world.services, world.people
    rates.up[:, :3] = np.array(UP)[None, :, None, None]
    rates.down[:] = np.array(DOWN)[None, :, None]
    rates.omega[:] = 0.0
    rates.informal[:] = 0
    rates.waits_for[:] = -1
    rates.ask[:] = np.where(services.base_places > 0.0, ASK, 0.0)
    services.bands[:] = 1
    rates.asks[:] = 0.0
    for s, d in enumerate(services.domain):
        rates.asks[d] += services.serves[s][:, None] * rates.ask[s]
    people_.level[:] = people_.before[:] = people_.help[:] = 0
    people_.worst[:] = np.where(people_.age == EMPTY_SLOT, GONE, 0)
    people_.resilience[:] = 0.0
    people_.trust[:] = 0.6
    services.helped[:] = services.queue[:] = 0
    for table in (world.tally.census, world.tally.unmet, world.tally.helped, world.tally.waiting):
        table[:] = 0
    services.places[:] = np.where(services.base_places > 0.0, PLACES * (people_.age != EMPTY_SLOT).sum(), 0.0)
    people_.changed[:] = ANYTHING
    return world


def _counts(world: World) -> tuple[npt.NDArray[np.bool_], int]:
    people = world.people
    alive = people.age != EMPTY_SLOT
    return alive, int(alive.sum())


def mixed(people: int, seeds: Sequence[int], months: Sequence[int] = (12, 24, 48), domain: int = 0) -> Mixed:
    """Agents and twin of the well-mixed world. One domain whose level is a person's own is looked at."""
    calibrated = solution_for(Scenario.load("baseline"))
    start = _alike(calibrated, people)
    services = [s for s in range(start.services.domain.size) if start.services.base_places[s] > 0.0]
    mine = [s for s in services if start.services.domain[s] == domain]
    alive, many = _counts(start)
    runs = []
    for seed in seeds:
        world = copy(start)._replace(rates=start.rates)
        month = Month(calibrated.params, {})
        kept = []
        for m, x in month.steps:
            if m.name in CHAIN or m.phase is Phase.REFRESH:
                group = m.params.__module__.rsplit(".", 1)[-1]
                kept.append((m, x._replace(**STILL.get(group, {}))))  # type: ignore[attr-defined]  # compiled parameters
        seen, whole, parts = [], [handle(world)], [handle(part) for part in parts_of(world)]
        chosen = {m.name: x for m, x in kept}
        for k in range(max(months)):
            for flow in FLOWS:
                getattr(world.tally, flow).fill(0)
            for stretch in stretches(m for m, _ in kept):
                for place in parts if stretch[0].by_part else whole:
                    for m in stretch:
                        m.kernel(place, chosen[m.name], Clock(np.uint64(seed), np.int64(k)))
            if k + 1 in months:
                level, code = world.people.level[domain][alive], world.people.help[domain][alive].astype(int)
                row = [(level == x).sum() for x in (1, 2, 3)]
                row += [(code == 1 + s).sum() for s in mine] + [(code == WAITING + s).sum() for s in mine]
                seen.append(np.array(row) / many)
        runs.append(seen)
    return Mixed(many, np.array(runs), _mixed_twin(calibrated, start, mine, months, domain, many))


def _mixed_twin(
    calibrated: Calibrated, world: World, mine: list[int], months: Sequence[int], domain: int, many: int
) -> F:
    """What the flows say of the same world: one cell, the same rates."""
    grain = Aggregation(np.zeros(world.places.code.size, int), np.zeros(10, int), ("the place",), ("all ages",))
    c, _ = constants(calibrated, world, grain, np.zeros((1, 10), int))
    shape = c.up.shape
    c = c._replace(
        up=np.broadcast_to(np.array(UP)[None, :, None, None], shape).copy(),
        down=np.broadcast_to(np.array(DOWN)[None, :, None, None], c.down.shape).copy(),
        ask=np.full(c.ask.shape, ASK),
        eligible=np.ones_like(c.eligible),
        overlap=(c.overlap > 0.0).astype(float),
        omega=np.zeros_like(c.omega),
        informal=np.zeros_like(c.informal),
        waits_for=np.full_like(c.waits_for, -1),
        mean_trust=np.full(c.mean_trust.shape, 0.6),
    )
    p = given(calibrated.params)
    p = p._replace(
        need=p.need._replace(**STILL["need"]),
        help_seeking=p.help_seeking._replace(**STILL["help_seeking"]),
        waiting=p.waiting._replace(**STILL["waiting"]),
    )
    people = np.full((1, 1), float(many))
    need = np.zeros((len(c.household), 4, 1, 1))
    need[:, 0] = c.lives * people
    need[c.household == 0, 0] = people
    nobody = np.zeros((len(c.service), 1, 1))
    state = StockState(need, nobody, nobody.copy(), people, np.zeros((1, 1)), np.zeros((1, 1)))
    around = calm(world, c, people, world.services.places)
    flows = Flows(c, p)
    # Multipliers are all 1 here, at any state.
    flows.settle(state, around)
    seen = []
    for k in range(max(months)):
        state, events = flows.month(state, around)
        state, _ = flows.begin(state, around, events)
        state = state._replace(resilience=0.0 * people, trust=0.0 * people)
        if k + 1 in months:
            row = [state.need[domain, x, 0, 0] for x in (1, 2, 3)]
            row += [state.helped[c.service == s].sum() for s in mine]
            row += [state.waiting[c.service == s].sum() for s in mine]
            seen.append(np.array(row) / many)
    return np.array(seen)


class AnnualDemand(NamedTuple):
    """Acute demand of one scenario by year, per 1,000 people: agents' mean and its standard error, and the twin's."""

    scenario: str
    agents: F
    error: F
    twin: F

    @property
    def off(self) -> F:
        """The twin over the agents, less 1."""
        out: F = self.twin / self.agents - 1.0
        return out


def acute_demand(record: Record) -> F:
    """Episodes per 1,000 people by year."""
    catalogue = load_catalogue()
    counted = [k for k in services_of(2) if catalogue[k].counts]
    opened = record.monthly["opened"][:, counted].reshape(len(record.monthly["people"]), -1).sum(axis=1)
    people = record.monthly["people"].sum(axis=(1, 2))
    out: F = 12_000.0 * opened.reshape(-1, 12).sum(axis=1) / people.reshape(-1, 12).sum(axis=1)
    return out


def compare(
    names: Sequence[str], seeds: Sequence[int], people: int | None = None, years: int | None = None
) -> Iterator[AnnualDemand]:
    """Agents and twin of scenarios. Those of one place and the same parameters share their settled worlds."""
    chosen = [Scenario.load(name) for name in names]
    if years is not None:
        chosen = [scenario.with_settings(years=years) for scenario in chosen]

    def ground(s: Scenario) -> tuple[object, ...]:
        return s.place, s.start, s.years, tuple(sorted(s.parameters.items())), s.recalibrate

    for same in dict.fromkeys(map(ground, chosen)):
        group = [s for s in chosen if ground(s) == same]
        place = Place.load(group[0].place)
        calibrated = solution_for(group[0], place)

        def world(seed: int, calibrated: Calibrated = calibrated, place: Place = place) -> World:
            return calibrated.settled(place, people, seed)

        records = ensemble(world, group, list(seeds), 1)
        for scenario in group:
            runs = np.array([acute_demand(r) for r in records[scenario.name]])
            error = runs.std(axis=0, ddof=1) / np.sqrt(len(runs)) if len(runs) > 1 else np.full(runs.shape[1], np.nan)
            twin = acute_demand(record_of(Twin(scenario, place, people)))
            yield AnnualDemand(scenario.name, runs.mean(axis=0), error, twin)


def main(typed: Sequence[str] | None = None) -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="scenarios by name")
    parser.add_argument("--all", action="store_true", help="every scenario of the library")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--people", type=int)
    parser.add_argument("--years", type=int)
    parser.add_argument("--mixed", type=int, nargs="+", metavar="N", help="the well-mixed limit at these sizes")
    parser.add_argument(
        "--pysd", action="store_true", help="write each scenario as XMILE, run it with PySD, and compare"
    )
    parser.add_argument(
        "--merge", action="store_true", help="with --pysd: the smaller files of one cell, each in seconds"
    )
    asked = parser.parse_args(typed)
    if asked.mixed:
        found = [mixed(size, range(asked.seeds)) for size in asked.mixed]
        print(
            "people      error of a run   times sqrt(people)   distance of the mean, in standard errors: rms, largest"
        )
        for f, z in zip(found, standard_errors(found), strict=True):
            scaled = f.error * np.sqrt(f.people)
            print(
                f"{f.people:9,}   {f.error:.6f}         {scaled:8.3f}             {np.sqrt((z**2).mean()):.2f}", end=""
            )
            print(f"  {np.abs(z).max():.2f}")
        return
    names = list(library()) if asked.all else asked.scenarios
    if asked.pysd:
        from sim.twins.stock_flow.pysd_check import largest_difference

        for name in names:
            scenario = Scenario.load(name)
            if asked.years:
                scenario = scenario.with_settings(years=asked.years)
            twin = Twin(scenario, people=asked.people, fifths=not asked.merge, ages=not asked.merge)
            print(f"{name:32} {largest_difference(twin, Path.cwd()):.1e}", flush=True)
        return
    print(f"{'scenario':32} year 1 agents  twin    off   year 10 agents  twin    off   last year agents  twin    off")
    for a in compare(names, range(asked.seeds), asked.people, asked.years):
        told = [f"{a.scenario:32}"] + [
            f"{a.agents[year]:10.1f} ± {a.error[year]:4.1f} {a.twin[year]:7.1f} {a.off[year]:+6.1%}"
            for year in (0, min(9, len(a.twin) - 1), len(a.twin) - 1)
        ]
        print("   ".join(told), flush=True)


if __name__ == "__main__":
    main()
