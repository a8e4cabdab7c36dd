"""A service, a lever or a mechanism is added with one file, and needs no edit anywhere else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sim.engine.verified_files import ROOT as ROOT_OF_CACHES

ROOT = Path(__file__).parents[1]

LEVER_FILE = '''"""Services accept some of the requests that they turned away at baseline.

Claim     refused[s] <- max(0, refused[s] - path * refused_base[s]) each month. refused[s] is set again each month,
          from refused_base[s], before policies change it (services/budget_lines.py): the effect does not accumulate.
Evidence  assumed.
Limits    A lever of a test.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="second_look",
    label="Second look at refused requests",
    section="Who gets in",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.1,
    source="assumed",
    meaning="Part of the requests turned away at baseline that services accept.",
    aims=("service",),
)


@mechanism(
    Phase.POLICY,
    NoParams,
    reads="services.refused services.refused_base",
    writes="services.refused",
    after="threshold",
    lever="second_look",
)
@kernel
def accept(w: World, path: np.ndarray, clock: Clock) -> None:
    services = w.services
    for s in range(services.refused.size):
        services.refused[s] = max(0.0, services.refused[s] - path[clock.month, s] * services.refused_base[s])
'''

MECHANISM_FILE = '''"""Once a year, in spring, the community groups of every neighbourhood gain a little energy.

Claim     In month 0 of each year: energy <- energy * (1 + gain). energy is computed again each month, before this step
          (networks/groups.py): the gain lasts one month.
Evidence  assumed.
Limits    A mechanism of a test.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, share
from sim.state.world import World


class Spring(Params):
    """Size of the gain."""

    gain: float = share(0.05, low=0.0, high=0.2, source="assumed", meaning="energy gained in spring")


@mechanism(Phase.COMMUNITY, Spring, reads="places.energy", writes="places.energy", after="groups")
@kernel
def bloom(w: World, p: Spring, clock: Clock) -> None:
    if clock.month % 12 == 0:
        for n in range(w.places.energy.size):
            w.places.energy[n] *= 1.0 + p.gain
'''

EXPERIMENT = """
import json, sys
import numpy as np
import sim
from sim.calibration import calibrate, simulation_check

# The services and parameters differ, so that the copy needs a calibration: a small, rough one is enough in this test.
people, years, seed = calibrate._solve_england.__defaults__
calibrate._solve_england.__defaults__ = 12_000, 4, seed
calibrate.AVERAGED, simulation_check.CHECK_YEARS = 2, 1
simulation_check.CHECK_PEOPLE = simulation_check.LAST_MONEY_PEOPLE = 12_000

from sim.engine.schedule import REGISTRY, Clock
from sim.place.place import Place
from sim.results.metrics import AXIS_NAMES
from sim.scenario.parameters import parameter_groups
from sim.scenario.scenario import Scenario
from sim.services.catalogue import load_catalogue
from sim.simulation.month import Month
from sim.state.world import handle

SHARE = 0.5
services = tuple(s.id for s in load_catalogue())
base = Scenario.load("baseline").with_settings(people=1_500, years=2)
accepting = base.with_policy("second_look", value=SHARE, start="2025-04", name="accepting")
aimed = base.with_policy("total_budget", value=1.3, service="drop_in", name="aimed")
result = sim.compare(base, accepting, aimed, seeds=2, threads=1, draws="none")
k = services.index("drop_in")
runs = {name: runs[0].monthly for name, runs in result.records.items()}
without_spring = base.with_settings(parameters={"spring.gain": 0.0}).model_copy(update={"calibrate": "none"})
frozen = sim.compare(without_spring, seeds=1, draws="none")

# The lever's effect in each month, as a multiple of the share that its claim states.
calibrated = calibrate.solution_for(base)
world = calibrated.burned_in_world(Place.load("anytown"), 1_500, 0)
month, w = Month(calibrated.params, accepting.paths(services, world.places)), handle(world)
effects = []
for m in range(24):
    month(world, w, Clock(np.uint64(0), np.int64(m)))
    state = world.services
    without = np.minimum(0.95, state.refused_base * state.pressure)
    claimed = SHARE * state.refused_base
    changed = (claimed > 0.0) & (without > claimed)
    effects.append(((without - state.refused)[changed] / claimed[changed]).tolist())

print(json.dumps({
    "file": sim.__file__,
    "levers": [x.name for x in sim.levers()],
    "services": services,
    "month": [m.name for m in REGISTRY.month()],
    "parameters": sorted(parameter_groups()),
    "metrics": [m.name for m in sim.metrics()],
    "axis": list(AXIS_NAMES["service"]()),
    "by_service": [str(x) for x in result["wait_months"].by_year("service")["service"].unique()],
    "helped": int(runs["baseline"]["helped"][-1, k].sum()),
    "turned_away": {name: int(r["turned_away"].sum()) for name, r in runs.items()},
    "effects": effects,
    "funding": {name: int(r["funding"][-1, k]) for name, r in runs.items()},
    "spring": [float(r["energy"][12].mean() / r["energy"][11].mean())
               for r in (runs["baseline"], frozen.records["baseline"][0].monthly)],
    "table": sorted(result.table()["metric"].unique()),
}))
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The lists and a small comparison of a copy of the project with three more files."""
    copy = tmp_path_factory.mktemp("upstream")
    for folder in ("sim", "scenarios"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    catalogue = copy / "sim" / "services" / "catalogue"
    text = (catalogue / "family_hub.toml").read_text()
    for old, new in (("family_hub", "drop_in"), ("Family hub and early help", "Drop-in"), ("order = 14", "order = 90")):
        assert text.count(old) == 1, f"family_hub.toml has '{old}' {text.count(old)} times"
        text = text.replace(old, new)
    (catalogue / "drop_in.toml").write_text(text)
    (copy / "sim" / "policies" / "second_look.py").write_text(LEVER_FILE)
    (copy / "sim" / "networks" / "spring.py").write_text(MECHANISM_FILE)
    cache = copy / "cache"
    if (
        ROOT_OF_CACHES is not None and (ROOT_OF_CACHES / "compiled").is_dir()
    ):  # what the new files do not change is compiled already
        shutil.copytree(
            ROOT_OF_CACHES / "compiled", cache / "compiled", ignore=shutil.ignore_patterns("*.lock", "*.part")
        )
    done = subprocess.run(
        [sys.executable, "-c", EXPERIMENT],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "UPSTREAM_CACHE": str(cache), "UPSTREAM_QUIET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    printed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert Path(printed["file"]).is_relative_to(copy), "this ran the checkout, not the copy"
    return printed


pytestmark = pytest.mark.slow


def test_a_service_is_one_file(results: dict[str, Any]) -> None:
    """A service of a catalogue file is listed in order and on the axis of services, helps people and costs money."""
    assert results["services"][-1] == "drop_in"
    assert results["axis"] == results["services"]
    assert "drop_in" in results["by_service"]
    assert results["helped"] > 0
    assert results["funding"]["baseline"] > 0


def test_a_new_service_can_be_aimed_at(results: dict[str, Any]) -> None:
    """A policy aimed at the new service changes its budget; a policy that is not aimed at it does not."""
    assert results["funding"]["aimed"] == pytest.approx(1.3 * results["funding"]["baseline"], abs=1.0)  # whole pence
    assert results["funding"]["accepting"] == results["funding"]["baseline"]


def test_a_lever_is_one_file(results: dict[str, Any]) -> None:
    """A lever of a file in policies/ is listed and runs in its phase. In each month it has the size that its claim
    states: a lever whose effect accumulated from month to month would fail."""
    assert "second_look" in results["levers"]
    assert results["levers"] == sorted(results["levers"])
    month = results["month"]
    assert month.index("budget_lines") < month.index("threshold") < month.index("second_look")
    assert results["turned_away"]["accepting"] < results["turned_away"]["baseline"]
    assert len(results["effects"]) == 24
    for m, effects in enumerate(results["effects"]):
        assert effects, f"no service could show the effect in month {m}"
        assert effects == pytest.approx([1.0] * len(effects), rel=1e-9), f"in month {m}"


def test_a_mechanism_is_one_file(results: dict[str, Any]) -> None:
    """A mechanism of a file in one of the five folders runs in its place, with the size that its claim states, and
    its parameter can be set."""
    month = results["month"]
    assert month.index("groups") < month.index("spring") < month.index("room_of_bounds")
    assert "spring" in results["parameters"]
    with_spring, disabled = results["spring"]
    assert disabled == pytest.approx(1.0, abs=0.03)  # savings and debts change it a little
    assert with_spring / disabled == pytest.approx(1.05, abs=0.02)


def test_the_table_has_every_metric(results: dict[str, Any]) -> None:
    """The comparison's table has a row for every metric."""
    assert sorted(results["metrics"]) == results["table"]
