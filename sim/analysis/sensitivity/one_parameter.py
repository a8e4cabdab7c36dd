"""The difference between a policy and its baseline along the range of one parameter, the others as declared."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from sim.analysis.sensitivity.agents import agent_difference
from sim.analysis.sensitivity.evaluations import evaluate
from sim.analysis.sensitivity.inputs import parameter_inputs
from sim.analysis.sensitivity.study import checked_year, question_of
from sim.place.place import Place
from sim.results.number_text import plain_number
from sim.scenario.parameters import Parameter, parameters
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError, Phrase
from sim.simulation.simulate import Progress

POINTS = 11
AGENT_SEEDS = 10
Range = tuple[float, float]


def along(
    baseline: str | Scenario,
    scenario: str | Scenario,
    parameter: str,
    *,
    limits: Range | None = None,
    points: int = POINTS,
    agent_seeds: int = 0,
    place: str | Place | None = None,
    people: int | None = None,
    years: int | None = None,
    metric: str = "acute_demand",
    year: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Evaluate the difference along the range of one parameter by the stock-flow twin, and at its ends by agents.

    Parameters
    ----------
    baseline, scenario, place, people, years, metric, year, threads, progress
        As for `sensitivity` (sim/analysis/sensitivity/study.py).
    parameter : str
        Dotted name of the parameter.
    limits : tuple of float, optional
        First and last value; by default the ends of the declared range.
    points : int
        Number of values, evenly spaced; the declared value is added to them.
    agent_seeds : int
        Number of seeds of agents at the two ends; 0 for none.

    Returns
    -------
    dict
        A document for JSON: the question, and `points`, with `value`, `difference` and, at the ends, `agents_mean`,
        `agents_ci_low` and `agents_ci_high`. A difference is None where the baseline cannot be calibrated.

    Raises
    ------
    InputError
        If there is no such parameter, it is not drawn, or the limits are not a part of its range.
    """
    question, known = question_of(baseline, scenario, place=place, people=people, years=years, metric=metric)
    at = checked_year(year, question.scenarios[0].years)
    value, spec = _known(parameter, known, question.place.name)
    low, high = _checked_limits(limits, known[parameter])
    values = np.unique(np.append(np.linspace(low, high, points), value if low <= value <= high else low))
    inputs = parameter_inputs(known)
    samples = np.tile([p.value for p in known.values()], (len(values), 1))
    samples[:, inputs.names.index(parameter)] = values
    levels = evaluate(
        inputs.names, samples, question.make, question.context(), workers=threads or os.cpu_count() or 1,
        progress=progress, note=f"along {parameter}",
    )  # fmt: skip
    differences = levels[:, 1, at - 1] - levels[:, 0, at - 1]
    rows: list[dict[str, Any]] = [
        {"value": float(v), "difference": plain_number(d)} for v, d in zip(values, differences, strict=True)
    ]
    if agent_seeds:
        for row in (rows[0], rows[-1]):
            confirmed = agent_difference(
                question, {parameter: row["value"]}, at, seeds=agent_seeds, threads=threads, progress=progress
            )
            row |= {f"agents_{name}": number for name, number in confirmed._asdict().items()}
    return {
        **question.description(question.scenarios[1]),
        "year": at,
        "parameter": parameter,
        "parameter_unit": spec.unit,
        "meaning": spec.meaning,
        "declared": value,
        "low": spec.low,
        "high": spec.high,
        "status": spec.status,
        "source": spec.source,
        "agent_seeds": agent_seeds,
        "points": rows,
    }


def _known(name: str, known: dict[str, Parameter], place: str) -> Parameter:
    """The parameter of a name. Raises InputError for one that does not exist, or that is not drawn."""
    if name in known:
        return known[name]
    if name in parameters(place):
        came = Phrase(f"{name}, which is a choice of the analyst or set by the scenario")
        raise InputError("--one", None, "", "a parameter that is drawn from its range", came)
    group = name.partition(".")[0]
    alike = [each for each in known if each.startswith(f"{group}.")]
    raise InputError("--one", None, "", "the name of a parameter", name, alike or list(known))


def _checked_limits(limits: Range | None, parameter: Parameter) -> Range:
    spec = parameter.spec
    if limits is None:
        return spec.low, spec.high
    low, high = limits
    wanted = f"two numbers from {spec.low:g} to {spec.high:g} ({spec.unit}), the lower first"
    if not spec.low <= low < high <= spec.high:
        raise InputError("--range", None, "", wanted, Phrase(f"{low:g},{high:g}"))
    return low, high
