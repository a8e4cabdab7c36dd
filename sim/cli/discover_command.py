"""The command `discover`: which policy of a sweep is least bad, and where policies do badly."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import SEED, JsonOption, checked_folder, print_json, whole_number


def number(text: str) -> float:
    """Parse a number."""
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"wanted a number, got '{text}'") from None


def discover(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a sweep, which may be done in part.")],
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="ID", help="A measure of the sweep. Default: acute_demand, or the only one."),
    ] = None,
    year: Annotated[
        int | None, typer.Option("--year", parser=whole_number, metavar="N", help="The year. Default: the last.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option("--policy", metavar="NAME", help="Search boxes for this policy, or scenario with levers, only."),
    ] = None,
    place: Annotated[str | None, typer.Option("--place", metavar="NAME", help="Only this place of the sweep.")] = None,
    above: Annotated[
        float | None,
        typer.Option(
            "--above",
            parser=number,
            metavar="X",
            help="A point is of interest where the difference from the baseline is above X, in the measure's unit. "
            "Default: where the policy is worse than the baseline.",
        ),
    ] = None,
    below: Annotated[
        float | None, typer.Option("--below", parser=number, metavar="X", help="The same for differences below X.")
    ] = None,
    level: Annotated[
        bool, typer.Option("--level", help="--above and --below are about the level under the policy instead.")
    ] = False,
    boxes: Annotated[
        int,
        typer.Option(
            "--boxes",
            parser=whole_number,
            metavar="K",
            help="Largest number of boxes of a policy. 0: none, which needs no further package.",
        ),
    ] = 1,
    box: Annotated[
        int | None,
        typer.Option("--box", parser=whole_number, metavar="N", help="Take box N of the path of the search instead."),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", parser=whole_number, metavar="S", help="Seed of random halves and of trees.")
    ] = SEED,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write the tables as CSV and JSON, and the pictures as a page, here."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the policies of a sweep over everything that is not known, and search where they do badly.

    Differences are paired: the same point of uncertainties and the same seed. The seeds of a point are averaged first.
    """
    from sim.cli import arguments, tables
    from sim.cli import discovery as output
    from sim.discovery.study import discover as study

    arguments.check_integer("--seed", seed, 0, 2**32 - 2)
    written = checked_folder(context, out)
    result = study(
        folder, metric=metric, year=year, policy=policy, place=place, above=above, below=below, level=level,
        boxes=boxes, box=box, seed=seed,
    )  # fmt: skip
    if written is not None:
        print(f"Wrote {', '.join(result.write(written))} to {out}", file=sys.stderr)
    if as_json:
        print_json(result.document)
    else:
        output.show(result, tables.console())
