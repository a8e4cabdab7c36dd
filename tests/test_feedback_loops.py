"""Feedback loops: detected from declarations of mechanisms, with measured signs, and knocked out on paired seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from strategies import Columns, calibrated, columns, different, scenario, snapshot, town

from sim.analysis.feedback_loops import LoopMap, loop_map
from sim.analysis.feedback_loops.diagram import chain, diagram, diagram_links, mermaid
from sim.analysis.feedback_loops.gains import PUSH, measure_month
from sim.analysis.feedback_loops.knock_out import knock_outs
from sim.analysis.feedback_loops.links import Link, declared_graph, in_loops, is_simple, months_round, round_trips
from sim.analysis.feedback_loops.loops import TRIAL_MONTHS
from sim.analysis.feedback_loops.strength import sampled_years, strengths
from sim.analysis.feedback_loops.variables import ARITHMETIC, NAMED, Variable, exclusion_reason, push
from sim.engine.schedule import REGISTRY, Clock, Phase
from sim.ensemble.compare import in_one_part
from sim.feedback.loops import LOOPS
from sim.scenario.policy import Policy
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError
from sim.simulation.month import Month
from sim.state.world import all_tables, handle
from sim.world.build import copy

PEOPLE, SEEDS = 3_000, (0, 1)


@lru_cache(maxsize=1)
def small_towns_map() -> LoopMap:
    """The loop map of two small towns."""
    return loop_map([town(PEOPLE, seed) for seed in SEEDS], SEEDS, calibrated().params)


def links_of(pairs: Sequence[str]) -> list[Link]:
    """Links from texts 'a>b', each by a different mechanism."""
    return [Link(pair[0], f"m{k}", pair[2]) for k, pair in enumerate(pairs)]


# Declared links.


def test_links_are_what_mechanisms_declare() -> None:
    """A link leads from a column that its mechanism reads or writes to one that it writes; levers have no links."""
    graph = declared_graph()
    assert len(graph.links) > 300
    for link in graph.links:
        entry = REGISTRY.entries[link.mechanism]
        assert entry.lever is None
        assert set(graph.variables[link.source].columns) & {*entry.reads, *entry.writes}
        assert set(graph.variables[link.target].columns) & set(entry.writes)


def test_every_column_is_a_variable_or_is_excluded() -> None:
    """A column that a mechanism writes is part of a variable, or has a reason for its exclusion; names are unique."""
    graph = declared_graph()
    inside = {column for variable in graph.variables.values() for column in variable.columns}
    for entry in REGISTRY.month():
        if entry.lever is None and entry.phase not in ARITHMETIC:
            for column in entry.writes:
                assert column in inside or exclusion_reason(column), column
    names = [variable.name for variable in NAMED]
    assert len(set(names)) == len(names)
    for variable in NAMED:
        for column in variable.columns:
            table, name = column.split(".")
            assert name in all_tables()[table]._fields, column


def test_a_new_column_is_a_new_variable() -> None:
    """A new mechanism with a new column closes loops without any list."""
    writer = replace(REGISTRY.entries["legitimacy"], name="rumour", writes=("places.rumour",), reads=("people.trust",))
    reader = replace(REGISTRY.entries["trust"], name="hearsay", writes=("people.trust",), reads=("places.rumour",))
    graph = declared_graph([writer, reader])
    assert "places.rumour" in graph.variables
    assert Link("trust", "rumour", "places.rumour") in in_loops(graph.links)
    assert Link("places.rumour", "hearsay", "trust") in in_loops(graph.links)


def test_round_trips_are_shortest_first_and_use_no_link_twice() -> None:
    """In two triangles that share a corner, the round trips from a link are its triangle, then both together."""
    links = links_of(["a>b", "b>c", "c>a", "a>d", "d>e", "e>a"])
    around = list(round_trips(links[0], links, 6))
    assert [[link.target for link in way] for way in around] == [["b", "c", "a"], ["b", "c", "a", "d", "e", "a"]]
    assert [is_simple(way) for way in around] == [True, False]
    assert in_loops([*links, *links_of(["a>x"])]) == links


def test_a_loop_takes_a_month_if_the_reader_runs_first() -> None:
    """In a loop of two, the earlier mechanism of a month reads the value that the later one wrote last month."""
    forward, backward = Link("a", "early", "b"), Link("b", "late", "a")
    assert months_round((forward, backward), {"early": 0, "late": 1}) == 1
    assert months_round((forward, backward), {"early": 1, "late": 0}) == 1
    assert months_round((Link("a", "single", "a"),), {"single": 0}) == 1


# Detected loops.


def test_every_listed_loop_is_detected() -> None:
    """Each listed loop is a closed path of declared links, with its sign, through a link that its knock-out cuts."""
    result = small_towns_map()
    assert not result.missing
    assert [detected.name for detected in result.listed] == [loop.name for loop in LOOPS]
    every = set(result.declared.links)
    for detected, loop in zip(result.listed, LOOPS, strict=True):
        assert detected.sign == (1 if loop.sign == "+" else -1), detected.name
        assert set(detected.cycle) <= every
        assert set(detected.cycle) & set(detected.cut), detected.name
        assert all(
            a.target == b.source for a, b in zip(detected.cycle, (*detected.cycle[1:], detected.cycle[0]), strict=True)
        )
        assert detected.months >= 1
        modules = {"sim." + file.removesuffix(".py").replace("/", ".") for file in loop.files}
        assert modules & {REGISTRY.entries[name].module for name in detected.mechanisms}, detected.name


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
def test_a_loop_needs_its_declarations(mechanism: str, column: str, lost: str) -> None:
    """Without the column that closes it in a mechanism's `reads`, a loop is not detected."""
    entry = REGISTRY.entries[mechanism]
    assert column in entry.reads
    less = replace(entry, reads=tuple(c for c in entry.reads if c != column))
    if mechanism == "rationing":  # posts alone close the same loop, by another way
        less = replace(less, reads=())
    graph = declared_graph(
        [less if mechanism_entry.name == mechanism else mechanism_entry for mechanism_entry in REGISTRY.month()]
    )
    result = loop_map([town(2_000, SEEDS[0])], SEEDS[:1], calibrated().params, graph)
    assert lost in {loop.name for loop in result.missing}


def test_every_acting_link_is_on_a_reported_loop() -> None:
    """Each acting link on a loop is on a reported loop, listed or other; each of those has its mechanisms."""
    result = small_towns_map()
    covered = {link for loop in (*result.listed, *result.others) for link in loop.cycle}
    assert set(result.links) <= covered
    for loop in result.others:
        assert is_simple(loop.cycle)
        assert loop.mechanisms
        assert all(REGISTRY.entries[name].claim for name in loop.mechanisms)
        assert chain(result, loop).count("→") == len(loop.cycle)
    for link in result.untried:
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
    """A push of a variable moves the next one in the direction of the mechanism's formula."""
    assert small_towns_map().acting[Link(source, mechanism, target)].sign == sign


def test_the_memory_of_a_variable_is_its_time_constant() -> None:
    """The measured memory of smoothed variables is the time constant of their mechanism; of others it is 0."""
    memory, params = small_towns_map().memory, calibrated().params
    assert memory["burnout"] == pytest.approx(params["burnout"].memory, rel=0.15)
    assert memory["belief"] == pytest.approx(params["legitimacy"].slow, rel=0.02)
    assert memory["practice"] == pytest.approx(params["practice"].pace, rel=0.02)
    assert memory["rules"] == pytest.approx(params["bureaucracy"].wear, rel=0.02)
    assert memory["peers"] == pytest.approx(params["peers"].tenure, rel=0.02)
    assert memory["plan"] == memory["crises"] == memory["requests"] == 0.0


def test_debts_and_savings_are_two_sides_of_one_path() -> None:
    """R1's knock-out cuts the effect of a fall of the accounts, R7's that of a rise."""
    sides = {
        loop.name: {cut.side for link, cut in loop.cut.items() if link.target == "shift"}
        for loop in small_towns_map().listed
    }
    assert -1 in sides["R1"]
    assert 1 in sides["R7"]
    assert not sides["R1"] & sides["R7"] - {0}


def _columns_of_the_town(world: Columns) -> Columns:
    """Columns of the town, without scratch and thinning bounds."""
    return {
        name: array for name, array in world.items() if not name.startswith("screen.") and not name.endswith("_bound")
    }


def test_measuring_gains_changes_nothing() -> None:
    """A town whose gains are measured through the end of a year is the same, to the last bit, as without."""
    params, seed = calibrated().params, 0
    tested, plain = in_one_part(town(2_000, seed)), copy(town(2_000, seed))
    graph, handles = declared_graph(), [handle(world) for world in (tested, plain)]
    month, plain_month = Month(params, {}), Month(params, {})
    for m in range(TRIAL_MONTHS[-1] + 2):
        clock = Clock(np.uint64(seed), np.int64(m))
        plain_month(plain, handles[1], clock)
        if m in TRIAL_MONTHS:
            measure_month(tested, month, clock, graph)
        else:
            month(tested, handles[0], clock)
    assert different(_columns_of_the_town(columns(tested)), _columns_of_the_town(columns(plain))) == []


@pytest.mark.parametrize("amount", PUSH)
@pytest.mark.parametrize("variable", [v for v in NAMED if v.name != "population"], ids=lambda v: v.name)
def test_a_push_moves_its_variable_and_stays_in_its_columns(variable: Variable, amount: float) -> None:
    """A push moves the variable in its direction, keeps levels and codes valid, and adds or removes nobody."""
    world = in_one_part(town(2_000, 0))
    w = handle(world)
    Month(calibrated().params, {})(world, w, Clock(np.uint64(0), np.int64(0)))
    before, size = snapshot(world), variable.size(world)
    push(world, w, variable, amount, Clock(np.uint64(0), np.int64(0)))
    assert np.sign(variable.size(world) - size) in (np.sign(amount), 0.0)
    assert world.people.level.max() <= 3
    assert (world.people.age == before["people.age"]).all()
    assert (world.tally.census >= 0).all()
    assert (world.tally.census.sum(axis=1) == before["tally.census"].sum(axis=1)).all()
    waiting = (world.people.help >= 128).sum()
    assert waiting == world.services.queue.sum() or variable.name != "queue"


# Strength and knock-outs.


def cut_by_a_fifth(years: int) -> Scenario:
    """Every budget a fifth lower."""
    policy = Policy(lever="total_budget", start="2025-04", value=0.8)
    return scenario(years, [policy]).model_copy(update={"name": "cut"})


def test_strength_is_a_share_and_zero_without_a_policy() -> None:
    """The strength of a loop is between 0 and 1, and 0 if the two worlds are the same."""
    baseline, cut = scenario(2), cut_by_a_fifth(2)
    params = calibrated().params
    result = strengths(small_towns_map(), baseline, cut, lambda seed: town(PEOPLE, seed), SEEDS, params)
    assert [strength.name for strength in result] == [loop.name for loop in LOOPS]
    for strength in result:
        assert strength.years == sampled_years(2) == (1, 2)
        known = strength.mean[np.isfinite(strength.mean)]
        assert ((known >= 0.0) & (known <= 1.0)).all()
        assert np.allclose(np.nan_to_num(strength.scores.prod(axis=1)), np.nan_to_num(strength.mean))
    by_name = {strength.name: strength for strength in result}
    assert by_name["R3"].mean[-1] > 0.0, "a cut burns staff out, and burnt-out staff leave"
    for strength in strengths(small_towns_map(), baseline, baseline, lambda seed: town(PEOPLE, seed), SEEDS, params):
        assert not np.nan_to_num(strength.mean).any()


def test_knock_outs_of_the_baseline_have_no_effect() -> None:
    """For the baseline under another name, both runs are the same with any loop knocked out."""
    baseline = scenario(1)
    same = baseline.model_copy(update={"name": "same"})
    knocked = knock_outs(baseline, same, cuts=[("R1",), ("B1",), ("R3", "R5")], people=1_500, seeds=2, threads=1)
    for loop in knocked.loops:
        assert not loop.with_loop.any()
        assert not loop.without_loop.any()
        assert loop.at_end()["goes_away"] == 0.0
        assert loop.at_end()["part"] is None
    assert knocked.loops[1].baseline.any(), "without B1 the baseline differs"


def test_a_knock_out_is_a_difference_of_differences() -> None:
    """The effect of a loop is, seed by seed, the policy's difference with the loop less that without it."""
    from sim.ensemble.compare import compare
    from sim.results.metrics import metric

    baseline, cut = scenario(2), cut_by_a_fifth(2)
    knocked = knock_outs(baseline, cut, cuts=[("R1",)], people=1_500, seeds=2, threads=1)
    (loop,) = knocked.loops
    acute = metric("acute_demand")
    for disabled, expected in (((), loop.with_loop), (("R1",), loop.without_loop)):
        result = compare(baseline, cut, people=1_500, seeds=2, disabled=disabled, draws="none")
        assert (result.values("cut", acute) - result.values(baseline.name, acute) == expected).all()
    end = loop.at_end()
    assert end["goes_away"] == pytest.approx((loop.with_loop - loop.without_loop).mean(), abs=1e-8)
    assert end["whole"] == pytest.approx(end["without"] + end["goes_away"], abs=1e-8)
    assert end["goes_away_low"] <= end["goes_away"] <= end["goes_away_high"]
    assert loop.by_year()["goes_away"]["mean"].shape == (2,)


def test_an_unknown_loop_is_refused() -> None:
    """A name that is neither a loop nor a mechanism is an error."""
    with pytest.raises(InputError, match="R99"):
        knock_outs(scenario(1), cut_by_a_fifth(1), cuts=[("R99",)], people=1_500, seeds=1)


# Diagram and command line.


def test_the_diagram_shows_every_listed_loop() -> None:
    """Every variable and link of the listed loops is in the figure and in the Mermaid text, with sign and loops."""
    result = small_towns_map()
    links = diagram_links(result)
    assert {name for names in links.values() for name in names} == {loop.name for loop in LOOPS}
    text = mermaid(result)
    pairs = {(link.source, link.target) for link in links}
    assert text.count("-->") == len(links)
    figure = diagram(result)
    drawn = " ".join(str(note.text) for note in figure.layout.annotations)
    for source, target in pairs:
        for name in (source, target):
            assert result.label(name) in text
            assert all(word in drawn for word in result.label(name).split())
    arrows = [note for note in figure.layout.annotations if note.showarrow]
    assert len(arrows) == len(pairs)


def test_loops_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` has the map with every listed loop, and the knock-out with its interval, on standard output."""
    from sim.cli import command

    args = ["loops", "salami-slice", "--knock-out", "R1", "--people", "1500", "--years", "2", "--seeds", "2", "--json"]
    assert command(args) == 0
    document = json.loads(capsys.readouterr().out)
    assert [loop["name"] for loop in document["loops"]] == [loop.name for loop in LOOPS]
    assert document["not_found"] == []
    (row,) = document["knock_outs"]
    assert row["cut"] == ["R1"]
    assert row["goes_away_low"] <= row["goes_away"] <= row["goes_away_high"]
    assert [year["year"] for year in row["by_year"]["without"]] == [1, 2]


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["loops", "salami-slice", "--knock-out", "R99"], "R99"),
        (["loops", "salami-slice", "--metric", "happiness"], "happiness"),
        (["loops", "no-such-scenario"], "no-such-scenario"),
    ],
)
def test_wrong_arguments_are_refused(args: list[str], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 and one line that names the wrong value, before anything is run."""
    from sim.cli import command

    assert command(args) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert part in output.err


def test_phases_of_arithmetic_have_no_links() -> None:
    """The phases that compute bounds and candidates have no mechanism in the map: they change no probability."""
    assert not {entry.phase for entry in declared_graph().month} & {
        Phase.REMEMBER,
        Phase.REFRESH,
        Phase.CANDIDATE_THINNING,
    }
