"""The stock-flow twin with parameters and lever settings as inputs."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from sim.ensemble.parameter_sampling import draws
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError
from sim.twins.stock_flow import Twin, TwinFamily, record_of, symbolic, tape_store
from sim.twins.stock_flow.agreement import acute_demand, largest_distance
from sim.twins.stock_flow.equations import Equations, Stock
from sim.twins.stock_flow.inputs import Layout
from sim.twins.stock_flow.symbolic import choose, input_symbol, is_unchanged
from sim.twins.stock_flow.tape import filled, holds, run_tape, tape_of
from sim.twins.stock_flow.tape_store import TapeStore

PEOPLE, YEARS = 3_000, 3
UNCALIBRATED = {name: "none" if name == "calibrate" else False for name in Scenario.model_fields if "calibrate" in name}
"""The setting of a scenario that has parameters with the hazards of the default ones."""


def cut(value: float = 0.85, name: str = "cut", **parameters: float) -> Scenario:
    """An even cut of all budgets, with parameters that are not calibrated."""
    base = Scenario.load("baseline").with_settings(years=YEARS)
    moved = base.with_policy("total_budget", value=value, start="2025-10", over_months=12, name=name)
    return moved.model_copy(update={"parameters": parameters, **(UNCALIBRATED if parameters else {})})


@pytest.fixture(scope="module")
def family() -> TwinFamily:
    """The baseline and a cut in one cell."""
    baseline = Scenario.load("baseline").with_settings(years=YEARS)
    return TwinFamily([baseline, cut()], people=PEOPLE, fifths=False, ages=False)


def plain(scenario: Scenario) -> Twin:
    """The plain twin of a scenario, in one cell."""
    return Twin(scenario, people=PEOPLE, fifths=False, ages=False)


def test_operations_on_inputs_are_computed_once_and_guarded() -> None:
    """Inputs set initial values and coefficients; a branch on them holds only for draws with the same outcome."""
    symbolic.clear()
    a, b = input_symbol(0, 2.0, 0.0), input_symbol(1, 3.0, 0.0)
    x = symbolic.stock("x")
    assert a < 5.0
    rate = choose(a > b, 1.0, a * b)
    assert rate.value == 6.0
    assert is_unchanged(a * b, b * a + 0.0)
    assert not is_unchanged(a, a + 1e-6)
    e = Equations({"x": Stock("x", "", "", a + b, x * rate)}, {}, {"x": np.array([x], object)}, {}, 3, {})
    tape = tape_of(e._replace(guards=dict(symbolic.GUARDS)))
    assert tape.month.arguments.shape[1] == 1, "one multiplication a month"
    np.testing.assert_allclose(run_tape(tape, series=np.zeros((3, 0)))[0][:, 0], [5.0, 30.0, 180.0])
    other = filled(tape, np.array([4.0, 0.5]))
    np.testing.assert_allclose(run_tape(other, series=np.zeros((2, 0)))[0][:, 0], [4.5, 4.5])
    assert holds(tape)
    assert holds(other)
    assert not holds(filled(tape, np.array([7.0, 0.5])))


def test_a_draw_that_does_not_fit_is_traced_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another outcome of a branch, or a number that was a literal, needs other equations; earlier ones are kept."""
    nothing = SimpleNamespace(get=lambda *_: None, put=lambda *_: None, limit=lambda: None)
    monkeypatch.setattr(tape_store, "FOLDER", nothing)

    def trace(layout: Layout) -> Equations:
        symbolic.clear()
        x = layout.symbols()["x"]
        out = 2.0 * x[0] if x[0] > x[1] else x[1] + x[2]
        return Equations({}, {}, {"y": np.array([out], object)}, {}, 1, dict(symbolic.GUARDS))

    store = TapeStore(trace, lambda: [{"x": np.array([3.0, 2.0, 0.0])}], "a branch")
    for draw, value, traced in (
        ([3, 2, 0], 6, 1),
        ([5, 2, 0], 10, 1),
        ([1, 2, 0], 2, 2),
        ([1, 2, 5], 7, 3),
        ([3, 2, 0], 6, 3),
    ):
        _, tape = store.tape({"x": np.array(draw, float)})
        assert (run_tape(tape, series=np.zeros((1, 0)))[0].item(), store.traced) == (value, traced)


def test_a_family_has_the_outputs_of_the_plain_twin(family: TwinFamily) -> None:
    """Baseline, a cut, and the cut with a parameter and another strength that the family was not traced with."""
    scenarios = [*family.scenarios, cut(0.9, "smaller", **{"need.beta_support": 0.7})]
    runs = list(family.rows({}, exact=True, scenarios=scenarios))
    assert {scenario.name for scenario, *_ in runs} == {"baseline", "cut", "smaller"}
    for scenario, rows, slices, _ in runs:
        expected, _ = run_tape(tape_of(plain(scenario).equations))
        assert largest_distance(rows, expected, slices) < 1e-9, scenario.name


def test_records_of_a_family_are_those_of_the_plain_twin(family: TwinFamily) -> None:
    """Every array of a record, and acute demand without a record."""
    record, expected = family.run({})["cut"], record_of(plain(cut()))
    for name, array in expected.monthly.items():
        size = max(1.0, float(np.abs(np.nan_to_num(array)).max()))
        np.testing.assert_allclose(record.monthly[name], array, rtol=1e-9, atol=1e-9 * size, err_msg=name)
    np.testing.assert_allclose(family.acute_demand({})["cut"], acute_demand(expected), rtol=1e-9)


def test_draws_of_all_parameters_begin_steady(family: TwinFamily) -> None:
    """Each draw has its own level, the same in every scenario before a policy, and its baseline does not drift."""
    results = [family.acute_demand(values) for values in draws("all", range(3), "anytown", {})]
    levels = np.array([result["baseline"] for result in results])
    assert np.ptp(levels[:, 0]) > 5.0
    np.testing.assert_allclose(levels / levels[:, :1], 1.0, atol=0.005)
    assert all(result["cut"][-1] > result["baseline"][-1] for result in results)
    np.testing.assert_array_equal(family.acute_demand({})["cut"], family.acute_demand({})["cut"])


def test_a_family_may_be_sent_to_another_process(family: TwinFamily) -> None:
    """The copy has the same results, and traces nothing again."""
    copied = pickle.loads(pickle.dumps(family))
    expected = family.acute_demand({"need.beta_support": 0.6})
    for name, values in copied.acute_demand({"need.beta_support": 0.6}).items():
        np.testing.assert_array_equal(values, expected[name])


@pytest.mark.parametrize(
    ("values", "part"),
    [({"need.beta_suport": 0.5}, "need.beta_suport"), ({"need.beta_support": 50.0}, "50")],
)
def test_wrong_parameters_are_refused(family: TwinFamily, values: dict[str, float], part: str) -> None:
    """An unknown name and a value out of its range, with the usual error."""
    with pytest.raises(InputError, match=part):
        family.acute_demand(values)


def test_a_scenario_of_another_structure_is_refused(family: TwinFamily) -> None:
    """A lever that no scenario of the family moves."""
    other = Scenario.load("prevention-shift").with_settings(years=YEARS)
    with pytest.raises(InputError, match="prevention_share"):
        family.acute_demand({}, scenarios=[other])
