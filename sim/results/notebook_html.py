"""The headline of a comparison as HTML, which a notebook shows."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from sim.results.doubt import BEYOND_BANDS, refusals
from sim.results.metric_types import Metric
from sim.results.metrics import metric
from sim.results.number_text import MINUS, difference_unit, number_text, sd_text, shown_unit

if TYPE_CHECKING:
    from sim.results.comparison import Comparison

HEADLINE = ("acute_demand", "spend_total", "qalys", "unmet_need")
"""Metrics that a notebook shows for a comparison; the others are in `Comparison.table`."""
HEADS = (
    "Measure",
    "Scenario",
    "Level",
    "Unit",
    "Difference from the baseline",
    "95% interval of the mean",
    "Middle 95% of runs",
    "SD of runs by chance",
    "SD of runs by parameters",
    "Unit",
)


def notebook_html(comparison: Comparison) -> str:
    """Headline measures of the last year as a table.

    Parameters
    ----------
    comparison : Comparison
        The comparison.

    Returns
    -------
    str
        HTML.
    """
    frame = comparison.table()
    labels = {scenario.name: scenario.label for scenario in comparison.scenarios}
    rows = ["<tr>" + "".join(f"<th>{head}</th>" for head in HEADS) + "</tr>"]
    for row in frame[frame["metric"].isin(HEADLINE)].to_dict("records"):
        measure = metric(str(row["metric"]))

        def text(name: str, *, signed: bool, row: dict[Any, Any] = row, measure: Metric = measure) -> str:
            value = row.get(name)
            return number_text(value, measure.unit, measure.decimals, signed=signed, minus=MINUS, missing="")

        names = ("mean", "ci_low", "ci_high", "q025", "q975")
        mean, low, high, least, most = (text(f"difference_{name}", signed=True) for name in names)
        cells = [measure.label, labels[row["scenario"]], text("mean", signed=False), shown_unit(measure.unit)]
        cells += [mean, f"{low} to {high}" if low else "", f"{least} to {most}" if low else ""]
        cells += [
            sd_text(row.get(f"difference_{name}"), measure.unit, measure.decimals, missing="")
            for name in ("luck_sd", "parameter_sd")
        ]
        cells.append(difference_unit(measure.unit) if mean else "")
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    head = f"{escape(repr(comparison)[1:-1])}; year {comparison.scenarios[0].years}. Exploratory, not a forecast."
    main = metric(HEADLINE[0])
    notes = [f"{main.label}: {main.meaning}", BEYOND_BANDS]
    notes += refusals(comparison.refused) if comparison.is_drawn else []
    below = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return f"<p>{head}</p><table><thead>{rows[0]}</thead><tbody>{''.join(rows[1:])}</tbody></table>{below}"
