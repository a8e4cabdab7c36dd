"""The command `search`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.options import JsonOption, WorkersOption, print_json

if TYPE_CHECKING:
    from rich.table import Table

MOST_ROWS = 8
"""Points of a front that the table shows, if agents ran none."""


def search(
    design: Annotated[str, typer.Argument(metavar="DESIGN.toml", help="The design of the search.")],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="The folder of the search. The same command again continues there."),
    ],
    workers: WorkersOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="State the number of runs and the time, and run nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Search the best mixes of spending under the same money.

    The stock-flow twin searches over draws of the parameters; agents run the best mixes again with fresh draws. An
    interrupted search continues when the same command is given again.
    """
    import sim
    from sim.cli.progress import Bar

    with Bar() as progress:
        result = sim.search(design, out, workers=workers, dry_run=dry_run, progress=progress)
    if as_json:
        print_json(result.document)
    elif not dry_run:
        _show(result.document, out)


def _show(document: Mapping[str, Any], out: Path) -> None:
    """Print the points that agents ran, or some of the front, and the sentences."""
    from sim.cli.tables import console

    screen = console()
    by_agents = document["confirmation"]
    points = [p["point"] for p in by_agents["points"]] if by_agents is not None else None
    shown = points or [p["point"] for p in document["front"][:MOST_ROWS]]
    screen.print(_levers(document, shown))
    screen.print(_objectives(document, shown))
    rest = len(document["front"]) - len(shown)
    if rest > 0:
        screen.print(f"{rest:,} more points of the front are in {out}/front.csv.", highlight=False, markup=False)
    screen.print()
    for sentence in document["sentences"]:
        screen.print(sentence, highlight=False, markup=False)
    screen.print(f"Front, every mix and the picture: {out}", highlight=False, markup=False)


def _levers(document: Mapping[str, Any], shown: list[int]) -> Table:
    from rich.table import Table

    table = Table(title="Mixes: value of each lever", title_justify="left")
    table.add_column("lever")
    table.add_column("baseline", justify="right")
    for number in shown:
        table.add_column(f"point {number}", justify="right")
    for lever in document["levers"]:
        values = [document["front"][number - 1]["levers"][lever["lever"]] for number in shown]
        table.add_row(lever["lever"], f"{lever['baseline']:g}", *(f"{value:.3g}" for value in values))
    return table


def _objectives(document: Mapping[str, Any], shown: list[int]) -> Table:
    """Each objective by the twin and by agents, with the error of the twin; whether the point survives."""
    from rich.table import Table

    from sim.results.number_text import difference_unit

    table = Table(title="Differences from the baseline", title_justify="left")
    table.add_column("")
    for number in shown:
        table.add_column(f"point {number}", justify="right")
    agents = {p["point"]: p for p in (document["confirmation"] or {"points": []})["points"]}
    for objective in document["objectives"]:
        name = objective["name"]
        twin = [document["front"][number - 1]["objectives"][name] for number in shown]
        title = f"{objective['measure']}, {difference_unit(objective['unit'])}: twin, mean (95% of draws)"
        table.add_row(title, *(_with_range(each, objective, "q025", "q975") for each in twin))
        table.add_row("  better than the baseline in", *(f"{each['better_in']:.0%} of draws" for each in twin))
        figures = [agents[number]["objectives"][name] for number in shown] if agents else []
        quantile = objective["quantile"]
        if quantile is not None:
            title = f"  in {quantile:.0%} of draws at least as good as"
            table.add_row(title, *(_number(each["objective"], objective) for each in twin))
        if figures:
            by_agents = [_with_range(each["agents"], objective, "ci_low", "ci_high") for each in figures]
            table.add_row("  agents, mean (95% CI)", *by_agents)
            table.add_row("  error of the twin", *(_number(each["twin_error"]["mean"], objective) for each in figures))
            if quantile is not None:
                table.add_row(
                    f"{title}, agents", *(_number(each["agents"]["objective"], objective) for each in figures)
                )
    if agents:
        table.add_row("survives", *("yes" if agents[number]["survives"] else "NO" for number in shown))
        table.add_row("  in resampled draws", *(f"{agents[number]['survives_in']:.0%}" for number in shown))
    return table


def _with_range(figures: Mapping[str, Any], objective: Mapping[str, Any], low: str, high: str) -> str:
    from sim.searches.sentences import interval

    return f"{_number(figures['mean'], objective)}\n({interval(figures, objective, low, high)})"


def _number(value: float | None, objective: Mapping[str, Any]) -> str:
    """A difference without its unit, which the row names."""
    from sim.results.number_text import MINUS, number_text

    return number_text(value, objective["unit"], objective["decimals"], signed=True, minus=MINUS)
