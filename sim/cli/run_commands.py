"""The commands `run`, `compare` and `export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import (
    SEED,
    SEEDS,
    ByOption,
    CalibrateOption,
    DrawsOption,
    EngineOption,
    JsonOption,
    OutOption,
    PeopleOption,
    PlaceOption,
    PrecisionOption,
    SeedOption,
    SeedsOption,
    SetOption,
    ThreadsOption,
    YearsOption,
    checked_folder,
    print_json,
    stored_runs,
)


def run(
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario's name, or its .toml file.")],
    place: PlaceOption = None,
    people: PeopleOption = None,
    years: YearsOption = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    sets: SetOption = None,
    calibrate: CalibrateOption = None,
    threads: ThreadsOption = None,
    draws: DrawsOption = None,
    engine: EngineOption = "agents",
    precision: PrecisionOption = None,
    by: ByOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run one scenario with several seeds."""
    names = [scenario]
    _compare(
        context,
        names,
        place,
        people,
        years,
        seeds,
        seed,
        sets,
        calibrate,
        threads,
        draws,
        engine,
        precision,
        by,
        out,
        as_json,
    )


def compare(
    context: typer.Context,
    baseline: Annotated[
        str, typer.Argument(metavar="BASELINE", help="The scenario with which the others are compared.")
    ],
    scenarios: Annotated[list[str], typer.Argument(metavar="SCENARIO...", help="Names, or .toml files.")],
    place: PlaceOption = None,
    people: PeopleOption = None,
    years: YearsOption = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    sets: SetOption = None,
    calibrate: CalibrateOption = None,
    threads: ThreadsOption = None,
    draws: DrawsOption = None,
    engine: EngineOption = "agents",
    precision: PrecisionOption = None,
    by: ByOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare policies with a baseline: acute demand and other measures over time."""
    names = [baseline, *scenarios]
    _compare(
        context,
        names,
        place,
        people,
        years,
        seeds,
        seed,
        sets,
        calibrate,
        threads,
        draws,
        engine,
        precision,
        by,
        out,
        as_json,
    )


def _compare(
    context: typer.Context,
    names: list[str],
    place: str | None,
    people: int | None,
    years: int | None,
    seeds: int,
    seed: int,
    sets: list[str] | None,
    calibrate: str | None,
    threads: int | None,
    draws: str | None,
    engine: str,
    precision: float | None,
    by: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    from sim.cli import arguments

    arguments.check_fraction("--precision", precision)
    axes = arguments.axes(by)
    checked_engine = arguments.engine(engine)
    drawn = arguments.draws(draws, checked_engine)
    folder = checked_folder(context, out)
    store = stored_runs(context, folder)
    selected = arguments.select_scenarios(
        names,
        place=place,
        people=people,
        years=years,
        seeds=seeds,
        seed=seed,
        threads=threads,
        sets=sets or [],
        calibrate=calibrate,
    )
    import sim
    from sim.cli.progress import Bar

    with Bar() as progress:
        result = sim.compare(
            *selected.scenarios,
            place=selected.place,
            people=selected.people,
            seeds=seeds,
            seed=seed,
            threads=threads,
            draws=drawn,
            engine=checked_engine,
            precision=precision,
            progress=progress,
            store=store,
        )
    if precision is not None:
        from sim.ensemble.sequential_stopping import half_width

        reached = f"acute demand is known to within ±{half_width(result):.2%} (requested: ±{precision:.2%})"
        print(f"{len(result.seeds)} of at most {seeds} seeds: {reached}", file=sys.stderr)
    document = result.document(by=axes)
    if document["differences"]:
        from sim.analysis.sensitivity import drivers

        document |= drivers.document(result)
    if folder is not None:
        from sim.results import result_folder

        written = result_folder.write(folder, result, document, ("upstream", *sys.argv[1:]), store)
        print(f"Wrote {', '.join(written)} to {out}", file=sys.stderr)
    if as_json:
        print_json(document)
    else:
        from sim.cli import tables

        tables.show(result, document, axes, tables.console())


def export(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario's name, or its .toml file.")],
    xmile: Annotated[
        Path, typer.Option("--xmile", metavar="FILE", help="The file to write. Stella, Vensim and PySD can open it.")
    ],
    place: PlaceOption = None,
    people: PeopleOption = None,
    years: YearsOption = None,
    sets: SetOption = None,
    calibrate: CalibrateOption = None,
    aggregate: Annotated[
        str | None,
        typer.Option(
            "--aggregate",
            metavar="fifths,ages",
            help="One cell for all deprivation fifths, or for all ages: a smaller file, less exact.",
        ),
    ] = None,
) -> None:
    """Write the stock-flow twin of a scenario as an XMILE file."""
    from sim.cli import arguments

    aggregated = arguments.aggregations(aggregate)
    path = arguments.output_file("--xmile", xmile)
    selected = arguments.select_scenarios(
        [scenario],
        place=place,
        people=people,
        years=years,
        seeds=1,
        seed=0,
        threads=None,
        sets=sets or [],
        calibrate=calibrate,
    )
    from sim.cli.progress import working
    from sim.ensemble.run_limits import Runs, check_limits
    from sim.twins import stock_flow

    check_limits(Runs(selected.place, selected.people, selected.scenarios[0].years, 1, 1, work="stocks"))
    with working("Writing the equations"):
        twin = stock_flow.Twin(
            selected.scenarios[0],
            selected.place,
            selected.people,
            fifths="fifths" not in aggregated,
            ages="ages" not in aggregated,
        )
        written = stock_flow.write(twin, path)
    print(f"{path}: {len(written.stocks)} stocks, {written.variables} variables", file=sys.stderr)
