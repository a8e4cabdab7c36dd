"""Natural experiments that were published, repeated in the model: the simulated effect beside the published one.

An experiment is a TOML file: a baseline, one change or several `arms`, what is measured, what was published, and the
band that the simulated effect should fall in without having been tuned to it. Baseline and arms are run on the same
seeds; an effect is a difference from the baseline, paired by seed, with the 95 % interval of its mean. Sign and order
of magnitude count for more than the point. An effect outside its band is a finding, not an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from sim.ensemble.batch import Readings
from sim.results.expectation_tests import Estimate, about, difference, needs, unmeasured
from sim.scenario.expectations import MeasureSpec
from sim.scenario.policy import Policy
from sim.scenario.scenario import FOLDER, Scenario
from sim.schema import toml_files as inputs
from sim.schema.quantities import Closed, Number
from sim.schema.toml_files import InputError, KeyPath, Phrase, RequirementError
from sim.schema.version import VERSION
from sim.simulation.simulate import Progress
from sim.validation.claims import toml_files

EXPERIMENTS = FOLDER / "experiments"
ONLY = "change"
"""The arm of an experiment that has but one."""
Answer = Literal["yes", "no", "cannot tell"]


class Published(Closed):
    """What was found outside the model, and where one can read it."""

    finding: str = Field(min_length=10)
    source: str = Field(min_length=3)


class Arm(Closed):
    """One change that is compared with the baseline."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    label: str = ""
    policies: list[Policy] = Field(min_length=1)


class Measure(MeasureSpec):
    """An effect: a difference from the baseline, or made of such differences, beside what was published of it."""

    label: str = Field(min_length=3)
    unit: str = Field(min_length=1)
    published: Number | None = Field(None, description="the published figure, in `unit`")
    arm: str = ONLY
    against: str | None = Field(None, description="the arm from which the difference is taken; else the baseline")
    divide_by: MeasureSpec | None = Field(
        None, description="the effect on this measure, which the effect is divided by"
    )
    ratio_to: str | None = Field(None, description="the arm whose own effect this one is divided by")
    scale: Number = Field(1.0, description="from the model's unit to `unit`")
    band: list[Number] | None = Field(None, min_length=2, max_length=2, description="where it should fall, in `unit`")
    sign: Literal["up", "down"] | None = None

    @model_validator(mode="after")
    def _can_be_wrong(self) -> Self:
        if self.band is None and self.sign is None:
            raise RequirementError("a band, a sign or both", Phrase("neither"))
        if self.band is not None and self.band[0] >= self.band[1]:
            raise RequirementError("a lower and a higher end", self.band, below=("band",))
        return self


class Experiment(Closed):
    """A published experiment and how it is repeated here."""

    id: str = Field(pattern=r"^[A-Z][A-Z0-9_-]*$", max_length=20)
    title: str = Field(min_length=5, max_length=120)
    protocol: str = Field(min_length=10, description="what was done there, what is done here, and how they differ")
    published: Published
    place: str = "anytown"
    baseline: str = "baseline"
    start: str = Field("2025-04", pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    years: int = Field(20, ge=1)
    people: int | None = None
    parameters: dict[str, Number] = Field(default_factory=dict)
    recalibrate: bool = True
    policies: list[Policy] = Field(default_factory=list, description="the change, where there is but one arm")
    arms: list[Arm] = Field(default_factory=list)
    measures: list[Measure] = Field(min_length=1)

    @classmethod
    def load(cls, path: Path) -> Experiment:
        """An experiment from its file, with everything it names checked."""
        text = inputs.read_text(path)
        found = inputs.load_text(text, path, cls)
        found.check(path, text)
        return found

    def runs(self) -> dict[str, Scenario]:
        """The scenarios to run by name: the baseline, and each arm."""
        own = ("place", "start", "years", "people", "parameters", "recalibrate")
        update = {**{name: getattr(self, name) for name in own}, "expect": [], "stops": []}
        base = Scenario.load(self.baseline).model_copy(update=update)
        arms = self.arms or [Arm(name=ONLY, policies=self.policies)]
        out = {self.baseline: base}
        for arm in arms:
            changed = {"name": arm.name, "label": arm.label or arm.name, "policies": [*base.policies, *arm.policies]}
            out[arm.name] = base.model_copy(update=changed)
        return out

    def check(self, path: Path, text: str = "") -> None:
        """Refuse what needs more than the file's form to judge."""

        def fail(key: KeyPath, wanted: str, came: object, there: Sequence[object] = ()) -> InputError:
            line = inputs.locate(text, key) if text else None
            return InputError(path, line, inputs.dotted(key), wanted, came, there)

        if bool(self.policies) == bool(self.arms):
            came = Phrase("both" if self.arms else "neither")
            raise fail(("arms",) if self.arms else (), "one change, under policies, or arms", came)
        names = [arm.name for arm in self.arms] or [ONLY]
        for k, name in enumerate(names):
            if name in names[:k] or name == self.baseline:
                raise fail(("arms", k, "name"), "a name of its own for each arm", name)
        for name, scenario in self.runs().items():
            where: KeyPath = () if name == self.baseline or not self.arms else ("arms", names.index(name))
            _of_scenario(scenario, where, path, text)
        for k, measure in enumerate(self.measures):
            here: KeyPath = ("measures", k)
            for name_of in ("arm", "against", "ratio_to"):
                name = getattr(measure, name_of)
                if name is not None and name not in names:
                    raise fail((*here, name_of), "the name of an arm", name, names)
            for looked, below in ((measure, here), (measure.divide_by, (*here, "divide_by"))):
                if looked is None:
                    continue
                wrong = unmeasured(looked)
                if wrong is not None:
                    raise fail((*below, *wrong.below), wrong.wanted, wrong.came, wrong.choices)
                if looked.last > self.years:
                    key = "year" if looked.years is None else "years"
                    raise fail((*below, key), f"a year of the experiment, 1 to {self.years}", looked.last)


def _of_scenario(scenario: Scenario, where: KeyPath, path: Path, text: str) -> None:
    """The checks of a scenario, with their complaints where the experiment's file has what they complain of."""
    try:
        scenario.check(path)
    except InputError as wrong:
        if wrong.file != str(path):
            raise
        key = (*where, *inputs.key_parts(wrong.key))
        line = inputs.locate(text, key) if text else None
        raise InputError(path, line, inputs.dotted(key), wrong.wanted, wrong.came, wrong.choices) from None


@dataclass(frozen=True)
class ExperimentEffect:
    """One measure of an experiment: the simulated effect beside the published one."""

    measure: Measure
    mean: float
    low: float
    high: float

    @property
    def in_band(self) -> Answer:
        """Whether the mean lies in the band; that an interval lies in it wholly, `surely_in_band` says."""
        band = self.measure.band
        if band is None or not np.isfinite(self.mean):
            return "cannot tell"
        return "yes" if band[0] <= self.mean <= band[1] else "no"

    @property
    def surely_in_band(self) -> bool:
        """Whether the whole 95 % interval lies in the band."""
        band = self.measure.band
        return band is not None and bool(band[0] <= self.low and self.high <= band[1])

    @property
    def sign_right(self) -> Answer:
        """Whether the interval lies on the expected side of 0 ('no': on the other side)."""
        up = self.measure.sign == "up"
        if self.measure.sign is None or not (self.low > 0.0 or self.high < 0.0):
            return "cannot tell"
        return "yes" if (self.low > 0.0) == up else "no"

    def row(self) -> dict[str, Any]:
        """As one row of a table or document."""
        m = self.measure
        return {
            "label": m.label,
            "metric": m.metric,
            "about": about(m),
            "arm": m.arm,
            "unit": m.unit,
            "published": m.published,
            "mean": _plain(self.mean),
            "ci_low": _plain(self.low),
            "ci_high": _plain(self.high),
            "band": m.band,
            "in_band": self.in_band if m.band is not None else None,
            "surely_in_band": self.surely_in_band if m.band is not None else None,
            "sign": m.sign,
            "sign_right": self.sign_right if m.sign is not None else None,
        }


@dataclass(frozen=True)
class ExperimentOutcome:
    """An experiment with its effects."""

    experiment: Experiment
    effects: tuple[ExperimentEffect, ...]


@dataclass(frozen=True)
class Validation:
    """Every experiment that was repeated."""

    outcomes: tuple[ExperimentOutcome, ...]
    seeds: tuple[int, ...]
    people: int | None

    def document(self) -> dict[str, Any]:
        """Everything, as one JSON document."""
        effects = [effect for outcome in self.outcomes for effect in outcome.effects]
        banded = [e for e in effects if e.measure.band is not None]
        signed = [e for e in effects if e.measure.sign is not None]
        return {
            "upstream": VERSION,
            "seeds": list(self.seeds),
            "people": self.people,
            "intervals": "95 % interval of the mean effect, paired by seed",
            "counts": {
                "bands": len(banded),
                "in_band": sum(e.in_band == "yes" for e in banded),
                "signs": len(signed),
                "sign_right": sum(e.sign_right == "yes" for e in signed),
                "sign_wrong": sum(e.sign_right == "no" for e in signed),
            },
            "experiments": [
                {
                    "id": o.experiment.id,
                    "title": o.experiment.title,
                    "finding": o.experiment.published.finding,
                    "source": o.experiment.published.source,
                    "protocol": o.experiment.protocol,
                    "place": o.experiment.place,
                    "years": o.experiment.years,
                    "measures": [e.row() for e in o.effects],
                }
                for o in self.outcomes
            ],
        }


def experiments(folders: Sequence[Path] = ()) -> list[Experiment]:
    """The library's experiments and those of further folders, in order of id. Refuses an id that is there twice."""
    found: dict[str, tuple[Experiment, Path]] = {}
    for folder in (EXPERIMENTS, *folders):
        for path in toml_files(folder):
            one = Experiment.load(path)
            if one.id in found:
                wanted = f"an id that no other experiment has; {found[one.id][1].name} has this one"
                raise inputs.fail(path, ("id",), wanted, one.id)
            found[one.id] = one, path
    return [found[name][0] for name in sorted(found, key=_in_order)]


def _in_order(name: str) -> tuple[str, int, str]:
    letters = name.rstrip("0123456789")
    digits = name[len(letters) :]
    return letters, int(digits) if digits else 0, name


def validate(
    chosen: Sequence[str] = (),
    *,
    seeds: int = 20,
    seed: int = 0,
    people: int | None = None,
    threads: int | None = None,
    folders: Sequence[Path] = (),
    out: Path | None = None,
    progress: Progress | None = None,
) -> Validation:
    """Repeat the chosen experiments (all, if none are). With `out`, a run that this folder holds is not made again."""
    there = {one.id: one for one in experiments(folders)}
    for name in chosen:
        if name not in there:
            raise InputError("validate", None, "", "the id of an experiment", name, there)
    mine = [there[name] for name in chosen or there]
    readings = Readings(seeds, seed=seed, people=people, threads=threads, folder=out)
    for one in mine:
        wanted = [
            need for m in one.measures for looked in (m, m.divide_by) if looked is not None for need in needs(looked)
        ]
        for scenario in one.runs().values():
            readings.ask(scenario, wanted)
    readings.run(progress)
    outcomes = tuple(ExperimentOutcome(one, tuple(_effect(one, m, readings) for m in one.measures)) for one in mine)
    return Validation(outcomes, tuple(range(seed, seed + seeds)), people)


def _effect(experiment: Experiment, measure: Measure, readings: Readings) -> ExperimentEffect:
    read = readings.read(experiment.runs())

    def effect(arm: str) -> Estimate:
        found = difference(measure, arm, experiment.baseline, read, measure.against)
        if measure.divide_by is None:
            return found
        return found / difference(measure.divide_by, arm, experiment.baseline, read, measure.against)

    found = effect(measure.arm)
    if measure.ratio_to is not None:
        found = found / effect(measure.ratio_to)
    found = found * measure.scale
    return ExperimentEffect(measure, found.value, *found.interval())


def _plain(value: float) -> float | None:
    return round(float(value), 9) if np.isfinite(value) else None
