"""Sections of a report: what was asked, what came out, how sure it is, and how it was computed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sim.analysis.scope import scope
from sim.analysis.sensitivity import drivers
from sim.assurance.log_table import LogTable
from sim.assurance.run_logs import drivers_table
from sim.report.charts import ChartBar, ScenarioStyle, bar_chart, line_chart, styles
from sim.report.policies import asked_section, money_section
from sim.report.section import Entry, Exhibit, ReportSection
from sim.report.tables import ReportTable, figure_text, group_table, last_year_table, runs_text, year_table
from sim.results.comparison import Comparison
from sim.results.doubt import doubt_sentences
from sim.results.metric_types import Metric
from sim.results.metrics import metric, metrics
from sim.results.number_text import MINUS, difference_unit, fixed, is_share, number_text, shown_unit
from sim.scenario.headings import FIFTH_NAMES
from sim.schema.prices import base_year
from sim.schema.quantities import QUINTILES

Document = Mapping[str, Any]
MAIN = drivers.METRIC
SPENDING = ("spend_acute", "spend_responsive", "spend_preventive", "spend_community")
ALSO = ("spend_total", "qalys", "unmet_need")
"""Measures of which the summary has a sentence, beside the main one."""
BY = ("quintile",)
FIFTHS = {str(fifth): FIFTH_NAMES.get(fifth, f"fifth {fifth}").capitalize() for fifth in range(1, QUINTILES + 1)}


def sections(result: Comparison) -> Iterator[ReportSection]:
    """Make the sections of a report, in order.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Yields
    ------
    ReportSection
    """
    document = result.document(by=BY)
    looks = styles(result)
    yield question_section(result)
    yield summary_section(result, document)
    if document["differences"]:
        yield asked_section(result, document)
    yield demand_section(result, document, looks)
    yield measures_section(document)
    if document["differences"]:
        yield spending_section(result, document, looks)
        yield money_section(result, looks)
    yield doubt_section(result, document)
    if result.expected():
        yield expectations_section(result)
    yield scope_section()
    yield method_section(result)


def question_section(result: Comparison) -> ReportSection:
    """The question of each scenario, and the reason for the model's answer."""
    entries = []
    for scenario in result.scenarios:
        reason = (f"Why the model answers as it does: {scenario.reason}",) if scenario.reason else ()
        question = scenario.question or "No question is stated."
        entries.append(Entry(result.headings[scenario.name], (question, *reason)))
    return ReportSection("question", "The question", entries=tuple(entries))


def summary_section(result: Comparison, document: Document) -> ReportSection:
    """The main results of each policy in sentences, with their doubt."""
    measures = [metric(MAIN), *map(metric, ALSO)]
    if document["differences"]:
        entries = [
            Entry(document["labels"][name], tuple(_difference(document, name, each) for each in measures))
            for name in result.names[1:]
        ]
    else:
        levels = document["scenarios"][result.baseline]
        entries = [
            Entry(document["labels"][result.baseline], tuple(_level(document, levels, each) for each in measures))
        ]
    note = (
        "Differences are those from the baseline, for the same people, the same parameters and the same chance events. "
        "The 95% interval is that of the mean over runs. Single runs, and so the real world, differ more."
    )
    return ReportSection("summary", "In short", (note,), entries=tuple(entries))


def demand_section(result: Comparison, document: Document, looks: Mapping[str, ScenarioStyle]) -> ReportSection:
    """Acute demand over time, and by deprivation."""
    measure, year = metric(MAIN), document["years"][-1]
    exhibits = [
        Exhibit(line_chart(result, measure, change=False), year_table(document, measure, change=False), has_key=True)
    ]
    if document["differences"]:
        exhibits += [
            Exhibit(line_chart(result, measure, change=True), year_table(document, measure, change=True), has_key=True),
            Exhibit(
                bar_chart(
                    f"{measure.label} by deprivation fifth in year {year}: difference from the baseline",
                    difference_unit(measure.unit),
                    _bars_by_group(document, measure),
                    looks,
                ),
                group_table(document, measure, BY[0], FIFTHS),
            ),
            _composition(result, document, looks),
        ]
    bands = (
        "Light bands: the middle 95% of runs. Dark bands: the 95% interval of the mean. The axis of a level does not "
        "start at 0."
    )
    return ReportSection("demand", measure.label, (bands,), tuple(exhibits))


def _composition(result: Comparison, document: Document, looks: Mapping[str, ScenarioStyle]) -> Exhibit:
    """What acute demand is made of, and which services make the difference in the last year."""
    import pandas as pd

    year, measure, bars = document["years"][-1], metric(MAIN), []
    cells: dict[str, list[str]] = {}
    for name in result.names[1:]:
        frame = result.composition(name)
        for row in frame[frame["year"] == year].to_dict("records"):
            figures = {key: None if pd.isna(value) else value for key, value in row.items()}
            figures["mean"] = figures["difference"]
            bars.append(_bar(str(row["label"]), name, figures, measure))
            base = [f"£{fixed(row['unit_cost'], 0)}", number_text(row["baseline"], measure.unit, 2)]
            cells.setdefault(str(row["label"]), base).append(
                figure_text(figures, measure._replace(decimals=2), signed=True)
            )
    order = list(cells)
    bars.sort(key=lambda bar: order.index(bar.group))
    title = f"What makes the difference in {measure.label.lower()} in year {year}, by service"
    head = (
        "Service",
        "Cost of an episode",
        "Points in the baseline",
        *(looks[name].label for name in result.names[1:]),
    )
    rows = tuple((label, *texts) for label, texts in cells.items())
    note = "Points of the index. In brackets: the 95% interval of the mean."
    return Exhibit(bar_chart(title, difference_unit(measure.unit), bars, looks), ReportTable(title, head, rows, note))


def measures_section(document: Document) -> ReportSection:
    """Every measure in the last year, by kind."""
    kinds: dict[str, list[Metric]] = {}
    for measure in metrics():
        kinds.setdefault(measure.kind, []).append(measure)
    year = document["years"][-1]
    exhibits = tuple(
        Exhibit(table=last_year_table(document, f"{kind.capitalize()}, year {year}", measures))
        for kind, measures in kinds.items()
    )
    return ReportSection("measures", "All measures", (), exhibits)


def spending_section(result: Comparison, document: Document, looks: Mapping[str, ScenarioStyle]) -> ReportSection:
    """Spending by tier in the last year."""
    measures = [metric(name) for name in SPENDING]
    bars = [
        _bar(measure.label, name, document["differences"][name][measure.name]["by_year"][-1], measure)
        for measure in measures
        for name in result.names[1:]
    ]
    year = document["years"][-1]
    title = f"Spending by tier in year {year}: difference from the baseline"
    chart = bar_chart(title, measures[0].unit, bars, looks)
    table = last_year_table(document, f"Spending in year {year}", [*measures, metric("spend_total")])
    return ReportSection("spending", "Spending by tier", (), (Exhibit(chart, table),))


def doubt_section(result: Comparison, document: Document) -> ReportSection:
    """How sure the result is, and the parameters on which it depends."""
    table = _of_log(drivers_table(result)) if document["differences"] else None
    exhibits = (Exhibit(table=table),) if table is not None and table.rows else ()
    return ReportSection("doubt", "How sure", tuple(doubt_sentences(document, metric(MAIN))), exhibits)


def expectations_section(result: Comparison) -> ReportSection:
    """What the scenarios expected, and whether it came out."""
    rows = []
    for row in result.expected():
        measure = metric(str(row["metric"]))
        no_interval = math.isnan(row["ci_low"])
        signed = {name: float(row[name]) for name in ("mean", "ci_low", "ci_high")}
        came = "none" if no_interval else figure_text(signed, measure._replace(unit=str(row["unit"])), signed=True)
        verdict = "no interval" if no_interval else "met" if row["met"] else "not met"
        label = result.headings[str(row["scenario"])]
        rows.append((label, f"{measure.label}, {row['about']}", str(row["expected"]), came, str(row["unit"]), verdict))
    head = ("Scenario", "Measure", "Expected", "Came out", "Unit", "Verdict")
    return ReportSection(
        "expectations",
        "What the scenarios expected",
        ("An expectation is met if the whole 95% interval of the mean lies in the expected range.",),
        (Exhibit(table=ReportTable("Expectations", head, tuple(rows))),),
    )


def scope_section() -> ReportSection:
    """The share of public spending that the model holds."""
    import pandas as pd

    rows = tuple(
        (
            str(row["label"]),
            f"£{fixed(row['model'], 0)}",
            "not published" if pd.isna(row["published"]) else f"£{fixed(row['published'], 0)}",
            "" if pd.isna(row["share"]) else number_text(row["share"], "share", 2),
            str(row["holds"]),
            str(row["left_out"]),
        )
        for row in scope().to_dict("records")
    )
    unit = f"pounds of {base_year()} a head a year"
    head = ("Sector", "Model", "England", "Covered", "The model holds", "It leaves out")
    table = ReportTable(f"Money in the model and in England, {unit}", head, rows)
    note = (
        "“Spending in scope” is the money that the model holds. The table compares it with published outturn, for the "
        "baseline of a place with England’s mix of people."
    )
    return ReportSection("scope", "Scope", (note,), (Exhibit(table=table),))


def method_section(result: Comparison) -> ReportSection:
    """How the result was computed."""
    drawn = (
        "Each run draws the parameters from their ranges, the same for every policy, and has hazards that are adapted "
        "to them."
        if result.is_drawn
        else "Every run has the central values of the parameters, so that bands show chance alone."
    )
    return ReportSection(
        "method",
        "Method",
        (
            f"Upstream builds {result.place.label} person by person ({result.people:,} people), with households, ties, "
            "needs, services, staff and budgets, and runs it month by month. Hazards are solved so that the baseline "
            "reproduces England’s published activity. Each policy starts from a copy of the same town.",
            f"{len(result.seeds)} runs for each scenario. {drawn}",
            f"Bands and intervals: {result.bands}.",
            "Each equation, its evidence and its limits are in sim/MODEL.md and in the log below; each number is in "
            "the assumptions log.",
        ),
    )


def _difference(document: Document, name: str, measure: Metric) -> str:
    """State a difference: 'Acute demand in year 20 is 10.6% higher (95% interval +9.1% to +12.0%; …)'."""
    figures = document["differences"][name][measure.name]["by_year"][-1]
    level = document["scenarios"][document["baseline"]][measure.name]["by_year"][-1]["mean"]
    subject = f"{measure.label} in year {document['years'][-1]}"
    is_relative = measure.unit.startswith("index") and bool(level)

    def amount(key: str, *, signed: bool = True) -> str:
        value = figures[key]
        if is_relative:
            share = None if value is None else value / level
            return number_text(share, "share", 3, signed=signed, relative=True, minus=MINUS)
        text = number_text(value, measure.unit, measure.decimals, signed=signed, minus=MINUS)
        sign = text[: len(text) - len(text.lstrip(f"+{MINUS}"))]
        return f"{sign}£{text[len(sign) :]}" if measure.unit.startswith("£") else text

    size = amount("mean").lstrip(f"+{MINUS}")
    unit = "" if is_relative else f" {difference_unit(measure.unit).removeprefix('£').strip()}"
    direction = "higher" if figures["mean"] > 0.0 else "lower"
    runs = f"middle 95% of runs {amount('q025')} to {amount('q975')}"
    if figures["ci_low"] is None:
        return f"{subject} is {size}{unit} {direction}, without an interval, as there is one run."
    interval = f"95% interval {amount('ci_low')} to {amount('ci_high')}; {runs}"
    if not _is_clear(figures):
        return f"{subject}: no clear difference; the mean is {amount('mean')}{unit} ({interval})."
    return f"{subject} is {size}{unit} {direction} ({interval})."


def _level(document: Document, levels: Mapping[str, Any], measure: Metric) -> str:
    figures = levels[measure.name]["by_year"][-1]
    text, runs = (text_of(figures, measure, signed=False) for text_of in (figure_text, runs_text))
    return f"{measure.label} in year {document['years'][-1]}: {text} {shown_unit(measure.unit)} (runs {runs})."


def _is_clear(figures: Mapping[str, Any]) -> bool:
    low, high = figures["ci_low"], figures["ci_high"]
    return low is not None and high is not None and (low > 0.0 or high < 0.0)


def _bars_by_group(document: Document, measure: Metric) -> list[ChartBar]:
    differences = document["differences"]
    groups = next(iter(differences.values()))[measure.name]["groups"][BY[0]]
    return [
        _bar(FIFTHS.get(group, group), name, each[measure.name]["groups"][BY[0]][group]["by_year"][-1], measure)
        for group in groups
        for name, each in differences.items()
    ]


def _bar(group: str, scenario: str, figures: Mapping[str, Any], measure: Metric) -> ChartBar:
    scale = 100.0 if is_share(measure.unit) else 1.0
    ends = [None if figures[name] is None else scale * figures[name] for name in ("ci_low", "ci_high")]
    interval = None if ends[0] is None or ends[1] is None else (ends[0], ends[1])
    runs = (scale * figures["q025"], scale * figures["q975"])
    return ChartBar(group, scenario, scale * figures["mean"], interval, runs)


def _of_log(table: LogTable) -> ReportTable:
    """A log as a table of the report, without empty columns."""
    keys = [key for key in table.columns if any(row.get(key) not in (None, "") for row in table.rows)]
    rows: Sequence[Sequence[str]] = table.cells()
    indexes = [list(table.columns).index(key) for key in keys]
    return ReportTable(
        table.title,
        tuple(table.columns[key] for key in keys),
        tuple(tuple(row[k] for k in indexes) for row in rows),
        " ".join(table.notes),
    )
