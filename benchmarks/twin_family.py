"""The stock-flow twin with parameters as inputs, against the plain twin, calibrated draws and agents.

`python -m benchmarks.twin_family plain SCENARIO…` compares a family with the plain twin of each scenario (`all` for the
library). `… draws 20` compares draws without calibration of agents with calibrated ones. `… agents 20 --people 30000
--years 10 --seeds 4` compares calibrated draws with agents, for random settings of one to three levers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from sim.calibration.calibrate import solution_for
from sim.calibration.calibrated_model import Calibrated
from sim.ensemble.parameter_sampling import draws
from sim.place.place import Place
from sim.policies import Lever, levers
from sim.scenario.data_parameters import set_in_place
from sim.scenario.policy import Policy
from sim.scenario.scenario import Scenario, library
from sim.scenario.timeline import month_name
from sim.schema.errors import InputError
from sim.simulation.simulate import ensemble
from sim.state.world import World
from sim.twins.stock_flow import Twin, TwinFamily
from sim.twins.stock_flow.agreement import acute_demand, largest_distance
from sim.twins.stock_flow.equations import output_slices
from sim.twins.stock_flow.family import weighting_levers
from sim.twins.stock_flow.tape import run_tape, tape_of

F = npt.NDArray[np.float64]
MAIN = ("baseline", "salami-slice", "prevention-shift", "more-acute")
MOST_LEVERS, REACH = 3, 0.5
"""Largest number of levers that a random setting moves, and the largest part of the way to an end of their ranges."""
QUANTILES = (0.5, 0.95)


def movable() -> list[Lever]:
    """The levers that a policy may move for everybody."""
    return [lever for lever in levers() if not lever.needs and lever.acts == "every month"]


def _policy(lever: Lever, target: float, start: str, over_months: int) -> Policy:
    if lever.kind == "shift":
        return Policy(lever=lever.name, start=start, over_months=over_months, shift=target - lever.baseline)
    return Policy(lever=lever.name, start=start, over_months=over_months, value=target)


def every_lever(years: int, *, weights: bool) -> Scenario:
    """A scenario that moves each lever, so that a family has all of them as series.

    Levers that give neighbourhoods weights have equations of a different form. Without `weights` they stay as they are.
    """
    base = Scenario.load("baseline").with_settings(years=years)
    ends = [(x, x.high if x.high > x.baseline else x.low) for x in movable()]
    policies = [
        _policy(x, x.baseline + 0.3 * (end - x.baseline), month_name(base.start, 12), 12)
        for x, end in ends
        if weights or x.name not in weighting_levers()
    ]
    return base.model_copy(update={"name": f"every-lever-{weights}", "policies": policies})


def random_setting(k: int, years: int) -> Scenario:
    """Setting k: one to three levers, each moved some way towards an end of its range."""
    rng = np.random.default_rng([k, 16])
    base = Scenario.load("baseline").with_settings(years=years)
    known = movable()
    policies = []
    for at in rng.choice(len(known), size=int(rng.integers(1, MOST_LEVERS + 1)), replace=False):
        lever = known[int(at)]
        ends = [end for end in (lever.low, lever.high) if end != lever.baseline]
        target = lever.baseline + rng.uniform(0.1, REACH) * (ends[int(rng.integers(len(ends)))] - lever.baseline)
        start = month_name(base.start, int(rng.integers(6, 30)))
        policies.append(_policy(lever, float(target), start, int(rng.integers(1, 37))))
    return base.model_copy(update={"name": f"setting-{k}", "policies": policies})


def against_plain(names: Iterable[str], people: int) -> None:
    """Print the largest difference of a family's outputs from the plain twin's, over the largest value of an output."""
    by_place: dict[str, list[Scenario]] = {}
    for name in names:
        scenario = Scenario.load(name)
        by_place.setdefault(scenario.place, []).append(scenario)
    worst = 0.0
    for scenarios in by_place.values():
        family = TwinFamily(scenarios, people=people)
        for scenario, rows, _, _ in family.rows({}, exact=True):
            e = Twin(scenario, people=people).equations
            plain, _ = run_tape(tape_of(e))
            difference = largest_distance(rows, plain, output_slices(e))
            worst = max(worst, difference)
            print(f"{scenario.name:40} {difference:.1e}", flush=True)
    print(f"largest: {worst:.1e}")


def _line(name: str, values: F) -> str:
    median, high = np.quantile(values, QUANTILES)
    return f"{name:60} median {median:8.4f}   95th percentile {high:8.4f}"


def against_calibrated(count: int, people: int) -> None:
    """Print how far draws without calibration of agents are from calibrated ones, in acute demand."""
    family = TwinFamily([Scenario.load(name) for name in MAIN], people=people)
    results = []
    for k, values in enumerate(draws("all", range(count), family.place.name, {})):
        try:
            pair = [list(family.acute_demand(values, exact=exact).values()) for exact in (True, False)]
        except InputError as refused:
            print(f"draw {k}: {refused}", flush=True)
            continue
        results.append(pair)
    exact, fast = np.moveaxis(np.array(results), 1, 0)  # draw, scenario, year
    print(_line("levels, relative", np.abs(fast / exact - 1.0)))
    for k, name in enumerate(MAIN[1:], 1):
        a, b = exact[:, k] - exact[:, 0], fast[:, k] - fast[:, 0]
        print(_line(f"{name}: differences, episodes per 1,000", np.abs(b - a)))
        print(_line(f"{name}: size of the calibrated differences", np.abs(a)))
        print(f"{name}: correlation over draws in the last year {np.corrcoef(a[:, -1], b[:, -1])[0, 1]:.3f}")


def against_agents(count: int, people: int, years: int, seeds: Sequence[int], which: str) -> None:
    """Print how far the twin is from agents in acute demand, for random lever settings and draws of parameters."""
    baseline = Scenario.load("baseline").with_settings(years=years)
    family = TwinFamily([baseline, *(every_lever(years, weights=w) for w in (False, True))], people=people)
    samples = draws("all", range(count), family.place.name, {}) if which == "all" else [{}] * count
    twins, agents, errors = [], [], []
    for k, values in enumerate(samples):
        pair = [s.model_copy(update={"parameters": values}) for s in (baseline, random_setting(k, years))]
        began = time.process_time()
        try:
            twin = family.acute_demand(values, exact=True, scenarios=pair)
            calibrated = solution_for(pair[0], family.place)
        except InputError as refused:
            print(f"setting {k}: {refused}", flush=True)
            continue
        place = set_in_place(Place.load(baseline.place), values)

        def world(seed: int, calibrated: Calibrated = calibrated, place: Place = place) -> World:
            return calibrated.burned_in_world(place, people, seed)

        records = ensemble(world, pair, list(seeds), 1)
        runs = np.array([[acute_demand(r) for r in records[s.name]] for s in pair])  # scenario, seed, year
        twins.append(list(twin.values()))
        agents.append(runs.mean(axis=1))
        errors.append((runs[1] - runs[0]).std(axis=0, ddof=1) / np.sqrt(len(seeds)))
        moved = ", ".join(f"{p.lever} {p.value if p.value is not None else p.shift:.3g}" for p in pair[1].policies)
        t, a = twins[-1], agents[-1]
        print(
            f"{k:3} last year: agents {a[0][-1]:6.1f} {a[1][-1] - a[0][-1]:+6.1f}   twin {t[0][-1]:6.1f} "
            f"{t[1][-1] - t[0][-1]:+6.1f}   {moved}   {time.process_time() - began:.0f} s",
            flush=True,
        )
    twin_levels, levels = np.array(twins), np.array(agents)
    difference, twin_difference = levels[:, 1] - levels[:, 0], twin_levels[:, 1] - twin_levels[:, 0]
    print(_line("levels, relative", np.abs(twin_levels / levels - 1.0)))
    print(_line("differences, episodes per 1,000", np.abs(twin_difference - difference)))
    print(_line("size of the agents' differences", np.abs(difference)))
    print(_line("standard error of the agents' differences", np.array(errors)))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("comparison", choices=("plain", "draws", "agents"))
    parser.add_argument("selection", nargs="*", help="names of scenarios, or a number of draws or settings")
    parser.add_argument("--people", type=int, default=30_000)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--draws", choices=("all", "none"), default="all")
    options = parser.parse_args()
    if options.comparison == "plain":
        against_plain(list(library()) if options.selection in ([], ["all"]) else options.selection, options.people)
    elif options.comparison == "draws":
        against_calibrated(int(options.selection[0]), options.people)
    else:
        against_agents(int(options.selection[0]), options.people, options.years, range(options.seeds), options.draws)


if __name__ == "__main__":
    main()
