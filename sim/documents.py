"""Writes the tables of sim/MODEL.md from the declarations themselves, and draws the picture of README.md from a run.

`python -m sim.documents` does both; `--tables` leaves the picture alone (seconds instead of a comparison), `--check`
only says which tables are stale. Text outside the markers is written by hand and never touched.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from sim import book  # noqa: F401  (enters every mechanism in the book)
from sim.engine.columns import columns
from sim.engine.mechanism import BOOK
from sim.fields import Figure
from sim.people.domains import load_domains
from sim.place import Place, place_names
from sim.policies import levers
from sim.results import metrics
from sim.scenario import parameter_groups
from sim.services.catalogue import Service, load_catalogue
from sim.state import TABLES

if TYPE_CHECKING:
    import pandas as pd

    from sim.analysis import Comparison

HERE = Path(__file__).parent
MODEL = HERE / "MODEL.md"
PICTURE = HERE.parent / "scenarios" / "main-comparison.svg"
SHOWN = ("baseline", "salami-slice", "more-acute", "prevention-shift")


# --- tables ----------------------------------------------------------------------------------------------------------


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; cells are text, numbers are written short."""

    def cell(value: object) -> str:
        text = f"{value:g}" if isinstance(value, float) else str(value)
        return " ".join(text.split()).replace("|", "\\|")

    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell(value) for value in line) + " |" for line in lines)


def _file(module: str) -> str:
    """A link from MODEL.md to a module of `sim`."""
    path = f"{module.removeprefix('sim.').replace('.', '/')}.py"
    return f"[{path}]({path})"


def _ages(ages: tuple[int, int]) -> str:
    return f"{ages[0]}+" if ages[1] == 109 else f"{ages[0]}-{ages[1]}"


def _value(figure: Figure | None) -> str:
    return "" if figure is None else f"{figure.value:g}"


def mechanisms_table() -> str:
    """The month: each mechanism in the order in which it runs."""
    rows = []
    for number, entry in enumerate(BOOK.month(), 1):
        claim = f"*If a policy pulls it.* {entry.claim}" if entry.lever else entry.claim
        if entry.name.endswith("_bounds"):
            claim = "Bounds for next month's draws, worked out anew for whom something changed."
        rows.append((number, entry.phase.name.lower().replace("_", " "), f"`{entry.name}`", claim, _file(entry.module)))
    return _table(("", "phase", "mechanism", "in a sentence", "file"), rows)


def state_tables() -> str:
    """Every column of state, table by table."""
    parts = []
    for name, table in TABLES.items():
        doc = (table.__doc__ or "").strip().splitlines()[0]
        rows = [(f"`{c}`", told.dtype, " × ".join(told.axes), told.unit, told.meaning) for c, told in columns(table)]
        parts.append(f"**`{name}`.** {doc}\n\n{_table(('column', 'type', 'axes', 'unit', 'meaning'), rows)}")
    return "\n\n".join(parts)


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
        aim = ", ".join(some[aim] for aim in x.aims) or "place"
        rows.append((f"`{x.name}`", x.meaning, x.unit, x.low, x.high, x.baseline, x.kind, aim, x.source))
    return _table(("lever", "what it does", "unit", "low", "high", "baseline", "takes", "aimed at", "source"), rows)


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

    def about(s: Service) -> tuple[str, ...]:
        duty = "yes" if s.statutory else "no"
        return (f"[{s.label}](services/catalogue/{s.id}.toml)", labels[s.domain], s.tier, s.silo, _ages(s.ages), duty)

    helping, acute, grown = [], [], []
    for s in load_catalogue():
        if s.groups is not None:
            grown.append((*about(s)[:5], _value(s.groups.spend_per_head)))
        elif s.activity is not None and s.cost is not None and s.effect is not None:
            a = s.activity
            levels = ", ".join(str(level) for level in s.serves)
            access = (a.caseload_per_thousand, a.mean_months, a.wait_months, a.refused_share)
            worth = (s.cost.per_case_month, s.effect.protection, s.effect.recovery)
            helping.append((*about(s), levels, *map(_value, access), *map(_value, worth)))
        elif s.cost is not None and s.capacity is not None:
            c = s.capacity
            prices = (s.cost.per_episode, s.cost.per_month)
            acute.append((*about(s), *map(_value, prices), *map(_value, (c.utilisation, c.premium, c.harm))))
    who = ("service", "domain", "tier", "who pays", "ages", "duty")
    first = _table(
        (*who, "levels", "places per 1,000", "months of help", "wait, months", "turned away", "£ a case and month",
         "protection", "recovery"),
        helping,
    )  # fmt: skip
    second = _table((*who, "£ an episode", "£ a further month", "utilisation", "premium", "harm"), acute)
    third = _table((*who[:5], "£ per head a year"), grown)
    return f"{first}\n\n{second}\n\n{third}"


def metrics_table() -> str:
    """Every measure that results hold."""
    return _table(
        ("measure", "label", "unit", "better"),
        [(f"`{m.name}`", m.label, m.unit, {"up": "more", "down": "less", None: ""}[m.better]) for m in metrics()],
    )


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
    rows = []
    for kind, found in kinds.items():
        count = Counter(found)
        rows.append((kind, *(count[status] for status in order)))
    return _table(("figures", *order), rows)


TABLES_OF: dict[str, Callable[[], str]] = {
    "month": mechanisms_table,
    "evidence": evidence_table,
    "domains": domains_table,
    "interactions": interactions_table,
    "services": services_tables,
    "levers": levers_table,
    "metrics": metrics_table,
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
    left, right = _Panel(60, 440, level, "low", "high"), _Panel(540, 780, change, "sure_low", "sure_high")
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
            told = f"{last['mean']:+.1f} ({last['sure_low']:+.1f} to {last['sure_high']:+.1f})".replace("-", "−")
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
    from sim.analysis import compare
    from sim.scenario import Scenario

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
            print(f"{MODEL.name} has tables that are out of date: python -m sim.documents --tables", file=sys.stderr)
        return int(fresh != text)
    MODEL.write_text(fresh, encoding="utf-8")
    if "--tables" not in arguments:
        draw()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
