"""Parks with many uses, voices that are organised, and trust that follows who helps: each against its formula."""

from __future__ import annotations

import numpy as np
import pytest
from strategies import town

from sim.engine.schedule import Clock
from sim.networks import exposure, local_fit
from sim.services import child_services, waiting
from sim.state.tables import ECONOMIC, World, handle
from sim.world.build import copy


@pytest.fixture
def world() -> World:
    return copy(town())


def test_nothing_moves_at_baseline(world: World) -> None:
    """Every service is as known and as fitting as usual, and nobody is heard or taught beyond it."""
    w = handle(world)
    assert all(waiting.relation(w, s) == 1.0 for s in range(world.services.domain.size))
    assert local_fit.wanted_fit(w, local_fit.LocalFit().compiled(), np.uint64(1), 0) == 1.0


def test_a_bond_grows_with_continuity_and_fit(world: World) -> None:
    """Twice the continuity doubles it; more organisations and worse fit lower it."""
    world.services.continuity[0], world.services.fit[0] = 2.0, 0.9
    world.services.providers[0] = 2.0
    assert waiting.relation(handle(world), 0) == pytest.approx(2.0 * 0.9 / 2.0**0.1)


def test_a_voice_does_more_where_people_find_each_other(world: World) -> None:
    """Ties online add to what voice does, and do nothing by themselves."""
    p = local_fit.LocalFit()
    world.rules.digital_ties[:] = 0.6
    assert local_fit.wanted_fit(handle(world), p.compiled(), np.uint64(1), 0) == 1.0
    world.rules.voice[:] = 1.0
    expected = 1.0 + p.by_voice * (1.0 + 0.6 * p.organised)
    assert local_fit.wanted_fit(handle(world), p.compiled(), np.uint64(1), 0) == pytest.approx(expected)


def test_parks_feed_and_teach_some(world: World) -> None:
    """A programme for parks lowers economic need a little and adds to what school children gain."""
    p = exposure.Exposure().compiled()
    d = int(np.flatnonzero(world.rates.kind == ECONOMIC)[0])
    before = exposure.log_hazard(handle(world), p, d, 0)
    world.rules.air_and_activity[:] = 1.0
    assert exposure.log_hazard(handle(world), p, d, 0) - before == pytest.approx(exposure.Exposure().parks_economic)
    clock = Clock(np.uint64(1), np.int64(0))
    other = copy(world)
    other.rules.air_and_activity[:] = 0.0
    for w in (world, other):
        child_services.nurture(handle(w), child_services.ChildServices().compiled(), clock)
    gained = world.places.nurture[child_services.SCHOOL_AGE] - other.places.nurture[child_services.SCHOOL_AGE]
    assert gained == pytest.approx(child_services.ChildServices().parks)
    assert (world.places.nurture[~child_services.SCHOOL_AGE] == other.places.nurture[~child_services.SCHOOL_AGE]).all()
