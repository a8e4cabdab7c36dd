"""Calibrate drawn parameter sets, and compare the rates of simulated towns with their targets.

`python -m benchmarks.calibration --sets 200 --checked 40` draws all parameters for the seeds 0 to 199 and calibrates
each set. It prints the CPU seconds of a set, and the sets that were refused, with the reason. Towns with the solutions
of the first 40 sets are then simulated, and towns with the supplied solution beside them, with the same random numbers.
The table has one row for each rate: how far the rate is from its target with the supplied solution, how far with the
drawn sets (median and worst), and the standard error of these towns.

Events are expected numbers: the hazards of the simulated people, added up twice a year. Their random variation is
smaller than that of counted events.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

import numpy as np
import numpy.typing as npt

from sim.calibration.attainable_rates import CalibrationError
from sim.calibration.calibrate import solution_for
from sim.calibration.calibrated_model import Calibrated
from sim.calibration.flow_balance import Solver
from sim.calibration.simulation_check import caseloads, visits_wanted
from sim.engine.schedule import Clock
from sim.ensemble.parameter_sampling import draws
from sim.hazards import DEATHS_PER_THOUSAND
from sim.people.domains import bands_within
from sim.place.place import Place
from sim.place.population_mix import ENGLAND
from sim.scenario.data_parameters import set_in_place
from sim.scenario.scenario import Scenario
from sim.simulation.month import Month

F = npt.NDArray[np.float64]
YEARS, MEASURED_EVERY = 10, 6
FIRST_SEED = 50


def rates(calibrated: Calibrated, place: Place, people: int, seed: int) -> dict[str, float]:
    """Each calibrated rate of a town, relative to its target."""
    domains, services, params, _, aims = calibrated
    world = calibrated.burned_in_world(place, people, seed)
    hazards = world.rates.up[:, 2].copy(), world.rates.walk_in.copy()
    solver = Solver(world, aims, params, seed, solving=False)
    month = Month(params, {}, disabled=("overspend_recovery",))
    doors = [k for k, service in enumerate(services) if service.walk_in is not None]
    sums: dict[str, F] = defaultdict(lambda: np.zeros(2))
    for m in range(12 * YEARS):
        if m % MEASURED_EVERY == 0:
            measured = solver.expectations()
            crises = hazards[0] * measured.worse[:, 2]
            crises_wanted = aims.crises * measured.at_risk.sum(axis=1)
            for d, domain in enumerate(domains):
                for part in domain.crisis.england_total:
                    bands = bands_within(part.ages)
                    name = f"crises, {domain.id}, from {part.ages[0]}"
                    sums[name] += crises[d][bands].sum(), crises_wanted[d][bands].sum()
            visits = (measured.knocks + hazards[1] * measured.alive).sum(axis=(1, 2))
            visits = visits + np.einsum("kd,dbq->k", world.rates.crisis_arrives, crises)
            for k, wanted in zip(range(len(doors)), visits_wanted(world, aims, measured.alive), strict=True):
                sums[f"visits, {services[doors[k]].id}"] += visits[k], wanted
        month(world, solver.compiled, Clock(np.uint64(seed), np.int64(m)))
        census = world.tally.census.transpose(0, 1, 3, 2).astype(float)
        counted = census.sum(axis=1)
        for d, domain in enumerate(domains):
            if aims.crisis_months[d].max() > 1.25:
                wanted = float((aims.at_least[d, 3] * counted[d]).sum())
                sums[f"stock of crises, {domain.id}"] += census[d, 3].sum(), wanted
        helped, helped_wanted = world.tally.helped.sum(axis=1), caseloads(services, world.tally.people.sum(axis=0))
        for k, service in enumerate(services):
            if helped_wanted[k] > 0.0:
                sums[f"helped, {service.id}"] += helped[k], helped_wanted[k]
        people_now = world.tally.people.sum()
        sums["deaths"] += world.tally.died.sum(), people_now * DEATHS_PER_THOUSAND / 12_000.0
    return {name: float(observed / wanted) for name, (observed, wanted) in sums.items()}


def main() -> None:
    """Measure, and print the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--sets", type=int, default=200, help="number of parameter sets")
    options.add_argument("--checked", type=int, default=40, help="number of sets with simulated towns")
    options.add_argument("--people", type=int, default=100_000, help="people of a town")
    options.add_argument("--towns", type=int, default=2, help="towns of each set")
    chosen = options.parse_args()
    place, baseline = Place.load(ENGLAND), Scenario.load("baseline")
    solution_for(baseline, place)
    seconds: list[float] = []
    accepted: list[tuple[int, Calibrated, Place]] = []
    for seed in range(chosen.sets):
        values = draws("all", [seed], ENGLAND, {})[0]
        scenario = baseline.model_copy(update={"parameters": values})
        before = time.process_time()
        try:
            calibrated = solution_for(scenario, place)
            if len(accepted) < chosen.checked:
                accepted.append((seed, calibrated, set_in_place(place, values)))
        except CalibrationError as refused:
            print(f"set {seed} refused: {refused}", flush=True)
        seconds.append(time.process_time() - before)
    later = seconds[1:] or seconds
    print(f"CPU seconds of a set: median {np.median(later):.2f}, longest {max(later):.2f}; first {seconds[0]:.2f}")
    towns = range(FIRST_SEED, FIRST_SEED + chosen.towns)
    supplied = [rates(solution_for(baseline, place), place, chosen.people, seed) for seed in towns]
    table: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
    for seed, calibrated, drawn_place in accepted:
        simulated = [rates(calibrated, drawn_place, chosen.people, town) for town in towns]
        for name in simulated[0]:
            values_of = np.array([town[name] for town in simulated])
            error = values_of.std(ddof=1) / np.sqrt(len(values_of)) if len(values_of) > 1 else np.nan
            table[name].append((float(values_of.mean()), float(error), seed))
    print(f"{len(accepted)} sets, each in {chosen.towns} towns of {chosen.people:,} people, {YEARS} years")
    print(f"{'rate':36} supplied   median    worst  (set)   s.e.")
    for name, results in table.items():
        off = [abs(value - 1.0) for value, _, _ in results]
        furthest = results[int(np.argmax(off))]
        print(
            f"{name:36} {np.mean([town[name] for town in supplied]) - 1.0:+8.1%} {np.median(off):8.1%} "
            f"{furthest[0] - 1.0:+8.1%}  ({furthest[2]:3})  {np.mean([error for _, error, _ in results]):5.1%}"
        )


if __name__ == "__main__":
    main()
