"""Each lever moved alone to both ends of its range, each loop knocked out where it ought to act: what that changes.

Levers: every measure's mean over the second half of the years, less that of the same towns with nothing moved, in a
paired t test, at a level of 5 % for all ends of all levers and all measures together (Bonferroni: each p times the
number of tests). Named is the largest change told from luck at that level, in standard deviations between towns of the
size that was run. What becomes of people goes first (acute demand, health, need), then what they meet (access,
fairness, community), then staff and money.

Loops: what an experiment changes with the loop, less what it changes without it, seed by seed; for a loop that holds
the world itself up, the world with it less the world without. Each is one expectation, tested like a claim's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from sim.ensemble.compare import compare
from sim.feedback.loops import LOOPS, Loop
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
from sim.results.metrics import Metric, metric, metrics
from sim.scenario.expectations import Expect
from sim.scenario.policy import Policy
from sim.scenario.scenario import FOLDER, Scenario
from sim.schema import toml_files
from sim.schema.quantities import Closed
from sim.schema.toml_files import InputError
from sim.schema.version import VERSION
from sim.simulation.simulate import Progress

LEVERS_FILE, LOOPS_FILE = FOLDER / "probes" / "levers.toml", FOLDER / "probes" / "loops.toml"
START = "2025-10"
"""From when a lever stands at an end of its range."""
Reach = Literal["outcomes", "access or community", "staff or money", "nothing"]
KINDS: dict[Reach, tuple[str, ...]] = {
    "outcomes": ("service", "life", "need"),
    "access or community": ("access", "fairness", "community"),
    "staff or money": ("staff", "money"),
}
"""How far a change reaches, by the kinds of measures that show it, the furthest first."""


# --- files -----------------------------------------------------------------------------------------------------------


class LeverPrecondition(Closed):
    """What a lever needs before it can do anything."""

    because: str = Field(min_length=10)
    world: list[Policy] = Field(default_factory=list, description="policies of the world in which it is moved")
    service: list[str] | None = Field(None, description="the services it is aimed at")
    people: int | None = Field(None, gt=0, description="a larger town, where what it does is small or local")


class LeversFile(Closed):
    """How each lever is moved alone."""

    people: int = Field(gt=0)
    years: int = Field(ge=2)
    needs: dict[str, LeverPrecondition] = Field(description="by the lever's name; others need nothing")


class LoopExpectation(Expect):
    """What a loop should do to a measure: the change with it less the change without, or the level itself."""

    what: Literal["change", "level"] = "change"


class LoopExperiment(Closed):
    """Where a loop ought to act, and what its description says it does there."""

    people: int = Field(gt=0)
    years: int = Field(ge=1)
    world: list[Policy] = Field(default_factory=list, description="policies that hold in any case")
    change: list[Policy] = Field(default_factory=list, description="what is changed, with the loop and without it")
    why: str = Field(min_length=10)
    looks: list[LoopExpectation] = Field(min_length=1)


class LoopsFile(Closed):
    """An experiment for every loop."""

    loops: dict[str, LoopExperiment]


def lever_needs() -> LeversFile:
    """How levers are moved. Refuses a name that is no lever, and a lever that is not aimed as it must be."""
    found = toml_files.load(LEVERS_FILE, LeversFile)
    there = {lever.name: lever for lever in levers()}
    for name in found.needs:
        if name not in there:
            raise toml_files.fail(LEVERS_FILE, ("needs", name), "the name of a lever", name, tuple(there))
    return found


def experiments() -> dict[str, LoopExperiment]:
    """The experiment of each loop, in the loops' order. Refuses a name that is no loop, and what cannot be measured."""
    found = toml_files.load(LOOPS_FILE, LoopsFile).loops
    there = {loop.name for loop in LOOPS}
    for name, experiment in found.items():
        if name not in there:
            raise toml_files.fail(LOOPS_FILE, ("loops", name), "the name of a loop", name, tuple(sorted(there)))
        for k, look in enumerate(experiment.looks):
            key: toml_files.KeyPath = ("loops", name, "looks", k)
            wrong = unmeasured(look)
            if wrong is not None:
                raise toml_files.fail(LOOPS_FILE, (*key, *wrong.below), wrong.wanted, wrong.came, wrong.choices)
            if look.last > experiment.years:
                raise toml_files.fail(LOOPS_FILE, key, f"years from 1 to {experiment.years}", look.last)
            if look.what == "change" and not experiment.change:
                raise toml_files.fail(LOOPS_FILE, ("loops", name), "a change to look at", toml_files.Phrase("none"))
    return {loop.name: found[loop.name] for loop in LOOPS if loop.name in found}


def _scenario(name: str, policies: Sequence[Policy], years: int) -> Scenario:
    made = Scenario.load("baseline").model_copy(
        update={"name": name, "label": name, "years": years, "policies": list(policies)}
    )
    made.check()
    return made


def _chosen(asked: Sequence[str], there: Sequence[str], what: str) -> list[str]:
    for name in asked:
        if name not in there:
            raise InputError(what, None, "", f"the name of a {what}", name, there)
    return [name for name in there if not asked or name in asked]


# --- levers ----------------------------------------------------------------------------------------------------------


class LeverEffect(NamedTuple):
    """What one end of a lever's range does to one measure."""

    metric: Metric
    mean: float
    low: float
    high: float
    level: float
    """Of the towns with nothing moved."""
    spread: float
    """Standard deviation between these towns."""
    chance: float
    """Two-sided p of the paired t test."""

    @property
    def size(self) -> float:
        """The change in standard deviations between towns."""
        return abs(self.mean) / self.spread if self.spread > 0.0 else np.inf if self.mean != 0.0 else 0.0

    @classmethod
    def of(cls, measure: Metric, there: F, moved: F) -> LeverEffect:
        """From the same seeds' values with nothing moved, and with the lever at the end."""
        seen = Estimate.of(moved) - Estimate.of(there)
        chance = seen.chance(0.0, above=seen.value > 0.0)
        return cls(measure, seen.value, *seen.interval(), float(there.mean()), float(there.std(ddof=1)), chance)


class LeverEnd(NamedTuple):
    """One end of a lever's range, with the measure it changes most."""

    lever: Lever
    value: float
    reach: Reach
    """How far it reaches beyond luck."""
    named: LeverEffect
    """The largest change told from luck; where none is, the surest."""
    told: int
    """How many measures it changes beyond luck."""
    chance: float
    """p of its surest measure, times the number of tests."""


@dataclass(frozen=True)
class LeversReport:
    """Every lever that was moved."""

    ends: tuple[LeverEnd, ...]
    seeds: tuple[int, ...]
    people: int
    """Of every town but those of levers that need a larger one."""
    years: int
    measures: int

    @property
    def hidden(self) -> tuple[str, ...]:
        """Levers that change nothing but measures of staff or money."""
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
        """Levers that change nothing beyond luck at either end."""
        moves = {end.lever.name for end in self.ends if end.reach != "nothing"}
        return tuple(name for name in self.names if name not in moves)

    def document(self) -> dict[str, Any]:
        """Everything, as one JSON document."""
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
                    "told": end.told,
                    "p": end.chance,
                    "metric": end.named.metric.name,
                    "metric_unit": end.named.metric.unit,
                    "mean": end.named.mean,
                    "ci_low": end.named.low,
                    "ci_high": end.named.high,
                    "level": end.named.level,
                    "spreads": end.named.size if np.isfinite(end.named.size) else None,
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
    given: Mapping[str, LeverPrecondition] | None = None,
    progress: Progress | None = None,
) -> LeversReport:
    """Move each lever alone, or those chosen, to the ends of its range. `given` replaces what levers need."""
    file = lever_needs()
    before = file.needs if given is None else given
    years = years or file.years
    every = {lever.name: lever for lever in levers()}
    names = _chosen(chosen, list(every), "lever")
    ends = [(name, end) for name in names for end in _ends(every[name])]
    found: list[tuple[Lever, float, list[LeverEffect]]] = []
    for name in names:
        need = before.get(name)
        world = list(need.world) if need is not None else []
        usual = _scenario("as-it-is", world, years)
        moved = [
            _scenario(f"moved-{k}", [*world, _at(every[name], end, need)], years)
            for k, end in enumerate(_ends(every[name]))
        ]
        result = compare(
            usual, *moved, people=people or (need and need.people) or file.people, seeds=seeds, seed=seed,
            threads=threads, progress=_part(progress, len(found) * seeds, len(ends) * seeds, name),
        )  # fmt: skip
        found += [
            (every[name], end, list(_effects(result, usual.name, one.name)))
            for end, one in zip(_ends(every[name]), moved, strict=True)
        ]
    numbers = tuple(range(seed, seed + seeds))
    return LeversReport(tuple(judged(found)), numbers, people or file.people, years, len(_measures()))


def _ends(lever: Lever) -> list[float]:
    return [end for end in (lever.low, lever.high) if end != lever.baseline]


def _at(lever: Lever, end: float, need: LeverPrecondition | None) -> Policy:
    aimed = need.service if need is not None else None
    value = {"shift": end} if lever.kind == "shift" else {"value": end}
    return Policy(lever=lever.name, start=START, service=aimed, **value)  # type: ignore[arg-type]  # a number


def _measures() -> list[Metric]:
    return [measure for measure in metrics() if measure.against is None]


def _effects(result: Comparison, usual: str, moved: str) -> Iterator[LeverEffect]:
    """What is changed in each measure that exists in every town, the mean over the second half of the years."""
    for measure in _measures():
        values = [result.values(name, measure) for name in (usual, moved)]
        there, other = (v[:, v.shape[1] // 2 :].mean(axis=1) for v in values)
        if np.isfinite(there).all() and np.isfinite(other).all():
            yield LeverEffect.of(measure, there, other)


def judged(found: Sequence[tuple[Lever, float, Sequence[LeverEffect]]]) -> list[LeverEnd]:
    """Each end with what it changes beyond luck, at one level for all ends and measures together."""
    tests = sum(len(effects) for _, _, effects in found)
    out = []
    for lever, end, effects in found:
        surest = min(effects, key=lambda e: e.chance)
        told = [e for e in effects if e.mean != 0.0 and e.chance * tests <= LEVEL]
        reach: Reach = next((r for r, kinds in KINDS.items() if any(e.metric.kind in kinds for e in told)), "nothing")
        furthest = [e for e in told if e.metric.kind in KINDS[reach]] if told else [surest]
        named = max(furthest, key=lambda e: e.size)
        out.append(LeverEnd(lever, end, reach, named, len(told), min(1.0, surest.chance * tests)))
    return out


# --- loops -----------------------------------------------------------------------------------------------------------


class LoopTest(NamedTuple):
    """One look at a loop knocked out."""

    loop: Loop
    experiment: LoopExperiment
    look: LoopExpectation
    with_it: float
    disabled: float
    verdict: Verdict
    """Of the difference that the loop makes."""


@dataclass(frozen=True)
class LoopsReport:
    """Every loop that was knocked out."""

    looks: tuple[LoopTest, ...]
    seeds: tuple[int, ...]
    missing: tuple[str, ...]
    """Loops without an experiment."""

    @property
    def unmet(self) -> tuple[LoopTest, ...]:
        """Looks that are not as the loop's description says."""
        return tuple(found for found in self.looks if not found.verdict.met)

    def document(self) -> dict[str, Any]:
        """Everything, as one JSON document."""
        luck, kept = expected_by_chance(found.verdict for found in self.looks)
        return {
            "upstream": VERSION,
            "seeds": list(self.seeds),
            "test": "with the loop less without it, paired by seed, two-sided, 5 %; interval of the mean, 95 %",
            "by_luck": {"looks": len(self.looks), "met_if_all_false": luck, "met_after_holm": kept},
            "missing": list(self.missing),
            "loops": [
                {
                    "loop": found.loop.name,
                    "label": found.loop.label,
                    "why": found.experiment.why,
                    "metric": found.look.metric,
                    "about": about(found.look),
                    "what": found.look.what,
                    "unit": metric(found.look.metric).unit,
                    "with": found.with_it,
                    "without": found.disabled,
                    "expected": found.verdict.expected,
                    "mean": found.verdict.mean,
                    "ci_low": found.verdict.low,
                    "ci_high": found.verdict.high,
                    "p": found.verdict.chance,
                    "met": found.verdict.met,
                    "note": found.look.note,
                }
                for found in self.looks
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
    """Knock out each loop, or those chosen, in its experiment."""
    every = experiments()
    by_name = {loop.name: loop for loop in LOOPS}
    names = _chosen(chosen, list(by_name), "loop")
    found: list[LoopTest] = []
    runs = sum(2 * (1 + bool(every[name].change)) for name in names if name in every) * seeds
    done = 0
    for name in names:
        if name not in every:
            continue
        experiment = every[name]
        usual = _scenario("as-it-is", experiment.world, experiment.years)
        both = [usual]
        if experiment.change:
            both.append(_scenario("changed", [*experiment.world, *experiment.change], experiment.years))
        pair = []
        for disabled in ((), (name,)):
            pair.append(
                compare(
                    *both, people=people or experiment.people, seeds=seeds, seed=seed, threads=threads,
                    disabled=disabled, progress=_part(progress, done, runs, name),
                )
            )  # fmt: skip
            done += len(both) * seeds
        found += [_looked(by_name[name], experiment, look, *pair) for look in experiment.looks]
    missing = tuple(name for name in names if name not in every)
    return LoopsReport(tuple(found), tuple(range(seed, seed + seeds)), missing)


def _looked(
    loop: Loop, experiment: LoopExperiment, look: LoopExpectation, whole: Comparison, cut: Comparison
) -> LoopTest:
    def seen(result: Comparison) -> Estimate:
        read = {
            (name, str(groups)): result.of_groups(name, look.metric, groups)
            for name in result.names
            for _, groups in needs(look)
        }
        there, *changed = (
            level(look, look.groups(), name, lambda n, _, groups: read[n, str(groups)]) for name in result.names
        )
        return changed[0] - there if look.what == "change" else there

    with_it, disabled = seen(whole), seen(cut)
    return LoopTest(loop, experiment, look, with_it.value, disabled.value, assess(look, with_it - disabled))


def _part(progress: Progress | None, before: int, total: int, what: str) -> Progress | None:
    """Progress of one comparison among several."""
    if progress is None:
        return None

    def on(done: int, _: int, __: str) -> None:
        progress(min(total, before + done), total, what)

    return on
