"""A small pretended model for the page's tests: names as the real one has them, arithmetic instead of people."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from dashboard.model import Document, Progress, RunRequest
from dashboard.store import Store

UNIT = "episodes per 1,000 people per year"
POUNDS = "£ per person per year"


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
                {"year": y, "mean": at(y), "q025": at(y) - half, "q975": at(y) + half} for y in range(1, years + 1)
            ],
        }
        if not apart:
            months = [at(m / 12) + size * 0.01 * math.sin(m) for m in range(12 * years)]
            made |= {"mean": months, "q025": [m - half for m in months], "q975": [m + half for m in months]}
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


def job(name: str) -> RunRequest:
    """A job that differs from others by its name alone."""
    return RunRequest(place="anytown", people=None, years=None, seeds=2, seed=0, scenario=name)


def settled(store: Store, *jobs: RunRequest) -> None:
    """Waits until each job is done or has failed."""
    limit = time.monotonic() + 10
    while not all(store.state(one).kind in ("done", "failed") for one in jobs):
        assert time.monotonic() < limit, [store.state(one) for one in jobs]
        time.sleep(0.005)
