"""Sensitivity indices: exact values of known functions, selection of few among many inputs, and stored evaluations."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from sim.analysis.sensitivity import evaluations, indices, two_stages
from sim.analysis.sensitivity.indices import OTHERS
from sim.analysis.sensitivity.inputs import Inputs, parameter_inputs
from sim.analysis.sensitivity.two_stages import SampleDesign, evaluations_of
from sim.analysis.sensitivity.workers import Model, evaluated
from sim.engine.verified_files import VerifiedFolder
from sim.ensemble.parameter_sampling import quantiles, sampled_parameters
from sim.schema.errors import InputError

F = npt.NDArray[np.float64]
SHARES = Inputs(("a", "b", "c"), lambda shares: shares)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations are stored in a temporary folder; intervals take few bootstrap samples."""
    monkeypatch.setattr(evaluations, "FOLDER", VerifiedFolder(tmp_path, "evaluations", 10**8))
    monkeypatch.setattr(indices, "RESAMPLES", 20)


def studied(inputs: Inputs, function: Model, design: SampleDesign) -> two_stages.Indices:
    """A study of a function of samples, on the path of the model: design, values, stored evaluations, indices."""

    def evaluate(values: F, note: str) -> F:
        return evaluations.evaluate(inputs.names, values, lambda: function, "a function", note=note)

    return two_stages.two_stages(inputs, design, evaluate)


def assert_exact(study: two_stages.Indices, exact: dict[str, tuple[float, float]]) -> None:
    """First-order and total indices of the first function lie within 0.01 of the exact values."""
    table = study.indices[0][0].set_index("name")
    for name, (first, total) in exact.items():
        assert table.loc[name, "first_order"] == pytest.approx(first, abs=0.01), name
        assert table.loc[name, "total"] == pytest.approx(total, abs=0.01), name


def test_the_ishigami_function_has_its_exact_indices() -> None:
    """Ishigami and Homma 1990: sin x + 7 sin² y + 0.1 z⁴ sin x, inputs uniform from -π to π."""
    inputs = Inputs(("x", "y", "z"), lambda shares: math.pi * (2.0 * shares - 1.0))

    def ishigami(v: F) -> F:
        x, y, z = v.T
        out: F = (np.sin(x) + 7.0 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x))[:, None, None]
        return out

    a, b = 7.0, 0.1
    first = 0.5 * (1.0 + b * math.pi**4 / 5.0) ** 2, a**2 / 8.0
    both = b**2 * math.pi**8 * (1.0 / 18.0 - 1.0 / 50.0)
    variance = sum(first) + both
    exact = {
        "x": (first[0] / variance, (first[0] + both) / variance),
        "y": (first[1] / variance, first[1] / variance),
        "z": (0.0, both / variance),
    }
    assert_exact(studied(inputs, ishigami, SampleDesign(4, 4096)), exact)


def test_the_function_of_sobol_has_its_exact_indices() -> None:
    """Saltelli and Sobol' 1995: the product of (|4 x - 2| + a) / (1 + a)."""
    a = np.array([0.0, 1.0, 4.5, 9.0, 99.0])
    inputs = Inputs(tuple("vwxyz"), lambda shares: shares)

    def product(v: F) -> F:
        out: F = ((np.abs(4.0 * v - 2.0) + a) / (1.0 + a)).prod(axis=1)[:, None, None]
        return out

    part = 1.0 / (3.0 * (1.0 + a) ** 2)
    variance = (1.0 + part).prod() - 1.0
    exact = {
        name: (part[k] / variance, part[k] * (1.0 + np.delete(part, k)).prod() / variance)
        for k, name in enumerate(inputs.names)
    }
    assert_exact(studied(inputs, product, SampleDesign(4, 4096)), exact)


def many(seed: int, important: int) -> tuple[Inputs, Model, dict[str, float], float]:
    """A function of 600 inputs: a few weights and one product of two inputs, and small weights for all others.

    Returns the inputs, the function, the exact total indices of the few, and that of all others together.
    """
    rng = np.random.default_rng(seed)
    names = tuple(f"input {k}" for k in range(600))
    few = rng.choice(600, important, replace=False)
    weights = rng.normal(size=600) * 0.02
    weights[few] = 3.0 * 0.85 ** np.arange(important)
    first, second = few[:2]

    def function(v: F) -> F:
        u = v - 0.5
        out: F = (u @ weights + 4.0 * u[:, first] * u[:, second])[:, None, None]
        return out

    parts = weights**2 / 12.0
    both = 16.0 / 144.0
    variance = parts.sum() + both
    totals = {names[k]: (parts[k] + both * (k in (first, second))) / variance for k in few}
    others = (parts.sum() - parts[few].sum()) / variance
    return Inputs(names, lambda shares: shares), function, totals, others


def test_few_of_600_inputs_lead() -> None:
    """Screening selects the important inputs; their indices and that of all others together are exact."""
    inputs, function, totals, others = many(seed=1, important=15)
    study = studied(inputs, function, SampleDesign(2, 128))
    assert set(study.leaders) == set(totals)
    table = study.indices[0][0].set_index("name")
    assert len(table) == 16
    for name, total in totals.items():
        assert table.loc[name, "total"] == pytest.approx(total, abs=0.03), name
        low, high = (float(table[end][name]) for end in ("total_low", "total_high"))
        assert low - 0.02 <= total <= high + 0.02
    assert table.loc[OTHERS, "total"] == pytest.approx(others, abs=0.01)
    assert study.evaluations == evaluations_of(600, SampleDesign(2, 128), 15)
    assert study.refused == 0


def test_an_input_that_leads_for_any_function_is_selected() -> None:
    """Two functions of the same inputs are screened together: what leads for either leads."""
    inputs = Inputs(tuple(f"input {k}" for k in range(60)), lambda shares: shares)

    def two_functions(v: F) -> F:
        return np.stack([v[:, :20].sum(axis=1), v[:, 40:].sum(axis=1)], axis=1)[:, :, None]

    study = studied(inputs, two_functions, SampleDesign(2, 16))
    assert len(study.leaders) == 30
    assert sum(name in study.leaders for name in inputs.names[20:40]) == 0
    assert len(study.indices) == 2


def test_refused_samples_are_left_out() -> None:
    """NaN marks a refused sample: its base sample is left out, it is counted, and the indices stay right."""

    def additive(v: F) -> F:
        out: F = (v @ np.array([2.0, 1.0, 0.0]))[:, None, None]
        return np.where(v[:, :1, None] > 0.99, np.nan, out)

    study = studied(SHARES, additive, SampleDesign(8, 1024))
    assert 0 < study.refused < 0.1 * study.evaluations
    table = study.indices[0][0].set_index("name")
    assert table["total"].to_list() == pytest.approx([0.8, 0.2, 0.0], abs=0.03)


def test_a_function_that_refuses_most_samples_is_refused() -> None:
    """More than a quarter refused samples are an error of input."""
    with pytest.raises(InputError, match="steady baseline"):
        studied(SHARES, lambda v: np.where(v[:, :1, None] > 0.3, np.nan, 1.0), SampleDesign(4, 16))


def test_a_constant_function_has_no_indices() -> None:
    """Nothing drives an output that does not vary."""
    study = studied(SHARES, lambda v: np.ones((len(v), 1, 1)), SampleDesign(4, 16))
    assert study.indices[0][0]["total"].isna().all()


def test_designs_of_different_seeds_differ() -> None:
    """Seed 0 is a seed like the others: the same design each time, and another than that of seed 1."""
    for design in (indices.screening_design, lambda n, s, seed: indices.sobol_design(n, n, s, seed)):
        first, again, other = (design(SHARES.names, 8, seed) for seed in (0, 0, 1))
        assert (first == again).all()
        assert (first != other).any()


def test_inputs_have_the_distributions_of_ensembles() -> None:
    """The values of a design are those of the ensemble's quantile function, from the low to the high end."""
    known = sampled_parameters("all", "anytown", {})
    inputs = parameter_inputs(known)
    assert inputs.names == tuple(known)
    assert "levers.overspend_share" in known
    assert not any(name.startswith("valuation.") for name in known)
    shares = np.array([0.0, 0.3, 0.7, 1.0])
    values = inputs.values(np.tile(shares[:, None], len(known)))
    for k, parameter in enumerate(known.values()):
        ends = (np.array(x) for x in (parameter.spec.low, parameter.value, parameter.spec.high))
        assert values[:, k] == pytest.approx(quantiles(shares, *ends))
        assert values[[0, -1], k] == pytest.approx([parameter.spec.low, parameter.spec.high])


class Interruption:
    """A function that fails after some calls, as an interrupted study does."""

    def __init__(self, most: int) -> None:
        self.calls, self.most = 0, most

    def __call__(self, values: F) -> F:
        """Evaluate a part."""
        if self.calls == self.most:
            raise KeyboardInterrupt
        self.calls += 1
        out: F = values.sum(axis=1)[:, None]
        return out


def test_an_interrupted_evaluation_continues() -> None:
    """Parts that are done are stored: the same samples, and a longer list of samples, evaluate only the rest."""
    samples = np.random.default_rng(0).random((5 * evaluations.PART + 3, 3))

    def run(model: Interruption, rows: F, context: str = "a function") -> F:
        return evaluations.evaluate(SHARES.names, rows, lambda: model, context)

    with pytest.raises(KeyboardInterrupt):
        run(Interruption(2), samples)
    seen_progress: list[int] = []
    rest = Interruption(100)
    out = evaluations.evaluate(
        SHARES.names, samples, lambda: rest, "a function", progress=lambda done, _, __: seen_progress.append(done)
    )
    assert rest.calls == 4
    assert seen_progress[0] == 2 * evaluations.PART
    assert seen_progress[-1] == len(samples)
    assert out[:, 0] == pytest.approx(samples.sum(axis=1))
    longer = Interruption(100)
    run(longer, np.concatenate([samples[: 5 * evaluations.PART], 1.0 + samples]))
    assert longer.calls == 6  # the parts that are new
    other = Interruption(100)
    run(other, samples, "another function")
    assert other.calls == 6


class Doubled:
    """A model that a worker can make: it doubles its samples, or fails."""

    def __call__(self, values: F) -> F:
        """Evaluate a part."""
        if (values < 0.0).any():
            raise InputError("model", None, "", "values from 0", -1)
        print("output of the model")
        return 2.0 * values


def parts() -> Iterator[tuple[int, F]]:
    """Parts of a design."""
    rng = np.random.default_rng(1)
    for k in range(7):
        yield k, rng.random((4, 2))


def test_processes_give_what_this_process_gives() -> None:
    """Two workers answer every part, whatever the model prints; an error of the model is raised here."""
    samples = dict(parts())
    alone = dict(evaluated(Doubled, samples, 1))
    assert alone.keys() == samples.keys()
    together: dict[int, F] = {}
    failing = {**samples, len(samples): -np.ones((4, 2))}
    with pytest.raises(InputError, match="values from 0"):
        together.update(evaluated(Doubled, failing, 2))
    assert len(together) >= len(samples) - 1  # the other worker may still be at the last part but one
    assert all((alone[k] == outputs).all() for k, outputs in together.items())
