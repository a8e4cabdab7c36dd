"""Life histories of the same people under two policies: observed without an effect on them, and counted completely."""

from __future__ import annotations

import json
from functools import lru_cache

import numpy as np
import pytest
from strategies import SERVICES, Columns, calibrated, columns, different, live, scenario, town

from sim.analysis.life_histories import (
    LifeEvent,
    PairedPopulations,
    PersonHistory,
    PersonKey,
    PopulationObserver,
    follow_pair,
)
from sim.analysis.life_history_text import NAMES, describe_events, pseudonym, shared_events
from sim.analysis.paired_life_histories import COUNTS, crisis_counts
from sim.results.records import Record
from sim.scenario.policy import Policy
from sim.scenario.scenario import Scenario
from sim.schema.quantities import AGE_BAND_NAMES, QUINTILES
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import run_months
from sim.state.codes import EMPTY_SLOT
from sim.state.world import World

PEOPLE, YEARS = 2_000, 3
CRISES = [k for k, s in enumerate(load_catalogue()) if s.tier == "acute" and s.walk_in is None]
"""Acute services without walk-ins: each of their episodes is a crisis."""


def less_money(years: int = YEARS) -> Scenario:
    """Every budget three tenths lower from the first month."""
    policy = Policy(lever="total_budget", start="2025-04", value=0.7)
    return scenario(years, [policy]).model_copy(update={"name": "less"})


@lru_cache(maxsize=2)
def pair(seed: int = 0) -> PairedPopulations:
    """The people of a small town under both policies."""
    return follow_pair(scenario(YEARS), less_money(), town(PEOPLE, seed), seed, calibrated().params)


@lru_cache(maxsize=4)
def record(name: str, seed: int = 0) -> Record:
    """The record of the same run without observation."""
    return run_months(
        town(PEOPLE, seed), less_money() if name == "less" else scenario(YEARS), calibrated().params, seed
    )


@lru_cache(maxsize=1)
def observed_town() -> PopulationObserver:
    """A town that was observed under less money."""
    watch = PopulationObserver(town(PEOPLE, 0), less_money(), calibrated().params, 0)
    for _ in range(12 * YEARS):
        watch.month()
    return watch


def test_observation_changes_nothing() -> None:
    """An observed town is the same in every month, to the last bit, as a town that is not observed.

    This holds for a larger town, whose months are computed in parts, too.
    """
    for people, years in ((PEOPLE, YEARS), (20_000, 1)):
        watch = PopulationObserver(town(people, 0), less_money(years), calibrated().params, 0)
        for m, world in live(town(people, 0), less_money(years), 0):
            watch.month()
            apart = different(_lasting(watch.world), _lasting(world))
            assert apart == [], f"{people:,} people, in month {m}"


def _lasting(world: World) -> Columns:
    """Every column except scratch."""
    return {name: array for name, array in columns(world).items() if not name.startswith("screen.")}


def test_counts_add_up_to_the_difference_in_episodes() -> None:
    """The changes in crises, with the crises of people who live in one world only, sum to the recorded difference."""
    counts = dict(zip(COUNTS, crisis_counts(pair()).sum(axis=(1, 2)), strict=True))
    change = counts["episodes_more"] - counts["episodes_fewer"]
    change += counts["episodes_here_only_after"] - counts["episodes_here_only_before"]
    opened = {name: int(record(name).monthly["opened"][:, CRISES].sum()) for name in ("baseline", "less")}
    assert opened["less"] != opened["baseline"]
    assert change == opened["less"] - opened["baseline"]


def test_every_crisis_belongs_to_a_person() -> None:
    """In each world and month, the crises in life histories equal the episodes opened, by service."""
    for people, name in ((pair().before, "baseline"), (pair().after, "less")):
        crises = np.zeros((12 * YEARS, len(SERVICES)), int)
        for person in people.values():
            for event in person.events:
                if event.kind == "crisis":
                    crises[event.month, event.service] += 1
        opened = record(name).monthly["opened"].sum(axis=(2, 3))
        assert (crises[:, CRISES] == opened[:, CRISES]).all()
        assert not crises[:, [k for k in range(len(SERVICES)) if k not in CRISES]].any()


@pytest.mark.parametrize(
    ("kind", "column"),
    [("died", "died"), ("born", "born"), ("moved in", "moved_in"), ("moved away", "moved_out")],
)
def test_births_deaths_and_moves_equal_the_counts(kind: str, column: str) -> None:
    """Deaths, births and moves in life histories equal the counts of every month."""
    counts = np.zeros(12 * YEARS, int)
    for person in pair().after.values():
        for event in person.events:
            counts[event.month] += event.kind == kind
    months = record("less").monthly[column]
    assert counts.sum() > 0
    assert (counts == months.reshape(len(months), -1).sum(axis=1)).all()


@pytest.mark.parametrize(
    ("kind", "column"), [("refused", "turned_away"), ("gave up", "gave_up"), ("helped", "started")]
)
def test_help_equals_the_counts(kind: str, column: str) -> None:
    """Refusals, waits given up and starts of help in life histories equal the counts, by service."""
    counts = np.zeros(len(SERVICES), int)
    for person in pair().after.values():
        for event in person.events:
            if event.kind == kind:
                counts[event.service] += 1
    monthly = record("less").monthly[column]
    assert counts.sum() > 0
    assert (counts == monthly.sum(axis=(0, 2))).all()


def test_nobody_is_lost() -> None:
    """At the end, everybody who did not die or leave has a slot; nothing happens to people who are gone."""
    watch = observed_town()
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
    """A person who leaves home has another slot, is aged 18 to 30, and neither leaves nor enters the town."""
    watch = observed_town()
    moved = [(i, person) for i, person in watch._slots.items() if any(e.kind == "left home" for e in person.events)]
    assert moved
    for i, person in moved:
        assert person.key.slot != i
        ages = [event.age for event in person.events if event.kind == "left home"]
        assert all(18 <= age <= 31 for age in ages)  # 31: a slot with a later birthday month may add a year


def test_a_slot_is_not_a_person() -> None:
    """Slots are used again: more people have lived in the town than slots were used, with different keys."""
    watch = observed_town()
    slots = [person.key.slot for person in watch.people.values()]
    assert len(slots) > len(set(slots))
    assert all(key == person.key for key, person in watch.people.items())


def test_the_same_policy_gives_the_same_lives() -> None:
    """In two worlds under one policy, everybody lives in both, with the same events."""
    same = follow_pair(scenario(1), scenario(1), town(PEOPLE, 0), 0, calibrated().params)
    assert same.before.keys() == same.after.keys()
    for person, other in same.both():
        assert shared_events(person, other) == len(person.events) == len(other.events)
    assert not crisis_counts(same)[[1, 2, 4, 5, 6, 7]].any()


def test_groups_add_up_to_everybody() -> None:
    """Everybody of both worlds is in one fifth and one age band; crises spared, caused and common are exclusive."""
    counts = crisis_counts(pair())
    assert counts.shape == (len(COUNTS), QUINTILES, len(AGE_BAND_NAMES))
    both = list(pair().both())
    assert counts[0].sum() == len(both)
    any_crisis = sum(person.crises > 0 or other.crises > 0 for person, other in both)
    assert counts[1].sum() + counts[2].sum() + counts[3].sum() == any_crisis


# Texts.

MONTHS = scenario(2).months()


def test_the_text_of_a_crisis_has_earlier_refusals() -> None:
    """Refusals and waits given up in a domain are counted until help starts or a crisis occurs."""
    care, home_care = 2, SERVICES.index("home_care")
    events = [
        LifeEvent(0, 71, "refused", care, service=home_care),
        LifeEvent(2, 71, "refused", care, service=home_care),
        LifeEvent(3, 71, "waits", care, service=home_care),
        LifeEvent(5, 71, "gave up", care, service=home_care),
        LifeEvent(6, 71, "crisis", care, 3, SERVICES.index("care_home")),
    ]
    lines = describe_events(events, MONTHS)
    assert len(lines) == 5
    assert lines[0] == "At 71, April 2025: asks Long-term home care for help and is turned away."
    assert "gives up waiting for Long-term home care after 2 months" in lines[3]
    assert lines[4].startswith("At 71, October 2025: after 2 refusals and a wait given up, crisis: is placed in a care")


def test_help_resets_the_count_of_refusals() -> None:
    """After help, an earlier refusal is not in the text of a crisis; the events of a month are one line."""
    events = [
        LifeEvent(0, 40, "refused", 1, service=0),
        LifeEvent(4, 40, "waits", 1, service=0),
        LifeEvent(4, 40, "helped", 1, service=0),
        LifeEvent(8, 41, "crisis", 1, 3, 0),
    ]
    lines = describe_events(events, MONTHS)
    assert len(lines) == 3
    assert lines[1].endswith("begins to help at once.")
    assert "refusal" not in lines[2]


def test_texts_differ_for_children_and_adults() -> None:
    """If a domain has texts for a child and for an adult, the age selects the text."""
    family = 4
    child, adult = (describe_events([LifeEvent(0, age, "crisis", family, 3, -1)], MONTHS)[0] for age in (8, 40))
    assert "looked after" in child
    assert "arrested" not in child
    assert "arrested" in adult
    assert "looked after" not in adult


def test_pseudonyms_are_stable() -> None:
    """A person always has the same pseudonym, from a list for their sex; with another seed it is another."""
    people = [PersonHistory(PersonKey("lived here", 0, slot), 30, slot % 2, 0, 5, (0,) * 5) for slot in range(200)]
    names = [pseudonym(0, person) for person in people]
    assert names == [pseudonym(0, person) for person in people]
    assert all(name in NAMES[person.female] for name, person in zip(names, people, strict=True))
    assert len(set(names)) > 40
    assert names != [pseudonym(1, person) for person in people]
    assert not set(NAMES[0]) & set(NAMES[1])
    assert all(len(set(each)) == len(each) for each in NAMES.values())


def test_life_histories_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The document has counts by fifth and age with intervals, and people with both life histories."""
    from sim.cli import command

    typed = [
        "story",
        "baseline",
        "salami-slice",
        "--people",
        "2000",
        "--years",
        "4",
        "--seeds",
        "2",
        "--people-shown",
        "3",
    ]
    assert command([*typed, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document["groups"]) == {"everybody", "quintile", "age"}
    net = document["groups"]["everybody"]["everybody"]["net_episodes"]
    assert net["ci_low"] <= net["mean"] <= net["ci_high"]
    assert "composite" in document["composite"]
    assert 0 < len(document["stories"]) <= 3
    for story in document["stories"]:
        assert story["baseline"] != story["scenario"]
        crises = [sum(e["kind"] == "crisis" for e in story["events"][name]) for name in ("baseline", "salami-slice")]
        assert (crises[0] > 0) != (crises[1] > 0)
        assert story["spared"] == (crises[0] > 0)


def test_a_wrong_number_of_people_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A number of people outside its range is refused, with exit status 2."""
    from sim.cli import command

    assert command(["story", "baseline", "salami-slice", "--people-shown", "-1"]) == 2
    assert "--people-shown" in capsys.readouterr().err
