"""The page's interface to the model: an index of levers, measures and scenarios, and the run of one policy.

Apart from former names, input errors, sentences on doubt, excluded uses, the key of sources, the rows of money and the
forms of numbers and files, the page uses `sim` only through this module, so a test can use a small substitute model.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from dashboard.lever_settings import LeverSetting

Document = dict[str, Any]
"""A comparison as returned by `sim.Comparison.document()`: scenarios, differences, units, labels."""

Progress = Callable[[int, int, str], None]
"""Called with the number of finished runs, the number of runs and a note."""

FIGURES = ("mean", "q025", "q975")
BY_POLICY = (
    "scenarios", "differences", "labels", "composition", "money", "asked_and_done",
    "drivers", "driver_others", "driver_notes",
)  # fmt: skip
"""The parts of a document that have an entry for each scenario or policy."""
SPENDING_TOTALS = ("spend_total", "spend_preventive")
"""Spending that other measures divide: all of it, and all prevention, of which each kind has a measure."""
BASELINE = "baseline"
DEFAULT_DRAWS = "all"
"""The default of `draws` in `sim.compare`, of `--draws` on the command line, and of the page."""
YOURS = "your-policy"  # a scenario's name has no spaces; on the page it is "Your policy"


class LeverInfo(Protocol):
    """A lever of the model: a quantity that a policy can change, with its range and source."""

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
    """A measure of the model, with its unit and the better direction, if there is one."""

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
    """Settings of the page, fixed when it starts. Visitors choose everything else."""

    place: str = "anytown"
    people: int | None = None
    authority_people: int = 30_000  # of an English authority without a file: the same mix, quick enough for a page
    years: int | None = None
    seeds: int = 20
    quick_seeds: int = 4  # for preliminary results, while the other seeds run
    seed: int = 0
    threads: int = 2
    scenarios: tuple[str, ...] = ("salami-slice", "more-acute", "prevention-shift")
    first_levers: tuple[str, ...] = (  # the most used levers, first in their sections
        "prevention_share", "total_budget", "service_budget", "community_investment",
        "threshold", "outreach", "caseload", "continuity", "admin_share",
    )  # fmt: skip
    most_scenarios: int = 3  # in addition to the baseline: readers can distinguish about four colours
    most_services: int = 6
    over_months: int = 24
    lasts_months: int = 24  # default duration of a shock
    names: tuple[str, ...] = field(default=())  # additional host names that browsers may use


@dataclass(frozen=True)
class RunRequest:
    """One policy to be compared with the baseline. Equal requests have equal results, which are stored by digest."""

    place: str
    people: int | None
    years: int | None
    seeds: int
    seed: int
    scenario: str
    lever_settings: tuple[LeverSetting, ...] = ()
    draws: str = DEFAULT_DRAWS
    version: str = ""

    @cached_property
    def digest(self) -> str:
        """The key of the result, the same in every process."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        fields["lever_settings"] = [setting.as_dict() for setting in self.lever_settings]
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:32]


class ModelIndex:
    """The levers, measures, places and scenarios of the model, read once when the page starts."""

    def __init__(
        self,
        model: Any,
        settings: Settings,
        is_warm: Callable[[], bool] = lambda: True,
        drivers: Callable[[Any], Document] = lambda _: {},
    ) -> None:
        self.model = model
        self.settings = settings
        self.is_warm = is_warm  # whether the model is compiled; if not, the first run waits for the compiler
        self.scope: tuple[dict[str, Any], ...] = ()  # the rows of the model's scope, after the first run
        self.drivers = drivers  # from a comparison to the part of its document on the drivers of its differences
        self.version = str(getattr(model, "__version__", ""))
        self.sections: tuple[str, ...] = tuple(model.lever_sections())
        first = settings.first_levers
        ranked = [(self.sections.index(lever.section), lever) for lever in model.levers()]
        ranked.sort(key=lambda pair: (pair[0], (*first, pair[1].name).index(pair[1].name), pair[1].label))
        self.levers: dict[str, LeverInfo] = {lever.name: lever for _, lever in ranked}
        self.target_services: dict[str, str] = {service.id: service.label for service in model.load_catalogue()}
        self._services_of = model.services_of
        self.age_bands: tuple[tuple[int, int], ...] = tuple(model.AGE_BANDS)
        # A measure that compares a policy with the baseline has no level, so it has no line in a chart.
        levels = (metric for metric in model.metrics() if getattr(metric, "against", None) is None)
        self.metrics: dict[str, MetricInfo] = {metric.name: metric for metric in levels}
        filed = tuple(model.place_names())
        self.authorities: dict[str, str] = {
            name: label for name, label in model.authority_names().items() if name not in filed
        }
        self.places: tuple[str, ...] = (*filed, *self.authorities)
        self._filed = {name: model.Place.load(name) for name in filed}
        self.scenarios: dict[str, Any] = {name: model.Scenario.load(name) for name in model.scenario_names()}
        if BASELINE not in self.scenarios:
            raise ValueError(f"no scenario called '{BASELINE}'; there are {', '.join(self.scenarios) or 'none'}")

    def load_scope(self) -> None:
        """Read the table of the model's scope once, in a run: it needs a calibration, which a run makes anyway."""
        if not self.scope:
            self.scope = tuple(self.model.scope().to_dict("records"))

    def services_of(self, lever: str) -> dict[str, str]:
        """The services on which a lever acts, and their labels."""
        return {name: self.target_services[name] for name in self._services_of(lever)}

    @property
    def policies(self) -> tuple[str, ...]:
        """Every scenario that can be compared with the baseline."""
        return tuple(name for name in self.scenarios if name != BASELINE)

    @property
    def default_scenarios(self) -> tuple[str, ...]:
        """The policies that the page shows at first."""
        existing = tuple(name for name in self.policies if name in self.settings.scenarios)
        return (existing or self.policies)[: self.settings.most_scenarios]

    @property
    def place(self) -> str:
        """The place that the page shows at first."""
        return self.settings.place if self.settings.place in self.places else self.places[0]

    def place_label(self, place: str) -> str:
        """The label of a place on the page."""
        return str(self._filed[place].label if place in self._filed else self.authorities[place])

    def is_invented(self, place: str) -> bool:
        """Whether no such place exists: its neighbourhoods are invented too."""
        return place in self._filed and self._filed[place].kind == "illustrative"

    def people(self, place: str) -> int | None:
        """The number of people with which a place is run; None for the population of a place with a file."""
        if self.settings.people is not None or place not in self.authorities:
            return self.settings.people
        return self.settings.authority_people

    @property
    def services(self) -> tuple[str, ...]:
        """Measures that count contacts with a service, for the first small charts."""
        return tuple(n for n, m in self.metrics.items() if "per 1,000" in m.unit and n != self.main)

    @property
    def main(self) -> str:
        """The measure of the main chart."""
        return "acute_demand" if "acute_demand" in self.metrics else next(iter(self.metrics))

    @property
    def money(self) -> tuple[str, ...]:
        """Measures in pounds."""
        return tuple(n for n, m in self.metrics.items() if m.unit.startswith("£"))

    @property
    def spend(self) -> tuple[str, ...]:
        """Spending by kind, without totals, for the charts of spending."""
        kinds = tuple(n for n in self.money if n.startswith("spend_") and n not in SPENDING_TOTALS)
        return kinds or self.money[:4]

    @property
    def selectable(self) -> tuple[str, ...]:
        """Measures that a visitor can add as a small chart: all without a chart of their own."""
        return tuple(n for n in self.metrics if n != self.main and n not in self.spend)

    def label(self, scenario: str) -> str:
        """The label of a scenario on the page."""
        if scenario == YOURS:
            return "Your policy"
        return str(getattr(self.scenarios[scenario], "label", "") or scenario)

    def question(self, scenario: str) -> str:
        """The question that a scenario asks."""
        return str(getattr(self.scenarios[scenario], "question", ""))

    @property
    def years(self) -> int:
        """The number of simulated years."""
        return int(self.settings.years or self.scenarios[BASELINE].years)

    def starts(self) -> tuple[str, ...]:
        """The months in which a visitor's policy can begin: the first month of each of the first ten years."""
        year, month = str(self.scenarios[BASELINE].start).split("-")
        return tuple(f"{int(year) + later}-{month}" for later in range(min(10, self.years)))

    @property
    def default_start(self) -> str:
        """One year after the start, so that the charts show a year before the policy."""
        return self.starts()[min(1, self.years - 1)]

    def ends(self, start: str, months: int | None) -> str | None:
        """The month `months` after `start`; None if `months` is None or that month is after the last year."""
        if months is None:
            return None
        year, month = (int(part) for part in start.split("-"))
        total = year * 12 + month - 1 + months
        first_year, first_month = (int(part) for part in str(self.scenarios[BASELINE].start).split("-"))
        if total >= (first_year + self.years) * 12 + first_month - 1:
            return None
        return f"{total // 12}-{total % 12 + 1:02d}"


def run(index: ModelIndex, job: RunRequest, progress: Progress) -> Document:
    """Run one policy and the baseline on the same seeds and return their document. Blocks until done."""
    before = index.scenarios[BASELINE]
    after = index.scenarios[job.scenario] if job.scenario != YOURS else before
    for setting in job.lever_settings:
        policy = setting.as_policy()
        after = after.with_policy(policy.pop("lever"), **policy, name=YOURS)
    if job.lever_settings:
        after.check_acting()
    comparison = index.model.compare(
        before,
        after,
        place=job.place,
        people=job.people,
        years=job.years,
        seeds=job.seeds,
        seed=job.seed,
        draws=job.draws,
        threads=index.settings.threads,
        progress=progress,
    )
    document = comparison.document(by=("quintile",)) | index.drivers(comparison)
    for part in ("scenarios", "differences"):
        for measures in document[part].values():
            for name in measures.keys() - {index.main}:
                measures[name].pop("groups", None)  # only the main chart shows fifths; the store stays small
    index.load_scope()
    return with_gaps(document)


def with_gaps(document: Document) -> Document:
    """The document with NaN for missing figures, which charts omit and tables show as 'none'."""

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
    """Combine comparisons with the same baseline, place, seeds and draws into one document, in order."""
    first = documents[0]
    combined = {**first, **{part: {} for part in BY_POLICY if part in first}}
    for document in documents:
        if any(document.get(key) != first.get(key) for key in ("baseline", "place", "seeds", "draws")):
            raise ValueError("only comparisons with one baseline, place, set of seeds and draws can be shown together")
        for part in BY_POLICY:
            for name, value in document.get(part, {}).items():
                combined[part].setdefault(name, value)
    if "notes" in first:
        combined["notes"] = list(dict.fromkeys(note for document in documents for note in document["notes"]))
    return combined
