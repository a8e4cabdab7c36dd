"""Tests each lever alone at both ends of its range, and each feedback loop by knocking it out in an experiment.

Levers: the mean of every measure over the second half of the years, less that of the same towns with no lever moved, in
a paired t test, at a level of 5 % for all ends of all levers and all measures together (Bonferroni: each p times the
number of tests). The report names the largest significant change at that level, in standard deviations between towns of
the simulated size. Outcomes for people come first (acute demand, health, need), then their experience (access,
fairness, community), then staff and money.

Loops: the effect of an experiment with the loop, less its effect without the loop, seed by seed; for a loop that
sustains the baseline itself, the level with the loop less the level without it. Each is one expectation, tested like an
expectation of a claim.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from sim.ensemble.compare import compare
from sim.ensemble.run_limits import Runs, one_job
from sim.feedback.loops import LOOPS, Loop
from sim.place.place import Place
from sim.policies import Lever, levers
from sim.results.comparison import Comparison
from sim.results.expectation_tests import (
    LEVEL,
    Estimate,
    F,
    Verdict,
    about,
    assess,
    expected_by_chance,
    level,
    needs,
    unmeasured,
)
from sim.results.metric_types import Metric
from sim.results.metrics import metric, metrics
from sim.scenario.expectations import Expect
from sim.scenario.policy import Policy
from sim.scenario.scenario import FOLDER, Scenario
from sim.schema import errors, toml_files
from sim.schema.errors import InputError
from sim.schema.quantities import Closed
from sim.schema.version import VERSION
from sim.simulation.simulate import Progress

LEVERS_FILE, LOOPS_FILE = FOLDER / "probes" / "levers.toml", FOLDER / "probes" / "loops.toml"
START = "2025-10"
"""The month from which a lever is at an end of its range."""
Reach = Literal["outcomes", "access or community", "staff or money", "nothing"]
KINDS: dict[Reach, tuple[str, ...]] = {
    "outcomes": ("service", "life", "need"),
    "access or community": ("access", "fairness", "community"),
    "staff or money": ("staff", "money"),
}
"""The kinds of measures for each reach of a change, from outcomes for people to staff and money."""


# --- files -----------------------------------------------------------------------------------------------------------


class LeverPrecondition(Closed):
    """The conditions under which a lever can have an effect."""

    because: str = Field(min_length=10)
    world: list[Policy] = Field(default_factory=list, description="policies of the world in which the lever is moved")
    service: list[str] | None = Field(None, description="the services that the lever targets")
    people: int | None = Field(
        None, gt=0, description="number of people, if the effect is so small or local that a larger town is required"
    )


class LeversFile(Closed):
    """The settings of the test of each lever."""

    people: int = Field(gt=0)
    years: int = Field(ge=2)
    needs: dict[str, LeverPrecondition] = Field(description="by name of the lever; other levers need nothing")


class LoopExpectation(Expect):
    """The expected effect of a loop on a measure: on the change in the experiment, or on the level."""

    quantity: Literal["change", "level"] = "change"


class LoopExperiment(Closed):
    """An experiment in which a loop should act, and the effects that its description states."""

    people: int = Field(gt=0)
    years: int = Field(ge=1)
    world: list[Policy] = Field(default_factory=list, description="policies that apply in all runs")
    change: list[Policy] = Field(default_factory=list, description="the change, made with the loop and without it")
    why: str = Field(min_length=10)
    looks: list[LoopExpectation] = Field(min_length=1)


class LoopsFile(Closed):
    """The experiments, by name of the loop."""

    loops: dict[str, LoopExperiment]


def lever_preconditions() -> LeversFile:
    """The settings of the tests of levers. Raises InputError for an unknown lever."""
    file = toml_files.load(LEVERS_FILE, LeversFile)
    known = {lever.name: lever for lever in levers()}
    for name in file.needs:
        if name not in known:
            raise toml_files.fail(LEVERS_FILE, ("needs", name), "the name of a lever", name, tuple(known))
    return file


def experiments() -> dict[str, LoopExperiment]:
    """The experiment of each loop, in the order of the loops.

    Raises
    ------
    InputError
        If a loop or a measure is unknown, a year is beyond the last, or there is no change to measure.
    """
    by_name = toml_files.load(LOOPS_FILE, LoopsFile).loops
    loop_names = {loop.name for loop in LOOPS}
    for name, experiment in by_name.items():
        if name not in loop_names:
            raise toml_files.fail(LOOPS_FILE, ("loops", name), "the name of a loop", name, tuple(sorted(loop_names)))
        for k, look in enumerate(experiment.looks):
            key: errors.KeyPath = ("loops", name, "looks", k)
            wrong = unmeasured(look)
            if wrong is not None:
                raise toml_files.fail(LOOPS_FILE, (*key, *wrong.below), wrong.wanted, wrong.came, wrong.choices)
            if look.last > experiment.years:
                raise toml_files.fail(LOOPS_FILE, key, f"years from 1 to {experiment.years}", look.last)
            if look.quantity == "change" and not experiment.change:
                raise toml_files.fail(LOOPS_FILE, ("loops", name), "a change to measure", errors.Phrase("none"))
    return {loop.name: by_name[loop.name] for loop in LOOPS if loop.name in by_name}


def _scenario(name: str, policies: Sequence[Policy], years: int) -> Scenario:
    scenario = Scenario.load("baseline").model_copy(
        update={"name": name, "label": name, "years": years, "policies": list(policies)}
    )
    scenario.check()
    return scenario


def _selected(names: Sequence[str], known: Sequence[str], kind: str) -> list[str]:
    for name in names:
        if name not in known:
            raise InputError(kind, None, "", f"the name of a {kind}", name, known)
    return [name for name in known if not names or name in names]


# --- levers ----------------------------------------------------------------------------------------------------------


class LeverEffect(NamedTuple):
    """The effect of one end of a lever's range on one measure."""

    metric: Metric
    mean: float
    ci_low: float
    ci_high: float
    level: float
    """Mean of the towns with no lever moved."""
    spread: float
    """Standard deviation between these towns."""
    p: float
    """Two-sided p of the paired t test."""

    @property
    def size(self) -> float:
        """The change in standard deviations between towns."""
        return abs(self.mean) / self.spread if self.spread > 0.0 else np.inf if self.mean != 0.0 else 0.0

    @classmethod
    def of(cls, measure: Metric, baseline_values: F, moved_values: F) -> LeverEffect:
        """The effect from the values of the same seeds with no lever moved, and with the lever at the end."""
        estimate = Estimate.of(moved_values) - Estimate.of(baseline_values)
        p = estimate.chance(0.0, above=estimate.value > 0.0)
        return cls(
            measure,
            estimate.value,
            *estimate.interval(),
            float(baseline_values.mean()),
            float(baseline_values.std(ddof=1)),
            p,
        )


class LeverEnd(NamedTuple):
    """One end of a lever's range, with the measure that changes most."""

    lever: Lever
    value: float
    reach: Reach
    """The reach of the significant changes."""
    largest: LeverEffect
    """The largest significant change; if there is none, the change with the smallest p."""
    significant: int
    """The number of measures with a significant change."""
    p: float
    """The smallest p of all measures, times the number of tests."""


@dataclass(frozen=True)
class LeversReport:
    """The results for the levers that were moved."""

    ends: tuple[LeverEnd, ...]
    seeds: tuple[int, ...]
    people: int
    """Number of people in every town, except for levers that require a larger town."""
    years: int
    measures: int

    @property
    def hidden(self) -> tuple[str, ...]:
        """Levers that change only measures of staff or money."""
        reach = {name: {end.reach for end in self.ends if end.lever.name == name} for name in self.names}
        return tuple(
            name for name in self.names if reach[name] <= {"staff or money", "nothing"} and name not in self.idle
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The levers that were moved."""
        return tuple(dict.fromkeys(end.lever.name for end in self.ends))

    @property
    def idle(self) -> tuple[str, ...]:
        """Levers without a significant change at either end."""
        moves = {end.lever.name for end in self.ends if end.reach != "nothing"}
        return tuple(name for name in self.names if name not in moves)

    def document(self) -> dict[str, Any]:
        """The report as one JSON document."""
        return {
            "upstream": VERSION,
            "seeds": list(self.seeds),
            "people": self.people,
            "years": self.years,
            "test": f"paired t, two-sided, {LEVEL:.0%} for {len(self.ends)} ends and {self.measures} measures together",
            "idle": list(self.idle),
            "staff_or_money_only": list(self.hidden),
            "levers": [
                {
                    "lever": end.lever.name,
                    "value": end.value,
                    "baseline": end.lever.baseline,
                    "unit": end.lever.unit,
                    "reach": end.reach,
                    "significant": end.significant,
                    "p": end.p,
                    "metric": end.largest.metric.name,
                    "metric_unit": end.largest.metric.unit,
                    "mean": end.largest.mean,
                    "ci_low": end.largest.ci_low,
                    "ci_high": end.largest.ci_high,
                    "level": end.largest.level,
                    "spreads": end.largest.size if np.isfinite(end.largest.size) else None,
                }
                for end in self.ends
            ],
        }


def move_levers(
    chosen: Sequence[str] = (),
    *,
    seeds: int = 20,
    seed: int = 0,
    people: int | None = None,
    years: int | None = None,
    threads: int | None = None,
    preconditions: Mapping[str, LeverPrecondition] | None = None,
    progress: Progress | None = None,
) -> LeversReport:
    """Move each lever alone to the ends of its range and test every measure.

    Parameters
    ----------
    chosen : sequence of str
        Names of levers; all levers if empty.
    seeds, seed : int
        Number of seeds, and the first seed.
    people, years : int, optional
        Number of people and of years; by default those of the file.
    threads : int, optional
        Number of threads.
    preconditions : mapping of str to LeverPrecondition, optional
        Replaces the preconditions of the file.
    progress : Progress, optional
        Called with the number of finished runs, the number of runs and a label.

    Returns
    -------
    LeversReport
        The result for each end of each lever's range.

    Raises
    ------
    InputError
        If a lever is unknown.
    """
    file = lever_preconditions()
    conditions = file.needs if preconditions is None else preconditions
    years = years or file.years
    all_levers = {lever.name: lever for lever in levers()}
    names = _selected(chosen, list(all_levers), "lever")
    ends = [(name, end) for name in names for end in _ends(all_levers[name])]
    effects: list[tuple[Lever, float, list[LeverEffect]]] = []

    def town(name: str) -> int:
        precondition = conditions.get(name)
        return people or (precondition.people if precondition is not None else None) or file.people

    place = Place.load(_scenario("as-it-is", [], years).place)
    with one_job(*(Runs(place, town(n), years, 1 + len(_ends(all_levers[n])), seeds, threads) for n in names)):
        for name in names:
            precondition = conditions.get(name)
            world = list(precondition.world) if precondition is not None else []
            baseline = _scenario("as-it-is", world, years)
            changed = [
                _scenario(f"moved-{k}", [*world, _policy_at(all_levers[name], end, precondition)], years)
                for k, end in enumerate(_ends(all_levers[name]))
            ]
            result = compare(
                baseline, *changed, people=town(name), seeds=seeds,
                seed=seed, threads=threads, draws="none",
                progress=_progress_of_part(progress, len(effects) * seeds, len(ends) * seeds, name),
            )  # fmt: skip
            effects += [
                (all_levers[name], end, list(_lever_effects(result, baseline.name, scenario.name)))
                for end, scenario in zip(_ends(all_levers[name]), changed, strict=True)
            ]
    numbers = tuple(range(seed, seed + seeds))
    return LeversReport(tuple(assess_levers(effects)), numbers, people or file.people, years, len(_measures()))


def _ends(lever: Lever) -> list[float]:
    return [end for end in (lever.low, lever.high) if end != lever.baseline]


def _policy_at(lever: Lever, end: float, precondition: LeverPrecondition | None) -> Policy:
    service = precondition.service if precondition is not None else None
    value = {"shift": end} if lever.kind == "shift" else {"value": end}
    return Policy(lever=lever.name, start=START, service=service, **value)  # type: ignore[arg-type]  # a number


def _measures() -> list[Metric]:
    return [measure for measure in metrics() if measure.against is None]


def _lever_effects(result: Comparison, baseline: str, moved: str) -> Iterator[LeverEffect]:
    """Yields the effect on each measure that exists in every town: the mean over the second half of the years."""
    for measure in _measures():
        values = [result.values(name, measure) for name in (baseline, moved)]
        baseline_values, moved_values = (v[:, v.shape[1] // 2 :].mean(axis=1) for v in values)
        if np.isfinite(baseline_values).all() and np.isfinite(moved_values).all():
            yield LeverEffect.of(measure, baseline_values, moved_values)


def assess_levers(levers_moved: Sequence[tuple[Lever, float, Sequence[LeverEffect]]]) -> list[LeverEnd]:
    """Test the effects of all ends at one level for all ends and measures together.

    Parameters
    ----------
    levers_moved : sequence of tuple
        For each end: the lever, its value, and its effects.

    Returns
    -------
    list of LeverEnd
        One for each end, in the same order.
    """
    tests = sum(len(effects) for _, _, effects in levers_moved)
    out = []
    for lever, end, effects in levers_moved:
        most_certain = min(effects, key=lambda effect: effect.p)
        significant = [effect for effect in effects if effect.mean != 0.0 and effect.p * tests <= LEVEL]
        reach: Reach = next(
            (r for r, kinds in KINDS.items() if any(effect.metric.kind in kinds for effect in significant)), "nothing"
        )
        candidates = (
            [effect for effect in significant if effect.metric.kind in KINDS[reach]] if significant else [most_certain]
        )
        largest = max(candidates, key=lambda effect: effect.size)
        out.append(LeverEnd(lever, end, reach, largest, len(significant), min(1.0, most_certain.p * tests)))
    return out


# --- loops -----------------------------------------------------------------------------------------------------------


class LoopTest(NamedTuple):
    """One test of a loop that is knocked out."""

    loop: Loop
    experiment: LoopExperiment
    expectation: LoopExpectation
    with_loop: float
    without_loop: float
    verdict: Verdict
    """The verdict on the difference between the two."""


@dataclass(frozen=True)
class LoopsReport:
    """The results for the loops that were knocked out."""

    tests: tuple[LoopTest, ...]
    seeds: tuple[int, ...]
    missing: tuple[str, ...]
    """Loops without an experiment."""

    @property
    def unmet(self) -> tuple[LoopTest, ...]:
        """Tests whose result differs from the description of the loop."""
        return tuple(test for test in self.tests if not test.verdict.met)

    def document(self) -> dict[str, Any]:
        """The report as one JSON document."""
        by_chance, after_holm = expected_by_chance(test.verdict for test in self.tests)
        return {
            "upstream": VERSION,
            "seeds": list(self.seeds),
            "test": "with the loop less without it, paired by seed, two-sided, 5 %; interval of the mean, 95 %",
            "by_chance": {"tests": len(self.tests), "met_if_all_false": by_chance, "met_after_holm": after_holm},
            "missing": list(self.missing),
            "loops": [
                {
                    "loop": test.loop.name,
                    "label": test.loop.label,
                    "why": test.experiment.why,
                    "metric": test.expectation.metric,
                    "about": about(test.expectation),
                    "quantity": test.expectation.quantity,
                    "unit": metric(test.expectation.metric).unit,
                    "with": test.with_loop,
                    "without": test.without_loop,
                    "expected": test.verdict.expected,
                    "mean": test.verdict.mean,
                    "ci_low": test.verdict.ci_low,
                    "ci_high": test.verdict.ci_high,
                    "p": test.verdict.p,
                    "met": test.verdict.met,
                    "note": test.expectation.note,
                }
                for test in self.tests
            ],
        }


def knock_out(
    chosen: Sequence[str] = (),
    *,
    seeds: int = 20,
    seed: int = 0,
    people: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> LoopsReport:
    """Knock out each loop in its experiment and test its effect.

    Parameters
    ----------
    chosen : sequence of str
        Names of loops; all loops if empty.
    seeds, seed : int
        Number of seeds, and the first seed.
    people : int, optional
        Number of people; by default that of each experiment.
    threads : int, optional
        Number of threads.
    progress : Progress, optional
        Called with the number of finished runs, the number of runs and a label.

    Returns
    -------
    LoopsReport
        The result of each test.

    Raises
    ------
    InputError
        If a loop is unknown.
    """
    experiment_of_loop = experiments()
    by_name = {loop.name: loop for loop in LOOPS}
    names = _selected(chosen, list(by_name), "loop")
    tests: list[LoopTest] = []
    done = 0
    covered = [name for name in names if name in experiment_of_loop]
    runs = sum(2 * (1 + bool(experiment_of_loop[name].change)) for name in covered) * seeds
    jobs = []
    for experiment in map(experiment_of_loop.__getitem__, covered):
        place, scenarios_each = Place.load(_scenario("as-it-is", [], 1).place), 1 + bool(experiment.change)
        jobs.append(Runs(place, people or experiment.people, experiment.years, scenarios_each, seeds, threads, times=2))
    with one_job(*jobs):
        for name in covered:
            experiment = experiment_of_loop[name]
            baseline = _scenario("as-it-is", experiment.world, experiment.years)
            scenarios = [baseline]
            if experiment.change:
                scenarios.append(_scenario("changed", [*experiment.world, *experiment.change], experiment.years))
            results = []
            for disabled in ((), (name,)):
                results.append(
                    compare(
                        *scenarios, people=people or experiment.people, seeds=seeds, seed=seed, threads=threads,
                        disabled=disabled, draws="none", progress=_progress_of_part(progress, done, runs, name),
                    )
                )  # fmt: skip
                done += len(scenarios) * seeds
            tests += [_loop_test(by_name[name], experiment, expectation, *results) for expectation in experiment.looks]
    missing = tuple(name for name in names if name not in experiment_of_loop)
    return LoopsReport(tuple(tests), tuple(range(seed, seed + seeds)), missing)


def _loop_test(
    loop: Loop,
    experiment: LoopExperiment,
    expectation: LoopExpectation,
    result_with_loop: Comparison,
    result_without_loop: Comparison,
) -> LoopTest:
    def effect(result: Comparison) -> Estimate:
        read = {
            (name, str(groups)): result.of_groups(name, expectation.metric, groups)
            for name in result.names
            for _, groups in needs(expectation)
        }
        baseline, *changed = (
            level(expectation, expectation.groups(), name, lambda n, _, groups: read[n, str(groups)])
            for name in result.names
        )
        return changed[0] - baseline if expectation.quantity == "change" else baseline

    with_loop, without_loop = effect(result_with_loop), effect(result_without_loop)
    return LoopTest(
        loop,
        experiment,
        expectation,
        with_loop.value,
        without_loop.value,
        assess(expectation, with_loop - without_loop),
    )


def _progress_of_part(progress: Progress | None, before: int, total: int, label: str) -> Progress | None:
    """The progress of one comparison as part of several."""
    if progress is None:
        return None

    def report(done: int, _: int, __: str) -> None:
        progress(min(total, before + done), total, label)

    return report
