"""Options that several commands share: their names, help texts and checks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.schema.json_text import indented_json

if TYPE_CHECKING:
    from sim.results.run_store import RunStore

SEEDS, SEED = 20, 0


def whole_number(text: str) -> int:
    """Parse a whole number."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"wanted a whole number, got '{text}'") from None


def fraction(text: str) -> float:
    """Parse a number between 0 and 1; `arguments.check_fraction` checks the range."""
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"wanted a number between 0 and 1, got '{text}'") from None


PlaceOption = Annotated[
    str | None, typer.Option("--place", metavar="NAME|FILE", help="The place. Default: the place of the baseline.")
]
PeopleOption = Annotated[
    int | None,
    typer.Option("--people", parser=whole_number, metavar="N", help="A smaller or larger place of the same shape."),
]
YearsOption = Annotated[
    int | None, typer.Option("--years", parser=whole_number, metavar="N", help="Number of years to simulate.")
]
SeedsOption = Annotated[
    int,
    typer.Option("--seeds", parser=whole_number, metavar="K", help="Number of runs. Each has its own random numbers."),
]
SeedOption = Annotated[int, typer.Option("--seed", parser=whole_number, metavar="S", help="The first seed.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="policies.LEVER=0.4 or policies.LEVER.SERVICE=0.4 (from the second year, not in the baseline of a "
        "comparison; a shift for levers that are 0 at baseline), parameters.NAME=0.4, place=, people=, years=. "
        "Can be repeated.",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads", parser=whole_number, metavar="N", help="Number of parallel runs. It does not affect the results."
    ),
]
ByOption = Annotated[
    str | None,
    typer.Option("--by", metavar="AXIS,...", help="Also by service, quintile, age, neighbourhood, domain."),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Write results.parquet, CSV files, document.json, run.json and the runs here. Runs of the same "
        "comparison that are stored here already are not repeated.",
    ),
]
DrawsOption = Annotated[
    str | None,
    typer.Option(
        "--draws",
        metavar="all|mechanisms|none",
        help="Doubt about parameters. all: every seed draws its parameters from their ranges, the same for every "
        "policy. mechanisms: only those of mechanisms, not the figures of services, domains and the place. none: every "
        "seed uses the central values. Parameters of --set and of a scenario's file are never drawn. Each draw is "
        "calibrated separately, the first time. Default for run and compare: all.",
    ),
]
CalibrateOption = Annotated[
    str | None,
    typer.Option(
        "--calibrate",
        metavar="none|fast|full",
        help="How hazards are solved for other parameters. fast: the supplied solution is adapted, in some seconds "
        "for each set of parameters. full: solved again, in some minutes. none: hazards stay as they are, and rates "
        "move with the parameters. Default: that of the scenario's file, or fast.",
    ),
]
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="agents: individual people. stocks: the stock-flow twin, which computes averages in about a second, "
        "without random variation. mesa: the Mesa implementation in plain Python, which gives the same results as "
        "agents, for few people, years and seeds.",
    ),
]
PrecisionOption = Annotated[
    float | None,
    typer.Option(
        "--precision",
        parser=fraction,
        metavar="FRACTION",
        help="Stop adding seeds when the 95% interval of acute demand in the last year is no wider on either side than "
        "this fraction of acute demand, such as 0.01. --seeds is then the maximum number of seeds.",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", parser=whole_number, metavar="N", help="Processes. Default: one for each processor."),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="tcp://HOST:PORT", help="Run on the workers of a Dask scheduler instead."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON document, and nothing else, to stdout.")]
FromOption = Annotated[
    list[Path] | None,
    typer.Option("--from", metavar="DIR", help="A folder with additional files. Can be repeated."),
]
ReusedOutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Store results here. Runs that are stored here already are reused."),
]


def check_integer_options(seeds: int, seed: int, people: int | None, threads: int | None) -> None:
    """Refuse numbers of seeds, people and threads outside their ranges."""
    from sim.cli import arguments
    from sim.place.place import people_allowed

    arguments.check_integer("--seeds", seeds, 1, arguments.MOST_SEEDS)
    arguments.check_integer("--seed", seed, 0, arguments.LARGEST_SEED)
    if threads is not None:
        arguments.check_integer("--threads", threads, 1, arguments.MOST_THREADS)
    if people is not None:
        people_allowed(people)


def checked_folder(context: typer.Context, out: Path | None) -> Path | None:
    """The folder of `--out` as an absolute path, checked before anything is run, and locked until the command ends."""
    if out is None:
        return None
    from sim.results import folder_lock, result_folder

    folder = result_folder.writable(out)
    context.with_resource(folder_lock.locked(folder))
    return folder


def stored_runs(context: typer.Context, folder: Path | None) -> RunStore | None:
    """The runs that are stored in the folder of `--out`, which is locked, and beside it. Finished runs are added."""
    if folder is None:
        return None
    from sim.results.loading import described
    from sim.results.run_store import RunStore

    def notify(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    return context.with_resource(RunStore(folder, notify, described(folder)))


def write_json(folder: Path | None, name: str, document: Any) -> None:
    """Write a document as indented JSON."""
    if folder is None:
        return
    from sim.results import result_folder

    result_folder.write_text(folder, name, indented_json(document))
    print(f"Wrote {folder / name}", file=sys.stderr)


def print_json(document: Any) -> None:
    """Write a document as one line of JSON to standard output. Raises ValueError for NaN."""
    sys.stdout.write(json.dumps(document, allow_nan=False) + "\n")
