"""The months of a Mesa run as a record in the core's format, so that all measures, tables and charts work on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from sim.results.records import RECORDED, RECORDED_BY_YEAR, Record, RecordedArray
from sim.scenario.scenario import Scenario
from sim.state.world import World
from sim.twins.mesa import initial_state
from sim.twins.mesa.model import MesaModel

SHARED_COLUMNS = {(shared.table, shared.column): shared for shared in initial_state.SHARED_COLUMNS}


def record(
    world: World,
    scenario: Scenario,
    seed: int,
    disabled: Iterable[str] = (),
    stop: Callable[[], bool] | None = None,
) -> Record:
    """Run a scenario with the Mesa implementation and record every month.

    Parameters
    ----------
    world
        A burned-in world that has the groups of people that the scenario's policies distinguish.
    scenario
        The scenario.
    seed
        Seed of the run.
    disabled
        Loops or mechanisms to disable.
    stop
        Called before each month. The run ends if it returns True.

    Raises
    ------
    KeyboardInterrupt
        If `stop` returned True.
    """
    town = MesaModel(scenario, seed, disabled=disabled, world=world)
    months: dict[str, list[np.ndarray]] = {name: [] for name in (*RECORDED, *RECORDED_BY_YEAR)}

    def append(name: str, array: RecordedArray) -> None:
        core_values = array.array(world)
        mesa_values = np.array(
            initial_state.column_values(town, SHARED_COLUMNS[array.table, array.column]), core_values.dtype
        )
        months[name].append(mesa_values.reshape(core_values.shape))

    while town.running:
        if stop is not None and stop():
            raise KeyboardInterrupt
        town.step()
        for name, array in (RECORDED | RECORDED_BY_YEAR).items():
            append(name, array)
    monthly = {name: np.stack(months[name]) for name in RECORDED}
    by_year = {name: np.stack(months[name]) for name in RECORDED_BY_YEAR}
    years = scenario.years
    yearly = {
        name: rows.reshape(years, 12, *rows.shape[1:]).sum(axis=1, dtype=np.int32) for name, rows in by_year.items()
    }
    return Record(seed, monthly, yearly)
