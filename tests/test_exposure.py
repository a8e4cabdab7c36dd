"""Exposure: causes that change everybody's hazards in a neighbourhood, each against its formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from kernels import run, set_rules
from strategies import SERVICES, calibrated, town

from sim.engine.schedule import REGISTRY, Clock, NoParams
from sim.engine.thinning import reach
from sim.networks import exposure, local_fit
from sim.people.need import bound, worsening_probability
from sim.services import child_services
from sim.state.codes import CARE, ECONOMIC, EMPTY_SLOT, FAMILY, MENTAL, PHYSICAL
from sim.state.world import World, handle
from sim.world.build import copy


@pytest.fixture
def world(seed: int) -> World:
    """A town of about six neighbourhoods, which a test may change."""
    return copy(town(9_000, seed))


P = exposure.Exposure().compiled()


def hazards(world: World, kind: int) -> np.ndarray:
    d = int(np.flatnonzero(world.rates.kind == kind)[0])
    w = handle(world)
    return np.array([exposure.log_hazard(w, P, d, n) for n in range(world.places.energy.size)])


def test_exposure_is_1_at_baseline(world: World) -> None:
    """With no lever moved, exposure and local fit are exactly 1 and no thinning bound is recomputed."""
    world.people.changed[:] = 0
    run(world, exposure.expose, P, 24)
    run(world, local_fit.update_fit, local_fit.LocalFit().compiled(), 24)
    assert (world.places.exposure == 1.0).all()
    assert (world.places.fit == 1.0).all()
    assert not world.people.changed.any()


@pytest.mark.parametrize(
    ("rule", "kind", "value", "expected"),
    [
        ("air_and_activity", PHYSICAL, 1.0, P.air_physical),
        ("housing_quality", PHYSICAL, 0.5, 0.5 * P.homes_physical),
        ("housing_quality", ECONOMIC, 1.0, P.homes_economic),
        ("job_security", FAMILY, 1.0, P.work_family),
        ("income_floor", ECONOMIC, 10.0, P.income_economic),
        ("income_floor", ECONOMIC, 40.0, P.income_economic * 4.0**P.lean),
        ("income_floor", CARE, 40.0, 0.0),
        ("unemployment", FAMILY, 3.0, 3.0 * P.jobless_family),
        ("pandemic", MENTAL, 1.0, P.pandemic_mental),
    ],
)
def test_a_cause_moves_the_hazard(world: World, rule: str, kind: int, value: float, expected: float) -> None:
    """The log hazard changes by the parameter in the neighbourhood that has the cause, and in no other."""
    getattr(world.rules, rule)[1] = value
    x = hazards(world, kind)
    assert x[1] == pytest.approx(expected)
    assert (np.delete(x, 1) == 0.0).all()


def test_a_service_may_act_on_everybody(world: World) -> None:
    """The log hazard changes by the service's exposure effect for each doubling of posts, at most twice that effect."""
    d = int(np.flatnonzero(world.rates.kind == PHYSICAL)[0])
    world.services.exposure[4, d] = -0.05
    for posts, times in ((1.0, 0.0), (2.0, 1.0), (0.5, -1.0), (0.0, -2.0), (100.0, 2.0)):
        world.services.posts[4] = posts
        assert hazards(world, PHYSICAL) == pytest.approx(-0.05 * times)


def test_exposure_follows_slowly_and_bounds_are_recomputed(world: World) -> None:
    """Exposure approaches exp of the change; the hazard is multiplied by it, and no thinning bound is below it."""
    d = int(np.flatnonzero(world.rates.kind == ECONOMIC)[0])
    set_rules(world, unemployment=6.0)
    run(world, exposure.expose, P)
    assert world.places.exposure[d] == pytest.approx(1.0 + (math.exp(6.0 * P.jobless_economic) - 1.0) / P.lag)
    reference = copy(world)
    reference.places.exposure[:] = 1.0
    run(world, exposure.expose, P, 200)
    assert world.places.exposure[d] == pytest.approx(math.exp(6.0 * P.jobless_economic))
    need = calibrated().params["need"].compiled()
    world.people.changed[:] = 1
    for name in ("room_of_bounds", "bound_updates"):
        run(world, REGISTRY.entries[name].kernel, NoParams().compiled())
    run(world, bound, need)
    heads = world.dwellings.head[world.dwellings.occupants > 0]
    some = [int(i) for i in heads[:400] if world.people.level[d, i] < 2 and world.people.age[i] != EMPTY_SLOT]
    assert some
    for i in some:
        changed = worsening_probability(handle(world), need, d, i, world.people.level, 0.0)
        before = worsening_probability(handle(reference), need, d, i, reference.people.level, 0.0)
        assert changed == pytest.approx(before * math.exp(6.0 * P.jobless_economic))
        assert changed <= reach(world.people.up_bound[d, i]) / 65536.0 + 1e-12


def test_exposure_effects_come_from_the_catalogue(seed: int) -> None:
    """The table of exposure has the effects of public health's file, by domain, and 0 for all other services."""
    table = town(1_500, seed).services.exposure.copy()
    service = next(x for x in calibrated().services if x.id == "public_health")
    assert service.exposure is not None
    for name, lowers in service.exposure.lowers.items():
        d = [x.id for x in calibrated().domains].index(name)
        assert table[SERVICES.index("public_health"), d] == -lowers.value
    table[SERVICES.index("public_health")] = 0.0
    assert not table.any()


def test_parks_lower_economic_need_and_help_school_children(world: World) -> None:
    """A programme for air and activity lowers the hazard of economic need and raises nurture at school ages only."""
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
