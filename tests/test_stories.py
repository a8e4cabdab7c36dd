"""The same people under two policies: followed without being changed, told apart from slots, and counted in full."""

from __future__ import annotations

import json
from functools import lru_cache

import numpy as np
import pytest
from strategies import SERVICES, Columns, calibrated, columns, different, live, scenario, town

from sim.analysis.life_histories import (
    COUNTS,
    NAMES,
    LifeEvent,
    PairedPopulations,
    PersonHistory,
    PersonKey,
    Watch,
    counted,
    in_words,
    name_of,
    parting,
    watched,
)
from sim.results.records import Record
from sim.scenario.policy import Policy
from sim.scenario.scenario import Scenario
from sim.schema.quantities import AGE_BAND_NAMES, QUINTILES
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import run_months
from sim.state.tables import EMPTY_SLOT, World

PEOPLE, YEARS = 2_000, 3
CRISES = [k for k, s in enumerate(load_catalogue()) if s.tier == "acute" and s.walk_in is None]
"""Acute services into which nobody walks: their episodes are crises, each of them one."""


def less_money(years: int = YEARS) -> Scenario:
    """Every line three tenths lower, at once."""
    policy = Policy(lever="total_budget", start="2025-04", value=0.7)
    return scenario(years, [policy]).model_copy(update={"name": "less"})


@lru_cache(maxsize=2)
def pair(seed: int = 0) -> PairedPopulations:
    """A small town under both policies."""
    return watched(scenario(YEARS), less_money(), town(PEOPLE, seed), seed, calibrated().params)


@lru_cache(maxsize=4)
def record(name: str, seed: int = 0) -> Record:
    """The same run, not watched."""
    return run_months(
        town(PEOPLE, seed), less_money() if name == "less" else scenario(YEARS), calibrated().params, seed
    )


@lru_cache(maxsize=1)
def seen() -> Watch:
    """A town that was watched under less money."""
    watch = Watch(town(PEOPLE, 0), less_money(), calibrated().params, 0)
    for _ in range(12 * YEARS):
        watch.month()
    return watch


def test_watching_changes_nothing() -> None:
    """A town that is watched is, month after month, the town that is not, to the last bit: a larger one, too, that
    goes through its months in parts."""
    for people, years in ((PEOPLE, YEARS), (20_000, 1)):
        watch = Watch(town(people, 0), less_money(years), calibrated().params, 0)
        for m, world in live(town(people, 0), less_money(years), 0):
            watch.month()
            apart = different(_lasting(watch.world), _lasting(world))
            assert apart == [], f"{people:,} people, in month {m}"


def _lasting(world: World) -> Columns:
    """Every column but scratch."""
    return {name: array for name, array in columns(world).items() if not name.startswith("screen.")}


def test_counts_add_up_to_the_difference_in_episodes() -> None:
    """Crises more, less those fewer, and those of people of one world only, are the difference that runs record."""
    counts = dict(zip(COUNTS, counted(pair()).sum(axis=(1, 2)), strict=True))
    told = counts["episodes_more"] - counts["episodes_fewer"]
    told += counts["episodes_here_only_after"] - counts["episodes_here_only_before"]
    opened = {name: int(record(name).monthly["opened"][:, CRISES].sum()) for name in ("baseline", "less")}
    assert opened["less"] != opened["baseline"]
    assert told == opened["less"] - opened["baseline"]


def test_every_crisis_is_somebodys() -> None:
    """In each world, each month, as many crises are told as episodes open; the acute service is the one that opened."""
    for people, name in ((pair().before, "baseline"), (pair().after, "less")):
        told = np.zeros((12 * YEARS, len(SERVICES)), int)
        for person in people.values():
            for event in person.events:
                if event.kind == "crisis":
                    told[event.month, event.service] += 1
        opened = record(name).monthly["opened"].sum(axis=(2, 3))
        assert (told[:, CRISES] == opened[:, CRISES]).all()
        assert not told[:, [k for k in range(len(SERVICES)) if k not in CRISES]].any()


@pytest.mark.parametrize(
    ("kind", "column"),
    [("died", "died"), ("born", "born"), ("moved in", "moved_in"), ("moved away", "moved_out")],
)
def test_who_comes_and_goes_is_counted_as_the_run_does(kind: str, column: str) -> None:
    """Deaths, births and moves of every month are those of the tally."""
    told = np.zeros(12 * YEARS, int)
    for person in pair().after.values():
        for event in person.events:
            told[event.month] += event.kind == kind
    months = record("less").monthly[column]
    assert told.sum() > 0
    assert (told == months.reshape(len(months), -1).sum(axis=1)).all()


@pytest.mark.parametrize(
    ("kind", "column"), [("refused", "turned_away"), ("gave up", "gave_up"), ("helped", "started")]
)
def test_help_is_told_as_it_was_counted(kind: str, column: str) -> None:
    """Refusals, waits given up and starts of help, by service, are those of the tally."""
    told = np.zeros(len(SERVICES), int)
    for person in pair().after.values():
        for event in person.events:
            if event.kind == kind:
                told[event.service] += 1
    monthly = record("less").monthly[column]
    assert told.sum() > 0
    assert (told == monthly.sum(axis=(0, 2))).all()


def test_nobody_is_lost() -> None:
    """At the end everybody who did not die or leave stands in a slot, at the age that slot says."""
    watch = seen()
    alive = {i for i in range(watch.world.people.age.size) if watch.world.people.age[i] != EMPTY_SLOT}
    assert set(watch._slots) == alive
    left = [p for p in watch.people.values() if p.events and p.events[-1].kind in ("died", "moved away")]
    assert len(watch.people) == len(alive) + len(left)
    for person in watch.people.values():
        gone = [k for k, event in enumerate(person.events) if event.kind in ("died", "moved away")]
        assert gone in ([], [len(person.events) - 1]), "something happened to somebody who was gone"
        months = [event.month for event in person.events]
        assert months == sorted(months)


def test_somebody_who_leaves_home_stays_the_same_person() -> None:
    """They stand in another slot, aged 18 to 30, and neither go nor come."""
    watch = seen()
    moved = [(i, person) for i, person in watch._slots.items() if any(e.kind == "left home" for e in person.events)]
    assert moved
    for i, person in moved:
        assert person.key.slot != i
        ages = [event.age for event in person.events if event.kind == "left home"]
        assert all(18 <= age <= 31 for age in ages)  # 31: a slot with a later birthday month may add a year


def test_a_slot_is_not_a_person() -> None:
    """Slots change hands: more people have lived in the town than it has slots taken, under keys of their own."""
    watch = seen()
    slots = [person.key.slot for person in watch.people.values()]
    assert len(slots) > len(set(slots))
    assert all(key == person.key for key, person in watch.people.items())


def test_the_same_policy_parts_nobody() -> None:
    """Two worlds under one policy: everybody lives in both, the same life."""
    same = watched(scenario(1), scenario(1), town(PEOPLE, 0), 0, calibrated().params)
    assert same.before.keys() == same.after.keys()
    for person, other in same.both():
        assert parting(person, other) == len(person.events) == len(other.events)
    assert not counted(same)[[1, 2, 4, 5, 6, 7]].any()


def test_groups_add_up_to_everybody() -> None:
    """Everybody of both worlds stands in one fifth and one age band; spared, not spared and both exclude each other."""
    counts = counted(pair())
    assert counts.shape == (len(COUNTS), QUINTILES, len(AGE_BAND_NAMES))
    both = list(pair().both())
    assert counts[0].sum() == len(both)
    any_crisis = sum(person.crises > 0 or other.crises > 0 for person, other in both)
    assert counts[1].sum() + counts[2].sum() + counts[3].sum() == any_crisis


# In words.

MONTHS = scenario(2).months()


def test_a_crisis_tells_what_was_refused_before() -> None:
    """Refusals and waits given up in its domain are counted until help begins or the crisis comes."""
    care, home_care = 2, SERVICES.index("home_care")
    events = [
        LifeEvent(0, 71, "refused", care, service=home_care),
        LifeEvent(2, 71, "refused", care, service=home_care),
        LifeEvent(3, 71, "waits", care, service=home_care),
        LifeEvent(5, 71, "gave up", care, service=home_care),
        LifeEvent(6, 71, "crisis", care, 3, SERVICES.index("care_home")),
    ]
    lines = in_words(events, MONTHS)
    assert len(lines) == 5
    assert lines[0] == "At 71, April 2025: asks Long-term home care for help and is turned away."
    assert "gives up waiting for Long-term home care after 2 months" in lines[3]
    assert lines[4].startswith("At 71, October 2025: after 2 refusals and a wait given up, crisis: is placed in a care")


def test_help_that_begins_forgets_what_was_refused() -> None:
    """After help, an older refusal is no longer part of the way to a crisis; one month is one line."""
    events = [
        LifeEvent(0, 40, "refused", 1, service=0),
        LifeEvent(4, 40, "waits", 1, service=0),
        LifeEvent(4, 40, "helped", 1, service=0),
        LifeEvent(8, 41, "crisis", 1, 3, 0),
    ]
    lines = in_words(events, MONTHS)
    assert len(lines) == 3
    assert lines[1].endswith("begins to help at once.")
    assert "refusal" not in lines[2]


def test_a_child_is_told_as_a_child() -> None:
    """Where a domain's words tell of a child and an adult, the age says which."""
    family = 4
    child, adult = (in_words([LifeEvent(0, age, "crisis", family, 3, -1)], MONTHS)[0] for age in (8, 40))
    assert "looked after" in child
    assert "arrested" not in child
    assert "arrested" in adult
    assert "looked after" not in adult


def test_names_are_made_up_and_stay() -> None:
    """The same person has the same name each time, from a list for their sex, and another seed's has their own."""
    people = [PersonHistory(PersonKey("lived here", 0, slot), 30, slot % 2, 0, 5, (0,) * 5) for slot in range(200)]
    names = [name_of(0, person) for person in people]
    assert names == [name_of(0, person) for person in people]
    assert all(name in NAMES[person.female] for name, person in zip(names, people, strict=True))
    assert len(set(names)) > 40
    assert names != [name_of(1, person) for person in people]
    assert not set(NAMES[0]) & set(NAMES[1])
    assert all(len(set(each)) == len(each) for each in NAMES.values())


def test_stories_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Counts by fifth and age with intervals, people with both their lives, and the word that they are composite."""
    from sim.cli import command

    typed = ["story", "baseline", "salami-slice", "--people", "2000", "--years", "4", "--seeds", "2", "--chosen", "3"]
    assert command([*typed, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["groups"]) == {"everybody", "quintile", "age"}
    net = told["groups"]["everybody"]["everybody"]["net_episodes"]
    assert net["ci_low"] <= net["mean"] <= net["ci_high"]
    assert "composite" in told["composite"]
    assert 0 < len(told["stories"]) <= 3
    for story in told["stories"]:
        assert story["baseline"] != story["scenario"]
        crises = [sum(e["kind"] == "crisis" for e in story["events"][name]) for name in ("baseline", "salami-slice")]
        assert (crises[0] > 0) != (crises[1] > 0)
        assert story["spared"] == (crises[0] > 0)


def test_too_many_stories_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A number of people that is out of range is told, with exit status 2."""
    from sim.cli import command

    assert command(["story", "baseline", "salami-slice", "--chosen", "-1"]) == 2
    assert "--chosen" in capsys.readouterr().err
