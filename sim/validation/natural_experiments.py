"""Repeats published natural experiments in the model and compares the simulated effect with the published effect.

An experiment is a TOML file: a baseline, one change or several `arms`, the measures, the published results, and the
band in which the simulated effect should lie although the model was not fitted to it. The baseline and the arms run on
the same seeds; an effect is a difference from the baseline, paired by seed, with the 95 % interval of its mean. The
sign and the order of magnitude are more important than the point estimate. An effect outside its band is a finding, not
an error.
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
from sim.results.number_text import plain_number
from sim.scenario.calibration_mode import Calibrate
from sim.scenario.expectations import MeasureSpec
from sim.scenario.policy import Policy
from sim.scenario.scenario import FOLDER, Scenario
from sim.schema import toml_files, toml_keys
from sim.schema.errors import InputError, KeyPath, Phrase, RequirementError
from sim.schema.quantities import Closed, Number
from sim.schema.version import VERSION
from sim.simulation.simulate import Progress
from sim.validation.claims import scenario_files

EXPERIMENTS = FOLDER / "experiments"
SINGLE_ARM = "change"
"""The name of the arm of an experiment with a single change."""
Answer = Literal["yes", "no", "undecided"]


class Published(Closed):
    """A published result and its source."""

    finding: str = Field(min_length=10)
    source: str = Field(min_length=3)


class Arm(Closed):
    """A change that is compared with the baseline."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    label: str = ""
    policies: list[Policy] = Field(min_length=1)


class Measure(MeasureSpec):
    """An effect (a difference from the baseline, or a combination of such differences) and its published value."""

    label: str = Field(min_length=3)
    unit: str = Field(min_length=1)
    published: Number | None = Field(None, description="the published figure, in `unit`")
    arm: str = SINGLE_ARM
    against: str | None = Field(None, description="the arm from which the difference is taken; by default the baseline")
    divide_by: MeasureSpec | None = Field(
        None, description="a measure; the effect is divided by the effect on this measure"
    )
    ratio_to: str | None = Field(None, description="an arm; the effect is divided by the effect of this arm")
    scale: Number = Field(1.0, description="factor from the unit of the model to `unit`")
    band: list[Number] | None = Field(
        None, min_length=2, max_length=2, description="range in which the effect should lie, in `unit`"
    )
    sign: Literal["up", "down"] | None = None

    @model_validator(mode="after")
    def _can_be_wrong(self) -> Self:
        if self.band is None and self.sign is None:
            raise RequirementError("a band, a sign or both", Phrase("neither"))
        if self.band is not None and self.band[0] >= self.band[1]:
            raise RequirementError("a lower and a higher end", self.band, below=("band",))
        return self


class Experiment(Closed):
    """A published experiment and its repetition in the model."""

    id: str = Field(pattern=r"^[A-Z][A-Z0-9_-]*$", max_length=20)
    title: str = Field(min_length=5, max_length=120)
    protocol: str = Field(
        min_length=10, description="the published study, its repetition in the model, and the differences"
    )
    published: Published
    place: str = "anytown"
    baseline: str = "baseline"
    start: str = Field("2025-04", pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    years: int = Field(20, ge=1)
    people: int | None = None
    parameters: dict[str, Number] = Field(default_factory=dict)
    calibrate: Calibrate = "fast"
    policies: list[Policy] = Field(default_factory=list, description="the change, if there is only one arm")
    arms: list[Arm] = Field(default_factory=list)
    measures: list[Measure] = Field(min_length=1)

    @classmethod
    def load(cls, path: Path) -> Experiment:
        """Load an experiment from its file and check it."""
        text = toml_files.read_text(path)
        experiment = toml_files.load_text(text, path, cls)
        experiment.check(path, text)
        return experiment

    def runs(self) -> dict[str, Scenario]:
        """The scenarios to run by name: the baseline, and each arm."""
        shared = ("place", "start", "years", "people", "parameters", "calibrate")
        update = {**{name: getattr(self, name) for name in shared}, "expect": [], "stops": []}
        base = Scenario.load(self.baseline).model_copy(update=update)
        arms = self.arms or [Arm(name=SINGLE_ARM, policies=self.policies)]
        out = {self.baseline: base}
        for arm in arms:
            changed = {"name": arm.name, "label": arm.label or arm.name, "policies": [*base.policies, *arm.policies]}
            out[arm.name] = base.model_copy(update=changed)
        return out

    def check(self, path: Path, text: str = "") -> None:
        """Check the rules that the schema cannot express. Raises InputError."""

        def fail(key: KeyPath, wanted: str, came: object, choices: Sequence[object] = ()) -> InputError:
            line = toml_keys.locate(text, key) if text else None
            return InputError(path, line, toml_keys.dotted(key), wanted, came, choices)

        if bool(self.policies) == bool(self.arms):
            came = Phrase("both" if self.arms else "neither")
            raise fail(("arms",) if self.arms else (), "one change, under policies, or arms", came)
        names = [arm.name for arm in self.arms] or [SINGLE_ARM]
        for k, name in enumerate(names):
            if name in names[:k] or name == self.baseline:
                raise fail(("arms", k, "name"), "a unique name for each arm", name)
        for name, scenario in self.runs().items():
            location: KeyPath = () if name == self.baseline or not self.arms else ("arms", names.index(name))
            _check_scenario(scenario, location, path, text)
        for k, measure in enumerate(self.measures):
            measure_key: KeyPath = ("measures", k)
            for field in ("arm", "against", "ratio_to"):
                name = getattr(measure, field)
                if name is not None and name not in names:
                    raise fail((*measure_key, field), "the name of an arm", name, names)
            for spec, spec_key in ((measure, measure_key), (measure.divide_by, (*measure_key, "divide_by"))):
                if spec is None:
                    continue
                wrong = unmeasured(spec)
                if wrong is not None:
                    raise fail((*spec_key, *wrong.below), wrong.wanted, wrong.came, wrong.choices)
                if spec.last > self.years:
                    key = "year" if spec.years is None else "years"
                    raise fail((*spec_key, key), f"a year of the experiment, 1 to {self.years}", spec.last)


def _check_scenario(scenario: Scenario, location: KeyPath, path: Path, text: str) -> None:
    """Check a scenario of an experiment, and report an error at its place in the file of the experiment."""
    try:
        scenario.check(path)
    except InputError as error:
        if error.file != str(path):
            raise
        key = (*location, *toml_keys.key_parts(error.key))
        line = toml_keys.locate(text, key) if text else None
        raise InputError(path, line, toml_keys.dotted(key), error.wanted, error.came, error.choices) from None


@dataclass(frozen=True)
class ExperimentEffect:
    """The simulated effect on one measure of an experiment."""

    measure: Measure
    mean: float
    ci_low: float
    ci_high: float

    @property
    def in_band(self) -> Answer:
        """Whether the mean lies in the band. For the whole interval, see `surely_in_band`."""
        band = self.measure.band
        if band is None or not np.isfinite(self.mean):
            return "undecided"
        return "yes" if band[0] <= self.mean <= band[1] else "no"

    @property
    def surely_in_band(self) -> bool:
        """Whether the whole 95 % interval lies in the band."""
        band = self.measure.band
        return band is not None and bool(band[0] <= self.ci_low and self.ci_high <= band[1])

    @property
    def sign_right(self) -> Answer:
        """Whether the interval lies on the expected side of 0 ('no': on the other side)."""
        up = self.measure.sign == "up"
        if self.measure.sign is None or not (self.ci_low > 0.0 or self.ci_high < 0.0):
            return "undecided"
        return "yes" if (self.ci_low > 0.0) == up else "no"

    def row(self) -> dict[str, Any]:
        """The effect as one row of a table or document."""
        measure = self.measure
        return {
            "label": measure.label,
            "metric": measure.metric,
            "about": about(measure),
            "arm": measure.arm,
            "unit": measure.unit,
            "published": measure.published,
            "mean": plain_number(self.mean, 9),
            "ci_low": plain_number(self.ci_low, 9),
            "ci_high": plain_number(self.ci_high, 9),
            "band": measure.band,
            "in_band": self.in_band if measure.band is not None else None,
            "surely_in_band": self.surely_in_band if measure.band is not None else None,
            "sign": measure.sign,
            "sign_right": self.sign_right if measure.sign is not None else None,
        }


@dataclass(frozen=True)
class ExperimentOutcome:
    """An experiment and its effects."""

    experiment: Experiment
    effects: tuple[ExperimentEffect, ...]


@dataclass(frozen=True)
class Validation:
    """The experiments that were repeated."""

    outcomes: tuple[ExperimentOutcome, ...]
    seeds: tuple[int, ...]
    people: int | None

    def document(self) -> dict[str, Any]:
        """The results as one JSON document."""
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
                    "id": outcome.experiment.id,
                    "title": outcome.experiment.title,
                    "finding": outcome.experiment.published.finding,
                    "source": outcome.experiment.published.source,
                    "protocol": outcome.experiment.protocol,
                    "place": outcome.experiment.place,
                    "years": outcome.experiment.years,
                    "measures": [e.row() for e in outcome.effects],
                }
                for outcome in self.outcomes
            ],
        }


def experiments(folders: Sequence[Path] = ()) -> list[Experiment]:
    """The experiments of the library and of further folders, in order of id. Raises InputError for duplicate ids."""
    loaded: dict[str, tuple[Experiment, Path]] = {}
    for folder in (EXPERIMENTS, *folders):
        for path in scenario_files(folder):
            experiment = Experiment.load(path)
            if experiment.id in loaded:
                wanted = f"a unique id; {loaded[experiment.id][1].name} has the same id"
                raise toml_files.fail(path, ("id",), wanted, experiment.id)
            loaded[experiment.id] = experiment, path
    return [loaded[name][0] for name in sorted(loaded, key=_sort_key)]


def _sort_key(name: str) -> tuple[str, int, str]:
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
    """Repeat published experiments in the model.

    Parameters
    ----------
    chosen : sequence of str
        Ids of experiments; all experiments if empty.
    seeds, seed : int
        Number of seeds, and the first seed.
    people : int, optional
        Number of people in every place; by default that of each experiment.
    threads : int, optional
        Number of threads.
    folders : sequence of Path
        Further folders of experiments.
    out : Path, optional
        Folder of stored runs. A run in this folder is not repeated, and new runs are added.
    progress : Progress, optional
        Called with the number of finished runs, the number of runs and a label.

    Returns
    -------
    Validation
        The effects of each experiment.

    Raises
    ------
    InputError
        If an id is unknown.
    """
    by_id = {experiment.id: experiment for experiment in experiments(folders)}
    for name in chosen:
        if name not in by_id:
            raise InputError("validate", None, "", "the id of an experiment", name, by_id)
    selected = [by_id[name] for name in chosen or by_id]
    batch = Readings(seeds, seed=seed, people=people, threads=threads, folder=out)
    for experiment in selected:
        required = [
            need
            for measure in experiment.measures
            for spec in (measure, measure.divide_by)
            if spec is not None
            for need in needs(spec)
        ]
        for scenario in experiment.runs().values():
            batch.ask(scenario, required)
    batch.run(progress)
    outcomes = tuple(
        ExperimentOutcome(experiment, tuple(_effect(experiment, measure, batch) for measure in experiment.measures))
        for experiment in selected
    )
    return Validation(outcomes, tuple(range(seed, seed + seeds)), people)


def _effect(experiment: Experiment, measure: Measure, batch: Readings) -> ExperimentEffect:
    read = batch.read(experiment.runs())

    def effect(arm: str) -> Estimate:
        estimate = difference(measure, arm, experiment.baseline, read, measure.against)
        if measure.divide_by is None:
            return estimate
        return estimate / difference(measure.divide_by, arm, experiment.baseline, read, measure.against)

    estimate = effect(measure.arm)
    if measure.ratio_to is not None:
        estimate = estimate / effect(measure.ratio_to)
    estimate = estimate * measure.scale
    return ExperimentEffect(measure, estimate.value, *estimate.interval())
