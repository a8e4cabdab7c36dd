"""The stock-flow twin: the model's own code as equations, a baseline that stands still, the agents' limit, the file."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from strategies import calibrated, every_lever_moved, scenario, snapshot, town

from sim.engine.random import month_key, uniform
from sim.engine.schedule import REGISTRY, Clock
from sim.engine.tables import columns
from sim.scenario.scenario import Scenario
from sim.simulation.simulate import Month
from sim.state.tables import TABLES, handle
from sim.twins.stock_flow import Twin, expected_value_rules, record_of, symbolic, write
from sim.twins.stock_flow.agreement import acute_demand, compare, mixed, standard_errors
from sim.twins.stock_flow.equations import Equations, compiled, run
from sim.twins.stock_flow.kernel_tracer import Tracer
from sim.twins.stock_flow.pysd_check import largest_difference
from sim.twins.stock_flow.symbolic import Expr, cells, choose, most
from sim.twins.stock_flow.twin import OF_PEOPLE
from sim.twins.stock_flow.xmile import NAMESPACE
from sim.world.build import copy

ROUNDED = 3.0
"""Pence by which the twin, which does not round, may miss a sum of whole ones."""
BY_LOT = {"leaders", "practice"}
"""Mechanisms with a mean of their own in sim/twins/stock_flow/expected_value_rules.py."""
WITHOUT_LOTS = sorted(m.name for m in REGISTRY.month() if m.lever is None and m.name not in OF_PEOPLE | BY_LOT)


def _known(x: Any, values: dict[str, float]) -> float:
    """An expression's value where those of the stocks are given."""
    e = Equations({}, {}, {"x": np.array([x], dtype=object)}, {}, 1)
    names = list(values)
    stocks = {
        n: SimpleNamespace(name=n, unit="", meaning="", initial=values[n], after=symbolic.stock(n)) for n in names
    }
    return compiled(e._replace(stocks=stocks))([values[n] for n in names], 0, {})[1][0]  # type: ignore[arg-type]


def test_an_expression_is_worked_out_as_far_as_it_is_known() -> None:
    """Constants fold, what is the same is kept once, and a denominator that may be 0 is kept from it."""
    symbolic.forget()
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


def test_a_decision_on_what_is_not_known_takes_both_ways() -> None:
    """Branches, early ends and skipped turns of a loop become choices between values; the world holds each once."""
    symbolic.forget()
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
    """In a town shaken at random, what the equations say of a month is what the compiled kernel does, but for pence."""
    world = copy(town(2_000, seed))
    dice = np.random.default_rng([seed, sum(map(ord, name))])
    what = every_lever_moved(2)
    month = Month(calibrated().params, what.paths(tuple(s.id for s in calibrated().services), world.places))
    clock = Clock(np.uint64(seed), np.int64(11))
    for m, given in month.steps:
        if m.phase.name in ("BUDGET", "POLICY") and m.name not in ("restructuring",):
            m.kernel(handle(world), given, clock)
    for column in ("posts", "hours", "load", "quality", "burnout", "asking", "compliance", "wait", "paid", "fit"):
        array = getattr(world.services, column)
        array *= np.exp(0.2 * dice.standard_normal(array.shape))
    world.money.carried[:] += dice.integers(-10_000_000_00, 10_000_000_00, world.money.carried.size)
    before = copy(world)
    entry, given = next((m, x) for m, x in month.steps if m.name == name)
    w, values = SimpleNamespace(), {}
    symbolic.forget()
    changing = []
    for t in ("people", "places", "services", "tally", "money", "rules", "aims", "rates"):
        table = SimpleNamespace()
        for c, column in columns(TABLES[t]):
            array = getattr(getattr(before, t), c)
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
        setattr(w, t, table)
    whole = {"pence": lambda pounds: pounds * 100.0, "mean_trust": lambda _: _mean_trust(before)}
    # The luck of places is what it is.
    tracer = Tracer(
        w,
        changing,
        whole | {"resident_fit": _fit, "month_key": key_of, "uniform": uniform, "pool": expected_value_rules.pool},
        lambda *_: None,
    )
    entry_clock = SimpleNamespace(seed=np.uint64(seed), month=11)
    tracer.run(entry.kernel, given, entry_clock)
    entry.kernel(handle(world), given, clock)
    told = {c: getattr(getattr(w, c.split(".")[0]), c.split(".")[1]) for c in entry.writes if c.split(".")[0] != "aims"}
    told = {c: a for c, a in told.items() if isinstance(a, symbolic.Cells)}
    assert told, "nothing was written"
    stocks = {n: SimpleNamespace(initial=v, after=0.0) for n, v in values.items()}
    step = compiled(Equations(stocks, {}, told, {}, 1))  # type: ignore[arg-type]  # all that is asked of a stock
    seen = step(list(values.values()), 0, {})[1]
    at, after = 0, snapshot(world)
    for c, array in told.items():
        own = np.array(seen[at : at + array.size], float).reshape(array.shape)
        at += array.size
        money = c.startswith("money.") and c != "money.shift"
        slack = {"rtol": 1e-9, "atol": ROUNDED if money else 0.05 if c == "money.shift" else 1e-9}
        np.testing.assert_allclose(own, after[c].astype(float), err_msg=c, **slack)


def _mean_trust(world: Any) -> float:
    from sim.services.coproduction_uptake import mean_trust

    return float(mean_trust(handle(world)))


def key_of(*address: Any) -> np.uint64:
    """A month's key as the kernels have it: back in Python it is a plain number, which may not fit a signed one."""
    return np.uint64(month_key(*address))


def _fit(p: Any, seed: Any, n: int) -> float:
    from sim.networks.groups import resident_fit

    return float(resident_fit(p, seed, n))


@pytest.fixture(scope="module")
def baseline() -> Twin:
    """The twin of the baseline, at its usual grain."""
    return Twin(scenario(20))


def test_the_twins_baseline_stands_still_at_the_published_rates(baseline: Twin) -> None:
    """No stock of people, staff or groups moves by a millionth in 20 years, and crises are those published."""
    _, stocks = run(baseline.equations)
    for k, (key, stock) in enumerate(baseline.equations.stocks.items()):
        if not key.startswith("money.") and "cost_gap" not in key:
            assert stocks[-1, k] == pytest.approx(stock.initial, rel=1e-5, abs=1e-6), stock.name
    inner, opened = baseline.balanced.inner, baseline.balanced.events.worse[:, 2]
    np.testing.assert_allclose(opened.sum(axis=(1, 2)), inner.crises.sum(axis=(1, 2)), rtol=1e-6)


def test_nobody_is_lost_and_no_place_holds_two() -> None:
    """With every lever moved, levels add up to the people there, no stock of people is below 0, and no more are helped
    than there are places."""
    twin = Twin(every_lever_moved(4), fifths=False)
    record = record_of(twin)
    counts = record.monthly["census"].sum(axis=(2, 4))
    for d, household in enumerate(twin.world.rates.household):
        if not household:
            np.testing.assert_allclose(counts[:, d], record.monthly["people"].sum(axis=2), rtol=1e-9)
    assert record.monthly["census"].min() >= -1e-9
    assert min(record.monthly[name].min() for name in ("helped", "waiting")) >= 0.0
    assert np.isfinite(acute_demand(record)).all()


def test_where_its_closures_are_exact_agents_come_to_the_twin(seed: int) -> None:
    """In a well-mixed world the distance of a run shrinks as 1 / sqrt(people), and no mean is further off than 4.5 of
    its standard errors (of some 20 figures each; by chance once in thousands of runs). `python -m sim.twins.stock_flow.agreement
    --mixed` goes on to a million."""
    found = [mixed(people, range(seed, seed + runs)) for people, runs in ((1_500, 12), (12_000, 12), (96_000, 6))]
    slope = np.polyfit(np.log([f.people for f in found]), np.log([f.error for f in found]), 1)[0]
    assert -0.65 < slope < -0.35, [f.error for f in found]
    # In the smallest, a queue that runs out by chance is a bias of its own, which goes as 1 / people.
    for f, z in list(zip(found, standard_errors(found), strict=True))[1:]:
        assert np.abs(z).max() < 4.5, (f.people, z)


@pytest.mark.slow
def test_on_a_shipped_scenario_the_twin_is_within_five_per_cent_of_the_agents(seed: int) -> None:
    """Six years of an even cut, with real homes and ties."""
    (found,) = compare(["salami-slice"], range(seed, seed + 3), people=12_000, years=7)
    assert np.abs(found.off).max() < 0.05
    assert min(found.twin[6] - found.twin[0], found.agents[6] - found.agents[0]) > 10.0


def test_a_file_says_of_every_variable_what_it_is(tmp_path: Path, baseline: Twin) -> None:
    """Valid XML in XMILE's namespace; each variable once, with an equation, a unit and a sentence."""
    path = tmp_path / "baseline.xmile"
    written = write(baseline, path)
    root = ET.parse(path).getroot()
    assert root.tag == f"{{{NAMESPACE}}}xmile"
    variables = [v for v in root.iter() if v.tag in {f"{{{NAMESPACE}}}{kind}" for kind in ("stock", "flow", "aux")}]
    names = [v.attrib["name"].lower().replace("_", " ") for v in variables]
    assert len(names) == len(set(names)) == written.variables
    for v in variables:
        for part in ("eqn", "units", "doc"):
            found = v.find(f"{{{NAMESPACE}}}{part}")
            assert found is not None, v.attrib["name"]
            assert found.text, v.attrib["name"]
    assert len(root.findall(f".//{{{NAMESPACE}}}stock")) == len(baseline.equations.stocks)


def test_pysd_runs_the_file_to_the_same_numbers(tmp_path: Path) -> None:
    """PySD, which knows nothing of us, runs a cut with everything that follows, to the last figures."""
    chosen = Scenario.load("salami-slice").with_settings(years=4)
    assert largest_difference(Twin(chosen, fifths=False, ages=False), tmp_path) < 1e-9


def test_a_lever_is_in_the_equations() -> None:
    """What a scenario moves stands there as a series of its own, and the baseline has none."""
    twin = Twin(Scenario.load("prevention-shift").with_settings(years=3), fifths=False, ages=False)
    assert any(name.startswith("lever prevention_share") for name in twin.equations.values)
    assert not any(name.startswith("lever") for name in Twin(scenario(3), fifths=False, ages=False).equations.values)
    assert all(isinstance(node, Expr) for node in twin.equations.labels)
