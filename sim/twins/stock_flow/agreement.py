"""Comparison of the twin with the agents: in a world where its closures are exact, and in shipped scenarios.

`python -m sim.twins.stock_flow.agreement SCENARIO…` prints acute demand by agents and by the twin, for some years.
`--all` compares every scenario of the library. `--mixed 1000 10000 100000 1000000` prints the well-mixed limit.
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
from sim.results.measurement import values_by_step
from sim.results.metrics import HEADLINE, metric
from sim.results.records import Record
from sim.scenario.scenario import Scenario, library
from sim.simulation.month import Month, clear_flows
from sim.simulation.simulate import ensemble
from sim.state.codes import ANYTHING, EMPTY_SLOT, GONE, WAITING
from sim.state.world import World, handle
from sim.twins.stock_flow.aggregation import Aggregation
from sim.twins.stock_flow.balance import baseline_conditions
from sim.twins.stock_flow.baseline import constants, figures_of, mechanism_parameters
from sim.twins.stock_flow.cells import StockState
from sim.twins.stock_flow.equations import OutputSlices
from sim.twins.stock_flow.flows import Flows
from sim.twins.stock_flow.measurement import measure
from sim.twins.stock_flow.records import record_of
from sim.twins.stock_flow.trace import RECORDED_COLUMNS
from sim.twins.stock_flow.twin import Twin
from sim.world.build import copy
from sim.world.partition import fused_stages, parts_of

F = npt.NDArray[np.float64]
MECHANISMS = {
    "candidate_thinning",
    "support",
    "need",
    "help_seeking",
    "queues",
    "queue_allocation",
    "waiting",
    "remembering",
}
"""Mechanisms of the well-mixed world: need and help only."""
SWITCHED_OFF = {
    "need": {"beta_support": 0.0, "beta_resilience": 0.0, "informal": 0.0},
    "help_seeking": {"hurt": 0.0, "silo": 0.0, "burden": 0.0},
    "waiting": {"known": 0.0},
}
"""Parameters that switch off differences between people."""
UP, DOWN, ASK = (0.03, 0.05, 0.02), (0.0, 0.04, 0.08, 0.4), 0.06
"""Monthly probabilities of the well-mixed world, the same for everybody."""
PLACES = 0.06
"""Places of each active service, over people. They are too few, so queues form."""


class WellMixed(NamedTuple):
    """A well-mixed world of one size: results of its agents at some months, and of the twin."""

    people: int
    agents: F
    """Share of people at each level of need, helped and waiting. Shape (seed, month, value)."""
    twin: F
    """The same shares of the twin. Shape (month, value)."""

    @property
    def error(self) -> float:
        """Root mean square difference between one run and the twin."""
        return float(np.sqrt(((self.agents - self.twin) ** 2).mean()))


def standard_errors(results: Sequence[WellMixed]) -> list[F]:
    """The difference between the mean of each world's runs and the twin, in standard errors of that mean.

    A few runs do not determine their own spread. The variance is therefore pooled over all sizes, as it is proportional
    to 1 / people.
    """
    common = np.mean([f.agents.var(axis=0, ddof=1) * f.people for f in results], axis=0)
    return [
        (f.agents.mean(axis=0) - f.twin) / np.maximum(np.sqrt(common / f.people / len(f.agents)), 1e-9) for f in results
    ]


def _well_mixed_world(calibrated: Calibrated, people: int) -> World:
    """A world in which everybody is well and alike, and has the same services."""
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


def _residents(world: World) -> tuple[npt.NDArray[np.bool_], int]:
    people = world.people
    alive = people.age != EMPTY_SLOT
    return alive, int(alive.sum())


def well_mixed(people: int, seeds: Sequence[int], months: Sequence[int] = (12, 24, 48), domain: int = 0) -> WellMixed:
    """Run agents and the twin in the well-mixed world.

    Parameters
    ----------
    people
        Number of people.
    seeds
        Seeds of the agents' runs.
    months
        Months at which results are recorded.
    domain
        The domain to record. Its level must be individual, not shared by the household.
    """
    calibrated = solution_for(Scenario.load("baseline"))
    start = _well_mixed_world(calibrated, people)
    services = [s for s in range(start.services.domain.size) if start.services.base_places[s] > 0.0]
    domain_services = [s for s in services if start.services.domain[s] == domain]
    alive, total = _residents(start)
    runs = []
    for seed in seeds:
        world = copy(start)._replace(rates=start.rates)
        month = Month(calibrated.params, {})
        steps = []
        for m, x in month.steps:
            if m.name in MECHANISMS or m.phase is Phase.REFRESH:
                group = m.params.__module__.rsplit(".", 1)[-1]
                steps.append((m, x._replace(**SWITCHED_OFF.get(group, {}))))  # type: ignore[attr-defined]  # compiled parameters
        observations, whole_world, part_worlds = [], [handle(world)], [handle(part) for part in parts_of(world)]
        parameters = {m.name: x for m, x in steps}
        for k in range(max(months)):
            clear_flows(world)
            for stage in fused_stages(m for m, _ in steps):
                for place in part_worlds if stage[0].by_part else whole_world:
                    for m in stage:
                        m.kernel(place, parameters[m.name], Clock(np.uint64(seed), np.int64(k)))
            if k + 1 in months:
                level, code = world.people.level[domain][alive], world.people.help[domain][alive].astype(int)
                row = [(level == x).sum() for x in (1, 2, 3)]
                row += [(code == 1 + s).sum() for s in domain_services] + [
                    (code == WAITING + s).sum() for s in domain_services
                ]
                observations.append(np.array(row) / total)
        runs.append(observations)
    return WellMixed(total, np.array(runs), _well_mixed_twin(calibrated, start, domain_services, months, domain, total))


def _well_mixed_twin(
    calibrated: Calibrated, world: World, domain_services: list[int], months: Sequence[int], domain: int, total: int
) -> F:
    """The twin of the same world: one cell with the same rates."""
    aggregation = Aggregation(np.zeros(world.places.code.size, int), np.zeros(10, int), ("the place",), ("all ages",))
    figures = figures_of(calibrated, world)
    c, _ = constants(figures, measure(world, aggregation), aggregation, np.zeros((1, 10), int))
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
    p = mechanism_parameters(figures.params)
    p = p._replace(
        need=p.need._replace(**SWITCHED_OFF["need"]),
        help_seeking=p.help_seeking._replace(**SWITCHED_OFF["help_seeking"]),
        waiting=p.waiting._replace(**SWITCHED_OFF["waiting"]),
    )
    people = np.full((1, 1), float(total))
    need = np.zeros((len(c.household), 4, 1, 1))
    need[:, 0] = c.households * people
    need[c.household == 0, 0] = people
    zeros = np.zeros((len(c.service), 1, 1))
    state = StockState(need, zeros, zeros.copy(), people, np.zeros((1, 1)), np.zeros((1, 1)))
    conditions = baseline_conditions(world.services.refused_base, c, people, world.services.places)
    flows = Flows(c, p)
    # All multipliers are 1 in this world, in any state.
    flows.set_baseline(state, conditions)
    observations = []
    for k in range(max(months)):
        state, events = flows.month(state, conditions)
        state, _ = flows.start_help(state, conditions, events)
        state = state._replace(resilience=0.0 * people, trust=0.0 * people)
        if k + 1 in months:
            row = [state.need[domain, x, 0, 0] for x in (1, 2, 3)]
            row += [state.helped[c.service == s].sum() for s in domain_services]
            row += [state.waiting[c.service == s].sum() for s in domain_services]
            observations.append(np.array(row) / total)
    return np.array(observations)


def largest_distance(rows: F, others: F, slices: OutputSlices) -> float:
    """The largest distance between two runs, of any output in any month, over the largest value of the output.

    Accounts are compared with the money spent: they are 0 except for rounding if nothing is overspent.

    Parameters
    ----------
    rows, others
        Outputs by month. Shape (month, output).
    slices
        The position of each output in a row, and its shape, by name.
    """
    size = np.empty(rows.shape[1])
    for name, (at, _) in slices.items():
        basis = slices["spent"][0] if name in RECORDED_COLUMNS["money"] else at
        size[at] = max(1e-6, float(np.abs(others[:, basis]).max()))
    return float((np.abs(rows - others) / size).max())


class AnnualDemand(NamedTuple):
    """Acute demand of one scenario by year, or another measure: the agents' mean and its error, and the twin's.

    Acute demand is in pounds per person per year, at fixed unit costs, before it is made an index.
    """

    scenario: str
    agents: F
    error: F
    twin: F

    @property
    def relative_difference(self) -> F:
        """The relative difference of the twin from the agents."""
        out: F = self.twin / self.agents - 1.0
        return out


def acute_demand(record: Record, measure: str = HEADLINE) -> F:
    """Acute demand by year, before it is made an index: pounds per person per year. Or another measure by year."""
    by_year: F = values_by_step(record, metric(measure), None)[1][0]
    return by_year


def compare(
    names: Sequence[str],
    seeds: Sequence[int],
    people: int | None = None,
    years: int | None = None,
    measure: str = HEADLINE,
) -> Iterator[AnnualDemand]:
    """Compare agents and twin for scenarios.

    Scenarios with the same place, start, years and parameters share their burned-in worlds.

    Parameters
    ----------
    names
        Names of scenarios.
    seeds
        Seeds of the agents' runs.
    people
        Number of people. None is the scenario's number.
    years
        Number of years. None is the scenario's number.
    measure
        Id of the measure. The number of episodes varies less by chance than their cost.

    Yields
    ------
    AnnualDemand
        The measure by year of each scenario.
    """
    scenarios = [Scenario.load(name) for name in names]
    if years is not None:
        scenarios = [scenario.with_settings(years=years) for scenario in scenarios]

    def shared_settings(s: Scenario) -> tuple[object, ...]:
        return s.place, s.start, s.years, tuple(sorted(s.parameters.items())), s.calibrate

    for key in dict.fromkeys(map(shared_settings, scenarios)):
        group = [s for s in scenarios if shared_settings(s) == key]
        place = Place.load(group[0].place)
        calibrated = solution_for(group[0], place)

        def world(seed: int, calibrated: Calibrated = calibrated, place: Place = place) -> World:
            return calibrated.burned_in_world(place, people, seed)

        records = ensemble(world, group, list(seeds), 1)
        for scenario in group:
            runs = np.array([acute_demand(r, measure) for r in records[scenario.name]])
            error = runs.std(axis=0, ddof=1) / np.sqrt(len(runs)) if len(runs) > 1 else np.full(runs.shape[1], np.nan)
            twin = acute_demand(record_of(Twin(scenario, place, people)), measure)
            yield AnnualDemand(scenario.name, runs.mean(axis=0), error, twin)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="names of scenarios")
    parser.add_argument("--all", action="store_true", help="compare every scenario of the library")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--people", type=int)
    parser.add_argument("--years", type=int)
    parser.add_argument(
        "--mixed", type=int, nargs="+", metavar="N", help="print the well-mixed limit at these numbers of people"
    )
    parser.add_argument(
        "--pysd", action="store_true", help="write each scenario as XMILE, run it with PySD, and compare"
    )
    parser.add_argument(
        "--aggregate", action="store_true", help="with --pysd: write smaller files of one cell, each in seconds"
    )
    options = parser.parse_args(arguments)
    if options.mixed:
        results = [well_mixed(size, range(options.seeds)) for size in options.mixed]
        print(
            "people      error of a run   times sqrt(people)   difference of the mean, in standard errors: rms, largest"
        )
        for f, z in zip(results, standard_errors(results), strict=True):
            scaled = f.error * np.sqrt(f.people)
            print(
                f"{f.people:9,}   {f.error:.6f}         {scaled:8.3f}             {np.sqrt((z**2).mean()):.2f}", end=""
            )
            print(f"  {np.abs(z).max():.2f}")
        return
    names = list(library()) if options.all else options.scenarios
    if options.pysd:
        from sim.twins.stock_flow.pysd_check import largest_difference

        for name in names:
            scenario = Scenario.load(name)
            if options.years:
                scenario = scenario.with_settings(years=options.years)
            twin = Twin(scenario, people=options.people, fifths=not options.aggregate, ages=not options.aggregate)
            print(f"{name:32} {largest_difference(twin, Path.cwd()):.1e}", flush=True)
        return
    print(f"{'scenario':32} year 1 agents  twin  diff.   year 10 agents  twin  diff.   last year agents  twin  diff.")
    for a in compare(names, range(options.seeds), options.people, options.years):
        cells = [f"{a.scenario:32}"] + [
            f"{a.agents[year]:10.1f} ± {a.error[year]:4.1f} {a.twin[year]:7.1f} {a.relative_difference[year]:+6.1%}"
            for year in (0, min(9, len(a.twin) - 1), len(a.twin) - 1)
        ]
        print("   ".join(cells), flush=True)


if __name__ == "__main__":
    main()
