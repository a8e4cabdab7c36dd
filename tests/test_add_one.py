"""Adding a service, a lever or a mechanism is adding one file: nothing else names it, and everything else finds it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]

LEVER = '''"""Whoever waits is reminded: fewer give up.

Claim     give_up[s] <- catalogue's give_up[s] * (1 - path).
Evidence  assumed.
Limits    A test's own lever.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.mechanism import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state import World

LEVER = Lever(
    name="reminders",
    label="Reminders",
    section="Who gets in",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.1,
    source="assumed",
    meaning="Part of those who would give up waiting that a reminder keeps.",
)


@mechanism(Phase.POLICY, NoParams, reads="services.give_up", writes="services.give_up", lever="reminders")
@kernel
def remind(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.give_up.size):
        w.services.give_up[s] *= 1.0 - path[clock.month, 0]
'''

MECHANISM = '''"""Spring comes: once a year, in its month, every neighbourhood's groups gain a little energy.

Claim     In month 0 of each year: energy <- energy * (1 + gain).
Evidence  assumed.
Limits    A test's own mechanism.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.mechanism import Clock, Phase, mechanism
from sim.fields import Params, share
from sim.state import World


class Spring(Params):
    """How much spring gives."""

    gain: float = share(0.05, low=0.0, high=0.2, source="assumed", meaning="energy gained in spring")


@mechanism(Phase.COMMUNITY, Spring, reads="places.energy", writes="places.energy", after="groups")
@kernel
def bloom(w: World, p: Spring, clock: Clock) -> None:
    if clock.month % 12 == 0:
        for n in range(w.places.energy.size):
            w.places.energy[n] *= 1.0 + p.gain
'''

TRY = """
import json, sys
import numpy as np
import sim
from sim import borne_out, calibration

# A calibration of its own is due, as the services and parameters differ: a small and rough one will do here.
calibration.solve.__kwdefaults__.update(people=12_000, years=4)
calibration.AVERAGED, borne_out.CHECK_YEARS = 2, 1
borne_out.CHECK_PEOPLE = borne_out.LAST_MONEY_PEOPLE = 12_000

from sim.engine.mechanism import BOOK
from sim.results import AXIS_NAMES
from sim.scenario import Scenario, parameter_groups
from sim.services.catalogue import load_catalogue

base = Scenario.load("baseline").with_settings(people=1_500, years=2)
reminded = base.with_policy("reminders", value=0.8, name="reminded")
aimed = base.with_policy("total_budget", value=1.3, service="drop_in", name="aimed")
result = sim.compare(base, reminded, aimed, seeds=2, threads=1)
k = [s.id for s in load_catalogue()].index("drop_in")
runs = {name: runs[0].monthly for name, runs in result.records.items()}
frozen = sim.compare(base.with_settings(parameters={"spring.gain": 0.0}), seeds=1)
print(json.dumps({
    "where": sim.__file__,
    "levers": [x.name for x in sim.levers()],
    "services": [s.id for s in load_catalogue()],
    "month": [m.name for m in BOOK.month()],
    "parameters": sorted(parameter_groups()),
    "metrics": [m.name for m in sim.metrics()],
    "axis": list(AXIS_NAMES["service"]()),
    "by_service": [str(x) for x in result["wait_months"].by_year("service")["service"].unique()],
    "helped": int(runs["baseline"]["helped"][-1, k].sum()),
    "gave_up": {name: int(r["gave_up"][12:].sum()) for name, r in runs.items()},
    "funding": {name: int(r["funding"][-1, k]) for name, r in runs.items()},
    "spring": [float(r["energy"][12].mean() / r["energy"][11].mean())
               for r in (runs["baseline"], frozen.records["baseline"][0].monthly)],
    "table": sorted(result.table()["metric"].unique()),
}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a copy of the project, three files richer, says of itself and of a small comparison."""
    copy = tmp_path_factory.mktemp("upstream")
    for folder in ("sim", "scenarios"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    catalogue = copy / "sim" / "services" / "catalogue"
    text = (catalogue / "family_hub.toml").read_text()
    for was, now in (("family_hub", "drop_in"), ("Family hub and early help", "Drop-in"), ("order = 14", "order = 90")):
        assert text.count(was) == 1, f"family_hub.toml says '{was}' {text.count(was)} times"
        text = text.replace(was, now)
    (catalogue / "drop_in.toml").write_text(text)
    (copy / "sim" / "policies" / "reminders.py").write_text(LEVER)
    (copy / "sim" / "networks" / "spring.py").write_text(MECHANISM)
    done = subprocess.run(
        [sys.executable, "-c", TRY],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "UPSTREAM_CACHE": str(copy / "cache"), "UPSTREAM_QUIET": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert Path(told["where"]).is_relative_to(copy), "this ran the checkout, not the copy"
    return told


pytestmark = pytest.mark.slow


def test_a_service_is_one_file(found: dict[str, Any]) -> None:
    """A catalogue file makes a service: in its place among the others, on every axis, helping people, costing money."""
    assert found["services"][-1] == "drop_in"
    assert found["axis"] == found["services"]
    assert "drop_in" in found["by_service"]
    assert found["helped"] > 0
    assert found["funding"]["baseline"] > 0


def test_a_new_service_can_be_aimed_at(found: dict[str, Any]) -> None:
    """A policy may name the new service, and its money moves."""
    assert found["funding"]["aimed"] == pytest.approx(1.3 * found["funding"]["baseline"], abs=1.0)  # whole pence
    assert found["funding"]["reminded"] == found["funding"]["baseline"]


def test_a_lever_is_one_file(found: dict[str, Any]) -> None:
    """A file in policies/ makes a lever: it is listed, runs in its phase, and changes what it says it changes."""
    assert "reminders" in found["levers"]
    assert found["levers"] == sorted(found["levers"])
    assert "reminders" in found["month"]
    assert found["gave_up"]["reminded"] < found["gave_up"]["baseline"]


def test_a_mechanism_is_one_file(found: dict[str, Any]) -> None:
    """A file in one of the five folders makes a mechanism: it takes its turn, and its parameter can be set."""
    month = found["month"]
    assert month.index("groups") < month.index("spring") < month.index("room_of_bounds")  # its place
    assert "spring" in found["parameters"]
    with_spring, disabled = found["spring"]
    assert with_spring > 1.01
    assert disabled == pytest.approx(1.0, abs=0.03)  # savings and debts move it a little


def test_measures_come_along(found: dict[str, Any]) -> None:
    """The comparison's table has every measure."""
    assert sorted(found["metrics"]) == found["table"]
