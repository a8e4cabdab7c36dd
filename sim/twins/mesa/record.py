"""The telling's months as the core keeps its own, so that every measure, table and chart can be made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from sim.results.records import RECORDED, RECORDED_BY_YEAR, Record, RecordedArray
from sim.scenario.scenario import Scenario
from sim.state.tables import World
from sim.twins.mesa import initial_state
from sim.twins.mesa.model import MesaModel

HELD = {(held.table, held.column): held for held in initial_state.HELD}


def record(
    world: World,
    scenario: Scenario,
    seed: int,
    disabled: Iterable[str] = (),
    stop: Callable[[], bool] | None = None,
) -> Record:
    """Every month of a scenario, from a settled world that has been told whom its policies tell apart."""
    town = MesaModel(scenario, seed, disabled=disabled, world=world)
    months: dict[str, list[np.ndarray]] = {name: [] for name in (*RECORDED, *RECORDED_BY_YEAR)}

    def note(name: str, what: RecordedArray) -> None:
        kept = what.array(world)
        told = np.array(initial_state.told(town, HELD[what.table, what.column]), kept.dtype)
        months[name].append(told.reshape(kept.shape))

    while town.running:
        if stop is not None and stop():
            raise KeyboardInterrupt
        town.step()
        for name, what in (RECORDED | RECORDED_BY_YEAR).items():
            note(name, what)
    monthly = {name: np.stack(months[name]) for name in RECORDED}
    by_year = {name: np.stack(months[name]) for name in RECORDED_BY_YEAR}
    years = scenario.years
    yearly = {
        name: rows.reshape(years, 12, *rows.shape[1:]).sum(axis=1, dtype=np.int32) for name, rows in by_year.items()
    }
    return Record(seed, monthly, yearly)
