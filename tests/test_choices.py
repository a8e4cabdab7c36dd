"""What a visitor chose: as a link, as a scenario's file, as lines of Python, and as what is shown while runs last."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dash import no_update
from fakes import LEVERS, METRICS, SCENARIOS, Pretend, settled
from hypothesis import given
from hypothesis import strategies as st

import sim
from dashboard import recipe, words
from dashboard.choice import Choice, checked, loose, read_link, usual, write_link
from dashboard.model import BASELINE, YOURS, ModelIndex, RunRequest, Settings
from dashboard.moves import Aim
from dashboard.pages.wiring import look
from dashboard.store import JobState, Store


@pytest.fixture(scope="module")
def book() -> ModelIndex:
    """The pretended model's book."""
    return ModelIndex(Pretend(), Settings())


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    """Anything a visitor can choose."""
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
    aims = {}
    for lever in LEVERS:
        if lever.name in levers and draw(st.booleans()):
            services = draw(st.sets(st.sampled_from(("gp", "youth")))) if "service" in lever.aims else set()
            fifths = draw(st.sets(st.integers(1, 5), max_size=4)) if "where" in lever.aims else set()
            ages = draw(st.sampled_from((None, (0, 17), (18, 64), (18, 109)))) if "who" in lever.aims else None
            aim = Aim(tuple(sorted(services)), tuple(sorted(fifths)), ages)
            if aim != Aim():
                aims[lever.name] = aim
    return Choice(
        place=draw(st.sampled_from(("anytown", "wigan"))),
        seeds=draw(st.sampled_from((5, 10, 20, 40))),
        scenarios=tuple(name for name in policies if name in compared),
        levers=levers,
        services=tuple(name for name in measures if name in shown),
        aims=aims,
        start=draw(st.sampled_from(tuple(f"{year}-04" for year in range(2025, 2035)))),
        over_months=draw(st.sampled_from((1, 12, 24, 60))),
        lasts_months=draw(st.sampled_from((None, 12, 24, 120))),
    )


@given(choice=choices())
def test_a_link_gives_the_choice_again(book: ModelIndex, choice: Choice) -> None:
    """Choice to link to choice is exact."""
    assert read_link(write_link(choice, book), book) == (choice, [])
    assert checked(json.loads(json.dumps(loose(choice))), book) == (choice, [])


@given(query=st.text(max_size=200) | st.from_regex(r"\?([a-z.]{1,12}=[^&]{0,12}&?){0,6}"))
def test_no_link_is_too_odd(book: ModelIndex, query: str) -> None:
    """Whatever the text, there is a choice, and every complaint is one short sentence."""
    choice, said = read_link(query, book)

    assert choice.place in ("anytown", "wigan")
    assert all(0 < len(sentence) < 600 and "Traceback" not in sentence for sentence in said)


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("?place=atlantis", "atlantis"),
        ("?seeds=1000000", "seeds"),
        ("?seeds=nan", "seeds"),
        ("?compare=baseline,nothing", "nothing"),
        ("?show=moon", "moon"),
        ("?policies.prevention_share=7", "Prevention share"),
        ("?policies.prevention_share=inf", "Prevention share"),
        ("?policies.prevention_share=<script>", "Prevention share"),
        ("?policies.magic=1", "magic"),
        ("?start=1999-01", "1999-01"),
        ("?over=7", "full force"),
        ("?lasts=never", "shocks last"),
        ("?service.threshold=gp", "lever that is moved"),
        ("?colour=red", "colour"),
        ("?place=" + "x" * 10_000, "too long"),
        ("?place=%ff%fe", "could not be read"),
    ],
)
def test_a_bad_link_says_what_is_wrong_with_it(book: ModelIndex, query: str, word: str) -> None:
    """One sentence that names the part, and the page's usual values in its place."""
    choice, said = read_link(query, book)

    assert any(word in sentence for sentence in said)
    assert max(map(len, said)) < 300
    assert (choice.place, choice.levers) == ("anytown", {})


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("service.threshold=moon", "moon"),
        ("fifths.threshold=6", "fifth called '6'"),
        ("ages.threshold=20-30", "first of one band"),
        ("ages.threshold=old", "first of one band"),
        ("ages.caseload=0-17", "cannot be aimed at some ages"),
    ],
)
def test_a_bad_aim_says_what_is_wrong_with_it(book: ModelIndex, query: str, word: str) -> None:
    """The lever stays moved, for everybody, and one sentence names what could not be used."""
    choice, said = read_link(f"?policies.threshold=0.6&policies.caseload=10&{query}", book)

    assert any(word in sentence for sentence in said)
    assert set(choice.levers) == {"threshold", "caseload"}
    assert choice.aims == {}


def test_a_lever_that_needs_a_service_waits_for_one(book: ModelIndex) -> None:
    """Money for no service in particular is not run; told its service, it is."""
    waiting, _ = read_link("?policies.grant=20", book)
    assert waiting.levers == {"grant": 20.0}
    assert all(job.scenario != YOURS for job in waiting.jobs(book))

    told, _ = read_link("?policies.grant=20&service.grant=gp", book)
    assert told.jobs(book)[0].moves[0].told() == {
        "lever": "grant", "shift": 20.0, "start": "2026-04", "over_months": 24, "service": ["gp"]
    }  # fmt: skip


def test_shocks_come_at_once_and_end(book: ModelIndex) -> None:
    """A shock has no slow start; it ends after its time, unless that lies beyond the last year."""

    def until(query: str) -> str | None:
        move = read_link(f"?policies.recession=3&{query}", book)[0].moves(book)[0]
        assert move.over_months == 1
        return move.until

    assert until("") == "2028-04"
    assert until("start=2030-04&lasts=12") == "2031-04"
    assert until("lasts=end") is None
    assert until("start=2034-04&lasts=120") == "2044-04"


# --- the same without the page ----------------------------------------------------------------------------------------


def test_the_scenarios_file_is_the_policy_that_the_page_runs(tmp_path: Path) -> None:
    """Read by the command line, the file moves the real model's levers as the page does: place, dates, aims and all."""
    real = ModelIndex(sim, Settings(people=4000, years=8))
    query = (
        "?place=wigan&policies.threshold=0.5&service.threshold=camhs,home_care&fifths.threshold=1,2"
        "&ages.threshold=0-17&policies.grant=12&service.grant=youth_work&policies.prevention_share=-0.015"
        "&policies.recession=3&start=2027-04&over=36&lasts=12"
    )
    choice, said = read_link(query, real)
    assert said == []
    path = tmp_path / recipe.FILE
    path.write_text(recipe.scenario_file(choice, real))

    from_file = sim.Scenario.load(path)
    on_page = sim.Scenario.load(BASELINE)
    for move in choice.moves(real):
        told = move.told()
        on_page = on_page.with_policy(told.pop("lever"), **told, name=YOURS)
    assert len(on_page.moves) == 4

    def moves(scenario: sim.Scenario) -> list[dict[str, Any]]:
        return sorted((move.model_dump() for move in scenario.moves), key=lambda move: str(move["lever"]))

    assert moves(from_file) == moves(on_page)
    assert [shock.lever for shock in from_file.shocks] == ["recession"]
    assert (from_file.name, from_file.place, from_file.years, from_file.people) == (YOURS, "wigan", 8, 4000)
    assert from_file.start == on_page.start
    assert recipe.command(choice, real).startswith("upstream compare baseline ")
    assert recipe.command(choice, real).endswith(
        "your-policy.toml --place wigan --people 4000 --years 8 --seeds 20 --seed 0"
    )


def test_the_lines_of_python_are_the_policy_too() -> None:
    """Up to the run itself, the lines do what the page does."""
    real = ModelIndex(sim, Settings(people=4000, years=8))
    query = "?policies.threshold=0.5&fifths.threshold=1&policies.recession=3&policies.prevention_share=0.01"
    choice, _ = read_link(query, real)
    lines = recipe.python_code(choice, real).splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(line for line in lines if not line.startswith("result")), names)

    assert names["yours"].name == YOURS
    assert [move.lever for move in names["yours"].moves] == ["prevention_share", "recession", "threshold"]
    assert names["yours"].moves[2].where.quintiles == [1]
    assert lines[-2] == (
        'result = sim.compare(before, more_acute, prevention_shift, salami_slice, yours, place="anytown", seeds=20, '
        "seed=0, people=4000, years=8)"
    )


# --- what is shown while runs last ------------------------------------------------------------------------------------


def test_a_first_look_is_drawn_until_every_seed_is_in(book: ModelIndex, made: Callable[..., Store]) -> None:
    """The few seeds are drawn when they hold all that is wanted, and all seeds as soon as they do; never a mixture."""
    choice = replace(usual(book), levers={"threshold": 0.6}, scenarios=("austerity",))
    quick, full = choice.quick_jobs(book), choice.jobs(book)
    assert [job.seeds for job in (*quick, *full)] == [4, 4, 20, 20]
    store = made(lambda what, progress: {"of": what.scenario})

    def drawn_next(shown: list[str]) -> Any:
        return look(choice, book, store, shown, shown)[-1]

    def run(*jobs: RunRequest) -> None:
        store.want("me", jobs)
        settled(store, *jobs)

    old = ["another policy's digest"]
    run(full[1])
    assert drawn_next(old) is no_update  # without one's own there is nothing new to see
    run(*quick)
    first = drawn_next(old)
    assert first == [job.digest for job in quick]
    assert drawn_next(first) is no_update
    run(full[0])
    assert drawn_next(first) == [job.digest for job in full]
    assert look(choice, book, store, drawn_next(first), drawn_next(first))[:3] == (
        "Up to date.", "100", "progress settled"
    )  # fmt: skip


def test_a_cold_start_is_told() -> None:
    """While the model compiles the page says so; afterwards it counts runs."""
    warm: list[bool] = []
    cold = ModelIndex(Pretend(), Settings(), lambda: bool(warm))
    choice = usual(cold)
    states = [JobState("running", 0, 40, "getting ready"), *[JobState("waiting")] * 2]
    assert words.progress(choice, cold, choice.jobs(cold), states)[0].startswith("Compiling the model")
    warm.append(True)
    assert words.progress(choice, cold, choice.jobs(cold), states) == (
        "Updating… “Salami slice”: 0 of 40 runs done (20 seeds). getting ready", 0
    )  # fmt: skip


def test_few_seeds_have_no_first_look(book: ModelIndex) -> None:
    """Where a first look would save little there is none."""
    assert replace(usual(book), seeds=5).quick_jobs(book) == ()
    assert len(replace(usual(book), seeds=10).quick_jobs(book)) == 3
