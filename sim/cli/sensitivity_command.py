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
NOT_OF_SWEEPS = {
    "parameter": "--one",
    "limits": "--range",
    "agents": "--agents",
    "seeds": "--seeds",
    "samples": "--samples",
    "people": "--people",
    "years": "--years",
    "sets": "--set",
    "threads": "--threads",
}
"""Options that the runs of a sweep leave no choice about."""


def sensitivity(
    context: typer.Context,
    baseline: Annotated[
        str,
        typer.Argument(
            metavar="BASELINE|DIR",
            help="The scenario with which the other is compared; or the folder of a sweep, whose design is analysed.",
        ),
    ],
    scenario: Annotated[
        str | None,
        typer.Argument(metavar="[SCENARIO]", help="A scenario's name, or its .toml file.", show_default=False),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="ID", help="The measure whose difference is analysed. Default: acute_demand."),
    ] = None,
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
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="NAME", help="With DIR: only this policy of the sweep.")
    ] = None,
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
    same command is given again. With the folder of a sweep: the indices of its design, from its runs.
    """
    if scenario is None:
        _of_sweep(context, baseline, as_json=as_json)
        return
    if policy is not None:
        raise typer.BadParameter("--policy needs the folder of a sweep")
    from pathlib import Path

    from sim.cli import arguments, tables
    from sim.cli import sensitivity as output
    from sim.cli.progress import Bar
    from sim.results.metrics import HEADLINE

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
        "metric": metric or HEADLINE,
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
                metric=metric or HEADLINE,
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


def _of_sweep(context: typer.Context, folder: str, *, as_json: bool) -> None:
    """Indices of the design of a sweep, from its runs."""
    from pathlib import Path

    from sim.cli import arguments, tables
    from sim.cli import discovery as output
    from sim.discovery.indices import sweep_sensitivity
    from sim.scenario.scenario import scenario_names
    from sim.schema.errors import InputError, Phrase

    if not Path(folder).expanduser().is_dir() and (folder in scenario_names() or folder.endswith(".toml")):
        raise InputError("SCENARIO", None, "", "a scenario to compare with the baseline", Phrase("nothing"))
    options = context.params
    for name, option in NOT_OF_SWEEPS.items():
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise InputError(option, None, "", "two scenarios with this option, not the folder of a sweep", folder)
    out = checked_folder(context, Path(options["out"]) if options["out"] is not None else None)
    arguments.check_integer("--seed", options["seed"], 0, 2**32 - 2)
    chosen = {name: options[name] for name in ("metric", "year", "policy", "place", "seed")}
    document = sweep_sensitivity(folder, **chosen)
    if out is not None:
        print(f"Wrote {', '.join(output.write_indices(out, document))} to {options['out']}", file=sys.stderr)
    if as_json:
        print_json(document)
    else:
        output.show_indices(document, tables.console())
