"""The command `sensitivity`: which parameters drive the difference between a policy and its baseline."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from sim.cli.options import (
    SEED,
    JsonOption,
    PeopleOption,
    PlaceOption,
    SeedOption,
    SetOption,
    ThreadsOption,
    YearsOption,
    checked_folder,
    print_json,
    whole_number,
)

AGENT_SEEDS = 10
SAMPLES = 256


def sensitivity(
    context: typer.Context,
    baseline: Annotated[str, typer.Argument(metavar="BASELINE", help="The scenario with which the other is compared.")],
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario's name, or its .toml file.")],
    metric: Annotated[
        str, typer.Option("--metric", metavar="ID", help="The measure whose difference is analysed.")
    ] = "acute_demand",
    year: Annotated[
        int | None,
        typer.Option("--year", parser=whole_number, metavar="N", help="The year of the difference. Default: the last."),
    ] = None,
    parameter: Annotated[
        str | None,
        typer.Option("--one", metavar="PARAMETER", help="Instead: the difference along the range of this parameter."),
    ] = None,
    limits: Annotated[
        str | None,
        typer.Option("--range", metavar="LOW,HIGH", help="With --one: a part of the parameter's range."),
    ] = None,
    agents: Annotated[
        bool,
        typer.Option("--agents", help="Confirm some draws by agents; with --one the two ends of the range."),
    ] = False,
    seeds: Annotated[
        int, typer.Option("--seeds", parser=whole_number, metavar="K", help="With --agents: runs of each draw.")
    ] = AGENT_SEEDS,
    samples: Annotated[
        int,
        typer.Option(
            "--samples", parser=whole_number, metavar="N", help="Base samples of the Sobol' design, a power of 2."
        ),
    ] = SAMPLES,
    place: PlaceOption = None,
    people: PeopleOption = None,
    years: YearsOption = None,
    seed: SeedOption = SEED,
    sets: SetOption = None,
    threads: ThreadsOption = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="DIR", help="Write the chart as a page, and the table as CSV and JSON, here."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Rank the parameters that drive the difference between a policy and its baseline.

    Indices are computed with the stock-flow twin, which has no chance events. An interrupted study continues when the
    same command is given again.
    """
    from pathlib import Path

    from sim.cli import arguments, tables
    from sim.cli import sensitivity as output
    from sim.cli.progress import Bar

    folder = checked_folder(context, Path(out) if out is not None else None)
    selected = arguments.select_scenarios(
        [baseline, scenario],
        place=place,
        people=people,
        years=years,
        seeds=seeds,
        seed=seed,
        threads=threads,
        sets=sets or [],
    )
    first, second = selected.scenarios
    checked_limits = output.limits(limits)
    if limits is not None and parameter is None:
        raise typer.BadParameter("--range needs --one")
    settings: dict[str, Any] = {
        "place": selected.place,
        "people": selected.people,
        "metric": metric,
        "year": year,
        "threads": threads,
    }
    from sim.analysis.sensitivity import agents as by_agents
    from sim.analysis.sensitivity.one_parameter import along
    from sim.analysis.sensitivity.study import checked_year
    from sim.analysis.sensitivity.study import sensitivity as study

    if parameter is not None:
        with Bar() as progress:
            document = along(
                first,
                second,
                parameter,
                limits=checked_limits,
                agent_seeds=seeds if agents else 0,
                progress=progress,
                **settings,
            )
        if folder is not None:
            print(f"Wrote {', '.join(output.write_along(folder, document))} to {out}", file=sys.stderr)
        if as_json:
            print_json(document)
        else:
            output.show_along(document, tables.console())
        return
    with Bar() as progress:
        result = study(first, second, samples=samples, seed=seed, progress=progress, **settings)
        at = checked_year(year, result.years)
        checks = (
            by_agents.checks(
                first,
                second,
                place=selected.place,
                people=selected.people,
                metric=metric,
                year=at,
                seeds=seeds,
                threads=threads,
                progress=progress,
            )
            if agents
            else []
        )
    document = output.document(result, at) | {"agents": checks}
    if folder is not None:
        print(f"Wrote {', '.join(output.write(folder, result, at, document))} to {out}", file=sys.stderr)
    if as_json:
        print_json(document)
    else:
        output.show(result, at, checks, tables.console())
