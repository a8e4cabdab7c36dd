"""Every command with its options, and nothing that takes long to import: the work is in the files beside this one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="What prevention does to acute demand, in a place, over years. Exploratory, not a forecast.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
places = typer.Typer(help="Build places.", rich_markup_mode=None)
app.add_typer(places, name="place")

SEEDS, SEED = 20, 0


def _whole(typed: str) -> int:
    try:
        return int(typed)
    except ValueError:
        raise typer.BadParameter(f"wanted a whole number, got '{typed}'") from None


def _part(typed: str) -> float:
    try:
        return float(typed)
    except ValueError:
        raise typer.BadParameter(f"wanted a number between 0 and 1, got '{typed}'") from None


PlaceOption = Annotated[
    str | None, typer.Option("--place", metavar="NAME|FILE", help="A place; the baseline's own, if not given.")
]
PeopleOption = Annotated[
    int | None,
    typer.Option("--people", parser=_whole, metavar="N", help="A smaller (or larger) place of the same shape."),
]
YearsOption = Annotated[int | None, typer.Option("--years", parser=_whole, metavar="N", help="How many years to run.")]
SeedsOption = Annotated[
    int, typer.Option("--seeds", parser=_whole, metavar="K", help="How many runs, each with luck of its own.")
]
SeedOption = Annotated[int, typer.Option("--seed", parser=_whole, metavar="S", help="The first seed.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="policies.LEVER=0.4 or policies.LEVER.SERVICE=0.4 (from the second year, not in the baseline of a "
        "comparison; a shift for levers that are 0 at baseline), parameters.NAME=0.4, place=, people=, years=. "
        "May be given again.",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", parser=_whole, metavar="N", help="Runs side by side; the results do not depend on it."),
]
ByOption = Annotated[
    str | None,
    typer.Option("--by", metavar="AXIS,...", help="Also by service, quintile, age, neighbourhood, domain."),
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write results.parquet, summary.csv, run.json and document.json here."),
]
DrawOption = Annotated[
    str | None,
    typer.Option(
        "--draw-parameters",
        metavar="[all]",
        help="Every seed draws the parameters of mechanisms from their ranges; with 'all', the figures of services, "
        "domains and the place too. Each draw is calibrated for itself, some seconds the first time.",
    ),
]
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="agents: people one by one. stocks: the stock-flow twin, on averages, in a second and without luck. "
        "reference: the Mesa telling in plain Python, the agents' results again, for few people, years and seeds.",
    ),
]
UntilOption = Annotated[
    float | None,
    typer.Option(
        "--until",
        parser=_part,
        metavar="PART",
        help="Stop adding seeds once the interval of acute demand in the last year is no wider to either side than "
        "this part of it, as 0.01; --seeds is then how many there are at most.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")]


KINDS = ("scenarios", "places", "levers", "parameters", "services", "domains", "loops", "metrics")
FILES = (
    "scenario",
    "place",
    "domain",
    "service",
    "experiment",
    "claims",
    "outside",
    "regions",
    "alone_levers",
    "alone_loops",
)


@app.callback(invoke_without_command=True)
def about(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[  # noqa: ARG001  # for the help: `main` has taken it away, wherever it stood
        bool, typer.Option("--debug", help="Show the traceback of an error (also: UPSTREAM_DEBUG=1).")
    ] = False,
) -> None:
    """What prevention does to acute demand, in a place, over years. Exploratory, not a forecast."""
    if version:
        import sim

        print(f"upstream {sim.__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario's name, or its .toml file.")],
    place: PlaceOption = None,
    people: PeopleOption = None,
    years: YearsOption = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    sets: SetOption = None,
    threads: ThreadsOption = None,
    draw: DrawOption = None,
    engine: EngineOption = "agents",
    until: UntilOption = None,
    by: ByOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """One scenario, an ensemble of seeds."""
    _compare([scenario], place, people, years, seeds, seed, sets, threads, draw, engine, until, by, out, as_json)


@app.command()
def compare(
    baseline: Annotated[str, typer.Argument(metavar="BASELINE", help="The scenario the others are compared with.")],
    scenarios: Annotated[list[str], typer.Argument(metavar="SCENARIO...", help="Names, or .toml files.")],
    place: PlaceOption = None,
    people: PeopleOption = None,
    years: YearsOption = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    sets: SetOption = None,
    threads: ThreadsOption = None,
    draw: DrawOption = None,
    engine: EngineOption = "agents",
    until: UntilOption = None,
    by: ByOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Acute demand over time under each policy, beside a baseline."""
    names = [baseline, *scenarios]
    _compare(names, place, people, years, seeds, seed, sets, threads, draw, engine, until, by, out, as_json)


def _compare(
    names: list[str],
    place: str | None,
    people: int | None,
    years: int | None,
    seeds: int,
    seed: int,
    sets: list[str] | None,
    threads: int | None,
    draw: str | None,
    engine: str,
    until: float | None,
    by: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    from sim.cli import choices

    choices.part("--until", until)
    axes = choices.axes(by)
    drawn = choices.drawing(draw)
    telling = choices.telling(engine)
    folder = None
    if out is not None:
        from sim.cli import keep

        folder = keep.usable(out)
    chosen = choices.gather(
        names, place=place, people=people, years=years, seeds=seeds, seed=seed, threads=threads, sets=sets or []
    )
    import sim
    from sim.cli.progress import Bar

    with Bar() as progress:
        result = sim.compare(
            *chosen.scenarios,
            place=chosen.place,
            people=chosen.people,
            seeds=seeds,
            seed=seed,
            threads=threads,
            draw_parameters=drawn,
            engine=telling,
            until=until,
            progress=progress,
        )
    if until is not None:
        from sim.stopping import half_width

        reached = f"acute demand is known to {half_width(result):.2%} of itself (wanted: {until:.2%})"
        print(f"{len(result.seeds)} of at most {seeds} seeds: {reached}", file=sys.stderr)
    document = result.document(by=axes)
    if folder is not None:
        wrote = keep.write(folder, result, document)
        print(f"Wrote {', '.join(wrote)} to {out}", file=sys.stderr)
    if as_json:
        _print_json(document)
    else:
        from sim.cli import show

        show.comparison(result, document, axes, show.console())


@app.command("list")
def list_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {', '.join(KINDS)}.")],
    as_json: JsonOption = False,
) -> None:
    """What there is to choose from, with unit, range and source."""
    _one_of("list", kind, KINDS)
    from sim.cli import lists

    rows = lists.rows(kind)
    if as_json:
        import sim

        _print_json({"upstream": sim.__version__, kind: rows})
    else:
        from sim.cli import show

        lists.show(kind, rows, show.console())


@app.command()
def schema(
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help=f"One of {', '.join(FILES)}; all of them, if not given.")
    ] = None,
) -> None:
    """JSON Schema of the input files."""
    if kind is not None:
        _one_of("schema", kind, FILES)
    from sim.cli import lists

    every = lists.schemas()
    _print_json(every[kind] if kind is not None else every)


@app.command()
def export(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario's name, or its .toml file.")],
    xmile: Annotated[
        Path, typer.Option("--xmile", metavar="FILE", help="The file to write, which Stella, Vensim or PySD open.")
    ],
    place: PlaceOption = None,
    people: PeopleOption = None,
    years: YearsOption = None,
    sets: SetOption = None,
    merge: Annotated[
        str | None,
        typer.Option(
            "--merge", metavar="fifths,ages", help="One cell for all fifths, or all ages: a smaller file, less exact."
        ),
    ] = None,
) -> None:
    """The stock-flow twin of a scenario as an XMILE file."""
    from sim.cli import choices

    merged = choices.merged(merge)
    path = choices.writable(xmile)
    chosen = choices.gather(
        [scenario], place=place, people=people, years=years, seeds=1, seed=0, threads=None, sets=sets or []
    )
    from sim import stocks
    from sim.cli.progress import working

    with working("Writing the equations"):
        twin = stocks.Twin(
            chosen.scenarios[0],
            chosen.place,
            chosen.people,
            fifths="fifths" not in merged,
            ages="ages" not in merged,
        )
        written = stocks.write(twin, path)
    print(f"{path}: {len(written.stocks)} stocks, {written.variables} variables", file=sys.stderr)


def _one_of(command: str, kind: str, there: tuple[str, ...]) -> None:
    from sim.inputs import InputError

    if kind not in there:
        raise InputError(command, None, "", "one of these", kind, there)


FromOption = Annotated[
    list[Path] | None,
    typer.Option("--from", metavar="DIR", help="A folder with files of your own. May be given again."),
]
KeepOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Keep results here; a run that is there already is not made again."),
]


@app.command()
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
    _whole_options(seeds, seed, people, threads)
    folder = _folder(out)
    if of_levers or of_loops:
        if quick or folders or (of_levers and of_loops):
            from sim.inputs import InputError, Words

            wanted = "one of --levers and --loops, without --quick and --from"
            raise InputError("claims", None, "", wanted, Words("more than that"))
        return _alone(numbers or (), of_levers, seeds, seed, people, threads, folder, as_json)
    from sim.claims import run_claims
    from sim.cli.progress import Bar

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
    _write_json(folder, "claims.json", document)
    if as_json:
        _print_json(document)
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
    from sim import alone
    from sim.cli import alone as tables
    from sim.cli import choices, show
    from sim.cli.progress import Bar

    choices.whole("--seeds", seeds, 2, choices.MOST_SEEDS)
    with Bar() as progress:
        options: dict[str, Any] = {
            "seeds": seeds, "seed": seed, "people": people, "threads": threads, "progress": progress,
        }  # fmt: skip
        report = alone.move_levers(names, **options) if of_levers else alone.knock_out(names, **options)
    document = report.document()
    _write_json(folder, "levers.json" if of_levers else "loops.json", document)
    if as_json:
        _print_json(document)
    elif isinstance(report, alone.LeversReport):
        tables.show_levers(report, show.console())
    else:
        tables.show_loops(report, show.console())
    wrong = report.idle if isinstance(report, alone.LeversReport) else report.unmet or report.missing
    if wrong:
        what = "levers change nothing beyond luck" if of_levers else "looks are not as described"
        print(f"upstream: {len(wrong)} {what}", file=sys.stderr)
    return 1 if wrong else 0


@app.command()
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
    _whole_options(seeds, seed, people, threads)
    folder = _folder(out)
    from sim.cli.progress import Bar
    from sim.experiments import validate as repeat

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
    _write_json(folder, "validation.json", document)
    if as_json:
        _print_json(document)
    else:
        from sim.cli import show
        from sim.cli import validate as table

        table.show(validation, show.console())


SMALLER = 6_000
"""People of the place in which loops and stories are told, unless an option or the scenario says otherwise."""
MOST_TOLD = 200


@app.command()
def loops(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario's name, or its .toml file.")],
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="NAME", help="What it is compared with; its own, if not given.")
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="NAME",
            help="Cut this loop (R1) or mechanism, and compare. May be given again: cut together.",
        ),
    ] = None,
    measure: Annotated[
        str, typer.Option("--metric", metavar="ID", help="The measure whose difference is told.")
    ] = "acute_demand",
    every: Annotated[bool, typer.Option("--all", help="Print every loop that is found.")] = False,
    place: PlaceOption = None,
    people: PeopleOption = None,
    years: YearsOption = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    sets: SetOption = None,
    threads: ThreadsOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write loops.html, loops.json and loops.mmd here.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Loops: found in what mechanisms declare, their strength over time, and what goes away without each."""
    import os

    from sim.cli import choices, show
    from sim.cli import loops as telling
    from sim.cli.progress import Bar
    from sim.scenario import Scenario

    telling.check(without or (), measure)
    folder = _folder(out)
    first = baseline if baseline is not None else Scenario.load(scenario).baseline
    names = [scenario] if scenario == first and not sets else [first, scenario]
    chosen = choices.gather(
        names, place=place, people=people, years=years, seeds=seeds, seed=seed, threads=threads, sets=sets or []
    )
    chosen = _smaller(chosen)
    with Bar() as progress:
        told = telling.tell(
            chosen,
            without=without or (),
            measure=measure,
            seeds=seeds,
            seed=seed,
            threads=threads or os.cpu_count() or 1,
            progress=progress,
        )
    whole = telling.document(told, chosen, seeds, seed)
    if folder is not None:
        print(f"Wrote {', '.join(telling.write(folder, told, whole))} to {out}", file=sys.stderr)
    if as_json:
        _print_json(whole)
    else:
        telling.show(told, whole, show.console(), every=every)


@app.command()
def story(
    baseline: Annotated[str, typer.Argument(metavar="BASELINE", help="The scenario the other is compared with.")],
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario's name, or its .toml file.")],
    chosen: Annotated[
        int, typer.Option("--chosen", parser=_whole, metavar="K", help="How many people to tell of.")
    ] = 4,
    place: PlaceOption = None,
    people: PeopleOption = None,
    years: YearsOption = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    sets: SetOption = None,
    threads: ThreadsOption = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write story.json here.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The same people under both: who was spared a crisis, who was not, told month by month."""
    import os

    from sim.cli import choices, show
    from sim.cli import story as telling
    from sim.cli.progress import Bar
    from sim.stories import stories

    choices.whole("--chosen", chosen, 0, MOST_TOLD)
    folder = _folder(out)
    given = choices.gather(
        [baseline, scenario],
        place=place,
        people=people,
        years=years,
        seeds=seeds,
        seed=seed,
        threads=threads,
        sets=sets or [],
    )
    given = _smaller(given)
    with Bar() as progress:
        told = stories(
            *given.scenarios,
            place=given.place,
            people=given.people,
            seeds=seeds,
            seed=seed,
            chosen=chosen,
            threads=threads or os.cpu_count() or 1,
            progress=progress,
        )
    whole = telling.document(told)
    _write_json(folder, "story.json", whole)
    if as_json:
        _print_json(whole)
    else:
        telling.show(told, whole, show.console())


def _smaller(chosen: Any) -> Any:
    """The same in a smaller place of the same shape, unless a size is asked for."""
    if chosen.people is not None or chosen.place.population <= SMALLER:
        return chosen
    print(f"In a place of {SMALLER:,} people of the same shape; --people for another", file=sys.stderr)
    return chosen._replace(people=SMALLER)


def _whole_options(seeds: int, seed: int, people: int | None, threads: int | None) -> None:
    from sim.cli import choices
    from sim.place import people_allowed

    choices.whole("--seeds", seeds, 1, choices.MOST_SEEDS)
    choices.whole("--seed", seed, 0, choices.LARGEST_SEED)
    if threads is not None:
        choices.whole("--threads", threads, 1, choices.MOST_THREADS)
    if people is not None:
        people_allowed(people)


def _folder(out: Path | None) -> Path | None:
    if out is None:
        return None
    from sim.cli import keep

    return keep.usable(out)


def _write_json(folder: Path | None, name: str, document: Any) -> None:
    if folder is None:
        return
    from sim.cli.json_text import indented

    folder.mkdir(parents=True, exist_ok=True)
    half = folder / f".{name}.part"
    half.write_text(indented(document), encoding="utf-8")
    half.replace(folder / name)
    print(f"Wrote {folder / name}", file=sys.stderr)


@places.callback(invoke_without_command=True)
def about_places(context: typer.Context) -> None:
    """Build places."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@places.command("new")
def place_new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What the place is to be called: small letters, digits, - and _.")
    ],
    authority: Annotated[
        str,
        typer.Option(
            "--authority", metavar="CODE", help="The authority's code, such as E08000010; E92000001 for England."
        ),
    ],
    neighbourhoods: Annotated[
        Path, typer.Option("--neighbourhoods", metavar="FILE", help="CSV: deprivation and ages of each neighbourhood.")
    ],
    authorities: Annotated[
        Path | None,
        typer.Option(
            "--authorities", metavar="FILE", help="CSV of authorities; else one beside the first, if there is."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder to write into; else the library's own places.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a place of that name.")] = False,
) -> None:
    """Build a place from ONS and IMD neighbourhood tables."""
    from sim.place import Place
    from sim.place_tables import new_place

    path = new_place(name, authority, neighbourhoods, authorities, out, force=force)
    made = Place.load(path)
    areas = sum(part.neighbourhoods for part in made.deciles)
    print(f"{path}: {made.label}, {made.population:,} people in {areas} neighbourhoods")


@app.command()
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
    from sim.steadiness import DRIFT_YEARS, pushed

    drawn = choices.drawing(draw)
    years = DRIFT_YEARS if drawn is not None and years is None else years
    chosen = choices.gather(
        ["baseline"], place=place, people=people, years=years, seeds=seeds, seed=seed, threads=threads, sets=[]
    )
    import sim
    from sim.cli import fit, show
    from sim.cli.progress import Bar, working

    if solve:
        from sim.calibration import recalibrate

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
            _print_json(fit.drift_document(result))
        else:
            fit.show_drifts(result, show.console())
        return
    rows = fit.rows(result)
    if as_json:
        told = fit.document(result, rows) | (fit.steady_document(result) if steady else {})
        _print_json(told | ({"cells": [cell._asdict() for cell in fit.cells(result)]} if cells else {}))
    else:
        fit.show(result, rows, show.console())
        if cells:
            fit.show_cells(fit.cells(result), show.console())
        if steady:
            fit.show_steady(result, show.console())


@app.command()
def dashboard(
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", parser=_whole, metavar="PORT", help="The port to listen at.")] = 8050,
    allow_others: Annotated[
        bool, typer.Option("--allow-others", help="Let other computers in. The page has no login.")
    ] = False,
) -> None:
    """The web page, on this computer, until Ctrl-C."""
    from sim.cli import choices
    from sim.inputs import InputError

    choices.whole("--port", port, 1, 65_535)
    from dashboard.app import is_own, serve

    if not is_own(host) and not allow_others:
        wanted = "an address of this computer's own, such as 127.0.0.1 (the page has no login), or --allow-others"
        raise InputError("--host", None, "", wanted, host)
    _need_free(host, port)
    shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
    print(f"The page is at http://{shown}:{port} (Ctrl-C stops it)", file=sys.stderr, flush=True)
    serve(host, port, allow_others=allow_others)


def _need_free(host: str, port: int) -> None:
    """Refuse an address that cannot be listened at, before anything is started."""
    import errno
    import socket

    from sim.inputs import InputError, Words

    bare = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in bare else socket.AF_INET
        socket.create_server((bare, port), family=family).close()
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            came = Words(f"{port}, at which another program does")
            raise InputError("--port", None, "", "a port at which nobody listens yet", came) from None
        came = Words(f"'{host}' ({problem.strerror})")
        raise InputError("--host", None, "", "an address and port to listen at", came) from None


def _print_json(document: Any) -> None:
    from sim.cli.json_text import on_one_line

    sys.stdout.write(on_one_line(document))
