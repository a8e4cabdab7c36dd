"""Repeats published natural experiments in the model and compares the simulated effect with the published effect.

An experiment is a TOML file: a baseline, one change or several `arms`, the measures, the published results, and the
band in which the simulated effect should lie although the model was not fitted to it, with the reason for the band. The
baseline and the arms run on the same seeds; an effect is a difference from the baseline, paired by seed, with the 95 %
interval of its mean. It is in its band, scrapes it or is out (`sim.validation.published_fit`), and has its sign or not,
over draws of the parameters, in bases of seeds, in further places and at the default parameters
(`sim.validation.robustness`). A figure that shares its source with a parameter is marked, and its fit is not counted.
An effect outside its band is a finding, not an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from sim.ensemble.batch import Readings
from sim.ensemble.parameter_sampling import Draws
from sim.results.expectation_tests import Estimate, Read, about, difference, unmeasured
from sim.results.number_text import plain_number
from sim.scenario.calibration_mode import Calibrate
from sim.scenario.expectations import MeasureSpec
from sim.scenario.parameters import parameters
from sim.scenario.policy import Policy
from sim.scenario.scenario import FOLDER, Scenario
from sim.schema import toml_files, toml_keys
from sim.schema.errors import InputError, KeyPath, Phrase, RequirementError
from sim.schema.quantities import Closed, Number
from sim.schema.version import VERSION
from sim.simulation.simulate import Progress
from sim.validation.claims import scenario_files
from sim.validation.conditions import Design, Line
from sim.validation.published_fit import (
    STANDINGS,
    Fit,
    Standing,
    fit_everywhere,
    fit_of,
    miss_text,
    parameters_citing,
    standing,
)
from sim.validation.robustness import (
    LINE_VERDICTS,
    Bounds,
    ConditionEffect,
    LineVerdict,
    Robustness,
    dependences_by_chance,
    judge,
    middle,
)

EXPERIMENTS = FOLDER / "experiments"
SINGLE_ARM = "change"
"""The name of the arm of an experiment with a single change."""


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
    source: str = Field("", description="rows of the register that the figure is from; by default the experiment's")
    shares_source_with: list[str] = Field(
        default_factory=list,
        description="parameters that drew on the published figure without citing its row; those that cite it are added",
    )
    arm: str = SINGLE_ARM
    against: str | None = Field(None, description="the arm from which the difference is taken; by default the baseline")
    divide_by: MeasureSpec | None = Field(
        None, description="a measure; the effect is divided by the effect on this measure"
    )
    ratio_to: str | None = Field(None, description="an arm; the effect is divided by the effect of this arm")
    pounds: Number | None = Field(
        None, gt=0, description="pounds a head a year that the change costs; the figures are pounds for each effect"
    )
    scale: Number = Field(1.0, description="factor from the unit of the model to `unit`")
    band: list[Number] | None = Field(
        None, min_length=2, max_length=2, description="range in which the effect should lie, in `unit`"
    )
    sign: Literal["up", "down"] | None = None
    band_reason: str = Field(
        min_length=20, description="how the band follows from the published uncertainty or a rule, or why there is none"
    )

    @model_validator(mode="after")
    def _can_be_wrong(self) -> Self:
        if self.band is None and self.sign is None:
            raise RequirementError("a band, a sign or both", Phrase("neither"))
        if self.band is not None and self.band[0] >= self.band[1]:
            raise RequirementError("a lower and a higher end", self.band, below=("band",))
        if self.pounds is not None and self.band is not None and self.band[0] <= 0.0:
            raise RequirementError("pounds above 0", self.band, below=("band",))
        return self

    def turned(self, value: float | None) -> float | None:
        """A cost as the effect of the same money for 1,000 people, and the other way; any other figure as it is.

        None for a cost of no effect, or of a loss.
        """
        if self.pounds is None or value is None:
            return value
        return 1000.0 * self.pounds / value if value > 0.0 else None

    def ends(self) -> tuple[float, float] | None:
        """The ends of the band, of the effect in the unit in which it is simulated."""
        if self.band is None:
            return None
        low, high = sorted(end for end in map(self.turned, self.band) if end is not None)
        return low, high


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

    def shares_source_with(self, measure: Measure) -> tuple[str, ...]:
        """The parameters that cite a row of a measure's source, and those that the measure names besides."""
        cited = parameters_citing(measure.source or self.published.source)
        return (*cited, *(name for name in measure.shares_source_with if name not in cited))

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
            for j, shared in enumerate(measure.shares_source_with):
                if shared not in parameters():
                    raise fail(
                        (*measure_key, "shares_source_with", j), "the name of a parameter", shared, tuple(parameters())
                    )
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
    """The simulated effect on one measure of an experiment, under every condition; all draws together first."""

    measure: Measure
    effects: tuple[ConditionEffect, ...]
    shares_source_with: tuple[str, ...] = ()
    """Parameters that share their source with the published figure."""

    @property
    def total(self) -> Estimate | None:
        """The effect over all draws."""
        return self.effects[0].estimate

    @property
    def mean(self) -> float:
        """The effect over all draws, in the unit of the measure; NaN without one."""
        mean = self.measure.turned(None if self.total is None else self.total.value)
        return np.nan if mean is None else mean

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of its 95 % interval; a cost has no upper end, infinity, if the money may gain nothing."""
        if self.total is None:
            return np.nan, np.nan
        least, most = self.total.interval()
        if self.measure.pounds is None or np.isnan(least):
            return least, most
        low, high = (self.measure.turned(end) for end in (most, least))
        return (np.nan, np.nan) if low is None else (low, np.inf if high is None else high)

    @cached_property
    def band(self) -> Robustness | None:
        """Whether the effect lies in the band; None without a band."""
        ends = self.measure.ends()
        return None if ends is None else judge([(ends[0], True), (ends[1], False)], self.effects)

    @cached_property
    def fit(self) -> Fit | None:
        """Whether the effect is in the band, scrapes it or is out; None without a band."""
        ends = self.measure.ends()
        return None if ends is None else fit_everywhere(ends, self.effects)

    @property
    def standing(self) -> Standing | None:
        """The fit as it is counted; None without a band."""
        return None if self.fit is None else standing(self.fit, self.shares_source_with)

    @property
    def miss(self) -> str:
        """A miss or a scrape in words; empty without a band, and for an effect in its band."""
        measure, ends = self.measure, self.measure.ends()
        if ends is None or self.fit is None:
            return ""
        published = measure.turned(measure.published)
        return miss_text(published, ends, self.fit, self.total, is_cost=measure.pounds is not None)

    @property
    def fits(self) -> tuple[tuple[ConditionEffect, Fit], ...]:
        """The fit under each condition, all draws first; empty without a band."""
        ends = self.measure.ends()
        return () if ends is None else tuple((effect, fit_of(ends, effect.estimate)) for effect in self.effects)

    @cached_property
    def sign(self) -> Robustness | None:
        """Whether the effect has the expected sign; None without an expected sign."""
        sign = self.measure.sign
        required: Bounds = [(0.0, sign == "up")]
        return None if sign is None else judge(required, self.effects)

    @property
    def judgements(self) -> tuple[Robustness, ...]:
        """The verdicts on the band and on the sign, as far as there are any."""
        return tuple(line for line in (self.band, self.sign) if line is not None)

    def row(self) -> dict[str, Any]:
        """The effect as one row of a table or document."""
        measure, (low, high) = self.measure, self.interval
        return {
            "label": measure.label,
            "metric": measure.metric,
            "about": about(measure),
            "arm": measure.arm,
            "unit": measure.unit,
            "published": measure.published,
            "mean": plain_number(self.mean, 9),
            "ci_low": plain_number(low, 9),
            "ci_high": plain_number(high, 9),
            **(middle(self.judgements[0]) if measure.pounds is None else {"q025": None, "q975": None}),
            "is_cost": measure.pounds is not None,
            "band": measure.band,
            "band_reason": measure.band_reason,
            "fit": self.fit,
            "counted_as": self.standing,
            "miss": self.miss,
            "shares_source_with": list(self.shares_source_with),
            "fits": [{"kind": e.kind, "name": e.name, "fit": fit} for e, fit in self.fits],
            "sign": measure.sign,
            "sign_right": self.sign.verdict if self.sign is not None else None,
            "depends_on": sorted({text for line in self.judgements for text in line.depends_on}),
            "robustness": {
                name: line.row() for name, line in (("band", self.band), ("sign", self.sign)) if line is not None
            },
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
    design: Design
    people: int | None
    left_out: Mapping[str, tuple[int, ...]]
    """Seeds whose draws cannot be calibrated, by place."""

    @property
    def effects(self) -> tuple[ExperimentEffect, ...]:
        """The effects of all experiments."""
        return tuple(effect for outcome in self.outcomes for effect in outcome.effects)

    @property
    def bands(self) -> tuple[Robustness, ...]:
        """The verdict on each band."""
        return tuple(effect.band for effect in self.effects if effect.band is not None)

    @property
    def signs(self) -> tuple[Robustness, ...]:
        """The verdict on each sign."""
        return tuple(effect.sign for effect in self.effects if effect.sign is not None)

    def figures(self) -> dict[Standing, int]:
        """The number of published figures that are in their band, scrape it, are out, or are not counted."""
        of = [e.standing for e in self.effects if e.standing is not None and e.measure.published is not None]
        return {name: of.count(name) for name in STANDINGS}

    def limits(self) -> dict[Standing, int]:
        """The same of bands that state a limit or a direction, without a published figure."""
        of = [e.standing for e in self.effects if e.standing is not None and e.measure.published is None]
        return {name: of.count(name) for name in STANDINGS}

    def document(self) -> dict[str, Any]:
        """The results as one JSON document."""
        by_chance, after_holm = dependences_by_chance([*self.bands, *self.signs])
        return {
            "upstream": VERSION,
            "seeds": list(self.design.seeds),
            "people": self.people,
            "conditions": self.design.document(),
            "seeds_left_out": {place: list(seeds) for place, seeds in self.left_out.items()},
            "intervals": "95 % interval of the mean effect, paired by seed",
            "counts": {"figures": self.figures(), "limits": self.limits(), "signs": counts(self.signs)},
            "by_chance": {"dependent_if_all_the_same": by_chance, "dependent_after_holm": after_holm},
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


def counts(lines: Sequence[Robustness]) -> dict[LineVerdict, int]:
    """The number of lines with each verdict."""
    return {verdict: sum(line.verdict == verdict for line in lines) for verdict in LINE_VERDICTS}


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
    draws: Draws = "all",
    bases: int | None = None,
    places: Sequence[str] | None = None,
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
        Number of seeds of all bases together, and the first seed.
    people : int, optional
        Number of people in every place; by default that of each experiment.
    threads : int, optional
        Number of threads.
    draws : {"all", "mechanisms", "none"}
        The parameters that every seed draws.
    bases : int, optional
        Number of bases of seeds; by default three.
    places : sequence of str, optional
        Places in which every experiment is repeated, besides its own; by default both of `PLACES`.
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
        If an id or a place is unknown, or the bases do not fit the seeds.
    """
    design = Design.of(seeds, seed, draws=draws, bases=bases, places=places)
    by_id = {experiment.id: experiment for experiment in experiments(folders)}
    for name in chosen:
        if name not in by_id:
            raise InputError("validate", None, "", "the id of an experiment", name, by_id)
    selected = [by_id[name] for name in chosen or by_id]
    batch = Readings(people=people, threads=threads, folder=out)
    for experiment in selected:
        for measure in experiment.measures:
            _line(experiment, measure).ask(batch, design.conditions(experiment.place))
    batch.run(progress)

    def effect(experiment: Experiment, measure: Measure) -> ExperimentEffect:
        effects = _line(experiment, measure).effects(batch, design.conditions(experiment.place))
        return ExperimentEffect(measure, effects, experiment.shares_source_with(measure))

    outcomes = tuple(
        ExperimentOutcome(experiment, tuple(effect(experiment, measure) for measure in experiment.measures))
        for experiment in selected
    )
    return Validation(outcomes, design, people, batch.left_out())


def _line(experiment: Experiment, measure: Measure) -> Line:
    """The runs and the estimate of a measure."""

    def estimate(read: Read) -> Estimate:
        def effect(arm: str) -> Estimate:
            change = difference(measure, arm, experiment.baseline, read, measure.against)
            if measure.divide_by is None:
                return change
            return change / difference(measure.divide_by, arm, experiment.baseline, read, measure.against)

        out = effect(measure.arm)
        if measure.ratio_to is not None:
            out = out / effect(measure.ratio_to)
        return out * measure.scale

    measures = (measure, *([measure.divide_by] if measure.divide_by is not None else []))
    return Line(experiment.runs(), measures, estimate)
