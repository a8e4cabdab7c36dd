"""Options that several commands share: how they are typed, told and checked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

SEEDS, SEED = 20, 0


def whole(typed: str) -> int:
    try:
        return int(typed)
    except ValueError:
        raise typer.BadParameter(f"wanted a whole number, got '{typed}'") from None


def part(typed: str) -> float:
    try:
        return float(typed)
    except ValueError:
        raise typer.BadParameter(f"wanted a number between 0 and 1, got '{typed}'") from None


PlaceOption = Annotated[
    str | None, typer.Option("--place", metavar="NAME|FILE", help="A place; the baseline's own, if not given.")
]
PeopleOption = Annotated[
    int | None,
    typer.Option("--people", parser=whole, metavar="N", help="A smaller (or larger) place of the same shape."),
]
YearsOption = Annotated[int | None, typer.Option("--years", parser=whole, metavar="N", help="How many years to run.")]
SeedsOption = Annotated[
    int, typer.Option("--seeds", parser=whole, metavar="K", help="How many runs, each with luck of its own.")
]
SeedOption = Annotated[int, typer.Option("--seed", parser=whole, metavar="S", help="The first seed.")]
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
    typer.Option("--threads", parser=whole, metavar="N", help="Runs side by side; the results do not depend on it."),
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
        parser=part,
        metavar="PART",
        help="Stop adding seeds once the interval of acute demand in the last year is no wider to either side than "
        "this part of it, as 0.01; --seeds is then how many there are at most.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")]
FromOption = Annotated[
    list[Path] | None,
    typer.Option("--from", metavar="DIR", help="A folder with files of your own. May be given again."),
]
KeepOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Keep results here; a run that is there already is not made again."),
]


def check_whole_options(seeds: int, seed: int, people: int | None, threads: int | None) -> None:
    from sim.cli import choices
    from sim.place.place import people_allowed

    choices.integer_option("--seeds", seeds, 1, choices.MOST_SEEDS)
    choices.integer_option("--seed", seed, 0, choices.LARGEST_SEED)
    if threads is not None:
        choices.integer_option("--threads", threads, 1, choices.MOST_THREADS)
    if people is not None:
        people_allowed(people)


def folder_of(out: Path | None) -> Path | None:
    if out is None:
        return None
    from sim.cli import keep

    return keep.usable(out)


def write_json(folder: Path | None, name: str, document: Any) -> None:
    if folder is None:
        return
    from sim.cli.json_text import indented

    folder.mkdir(parents=True, exist_ok=True)
    half = folder / f".{name}.part"
    half.write_text(indented(document), encoding="utf-8")
    half.replace(folder / name)
    print(f"Wrote {folder / name}", file=sys.stderr)


def print_json(document: Any) -> None:
    from sim.cli.json_text import on_one_line

    sys.stdout.write(on_one_line(document))
