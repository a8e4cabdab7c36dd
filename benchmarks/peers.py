"""Comparison with other software in the same run: packages in a separate environment, whole arrays, and Mesa.

None of the packages does the same work: each has one disease, and no services, money or households. Each row states
the work that it measures.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.numpy_need import NumpyNeed
from sim.calibration.calibrated_model import Calibrated
from sim.scenario.scenario import Scenario
from sim.state.world import World
from sim.twins.mesa import MesaModel, initial_state

HERE = Path(__file__).parent
FOREIGN = HERE / "foreign"
PLACE = HERE.parent / ".venv-peers"
MONTHS, DAYS = 24, 60
MESA_PEOPLE, MESA_MONTHS = 2_000, 6


def ready() -> Path:
    """The Python interpreter of the peers' environment, which is made the first time."""
    python = PLACE / "bin" / "python"
    stamp, wanted = PLACE / "ready", (FOREIGN / "requirements.txt").read_text(encoding="utf-8")
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(PLACE)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]
        subprocess.run([*install, str(FOREIGN / "requirements.txt")], check=True)
        for script in ("starsim_sis.py", "covasim_random.py"):  # compile the packages' code before the measurement
            foreign(python, script, 1_000, 2)
        stamp.write_text(wanted, encoding="utf-8")
    return python


def foreign(python: Path, script: str, people: int, steps: int) -> dict[str, float]:
    """Person-steps per second of a package, and bytes per person: peak memory beyond the memory for importing it."""
    command = [str(python), str(FOREIGN / script), str(people), str(steps)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return measured


def numpy_need(calibrated: Calibrated, world: World, people: int) -> float:
    """Person-months per second of the need mechanism in whole arrays."""
    model = NumpyNeed(calibrated, world, 0)
    model.month()
    started = time.process_time()
    for _ in range(MONTHS):
        model.month()
    return people * MONTHS / (time.process_time() - started)


def mesa_model() -> float:
    """Person-months per second of the whole model as objects."""
    scenario = Scenario.load("baseline").with_settings(years=1)
    town = MesaModel(scenario, 0, world=initial_state.burned_in_world(scenario, 0, MESA_PEOPLE))
    town.step()
    started = time.process_time()
    for _ in range(MESA_MONTHS):
        town.step()
    return MESA_PEOPLE * MESA_MONTHS / (time.process_time() - started)


PACKAGES = (
    ("Starsim 3.7, SIS, random network, one disease, by months", "starsim_sis.py", MONTHS),
    ("Covasim 4.0, random layer, one disease, by days", "covasim_random.py", DAYS),
)


def measure(
    calibrated: Calibrated,
    make: Callable[[int], World],
    sizes: tuple[int, ...],
    repeats: int,
    spread: Callable[[list[float]], dict[str, float]],
    *,
    packages: bool,
) -> list[dict[str, Any]]:
    """A row for each peer and size. `make` returns a world with a given number of people."""
    rows: list[dict[str, Any]] = []
    python = ready() if packages else Path()
    for people in sizes:
        for name, script, steps in PACKAGES if packages else ():
            runs = [foreign(python, script, people, steps) for _ in range(repeats)]
            rows.append(
                {
                    "who": name,
                    "people": people,
                    "per_second": spread([run["per_second"] for run in runs]),
                    "bytes": spread([run["bytes"] for run in runs]),
                }
            )
        world = make(people)
        rows.append(
            {
                "who": "NumPy and SciPy arrays, need in five domains alone, by months",
                "people": people,
                "per_second": spread([numpy_need(calibrated, world, people) for _ in range(repeats)]),
            }
        )
    rows.append(
        {
            "who": "Upstream's Mesa implementation, whole model, by months",
            "people": MESA_PEOPLE,
            "per_second": spread([mesa_model() for _ in range(repeats)]),
        }
    )
    return rows
