"""Prints the fit of the calibrated baseline to England's published figures, its stability, and the drift of draws."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.results.comparison import Comparison
from sim.results.number_text import fixed, number_text
from sim.schema.errors import plain
from sim.schema.quantities import AGE_BAND_NAMES, QUINTILES
from sim.validation.calibration_fit import CLOSE, FitCell, FitRow
from sim.validation.coverage import CoverageRow, published_coverage
from sim.validation.stability import (
    DRAWS_STEADY,
    DRIFT,
    Stability,
    StabilityVerdict,
    assess_stability,
    drifts,
    stability,
    yearly_fit,
)


def show(result: Comparison, rows: list[FitRow], out: Console) -> None:
    """Print the fit as a table: a row for each published figure."""
    years, seeds = result.scenarios[0].years, len(result.seeds)
    runs = f"{seeds} seeds" if seeds > 1 else "one seed"
    out.print(Text(f"{plain(result.place.label)}: {result.people:,} people, {years} years of baseline, {runs}"))
    out.print()
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    for heading in ("Figure", "England", "Implied", "Simulated", "Error"):
        table.add_column(heading, justify="left" if heading == "Figure" else "right", overflow="fold")
    for row in rows:
        source = row.source.split(":")[0]
        label = Text.assemble(row.label, (f"\n{row.unit}; {source}", "dim"))
        interval = "" if row.ci_low is None else f"\n({row.ci_low:,.2f} to {row.ci_high:,.2f})"
        published = "" if row.published is None else f"{row.published:,.2f}"
        table.add_row(
            label,
            published,
            f"{row.implied:,.2f}",
            f"{row.simulated:,.2f}{interval}",
            Text(f"{percent(row.off)}{'' if row.close else ' !'}", style="" if row.close else "bold"),
        )
    out.print(table)
    out.print()
    out.print(
        Text(
            "Implied: England's figures by age and deprivation, applied to the simulated people. In brackets: 95% "
            f"interval of the mean. ! marks a deviation of more than {CLOSE:.0%} that is also outside the interval."
        )
    )


def show_coverage(rows: list[CoverageRow], out: Console) -> None:
    """Print the share of people with a need who have help, beside published coverage, and what counts as help."""
    table = Table(
        title="People with a need who have help: baseline beside published coverage",
        title_justify="left",
        box=None,
        padding=(0, 2, 0, 0),
        show_edge=False,
        header_style="bold",
    )
    for heading in ("Need", "Published", "Range", "Simulated", "Without help"):
        table.add_column(heading, justify="left" if heading == "Need" else "right", overflow="fold")
    for row in rows:
        origin = "sets a caseload" if row.sets else "sets no parameter"
        need = f"{row.label}, {'serious need' if row.level == 'serious' else 'any need'}, {ages_text(row.ages)}"
        mark = " !" if row.miss else ""
        interval = "" if row.ci_low is None else f"\n({row.ci_low:.1%} to {row.ci_high:.1%})"
        table.add_row(
            Text.assemble(need, (f"\n{row.counts}; {origin}", "dim")),
            f"{row.published:.1%}",
            f"{row.low:.0%} to {row.high:.0%}",
            f"{row.simulated:.1%}{interval}{mark}",
            f"{row.unmet:.1%}",
        )
    out.print()
    out.print(table)
    out.print()
    out.print(Text(f"{published_coverage().help} ! marks a share outside the published range."))


def ages_text(ages: tuple[int, int]) -> str:
    """The ages of a figure in words."""
    if ages == (0, 109):
        return "all ages"
    return f"{ages[0]} and over" if ages[1] == 109 else f"{ages[0]} to {ages[1]}"


def percent(share: float) -> str:
    """A relative deviation with its sign, in per cent."""
    return number_text(share, "share", 3, signed=True, relative=True)


def show_cells(cells: list[FitCell], out: Console) -> None:
    """Print a table for each service: observed over implied episodes, by age (rows) and deprivation fifth (columns)."""
    for name in dict.fromkeys(cell.service for cell in cells):
        of_service = {(cell.age, cell.quintile): cell for cell in cells if cell.service == name}
        table = Table(
            title=f"{name}: observed / implied",
            title_justify="left",
            box=None,
            padding=(0, 2, 0, 0),
            header_style="bold",
        )
        table.add_column("age")
        for q in range(1, QUINTILES + 1):
            table.add_column(f"fifth {q}", justify="right")
        for age in [band for band in AGE_BAND_NAMES if any(key[0] == band for key in of_service)]:
            row = [of_service.get((age, q)) for q in range(1, QUINTILES + 1)]
            table.add_row(age, *("" if c is None else f"{c.ratio:.2f}{'' if c.close else ' !'}" for c in row))
        out.print()
        out.print(table)
    off = sum(not cell.close for cell in cells)
    out.print()
    out.print(
        Text(
            f"{off} of {len(cells)} cells deviate by more than {CLOSE:.0%} and are outside their 95% interval (marked "
            f"!). By chance alone, about {0.05 * len(cells):.0f} would be outside their 95% interval."
        )
    )


def show_stability(result: Comparison, out: Console) -> None:
    """Print every calibrated rate year by year, and the verdict on its stability in the last line."""
    fit = yearly_fit(result)
    years, seeds = int(fit["years"].iloc[0]), int(fit["seeds"].iloc[0])
    table = Table(title=f"Observed / implied, year by year: {years} years, {seeds} seeds", title_justify="left")
    headings = ("mean", "2 s.e.", "year 1", f"year {years}", "worst year", "allowed", "outside", "trend %/year", "t")
    for heading in ("rate", *headings):
        table.add_column(heading, justify="left" if heading == "rate" else "right")
    rows: list[Any] = list(fit.itertuples())
    for row in rows:
        table.add_row(
            str(row.rate),
            f"{row.mean:.3f}",
            f"{2 * row.error:.3f}",
            f"{row.first:.3f}",
            f"{row.last:.3f}",
            f"{row.worst:.3f}",
            f"±{row.allowed:.3f}",
            str(row.outside),
            fixed(100 * row.trend, 3, signed=True),
            fixed(row.t, 1, signed=True),
        )
    out.print(table)
    push = stability(result) if len(result.names) > 1 else None
    for line in _stability_lines(assess_stability(result), push, seeds):
        out.print(Text(line))


def _stability_lines(verdict: StabilityVerdict, push: Stability | None, seeds: int) -> list[str]:
    if seeds < 2:
        return ["One seed does not show random variation: run more seeds for a verdict."]
    close = f"{CLOSE:.0%}"

    def listed(names: tuple[str, ...]) -> str:
        return ", ".join(names) or "none"

    lines = [
        f"{verdict.outside} of {verdict.rate_years} rate-years lie outside {close} or two standard errors, whichever "
        f"is wider. If every rate were right, chance alone would put {verdict.expected_outside:.1f} outside, and in 95 "
        f"of 100 runs at most {verdict.expected_outside_q95:.0f}.",
        f"Rates with a year significantly more than {close} off: {listed(verdict.years_off)}.",
        f"Rates whose mean over the years is significantly more than {close} off: {listed(verdict.means_off)}; "
        f"outside {close} or two standard errors: {listed(verdict.means_outside)}.",
        f"Rates with a significant trend: {listed(verdict.drifting)}.",
        f"Significant: if nothing were wrong, each of the three tests would name any rate at all in at most 1 of "
        f"{1 / verdict.level:.0f} runs.",
    ]
    if push is not None:
        lines.append(
            f"Largest eigenvalue of the yearly map after a push: {push.eigenvalue:.2f} "
            f"({push.ci_low:.2f} to {push.ci_high:.2f}). Below 1, disturbances die away."
        )
    steady = verdict.steady and (push is None or push.ci_high < 1.0)
    lines.append(
        f"Steady. (Each rate's mean is known to within {verdict.widest_error:.1%} or better.)"
        if steady
        else "NOT steady: see above."
    )
    return lines


def show_drifts(result: Comparison, out: Console) -> None:
    """Print the drift of acute demand over the draws of the parameters, with the verdict in the last line."""
    drift = drifts(result)
    sizes = np.sort(np.abs(drift.furthest))
    out.print(
        Text(
            f"{plain(result.place.label)}: {result.people:,} people, {drift.years} years of baseline, "
            f"{len(sizes)} draws of the parameters, each calibrated separately."
        )
    )
    far = [f"seed {n}: {percent(x)}" for n, x in zip(drift.seeds, drift.furthest, strict=True) if abs(x) >= DRIFT]
    for line in (
        f"Acute demand in the year furthest from the first: half of the draws are within {np.median(sizes):.1%}, nine "
        f"in ten within {np.quantile(sizes, 0.9):.1%}, the furthest {sizes[-1]:.1%} off (each includes the random "
        "variation of one town).",
        f"Draws {DRIFT:.0%} off or more: {', '.join(far) or 'none'}.",
        f"{drift.within} of {len(sizes)} draws stay within {DRIFT:.0%}: {drift.share:.0%} (95% interval "
        f"{drift.ci_low:.0%} to {drift.ci_high:.0%}). If {DRAWS_STEADY:.0%} of all draws did, the probability of so "
        f"few would be {drift.p:.2g}.",
        f"{'At least' if drift.met else 'NOT'} {DRAWS_STEADY:.0%} of these draws stay within {DRIFT:.0%}.",
    ):
        out.print(Text(line))
