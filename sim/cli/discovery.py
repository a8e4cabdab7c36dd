"""Prints discoveries and sensitivity indices of sweeps as tables in a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.cli.tables import print_wrapped
from sim.results.number_text import difference_unit, fixed, number_text, sd_text
from sim.results.result_folder import write_text
from sim.schema.errors import plain
from sim.schema.json_text import indented_json

if TYPE_CHECKING:
    from sim.discovery.result import Discovery

MOST_ROWS = 20
MIN_LABEL = 20
"""Smallest width of the first column."""
FEATURES_SHOWN = 5
RULES = {
    "max_regret": "smallest largest regret",
    "mean_regret": "smallest mean regret",
    "satisficing": "largest share of points that meet the condition",
    "best_share": "best at the largest share of points",
}


def show(result: Discovery, out: Console) -> None:
    """Print the policies, what dominates what, and the boxes."""
    d = result.document
    out.print(Text(f"{plain(d['metric_label'])}: difference from {plain(d['baseline'])} in year {d['year']}"))
    seeds = "one run each" if d["repeats"] == 1 else f"up to {d['repeats']} runs each"
    out.print(
        Text(
            f"{d['points']:,} of {d['points_planned']:,} points, {seeds}; {', '.join(map(plain, d['places'][:5]))}"
            f"{' and others' if len(d['places']) > 5 else ''}"
        )
    )
    if d["runs"]["failed"]:
        out.print(Text(f"{d['runs']['failed']:,} runs failed and are left out"))
    out.print(Text(f"Of interest: {d['interest']['text']}"))
    out.print()
    out.print(Text(f"Policies over all points, {difference_unit(d['unit'])}", style="bold"))
    _choice(d, out)
    _least_bad(d, out)
    _dominance(d, out)
    for each in d["boxes"]:
        _boxes(each, out)
    out.print()
    for note in d["notes"]:
        print_wrapped(note, out)


def _choice(d: Mapping[str, Any], out: Console) -> None:
    """Two tables: differences with their spread, and regret."""
    rows = sorted(d["policies"], key=lambda row: row["max_regret"])[:MOST_ROWS]
    table = _table(
        "Policy", "Mean difference (95% interval)", "Middle 95% of points", "sd by chance", "by parameters",
        "Part by chance",
    )  # fmt: skip
    for row in rows:
        cells = (
            row["policy"],
            _with_interval(row["mean"], row["ci_low"], row["ci_high"], d, signed=True),
            f"{_difference(row['q025'], d)} to {_difference(row['q975'], d)}",
            sd_text(row["chance_sd"], d["unit"], d["decimals"]),
            sd_text(row["parameter_sd"], d["unit"], d["decimals"]),
            "-" if row["chance_share"] is None else _percent(row["chance_share"]),
        )
        table.add_row(*(Text(plain(cell)) for cell in cells))
    out.print(table)
    out.print()
    met = "Not of interest at" if d["interest"]["is_failure"] else "Of interest at"
    table = _table("Policy", "Largest regret (95% interval)", "Mean regret (95% interval)", "Best at", met, "undecided")
    for row in rows:
        cells = (
            row["policy"],
            _with_interval(row["max_regret"], row["max_regret_low"], row["max_regret_high"], d, signed=False),
            _with_interval(row["mean_regret"], row["mean_regret_low"], row["mean_regret_high"], d, signed=False),
            _percent(row["best_share"]),
            _percent(row["satisficing"]),
            "-" if row["undecided"] is None else _percent(row["undecided"] / row["points"]),
        )
        table.add_row(*(Text(plain(cell)) for cell in cells))
    out.print(table)


def _least_bad(d: Mapping[str, Any], out: Console) -> None:
    if len(d["policies"]) > MOST_ROWS:
        out.print(Text(f"... and {len(d['policies']) - MOST_ROWS} more, see --json and --out", style="dim"))
    for rule, text in RULES.items():
        names = d["least_bad"][rule]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        print_wrapped(f"{text.capitalize()}: {shown}", out)


def _dominance(d: Mapping[str, Any], out: Console) -> None:
    out.print()
    out.print(Text("Dominance over all points", style="bold"))
    if not d["dominance"]:
        out.print(Text("No policy dominates another, in the first or second order."))
        return
    table = _table("Policy", "dominates", "order", "without each seed")
    for row in d["dominance"][:MOST_ROWS]:
        holds = {None: "-", True: "holds", False: "does not hold"}[row["without_each_seed"]]
        table.add_row(*(Text(plain(cell)) for cell in (row["policy"], row["over"], row["order"], holds)))
    out.print(table)
    if len(d["dominance"]) > MOST_ROWS:
        out.print(Text(f"... and {len(d['dominance']) - MOST_ROWS} more, see --json and --out", style="dim"))


def _boxes(each: Mapping[str, Any], out: Console) -> None:
    from sim.discovery.charts import p_text, range_text

    out.print()
    share = _percent(each["cases"] / each["points"])
    undecided = f"; {each['undecided']:,} are undecided by chance" if each["undecided"] else ""
    out.print(
        Text(
            f"{plain(each['policy'])}: {each['cases']:,} of {each['points']:,} points ({share}) are of interest"
            f"{undecided}",
            style="bold",
        )
    )
    for k, box in enumerate(each["boxes"], 1):
        if not box["restrictions"]:
            print_wrapped("No box: no range of an input is distinguishable from chance.", out)
            continue
        others = ""
        if box["other_density"] is not None:
            others = f"; in points not used: density {_percent(box['other_density'])}, "
            others += f"coverage {_percent(box['other_coverage'])}"
        print_wrapped(
            f"Box {k}: {box['points']:,} points (size {_percent(box['size'])}), density {_percent(box['density'])}, "
            f"coverage {_percent(box['coverage'])}{others}",
            out,
        )
        table = _table("Input", "in the box", "all points", "quasi-p", "in halves")
        for row in box["restrictions"]:
            spans = "" if row["from_"] is None else f"{row['from_']:.4g} to {row['to']:.4g} {row['unit']}"
            halves = "-" if row["reproduced"] is None else _percent(row["reproduced"])
            cells = (row["name"], range_text(row), spans, p_text(row).removeprefix("quasi-p "), halves)
            table.add_row(*(Text(plain(cell)) for cell in cells))
        out.print(table)
    if not each["boxes"]:
        print_wrapped("No box, as boxes separate points of interest from others: --above and --below change them.", out)
    scores = [score for score in each["features"] if score["above_chance"]][:FEATURES_SHOWN]
    text = ", ".join(f"{score['name']} {_percent(score['score'])}" for score in scores)
    print_wrapped(f"Parts of the difference that inputs explain: {text or 'none above random numbers'}.", out)


def show_indices(d: Mapping[str, Any], out: Console) -> None:
    """Print the sensitivity indices of a sweep."""
    unit = difference_unit(d["unit"])
    out.print(
        Text(
            f"{plain(d['metric_label'])}: difference from {plain(d['baseline'])} in year {d['year']}, {unit}; "
            f"design {d['method']}"
        )
    )
    for entry in d["indices"]:
        out.print()
        part = "" if entry["chance_share"] is None else f"; part by chance {_percent(entry['chance_share'])}"
        part += "" if entry["chance_share_low"] is None or not entry["chance_share"] else (
            f" ({_percent(entry['chance_share_low'])} to {_percent(entry['chance_share_high'])})"
        )  # fmt: skip
        mean = _with_interval(entry["mean"], entry["ci_low"], entry["ci_high"], d, signed=True)
        title = f"{entry['policy']} in {entry['place']}: {mean} over {entry['points']:,} of "
        title += f"{entry['points_planned']:,} points{part}"
        out.print(Text(plain(title), style="bold"))
        rows = entry["parameters"]
        if not rows:
            out.print(Text("The difference does not vary, or too few points are done."))
            continue
        is_sobol, is_morris, has_pawn = (any(name in row for row in rows) for name in ("total", "mu_star", "pawn"))
        titles = ["Parameter"]
        titles += ["First order", "Total"] * is_sobol + ["Mean effect", "Mean size", "Spread"] * is_morris
        titles += ["PAWN", "PAWN, largest"] * has_pawn
        table = _table(*titles)
        for row in rows[:MOST_ROWS]:
            cells = [row["parameter"]]
            if is_sobol:
                cells += [_share(row, name) for name in ("first_order", "total")]
            if is_morris:
                size = "-"
                if "mu_star" in row:
                    size = _with_interval(row["mu_star"], row["mu_star_low"], row["mu_star_high"], d, signed=False)
                cells += [_difference(row.get("mu"), d), size, sd_text(row.get("sigma"), d["unit"], d["decimals"])]
            if has_pawn:
                cells += ["-" if row.get(name) is None else fixed(row[name], 2) for name in ("pawn", "pawn_max")]
            table.add_row(*(Text(plain(cell)) for cell in cells))
        out.print(table)
    out.print()
    for note in d["notes"]:
        print_wrapped(note, out)


def write_indices(folder: Path, d: Mapping[str, Any]) -> tuple[str, ...]:
    """Write the sensitivity indices of a sweep as JSON and CSV, and return the names."""
    rows = [
        {"policy": entry["policy"], "place": entry["place"], **row}
        for entry in d["indices"]
        for row in entry["parameters"]
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files = {"sensitivity.json": indented_json(d), "sensitivity.csv": text.getvalue()}
    for name, content in files.items():
        write_text(folder, name, content)
    return tuple(files)


def _table(*titles: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    for k, title in enumerate(titles):
        table.add_column(
            title, justify="right" if k else "left", overflow="fold", min_width=MIN_LABEL if not k else None
        )
    return table


def _percent(share: float) -> str:
    return f"{fixed(100.0 * share, 0)}%"


def _share(row: Mapping[str, Any], name: str) -> str:
    if row.get(name) is None:
        return "-"
    share, low, high = (fixed(100.0 * row[key], 1) for key in (name, f"{name}_low", f"{name}_high"))
    return f"{share}% ({low} to {high})"


def _difference(value: float | None, d: Mapping[str, Any]) -> str:
    return number_text(value, d["unit"], d["decimals"], signed=True)


def _with_interval(value: float, low: float | None, high: float | None, d: Mapping[str, Any], *, signed: bool) -> str:
    def text(number: float | None) -> str:
        written = number_text(number, d["unit"], d["decimals"], signed=True)
        return written if signed else written.removeprefix("+")

    return text(value) + ("" if low is None or high is None else f" ({text(low)} to {text(high)})")
