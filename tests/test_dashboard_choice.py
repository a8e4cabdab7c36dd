"""A visitor's choice: as a link, as a scenario's file, as lines of Python, and as the status while runs continue."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dash import no_update
from fakes import LEVERS, METRICS, SCENARIOS, FakeModel, wait_for_jobs
from hypothesis import given as for_all
from hypothesis import strategies as st

import sim
from dashboard import controls, reproduce, summary
from dashboard.choice import Choice, checked, choice_data, default_choice, read_link, write_link
from dashboard.lever_settings import TargetGroup
from dashboard.model import BASELINE, YOURS, ModelIndex, RunRequest, Settings, run
from dashboard.pages.control_callbacks import PARTS, page_status
from dashboard.pages.results import View
from dashboard.store import JobState, Store


@pytest.fixture(scope="module")
def index() -> ModelIndex:
    """The index of the fake model."""
    return ModelIndex(FakeModel(), Settings())


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    """Any choice that a visitor can make."""
    levers = {}
    for lever in LEVERS:
        if draw(st.booleans()):
            steps = round((lever.high - lever.low) / lever.step)
            value = round(lever.low + lever.step * draw(st.integers(0, steps)), 6)
            if value != lever.baseline:
                levers[lever.name] = value
    policies = [name for name in SCENARIOS if name != "baseline"]
    drawn_already = ("acute_demand", "spend_acute", "spend_responsive", "spend_preventive", "spend_community")
    measures = [metric.name for metric in METRICS if metric.name not in drawn_already]
    compared = draw(st.sets(st.sampled_from(policies), max_size=3))
    shown = draw(st.sets(st.sampled_from(measures), max_size=6))
    targets = {}
    for lever in LEVERS:
        if lever.name in levers and draw(st.booleans()):
            services = draw(st.sets(st.sampled_from(("gp", "youth")))) if "service" in lever.aims else set()
            fifths = draw(st.sets(st.integers(1, 5), max_size=4)) if "where" in lever.aims else set()
            ages = draw(st.sampled_from((None, (0, 17), (18, 64), (18, 109)))) if "who" in lever.aims else None
            target = TargetGroup(tuple(sorted(services)), tuple(sorted(fifths)), ages)
            if target != TargetGroup():
                targets[lever.name] = target
    return Choice(
        place=draw(st.sampled_from(("anytown", "wigan"))),
        seeds=draw(st.sampled_from((5, 10, 20, 40))),
        scenarios=tuple(name for name in policies if name in compared),
        levers=levers,
        services=tuple(name for name in measures if name in shown),
        targets=targets,
        start=draw(st.sampled_from(tuple(f"{year}-04" for year in range(2025, 2035)))),
        over_months=draw(st.sampled_from((1, 12, 24, 60))),
        lasts_months=draw(st.sampled_from((None, 12, 24, 120))),
        draws=draw(st.sampled_from(("all", "none"))),
        year=draw(st.sampled_from((3, 5, 10, 20))),
    )


@for_all(choice=choices())
def test_a_link_restores_the_choice(index: ModelIndex, choice: Choice) -> None:
    """A choice written as a link, or as data, is read back exactly."""
    assert read_link(write_link(choice, index), index) == (choice, [])
    assert checked(json.loads(json.dumps(choice_data(choice))), index) == (choice, [])


@for_all(query=st.text(max_size=200) | st.from_regex(r"\?([a-z.]{1,12}=[^&]{0,12}&?){0,6}"))
def test_any_link_gives_a_choice(index: ModelIndex, query: str) -> None:
    """Any text gives a choice, and each message is one short sentence."""
    choice, said = read_link(query, index)

    assert choice.place in ("anytown", "wigan")
    assert all(0 < len(sentence) < 600 and "Traceback" not in sentence for sentence in said)


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("?place=atlantis", "atlantis"),
        ("?seeds=1000000", "seeds"),
        ("?seeds=nan", "seeds"),
        ("?draws=mechanisms", "choice of parameters called 'mechanisms'"),
        ("?compare=baseline,nothing", "nothing"),
        ("?show=moon", "moon"),
        ("?policies.prevention_share=7", "Prevention share"),
        ("?policies.prevention_share=inf", "Prevention share"),
        ("?policies.prevention_share=<script>", "Prevention share"),
        ("?policies.magic=1", "magic"),
        ("?policies.voice=1", "voice is now called resident_voice"),
        ("?start=1999-01", "1999-01"),
        ("?over=7", "full effect"),
        ("?lasts=never", "shocks last"),
        ("?service.threshold=gp", "moved lever"),
        ("?colour=red", "colour"),
        ("?place=" + "x" * 10_000, "too long"),
        ("?place=%ff%fe", "could not be read"),
    ],
)
def test_an_error_in_a_link_is_reported(index: ModelIndex, query: str, word: str) -> None:
    """A wrong part of a link is named in a sentence, and replaced by the default."""
    choice, said = read_link(query, index)

    assert any(word in sentence for sentence in said)
    assert max(map(len, said)) < 300
    assert (choice.place, choice.levers) == ("anytown", {})


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("service.threshold=moon", "moon"),
        ("fifths.threshold=6", "fifth called '6'"),
        ("ages.threshold=20-30", "first age of a band"),
        ("ages.threshold=old", "first age of a band"),
        ("ages.caseload=0-17", "cannot be limited to some ages"),
    ],
)
def test_an_error_in_a_target_is_reported(index: ModelIndex, query: str, word: str) -> None:
    """A wrong target is named in a sentence; the lever stays moved, for everybody."""
    choice, said = read_link(f"?policies.threshold=0.6&policies.caseload=10&{query}", index)

    assert any(word in sentence for sentence in said)
    assert set(choice.levers) == {"threshold", "caseload"}
    assert choice.targets == {}


def test_a_lever_that_needs_a_service_is_not_run_without_one(index: ModelIndex) -> None:
    """A grant without a service is not run; with a service it is."""
    waiting, _ = read_link("?policies.grant=20", index)
    assert waiting.levers == {"grant": 20.0}
    assert all(job.scenario != YOURS for job in waiting.jobs(index))

    complete, _ = read_link("?policies.grant=20&service.grant=gp", index)
    assert complete.jobs(index)[0].lever_settings[0].as_policy() == {
        "lever": "grant", "shift": 20.0, "start": "2026-04", "over_months": 24, "service": ["gp"]
    }  # fmt: skip


def test_shocks_start_at_once_and_end(index: ModelIndex) -> None:
    """A shock has no gradual start, and ends after its duration unless it lasts to the end."""

    def until(query: str) -> str | None:
        move = read_link(f"?policies.recession=3&{query}", index)[0].lever_settings(index)[0]
        assert move.over_months == 1
        return move.until

    assert until("") == "2028-04"
    assert until("start=2030-04&lasts=12") == "2031-04"
    assert until("lasts=end") is None
    assert until("start=2034-04&lasts=120") == "2044-04"


# The same without the dashboard.


def test_the_scenarios_file_is_the_policy_that_the_page_runs(tmp_path: Path) -> None:
    """The scenario's file, read by the model, has the same policies, place, dates and targets as the dashboard."""
    real = ModelIndex(sim, Settings(people=4000, years=8))
    query = (
        "?place=wigan&policies.threshold=0.5&service.threshold=camhs,home_care&fifths.threshold=1,2"
        "&ages.threshold=0-17&policies.grant=12&service.grant=youth_work&policies.prevention_share=-0.015"
        "&policies.recession=3&start=2027-04&over=36&lasts=12&draws=none"
    )
    choice, said = read_link(query, real)
    assert said == []
    path = tmp_path / reproduce.FILE
    path.write_text(reproduce.scenario_file(choice, real))

    from_file = sim.Scenario.load(path)
    on_page = sim.Scenario.load(BASELINE)
    for move in choice.lever_settings(real):
        fields = move.as_policy()
        on_page = on_page.with_policy(fields.pop("lever"), **fields, name=YOURS)
    assert len(on_page.moves) == 4

    def moves(scenario: sim.Scenario) -> list[dict[str, Any]]:
        return sorted((move.model_dump() for move in scenario.moves), key=lambda move: str(move["lever"]))

    assert moves(from_file) == moves(on_page)
    assert [shock.lever for shock in from_file.shocks] == ["recession"]
    assert (from_file.name, from_file.place, from_file.years, from_file.people) == (YOURS, "wigan", 8, 4000)
    assert from_file.start == on_page.start
    assert reproduce.command(choice, real).startswith("upstream compare baseline ")
    assert reproduce.command(choice, real).endswith(
        "your-policy.toml --place wigan --people 4000 --years 8 --seeds 20 --seed 0 --draws none"
    )


def test_the_lines_of_python_are_the_policy_too() -> None:
    """The lines of Python, up to the run, build the scenarios of the dashboard."""
    real = ModelIndex(sim, Settings(people=4000, years=8))
    query = "?policies.threshold=0.5&fifths.threshold=1&policies.recession=3&policies.prevention_share=0.01"
    choice, _ = read_link(query, real)
    lines = reproduce.python_code(choice, real).splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(line for line in lines if not line.startswith("result")), names)

    assert names["yours"].name == YOURS
    assert [move.lever for move in names["yours"].moves] == ["prevention_share", "recession", "threshold"]
    assert names["yours"].moves[2].where.quintiles == [1]
    assert lines[-2] == (
        'result = sim.compare(before, more_acute, prevention_shift, salami_slice, yours, place="anytown", seeds=20, '
        "seed=0, people=4000, years=8)"
    )


def test_draws_are_in_the_command_unless_they_are_the_default(index: ModelIndex) -> None:
    """The command and the lines of Python state the draws if they are not the default, and only then."""
    drawn, declared = (read_link(query, index)[0] for query in ("", "?draws=none"))
    assert "draws" not in reproduce.command(drawn, index) + reproduce.python_code(drawn, index)
    assert reproduce.command(declared, index).endswith("--seed 0 --draws none")
    assert 'seed=0, draws="none")' in reproduce.python_code(declared, index)
    assert {job.draws for job in declared.jobs(index)} == {"none"}
    assert not {job.digest for job in drawn.jobs(index)} & {job.digest for job in declared.jobs(index)}


def test_the_page_passes_its_draws_to_the_model(index: ModelIndex) -> None:
    """A run on the page has the draws of the choice; their number and place are in its document."""
    for query, draws in (("", "all"), ("?draws=none", "none")):
        requested = read_link(query, index)[0].jobs(index)[0]
        assert run(index, requested, lambda *_: None)["draws"] == draws


# The status while runs continue.


def test_a_quick_result_is_shown_until_every_seed_is_done(index: ModelIndex, make_store: Callable[..., Store]) -> None:
    """Results of a few seeds are shown when they are complete, then those of all seeds; never a mixture."""
    choice = replace(default_choice(index), levers={"threshold": 0.6}, scenarios=("austerity",))
    quick, full = choice.quick_jobs(index), choice.jobs(index)
    assert [job.seeds for job in (*quick, *full)] == [4, 4, 20, 20]
    store = make_store(lambda request, progress: {"of": request.scenario})

    def drawn_next(shown: View) -> Any:
        """The view to draw next when all parts have drawn the last."""
        data = page_status(choice, index, store, shown, [shown] * len(PARTS))[-1]
        return data if data is no_update else View.of_data(data)

    def run(*jobs: RunRequest) -> None:
        store.submit("me", jobs)
        wait_for_jobs(store, *jobs)

    old = View(("another policy's digest",), 20)
    run(full[1])
    assert drawn_next(old) is no_update  # the visitor's policy is missing, so that nothing new can be shown
    run(*quick)
    first = drawn_next(old)
    assert first == View(tuple(job.digest for job in quick), 20)
    assert drawn_next(first) is no_update
    run(full[0])
    last = drawn_next(first)
    assert last == View(tuple(job.digest for job in full), 20)
    for drawn in ([last, first, last], [last, last, first], [last, last, View()]):
        assert page_status(choice, index, store, last, drawn)[0] == "Drawing…"  # one part still shows other numbers
    assert page_status(choice, index, store, last, [last] * len(PARTS))[:3] == (
        "Up to date.", "100", "progress settled"
    )  # fmt: skip
    earlier = replace(choice, year=5)
    assert View.of_data(page_status(earlier, index, store, last, [last] * 3)[-1]) == last._replace(year=5)


def test_compilation_is_reported() -> None:
    """While the model compiles the status states that; afterwards it counts runs."""
    warm: list[bool] = []
    cold = ModelIndex(FakeModel(), Settings(), lambda: bool(warm))
    choice = default_choice(cold)
    states = [JobState("running", 0, 40, "getting ready"), *[JobState("waiting")] * 2]
    assert summary.progress(choice, cold, choice.jobs(cold), states)[0].startswith("Compiling the model")
    warm.append(True)
    assert summary.progress(choice, cold, choice.jobs(cold), states) == (
        "Calibrating the parameters of each run… “Salami slice”: 0 of 40 steps done (20 seeds)", 0
    )  # fmt: skip


def test_calibration_is_reported(index: ModelIndex) -> None:
    """While the draws are calibrated the status states that; runs with the parameters as declared count runs."""
    choice = default_choice(index)
    states = [JobState("running", 3, 72, "calibrating the draw of seed 3"), *[JobState("waiting")] * 2]
    assert summary.progress(choice, index, choice.jobs(index), states)[0] == (
        "Calibrating the parameters of each run… “Salami slice”: 3 of 72 steps done (20 seeds)"
    )
    declared = replace(choice, draws="none")
    states[0] = JobState("running", 3, 40)
    assert summary.progress(declared, index, declared.jobs(index), states)[0] == (
        "Updating… “Salami slice”: 3 of 40 runs done (20 seeds)"
    )


def test_few_seeds_have_no_quick_result(index: ModelIndex) -> None:
    """With few seeds there is no quick result, as it would save little time."""
    assert replace(default_choice(index), seeds=5).quick_jobs(index) == ()
    assert len(replace(default_choice(index), seeds=10).quick_jobs(index)) == 3


def test_an_authority_runs_with_its_mix_and_fewer_people(index: ModelIndex) -> None:
    """The page offers English authorities beside the places with a file, and runs 30,000 people of their mix."""
    assert index.places == ("anytown", "wigan", "leeds")
    choice, said = read_link("?place=leeds", index)
    assert said == []
    assert {job.people for job in choice.jobs(index)} == {30_000}
    assert "--place leeds --people 30000" in reproduce.command(choice, index)
    assert {job.people for job in read_link("?place=wigan", index)[0].jobs(index)} == {None}
    (select,) = [c for c in controls.panel(index)[2].children if getattr(c, "id", "") == "compare-place"]
    assert select.searchable
    assert [item["label"] for group in select.data for item in group["items"]] == ["Anytown", "Wigan", "Leeds"]
