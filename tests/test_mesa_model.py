"""The Mesa implementation and the core agree in every column of every person, service and account; this can fail.

`python -m sim.twins.mesa.agreement` compares all shipped scenarios. These tests compare a few, selected by `--seed`.
"""

from __future__ import annotations

import importlib
import itertools
import types
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from sim import InputError, MesaModel, Scenario
from sim.engine import random
from sim.engine.schedule import REGISTRY
from sim.engine.tables import columns
from sim.results.episode_weights import share_counted, unit_cost
from sim.results.service_groups import counted_services
from sim.scenario.scenario import library
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import run_months
from sim.state.world import all_tables
from sim.twins.mesa import agreement, initial_state, rng
from sim.twins.mesa import month as mesa_month
from sim.twins.mesa.data_collector import total
from sim.twins.mesa.people import PersonAgent, ServiceAgent
from sim.twins.mesa.record import record

PEOPLE = 1500
"""The smallest town: one neighbourhood."""
TWO_NEIGHBOURHOODS = 3000
SCENARIOS_PER_SEED = 3
"""Shipped scenarios compared for each value of `--seed`."""

# Random numbers.


@for_all(
    st.integers(0, 2**53), st.text("abcdefgh ", min_size=1), st.integers(0, 300), st.integers(-96, 720), st.integers(0)
)
def test_random_numbers_are_those_of_the_core(seed: int, name: str, number: int, month: int, person: int) -> None:
    """The key, the bits and the number in (0, 1) are the core's, at any address."""
    person %= 2**32
    stream = random.stream(name) + np.uint64(number)
    key = rng.month_key(seed, rng.stream(name) + number, month)
    assert key == int(random.month_key(np.uint64(seed), stream, np.int64(month)))
    assert rng.bits(key, person) == int(random.bits(np.uint64(key), np.int64(person)))
    assert rng.uniform(key, person) == float(random.uniform(np.uint64(key), np.int64(person)))
    assert rng.uniforms(key, 3) == [rng.uniform(key, k) for k in range(3)]


def test_random_numbers_equal_known_answers() -> None:
    """A key and two draws have their known values: another generator would change all results."""
    key = rng.month_key(0, rng.stream("need and help"), 0)
    assert [key, rng.bits(key, 0), rng.bits(key, 1)] == [10526872635862468000, 451463594, 2200122191]


@for_all(st.floats(-1e6, 1e6))
def test_rounding_is_that_of_thirty_two_bits(x: float) -> None:
    """Values are rounded to 32 bits as in the core's columns."""
    assert rng.rounded(x) == float(np.float32(x))


# Coverage of the implementation and of the comparison.


def test_every_step_is_implemented() -> None:
    """Each mechanism and lever is implemented, or only accelerates the core; nothing else is implemented."""
    assert set(mesa_month.STEPS) | mesa_month.ACCELERATION_STEPS == set(REGISTRY.entries)
    assert not set(mesa_month.STEPS) & mesa_month.ACCELERATION_STEPS


def test_every_column_is_compared() -> None:
    """A column that is not compared is scratch, is not written, or is written only by steps that accelerate the core.

    Those steps write no other columns.
    """
    shared = {f"{h.table}.{h.column}" for h in initial_state.SHARED_COLUMNS}
    every = {f"{table}.{name}" for table, kind in all_tables().items() for name, _ in columns(kind)}
    left_out = {name for name in every - shared if not name.startswith("screen.")}
    written = {name for entry in REGISTRY.entries.values() for name in entry.writes}
    quicker = {name for step in mesa_month.ACCELERATION_STEPS for name in REGISTRY.entries[step].writes}
    assert left_out & written - quicker == set()
    assert shared & quicker == set()


def test_the_initial_state_is_the_cores(seed: int) -> None:
    """The conversion of a world to objects loses nothing."""
    scenario = Scenario.load("baseline")
    world = initial_state.burned_in_world(scenario, seed, PEOPLE)
    assert list(agreement.differences(MesaModel(scenario, seed, world=world), world)) == []


# Agreement.


def selected_scenarios(seed: int) -> list[str]:
    """A few shipped scenarios: other scenarios for other seeds, and all of them for enough successive seeds."""
    names = list(library())
    first = seed * SCENARIOS_PER_SEED
    return [names[(first + k) % len(names)] for k in range(SCENARIOS_PER_SEED)]


@pytest.mark.slow
def test_shipped_scenarios_agree(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Both implementations agree, to the person and the penny, in all months of the selected scenarios."""
    names = selected_scenarios(seed)
    with capsys.disabled():
        print(f"\ncompared with the core: {', '.join(names)}")
    for name in names:
        assert list(itertools.islice(agreement.side_by_side(Scenario.load(name), seed, 2000, 60), 5)) == [], name


def targeted_policies() -> Scenario:
    """A scenario with policies for some people only, of all kinds of targets, and a service closed to some people."""
    scenario = Scenario.load("baseline").with_settings(people=TWO_NEIGHBOURHOODS, years=2)
    first, second = "2025-06", "2025-09"
    scenario = scenario.with_policy("total_budget", value=0.7, start=first, where={"quintiles": [1]})
    scenario = scenario.with_policy("threshold", shift=0.1, start=first, who={"ages": [65, 109]})
    scenario = scenario.with_policy("service_budget", value=0.0, start=second, service="gp", who={"ages": [18, 24]})
    return scenario.with_policy(
        "service_budget", value=1.5, start=second, service="home_care", where={"quintiles": [2]}
    )


def test_policies_for_some_people_agree(seed: int) -> None:
    """Both implementations agree for groups of people with their own part of a service."""
    assert list(itertools.islice(agreement.side_by_side(targeted_policies(), seed, TWO_NEIGHBOURHOODS, 10), 5)) == []


@pytest.mark.parametrize("disabled", ["R1", "R5", "B1", "B3", "bureaucracy"])
def test_a_loop_is_knocked_out_in_both(disabled: str, seed: int) -> None:
    """Both implementations agree with a loop or a mechanism disabled."""
    scenario = Scenario.load("baseline")
    assert list(itertools.islice(agreement.side_by_side(scenario, seed, PEOPLE, 3, [disabled]), 5)) == []


def test_step_by_step_names_the_step_that_differs(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """If each step starts from the core's state, only a step that was changed differs."""
    implementation = mesa_month.STEPS["trust"]
    monkeypatch.setitem(
        mesa_month.STEPS, "trust", lambda town, p: implementation(town, p.model_copy(update={"fade": 0.26}))
    )
    steps = list(agreement.step_by_step(Scenario.load("baseline"), seed, PEOPLE, 1))
    assert {name for name, difference in steps if difference is not None} == {"trust"}
    assert len(steps) > 40


MUTATIONS = {
    "need": ("if u > 1.0 - improvement_probability(", "if u > 1.1 - improvement_probability("),
    "help_seeking": ("p.given_up * p.hurt", "p.given_up + p.hurt"),
    "waiting": ("remaining[g] > 0", "remaining[g] > 1"),
    "demography": ("person.age + 1", "person.age + 2"),
    "trust_and_resilience": ("12.0 * person", "13.0 * person"),
    "accounts": ("100.0 + 0.5", "100.0 + 0.6"),
}


@pytest.mark.parametrize("module", MUTATIONS)
def test_a_mutation_is_detected(module: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one character of the Mesa implementation changed, the comparison fails."""
    right, wrong = MUTATIONS[module]
    source = Path(str(importlib.import_module(f"sim.twins.mesa.{module}").__file__)).read_text(encoding="utf-8")
    assert right in source
    assert len(right) == len(wrong)
    steps = dict(mesa_month.STEPS)
    monkeypatch.setattr(mesa_month, "STEPS", {})
    mutated = types.ModuleType("slipped")
    exec(compile(source.replace(right, wrong, 1), "slipped.py", "exec"), mutated.__dict__)
    steps.update(mesa_month.STEPS)
    monkeypatch.setattr("sim.twins.mesa.model.STEPS", steps)
    assert list(itertools.islice(agreement.side_by_side(with_outreach(), seed, PEOPLE, 15), 1)) != []


def with_outreach() -> Scenario:
    """A scenario with outreach, so that every line of the Mesa implementation is used."""
    return Scenario.load("baseline").with_policy("outreach", shift=0.01, start="2025-04", name="looked-for")


def test_the_command_reports_agreement(capsys: pytest.CaptureFixture[str], seed: int) -> None:
    """The command ends with 0 if the implementations agree, and reports the number of scenarios compared."""
    assert agreement.main(["baseline", "--people", str(PEOPLE), "--months", "2", "--seed", str(seed)]) == 0
    assert "1 of 1 scenarios agree" in capsys.readouterr().out


def test_the_record_is_the_cores(seed: int) -> None:
    """The record, from which metrics are computed, is the same from both implementations."""
    scenario = Scenario.load("baseline").with_settings(years=1)
    world = initial_state.burned_in_world(scenario, seed, PEOPLE)
    core, mesa = run_months(world, scenario, scenario.params(), seed), record(world, scenario, seed)
    for mesa_rows, core_rows in ((mesa.monthly, core.monthly), (mesa.yearly, core.yearly)):
        assert mesa_rows.keys() == core_rows.keys()
        for name, rows in core_rows.items():
            np.testing.assert_allclose(mesa_rows[name], rows, rtol=1e-9, atol=1e-12, err_msg=name)


def test_the_mesa_engine_is_this_implementation(seed: int) -> None:
    """`engine="mesa"` gives the core's metrics, and the document names the engine."""
    from sim import run

    scenario = Scenario.load("baseline")
    options: dict[str, Any] = {"people": PEOPLE, "years": 1, "seeds": 1, "seed": seed, "draws": "none"}
    mesa, core = run(scenario, engine="mesa", **options), run(scenario, **options)
    assert mesa.document()["engine"] == "mesa"
    pd.testing.assert_frame_equal(mesa.to_frame(), core.to_frame(), rtol=1e-9)


# Mesa's tools.


def test_mesa_collects_and_runs_batches() -> None:
    """The data collector has a row for each month, and optionally for each person; `batch_run` runs several seeds."""
    from mesa import batch_run

    town = MesaModel(people=PEOPLE, collect_agents=True)
    town.step()
    town.step()
    monthly = town.datacollector.get_model_vars_dataframe()
    assert len(monthly) == 2
    assert monthly["residents"].iloc[1] == len(town.agents_by_type[PersonAgent])
    assert monthly["helped"].iloc[1] == sum(service.helped for service in town.services)
    people = town.datacollector.get_agenttype_vars_dataframe(PersonAgent)
    assert set(people.loc[2].index) == {person.unique_id for person in town.people if person.is_present}
    assert len(town.datacollector.get_agenttype_vars_dataframe(ServiceAgent)) == 2 * len(town.services)
    rows = batch_run(MesaModel, {"people": PEOPLE, "seed": [0, 1]}, max_steps=1, display_progress=False)
    assert [row["seed"] for row in rows] == [0, 1]
    opened, residents = [[total(counts) for counts in town.counts.opened], len(town.agents_by_type[PersonAgent])]
    for name, weight, scale in (
        ("acute_episodes", share_counted, 12_000.0),
        ("acute_demand_in_pounds", unit_cost, 12.0),
    ):
        weighted = sum(weight(load_catalogue()[k]) * opened[k] for k in counted_services())
        assert monthly[name].iloc[1] == pytest.approx(scale * weighted / residents)
    assert rows[0]["acute_episodes"] == monthly["acute_episodes"].iloc[1]
    assert rows[1]["acute_episodes"] != rows[0]["acute_episodes"]


def test_the_town_stops_at_its_scenarios_end() -> None:
    """Mesa's `run_model` runs the months of a scenario and stops."""
    town = MesaModel(Scenario.load("baseline").with_settings(years=1), people=PEOPLE)
    town.run_model()
    assert town.month == 11
    town.step()
    assert town.month == 11


def test_an_unknown_scenario_is_refused() -> None:
    """An unknown scenario is an error with the names of the library."""
    with pytest.raises(InputError, match="baseline"):
        MesaModel("no-such-scenario")


def test_the_app_is_rendered() -> None:
    """Solara renders the app with its charts."""
    solara = pytest.importorskip("solara", reason="the extra `solara` is not installed")
    from sim.twins.mesa import app

    _, context = solara.render(app.page, handle_error=False)
    ipyvuetify = importlib.import_module("ipyvuetify")
    assert len(context.find(ipyvuetify.TabItem).widgets) == 1  # one sheet of charts
    context.close()
