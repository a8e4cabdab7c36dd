"""The baseline stays where England's published figures have it, in any place, and pushes die away."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from strategies import calibrated

import sim
from sim.calibration.calibrate import SOLVED_PLACES, shape_of, solution_for
from sim.calibration.calibrated_model import ENGLAND
from sim.engine.schedule import Clock
from sim.place.place import Place
from sim.results.comparison import Comparison
from sim.simulation.simulate import BURN_IN_DISABLED, Month
from sim.state.tables import EMPTY_SLOT, World, handle
from sim.validation.stability import (
    DRIFT,
    StabilityVerdict,
    assess_stability,
    drifts,
    judge,
    pushed,
    stability,
    yearly_fit,
)
from sim.world.build import BURN_IN_MONTHS

F = npt.NDArray[np.float64]
FALSE_ALARM = 0.001
"""Chance that one of the tests of chance below fails though nothing is wrong, over all its rates and years."""


@pytest.fixture(scope="module")
def thirty_years(seed: int) -> Comparison:
    """Thirty years of Anytown and its twin with one bad year, 12 seeds."""
    before = sim.Scenario.load("baseline").with_settings(years=30)
    return sim.compare(before, pushed(before), seeds=12, seed=100 * seed)


@pytest.fixture(scope="module")
def table(thirty_years: Comparison) -> pd.DataFrame:
    return yearly_fit(thirty_years)


@pytest.fixture(scope="module")
def verdict(thirty_years: Comparison) -> StabilityVerdict:
    return assess_stability(thirty_years, FALSE_ALARM)


@pytest.mark.slow
@pytest.mark.statistics
def test_every_rate_is_what_the_published_figures_imply(table: pd.DataFrame) -> None:
    """Over thirty years every calibrated rate is within 5 % of what England's tables imply for the people there.

    The mean of 12 seeds and 30 years of the rarest (children entering care, about 19 a year) has a standard error of
    about 1.6 %, so that a rate which is right fails about once in 600 times; the others hardly ever.
    """
    assert len(table) >= 15
    off = table[(table["mean"] - 1.0).abs() > 0.05]
    assert off.empty, off.to_string()


@pytest.mark.slow
@pytest.mark.statistics
def test_no_year_is_off_clear_of_chance(verdict: StabilityVerdict, table: pd.DataFrame) -> None:
    """No year of any rate is more than 5 % off by more than luck (all rates and years together: once in 1,000), and
    few lie outside their allowance.

    A year may be off by 5 % or two standard errors, if those are wider. Some thirty of 630 rate-years are by chance,
    clustered as a town's years are alike: more than twice what 19 of 20 right baselines would show is a drift.
    """
    assert verdict.of == 30 * len(table)
    assert not verdict.years_off
    assert verdict.outside <= 2 * verdict.by_chance_most, table[["rate", "outside"]].to_string()


@pytest.mark.slow
@pytest.mark.statistics
def test_no_rate_drifts(verdict: StabilityVerdict, table: pd.DataFrame) -> None:
    """No rate has a trend beyond sampling error (all rates together: once in 1,000)."""
    assert not verdict.drifting, table.to_string()


@pytest.mark.slow
@pytest.mark.statistics
def test_a_push_dies_away(thirty_years: Comparison) -> None:
    """After a year with a fifth less money the disturbance shrinks: the largest eigenvalue of the yearly map is
    below 1.

    Its upper 97.5 % bound over resampled seeds is asked to be below 1; it was 0.90 when this was written.
    """
    found = stability(thirty_years)
    assert found.low <= found.eigenvalue <= found.high < 1.0


@pytest.mark.slow
def test_people_hold_their_number_and_their_ages(thirty_years: Comparison) -> None:
    """With demography held still, a town keeps its size within 3 % and each broad age group within 6 % for 30 years.

    A town's own chance is about 1 % of an age group of 3,000 people; the mean of 12 towns a third of that.
    """
    people = np.mean([r.monthly["people"].sum(axis=1) for r in thirty_years.records["baseline"]], axis=0)
    groups = {"0-17": slice(0, 4), "18-44": slice(4, 6), "45-64": slice(6, 7), "65+": slice(7, 10)}
    total = people.sum(axis=1)
    assert abs(total / thirty_years.people - 1.0).max() < 0.03
    for name, bands in groups.items():
        here = people[:, bands].sum(axis=1)
        assert abs(here / here[0] - 1.0).max() < 0.06, name


@pytest.mark.slow
@pytest.mark.statistics
def test_another_place_shows_englands_rates_for_its_own_people(seed: int) -> None:
    """A town of Wigan's mix (more of it deprived, fewer of its old very old) shows what England's tables imply for it.

    Twelve seeds of fifteen years, 30,000 people: no rate's mean is off by more than 5 % beyond chance (all rates
    together: once in 1,000), and none drifts. On England's own hazards its care-home stock was 7 % short at the end.
    """
    wigan = sim.run(
        sim.Scenario.load("baseline").with_settings(years=15),
        place="wigan",
        people=30_000,
        seeds=12,
        seed=100 * seed,
    )
    found = assess_stability(wigan, FALSE_ALARM)
    assert not found.means_off, yearly_fit(wigan).to_string()
    assert not found.years_off
    assert not found.drifting


def test_a_place_is_solved_by_who_lives_there() -> None:
    """What a place is called and how many live there makes no other solution; who they are does."""
    england, wigan = (Place.load(name) for name in SOLVED_PLACES)
    renamed = england.model_copy(update={"name": "elsewhere", "label": "Elsewhere"})
    base = sim.Scenario.load("baseline")
    assert shape_of(renamed) == shape_of(england) != shape_of(wigan)
    assert solution_for(base, renamed).solution is solution_for(base).solution
    assert solution_for(base, wigan).solution is not solution_for(base).solution
    assert (solution_for(base, wigan).aims.crises == solution_for(base, Place.load(ENGLAND)).aims.crises).all()


AGES = range(4, 10)
"""The bands from 18-24 to 85+."""


def living_alone(world: World) -> F:
    """Share of the people of each of these bands who live alone."""
    people = world.people
    alive = people.age != EMPTY_SLOT
    alone = alive & (world.dwellings.occupants[people.dwelling] == 1)
    here = [alive & (people.band == b) for b in AGES]
    shares: F = np.array([(alone & band).sum() / band.sum() for band in here])
    return shares


@pytest.mark.statistics
def test_homes_have_settled_when_needs_begin(seed: int) -> None:
    """As many of each age live alone when needs are handed out as ten years later.

    Households gathered by age alone change by 7 (65-74) to 15 points (18-24, 85+) in these years, and need of care
    with them. The mean change of six towns of 12,000 may be 1.5 points and four standard errors: beyond that it
    comes by chance in fewer than one run in a hundred.
    """
    place, changes = Place.load("anytown"), []
    for s in range(100 * seed, 100 * seed + 6):
        world = calibrated().world(place, 12_000, s).world
        before = living_alone(world)
        month, seen = Month(calibrated().params, {}, disabled=BURN_IN_DISABLED), handle(world)
        for m in range(-BURN_IN_MONTHS, 120 - BURN_IN_MONTHS):
            month(world, seen, Clock(np.uint64(s), np.int64(m)))
        changes.append(living_alone(world) - before)
    mean, error = np.mean(changes, axis=0), np.std(changes, axis=0, ddof=1) / np.sqrt(len(changes))
    assert (abs(mean) < 0.015 + 4.0 * error).all(), (mean, error)


def like_towns(dice: np.random.Generator, rates: int = 20, seeds: int = 20, years: int = 30) -> F:
    """Ratios like those of a right baseline: luck that lasts some years, common to some rates, larger for the rare."""
    luck = dice.normal(size=(rates, seeds, years + 20)) + 0.5 * dice.normal(size=(1, seeds, years + 20))
    for y in range(1, years + 20):
        luck[..., y] = 0.7 * luck[..., y - 1] + 0.7 * luck[..., y]
    sizes = np.geomspace(0.01, 0.25, rates)[:, None, None]
    ratios: F = 1.0 + sizes * luck[..., 20:]
    return ratios


@pytest.mark.statistics
def test_a_right_baseline_is_seldom_called_unsteady(seed: int) -> None:
    """Of 100 right baselines no more are called unsteady than the stated one in twenty allows; and the number of
    rate-years that chance is said to put outside is the number that it does.

    More than 13 of 100 at a true rate of 5 % come once in 2,000 times. The numbers outside (11 of 600) vary by 4 from
    run to run, so their mean over 100 runs by 0.4; they are asked to agree within a fifth.
    """
    dice = np.random.default_rng(seed)
    names = tuple(f"rate {k}" for k in range(20))
    found = [judge(names, like_towns(dice)) for _ in range(100)]
    alarms = sum(bool(f.years_off or f.means_off or f.drifting) for f in found)
    assert alarms <= 13
    outside, said = np.mean([f.outside for f in found]), np.mean([f.by_chance for f in found])
    assert said == pytest.approx(outside, rel=0.2)


@pytest.mark.statistics
@pytest.mark.parametrize("wrong", ["year", "mean", "trend"])
def test_an_unsteady_baseline_is_called_so(seed: int, wrong: str) -> None:
    """One rate with a year 15 % off, a mean 8 % off, or a trend of 6 % over the years is named, and no other."""
    each = like_towns(np.random.default_rng(seed))
    if wrong == "year":
        each[2, :, 7] += 0.15
    elif wrong == "mean":
        each[2] += 0.08
    else:
        each[2] += np.linspace(-0.03, 0.03, each.shape[2])
    found = judge(tuple(f"rate {k}" for k in range(20)), each)
    named = {"year": found.years_off, "mean": found.means_off, "trend": found.drifting}[wrong]
    assert named == ("rate 2",)
    assert not found.steady


def test_drifts_are_counted_against_the_first_year(seed: int) -> None:
    """A draw's drift is that of the year furthest from its first; the chance of so few is the binomial one."""
    some = sim.run(sim.Scenario.load("baseline").with_settings(years=3, people=2_000), seeds=4, seed=seed)
    found = drifts(some)
    demand = some.values(some.baseline, some["acute_demand"].metric)
    for k, row in enumerate(demand):
        away = row / row[0] - 1.0
        assert found.furthest[k] == pytest.approx(away[abs(away).argmax()])
        assert found.last[k] == pytest.approx(away[-1])
    assert found.within == sum(abs(x) < DRIFT for x in found.furthest)
    assert 0.0 <= found.low <= found.share <= found.high <= 1.0
