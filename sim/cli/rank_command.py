"""The command `rank`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import (
    SEED,
    SEEDS,
    DrawsOption,
    JsonOption,
    PeopleOption,
    SeedOption,
    SeedsOption,
    ThreadsOption,
    YearsOption,
    check_integer_options,
    print_json,
)


def rank(
    place: Annotated[str, typer.Option("--place", metavar="NAME|FILE", help="The place.")],
    budget: Annotated[
        str,
        typer.Option("--budget", metavar="POUNDS|%", help="Pounds a head a year, or 1% of spending in scope."),
    ] = "10",
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="NAME,...",
            help="These interventions only: names of the ranking, of any scenario, or .toml files. Can be repeated.",
        ),
    ] = None,
    people: PeopleOption = None,
    years: YearsOption = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    draws: DrawsOption = None,
    threads: ThreadsOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Write ranking.json, CSV files, a picture and the runs here. The same command continues there.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Rank the library's interventions for a place under one budget: acute demand, health, money, fairness.

    Every intervention is brought to the same cost, and run with the same people, draws and chance events. Default: 10
    years, the people of the place, and at most 30,000.
    """
    check_integer_options(seeds, seed, people, threads)
    from sim.cli import arguments
    from sim.cli.progress import Bar
    from sim.ranking.rank import DEFAULT_YEARS
    from sim.ranking.rank import rank as ranked
    from sim.scenario.scenario import LONGEST_YEARS

    length = DEFAULT_YEARS if years is None else years
    arguments.check_integer("--years", length, 1, LONGEST_YEARS)
    names = [name.strip() for text in only for name in text.split(",") if name.strip()] if only else None
    with Bar() as progress:
        result = ranked(
            place,
            budget=budget,
            only=names,
            people=people,
            years=length,
            seeds=seeds,
            seed=seed,
            draws=arguments.draws(draws),
            threads=threads,
            out=out,
            progress=progress,
        )
    if out is not None:
        print(f"Wrote {', '.join(result.save(out))} to {out}", file=sys.stderr)
    if as_json:
        print_json(result.document())
    else:
        from sim.cli import ranking_table, tables

        ranking_table.show(result, tables.console())
