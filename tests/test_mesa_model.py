"""The Mesa telling and the core agree in every column of every person, service and account; and this can fail.

`python -m sim.twins.mesa.agreement` compares all shipped scenarios; here a few of them are, other ones each day.
"""

from __future__ import annotations

import datetime
import importlib
import itertools
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import InputError, MesaModel, Scenario
from sim.engine import random
from sim.engine.schedule import REGISTRY
from sim.engine.tables import columns
from sim.scenario.scenario import library
from sim.simulation.simulate import run_months
from sim.state.tables import TABLES
from sim.twins.mesa import agreement, initial_state, rng
from sim.twins.mesa import month as telling
from sim.twins.mesa.people import PersonAgent, ServiceAgent
from sim.twins.mesa.record import record

PEOPLE = 1500
"""The smallest town there is: one neighbourhood."""
TWO_HOODS = 3000
A_DAY = 3
"""Shipped scenarios compared each day."""

# Dice


@given(
    st.integers(0, 2**53), st.text("abcdefgh ", min_size=1), st.integers(0, 300), st.integers(-96, 720), st.integers(0)
)
def test_the_dice_are_those_of_the_core(seed: int, name: str, number: int, month: int, person: int) -> None:
    """Key, bits and number in (0, 1) are the core's, at any address."""
    person %= 2**32
    stream = random.stream(name) + np.uint64(number)
    key = rng.month_key(seed, rng.stream(name) + number, month)
    assert key == int(random.month_key(np.uint64(seed), stream, np.int64(month)))
    assert rng.bits(key, person) == int(random.bits(np.uint64(key), np.int64(person)))
    assert rng.uniform(key, person) == float(random.uniform(np.uint64(key), np.int64(person)))
    assert rng.uniforms(key, 3) == [rng.uniform(key, k) for k in range(3)]


def test_the_dice_show_what_they_always_showed() -> None:
    """A key and two throws as they were when first written down: another generator is another result."""
    key = rng.month_key(0, rng.stream("need and help"), 0)
    assert [key, rng.bits(key, 0), rng.bits(key, 1)] == [10526872635862468000, 451463594, 2200122191]


@given(st.floats(-1e6, 1e6))
def test_rounding_is_that_of_thirty_two_bits(x: float) -> None:
    """What is kept with seven digits is rounded as the core's columns round."""
    assert rng.rounded(x) == float(np.float32(x))


# What is told, and what is compared


def test_every_step_is_told() -> None:
    """Each mechanism and lever of the book has its telling, or only makes the core quicker; nothing else is told."""
    assert set(telling.STEPS) | telling.ONLY_QUICKER == set(REGISTRY.entries)
    assert not set(telling.STEPS) & telling.ONLY_QUICKER


def test_every_column_is_compared() -> None:
    """What is not, nobody writes but as scratch, or in steps that only make the core quicker; those write no more."""
    held = {f"{h.table}.{h.column}" for h in initial_state.HELD}
    every = {f"{table}.{name}" for table, kind in TABLES.items() for name, _ in columns(kind)}
    left_out = {name for name in every - held if not name.startswith("screen.")}
    written = {name for entry in REGISTRY.entries.values() for name in entry.writes}
    quicker = {name for step in telling.ONLY_QUICKER for name in REGISTRY.entries[step].writes}
    assert left_out & written - quicker == set()
    assert held & quicker == set()


def test_the_first_morning_is_the_cores(seed: int) -> None:
    """Nothing is lost in telling a world as objects."""
    scenario = Scenario.load("baseline")
    world = initial_state.settled(scenario, seed, PEOPLE)
    assert list(agreement.differences(MesaModel(scenario, seed, world=world), world)) == []


# Agreement


def of_the_day(seed: int) -> list[str]:
    """A few shipped scenarios: others tomorrow, all of them within some weeks."""
    names = list(library())
    first = (datetime.datetime.now(tz=datetime.UTC).date().toordinal() + seed) * A_DAY
    return [names[(first + k) % len(names)] for k in range(A_DAY)]


@pytest.mark.slow
def test_shipped_scenarios_agree(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Both tellings are the same, to the person and the penny, in all months of today's scenarios."""
    names = of_the_day(seed)
    with capsys.disabled():
        print(f"\ntold twice today: {', '.join(names)}")
    for name in names:
        assert list(itertools.islice(agreement.side_by_side(Scenario.load(name), seed, 2000, 60), 5)) == [], name


def for_some() -> Scenario:
    """Policies for some people only, of all the kinds that can be aimed so, and a service closed to some."""
    scenario = Scenario.load("baseline").with_settings(people=TWO_HOODS, years=2)
    first, second = "2025-06", "2025-09"
    scenario = scenario.with_policy("total_budget", value=0.7, start=first, where={"quintiles": [1]})
    scenario = scenario.with_policy("threshold", shift=0.1, start=first, who={"ages": [65, 109]})
    scenario = scenario.with_policy("service_budget", value=0.0, start=second, service="gp", who={"ages": [18, 24]})
    return scenario.with_policy(
        "service_budget", value=1.5, start=second, service="home_care", where={"quintiles": [2]}
    )


def test_policies_for_some_people_agree(seed: int) -> None:
    """Groups of people with their own part of a service are told as in the core."""
    assert list(itertools.islice(agreement.side_by_side(for_some(), seed, TWO_HOODS, 10), 5)) == []


@pytest.mark.parametrize("without", ["R1", "R5", "B1", "B3", "bureaucracy"])
def test_a_loop_cut_is_cut_in_both(disabled: str, seed: int) -> None:
    """With a loop or a mechanism left out, the tellings are the same still."""
    scenario = Scenario.load("baseline")
    assert list(itertools.islice(agreement.side_by_side(scenario, seed, PEOPLE, 3, [disabled]), 5)) == []


def test_step_by_step_names_the_step_that_differs(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told the core's state before each step, only the step that was changed differs."""
    told = telling.STEPS["trust"]
    monkeypatch.setitem(telling.STEPS, "trust", lambda town, p: told(town, p.model_copy(update={"fade": 0.26})))
    met = list(agreement.step_by_step(Scenario.load("baseline"), seed, PEOPLE, 1))
    assert {name for name, difference in met if difference is not None} == {"trust"}
    assert len(met) > 40


SLIPS = {
    "need": ("if u > 1.0 - improving(", "if u > 1.1 - improving("),
    "asking": ("0.5 * p.hurt", "0.4 * p.hurt"),
    "waiting": ("left[g] > 0", "left[g] > 1"),
    "life": ("person.age + 1", "person.age + 2"),
    "memory": ("12.0 * person", "13.0 * person"),
    "accounts": ("100.0 + 0.5", "100.0 + 0.6"),
}


@pytest.mark.parametrize("module", SLIPS)
def test_a_slip_of_one_character_is_found(module: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever side it is on: here one character of the telling is changed, and the comparison fails."""
    right, wrong = SLIPS[module]
    source = Path(str(importlib.import_module(f"sim.twins.mesa.{module}").__file__)).read_text(encoding="utf-8")
    assert right in source
    assert len(right) == len(wrong)
    told = dict(telling.STEPS)
    monkeypatch.setattr(telling, "STEPS", {})
    slipped = types.ModuleType("slipped")
    exec(compile(source.replace(right, wrong, 1), "slipped.py", "exec"), slipped.__dict__)
    told.update(telling.STEPS)
    monkeypatch.setattr("sim.twins.mesa.model.STEPS", told)
    assert list(itertools.islice(agreement.side_by_side(found_early(), seed, PEOPLE, 15), 1)) != []


def found_early() -> Scenario:
    """A scenario in which people are looked for, so that every line of the telling has something to do."""
    return Scenario.load("baseline").with_policy("outreach", shift=0.01, start="2025-04", name="looked-for")


def test_the_command_says_whether_they_agree(capsys: pytest.CaptureFixture[str], seed: int) -> None:
    """It ends with 0 if they do, and tells how many scenarios were compared."""
    assert agreement.main(["baseline", "--people", str(PEOPLE), "--months", "2", "--seed", str(seed)]) == 0
    assert "1 of 1 scenarios agree" in capsys.readouterr().out


def test_a_record_of_the_telling_is_the_cores(seed: int) -> None:
    """What measures are made of is the same from either telling."""
    scenario = Scenario.load("baseline").with_settings(years=1)
    world = initial_state.settled(scenario, seed, PEOPLE)
    core, told = run_months(world, scenario, scenario.params(), seed), record(world, scenario, seed)
    for mine, own in ((told.monthly, core.monthly), (told.yearly, core.yearly)):
        assert mine.keys() == own.keys()
        for name, rows in own.items():
            np.testing.assert_allclose(mine[name], rows, rtol=1e-9, atol=1e-12, err_msg=name)


def test_the_engine_reference_is_this_telling(seed: int) -> None:
    """`--engine reference` gives the agents' measures, and says which engine it was."""
    from sim import run

    scenario = Scenario.load("baseline")
    asked: dict[str, int] = {"people": PEOPLE, "years": 1, "seeds": 1, "seed": seed}
    told, core = run(scenario, engine="reference", **asked), run(scenario, **asked)
    assert told.document()["engine"] == "reference"
    pd.testing.assert_frame_equal(told.to_frame(), core.to_frame(), rtol=1e-9)


# Mesa's tools


def test_mesa_collects_and_runs_batches() -> None:
    """The data collector has a row a month, one for each person if asked; `batch_run` runs scenarios and seeds."""
    from mesa import batch_run

    town = MesaModel(people=PEOPLE, everybody=True)
    town.step()
    town.step()
    monthly = town.datacollector.get_model_vars_dataframe()
    assert len(monthly) == 2
    assert monthly["residents"].iloc[1] == len(town.agents_by_type[PersonAgent])
    assert monthly["helped"].iloc[1] == sum(service.helped for service in town.services)
    people = town.datacollector.get_agenttype_vars_dataframe(PersonAgent)
    assert set(people.loc[2].index) == {person.unique_id for person in town.people if person.lives}
    assert len(town.datacollector.get_agenttype_vars_dataframe(ServiceAgent)) == 2 * len(town.services)
    rows = batch_run(MesaModel, {"people": PEOPLE, "seed": [0, 1]}, max_steps=1, display_progress=False)
    assert [row["seed"] for row in rows] == [0, 1]
    assert rows[0]["acute_episodes"] == monthly["acute_episodes"].iloc[1]
    assert rows[1]["acute_episodes"] != rows[0]["acute_episodes"]


def test_the_town_stops_at_its_scenarios_end() -> None:
    """Mesa's `run_model` runs a scenario's months and no more."""
    town = MesaModel(Scenario.load("baseline").with_settings(years=1), people=PEOPLE)
    town.run_model()
    assert town.month == 11
    town.step()
    assert town.month == 11


def test_an_unknown_scenario_is_refused() -> None:
    """With the names that there are."""
    with pytest.raises(InputError, match="baseline"):
        MesaModel("no-such-scenario")


def test_the_page_is_drawn() -> None:
    """Solara draws the page with its charts."""
    solara = pytest.importorskip("solara", reason="the extra `solara` is not installed")
    from sim.twins.mesa import app

    _, context = solara.render(app.page, handle_error=False)
    ipyvuetify = importlib.import_module("ipyvuetify")
    assert len(context.find(ipyvuetify.TabItem).widgets) == 1  # one sheet of charts
    context.close()
