"""Levers moved alone and mechanisms disabled, in whole runs: each changes what the run records."""

from __future__ import annotations

import numpy as np
import pytest
from strategies import LEVERS, calibrated, moved, scenario, town

from sim.simulation.simulate import run_months
from sim.state.world import World
from sim.world.build import copy

NAMES = (
    "pooling",
    "ring_fence",
    "political_salience",
    "cashable",
    "grown_or_commissioned",
    "organisers",
    "resident_control",
    "peer_support",
    "micro_enterprise",
    "mutual_aid",
    "volunteering_days",
    "air_and_activity",
    "housing_quality",
    "job_security",
    "income_floor",
    "recession",
    "pandemic",
    "ageing_wave",
    "devolution",
    "resident_voice",
)


@pytest.fixture
def world(seed: int) -> World:
    """A town of about six neighbourhoods, which a test may change."""
    return copy(town(9_000, seed))


@pytest.mark.parametrize("name", NAMES)
def test_a_lever_alone_changes_a_run(name: str, seed: int) -> None:
    """A lever moved to an end of its range changes the record of four years, with the same random numbers."""
    lever = LEVERS[name]
    end = lever.high if lever.high != lever.baseline else lever.low
    world, params = town(9_000, seed), calibrated().params
    baseline, moved_run = (run_months(world, scenario(4, p), params, seed) for p in ([], [moved(lever, end, 0, 4)]))
    assert any(not np.array_equal(baseline.monthly[k], moved_run.monthly[k]) for k in baseline.monthly)


def test_full_groups_recover_without_social_prescribing(world: World, seed: int) -> None:
    """Few groups are tired by the people referred to them; with the mechanism disabled they grow back faster."""
    params = calibrated().params
    world.places.grown[:] = 0.3
    world.places.energy[:] = 0.3
    complete, disabled = (
        run_months(world, scenario(3), params, seed, names) for names in ((), ("social_prescribing", "groups_room"))
    )
    assert complete.monthly["energy"][-1].mean() < disabled.monthly["energy"][-1].mean()


@pytest.mark.parametrize(
    ("loop", "levers", "quantity"),
    [
        ("groups", {"community_investment": 4.0}, "energy"),
        ("leaders", {"organisers": 5.0}, "energy"),
        ("mutual_help", {"pandemic": 1.0}, "energy"),
        ("peers", {"peer_support": 1.0}, "census"),
        ("exposure", {"recession": 6.0}, "census"),
        ("political_attention", {"political_salience": 2.0, "total_budget": 0.8}, "funding"),
        ("non_statutory_closure", {"total_budget": 0.7}, "funding"),
        ("pooled_accounts", {"pooling": 1.0}, "pooled"),
        ("semi_fixed_costs", {"cashable": 0.8}, "spent"),
        ("double_running", {"community_investment": 4.0}, "spent"),
        ("micro_enterprises", {"micro_enterprise": 5.0}, "outlay"),
        ("programme_costs", {"resident_voice": 1.0}, "outlay"),
        ("legitimacy", {"resident_voice": 1.0}, "legitimacy"),
    ],
)
def test_a_disabled_mechanism_changes_the_effect_of_a_policy(
    loop: str, levers: dict[str, float], quantity: str, seed: int
) -> None:
    """A policy that works through a mechanism has another effect on the named quantity if the mechanism is disabled."""
    world, params = town(9_000, seed), calibrated().params
    policy = scenario(4, [moved(LEVERS[name], value, 0, 4) for name, value in levers.items()])
    complete, disabled = run_months(world, policy, params, seed), run_months(world, policy, params, seed, (loop,))
    assert not np.array_equal(complete.monthly[quantity], disabled.monthly[quantity])


def test_mechanisms_that_respond_to_policies_rest_at_baseline(seed: int) -> None:
    """With no lever moved, mechanisms that respond only to policies can be disabled without any change."""
    world, params = town(9_000, seed), calibrated().params
    rest = (
        "exposure",
        "local_fit",
        "mutual_help",
        "peers",
        "political_attention",
        "non_statutory_closure",
        "pooled_accounts",
        "double_running",
    )
    complete = run_months(world, scenario(2), params, seed)
    disabled = run_months(
        world, scenario(2), params, seed, (*rest, "micro_enterprises", "groups_room", "programme_costs")
    )
    for name, array in complete.monthly.items():
        assert np.array_equal(array, disabled.monthly[name]), name
