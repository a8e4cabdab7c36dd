"""Studies of the model: which parameters drive the difference between a policy and its baseline.

Every draw of parameters is evaluated for the baseline and the policies with the stock-flow twin, which has no chance
events: the indices are shares of the variance by parameters alone. The difference is paired: both runs of a draw have
the same parameters.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.analysis.sensitivity import stored
from sim.analysis.sensitivity.evaluations import evaluate
from sim.analysis.sensitivity.indices import OTHERS
from sim.analysis.sensitivity.inputs import Inputs, parameter_inputs
from sim.analysis.sensitivity.model import Question
from sim.analysis.sensitivity.result import END_COLUMNS, INDEX_COLUMNS, Sensitivity, plain
from sim.analysis.sensitivity.screening import MOST
from sim.analysis.sensitivity.source import source_digest
from sim.analysis.sensitivity.two_stages import Indices, SampleDesign, evaluations_of, two_stages
from sim.ensemble.parameter_sampling import sampled_parameters
from sim.ensemble.run_limits import USABLE, Runs, check_limits, free_memory
from sim.place.place import Place
from sim.results.metrics import metrics
from sim.scenario.parameters import Parameter
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError, Phrase
from sim.simulation.simulate import Progress
from sim.twins.stock_flow.records import UNAVAILABLE

F = npt.NDArray[np.float64]
SAMPLES, TRAJECTORIES = 256, 3
FEWEST_SAMPLES, MOST_SAMPLES = 16, 2**16
COPIES = 4
"""Arrays of the size of a design that a study holds at once."""


def sensitivity(
    baseline: str | Scenario,
    scenario: str | Scenario,
    *,
    place: str | Place | None = None,
    people: int | None = None,
    years: int | None = None,
    metric: str = "acute_demand",
    year: int | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Sensitivity:
    """Find the parameters on which the difference between a policy and its baseline depends most.

    Parameters
    ----------
    baseline, scenario : str or Scenario
        Scenarios, their names in the library, or the paths of their files.
    place : str or Place, optional
        Name, file or Place; by default that of the baseline.
    people : int, optional
        A smaller or larger place of the same shape.
    years : int, optional
        Length of the runs; by default that of the scenarios.
    metric : str
        Id of the measure.
    year : int, optional
        The year for which parameters are screened; by default the last.
    samples : int
        Base samples of the Sobol' design, a power of 2.
    seed : int
        Seed of the designs.
    threads : int, optional
        Number of processes; by default one for each processor. The results do not depend on it.
    progress : callable, optional
        Called with the number of draws done, the number of draws, and the stage.

    Returns
    -------
    Sensitivity
        Indices of the leading parameters. Evaluations are stored, so that an interrupted study continues.

    Raises
    ------
    InputError
        If the scenarios do not fit one another, the measure or the year does not exist, the number of samples is not a
        power of 2, the design does not fit into memory, or many draws cannot be calibrated.

    Examples
    --------
    >>> import sim
    >>> result = sim.sensitivity("baseline", "salami-slice")  # doctest: +SKIP
    >>> result.frame().head()  # doctest: +SKIP
    """
    (result,) = sensitivities(
        baseline, scenario, place=place, people=people, years=years, metric=metric, year=year,
        design=SampleDesign(TRAJECTORIES, samples, seed, seed), threads=threads, progress=progress,
    )  # fmt: skip
    return result


def sensitivities(
    baseline: str | Scenario,
    *policies: str | Scenario,
    place: str | Place | None = None,
    people: int | None = None,
    years: int | None = None,
    metric: str = "acute_demand",
    year: int | None = None,
    design: SampleDesign = SampleDesign(TRAJECTORIES, SAMPLES),  # noqa: B008  # a tuple of numbers
    threads: int | None = None,
    progress: Progress | None = None,
) -> list[Sensitivity]:
    """Study several policies with the same draws: as `sensitivity`, with a result for each policy.

    Parameters
    ----------
    baseline : str or Scenario
        The baseline.
    *policies : str or Scenario
        The policies.
    place, people, years, metric, year, threads, progress : optional
        As for `sensitivity`.
    design : SampleDesign
        Size of the study.

    Returns
    -------
    list of Sensitivity
        In the order of the policies.

    Raises
    ------
    InputError
        As for `sensitivity`.
    """
    question, known = question_of(baseline, *policies, place=place, people=people, years=years, metric=metric)
    step = checked_year(year, question.scenarios[0].years) - 1
    check_samples(design.samples, len(known), design)
    inputs, evaluated = parameter_inputs(known), _differences(question, threads, progress)
    indices = two_stages(inputs, design, evaluated, step)
    ends = evaluated(at_ends(inputs, known, indices.leaders), "ends of the ranges")
    out = []
    for k, policy in enumerate(question.scenarios[1:]):
        document = _document(question, policy, design, known, indices, k, ends[:, k])
        result = Sensitivity(document)
        stored.put(result)
        out.append(result)
    return out


def question_of(
    baseline: str | Scenario,
    *policies: str | Scenario,
    place: str | Place | None,
    people: int | None,
    years: int | None,
    metric: str,
) -> tuple[Question, dict[str, Parameter]]:
    """Check what is asked, and collect the parameters that are drawn.

    Parameters
    ----------
    baseline, *policies, place, people, years, metric
        As for `sensitivities`.

    Returns
    -------
    question : Question
        Scenarios, place and measure.
    known : dict of str to Parameter
        The parameters that are drawn: not those that the scenarios set.

    Raises
    ------
    InputError
        If the scenarios do not fit one another, or the measure does not exist.
    """
    scenarios = tuple(s if isinstance(s, Scenario) else Scenario.load(s) for s in (baseline, *policies))
    if years is not None:
        scenarios = tuple(s.with_settings(years=years) for s in scenarios)
    first = scenarios[0]
    for key in ("start", "years", "parameters"):
        if any(getattr(s, key) != getattr(first, key) for s in scenarios):
            came = Phrase("; ".join(f"{s.name}: {getattr(s, key)}" for s in scenarios))
            raise InputError("sensitivity", None, key, "the same in each scenario", came)
    measures = [m.name for m in metrics() if m.against is None and m.name not in UNAVAILABLE]
    if metric not in measures:
        raise InputError("--metric", None, "", "the id of a measure that the stock-flow twin has", metric, measures)
    resolved = place if isinstance(place, Place) else Place.load(place or first.place)
    size = people if people is not None else first.people
    check_limits(Runs(resolved, size, first.years, len(scenarios), 1, work="stocks"))
    known = sampled_parameters("all", resolved.name, first.parameters)
    return Question(scenarios, resolved, size, metric, tuple(known)), known


def checked_year(year: int | None, years: int) -> int:
    """Return a year of a run, by default the last. Raises InputError for a year beyond it."""
    if year is not None and not 1 <= year <= years:
        raise InputError("--year", None, "", f"a whole number from 1 to {years}", year)
    return year or years


def check_samples(samples: int, inputs: int, design: SampleDesign) -> None:
    """Refuse a number of samples that is no power of 2, and a design that does not fit into memory."""
    allowed = [2**k for k in range(4, 17)]
    if samples not in allowed:
        wanted = f"a power of 2 from {FEWEST_SAMPLES} to {MOST_SAMPLES:,}"
        raise InputError("--samples", None, "", wanted, samples)

    def needed(number: int) -> int:
        return COPIES * 8 * inputs * evaluations_of(inputs, design._replace(samples=number), MOST)

    free = USABLE * free_memory()
    if needed(samples) > free:
        most = max((number for number in allowed if needed(number) <= free), default=0)
        wanted = f"at most {most:,} samples, which fit into {free / 1e9:,.1f} GB of free memory"
        raise InputError(
            "--samples", None, "", wanted, Phrase(f"{samples:,}, which take {needed(samples) / 1e9:,.1f} GB")
        )


def _differences(question: Question, threads: int | None, progress: Progress | None) -> Any:
    """The function from values of the parameters to differences from the baseline, by policy and year."""
    context = question.context()
    workers = threads or os.cpu_count() or 1

    def differences(values: F, note: str) -> F:
        levels = evaluate(question.names, values, question.make, context, workers=workers, progress=progress, note=note)
        out: F = levels[:, 1:] - levels[:, :1]
        return out

    return differences


def at_ends(inputs: Inputs, known: dict[str, Parameter], names: Sequence[str]) -> F:
    """Make samples with all parameters as declared, and then one at a time at its low and at its high end.

    Parameters
    ----------
    inputs : Inputs
        The inputs.
    known : dict of str to Parameter
        The parameters.
    names : sequence of str
        The parameters that are moved.

    Returns
    -------
    ndarray of float64, shape (1 + 2 * names, parameters)
    """
    out = np.tile([p.value for p in known.values()], (1 + 2 * len(names), 1))
    for k, name in enumerate(names):
        column = inputs.names.index(name)
        out[1 + 2 * k, column], out[2 + 2 * k, column] = known[name].spec.low, known[name].spec.high
    return out


def _document(
    question: Question,
    policy: Scenario,
    design: SampleDesign,
    known: dict[str, Parameter],
    indices: Indices,
    function: int,
    ends: F,
) -> dict[str, Any]:
    outputs = indices.outputs[:, function]
    outputs = outputs[np.isfinite(outputs).all(axis=1)]
    parameters = []
    for k, name in enumerate(indices.indices[function][0]["name"]):
        by_year = {c: plain([float(t[c].iloc[k]) for t in indices.indices[function]]) for c in INDEX_COLUMNS}
        if name == OTHERS:
            count = len(known) - len(indices.leaders)
            about: dict[str, Any] = dict.fromkeys(("value", "low", "high")) | {"unit": "", "status": "", "source": ""}
            about["meaning"] = f"the other {count} parameters together"
            by_year |= dict.fromkeys(END_COLUMNS, [None] * outputs.shape[1])
        else:
            value, spec = known[name]
            about = {"value": value, "low": spec.low, "high": spec.high, "unit": spec.unit, "status": spec.status}
            about |= {"source": spec.source, "meaning": spec.meaning}
            by_year |= {"at_low": plain(ends[1 + 2 * k]), "at_high": plain(ends[2 + 2 * k])}
        parameters.append({"parameter": name, **about, **by_year})
    effects = indices.screening[function].sort_values("share", ascending=False, kind="stable")
    return {
        **question.description(policy),
        "engine": "stocks",
        "samples": design.samples,
        "trajectories": design.trajectories,
        "seed": design.seed,
        "screened": len(known),
        "evaluations": indices.evaluations,
        "refused": indices.refused,
        "identity": stored.identity(question.scenarios[0], policy, question.place, question.metric),
        "source": source_digest(),
        "declared": plain(ends[0]),
        "mean": plain(outputs.mean(axis=0)),
        "sd": plain(outputs.std(axis=0, ddof=1)),
        "q025": plain(np.quantile(outputs, 0.025, axis=0)),
        "q975": plain(np.quantile(outputs, 0.975, axis=0)),
        "parameters": parameters,
        "screening": [
            {"parameter": str(row["name"]), **{c: plain(float(row[c])) for c in ("mu", "mu_star", "sigma", "share")}}
            for row in effects.to_dict("records")
        ],
    }
