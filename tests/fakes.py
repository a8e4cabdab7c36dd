"""A small model for tests of the dashboard: the interface of `sim`, with arithmetic instead of people."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pandas as pd

from dashboard.model import Document, Progress, RunRequest
from dashboard.store import Store
from sim.results.money.tables import SILO_ROWS, money_rows
from sim.scenario.valuation import Valuation
from sim.state.codes import SILOS

PAYERS = (*(f"budget.{silo}" for silo in (*SILOS, "outside")), "centre", "reserves")
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
        """Whether the lever is a shock rather than a decision."""
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
        """A scenario of this module by name."""
        return SCENARIOS[name]

    def with_policy(self, lever: str, *, name: str, value: float = 0.0, shift: float = 0.0, **options: Any) -> Scenario:
        """The scenario with a lever moved: its effect is -0.3 times the move, whenever the policy starts."""
        assert {"start", "over_months"} <= set(options) <= {"start", "over_months", "until", "service", "where", "who"}
        match = next(other for other in LEVERS if other.name == lever)
        moved = shift or value - match.baseline
        return replace(self, name=name, label=name, effect=self.effect - moved * 0.3)

    def check_acting(self) -> None:
        """Every policy of this scenario acts."""


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


SCOPE = [
    {
        "label": "NHS", "holds": "General practice; A&E", "left_out": "planned operations", "model": 500.0,
        "published": 2000.0, "share": 0.25, "year": "2023-24",
    },
    {
        "label": "All other spending for England", "holds": "nothing", "left_out": "benefits", "model": 0.0,
        "published": float("nan"), "share": float("nan"), "year": None,
    },
]  # fmt: skip


@dataclass
class FakeModel:
    """A model with the interface that the dashboard uses.

    Each comparison takes `pause` seconds and raises `error`, if there is one. `finished` lists the comparisons that
    completed, with their numbers of seeds. With draws of the parameters, `refused` lists the seeds whose draws cannot
    be calibrated, with the reason.
    """

    pause: float = 0.0
    error: Exception | None = None
    refused: dict[int, str] = field(default_factory=dict)
    finished: list[tuple[str, int]] = field(default_factory=list)
    __version__: str = "0.0-fake"
    Scenario: Any = Scenario

    levers = staticmethod(lambda: LEVERS)
    metrics = staticmethod(lambda: METRICS)
    place_names = staticmethod(lambda: ("anytown", "wigan"))
    Place = SimpleNamespace(
        load=lambda name: SimpleNamespace(
            label=name.capitalize(), kind="illustrative" if name == "anytown" else "authority"
        )
    )
    authority_names = staticmethod(lambda: {"leeds": "Leeds", "wigan": "Wigan"})
    scenario_names = staticmethod(lambda: tuple(SCENARIOS))
    lever_sections = staticmethod(lambda: ("Money", "Who gets in", "Shocks"))
    load_catalogue = staticmethod(
        lambda: (SimpleNamespace(id="gp", label="General practice"), SimpleNamespace(id="youth", label="Youth work"))
    )
    services_of = staticmethod(lambda lever: ("gp", "youth"))
    scope = staticmethod(lambda: pd.DataFrame(SCOPE))
    AGE_BANDS = ((0, 17), (18, 64), (65, 109))

    def compare(self, before: Scenario, *afters: Scenario, progress: Progress, **options: Any) -> Any:
        """A result like that of `sim.compare`, from a formula."""
        place, seeds, draws = options["place"], options["seeds"], options["draws"]
        notes = [f"calibrating the draw of seed {seed}" for seed in range(seeds)] if draws != "none" else []
        notes += [""] * seeds
        for done, note in enumerate(notes):
            time.sleep(self.pause / len(notes))
            progress(done, len(notes), note)
        if self.error is not None:
            raise self.error
        self.finished.append((f"{place} {afters[0].name} {afters[0].effect:.4f}", seeds))
        people, years = options["people"] or 30000, options["years"] or 20
        document = fake_document(before, afters, place, people, years, seeds, draws)
        if draws != "none":
            document["seeds"] = [seed for seed in document["seeds"] if seed not in self.refused]
            document["refused"] = {str(seed): reason for seed, reason in self.refused.items() if seed < seeds}
        return SimpleNamespace(document=lambda by: document)


def fake_document(
    before: Scenario, afters: tuple[Scenario, ...], place: str, people: int, years: int, seeds: int, draws: str
) -> Document:
    """A document in the form of a comparison's: levels that oscillate, effects that grow over ten years.

    Draws of the parameters make every range three times as wide.
    """
    wider = 1.0 if draws == "none" else 3.0

    def level(metric: Metric, index: int, at: float, effect: float) -> float:
        base = 0.4 if metric.unit == "share" else 300.0 if metric.unit == POUNDS else 12.0 + 480.0 / (1 + index) ** 2
        base *= 1.1 if place == "wigan" else 1.0
        effect *= -1.0 if metric.name == "prevention_share" else 1.0
        turn = 1.0 - 1.0 / (index + 2) if metric.unit != POUNDS else -2.0 * (-1) ** index
        return base * (1.0 + effect * turn * min(at / 10.0, 1.0) * (1 if index < 9 else 0.5))

    def metric_record(metric: Metric, index: int, effect: float, is_difference: bool) -> dict[str, Any]:
        def at(time_: float) -> float:
            return level(metric, index, time_, effect) - (level(metric, index, time_, 0.0) if is_difference else 0.0)

        size = level(metric, index, 0.0, 0.0)
        half = size * (0.006 if is_difference else 0.02) * wider
        luck_sd = size * (0.003 if is_difference else 0.01)
        causes = {"luck_sd": luck_sd, "parameter_sd": luck_sd * math.sqrt(wider**2 - 1.0)}
        values: dict[str, Any] = {
            "unit": metric.unit,
            "label": metric.label,
            "decimals": metric.decimals,
            "by_year": [
                {
                    "year": y,
                    "mean": at(y),
                    "q025": at(y) - half,
                    "q975": at(y) + half,
                    "ci_low": at(y) - half / 4,
                    "ci_high": at(y) + half / 4,
                    **causes,
                }
                for y in range(1, years + 1)
            ],
        }
        if not is_difference:
            months = [at(m / 12) + size * 0.01 * math.sin(m) for m in range(12 * years)]
            values |= {"mean": months, "q025": [m - half for m in months], "q975": [m + half for m in months]}
        return values

    def table(effect: float, is_difference: bool) -> dict[str, Any]:
        metrics_table = {m.name: metric_record(m, i, effect, is_difference) for i, m in enumerate(METRICS)}
        fifths = {
            str(q): {
                "unit": UNIT,
                "by_year": metric_record(METRICS[0], 0, effect * (6 - q) / 3, is_difference)["by_year"],
            }
            for q in range(1, 6)
        }
        metrics_table["acute_demand"]["groups"] = {"quintile": fifths}
        return metrics_table

    return {
        "upstream": "0.0-fake",
        "place": place,
        "people": people,
        "seeds": list(range(seeds)),
        "months": [f"{2025 + (3 + m) // 12}-{(3 + m) % 12 + 1:02d}" for m in range(12 * years)],
        "years": list(range(1, years + 1)),
        "baseline": before.name,
        "draws": draws,
        "replicates": [seed for seed in range(seeds) if seed % 8 < 2] if draws != "none" else [],
        "refused": {},
        "beyond_bands": "Not in any band: the structure of the model, as `upstream validate` shows.",
        "scenarios": {s.name: table(s.effect, False) for s in (before, *afters)},
        "differences": {s.name: table(s.effect, True) for s in afters},
        "labels": {s.name: s.label for s in (before, *afters)},
        "composition": {s.name: fake_composition(s.effect, years) for s in (before, *afters)},
        "money": {s.name: fake_money(s, people, years) for s in afters},
        "asked_and_done": {s.name: fake_account(s, years) for s in afters},
    }


def interval(mean: float, half: float) -> dict[str, float]:
    """A mean with a middle 95% of runs of `half` to either side, and a CI of a quarter of that."""
    ends = {"q025": mean - half, "q975": mean + half, "ci_low": mean - half / 4, "ci_high": mean + half / 4}
    return {"mean": mean, **ends}


def fake_composition(effect: float, years: int) -> list[dict[str, Any]]:
    """Three services that make the index of acute demand, of which the second alone changes."""
    services = (("emergency_admission", "Emergency admission", 60.0), ("ae", "A&E", 38.0), ("arrest", "Arrests", 2.0))
    rows = []
    for year in range(1, years + 1):
        for service, label, points in services:
            moves = service == "ae"
            change = interval(100.0 * effect * moves * min(year / 10.0, 1.0), 1.0 * moves)
            row = {"year": year, "service": service, "label": label, "unit_cost": 250.0, "baseline": points}
            rows.append({**row, "level": points + change["mean"], "difference": change.pop("mean"), **change})
    return rows


def fake_account(scenario: Scenario, years: int) -> dict[str, Any]:
    """What a scenario asked for and what came out, in the form of the model's documents."""

    def row(
        part: str, name: str, item: str, period: str, unit: str, asked: float | None, mean: float
    ) -> dict[str, Any]:
        first = {"part": part, "name": name, "item": item, "period": period, "unit": unit, "asked": asked}
        return first | interval(mean, 0.2 * abs(mean))

    last, percent = f"year {years}", 100.0 * scenario.effect
    rows = [
        row("policy", "total_budget", f"Total budget: {-percent:.0f}% less", last, "%", -percent, -0.5 * percent),
        row("spending", "spend_total", "Spending in scope", last, "%", -percent, -0.5 * percent),
        row("spending", "spend_total", "Spending in scope", last, "£ per person per year", -15.0, -7.5),
        row("spending", "spend_total", "Spending in scope", f"years 1 to {years}", "£ per person", -300.0, -150.0),
        row("centre", "bailed_out", "Bailed out by the centre", last, "£ per person per year", None, 4.0),
        row("centre", "clawed_back", "Clawed back by the centre", last, "£ per person per year", None, 0.0),
    ]
    return {
        "sentence": f"Asked: total budget {-percent:.0f}%. Came out in {last}: spending {-0.5 * percent:.1f}%.",
        "rows": rows,
    }


def fake_money(scenario: Scenario, people: int, years: int) -> dict[str, Any]:
    """An appraisal in the form of `Appraisal.document`: effects below 0 cost money and gain health."""
    spent = -2000.0 * scenario.effect * people
    items = {row.item: 0.0 for row in (*money_rows(Valuation()), *SILO_ROWS)} | dict.fromkeys(PAYERS, 0.0)
    items |= {"spending": spent, "spending.nhs": 0.75 * spent, "spending.police": 0.25 * spent, "budgets": 0.5 * spent}
    items |= {"bailed_out": 0.5 * spent, "centre": 0.5 * spent, "budget.nhs": 0.5 * spent}
    items |= {"qalys": -0.01 * scenario.effect * people, "npv.green_book": 3.0 * spent}
    return {
        "people": people,
        "years": years,
        "sentences": [f"Over {years} years, {scenario.label} spends £{abs(spent / people):.0f} a person more or less."],
        "estimates": {name: interval(mean, 0.2 * abs(mean)) for name, mean in items.items()},
        "valuation": Valuation().model_dump(mode="json"),
    }


def job(name: str) -> RunRequest:
    """A job that differs from others by its scenario's name alone."""
    return RunRequest(place="anytown", people=None, years=None, seeds=2, seed=0, scenario=name)


def wait_for_jobs(store: Store, *jobs: RunRequest) -> None:
    """Wait until each job is done or has failed; the time limit of pytest ends a test that waits for ever."""
    while not all(store.state(job).kind in ("done", "failed") for job in jobs):
        time.sleep(0.005)
