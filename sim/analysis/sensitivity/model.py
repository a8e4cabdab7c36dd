"""The model as a function of its parameters: levels of a measure under each scenario, by the stock-flow twin."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.analysis.sensitivity.source import source_digest
from sim.analysis.sensitivity.workers import Model
from sim.ensemble.parameter_sampling import reconciled, sampled_parameters
from sim.place.place import Place
from sim.results.measurement import values_by_step
from sim.results.metrics import metric
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError
from sim.twins.stock_flow.family import TwinFamily

F = npt.NDArray[np.float64]
HEADLINE = "acute_demand"
"""The measure that a family of twins computes itself."""


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

    def _levels(self, parameters: dict[str, float]) -> F:
        names = [scenario.name for scenario in self.question.scenarios]
        if self.question.metric == HEADLINE:  # without a record, which takes a third of the time
            rates = self.family.acute_demand(parameters)
            return np.stack([rates[name] for name in names])
        records, measure = self.family.run(parameters), metric(self.question.metric)
        return np.stack([values_by_step(records[name], measure, None)[1][0] for name in names])
