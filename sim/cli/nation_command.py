"""The command `nation`."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.options import JsonOption, SchedulerOption, WorkersOption, print_json, whole_number

if TYPE_CHECKING:
    from sim.national.results import Nation

FAILED = 1


def nation(
    design: Annotated[str, typer.Argument(metavar="DESIGN.toml", help="The design: policies, scale, years, formula.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The folder. The same command again continues there.")
    ],
    scale: Annotated[
        int | None,
        typer.Option(
            "--scale", parser=whole_number, metavar="N", help="People for each simulated person. Default: 20."
        ),
    ] = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="State people, hours, memory and gigabytes, and run nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run all 309 English authorities, each with its own people, budget and policy.

    An interrupted run continues when the same command is given again. Exit status 1: a run failed, or sums differ.
    """
    import sim
    from sim.cli.progress import Bar

    with Bar() as progress:
        result = sim.nation(
            design, out, scale=scale, workers=workers, scheduler=scheduler, dry_run=dry_run, progress=progress
        )
    if result is None:
        if as_json:
            print_json({"folder": str(out), "dry_run": True})
        return
    if as_json:
        from sim.national.result_files import document

        print_json(document(result))
    else:
        _print(result, out)
    if result.failed:
        names = ", ".join(check.name for check in result.checks if check.failed)
        print(f"sums differ: {names}", file=sys.stderr)
        raise typer.Exit(FAILED)


def _gap(result: Nation) -> str:
    """The gap between the most and the least deprived fifth of neighbourhoods of all authorities, in the last year."""
    row = result.authorities[result.authorities["year"] == result.plan.years].iloc[0]
    text = "Gap between the most and the least deprived fifth of neighbourhoods, in points: "
    if math.isnan(row["gap_baseline"]):
        return f"{text}none, as nobody lives in one of them"
    low, high = row["gap_difference_ci_low"], row["gap_difference_ci_high"]
    ends = "" if math.isnan(low) else f" ({low:+.1f} to {high:+.1f})"
    text += f"baseline {row['gap_baseline']:.1f}, policy {row['gap_policy']:.1f}"
    return f"{text}, difference {row['gap_difference']:+.1f}{ends}"


def _print(result: Nation, out: Path) -> None:
    """Print the nation by fifth of authorities in the last year, the checks, and where the table is."""
    from rich import box
    from rich.table import Table

    from sim.cli import tables
    from sim.national.results import CAUTION, by_tier, doubt

    years = result.plan.years
    title = f"Acute demand in year {years}, by fifth of authorities by deprivation"
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for name in ("authorities", "people", "baseline", "policy", "difference", "95% interval", "spending, policy"):
        table.add_column(name, justify="left" if name == "authorities" else "right")
    for row in by_tier(result):
        ends = "-" if math.isnan(row.low) else f"{row.low:+.1f} to {row.high:+.1f}"
        table.add_row(
            row.label, f"{row.people:,}", f"{row.baseline:.1f}", f"{row.policy:.1f}", f"{row.difference:+.1f}", ends,
            f"£{row.spent / 100e9:,.2f} bn",
        )  # fmt: skip
    console = tables.console()
    console.print(table)
    console.print(_gap(result))
    for text in ("Index: all authorities' baseline in year 1 = 100.", doubt(result.plan, result.seeds), CAUTION):
        console.print(text, highlight=False)
    for check in result.checks:
        state = "agree" if not check.failed else f"{check.failed:,} DIFFER"
        console.print(f"{check.name}: {check.compared:,} compared, {state}", highlight=False)
    console.print(f"Tables and the tile map are in {out}", highlight=False)
