"""Commands that run scenarios, and the one that writes a scenario for others to run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import (
    SEED,
    SEEDS,
    ByOption,
    DrawOption,
    EngineOption,
    JsonOption,
    OutOption,
    PeopleOption,
    PlaceOption,
    SeedOption,
    SeedsOption,
    SetOption,
    ThreadsOption,
    UntilOption,
    YearsOption,
    print_json,
)


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
        from sim.ensemble.sequential_stopping import half_width

        reached = f"acute demand is known to {half_width(result):.2%} of itself (wanted: {until:.2%})"
        print(f"{len(result.seeds)} of at most {seeds} seeds: {reached}", file=sys.stderr)
    document = result.document(by=axes)
    if folder is not None:
        wrote = keep.write(folder, result, document)
        print(f"Wrote {', '.join(wrote)} to {out}", file=sys.stderr)
    if as_json:
        print_json(document)
    else:
        from sim.cli import show

        show.comparison(result, document, axes, show.console())


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
    from sim.cli.progress import working
    from sim.twins import stock_flow

    with working("Writing the equations"):
        twin = stock_flow.Twin(
            chosen.scenarios[0],
            chosen.place,
            chosen.people,
            fifths="fifths" not in merged,
            ages="ages" not in merged,
        )
        written = stock_flow.write(twin, path)
    print(f"{path}: {len(written.stocks)} stocks, {written.variables} variables", file=sys.stderr)
