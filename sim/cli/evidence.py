"""Commands that hold the model against what is claimed, published and measured."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli.options import (
    SEED,
    SEEDS,
    DrawOption,
    FromOption,
    JsonOption,
    KeepOption,
    PeopleOption,
    SeedOption,
    SeedsOption,
    ThreadsOption,
    YearsOption,
    check_whole_options,
    folder_of,
    print_json,
    write_json,
)


def claims(
    numbers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME...]", help="Claims, such as M2 (or levers, or loops, such as R1); all, if none is given."
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only the scenarios marked as quick.")] = False,
    of_levers: Annotated[
        bool, typer.Option("--levers", help="Instead: does each lever, moved alone, change anything beyond luck?")
    ] = False,
    of_loops: Annotated[
        bool, typer.Option("--loops", help="Instead: does each loop, knocked out, change what it is said to?")
    ] = False,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    people: PeopleOption = None,
    threads: ThreadsOption = None,
    folders: FromOption = None,
    out: KeepOption = None,
    as_json: JsonOption = False,
) -> int:
    """The scenario library's claims: what was expected, what was seen, where it stops being true."""
    check_whole_options(seeds, seed, people, threads)
    folder = folder_of(out)
    if of_levers or of_loops:
        if quick or folders or (of_levers and of_loops):
            from sim.schema.toml_files import InputError, Phrase

            wanted = "one of --levers and --loops, without --quick and --from"
            raise InputError("claims", None, "", wanted, Phrase("more than that"))
        return _alone(numbers or (), of_levers, seeds, seed, people, threads, folder, as_json)
    from sim.cli.progress import Bar
    from sim.validation.claims import run_claims

    with Bar() as progress:
        report = run_claims(
            numbers or (),
            seeds=seeds,
            seed=seed,
            people=people,
            threads=threads,
            quick=quick,
            folders=folders or (),
            out=folder,
            progress=progress,
        )
    document = report.document()
    write_json(folder, "claims.json", document)
    if as_json:
        print_json(document)
    else:
        from sim.cli import claims as table
        from sim.cli import show

        table.show(report, show.console())
    if not report.unmet:
        return 0
    untold = sum(not found.verdict.told for found in report.unmet)
    last = f"{len(report.unmet)} of {len(report.findings)} expectations are not met"
    last += f", {untold} of them as there is no interval" if untold else ""
    print(f"upstream: {last}", file=sys.stderr)
    return 1


def _alone(
    names: Sequence[str],
    of_levers: bool,
    seeds: int,
    seed: int,
    people: int | None,
    threads: int | None,
    folder: Path | None,
    as_json: bool,
) -> int:
    """Every lever moved alone, or every loop knocked out."""
    from sim.cli import alone as tables
    from sim.cli import choices, show
    from sim.cli.progress import Bar
    from sim.validation import one_at_a_time

    choices.integer_option("--seeds", seeds, 2, choices.MOST_SEEDS)
    with Bar() as progress:
        options: dict[str, Any] = {
            "seeds": seeds, "seed": seed, "people": people, "threads": threads, "progress": progress,
        }  # fmt: skip
        report = one_at_a_time.move_levers(names, **options) if of_levers else one_at_a_time.knock_out(names, **options)
    document = report.document()
    write_json(folder, "levers.json" if of_levers else "loops.json", document)
    if as_json:
        print_json(document)
    elif isinstance(report, one_at_a_time.LeversReport):
        tables.show_levers(report, show.console())
    else:
        tables.show_loops(report, show.console())
    wrong = report.idle if isinstance(report, one_at_a_time.LeversReport) else report.unmet or report.missing
    if wrong:
        what = "levers change nothing beyond luck" if of_levers else "looks are not as described"
        print(f"upstream: {len(wrong)} {what}", file=sys.stderr)
    return 1 if wrong else 0


def validate(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID...]", help="Experiments, such as V1; all, if none is given.")
    ] = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    people: PeopleOption = None,
    threads: ThreadsOption = None,
    folders: FromOption = None,
    out: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Published natural experiments, repeated: the simulated effect beside the published one."""
    check_whole_options(seeds, seed, people, threads)
    folder = folder_of(out)
    from sim.cli.progress import Bar
    from sim.validation.natural_experiments import validate as repeat

    with Bar() as progress:
        validation = repeat(
            ids or (),
            seeds=seeds,
            seed=seed,
            people=people,
            threads=threads,
            folders=folders or (),
            out=folder,
            progress=progress,
        )
    document = validation.document()
    write_json(folder, "validation.json", document)
    if as_json:
        print_json(document)
    else:
        from sim.cli import show
        from sim.cli import validate as table

        table.show(validation, show.console())


def calibrate(
    place: Annotated[str, typer.Argument(metavar="PLACE", help="A place's name, or its .toml file.")] = "anytown",
    people: PeopleOption = None,
    years: YearsOption = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    threads: ThreadsOption = None,
    solve: Annotated[
        bool,
        typer.Option("--solve", help="First solve the hazards again (some minutes) and keep them with the project."),
    ] = False,
    steady: Annotated[
        bool,
        typer.Option("--steady", help="Also: does every rate stay there, year by year, and does a push die away?"),
    ] = False,
    cells: Annotated[
        bool, typer.Option("--cells", help="Also: every acute service by deprivation fifth and age band.")
    ] = False,
    draw: DrawOption = None,
    as_json: JsonOption = False,
) -> None:
    """The baseline of a place beside published figures; with `--draw-parameters`, how far drawn baselines drift."""
    from sim.cli import choices
    from sim.validation.stability import DRIFT_YEARS, pushed

    drawn = choices.drawing(draw)
    years = DRIFT_YEARS if drawn is not None and years is None else years
    chosen = choices.gather(
        ["baseline"], place=place, people=people, years=years, seeds=seeds, seed=seed, threads=threads, sets=[]
    )
    import sim
    from sim.cli import fit, show
    from sim.cli.progress import Bar, working

    if solve:
        from sim.calibration.calibrate import recalibrate

        with working("Solving for the hazards: some minutes"):
            recalibrate()
    baseline = chosen.scenarios[0]
    with Bar() as progress:
        result = sim.compare(
            baseline,
            *([pushed(baseline)] if steady and drawn is None and baseline.years >= 5 else []),
            place=chosen.place,
            people=chosen.people,
            seeds=seeds,
            seed=seed,
            threads=threads,
            progress=progress,
            draw_parameters=drawn,
        )
    if drawn is not None:
        if as_json:
            print_json(fit.drift_document(result))
        else:
            fit.show_drifts(result, show.console())
        return
    rows = fit.rows(result)
    if as_json:
        told = fit.document(result, rows) | (fit.steady_document(result) if steady else {})
        print_json(told | ({"cells": [cell._asdict() for cell in fit.cells(result)]} if cells else {}))
    else:
        fit.show(result, rows, show.console())
        if cells:
            fit.show_cells(fit.cells(result), show.console())
        if steady:
            fit.show_steady(result, show.console())
