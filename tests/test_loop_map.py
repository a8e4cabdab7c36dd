"""Loops: found in what mechanisms declare, with the signs they are seen to have, and cut on paired seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from strategies import Columns, calibrated, columns, different, scenario, snapshot, town

from sim.analysis.feedback_loops import LoopMap, loop_map
from sim.analysis.feedback_loops.diagram import chain, diagram, drawn_links, mermaid
from sim.analysis.feedback_loops.gains import PUSH, walk
from sim.analysis.feedback_loops.knock_out import knock_outs
from sim.analysis.feedback_loops.links import Link, declared, in_loops, is_simple, months_round, round_trips
from sim.analysis.feedback_loops.loops import TRIED_IN
from sim.analysis.feedback_loops.strength import sampled, strengths
from sim.analysis.feedback_loops.variables import ARITHMETIC, NAMED, Variable, left_out, push
from sim.engine.schedule import REGISTRY, Clock, Phase
from sim.ensemble.compare import in_one_part
from sim.feedback.loops import LOOPS
from sim.scenario.policy import Policy
from sim.scenario.scenario import Scenario
from sim.schema.toml_files import InputError
from sim.simulation.simulate import Month
from sim.state.tables import TABLES, handle
from sim.world.build import copy

PEOPLE, SEEDS = 3_000, (0, 1)


@lru_cache(maxsize=1)
def found() -> LoopMap:
    """The map of two small towns."""
    return loop_map([town(PEOPLE, seed) for seed in SEEDS], SEEDS, calibrated().params)


def ways(pairs: Sequence[str]) -> list[Link]:
    """Links as 'a>b', each by a mechanism of its own."""
    return [Link(pair[0], f"m{k}", pair[2]) for k, pair in enumerate(pairs)]


# What is declared.


def test_links_are_what_mechanisms_declare() -> None:
    """A link leads from a column that its mechanism reads or writes to one that it writes, and levers have none."""
    told = declared()
    assert len(told.links) > 300
    for link in told.links:
        entry = REGISTRY.entries[link.mechanism]
        assert entry.lever is None
        assert set(told.variables[link.source].columns) & {*entry.reads, *entry.writes}
        assert set(told.variables[link.target].columns) & set(entry.writes)


def test_every_column_is_a_variable_or_left_out_for_a_reason() -> None:
    """What a mechanism writes, but for bounds and scratch, is told as some variable; no name is there twice."""
    told = declared()
    inside = {column for variable in told.variables.values() for column in variable.columns}
    for entry in REGISTRY.month():
        if entry.lever is None and entry.phase not in ARITHMETIC:
            for column in entry.writes:
                assert column in inside or left_out(column), column
    names = [variable.name for variable in NAMED]
    assert len(set(names)) == len(names)
    for variable in NAMED:
        for column in variable.columns:
            table, name = column.split(".")
            assert name in TABLES[table]._fields, column


def test_a_new_column_is_a_variable_of_its_own() -> None:
    """A mechanism that comes along with a column of its own closes loops without being listed anywhere."""
    writer = replace(REGISTRY.entries["legitimacy"], name="rumour", writes=("places.rumour",), reads=("people.trust",))
    reader = replace(REGISTRY.entries["trust"], name="hearsay", writes=("people.trust",), reads=("places.rumour",))
    told = declared([writer, reader])
    assert "places.rumour" in told.variables
    assert Link("trust", "rumour", "places.rumour") in in_loops(told.links)
    assert Link("places.rumour", "hearsay", "trust") in in_loops(told.links)


def test_ways_round_are_the_shortest_first_and_use_no_link_twice() -> None:
    """Two triangles that share a corner: each by itself, then, from a link of one, both together."""
    links = ways(["a>b", "b>c", "c>a", "a>d", "d>e", "e>a"])
    around = list(round_trips(links[0], links, 6))
    assert [[link.target for link in way] for way in around] == [["b", "c", "a"], ["b", "c", "a", "d", "e", "a"]]
    assert [is_simple(way) for way in around] == [True, False]
    assert in_loops([*links, *ways(["a>x"])]) == links


def test_a_month_is_waited_for_where_the_reader_comes_first() -> None:
    """Round a loop of two, the earlier mechanism of the month reads what the later one left last month."""
    there, back = Link("a", "early", "b"), Link("b", "late", "a")
    assert months_round((there, back), {"early": 0, "late": 1}) == 1
    assert months_round((there, back), {"early": 1, "late": 0}) == 1
    assert months_round((Link("a", "one", "a"),), {"one": 0}) == 1


# What is found.


def test_every_listed_loop_is_found() -> None:
    """Each has a closed way of declared links, with its sign, through a link that its switch cuts."""
    told = found()
    assert not told.missing
    assert [one.name for one in told.listed] == [loop.name for loop in LOOPS]
    every = set(told.declared.links)
    for one, loop in zip(told.listed, LOOPS, strict=True):
        assert one.sign == (1 if loop.sign == "+" else -1), one.name
        assert set(one.cycle) <= every
        assert set(one.cycle) & set(one.cut), one.name
        assert all(a.target == b.source for a, b in zip(one.cycle, (*one.cycle[1:], one.cycle[0]), strict=True))
        assert one.months >= 1
        told_in = {"sim." + file.removesuffix(".py").replace("/", ".") for file in loop.files}
        assert told_in & {REGISTRY.entries[name].module for name in one.mechanisms}, one.name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mechanism", "column", "lost"),
    [
        ("burnout", "services.workload", "R3"),
        ("rationing", "services.queue", "R2"),
        ("leaders", "places.energy", "R6"),
        ("failure_demand", "tally.asked", "R4"),
    ],
)
def test_a_declaration_taken_away_takes_its_loop_away(mechanism: str, column: str, lost: str) -> None:
    """Without the column that closes it among a mechanism's reads, a loop is not found: nothing else lists it."""
    entry = REGISTRY.entries[mechanism]
    assert column in entry.reads
    less = replace(entry, reads=tuple(c for c in entry.reads if c != column))
    if mechanism == "rationing":  # posts alone close the same loop, by another way
        less = replace(less, reads=())
    told = declared([less if one.name == mechanism else one for one in REGISTRY.month()])
    there = loop_map([town(2_000, SEEDS[0])], SEEDS[:1], calibrated().params, told)
    assert lost in {loop.name for loop in there.missing}


def test_nothing_that_is_found_goes_untold() -> None:
    """Each link that lies on a loop and acts is on a loop that is told, listed or other, each with its mechanisms."""
    told = found()
    covered = {link for one in (*told.listed, *told.others) for link in one.cycle}
    assert set(told.links) <= covered
    for one in told.others:
        assert is_simple(one.cycle)
        assert one.mechanisms
        assert all(REGISTRY.entries[name].claim for name in one.mechanisms)
        assert chain(told, one).count("→") == len(one.cycle)
    for link in told.untried:
        assert "population" in (link.source, link.target)


@pytest.mark.parametrize(
    ("source", "mechanism", "target", "sign"),
    [
        ("need", "support", "support", -1),
        ("support", "need", "need", -1),
        ("exposure", "need", "need", 1),
        ("practice", "need", "need", -1),
        ("queue", "rationing", "threshold", 1),
        ("threshold", "help_seeking", "trust", -1),
        ("trust", "help_seeking", "requests", 1),
        ("workload", "burnout", "burnout", 1),
        ("leavers", "workforce", "staff", -1),
        ("places", "queue_allocation", "calls", 1),
        ("calls", "waiting", "help", 1),
        ("shift", "passing_on", "plan", 1),
        ("crises", "resilience", "resilience", -1),
    ],
)
def test_a_link_has_the_sign_that_its_file_claims(source: str, mechanism: str, target: str, sign: int) -> None:
    """Pushing a variable moves the next one the way the mechanism's formula says."""
    assert found().acting[Link(source, mechanism, target)].sign == sign


def test_a_variable_remembers_as_long_as_its_parameter_says() -> None:
    """Delays are the mechanisms' own time constants: burnout, belief, practice and rules are smoothed over so long."""
    memory, params = found().memory, calibrated().params
    assert memory["burnout"] == pytest.approx(params["burnout"].memory, rel=0.15)
    assert memory["belief"] == pytest.approx(params["legitimacy"].slow, rel=0.02)
    assert memory["practice"] == pytest.approx(params["practice"].pace, rel=0.02)
    assert memory["rules"] == pytest.approx(params["bureaucracy"].wear, rel=0.02)
    assert memory["peers"] == pytest.approx(params["peers"].tenure, rel=0.02)
    assert memory["plan"] == memory["crises"] == memory["requests"] == 0.0


def test_debts_and_savings_are_two_halves_of_one_way() -> None:
    """R1's switch cuts what a fall of the accounts does, R7's what a rise does."""
    sides = {one.name: {cut.side for link, cut in one.cut.items() if link.target == "shift"} for one in found().listed}
    assert -1 in sides["R1"]
    assert 1 in sides["R7"]
    assert not sides["R1"] & sides["R7"] - {0}


def _told(world: Columns) -> Columns:
    """Columns that tell of the town, not of who was looked at."""
    return {
        name: array for name, array in world.items() if not name.startswith("screen.") and not name.endswith("_bound")
    }


def test_trying_changes_nothing() -> None:
    """A town that was tried all the way through a year's end is the town that was not, to the last bit."""
    params, seed = calibrated().params, 0
    tried, plain = in_one_part(town(2_000, seed)), copy(town(2_000, seed))
    told, seen = declared(), [handle(world) for world in (tried, plain)]
    month, usual = Month(params, {}), Month(params, {})
    for m in range(TRIED_IN[-1] + 2):
        clock = Clock(np.uint64(seed), np.int64(m))
        usual(plain, seen[1], clock)
        if m in TRIED_IN:
            walk(tried, month, clock, told)
        else:
            month(tried, seen[0], clock)
    assert different(_told(columns(tried)), _told(columns(plain))) == []


@pytest.mark.parametrize("amount", PUSH)
@pytest.mark.parametrize("variable", [v for v in NAMED if v.name != "population"], ids=lambda v: v.name)
def test_a_push_moves_its_variable_and_stays_in_its_columns(variable: Variable, amount: float) -> None:
    """Up is up and down is down, levels and codes stay what they may be, and nobody appears or goes."""
    world = in_one_part(town(2_000, 0))
    seen = handle(world)
    Month(calibrated().params, {})(world, seen, Clock(np.uint64(0), np.int64(0)))
    before, size = snapshot(world), variable.size(world)
    push(world, seen, variable, amount, Clock(np.uint64(0), np.int64(0)))
    assert np.sign(variable.size(world) - size) in (np.sign(amount), 0.0)
    assert world.people.level.max() <= 3
    assert (world.people.age == before["people.age"]).all()
    assert (world.tally.census >= 0).all()
    assert (world.tally.census.sum(axis=1) == before["tally.census"].sum(axis=1)).all()
    waiting = (world.people.help >= 128).sum()
    assert waiting == world.services.queue.sum() or variable.name != "queue"


# Strength and knock-outs.


def cut_by_a_fifth(years: int) -> Scenario:
    """Every line a fifth lower."""
    policy = Policy(lever="total_budget", start="2025-04", value=0.8)
    return scenario(years, [policy]).model_copy(update={"name": "cut"})


def test_strength_is_a_part_and_nothing_without_a_policy() -> None:
    """Between 0 and 1; 0 for every loop where the two worlds are the same."""
    usual, other = scenario(2), cut_by_a_fifth(2)
    params = calibrated().params
    told = strengths(found(), usual, other, lambda seed: town(PEOPLE, seed), SEEDS, params)
    assert [one.name for one in told] == [loop.name for loop in LOOPS]
    for one in told:
        assert one.years == sampled(2) == (1, 2)
        known = one.mean[np.isfinite(one.mean)]
        assert ((known >= 0.0) & (known <= 1.0)).all()
        assert np.allclose(np.nan_to_num(one.scores.prod(axis=1)), np.nan_to_num(one.mean))
    by_name = {one.name: one for one in told}
    assert by_name["R3"].mean[-1] > 0.0, "a cut wears staff out, and worn-out staff leave"
    for one in strengths(found(), usual, usual, lambda seed: town(PEOPLE, seed), SEEDS, params):
        assert not np.nan_to_num(one.mean).any()


def test_where_nothing_differs_no_loop_takes_anything_away() -> None:
    """The baseline under another name: with any loop cut, both runs are still the same."""
    usual = scenario(1)
    same = usual.model_copy(update={"name": "same"})
    knocked = knock_outs(usual, same, cuts=[("R1",), ("B1",), ("R3", "R5")], people=1_500, seeds=2, threads=1)
    for one in knocked.loops:
        assert not one.whole.any()
        assert not one.cut.any()
        assert one.at_end()["goes_away"] == 0.0
        assert one.at_end()["part"] is None
    assert knocked.loops[1].baseline.any(), "without treatment the baseline is another"


def test_what_goes_away_is_the_difference_of_differences() -> None:
    """Seed by seed: the policy's difference with the loop whole, less that with it cut; by year and at the end."""
    from sim.ensemble.compare import compare
    from sim.results.metrics import metric

    usual, other = scenario(2), cut_by_a_fifth(2)
    knocked = knock_outs(usual, other, cuts=[("R1",)], people=1_500, seeds=2, threads=1)
    (one,) = knocked.loops
    acute = metric("acute_demand")
    for disabled, told in (((), one.whole), (("R1",), one.cut)):
        result = compare(usual, other, people=1_500, seeds=2, disabled=disabled)
        assert (result.values("cut", acute) - result.values(usual.name, acute) == told).all()
    end = one.at_end()
    assert end["goes_away"] == pytest.approx((one.whole - one.cut).mean(), abs=1e-8)
    assert end["whole"] == pytest.approx(end["without"] + end["goes_away"], abs=1e-8)
    assert end["goes_away_low"] <= end["goes_away"] <= end["goes_away_high"]
    assert one.by_year()["goes_away"]["mean"].shape == (2,)


def test_a_loop_that_is_not_there_is_refused() -> None:
    """A name that is neither a loop nor a mechanism is told with what there is."""
    with pytest.raises(InputError, match="R99"):
        knock_outs(scenario(1), cut_by_a_fifth(1), cuts=[("R99",)], people=1_500, seeds=1)


# Drawn and typed.


def test_the_diagram_shows_every_listed_loop() -> None:
    """Every variable and link of the listed loops is in the figure and in the Mermaid text, with sign and loops."""
    told = found()
    links = drawn_links(told)
    assert {name for names in links.values() for name in names} == {loop.name for loop in LOOPS}
    text = mermaid(told)
    pairs = {(link.source, link.target) for link in links}
    assert text.count("-->") == len(links)
    figure = diagram(told)
    drawn = " ".join(str(note.text) for note in figure.layout.annotations)
    for source, target in pairs:
        for name in (source, target):
            assert told.label(name) in text
            assert all(word in drawn for word in told.label(name).split())
    arrows = [note for note in figure.layout.annotations if note.showarrow]
    assert len(arrows) == len(pairs)


def test_loops_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` has the map with every listed loop, one knock-out with its interval, and nothing else on the output."""
    from sim.cli import command

    typed = ["loops", "salami-slice", "--without", "R1", "--people", "1500", "--years", "2", "--seeds", "2", "--json"]
    assert command(typed) == 0
    told = json.loads(capsys.readouterr().out)
    assert [loop["name"] for loop in told["loops"]] == [loop.name for loop in LOOPS]
    assert told["not_found"] == []
    (row,) = told["knock_outs"]
    assert row["cut"] == ["R1"]
    assert row["goes_away_low"] <= row["goes_away"] <= row["goes_away_high"]
    assert [year["year"] for year in row["by_year"]["without"]] == [1, 2]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["loops", "salami-slice", "--without", "R99"], "R99"),
        (["loops", "salami-slice", "--metric", "happiness"], "happiness"),
        (["loops", "no-such-scenario"], "no-such-scenario"),
    ],
)
def test_what_is_typed_wrong_is_refused(typed: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 and one line that names what came, before anything is run."""
    from sim.cli import command

    assert command(typed) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err


def test_arithmetic_changes_no_probability_so_it_is_no_link() -> None:
    """The phases that find who is looked at have no mechanism in the map."""
    assert not {entry.phase for entry in declared().month} & {Phase.REMEMBER, Phase.REFRESH, Phase.CANDIDATE_THINNING}
