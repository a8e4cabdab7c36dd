"""Confirmation of the stock-flow twin by agents: differences of both for the same parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from sim.analysis.sensitivity.evaluations import evaluate
from sim.analysis.sensitivity.model import Question
from sim.analysis.sensitivity.study import question_of
from sim.ensemble.compare import compare
from sim.ensemble.parameter_sampling import draws as draws_of
from sim.place.place import Place
from sim.results.metrics import metric as metric_of
from sim.results.number_text import plain_number
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError
from sim.simulation.simulate import Progress

DRAWS = 4


class AgentDifference(NamedTuple):
    """The difference from the baseline by agents in a year: mean over seeds, and its 95% interval (None: one seed)."""

    mean: float
    ci_low: float | None
    ci_high: float | None


def agent_difference(
    question: Question,
    parameters: Mapping[str, float],
    year: int,
    *,
    seeds: int | Sequence[int],
    threads: int | None = None,
    progress: Progress | None = None,
) -> AgentDifference:
    """Compare the first policy of a question with its baseline by agents.

    Parameters
    ----------
    question : Question
        Scenarios, place and measure.
    parameters : mapping of str to float
        Parameters of both scenarios, by dotted name.
    year : int
        The year.
    seeds : int or sequence of int
        Number of seeds, or the seeds.
    threads : int, optional
        Runs in parallel.
    progress : callable, optional
        As for `sim.compare`.

    Returns
    -------
    AgentDifference
    """
    drawn = [s.model_copy(update={"parameters": s.parameters | dict(parameters)}) for s in question.scenarios[:2]]
    result = compare(
        *drawn,
        place=question.place,
        people=question.people,
        seeds=seeds,
        threads=threads,
        progress=progress,
        draws="none",
    )
    figures = result[metric_of(question.metric).name].change(drawn[1].name)
    mean, low, high = (float(figures[name][year - 1]) for name in ("mean", "ci_low", "ci_high"))
    return AgentDifference(mean, *(None if end != end else end for end in (low, high)))  # noqa: PLR0124  # NaN


def checks(
    baseline: Scenario,
    scenario: Scenario,
    *,
    place: Place,
    people: int | None,
    metric: str,
    year: int,
    seeds: int,
    draws: int = DRAWS,
    threads: int | None = None,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Evaluate the first draws of an ensemble by the twin and by agents.

    Parameters
    ----------
    baseline, scenario : Scenario
        The scenarios.
    place : Place
        The place.
    people : int or None
        Number of people; None for the place's own number.
    metric : str
        Id of the measure.
    year : int
        The year.
    seeds : int
        Number of seeds of agents for each draw.
    draws : int
        Number of draws.
    threads, progress : optional
        As for `sim.compare`.

    Returns
    -------
    list of dict
        For each draw: `draw`, `seeds`, the difference by the `twin` and by `agents` with its 95% interval `ci_low` to
        `ci_high`, and the `error` of the twin: its difference less that of the agents. A draw that cannot be calibrated
        has None.
    """
    question, known = question_of(baseline, scenario, place=place, people=people, years=None, metric=metric)
    drawn = draws_of("all", range(draws), place.name, baseline.parameters)
    samples = np.array([[sample[name] for name in known] for sample in drawn])
    levels = evaluate(question.names, samples, question.make, question.context(), note="draws")
    out = []
    for number, (sample, level) in enumerate(zip(drawn, levels, strict=True)):
        twin = plain_number(level[1, year - 1] - level[0, year - 1])
        row: dict[str, Any] = {"draw": number, "seeds": seeds, "twin": twin}
        try:
            agents = agent_difference(question, sample, year, seeds=seeds, threads=threads, progress=progress)
        except InputError:
            row |= {"agents": None, "ci_low": None, "ci_high": None, "error": None}
        else:
            row |= {"agents": agents.mean, "ci_low": agents.ci_low, "ci_high": agents.ci_high}
            row["error"] = None if twin is None else twin - agents.mean
        out.append(row)
    return out
