"""What the page asks of the model: its public names, its book of levers and metrics, and one run of one policy.

The page reads `sim` through these few names only, so a test can hand it a small pretended model instead.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from dashboard.moves import Move

Document = dict[str, Any]
"""A comparison as `sim.Comparison.document()` gives it: scenarios, differences, units, labels."""

Progress = Callable[[int, int, str], None]
"""Called with how many runs are done, how many there are, and a note."""

FIGURES = ("mean", "q025", "q975")
BASELINE = "baseline"
YOURS = "your-policy"  # a scenario's name has no spaces; on the page it is "Your policy"


class LeverInfo(Protocol):
    """One thing a policy can change, with the range it may be moved in and who says so."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def baseline(self) -> float: ...
    @property
    def step(self) -> float: ...
    @property
    def source(self) -> str: ...
    @property
    def meaning(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def section(self) -> str: ...
    @property
    def shock(self) -> bool: ...
    @property
    def aims(self) -> Sequence[str]: ...
    @property
    def needs(self) -> Sequence[str]: ...


class MetricInfo(Protocol):
    """One thing the model measures, with its unit and which way is better, if either is."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def better(self) -> str | None: ...
    @property
    def decimals(self) -> int: ...
    @property
    def kind(self) -> str: ...


@dataclass(frozen=True)
class Settings:
    """What whoever starts the page decides once; visitors choose the rest."""

    place: str = "anytown"
    people: int | None = None
    years: int | None = None
    seeds: int = 20
    quick_seeds: int = 4  # a first look, while the other seeds run
    seed: int = 0
    threads: int = 2
    scenarios: tuple[str, ...] = ("salami-slice", "more-acute", "prevention-shift")
    first_levers: tuple[str, ...] = (  # those asked for most stand first in their sections
        "prevention_share", "total_budget", "service_budget", "community_investment",
        "threshold", "outreach", "caseload", "continuity", "admin_share",
    )  # fmt: skip
    most_scenarios: int = 3  # beside the baseline: four categories are as many as a reader keeps apart by colour
    most_services: int = 6
    over_months: int = 24
    lasts_months: int = 24  # a shock, unless told otherwise
    names: tuple[str, ...] = field(default=())  # further host names a browser may ask for


@dataclass(frozen=True)
class RunRequest:
    """One policy to be run against the baseline. Equal jobs have equal results, so a job's digest names them."""

    place: str
    people: int | None
    years: int | None
    seeds: int
    seed: int
    scenario: str
    moves: tuple[Move, ...] = ()
    version: str = ""

    @cached_property
    def digest(self) -> str:
        """A name for the result, the same in every process."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        fields["moves"] = [move.digestible() for move in self.moves]
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:32]


class ModelIndex:
    """What there is to choose from and to see, read once from the model when the page starts."""

    def __init__(self, model: Any, settings: Settings, is_warm: Callable[[], bool] = lambda: True) -> None:
        self.model = model
        self.settings = settings
        self.is_warm = is_warm  # whether the model is compiled, or the first run waits for that
        self.version = str(getattr(model, "__version__", ""))
        self.sections: tuple[str, ...] = tuple(model.lever_sections())
        first = settings.first_levers
        ranked = [(self.sections.index(lever.section), lever) for lever in model.levers()]
        ranked.sort(key=lambda pair: (pair[0], (*first, pair[1].name).index(pair[1].name), pair[1].label))
        self.levers: dict[str, LeverInfo] = {lever.name: lever for _, lever in ranked}
        self.aimed_services: dict[str, str] = {service.id: service.label for service in model.load_catalogue()}
        self.age_bands: tuple[tuple[int, int], ...] = tuple(model.AGE_BANDS)
        # What is a comparison itself has no level, so no line to draw.
        every = list(model.metrics())
        leveled = [metric for metric in every if getattr(metric, "against", None) is None]
        self.worth: tuple[MetricInfo, ...] = tuple(metric for metric in every if metric not in leveled)
        self.metrics: dict[str, MetricInfo] = {metric.name: metric for metric in leveled}
        self.places: tuple[str, ...] = tuple(model.place_names())
        self.scenarios: dict[str, Any] = {name: model.Scenario.load(name) for name in model.scenario_names()}
        if BASELINE not in self.scenarios:
            raise ValueError(f"no scenario called '{BASELINE}'; there are {', '.join(self.scenarios) or 'none'}")

    @property
    def policies(self) -> tuple[str, ...]:
        """Every scenario that can be compared with the baseline."""
        return tuple(name for name in self.scenarios if name != BASELINE)

    @property
    def usual(self) -> tuple[str, ...]:
        """The policies the page opens with."""
        known = tuple(name for name in self.policies if name in self.settings.scenarios)
        return (known or self.policies)[: self.settings.most_scenarios]

    @property
    def place(self) -> str:
        """The place the page opens with."""
        return self.settings.place if self.settings.place in self.places else self.places[0]

    @property
    def services(self) -> tuple[str, ...]:
        """Metrics that count contacts with a service, but for the sum of the dear ones, which has its own chart."""
        return tuple(n for n, m in self.metrics.items() if "per 1,000" in m.unit and n != self.main)

    @property
    def main(self) -> str:
        """The metric of the main chart."""
        return "acute_demand" if "acute_demand" in self.metrics else next(iter(self.metrics))

    @property
    def money(self) -> tuple[str, ...]:
        """Metrics in pounds."""
        return tuple(n for n, m in self.metrics.items() if m.unit.startswith("£"))

    @property
    def spend(self) -> tuple[str, ...]:
        """Spend by tier, without their total: what the money panel draws."""
        tiers = tuple(n for n in self.money if n.startswith("spend_") and n != "spend_total")
        return (tiers or self.money)[:4]

    @property
    def selectable(self) -> tuple[str, ...]:
        """Metrics a visitor can add as a small chart: all that have no chart already."""
        return tuple(n for n in self.metrics if n != self.main and n not in self.spend)

    def label(self, scenario: str) -> str:
        """What a scenario is called on the page."""
        if scenario == YOURS:
            return "Your policy"
        return str(getattr(self.scenarios[scenario], "label", "") or scenario)

    @property
    def years(self) -> int:
        """How many years are run."""
        return int(self.settings.years or self.scenarios[BASELINE].years)

    def starts(self) -> tuple[str, ...]:
        """The months in which a visitor's policy can begin: the first of each of the first ten years."""
        year, month = str(self.scenarios[BASELINE].start).split("-")
        return tuple(f"{int(year) + later}-{month}" for later in range(min(10, self.years)))

    @property
    def usual_start(self) -> str:
        """A year after the start, so that a year of before is seen."""
        return self.starts()[min(1, self.years - 1)]

    def ends(self, start: str, months: int | None) -> str | None:
        """The month in which what begins in `start` is over; None if that lies beyond the last year."""
        if months is None:
            return None
        year, month = (int(part) for part in start.split("-"))
        total = year * 12 + month - 1 + months
        first, begun = (int(part) for part in str(self.scenarios[BASELINE].start).split("-"))
        if total >= (first + self.years) * 12 + begun - 1:
            return None
        return f"{total // 12}-{total % 12 + 1:02d}"


def run(book: ModelIndex, job: RunRequest, progress: Progress) -> Document:
    """Runs one policy and the baseline on the same seeds, and gives their document. Blocks until done."""
    before = book.scenarios[BASELINE]
    after = book.scenarios[job.scenario] if job.scenario != YOURS else before
    for move in job.moves:
        told = move.told()
        after = after.with_policy(told.pop("lever"), **told, name=YOURS)
    comparison = book.model.compare(
        before,
        after,
        place=job.place,
        people=job.people,
        years=job.years,
        seeds=job.seeds,
        seed=job.seed,
        threads=book.settings.threads,
        progress=progress,
    )
    document = comparison.document(by=("quintile",))
    for part in ("scenarios", "differences"):
        for measures in document[part].values():
            for name in measures.keys() - {book.main}:
                measures[name].pop("groups", None)  # only the main chart is told by fifth, and a page keeps many
    return with_gaps(document)


def with_gaps(document: Document) -> Document:
    """The document with NaN for figures that nobody has, which charts leave out and tables call 'none'."""

    def filled(values: Any) -> Any:
        return [math.nan if value is None else value for value in values]

    for part in ("scenarios", "differences"):
        for measures in document[part].values():
            for record in measures.values():
                for key in FIGURES:
                    if key in record:
                        record[key] = filled(record[key])
                groups = [group for groups in record.get("groups", {}).values() for group in groups.values()]
                for rows in (record, *groups):
                    for row in rows["by_year"]:
                        row.update(zip(FIGURES, filled(row[key] for key in FIGURES), strict=True))
    return document


def merged(documents: Sequence[Document]) -> Document:
    """Comparisons with the same baseline, place and seeds as one, in the order given."""
    first = documents[0]
    whole = {**first, "scenarios": {}, "differences": {}, "labels": {}}
    for document in documents:
        if (document["baseline"], document["place"], document["seeds"]) != (
            first["baseline"],
            first["place"],
            first["seeds"],
        ):
            raise ValueError("only comparisons with one baseline, place and set of seeds can be shown together")
        for part in ("scenarios", "differences", "labels"):
            for name, value in document.get(part, {}).items():
                whole[part].setdefault(name, value)
    return whole
