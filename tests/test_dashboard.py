"""The page: its store, its links, its guard, and what a visitor sees and does in a real browser."""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from dash import no_update
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import expect
from werkzeug.serving import make_server

import sim
from dashboard import recipe, words
from dashboard.app import create_app, is_own, serve, service
from dashboard.choice import Choice, checked, loose, read_link, usual, write_link
from dashboard.levers import lever_text, slider
from dashboard.model import BASELINE, YOURS, Book, Document, Job, Progress, Settings
from dashboard.moves import Aim
from dashboard.pages.wiring import look
from dashboard.store import State, Store

if TYPE_CHECKING:
    from dash import Dash
    from playwright.sync_api import Page

expect.set_options(timeout=30_000)  # a busy machine is slow, not wrong

UNIT = "episodes per 1,000 people per year"
POUNDS = "£ per person per year"


# --- a small pretended model: names as the real one has them, arithmetic instead of people ---------------------------


@dataclass(frozen=True)
class Lever:
    name: str
    label: str
    unit: str
    low: float
    high: float
    baseline: float
    step: float
    source: str
    meaning: str
    kind: str = "value"
    section: str = "Money"
    aims: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def shock(self) -> bool:
        """Whether it happens to a place."""
        return self.section == "Shocks"


@dataclass(frozen=True)
class Metric:
    name: str
    label: str
    unit: str
    better: str | None = "down"
    decimals: int = 1
    kind: str = "service"


@dataclass(frozen=True)
class Scenario:
    name: str
    label: str
    effect: float = 0.0
    question: str = "What if?"
    reason: str = "Because the equations say so."
    years: int = 20
    start: str = "2025-04"
    policies: tuple[str, ...] = ()

    @staticmethod
    def load(name: str) -> Scenario:
        """One of the four."""
        return SCENARIOS[name]

    def with_policy(self, lever: str, *, name: str, value: float = 0.0, shift: float = 0.0, **when: Any) -> Scenario:
        """A third of a lever's move is its effect, whenever it begins."""
        assert {"start", "over_months"} <= set(when) <= {"start", "over_months", "until", "service", "where", "who"}
        found = next(other for other in LEVERS if other.name == lever)
        moved = shift or value - found.baseline
        return replace(self, name=name, label=name, effect=self.effect - moved * 0.3)


LEVERS = (
    Lever(
        "prevention_share", "Prevention share", "share", 0.0, 0.15, 0.0, 0.005, "assumed", "Moved upstream.", "shift"
    ),
    Lever(
        "threshold", "Eligibility threshold", "severity", 0.2, 0.8, 0.5, 0.05, "King’s Fund 2018", "Who is seen.",
        section="Who gets in", aims=("service", "where", "who"),
    ),
    Lever(
        "caseload", "Caseload", "people per worker", 5.0, 40.0, 20.0, 1.0, "assumed", "People each worker sees.",
        section="Who gets in", aims=("service",),
    ),
    Lever(
        "grant", "Grant", "pounds per head", 0.0, 200.0, 0.0, 1.0, "assumed", "New money for one service.", "shift",
        aims=("service", "where"), needs=("service",),
    ),
    Lever(
        "recession", "Recession", "points of unemployment", 0.0, 6.0, 0.0, 0.5, "assumed", "Fewer jobs.",
        section="Shocks", aims=("where",),
    ),
)  # fmt: skip
METRICS = (
    Metric("acute_demand", "Acute demand", UNIT),
    Metric("ae_attendances", "A&E attendances", UNIT),
    Metric("emergency_admissions", "Emergency admissions", UNIT),
    Metric("mental_health_crises", "Mental health crises", UNIT, "down", 2),
    Metric("care_home_admissions", "Care home admissions", UNIT, "down", 2),
    Metric("homeless_households", "Homeless households", "households per 1,000 people per year", "down", 2),
    Metric("children_entering_care", "Children entering care", UNIT, "down", 2),
    Metric("arrests", "Arrests", UNIT),
    Metric("need_1", "Some need or more", "share", "down", 3),
    Metric("wait_months", "Wait", "months"),
    Metric("trust", "Trust in services", "share", "up", 3),
    Metric("prevention_share", "Prevention share", "share", None, 3),
    Metric("spend_acute", "Acute spend", POUNDS, None, 0),
    Metric("spend_responsive", "Responsive spend", POUNDS, None, 0),
    Metric("spend_preventive", "Preventive spend", POUNDS, None, 0),
    Metric("spend_community", "Community spend", POUNDS, None, 0),
    Metric("spend_total", "All spend", POUNDS, None, 0),
)
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("baseline", "Baseline"),
        Scenario("salami-slice", "Salami slice", 0.05),
        Scenario("more-acute", "More acute", 0.002),
        Scenario("prevention-shift", "Prevention shift", -0.03),
        Scenario("austerity", "Austerity", 0.09),
    )
}


@dataclass
class Pretend:
    """A model with the names the page asks for. `pause` is how long a run takes, `error` what it ends with; `finished`
    are the runs that came to their end, and with how many seeds."""

    pause: float = 0.0
    error: Exception | None = None
    finished: list[tuple[str, int]] = field(default_factory=list)
    __version__: str = "0.0-pretend"
    Scenario: Any = Scenario

    levers = staticmethod(lambda: LEVERS)
    metrics = staticmethod(lambda: METRICS)
    place_names = staticmethod(lambda: ("anytown", "wigan"))
    scenario_names = staticmethod(lambda: tuple(SCENARIOS))
    lever_sections = staticmethod(lambda: ("Money", "Who gets in", "Shocks"))
    load_catalogue = staticmethod(
        lambda: (SimpleNamespace(id="gp", label="General practice"), SimpleNamespace(id="youth", label="Youth work"))
    )
    AGE_BANDS = ((0, 17), (18, 64), (65, 109))

    def compare(self, before: Scenario, *afters: Scenario, progress: Progress, **how: Any) -> Any:
        """What `sim.compare` gives, from a formula."""
        for done in range(how["seeds"]):
            time.sleep(self.pause / how["seeds"])
            progress(done, how["seeds"], "")
        if self.error is not None:
            raise self.error
        self.finished.append((f"{how['place']} {afters[0].name} {afters[0].effect:.4f}", how["seeds"]))
        made = pretended(before, afters, how["place"], how["people"] or 30000, how["years"] or 20, how["seeds"])
        return SimpleNamespace(document=lambda by: made)


def pretended(
    before: Scenario, afters: tuple[Scenario, ...], place: str, people: int, years: int, seeds: int
) -> Document:
    """A document in the real one's form: levels that wave, effects that grow over ten years."""

    def level(metric: Metric, index: int, at: float, effect: float) -> float:
        base = 0.4 if metric.unit == "share" else 300.0 if metric.unit == POUNDS else 12.0 + 480.0 / (1 + index) ** 2
        base *= 1.1 if place == "wigan" else 1.0
        turn = 1.0 - 1.0 / (index + 2) if metric.unit != POUNDS else -2.0 * (-1) ** index
        return base * (1.0 + effect * turn * min(at / 10.0, 1.0) * (1 if index < 9 else 0.5))

    def metric_record(metric: Metric, index: int, effect: float, apart: bool) -> dict[str, Any]:
        def at(time_: float) -> float:
            return level(metric, index, time_, effect) - (level(metric, index, time_, 0.0) if apart else 0.0)

        size = level(metric, index, 0.0, 0.0)
        half = size * (0.006 if apart else 0.02)
        made: dict[str, Any] = {
            "unit": metric.unit,
            "label": metric.label,
            "by_year": [
                {"year": y, "mean": at(y), "low": at(y) - half, "high": at(y) + half} for y in range(1, years + 1)
            ],
        }
        if not apart:
            months = [at(m / 12) + size * 0.01 * math.sin(m) for m in range(12 * years)]
            made |= {"mean": months, "low": [m - half for m in months], "high": [m + half for m in months]}
        return made

    def table(effect: float, apart: bool) -> dict[str, Any]:
        made = {m.name: metric_record(m, i, effect, apart) for i, m in enumerate(METRICS)}
        fifths = {
            str(q): {"unit": UNIT, "by_year": metric_record(METRICS[0], 0, effect * (6 - q) / 3, apart)["by_year"]}
            for q in range(1, 6)
        }
        made["acute_demand"]["groups"] = {"quintile": fifths}
        return made

    return {
        "upstream": "0.0-pretend",
        "place": place,
        "people": people,
        "seeds": list(range(seeds)),
        "months": [f"{2025 + (3 + m) // 12}-{(3 + m) % 12 + 1:02d}" for m in range(12 * years)],
        "years": list(range(1, years + 1)),
        "baseline": before.name,
        "scenarios": {s.name: table(s.effect, False) for s in (before, *afters)},
        "differences": {s.name: table(s.effect, True) for s in afters},
        "labels": {s.name: s.label for s in (before, *afters)},
    }


# --- the store -------------------------------------------------------------------------------------------------------


def job(name: str) -> Job:
    """A job that differs from others by its name alone."""
    return Job(place="anytown", people=None, years=None, seeds=2, seed=0, scenario=name)


def settled(store: Store, *jobs: Job) -> None:
    """Waits until each job is done or has failed."""
    limit = time.monotonic() + 10
    while not all(store.state(one).kind in ("done", "failed") for one in jobs):
        assert time.monotonic() < limit, [store.state(one) for one in jobs]
        time.sleep(0.005)


@pytest.fixture
def made() -> Iterator[Callable[..., Store]]:
    """Makes stores, and closes them."""
    stores: list[Store] = []

    def make(work: Any, **how: Any) -> Store:
        stores.append(Store(work, **{"settle": 0.0, **how}))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


class Slow:
    """Work that says it has begun, and goes on only when it is let."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.finished: list[str] = []
        self.started = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, what: Job, progress: Progress) -> Document:
        self.began.append(what.scenario)
        self.started.set()
        self.go_on.wait(5)
        progress(1, 2, "half way")
        self.finished.append(what.scenario)
        return {"of": what.scenario}


def test_a_job_asked_for_twice_runs_once(made: Callable[..., Store]) -> None:
    """The second visitor gets the first one's result."""
    runs: list[str] = []

    def work(what: Job, progress: Progress) -> Document:
        runs.append(what.scenario)
        return {"of": what.scenario}

    store = made(work)
    store.want("one", [job("a")])
    settled(store, job("a"))
    store.want("other", [job("a")])

    assert store.state(job("a")).kind == "done"
    assert store.document(job("a").digest) == {"of": "a"}
    assert runs == ["a"]


def test_a_new_request_supersedes_a_queued_one(made: Callable[..., Store]) -> None:
    """Of three settings tried in a row only the last is run to its end; the first stops, the second never begins."""
    slow = Slow()
    store = made(slow)
    store.want("me", [job("first")])
    assert slow.started.wait(5)
    store.want("me", [job("second")])
    store.want("me", [job("third")])
    slow.go_on.set()
    settled(store, job("third"))

    assert slow.began == ["first", "third"]
    assert slow.finished == ["third"]
    assert store.state(job("first")).kind == store.state(job("second")).kind == "unknown"


def test_visitors_do_not_supersede_each_other(made: Callable[..., Store]) -> None:
    """Somebody else's request leaves mine running."""
    slow = Slow()
    store = made(slow)
    store.want("me", [job("mine")])
    assert slow.started.wait(5)
    store.want("you", [job("yours")])
    slow.go_on.set()
    settled(store, job("mine"), job("yours"))

    assert slow.finished == ["mine", "yours"]


def test_progress_can_be_read_while_a_job_runs(made: Callable[..., Store]) -> None:
    """Waiting, then so many of so many, then done."""
    told, go_on = threading.Event(), threading.Event()

    def work(what: Job, progress: Progress) -> Document:
        progress(3, 20, "compiling")
        told.set()
        go_on.wait(5)
        return {}

    store = made(work)
    store.want("me", [job("a"), job("b")])
    assert told.wait(5)

    assert store.state(job("a"))[:4] == ("running", 3, 20, "compiling")
    assert store.state(job("b")).kind == "waiting"
    go_on.set()
    settled(store, job("a"), job("b"))


def test_errors_come_back_as_sentences(made: Callable[..., Store]) -> None:
    """A mistake in the input is told in the model's words; anything else by a reference into the log."""

    def work(what: Job, progress: Progress) -> Document:
        raise (
            ValueError("prevention_share: 0 to 0.15 wanted,\n 7 came")
            if what.scenario == "input"
            else OSError("/secret")
        )

    store = made(work)
    store.want("me", [job("input"), job("disk")])
    settled(store, job("input"), job("disk"))

    assert store.state(job("input")).message == "prevention_share: 0 to 0.15 wanted, 7 came"
    assert "reference" in store.state(job("disk")).message
    assert "secret" not in store.state(job("disk")).message


def test_a_failed_job_can_be_tried_again(made: Callable[..., Store]) -> None:
    """Asking again runs it again; the worker survives a failure."""
    tries: list[int] = []

    def work(what: Job, progress: Progress) -> Document:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("not yet")
        return {}

    store = made(work)
    store.want("me", [job("a")])
    settled(store, job("a"))
    assert store.state(job("a")).kind == "failed"
    store.want("me", [job("a")])
    settled(store, job("a"))
    assert store.state(job("a")).kind == "done"


def test_only_the_newest_results_are_kept(made: Callable[..., Store]) -> None:
    """The shelf has an end, and what was looked at last stays longest."""
    store = made(lambda what, progress: {}, keep=2)
    for name in ("a", "b"):
        store.want("me", [job(name)])
        settled(store, job(name))
    assert store.document(job("a").digest) is not None
    store.want("me", [job("c")])
    settled(store, job("c"))

    assert [store.state(job(name)).kind for name in "abc"] == ["done", "unknown", "done"]


def test_a_full_queue_says_so(made: Callable[..., Store]) -> None:
    """The queue has an end too, and says so in a sentence."""
    slow = Slow()
    store = made(slow, most_owners=1)
    assert store.want("me", [job("a")]) == ""
    assert "try again" in store.want("you", [job("b")])
    slow.go_on.set()


# --- links -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def book() -> Book:
    """The pretended model's book."""
    return Book(Pretend(), Settings())


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
def test_a_link_gives_the_choice_again(book: Book, choice: Choice) -> None:
    """Choice to link to choice is exact."""
    assert read_link(write_link(choice, book), book) == (choice, [])
    assert checked(json.loads(json.dumps(loose(choice))), book) == (choice, [])


@given(query=st.text(max_size=200) | st.from_regex(r"\?([a-z.]{1,12}=[^&]{0,12}&?){0,6}"))
def test_no_link_is_too_odd(book: Book, query: str) -> None:
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
def test_a_bad_link_says_what_is_wrong_with_it(book: Book, query: str, word: str) -> None:
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
def test_a_bad_aim_says_what_is_wrong_with_it(book: Book, query: str, word: str) -> None:
    """The lever stays moved, for everybody, and one sentence names what could not be used."""
    choice, said = read_link(f"?policies.threshold=0.6&policies.caseload=10&{query}", book)

    assert any(word in sentence for sentence in said)
    assert set(choice.levers) == {"threshold", "caseload"}
    assert choice.aims == {}


def test_a_lever_that_needs_a_service_waits_for_one(book: Book) -> None:
    """Money for no service in particular is not run; told its service, it is."""
    waiting, _ = read_link("?policies.grant=20", book)
    assert waiting.levers == {"grant": 20.0}
    assert all(job.scenario != YOURS for job in waiting.jobs(book))

    told, _ = read_link("?policies.grant=20&service.grant=gp", book)
    assert told.jobs(book)[0].moves[0].told() == {
        "lever": "grant", "shift": 20.0, "start": "2026-04", "over_months": 24, "service": ["gp"]
    }  # fmt: skip


def test_shocks_come_at_once_and_end(book: Book) -> None:
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
    real = Book(sim, Settings(people=4000, years=8))
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
    real = Book(sim, Settings(people=4000, years=8))
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


def test_a_first_look_is_drawn_until_every_seed_is_in(book: Book, made: Callable[..., Store]) -> None:
    """The few seeds are drawn when they hold all that is wanted, and all seeds as soon as they do; never a mixture."""
    choice = replace(usual(book), levers={"threshold": 0.6}, scenarios=("austerity",))
    quick, full = choice.quick_jobs(book), choice.jobs(book)
    assert [job.seeds for job in (*quick, *full)] == [4, 4, 20, 20]
    store = made(lambda what, progress: {"of": what.scenario})

    def drawn_next(shown: list[str]) -> Any:
        return look(choice, book, store, shown, shown)[-1]

    def run(*jobs: Job) -> None:
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
    cold = Book(Pretend(), Settings(), lambda: bool(warm))
    choice = usual(cold)
    states = [State("running", 0, 40, "getting ready"), *[State("waiting")] * 2]
    assert words.progress(choice, cold, choice.jobs(cold), states)[0].startswith("Compiling the model")
    warm.append(True)
    assert words.progress(choice, cold, choice.jobs(cold), states) == (
        "Updating… “Salami slice”: 0 of 40 runs done (20 seeds). getting ready", 0
    )  # fmt: skip


def test_few_seeds_have_no_first_look(book: Book) -> None:
    """Where a first look would save little there is none."""
    assert replace(usual(book), seeds=5).quick_jobs(book) == ()
    assert len(replace(usual(book), seeds=10).quick_jobs(book)) == 3


# --- the guard -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def app() -> Iterator[Dash]:
    """An application on the pretended model, with no server."""
    app = create_app(Settings(seeds=5), Pretend())
    yield app
    service(app).store.close()


def test_every_answer_has_the_headers(app: Dash) -> None:
    """Pages, data and refusals alike: a strict policy, no sniffing, no frames."""
    client = app.server.test_client()
    answers = [
        client.get("/"),
        client.get("/_dash-layout"),
        client.get("/nothing"),
        client.get("/", headers={"Host": "x"}),
    ]

    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert "unsafe" not in scripts
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["127.0.0.1:8050", "localhost", "LOCALHOST:80", "[::1]:8050"])
def test_own_names_are_answered(app: Dash, host: str) -> None:
    """This computer's names, with or without a port."""
    assert app.server.test_client().get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8050", "10.0.0.1", ""]
)
def test_strange_host_names_are_refused(app: Dash, host: str) -> None:
    """A name that a stranger points at this computer gets nothing, whatever it asks for."""
    client = app.server.test_client()
    for path in ("/", "/_dash-layout", "/download/comparison.csv", "/assets/style.css"):
        assert client.get(path, headers={"Host": host}).status_code in (400, 403)


def test_other_sites_cannot_ask(app: Dash) -> None:
    """A request from another site's page, or not in JSON, or too large, is refused."""
    client = app.server.test_client()
    update = "/_dash-update-component"

    assert client.post(update, json={}, headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post(update, json={}, headers={"Origin": "null"}).status_code == 403
    assert client.post(update, json={}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post(update, data="x", content_type="text/plain").status_code == 415
    assert client.post(update, data={"a": "b"}).status_code == 415
    assert client.post(update, data=b"x" * 3_000_000, content_type="application/json").status_code == 413


def test_failures_show_no_trace(app: Dash) -> None:
    """A request that makes no sense gets a reference, not the server's insides; there is no debugger."""
    client = app.server.test_client()
    answer = client.post("/_dash-update-component", json={"output": "no.such", "inputs": []})

    assert answer.status_code >= 400
    for text in (answer.get_data(as_text=True), client.get("/?__debugger__=yes").get_data(as_text=True)):
        assert "Traceback" not in text
        assert "werkzeug" not in text.lower()
    assert not app.server.debug


def test_the_page_itself_says_what_it_is(app: Dash) -> None:
    """Before any script runs there are a language, a title, and a way past the controls."""
    text = app.server.test_client().get("/").get_data(as_text=True)

    assert '<html lang="en">' in text
    assert "<title>Upstream: compare policies</title>" in text
    assert 'href="#results">Skip to the results' in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_only_this_computer_unless_told_otherwise() -> None:
    """An address that others can reach is refused with a reason."""
    assert is_own("127.0.0.1")
    assert is_own("::1")
    assert is_own("localhost")
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", ""):
        assert not is_own(host)
        with pytest.raises(ValueError, match="no login"):
            serve(host, 0)


def test_downloads_hold_what_the_page_shows(app: Dash) -> None:
    """Before the runs are done a download says so; afterwards it has the document's numbers."""
    client = app.server.test_client()
    early = client.get("/download/comparison.csv?compare=austerity")
    assert early.status_code == 409
    assert "not finished" in early.get_data(as_text=True)

    stand = service(app)
    wanted = replace(usual(stand.book), scenarios=("austerity",)).jobs(stand.book)
    stand.store.want("test", wanted)
    settled(stand.store, *wanted)

    table = client.get("/download/comparison.csv?compare=austerity")
    assert table.status_code == 200
    assert "attachment" in table.headers["Content-Disposition"]
    assert "£ per person per year" in table.get_data(as_text=True)
    document = json.loads(client.get("/download/comparison.json?compare=austerity").get_data(as_text=True))
    assert document == stand.store.document(wanted[0].digest)
    assert client.get("/download/comparison.csv?compare=nothing").status_code == 409

    assert client.get("/download/your-policy.toml").status_code == 409
    own = client.get("/download/your-policy.toml?policies.threshold=0.6")
    assert "attachment" in own.headers["Content-Disposition"]
    assert 'lever = "threshold"\nvalue = 0.6' in own.get_data(as_text=True)


# --- in a browser ----------------------------------------------------------------------------------------------------


@contextmanager
def serving(settings: Settings, model: Any = None) -> Iterator[tuple[str, Any]]:
    """The page on a free port of this computer."""
    app = create_app(settings, model)
    server = make_server("127.0.0.1", 0, app.server, threaded=True)  # unlike waitress, it can be told to stop
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", service(app)
    finally:
        service(app).store.close()
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The page on the pretended model, whose runs take a third of a second."""
    with serving(Settings(), Pretend(pause=0.3)) as (url, _):
        yield url


def up_to_date(page: Page, seconds: float = 30) -> None:
    """Waits until the page says that what it shows is what was asked for."""
    expect(page.locator("#compare-status")).to_have_text("Up to date.", timeout=seconds * 1000)


def heads(page: Page) -> list[str]:
    """The columns of the table of acute demand."""
    page.locator("#compare-twin-main").evaluate("details => { details.open = true }")
    return page.locator("#compare-acute th").all_inner_texts()


def cell(page: Page, column: str, year: int) -> str:
    """What the table of acute demand says of one scenario and year."""
    row = page.locator("#compare-acute tbody tr").nth(year - 1).locator("td")
    return row.nth(heads(page).index(column)).inner_text()


def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:160]}" for one in found]


@pytest.mark.browser
def test_a_lever_moved_by_keyboard_changes_a_number(open_page: Callable[..., Page]) -> None:
    """On the real model: the page opens with its comparison, a lever moves, and the table's numbers change."""
    with serving(Settings(people=3000, years=5, seeds=2)) as (url, stand):
        page = open_page(url)
        up_to_date(page, 300)
        before = cell(page, "Baseline", 5)
        assert "Your policy" not in heads(page)

        name = "prevention_share" if "prevention_share" in stand.book.levers else next(iter(stand.book.levers))
        thumb = page.locator(f"#lever-{name}")
        thumb.focus()
        value = page.locator(".lever", has=thumb).locator(".lever-value")
        at_first = value.inner_text()
        page.keyboard.press("End")
        expect(value).not_to_have_text(at_first)
        expect(page.locator("#compare-acute th", has_text="Your policy")).to_be_visible(timeout=120_000)
        up_to_date(page, 120)

        assert cell(page, "Baseline", 5) == before
        assert cell(page, "Your policy", 5) != before
        first = [cell(page, "Your policy", year) for year in range(1, 6)]
        for _ in range(4):
            page.keyboard.press("ArrowLeft")
        expect(page.locator("#results")).to_have_class("results stale")
        up_to_date(page, 120)
        assert [cell(page, "Your policy", year) for year in range(1, 6)] != first
        assert f"policies.{name}=" in page.url


@pytest.mark.browser
def test_old_numbers_look_old_until_the_new_ones_are_in(open_page: Callable[..., Page]) -> None:
    """From the key press until the run is in, the results are marked stale and the bar counts runs."""
    with serving(Settings(), Pretend(pause=1.0)) as (url, _):
        page = open_page(url)
        up_to_date(page)
        page.locator("#lever-prevention_share").focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator("#results")).to_have_class("results stale")
        expect(page.locator("#compare-status")).to_have_text(re.compile("Updating… “Your policy”: .* of 20 runs"))
        up_to_date(page)
        expect(page.locator("#results")).to_have_class("results")
        expect(page.locator("#compare-headline")).to_contain_text("under your policy")


@pytest.mark.browser
def test_a_quick_hand_costs_one_run(open_page: Callable[..., Page]) -> None:
    """Ten key presses in a row are one run of the last setting with every seed, not ten."""
    model = Pretend(pause=1.0)
    with serving(Settings(), model) as (url, _):
        page = open_page(url)
        up_to_date(page)
        page.locator("#lever-prevention_share").focus()
        for _ in range(10):
            page.keyboard.press("ArrowRight")
        expect(page.locator("#compare-policy")).to_contain_text("Prevention share: +5.0 %")
        up_to_date(page)

        whole = [what for what, seeds in model.finished if YOURS in what and seeds == 20]
        assert whole == [f"anytown {YOURS} -0.0150"]


@pytest.mark.browser
def test_a_link_opens_the_same_page(address: str, open_page: Callable[..., Page]) -> None:
    """The address after a change, opened elsewhere, gives the same numbers; a wrong part of it gives a sentence."""
    page = open_page(address + "?place=wigan&policies.threshold=0.6&compare=austerity")
    up_to_date(page)
    number = cell(page, "Your policy", 20)
    again = open_page(page.url)
    up_to_date(again)
    assert cell(again, "Your policy", 20) == number
    assert heads(again) == ["Year", "Baseline", "Austerity", "Your policy"]

    bad = open_page(address + "?policies.threshold=9&colour=red")
    expect(bad.locator("#compare-notices")).to_contain_text("Eligibility threshold can go from 0.2 to 0.8")
    expect(bad.locator("#compare-notices")).to_contain_text("colour")
    up_to_date(bad)


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_fits_and_breaks_no_rule_of_access(address: str, open_page: Callable[..., Page], width: int) -> None:
    """No sideways scroll on a phone or a desk, and axe finds nothing, with everything folded open and a lever moved."""
    page = open_page(address, width=width, height=844 if width < 900 else 900)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    up_to_date(page)
    assert violations(page) == []
    if width < 900:
        page.locator("#compare-fold").click()
    page.locator("#lever-prevention_share").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#compare-headline")).to_contain_text("your policy")
    up_to_date(page)
    for details in page.locator("details").all():
        details.evaluate("details => { details.open = true }")
    page.wait_for_timeout(400)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    small = page.evaluate(SMALL_TARGETS, 44 if width < 900 else 24)
    assert small == [], "targets too small for a finger, or for a pointer"
    assert page.evaluate(SMALL_TEXT) == []
    assert page.get_by_text("Share chart").count() == 0


SMALL_TARGETS = """least => [...document.querySelectorAll(
    'button, summary, input:not([type=checkbox]):not([type=radio]):not([type=hidden]), .mantine-Slider-root, ' +
    '.mantine-Chip-label, .mantine-SegmentedControl-label')]
  .filter(e => e.offsetParent && !e.closest('.js-plotly-plot') && getComputedStyle(e).visibility === 'visible')
  .filter(e => !e.matches('.mantine-MultiSelect-inputField'))
  .map(e => [e.className || e.textContent, e.getBoundingClientRect()])
  .filter(([, box]) => box.width < least || box.height < least)
  .map(([name, box]) => `${name} ${box.width} by ${box.height}`)"""

SMALL_TEXT = """() => [...document.querySelectorAll('main *')]
  .filter(e => !e.closest('.js-plotly-plot') && !e.closest('pre') && e.offsetParent)
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
  .filter(e => parseFloat(getComputedStyle(e).fontSize) < 16)
  .map(e => e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 40))"""


@pytest.mark.browser
def test_the_whole_way_by_keyboard(address: str, open_page: Callable[..., Page]) -> None:
    """With Tab, arrows, Space and Enter alone: past the controls, a lever, its reset, a policy off, a table, a file."""
    page = open_page(address)
    up_to_date(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "results"

    def tab_to(selector: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate(f"document.activeElement.matches({selector!r})"):
                return
        pytest.fail(f"no way to {selector} by Tab")

    page.evaluate("document.activeElement.blur()")
    page.reload()
    up_to_date(page)
    tab_to(".section:nth-of-type(2) > summary")
    page.keyboard.press("Enter")
    tab_to("#lever-threshold")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#compare-headline")).to_contain_text("your policy")
    up_to_date(page)
    assert page.evaluate("document.activeElement.id") == "lever-threshold"  # a redraw does not steal the focus
    tab_to("button[aria-label='Reset Eligibility threshold to the baseline']")
    page.keyboard.press("Enter")
    expect(page.locator("#compare-headline")).not_to_contain_text("your policy")
    tab_to("input[value='more-acute']")
    page.keyboard.press("Space")
    expect(page.locator("#compare-headline")).not_to_contain_text("More acute")
    tab_to("#compare-twin-main summary")
    page.keyboard.press("Enter")
    expect(page.locator("#compare-acute")).to_be_visible()
    tab_to("#compare-csv")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert "prevention-shift" in download.value.path().read_text(encoding="utf-8-sig")


@pytest.mark.browser
def test_focus_is_seen_and_motion_is_not(address: str, open_page: Callable[..., Page]) -> None:
    """The thing with focus has a thick outline; whoever asks for less motion gets none."""
    page = open_page(address)
    page.emulate_media(reduced_motion="reduce")
    up_to_date(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    look = "(e => [getComputedStyle(e).outlineStyle, getComputedStyle(e).outlineWidth])(document.activeElement)"
    assert page.evaluate(look) == ["solid", "3px"]
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).transitionDuration") in ("0s", "")


@pytest.mark.browser
def test_a_run_that_fails_is_told_in_a_sentence(open_page: Callable[..., Page]) -> None:
    """The model's own words on the page, and the page still there."""
    with serving(Settings(), Pretend(error=ValueError("no place called 'anytown'; there are none"))) as (url, _):
        page = open_page(url)
        expect(page.locator("#compare-status")).to_contain_text("no place called 'anytown'", timeout=20_000)
        expect(page.locator("h1")).to_be_visible()


@pytest.mark.browser
def test_a_lever_is_found_by_a_word(address: str, open_page: Callable[..., Page]) -> None:
    """Words in a lever's name or meaning leave only it, in its open section; without words all is as before."""
    page = open_page(address)
    up_to_date(page)
    money, access = (page.locator(".section", has_text=name) for name in ("Money", "Who gets in"))
    expect(access.locator("#lever-caseload")).to_be_hidden()
    page.locator("#compare-search").fill("worker sees")
    expect(access.locator("#lever-caseload")).to_be_visible()
    expect(access.locator("#lever-threshold")).to_be_hidden()
    expect(money).to_be_hidden()
    page.locator("#compare-search").fill("unicorn")
    expect(page.locator("#compare-search-none")).to_be_visible()
    page.locator("#compare-search").fill("")
    expect(page.locator("#compare-search-none")).to_be_hidden()
    expect(money).to_be_visible()
    expect(access.locator("#lever-caseload")).to_be_hidden()


@pytest.mark.browser
def test_a_moved_lever_is_aimed_and_going_back_undoes_it(address: str, open_page: Callable[..., Page]) -> None:
    """A moved lever has an entry where it is aimed; the address says so, and the browser's own button takes it back."""
    page = open_page(address + "?policies.threshold=0.6")
    up_to_date(page)
    entry = page.locator(".moved")
    expect(entry).to_contain_text("0.60 severity")
    expect(page.locator(".section", has_text="Who gets in").locator(".badge")).to_have_text("1 moved")
    entry.locator("summary").click()
    entry.get_by_text("Most deprived").click()
    expect(page.locator("#compare-policy")).to_contain_text("for everybody in the most deprived fifth")
    expect(entry.locator("summary")).to_have_text("For everybody in the most deprived fifth")
    assert page.url.endswith("?policies.threshold=0.6&fifths.threshold=1")
    up_to_date(page)

    page.go_back()
    expect(page.locator("#compare-policy")).not_to_contain_text("fifth")
    expect(entry.locator("summary")).to_have_text("For everybody")
    assert page.url.endswith("?policies.threshold=0.6")
    entry.get_by_role("button", name="Take Eligibility threshold out of your policy").click()
    expect(entry).to_have_count(0)
    expect(page.locator("#compare-headline")).not_to_contain_text("your policy")


@pytest.mark.browser
def test_the_browser_writes_levers_as_the_server_does(address: str, open_page: Callable[..., Page]) -> None:
    """Every lever of the real model, at both ends, at its baseline and a step on, reads the same from both."""
    page = open_page(address)
    asked, wanted = [], []
    for lever in sim.levers():
        label = next(part for part in slider(lever)._traverse() if type(part).__name__ == "Slider").label
        for value in (lever.low, lever.baseline, lever.baseline + lever.step, lever.high):
            asked.append([value, label["options"] | {"unit": label["options"]["whole"]}])
            wanted.append(lever_text(lever, value))
    said = page.evaluate("asked => asked.map(one => window.dashMantineFunctions.leverText(...one))", asked)

    assert said == wanted


@pytest.mark.browser
def test_who_gains_is_told_by_fifth(address: str, open_page: Callable[..., Page]) -> None:
    """The chart by deprivation has a finding for its title and its numbers in a table."""
    page = open_page(address + "?compare=austerity")
    up_to_date(page)
    expect(page.locator("#compare-fifths-title")).to_have_text(
        re.compile("Under “Austerity”, acute demand is .* higher in the most deprived fifth and .* higher in the least")
    )
    page.locator("#compare-twin-fifths > summary").click()
    rows = page.locator("#compare-table-fifths tbody tr")
    expect(rows).to_have_count(5)
    expect(rows.first).to_contain_text("Most deprived fifth")
