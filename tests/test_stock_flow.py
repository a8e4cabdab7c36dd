"""The stock-flow twin: equations from the model's code, a steady baseline, agreement with agents, the XMILE file."""

from __future__ import annotations

import contextlib
import math
import operator
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from strategies import calibrated, every_lever_moved, scenario, snapshot, town

import sim
from sim.engine.random import month_key, uniform
from sim.engine.schedule import REGISTRY, Clock
from sim.engine.tables import columns
from sim.scenario.scenario import Scenario
from sim.simulation.month import Month
from sim.state.world import TABLES, all_tables, handle
from sim.twins.stock_flow import Twin, expected_value_rules, record_of, symbolic, twin, write
from sim.twins.stock_flow.agreement import acute_demand, compare, standard_errors, well_mixed
from sim.twins.stock_flow.equations import Equations, roots_of, topological_order
from sim.twins.stock_flow.kernel_tracer import Tracer
from sim.twins.stock_flow.pysd_check import largest_difference
from sim.twins.stock_flow.symbolic import Expr, cells, choose, most
from sim.twins.stock_flow.tape import run_tape, tape_of
from sim.twins.stock_flow.trace import PERSON_MECHANISMS
from sim.twins.stock_flow.xmile import NAMESPACE
from sim.world.build import copy

ROUNDED = 3.0
"""Pence by which the twin, which does not round, may differ from a sum of rounded amounts."""
BY_LOT = {"leaders", "practice"}
"""Mechanisms with a separate rule in sim/twins/stock_flow/expected_value_rules.py."""
WITHOUT_LOTS = sorted(m.name for m in REGISTRY.month() if m.lever is None and m.name not in PERSON_MECHANISMS | BY_LOT)


def _known(x: Any, values: dict[str, float]) -> float:
    """The value of an expression for values of the stocks."""
    e = Equations({}, {}, {"x": np.array([x], dtype=object)}, {}, 1, {})
    names = list(values)
    stocks = {
        n: SimpleNamespace(name=n, unit="", meaning="", initial=values[n], after=symbolic.stock(n)) for n in names
    }
    return float(run_tape(tape_of(e._replace(stocks=stocks)))[0][0, 0])  # type: ignore[arg-type]


def test_expressions_are_simplified() -> None:
    """Constants are folded, equal expressions are one object, and a denominator that may be 0 is guarded."""
    symbolic.clear()
    x, y = symbolic.stock("x", 0.0), symbolic.stock("y", 0.0)
    same = [(x + 0.0, x), (x * 1.0, x), (most(x, -1.0), x), (x * y, x * y), ((x + 2.0) + 3.0, x + 5.0)]
    assert all(a is b for a, b in same)
    assert [x * 0.0, x - x, x >= 0.0, x < 0.0] == [0.0, 0.0, True, False]
    assert choose(x > 1.0, y, y) is y
    z = choose(x > 1.0, symbolic.exp(y) / x, -(y**2.0)) + symbolic.log(x + 1.0)
    for a, b in ((0.5, 0.3), (2.0, 0.3)):
        plain = (np.exp(b) / a if a > 1.0 else -(b**2)) + np.log(a + 1.0)
        assert _known(z, {"x": a, "y": b}) == pytest.approx(plain, rel=1e-14)
    assert np.isfinite(_known(y / x, {"x": 0.0, "y": 1.0}))


def test_branches_on_stocks_become_choices() -> None:
    """Branches, early returns and skipped iterations become choices between values."""
    symbolic.clear()
    w = SimpleNamespace(a=cells([symbolic.stock("x"), symbolic.stock("y"), 3.0]))

    def rule(w: Any, p: Any, clock: Any) -> None:
        total = 0.0
        for k in range(w.a.size):
            if w.a[k] < 1.0:
                continue
            total += w.a[k]
            w.a[k] = 10.0 if total > 4.0 and k > 0 else w.a[k] + 1.0
        if total <= 2.0:
            return
        w.a[2] = total

    tracer = Tracer(w, [w.a], {}, lambda *_: None)
    tracer.plain(rule)(w, None, None)
    for x, y in ((0.5, 0.5), (1.5, 0.5), (1.5, 3.0), (0.0, 7.0)):
        plain = SimpleNamespace(a=np.array([x, y, 3.0]))
        rule(plain, None, None)
        assert [_known(v, {"x": x, "y": y}) for v in w.a] == pytest.approx(plain.a.tolist()), (x, y)


@pytest.mark.parametrize("name", WITHOUT_LOTS)
def test_the_equations_of_a_mechanism_are_its_compiled_code(name: str, seed: int) -> None:
    """In a randomly perturbed town, the equations of a month agree with the compiled kernel, up to rounded pence."""
    world = copy(town(2_000, seed))
    rng = np.random.default_rng([seed, sum(map(ord, name))])
    every_lever = every_lever_moved(2)
    month = Month(calibrated().params, every_lever.paths(tuple(s.id for s in calibrated().services), world.places))
    clock = Clock(np.uint64(seed), np.int64(11))
    for m, argument in month.steps:
        if m.phase.name in ("BUDGET", "POLICY") and m.name not in ("restructuring",):
            m.kernel(handle(world), argument, clock)
    names = ("posts", "hours", "load", "quality", "burnout", "asking", "compliance", "paid", "fit")
    for array in (*(getattr(world.services, name) for name in names), world.private.rationing.wait):
        array[:] = array * np.exp(0.2 * rng.standard_normal(array.shape))
    world.money.carried[:] += rng.integers(-10_000_000_00, 10_000_000_00, world.money.carried.size)
    before = copy(world)
    entry, argument = next((m, x) for m, x in month.steps if m.name == name)
    w, values = SimpleNamespace(private=SimpleNamespace()), {}
    symbolic.clear()
    changing = []
    shared = ("people", "places", "services", "tally", "money", "rules", "aims", "rates")
    for t, kind in all_tables().items():
        if t in TABLES and t not in shared:
            continue
        table = SimpleNamespace()
        for c, column in columns(kind):
            array = getattr(before.table(t), c)
            moves = f"{t}.{c}" in {*entry.reads, *entry.writes} and t not in ("people", "rates", "aims")
            if moves and (column.dtype[0] == "f" or t in ("tally", "money") or c in ("helped", "queue")):
                marked = cells(array.astype(float))
                for k in range(marked.size):
                    key = f"{t}.{c}.{k}"
                    values[key] = float(array.flat[k])
                    marked.flat[k] = symbolic.stock(key)
                array = marked
                changing.append(marked)
            setattr(table, c, array)
        setattr(w if t in shared else w.private, t, table)
    replacements = {"pence": lambda pounds: pounds * 100.0, "mean_trust": lambda _: _mean_trust(before)}
    # Random properties of places are constants.
    tracer = Tracer(
        w,
        changing,
        replacements
        | {"resident_fit": _fit, "month_key": key_of, "uniform": uniform, "pool": expected_value_rules.pool},
        lambda *_: None,
    )
    entry_clock = SimpleNamespace(seed=np.uint64(seed), month=11)
    tracer.run(entry.kernel, argument, entry_clock)
    entry.kernel(handle(world), argument, clock)
    tables = {**vars(w), **vars(w.private)}
    written = {c: getattr(tables[c.split(".")[0]], c.split(".")[1]) for c in entry.writes if not c.startswith("aims.")}
    written = {c: a for c, a in written.items() if isinstance(a, symbolic.Cells)}
    assert written, "nothing was written"
    stocks = {n: SimpleNamespace(initial=v, after=0.0) for n, v in values.items()}
    computed = run_tape(tape_of(Equations(stocks, {}, written, {}, 1, {})))[0][0]  # type: ignore[arg-type]  # stocks in part
    at, after = 0, snapshot(world)
    for c, array in written.items():
        expected_value = np.array(computed[at : at + array.size], float).reshape(array.shape)
        at += array.size
        money = c.startswith("money.") and c != "overspend_recovery.shift"
        slack = {"rtol": 1e-9, "atol": ROUNDED if money else 0.05 if c == "overspend_recovery.shift" else 1e-9}
        np.testing.assert_allclose(expected_value, after[c].astype(float), err_msg=c, **slack)


def _mean_trust(world: Any) -> float:
    from sim.services.coproduction_uptake import mean_trust

    return float(mean_trust(handle(world)))


def key_of(*address: Any) -> np.uint64:
    """A month's key as the kernels have it: in Python it is an integer that may be too large for a signed one."""
    return np.uint64(month_key(*address))


def _fit(p: Any, seed: Any, n: int) -> float:
    from sim.networks.groups import resident_fit

    return float(resident_fit(p, seed, n))


@pytest.fixture(scope="module")
def baseline() -> Twin:
    """The twin of the baseline, with the default aggregation."""
    return Twin(scenario(20))


def test_the_twins_baseline_is_steady_at_the_published_rates(baseline: Twin) -> None:
    """No stock of people, staff or groups changes by more than 1e-5 in 20 years, and crises are the published ones."""
    _, stocks = run_tape(tape_of(baseline.equations))
    for k, (key, stock) in enumerate(baseline.equations.stocks.items()):
        if not key.startswith(("money.", "overspend_recovery.", "semi_fixed_costs.")):
            assert stocks[-1, k] == pytest.approx(stock.initial, rel=1e-5, abs=1e-6), stock.name
    inner, opened = baseline.balanced.bands, baseline.balanced.events.worse[:, 2]
    np.testing.assert_allclose(opened.sum(axis=(1, 2)), inner.crises.sum(axis=(1, 2)), rtol=1e-6)


def test_each_answer_of_a_process_has_its_own_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two parameter values, with the hazards of the default ones, are two answers: those of a new process each."""

    def answer(support: float) -> float:
        changed = Scenario.load("salami-slice").model_copy(
            update={"parameters": {"need.beta_support": support}, "calibrate": "none"}
        )
        result = sim.compare(changed, engine="stocks", people=1_500, years=3)
        return float(result.need_3.by_year()["mean"].iloc[-1])

    little, much = answer(0.1), answer(0.7)
    assert little != much
    monkeypatch.setattr(twin, "_worlds", {})
    monkeypatch.setattr(twin, "_balances", {})
    assert answer(0.7) == much


def test_the_twin_conserves_people() -> None:
    """With every lever moved, levels sum to the people, and no stock of people is negative."""
    twin = Twin(every_lever_moved(4), fifths=False)
    record = record_of(twin)
    counts = record.monthly["census"].sum(axis=(2, 4))
    for d, household in enumerate(twin.world.rates.household):
        if not household:
            np.testing.assert_allclose(counts[:, d], record.monthly["people"].sum(axis=2), rtol=1e-9)
    assert record.monthly["census"].min() >= -1e-9
    assert min(record.monthly[name].min() for name in ("helped", "waiting")) >= 0.0
    assert np.isfinite(acute_demand(record)).all()


def test_agents_converge_to_the_twin_in_a_well_mixed_world(seed: int) -> None:
    """In a well-mixed world the distance of a run shrinks as 1 / sqrt(people), and means agree within 4.5 standard
    errors.

    There are some 20 figures each; by chance the test fails once in thousands of runs.
    `python -m sim.twins.stock_flow.agreement --mixed` continues to a million people.
    """
    results = [
        well_mixed(people, range(seed, seed + runs)) for people, runs in ((1_500, 12), (12_000, 12), (96_000, 6))
    ]
    slope = np.polyfit(np.log([f.people for f in results]), np.log([f.error for f in results]), 1)[0]
    assert -0.65 < slope < -0.35, [f.error for f in results]
    # In the smallest town, queues that become empty by chance cause a bias, which falls as 1 / people.
    for f, z in list(zip(results, standard_errors(results), strict=True))[1:]:
        assert np.abs(z).max() < 4.5, (f.people, z)


@pytest.mark.slow
def test_on_a_shipped_scenario_the_twin_is_within_five_per_cent_of_the_agents(seed: int) -> None:
    """Six years of an even cut, with real homes and ties: acute episodes, as their cost varies too much by chance."""
    (comparison,) = compare(["salami-slice"], range(seed, seed + 3), people=12_000, years=7, measure="acute_episodes")
    assert np.abs(comparison.relative_difference).max() < 0.05
    assert min(comparison.twin[6] - comparison.twin[0], comparison.agents[6] - comparison.agents[0]) > 10.0


def test_the_file_describes_every_variable(tmp_path: Path, baseline: Twin) -> None:
    """The file is XML in XMILE's namespace, and has each variable once, with an equation, a unit and a sentence."""
    path = tmp_path / "baseline.xmile"
    written = write(baseline, path)
    root = ET.parse(path).getroot()
    assert root.tag == f"{{{NAMESPACE}}}xmile"
    variables = [v for v in root.iter() if v.tag in {f"{{{NAMESPACE}}}{kind}" for kind in ("stock", "flow", "aux")}]
    names = [v.attrib["name"].lower().replace("_", " ") for v in variables]
    assert len(names) == len(set(names)) == written.variables
    for v in variables:
        for part in ("eqn", "units", "doc"):
            element = v.find(f"{{{NAMESPACE}}}{part}")
            assert element is not None, v.attrib["name"]
            assert element.text, v.attrib["name"]
    assert len(root.findall(f".//{{{NAMESPACE}}}stock")) == len(baseline.equations.stocks)


def test_pysd_reproduces_the_twin(tmp_path: Path) -> None:
    """PySD, an independent program, runs the file of a cut with the same results, to 1e-9."""
    chosen = Scenario.load("salami-slice").with_settings(years=4)
    assert largest_difference(Twin(chosen, fifths=False, ages=False), tmp_path) < 1e-9


def _evaluated(e: Equations) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Outputs and stocks of all months, each expression evaluated in turn in plain Python."""
    rules: dict[str, Callable[..., Any]] = {
        "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "^": operator.pow,
        "min": min, "max": max, "exp": math.exp, "log": math.log, "cos": math.cos,
        "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq,
        "not": operator.not_,
    }  # fmt: skip
    x = {name: stock.initial for name, stock in e.stocks.items()}
    all_outputs, all_stocks = [], []
    for month in range(e.months):
        values: dict[int, Any] = {}

        def value(node: Any, month: int = month, values: dict[int, Any] = values, x: dict[str, float] = x) -> Any:
            if not isinstance(node, Expr):
                return node
            if node.number not in values:
                if node.op == "stock":
                    values[node.number] = x[node.args[0]]
                elif node.op == "series":
                    values[node.number] = e.values[node.args[0]][month]
                elif node.op in ("if", "and", "or"):
                    first, *others = node.args
                    if node.op == "if":
                        values[node.number] = value(others[0] if value(first) else others[1])
                    else:
                        values[node.number] = (
                            bool(value(first)) if value(first) == (node.op == "or") else value(others[0])
                        )
                else:
                    values[node.number] = rules[node.op](*map(value, node.args))
            return values[node.number]

        for node in topological_order(roots_of(e)):
            with contextlib.suppress(ZeroDivisionError, ValueError, OverflowError):  # in a branch that is not chosen
                value(node)
        all_outputs.append([float(value(node)) for array in e.outputs.values() for node in np.ravel(array)])
        x = {name: float(value(stock.after)) for name, stock in e.stocks.items()}
        all_stocks.append(list(x.values()))
    return np.array(all_outputs), np.array(all_stocks)


def test_the_tape_computes_the_equations() -> None:
    """With every lever moved, the tape has the results of the expressions evaluated in turn, to 1e-12."""
    e = Twin(every_lever_moved(2), fifths=False).equations
    for computed, expected in zip(run_tape(tape_of(e)), _evaluated(e), strict=True):
        np.testing.assert_allclose(computed, expected, rtol=1e-12, atol=1e-12)


def test_a_tape_continues_from_its_stocks() -> None:
    """Twelve months in two halves, the second from the stocks of the first, are the twelve months in one run."""
    tape = tape_of(Twin(Scenario.load("salami-slice").with_settings(years=2), fifths=False, ages=False).equations)
    outputs, stocks = run_tape(tape)
    first, after = run_tape(tape, series=tape.series[:9])
    rest, end = run_tape(tape, start=after[-1], series=tape.series[9:])
    np.testing.assert_array_equal(np.concatenate([first, rest]), outputs)
    np.testing.assert_array_equal(end[-1], stocks[-1])
    assert (tape.initial != stocks[-1]).any()


def test_a_lever_is_in_the_equations() -> None:
    """A lever that a scenario moves is a series in the equations; the baseline has none."""
    twin = Twin(Scenario.load("prevention-shift").with_settings(years=3), fifths=False, ages=False)
    assert any(name.startswith("lever prevention_share") for name in twin.equations.values)
    assert not any(name.startswith("lever") for name in Twin(scenario(3), fifths=False, ages=False).equations.values)
    assert all(isinstance(node, Expr) for node in twin.equations.labels)
