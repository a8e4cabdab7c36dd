"""Writes what sim/MODEL.md can take from the code itself, and draws the picture of README.md from a run.

Each mechanism's claim, evidence and limits are its file's own docstring, letter for letter; tables come from the
declarations.

`python -m sim.reference_docs` does both; `--tables` leaves the picture alone (seconds instead of a comparison), `--check`
only says which tables are stale. Text outside the markers is written by hand and never touched.
"""

from __future__ import annotations

import pkgutil
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from html import escape
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from pydantic import BaseModel

from sim import policies
from sim.calibration import calibrate, simulation_check
from sim.engine.schedule import REGISTRY, Mechanism
from sim.engine.tables import columns
from sim.feedback.loops import LOOPS
from sim.people import demographic_spin_up
from sim.people.domains import load_domains
from sim.place.place import Place, place_names
from sim.policies import Lever, levers
from sim.results.expectation_tests import about
from sim.results.metrics import Metric, metrics
from sim.scenario import registry
from sim.scenario.parameters import parameter_groups, parameters
from sim.scenario.scenario import Scenario, library
from sim.schema.quantities import Figure
from sim.services.catalogue import Service, load_catalogue
from sim.state.tables import PURPOSES, TABLES
from sim.validation.claims import claim_texts, outside_texts
from sim.validation.natural_experiments import EXPERIMENTS, Experiment
from sim.world.build import BURN_IN_MONTHS

if TYPE_CHECKING:
    import pandas as pd

    from sim.results.comparison import Comparison

HERE = Path(__file__).parent
MODEL = HERE / "MODEL.md"
PICTURE = HERE.parent / "scenarios" / "main-comparison.svg"
FEW = 8
"""Levers that are named in the table of the month."""
SHOWN = ("baseline", "salami-slice", "more-acute", "prevention-shift")


# --- tables ----------------------------------------------------------------------------------------------------------


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; cells are text, numbers are written short."""

    def cell(value: object) -> str:
        text = f"{value:g}" if isinstance(value, float) else str(value)
        return " ".join(text.split()).replace("|", "\\|")

    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell(value) for value in line) + " |" for line in lines)


def _path(module: str) -> str:
    """Where a module of `sim` stands, seen from MODEL.md."""
    return f"{module.removeprefix('sim.').replace('.', '/')}.py"


def _file(module: str) -> str:
    """A link from MODEL.md to a module of `sim`."""
    return f"[{_path(module)}]({_path(module)})"


def _beside(path: Path) -> str:
    """A link from MODEL.md to a file of the project."""
    return f"[{path.stem}](../{path.relative_to(HERE.parent).as_posix()})"


def _ages(ages: tuple[int, int]) -> str:
    return f"{ages[0]}+" if ages[1] == 109 else f"{ages[0]}-{ages[1]}"


def _value(figure: Figure | None) -> str:
    return "" if figure is None else f"{figure.value:g}"


def mechanisms_table() -> str:
    """The month: each mechanism in the order in which it runs. Levers one after the other are one row."""
    rows = []
    month = list(enumerate(REGISTRY.month(), 1))
    for lever, together in groupby(month, key=lambda step: step[1].lever is not None):
        steps = list(together)
        if lever:
            first, last = steps[0][0], steps[-1][0]
            names = ", ".join(f"`{entry.name}`" for _, entry in steps)
            told = (
                f"*If a policy pulls them:* {names}." if len(steps) <= FEW else "*If a policy pulls them:* all other."
            )
            number = f"{first}" if first == last else f"{first}-{last}"
            rows.append((number, "policy", f"{len(steps)} levers", told, "[policies/](policies/)"))
            continue
        for number_of, entry in steps:
            claim = entry.claim
            if entry.name.endswith("_bounds"):
                claim = "Bounds for this month's draws, worked out anew for whom something changed."
            phase = entry.phase.name.lower().replace("_", " ")
            rows.append((f"{number_of}", phase, f"`{entry.name}`", claim, _file(entry.module)))
    return _table(("", "phase", "mechanism", "in a sentence", "file"), rows)


def state_tables() -> str:
    """Every column of state, table by table, with the mechanisms that write it."""
    writers: dict[str, list[str]] = {}
    for entry in REGISTRY.month():
        for column in entry.writes:
            name = f"*{entry.lever}*" if entry.lever else entry.name
            writers.setdefault(column, []).append(name)
    parts = []
    for name, table in TABLES.items():
        doc = " ".join((table.__doc__ or "").split("\n\n")[0].split())
        rows = [
            (f"`{c}`", told.dtype, " × ".join(told.axes), told.unit, told.meaning,
             ", ".join(writers.get(f"{name}.{c}", ())))
            for c, told in columns(table)
        ]  # fmt: skip
        head = ("column", "type", "axes", "unit", "meaning", "written by")
        parts.append(f"**`{name}`.** {doc}\n\n{_table(head, rows)}")
    return "\n\n".join(parts)


# --- submodels -------------------------------------------------------------------------------------------------------


def submodels(folder: ModuleType) -> str:
    """Each file of a folder that makes a claim, in the order of the month: what it says of itself, and its kernels."""
    month = list(enumerate(REGISTRY.month(), 1))
    found: list[tuple[int, str]] = []
    for info in pkgutil.iter_modules(folder.__path__):
        name = f"{folder.__name__}.{info.name}"
        doc = (sys.modules[name].__doc__ or "").strip()
        own = [(place, entry) for place, entry in month if entry.module == name]
        if "\nClaim " in doc:
            found.append((own[0][0] if own else 0, _submodel(name, doc, own)))
    return "\n\n".join(text for _, text in sorted(found))


def _submodel(module: str, doc: str, own: Sequence[tuple[int, Mechanism]]) -> str:
    sentence, _, rest = doc.partition("\n\n")
    kernels = ", ".join(
        f"`{entry.kernel.__name__}`" + (f" as `{entry.name}`" if len(own) > 1 else "") + f" (step {place})"
        for place, entry in own
    )
    group = module.rsplit(".", 1)[-1]
    where = f"Kernel: {kernels}." if kernels else "Used when a world is built or people move in; no step of the month."
    if group in parameter_groups():
        where += f" Parameters: `{group}.…`"
    return f"#### {_file(module)}\n\n*{' '.join(sentence.split())}*\n\n```text\n{rest.strip()}\n```\n\n{where}"


def loops_table() -> str:
    """The loops and their switches."""
    rows = []
    for loop in LOOPS:
        files = ", ".join(f"[{file}]({file})" for file in loop.files)
        told = f"{', '.join(loop.switch())}: {loop.disabled_by}" + (
            " Moves the baseline." if loop.moves_baseline else ""
        )
        rows.append((f"**{loop.name} {loop.label}**", loop.chain, loop.sign, told, files))
    return _table(("loop", "chain", "sign", "switch", "told in"), rows)


# --- what can be moved, and what it costs ----------------------------------------------------------------------------


def parameters_table() -> str:
    """Every parameter that stands in Python, beside its equation."""
    rows = [
        (f"`{group}.{name}`", value, told.unit, told.low, told.high, told.meaning, told.source, told.status)
        for group, model in sorted(parameter_groups().items())
        for name, value, told in model.declared()
    ]
    return _table(("parameter", "value", "unit", "low", "high", "meaning", "source", "status"), rows)


def levers_table() -> str:
    """Every lever that a policy can pull."""
    rows = []
    for x in levers():
        some = {"service": "services", "where": "neighbourhoods", "who": "ages"}
        aim = ", ".join(some[aim] + (" (must)" if aim in x.needs else "") for aim in x.aims) or "place"
        name = f"[`{x.name}`](policies/{x.name}.py)"
        rows.append((name, x.meaning, x.unit, x.low, x.high, x.baseline, x.kind, aim, _paid_by(x), x.source))
    head = ("lever", "what it does", "unit", "low", "high", "baseline", "takes", "aimed at", "paid by", "source")
    return _table(head, rows)


def _paid_by(lever: Lever) -> str:
    """Where the money for moving a lever comes from, as the columns that its kernel writes tell."""
    written = {column for entry in REGISTRY.month() if entry.lever == lever.name for column in entry.writes}
    if lever.shock:
        return "a shock"
    if lever.name in PURPOSES:
        return "new money (feedback/programme_costs.py)"
    if "services.granted" in written:
        return "is money"
    if any(column.startswith("services.") for column in written):
        return "services' budgets, in time or pay"
    return "nothing of its own"


def lever_claims_table() -> str:
    """What each lever's file claims, and its limits."""
    rows = []
    for x in levers():
        parts = _sections(sys.modules[f"sim.policies.{x.name}"].__doc__ or "")
        rows.append((f"[`{x.name}`](policies/{x.name}.py)", parts["Claim"], parts["Evidence"], parts["Limits"]))
    return _table(("lever", "claim", "evidence", "limits"), rows)


def _sections(doc: str) -> dict[str, str]:
    """A docstring's text by its headings."""
    found: dict[str, str] = {}
    for part in re.split(r"\n(?=[A-Z][a-z]+ {2,})", doc.strip()):
        heading = re.match(r"([A-Z][a-z]+) {2,}", part)
        if heading:
            found[heading[1]] = " ".join(part[heading.end() :].split())
    return found


def domains_table() -> str:
    """What the levels of each domain mean, and the published totals that crises are scaled to."""
    rows = []
    for domain in load_domains():
        totals = "; ".join(
            f"{_ages(total.ages)}: {total.value.value:g} {total.value.unit}" for total in domain.crisis.england_total
        )
        meaning = domain.meaning
        rows.append((domain.label, domain.unit, meaning.emerging, meaning.serious, meaning.crisis, totals))
    return _table(("domain", "whose", "1 emerging", "2 serious", "3 crisis", "crises in England"), rows)


def interactions_table() -> str:
    """Omega: what a level in one domain (across) adds to the hazard of getting worse in another (down)."""
    domains = load_domains()
    rows = [
        (f"**{domain.label}**", *(_value(domain.interactions.get(other.id)) for other in domains)) for domain in domains
    ]
    return _table(("hazard in ↓, per level in →", *(domain.label for domain in domains)), rows)


def services_tables() -> str:
    """Who each service is for, what it costs, and what it does."""
    labels = {domain.id: domain.label for domain in load_domains()}

    def about_it(s: Service) -> tuple[str, ...]:
        duty = "yes" if s.statutory else "no"
        return (f"[{s.label}](services/catalogue/{s.id}.toml)", labels[s.domain], s.tier, s.silo, _ages(s.ages), duty)

    helping, acute, general, staff = [], [], [], []
    for s in load_catalogue():
        if s.staff is not None:
            w = s.staff
            figures = (w.cases_per_worker, w.turnover_per_year, w.vacancy_share, w.admin_share, w.hire_months)
            staff.append((f"[{s.label}](services/catalogue/{s.id}.toml)", *map(_value, figures)))
        if s.groups is not None:
            general.append((*about_it(s)[:5], _value(s.groups.spend_per_head), "grows groups"))
        elif s.exposure is not None:
            lowers = "; ".join(f"{labels[d]} {figure.value:g}" for d, figure in s.exposure.lowers.items())
            told = f"log hazard of getting worse, each doubling: {lowers}"
            general.append((*about_it(s)[:5], _value(s.exposure.spend_per_head), told))
        elif s.activity is not None and s.cost is not None and s.effect is not None:
            a = s.activity
            levels = ", ".join(str(level) for level in s.serves)
            access = (a.caseload_per_thousand, a.mean_months, a.wait_months, a.refused_share)
            worth = (s.cost.per_case_month, s.effect.protection, s.effect.recovery)
            helping.append((*about_it(s), levels, *map(_value, access), *map(_value, worth)))
        elif s.cost is not None and s.capacity is not None:
            c = s.capacity
            prices = (s.cost.per_episode, s.cost.per_month)
            told = _ways_in(s)
            acute.append((*about_it(s), told, *map(_value, prices), *map(_value, (c.utilisation, c.premium, c.harm))))
    who = ("service", "domain", "tier", "who pays", "ages", "duty")
    first = _table(
        (*who, "levels", "places per 1,000", "months of help", "wait, months", "turned away", "£ a case and month",
         "protection", "recovery"),
        helping,
    )  # fmt: skip
    told_of_acute = ("£ an episode", "£ a further month", "utilisation", "premium", "harm")
    second = _table((*who, "who comes", *told_of_acute), acute)
    third = _table((*who[:5], "£ per head a year", "for everybody"), general)
    work = ("service", "cases a worker", "leavers a post and year", "vacancies", "administration", "months to hire")
    return f"{first}\n\n{second}\n\n{third}\n\n{_table(work, staff)}"


def _ways_in(s: Service) -> str:
    """By which ways people come to an acute service."""
    ways = ["crises"] if s.takes_crisis else []
    if s.walk_in is not None:
        ways.append(f"anybody: {s.walk_in.total.value:g} a year per 1,000")
    if s.alternative is not None:
        ways.append(f"instead of {s.alternative.instead_of}, if policy says so")
    return "; ".join(ways) + ("" if s.counts else " (not in acute demand)")


def metrics_table() -> str:
    """Every measure that results hold."""
    way = {"up": "more", "down": "less", None: ""}
    return _table(
        ("measure", "label", "kind", "unit", "better", "made as"),
        [(f"`{m.name}`", m.label, m.kind, m.unit, way[m.better], _made_as(m)) for m in metrics()],
    )


def _made_as(m: Metric) -> str:
    """How a measure is made, in a few words."""
    if m.against is not None:
        return "comparison with the baseline"
    if m.derived is not None:
        return f"function of a year's sums, also by {', '.join(m.derived.by)}" if m.derived.by else "of a year's sums"
    return "ratio of sums"


def claims_table() -> str:
    """Each claim beside the scenarios that put it to the test."""
    shown: dict[str, list[str]] = {}
    for name, path in library().items():
        scenario = Scenario.load(name)
        for claim in scenario.shows:
            own = [e for e in scenario.expect if e.claim in (claim, None)]
            stops = [s for s in scenario.stops if any(e.claim in (claim, None) for e in s.expect)]
            if own:
                limits = f", {len(stops)} where it stops" if stops else ""
                told = f"{_beside(path)} ({len(own)} expected{limits})"
                shown.setdefault(claim, []).append(told)
    texts, outside = claim_texts(), outside_texts()
    rows = []
    for number, text in texts.items():
        told = "; ".join(shown.get(number, ())) or (f"outside: {outside[number]}" if number in outside else "none yet")
        rows.append((number, text, told))
    none = len(texts) - len(set(shown) | set(outside))
    count = f"{len(texts)} claims: {len(shown)} put to the test, {len(outside)} outside the model, {none} neither yet."
    return f"{count}\n\n{_table(('claim', 'in a sentence', 'put to the test in'), rows)}"


def experiments_text() -> str:
    """Each published experiment: what was done there and here, what was found, and what is measured here."""
    parts = []
    every = parameters()
    for path in sorted(EXPERIMENTS.glob("*.toml")):
        e = Experiment.load(path)
        rows = []
        for m in e.measures:
            published = "" if m.published is None else f"{m.published:g}"
            band = "" if m.band is None else f"{m.band[0]:g} to {m.band[1]:g}"
            rows.append((m.label, about(m), m.unit, published, band, m.sign or ""))
        head = f"**{e.id}. {e.title}** ({_beside(path)}). {e.protocol}"
        found = f"*Published:* {e.published.finding} {e.published.source}."
        shared = [
            f"`{name}`" for name, known in every.items() if _rows_in(known.told.source) & _rows_in(e.published.source)
        ]
        told = ", ".join(shared) or "none"
        found += f"\n\n*Figures whose own source names one of these rows:* {told}."
        table = _table(("measured here", "of whom, when", "unit", "published", "band", "sign"), rows)
        parts.append(f"{head}\n\n{found}\n\n{table}")
    return "\n\n".join(parts)


def _figures(part: object) -> Iterator[Figure]:
    """Every figure inside a data file's model."""
    if isinstance(part, Figure):
        yield part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from _figures(getattr(part, name))
    elif isinstance(part, dict):
        for value in part.values():
            yield from _figures(value)
    elif isinstance(part, (tuple, list)):
        for value in part:
            yield from _figures(value)


def evidence_table() -> str:
    """How many figures are measured, estimated and assumed, by where they stand."""
    own: list[str] = [told.status for model in parameter_groups().values() for _, _, told in model.declared()]
    kinds: dict[str, list[str]] = {
        "parameters of mechanisms (below)": own,
        "services (`services/catalogue/`)": [f.status for s in load_catalogue() for f in _figures(s)],
        "domains (`people/domains/`)": [f.status for d in load_domains() for f in _figures(d)],
        "places (`../scenarios/places/`)": [f.status for n in place_names() for f in _figures(Place.load(n))],
    }
    order = ("measured", "estimated", "assumed")
    counts = {kind: Counter(found) for kind, found in kinds.items()}
    rows = [(kind, *(count[status] for status in order)) for kind, count in counts.items()]
    rows.append(("**together**", *(sum(count[status] for count in counts.values()) for status in order)))
    told = (
        f"In anytown, {len(parameters())} can be set by a scenario and drawn: those with a range, and the scale of each"
    )
    return f"{_table(('figures', *order), rows)}\n\n{told} table by age and fifth."


def _rows_in(source: str) -> set[str]:
    """The rows of the register that a source names: F04, and F01-F03 as three."""
    found = set(re.findall(r"\b[A-F]\d{2}\b", source))
    for kind, first, last in re.findall(r"\b([A-F])(\d{2})-\1(\d{2})\b", source):
        found |= {f"{kind}{k:02d}" for k in range(int(first), int(last) + 1)}
    return found


def calibration_table() -> str:
    """How large, how long and how often: the settings of calibration, and of its short cut."""
    c, b = calibrate, simulation_check
    rows = [
        ("solving", f"one place of {c.PEOPLE:,}", c.YEARS, f"the last {c.AVERAGED} averaged"),
        ("check by agents", f"{b.CHECK_PEOPLE:,} people in towns of the place's size", b.CHECK_YEARS,
         f"{b.CHECKS} rounds without crowding out, {b.MONEY_CHECKS} with it for acute budgets"),
        ("last check of acute budgets", f"{b.LAST_MONEY_PEOPLE:,} people in such towns", b.CHECK_YEARS,
         f"{b.LAST_MONEY_CHECKS} rounds"),
        ("a shipped place, from England's solution on", f"{c.PLACE_PEOPLE:,} of its people", c.PLACE_YEARS,
         f"the last {c.AVERAGED} averaged; then the check in towns of its mix"),
        ("short cut for draws and other places", f"one place of {c.SHORT_PEOPLE:,}", c.SHORT_YEARS,
         f"the last {c.SHORT_AVERAGED} averaged"),
        ("its check", f"{c.SHORT_CHECK_PEOPLE:,} people in such towns", c.SHORT_CHECK_YEARS, "1 round of each"),
        ("homes before anybody has needs", "the place itself", f"{demographic_spin_up.YEARS}", "not reported"),
        ("settling of a world", "the place itself", f"{BURN_IN_MONTHS / 12:g}", "not reported"),
    ]  # fmt: skip
    return _table(("run", "of what", "years", "how"), rows)


TABLES_OF: dict[str, Callable[[], str]] = {
    "month": mechanisms_table,
    "domains": domains_table,
    "interactions": interactions_table,
    "evidence": evidence_table,
    "calibration": calibration_table,
    **{
        f"submodels-{f.__name__.removeprefix('sim.')}": partial(submodels, f)
        for f in registry.FOLDERS
        if f is not policies
    },
    "loops": loops_table,
    "levers": levers_table,
    "lever-claims": lever_claims_table,
    "services": services_tables,
    "metrics": metrics_table,
    "claims": claims_table,
    "experiments": experiments_text,
    "parameters": parameters_table,
    "state": state_tables,
}


def filled(text: str) -> str:
    """The text with what stands between each pair of markers made anew. Refuses a marker nobody knows how to fill."""

    def fresh(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in TABLES_OF:
            raise ValueError(f"no table called '{name}'; there are {', '.join(TABLES_OF)}")
        return f"<!-- begin generated: {name} -->\n{TABLES_OF[name]()}\n<!-- end generated -->"

    return re.sub(r"<!-- begin generated: (?P<name>\S+) -->\n.*?<!-- end generated -->", fresh, text, flags=re.DOTALL)


# --- the picture -----------------------------------------------------------------------------------------------------

WIDTH, HEIGHT = 960, 440
TEXT, AXIS, GRID = "#22303c", "#4f5d69", "#e3e8ed"
STYLES = (("#12436D", ""), ("#F46A25", "9 5"), ("#28A197", "2 4"), ("#801650", "10 4 2 4"))
"""The Analysis Function's categories, each with its own dashes; the baseline first."""


class _Panel:
    """One chart inside the picture: years across, a measure up."""

    def __init__(self, left: float, right: float, table: pd.DataFrame, low: str, high: str) -> None:
        self.left, self.right, self.top, self.bottom = left, right, 118.0, 370.0
        self.table, self.low, self.high = table, low, high
        self.years = int(table["year"].max())
        floor, ceiling = float(table[low].min()), float(table[high].max())
        self.step = next(s for s in (0.5, 1, 2, 5, 10, 20, 50, 100, 200) if (ceiling - floor) / s <= 6)
        self.floor = self.step * (floor // self.step)
        self.ceiling = self.step * -(-ceiling // self.step)

    def x(self, year: float) -> float:
        return self.left + (year - 1) / (self.years - 1) * (self.right - self.left)

    def y(self, value: float) -> float:
        return self.bottom - (value - self.floor) / (self.ceiling - self.floor) * (self.bottom - self.top)

    def axes(self, signed: bool) -> list[str]:
        out = []
        value = self.floor
        while value <= self.ceiling + 1e-9:
            y = self.y(value)
            colour = AXIS if signed and abs(value) < 1e-9 else GRID
            out.append(f'<path d="M{self.left:.0f} {y:.1f}H{self.right:.0f}" stroke="{colour}"/>')
            number = f"{value:+g}".replace("-", "−") if signed and abs(value) > 1e-9 else f"{value:g}"
            out.append(f'<text x="{self.left - 7:.0f}" y="{y + 4:.1f}" text-anchor="end">{number}</text>')
            value += self.step
        out += [
            f'<text x="{self.x(year):.1f}" y="{self.bottom + 20:.0f}" text-anchor="middle">{year}</text>'
            for year in (1, *range(5, self.years + 1, 5))
        ]
        middle = (self.left + self.right) / 2
        out.append(f'<text x="{middle:.0f}" y="{self.bottom + 40:.0f}" text-anchor="middle">year</text>')
        return out

    def line(self, name: str, colour: str, dash: str) -> list[str]:
        rows = self.table[self.table["scenario"] == name]
        up = [f"{self.x(y):.1f} {self.y(v):.1f}" for y, v in zip(rows["year"], rows[self.high], strict=True)]
        down = [f"{self.x(y):.1f} {self.y(v):.1f}" for y, v in zip(rows["year"], rows[self.low], strict=True)]
        mean = [f"{self.x(y):.1f} {self.y(v):.1f}" for y, v in zip(rows["year"], rows["mean"], strict=True)]
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        return [
            f'<path d="M{" L".join(up + down[::-1])}Z" fill="{colour}" opacity=".14"/>',
            f'<path d="M{" L".join(mean)}" fill="none" stroke="{colour}" stroke-width="2.5"{dashes}/>',
        ]


def picture(result: Comparison) -> str:
    """Acute demand under each scenario, and beside it the difference from the baseline, as a small SVG."""
    series = result["acute_demand"]
    level, change = series.by_year(), series.difference()
    left, right = _Panel(60, 440, level, "q025", "q975"), _Panel(540, 780, change, "ci_low", "ci_high")
    size = f"{result.people:,} people, {len(result.seeds)} seeds"
    small = f"Illustrative, not a forecast. {size}; many parameters are assumed."
    against = f"Difference from “{result.scenarios[0].label}”"
    head = f"Acute demand in {result.place.label} under four ways of spending"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="13" '
        f'font-family="system-ui, sans-serif" fill="{AXIS}"><title>{escape(head)}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="20" y="32" font-size="20" font-weight="600" fill="{TEXT}">{escape(head)}</text>',
        f'<text x="20" y="54">{escape(small)}</text>',
        f'<text x="20" y="88" font-weight="600" fill="{TEXT}">{escape(series.unit.capitalize())}</text>',
        '<text x="20" y="105" font-size="12">mean; band: middle 95 % of seeds; the axis does not start at 0</text>',
        f'<text x="500" y="88" font-weight="600" fill="{TEXT}">{escape(against)}</text>',
        '<text x="500" y="105" font-size="12">same people, same luck; band: 95 % interval of the mean</text>',
        *left.axes(signed=False),
        *right.axes(signed=True),
    ]
    ends = []
    for scenario, (colour, dash) in zip(result.scenarios, STYLES, strict=False):
        out += left.line(scenario.name, colour, dash)
        if scenario.name != result.baseline:
            out += right.line(scenario.name, colour, dash)
            last = change[(change["scenario"] == scenario.name) & (change["year"] == right.years)].iloc[0]
            told = f"{last['mean']:+.1f} ({last['ci_low']:+.1f} to {last['ci_high']:+.1f})".replace("-", "−")
            ends.append((right.y(float(last["mean"])), scenario.label, told))
    at = right.top - 30.0
    for y, label, told in sorted(ends):
        at = max(y, at + 36.0)
        out.append(f'<text x="790" y="{at:.1f}" font-weight="600" fill="{TEXT}">{escape(label)}</text>')
        out.append(f'<text x="790" y="{at + 15:.1f}" font-size="12">{told}</text>')
    key = 60.0
    for scenario, (colour, dash) in zip(result.scenarios, STYLES, strict=False):
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        out.append(f'<path d="M{key:.0f} 428h26" stroke="{colour}" stroke-width="2.5"{dashes}/>')
        out.append(f'<text x="{key + 32:.0f}" y="432">{escape(scenario.label)}</text>')
        key += 50 + 8 * len(scenario.label)
    return "\n".join([*out, "</svg>\n"])


def draw() -> None:
    """Run the main comparison and keep its picture."""
    from sim.ensemble.compare import compare

    text = picture(compare(*(Scenario.load(name) for name in SHOWN)))
    PICTURE.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Write the tables, and unless told otherwise the picture."""
    unknown = set(arguments) - {"--tables", "--check"}
    if unknown:
        print(f"wanted --tables, --check or nothing; came {' '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    text = MODEL.read_text(encoding="utf-8")
    fresh = filled(text)
    if "--check" in arguments:
        if fresh != text:
            print(
                f"{MODEL.name} has tables that are out of date: python -m sim.reference_docs --tables", file=sys.stderr
            )
        return int(fresh != text)
    MODEL.write_text(fresh, encoding="utf-8")
    if "--tables" not in arguments:
        draw()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
