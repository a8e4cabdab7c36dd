"""Prints and writes studies of sensitivity: the table of leading parameters, the charts, and CSV and JSON files."""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.analysis.sensitivity.charts import along_range, page
from sim.analysis.sensitivity.indices import OTHERS
from sim.analysis.sensitivity.result import COLUMNS, Sensitivity
from sim.cli.tables import print_wrapped
from sim.results.number_text import difference_unit, fixed, number_text
from sim.results.result_folder import write_text
from sim.schema.errors import InputError, plain
from sim.schema.json_text import indented_json

if TYPE_CHECKING:
    import plotly.graph_objects as go

SOURCE_WIDTH = 48
PICTURES = ("svg", "png")
NOTES = (
    "First order: share of the variance of the difference, over draws of all parameters, that knowledge of this "
    "parameter alone would remove. Total: share that involves the parameter, alone or with others. In brackets: 95% "
    "intervals.",
    "At low, at high: the difference with the parameter at that end of its range and all others as declared.",
    "The stock-flow twin has no chance events, so chance has no part in these shares. A comparison by agents states "
    "how much of its spread is due to chance.",
    "Exploratory, not a forecast.",
)


def limits(text: str | None) -> tuple[float, float] | None:
    """Parse the value of `--range LOW,HIGH`; None without the option."""
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError("--range", None, "", "two numbers, separated by a comma", text) from None
    return low, high


def document(result: Sensitivity, year: int) -> dict[str, Any]:
    """The document of a study: everything that it computed, and the table of one year."""
    return {
        **result.document,
        "year": year,
        "table": result.rows(year),
        "drivers": result.drivers(year),
        "may_be_fixed": result.fixable(year),
        "notes": list(NOTES),
    }


def show(result: Sensitivity, year: int, checks: Sequence[Mapping[str, Any]], out: Console) -> None:
    """Print the leading parameters of a year, those that may be fixed, and the check by agents."""
    d, k = result.document, year - 1
    unit = difference_unit(d["unit"])
    out.print(Text(f"{plain(d['label'])}: difference from {d['baseline']} in year {year}, {d['metric_label']}, {unit}"))
    out.print(
        Text(
            f"{d['place']}: {d['people']:,} people; {d['screened']} parameters, {d['evaluations']:,} draws, "
            f"{d['refused']} refused; by the stock-flow twin"
        )
    )
    figures = [_difference(d[name][k], d) for name in ("declared", "mean", "q025", "q975")]
    out.print(
        Text(
            f"{figures[0]} with all parameters as declared; over draws of all parameters {figures[1]} on average, "
            f"{figures[2]} to {figures[3]} in the middle 95%"
        )
    )
    rows = result.rows(year)
    if all(row["total"] is None for row in rows):
        out.print(Text("The difference in this year does not depend on parameters."))
        return
    out.print()
    out.print(_table(rows, d))
    fixable = result.fixable(year)
    if fixable:
        print_wrapped(f"May be fixed (the interval of the total index ends below 1%): {', '.join(fixable)}.", out)
    if checks:
        show_checks(checks, d, out)
    out.print()
    for note in NOTES:
        print_wrapped(note, out)


def _table(rows: Sequence[Mapping[str, Any]], d: Mapping[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    for title in (
        "Parameter",
        "Value (range)",
        "Status",
        "First order",
        "Total",
        "At low",
        "At high",
        "Sign",
        "Source",
    ):
        right = title in ("First order", "Total", "At low", "At high")
        table.add_column(title, justify="right" if right else "left", overflow="fold")
    for row in rows:
        is_single = row["parameter"] != OTHERS
        values = f"{row['value']:g} ({row['low']:g} to {row['high']:g}) {row['unit']}" if is_single else ""
        sign = ("may change" if row["sign_may_change"] else "holds") if is_single else ""
        ends = [_difference(row[name], d) if is_single else "" for name in ("at_low", "at_high")]
        source = str(row["source"])
        source = source if len(source) <= SOURCE_WIDTH else f"{source[: SOURCE_WIDTH - 1]}…"
        shares = [_share(row, name) for name in ("first_order", "total")]
        cells = (row["parameter"], values, row["status"], *shares, *ends, sign, source)
        table.add_row(*(Text(plain(str(cell))) for cell in cells))
    return table


def show_checks(checks: Sequence[Mapping[str, Any]], d: Mapping[str, Any], out: Console) -> None:
    """Print the differences of some draws by the twin and by agents."""
    out.print()
    out.print(Text("The same draws by agents", style="bold"))
    for row in checks:
        interval = (
            f" ({_difference(row['ci_low'], d)} to {_difference(row['ci_high'], d)})"
            if row["ci_low"] is not None
            else ""
        )
        error = "" if row["error"] is None else f"; the twin's error is {_difference(row['error'], d)}"
        out.print(
            Text(
                f"draw {row['draw']}: twin {_difference(row['twin'], d)}, agents {_difference(row['agents'], d)}"
                f"{interval}, {row['seeds']} seeds{error}"
            )
        )


def show_along(d: Mapping[str, Any], out: Console) -> None:
    """Print the difference along the range of a parameter."""
    out.print(
        Text(
            f"{plain(d['label'])}: difference from {d['baseline']} in year {d['year']}, {d['metric_label']}, "
            f"{difference_unit(d['unit'])}"
        )
    )
    origin = d["source"] if d["source"].startswith(d["status"]) else f"{d['status']}: {d['source']}"
    print_wrapped(f"{d['parameter']}, {d['parameter_unit']}: {d['meaning'].rstrip('.')}; {origin}", out)
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    for title in ("Value", "Stock-flow twin", "Agents (95% interval)"):
        table.add_column(title, justify="right")
    for point in d["points"]:
        agents = ""
        if point.get("agents_mean") is not None:
            agents = _difference(point["agents_mean"], d)
            if point["agents_ci_low"] is not None:
                ends = (_difference(point[name], d) for name in ("agents_ci_low", "agents_ci_high"))
                agents += f" ({' to '.join(ends)})"
        mark = " (declared)" if point["value"] == d["declared"] else ""
        difference = "refused" if point["difference"] is None else _difference(point["difference"], d)
        table.add_row(f"{point['value']:g}{mark}", difference, agents)
    out.print(table)
    out.print(Text("Exploratory, not a forecast."))


def write(folder: Path, result: Sensitivity, year: int, written: Mapping[str, Any]) -> tuple[str, ...]:
    """Write the study as JSON and CSV, and the tornado chart as a page; return the names."""
    figure = result.plot(year)
    title = f"What drives the difference: {result.document['label']}"
    files = {
        "sensitivity.json": indented_json(written),
        "sensitivity.csv": csv_table(COLUMNS, result.rows(year)),
        "tornado.html": page(figure, title, NOTES),
    }
    return _write(folder, files, figure, "tornado")


def write_along(folder: Path, written: Mapping[str, Any]) -> tuple[str, ...]:
    """Write the difference along the range of a parameter as JSON and CSV, and its chart as a page."""
    figure = along_range(written)
    columns = tuple(dict.fromkeys(name for point in written["points"] for name in point))
    files = {
        "along.json": indented_json(written),
        "along.csv": csv_table(columns, written["points"]),
        "along.html": page(figure, f"The difference along the range of {written['parameter']}", NOTES[2:]),
    }
    return _write(folder, files, figure, "along")


def _write(folder: Path, files: Mapping[str, str], figure: go.Figure, stem: str) -> tuple[str, ...]:
    for name, text in files.items():
        write_text(folder, name, text)
    pictures = PICTURES if importlib.util.find_spec("kaleido") is not None else ()
    for kind in pictures:
        figure.write_image(folder / f"{stem}.{kind}")
    return (*files, *(f"{stem}.{kind}" for kind in pictures))


def csv_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV; an empty cell for a number that could not be computed."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _difference(value: float | None, d: Mapping[str, Any]) -> str:
    return number_text(value, d["unit"], d["decimals"], signed=True)


def _share(row: Mapping[str, Any], name: str) -> str:
    if row[name] is None:
        return "-"
    share, low, high = (fixed(100.0 * row[key], 1) for key in (name, f"{name}_low", f"{name}_high"))
    return f"{share}% ({low} to {high})"
