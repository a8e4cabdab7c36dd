"""The model as a function of its parameters: levels of a measure under each scenario, by the stock-flow twin."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.analysis.sensitivity.source import source_digest
from sim.analysis.sensitivity.workers import Model
from sim.ensemble.parameter_sampling import reconciled, sampled_parameters
from sim.place.place import Place
from sim.results.measurement import index_scale, values_by_step
from sim.results.metrics import HEADLINE, metric
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError
from sim.schema.version import VERSION
from sim.twins.stock_flow.family import TwinFamily

F = npt.NDArray[np.float64]


class Question(NamedTuple):
    """What is evaluated for each draw of parameters.

    Attributes
    ----------
    scenarios : tuple of Scenario
        The scenarios, the baseline first.
    place : Place
        The place.
    people : int or None
        Number of people; None for the place's own number.
    metric : str
        Id of the measure.
    names : tuple of str
        Names of the parameters, in the order of a sample.
    """

    scenarios: tuple[Scenario, ...]
    place: Place
    people: int | None
    metric: str
    names: tuple[str, ...]

    def context(self) -> str:
        """Everything that determines the outputs beside the sample, as text."""
        ignored = {"expect", "stops", "label", "question", "reason", "shows"}
        scenarios = [scenario.model_dump_json(exclude=ignored) for scenario in self.scenarios]
        declared = sorted((name, p.value) for name, p in sampled_parameters("all", self.place.name, {}).items())
        parts = (source_digest(), *scenarios, self.place.model_dump_json(), self.people, self.metric, declared)
        return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()

    def description(self, policy: Scenario) -> dict[str, Any]:
        """Name the baseline, one of the policies, the place and the measure, as documents of results do."""
        measure = metric(self.metric)
        return {
            "upstream": VERSION,
            "baseline": self.scenarios[0].name,
            "scenario": policy.name,
            "label": policy.label,
            "place": self.place.name,
            "people": sum(n.people for n in self.place.neighbourhoods(self.people)),
            "metric": measure.name,
            "metric_label": measure.label,
            "unit": measure.unit,
            "decimals": measure.decimals,
        }

    def make(self) -> Model:
        """Make the function of samples; importable by its class, so that a worker can make it."""
        return TwinModel(self)


class TwinModel:
    """Levels of a measure under each scenario as a function of parameters, by the stock-flow twin.

    Parameters
    ----------
    question : Question
        What is evaluated.
    """

    def __init__(self, question: Question) -> None:
        self.question = question
        self.family = TwinFamily(question.scenarios, question.place, question.people)
        self._scale: float | None = None
        self._declared = sampled_parameters("all", question.place.name, question.scenarios[0].parameters)

    def __call__(self, samples: F) -> F:
        """Evaluate samples.

        Parameters
        ----------
        samples : ndarray of float64, shape (samples, parameters)
            Values of the parameters.

        Returns
        -------
        ndarray of float64, shape (samples, scenarios, years)
            NaN where a draw cannot be calibrated.
        """
        q = self.question
        out = np.full((len(samples), len(q.scenarios), q.scenarios[0].years), np.nan)
        for k, sample in enumerate(samples):
            try:
                out[k] = self._levels(self.parameters(sample))
            except InputError:
                continue
        return out

    def parameters(self, sample: F) -> dict[str, float]:
        """The parameters of a sample that differ from the declared ones, with contradictory figures reconciled."""
        values = dict(zip(self.question.names, map(float, sample), strict=True))
        changed = {name: value for name, value in values.items() if value != self._declared[name].value}
        return reconciled(changed, self._declared, self.question.scenarios[0].parameters)

    @property
    def scale(self) -> float:
        """The factor that makes an index of a measure, from a run with the declared parameters; 1 for other measures.

        All draws have the same factor, so that their differences are in the same points.
        """
        if self._scale is None:
            basis = metric(self.question.metric).index_of
            baseline = self.question.scenarios[0].name
            self._scale = 1.0 if basis is None else index_scale(self._before_scaling({}, basis)[baseline][:1])
        return self._scale

    def _levels(self, parameters: dict[str, float]) -> F:
        levels = self._before_scaling(parameters, self.question.metric)
        return self.scale * np.stack([levels[scenario.name] for scenario in self.question.scenarios])

    def _before_scaling(self, parameters: dict[str, float], name: str) -> dict[str, F]:
        """Levels by year of each scenario by name; those of an index in pounds per person per year."""
        if name == HEADLINE:  # without a record, which takes a third of the time
            return self.family.acute_demand(parameters)
        records, measure = self.family.run(parameters), metric(name)
        return {name: values_by_step(record, measure, None)[1][0] for name, record in records.items()}
