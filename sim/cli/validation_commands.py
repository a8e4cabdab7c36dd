"""The commands `claims`, `validate`, `fit` and `calibrate`, which compare the model with claims and published data."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.options import (
    SEED,
    SEEDS,
    DrawsOption,
    FromOption,
    JsonOption,
    PeopleOption,
    ReusedOutOption,
    SeedOption,
    SeedsOption,
    ThreadsOption,
    YearsOption,
    check_integer_options,
    checked_folder,
    print_json,
    whole_number,
    write_json,
)

if TYPE_CHECKING:
    from sim.validation.robustness import LineVerdict

PlaceArgument = Annotated[str, typer.Argument(metavar="PLACE", help="A place's name, or its .toml file.")]
StabilityOption = Annotated[
    bool,
    typer.Option(
        "--stability",
        help="Also test whether every rate stays at its calibrated value from year to year, and whether the effect of "
        "a temporary change of the budget dies away.",
    ),
]
CellsOption = Annotated[
    bool, typer.Option("--cells", help="Also show every acute service by deprivation fifth and age band.")
]
BasesOption = Annotated[
    int | None,
    typer.Option(
        "--bases",
        parser=whole_number,
        metavar="N",
        help="Number of bases into which the seeds are split, each with a verdict of its own. Default: 3.",
    ),
]
PlacesOption = Annotated[
    str | None,
    typer.Option(
        "--places",
        metavar="NAME,...|own",
        help="Places in which everything is tested with half of the seeds, besides its own place. own: only there. "
        "Default: anytown,wigan.",
    ),
]
TestedDrawsOption = Annotated[
    str,
    typer.Option(
        "--draws",
        metavar="all|mechanisms|none",
        help="Parameter uncertainty. all: every seed draws all parameters from their ranges, and half of the seeds "
        "also run with the default parameters. mechanisms: the parameters of mechanisms only. none: every seed uses "
        "the default parameters.",
    ),
]


def claims(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME...]",
            help="Claims, such as M2; with --levers, levers; with --loops, loops, such as R1. Default: all.",
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only the scenarios marked as quick.")] = False,
    of_levers: Annotated[
        bool,
        typer.Option(
            "--levers", help="Instead, test whether each lever, moved alone, has an effect whose interval excludes 0."
        ),
    ] = False,
    of_loops: Annotated[
        bool, typer.Option("--loops", help="Instead, test whether each loop, knocked out, has its described effect.")
    ] = False,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    people: PeopleOption = None,
    threads: ThreadsOption = None,
    draws: TestedDrawsOption = "all",
    bases: BasesOption = None,
    places: PlacesOption = None,
    folders: FromOption = None,
    out: ReusedOutOption = None,
    as_json: JsonOption = False,
) -> int:
    """Test the claims of the scenario library. The output has expected and simulated results, and limits of claims.

    Each result is tested over draws of the parameters, in three bases of seeds, in two places, and with the default
    parameters. A result that one of these contradicts is shown as "depends". With --levers or --loops, the default
    parameters are used.
    """
    check_integer_options(seeds, seed, people, threads)
    from sim.cli import arguments

    folder = checked_folder(context, out)
    if of_levers or of_loops:
        source = context.get_parameter_source("draws")
        is_drawn = draws != "none" and source is not None and source.name == "COMMANDLINE"
        if quick or folders or is_drawn or bases is not None or places is not None or (of_levers and of_loops):
            from sim.schema.errors import InputError, Phrase

            wanted = "one of --levers and --loops, without --quick, --from, --draws, --bases and --places"
            raise InputError("claims", None, "", wanted, Phrase("more than that"))
        return _one_at_a_time(names or (), of_levers, seeds, seed, people, threads, folder, as_json)
    from sim.cli.progress import Bar
    from sim.validation.claims import run_claims

    with Bar() as progress:
        report = run_claims(
            names or (),
            seeds=seeds,
            seed=seed,
            people=people,
            threads=threads,
            draws=arguments.draws(draws),
            bases=bases,
            places=arguments.places(places),
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
        from sim.cli import claims as claims_tables
        from sim.cli import tables

        claims_tables.show(report, tables.console())
    if not report.unmet:
        return 0
    words: dict[LineVerdict, str] = {"depends": "depend", "not decided": "not decided", "not met": "not met"}
    parts = ", ".join(f"{count} {word}" for verdict, word in words.items() if (count := report.lines(verdict)))
    message = f"{len(report.unmet)} of {len(report.findings)} expectations do not hold under all conditions: {parts}"
    without_interval = sum(not finding.verdict.has_interval for finding in report.unmet)
    message += f" ({without_interval} without an interval)" if without_interval else ""
    print(f"upstream: {message}", file=sys.stderr)
    return 1


def _one_at_a_time(
    names: Sequence[str],
    of_levers: bool,
    seeds: int,
    seed: int,
    people: int | None,
    threads: int | None,
    folder: Path | None,
    as_json: bool,
) -> int:
    """Run `claims --levers` or `claims --loops`."""
    from sim.cli import arguments, tables
    from sim.cli import one_at_a_time as one_at_a_time_tables
    from sim.cli.progress import Bar
    from sim.validation import one_at_a_time

    arguments.check_integer("--seeds", seeds, 2, arguments.MOST_SEEDS)
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
        one_at_a_time_tables.show_levers(report, tables.console())
    else:
        one_at_a_time_tables.show_loops(report, tables.console())
    failures = report.idle if isinstance(report, one_at_a_time.LeversReport) else report.unmet or report.missing
    if failures:
        message = "levers have no detectable effect" if of_levers else "effects of loops are not as described"
        print(f"upstream: {len(failures)} {message}", file=sys.stderr)
    return 1 if failures else 0


def validate(
    context: typer.Context,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID...]", help="Experiments, such as V1. Default: all.")
    ] = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    people: PeopleOption = None,
    threads: ThreadsOption = None,
    draws: TestedDrawsOption = "all",
    bases: BasesOption = None,
    places: PlacesOption = None,
    folders: FromOption = None,
    out: ReusedOutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Repeat published natural experiments. The output compares simulated with published effects.

    Each effect is tested over draws of the parameters, in three bases of seeds, in two places, and with the default
    parameters. A result that one of these contradicts is shown as "depends".
    """
    check_integer_options(seeds, seed, people, threads)
    from sim.cli import arguments

    folder = checked_folder(context, out)
    from sim.cli.progress import Bar
    from sim.validation import natural_experiments

    with Bar() as progress:
        validation = natural_experiments.validate(
            ids or (),
            seeds=seeds,
            seed=seed,
            people=people,
            threads=threads,
            draws=arguments.draws(draws),
            bases=bases,
            places=arguments.places(places),
            folders=folders or (),
            out=folder,
            progress=progress,
        )
    document = validation.document()
    write_json(folder, "validation.json", document)
    if as_json:
        print_json(document)
    else:
        from sim.cli import natural_experiments as experiment_tables
        from sim.cli import tables

        experiment_tables.show(validation, tables.console())


def fit(
    place: PlaceArgument = "anytown",
    people: PeopleOption = None,
    years: YearsOption = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    threads: ThreadsOption = None,
    stability: StabilityOption = False,
    cells: CellsOption = False,
    draws: DrawsOption = "none",
    as_json: JsonOption = False,
) -> None:
    """Report the fit of the baseline of a place to published figures. With --draws, report the drift of each draw."""
    _report_fit(place, people, years, seeds, seed, threads, stability, cells, draws, as_json, solve=False)


def calibrate(
    place: PlaceArgument = "anytown",
    people: PeopleOption = None,
    years: YearsOption = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    threads: ThreadsOption = None,
    stability: StabilityOption = False,
    cells: CellsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Solve the hazards again, then report the fit. This takes some minutes.

    The hazards are solved for England and for every place whose solution is stored with the project, and replace the
    stored solutions. The report is that of `upstream fit`.
    """
    _report_fit(place, people, years, seeds, seed, threads, stability, cells, "none", as_json, solve=True)


def _report_fit(
    place: str,
    people: int | None,
    years: int | None,
    seeds: int,
    seed: int,
    threads: int | None,
    with_stability: bool,
    with_cells: bool,
    draws: str | None,
    as_json: bool,
    *,
    solve: bool,
) -> None:
    """Run the baseline and print its fit; with draws of the parameters, print the drift of each draw instead."""
    from sim.cli import arguments
    from sim.validation.stability import DRIFT_YEARS, budget_push

    drawn = arguments.draws(draws)
    years = DRIFT_YEARS if drawn != "none" and years is None else years
    selected = arguments.select_scenarios(
        ["baseline"], place=place, people=people, years=years, seeds=seeds, seed=seed, threads=threads, sets=[]
    )
    import sim
    from sim.cli import calibration_fit as fit_tables
    from sim.cli import tables
    from sim.cli.progress import Bar, working
    from sim.validation import calibration_fit, coverage

    if solve:
        from sim.calibration.calibrate import solve_supplied_places

        with working("Solving the hazards: some minutes"):
            solve_supplied_places()
    baseline = selected.scenarios[0]
    with Bar() as progress:
        result = sim.compare(
            baseline,
            *([budget_push(baseline)] if with_stability and drawn == "none" and baseline.years >= 5 else []),
            place=selected.place,
            people=selected.people,
            seeds=seeds,
            seed=seed,
            threads=threads,
            progress=progress,
            draws=drawn,
        )
    if drawn != "none":
        if as_json:
            print_json(calibration_fit.drift_document(result))
        else:
            fit_tables.show_drifts(result, tables.console())
        return
    rows = calibration_fit.fit_rows(result)
    if as_json:
        document = calibration_fit.fit_document(result, rows)
        document |= coverage.coverage_document(coverage.coverage_rows(result))
        if with_stability:
            document |= calibration_fit.stability_document(result)
        if with_cells:
            document["cells"] = [cell._asdict() for cell in calibration_fit.fit_cells(result)]
        print_json(document)
    else:
        fit_tables.show(result, rows, tables.console())
        fit_tables.show_coverage(coverage.coverage_rows(result), tables.console())
        if with_cells:
            fit_tables.show_cells(calibration_fit.fit_cells(result), tables.console())
        if with_stability:
            fit_tables.show_stability(result, tables.console())
