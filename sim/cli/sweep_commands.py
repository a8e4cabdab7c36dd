"""The commands `sweep`, `status` and `merge`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import JsonOption, SchedulerOption, WorkersOption, print_json

FAILED = 1
SweepOutOption = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="The folder of the sweep. The same command again continues there.")
]
CsvOption = Annotated[
    Path | None,
    typer.Option("--csv", metavar="DIR", help="At the end, also write the tables as CSV files to this folder."),
]


def sweep(
    design: Annotated[str, typer.Argument(metavar="DESIGN.toml", help="The design of the sweep.")],
    out: SweepOutOption,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    part: Annotated[
        str, typer.Option("--part", metavar="K/N", help="Only part K of N, for a job of an array; see merge.")
    ] = "1/1",
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try runs again that failed or were set aside.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="State the number of runs, hours and gigabytes, and run nothing.")
    ] = False,
    csv: CsvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a design of many runs: each once, stored at once.

    An interrupted sweep continues when the same command is given again. Exit status 1: some runs failed.
    """
    import sim
    from sim.cli.progress import Bar

    with Bar() as progress:
        result = sim.sweep(
            design,
            out,
            workers=workers,
            scheduler=scheduler,
            part=_part(part),
            retry_failed=retry_failed,
            dry_run=dry_run,
            progress=progress,
        )
    if csv is not None and not dry_run:
        _write_csv(result, csv)
    document = {
        "folder": str(out),
        "policies": len(result.plan.policies),
        "places": len(result.plan.places),
        "points": len(result.plan.points),
        "seeds": len(result.plan.design.numbers),
        "done": result.done,
        "failed": len(result.failed),
    }
    if as_json:
        print_json(document)
    elif not dry_run:
        print(f"{result.done:,} runs are in {out}")
    if result.failed and not dry_run:
        print(f"{len(result.failed):,} runs failed: upstream status {out} names them", file=sys.stderr)
        raise typer.Exit(FAILED)


def status(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a sweep.")],
    as_json: JsonOption = False,
) -> None:
    """State how much of a sweep is done, failed and left."""
    from sim.sweeps.status import status_of

    state = status_of(folder)
    if as_json:
        print_json(state.document())
    else:
        print(state.text())


def merge(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of sweeps of one design.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write.")],
    csv: CsvOption = None,
) -> None:
    """Put sweeps of one design together, such as the parts of an array job."""
    from sim.sweeps.merging import merge as merge_sweeps

    def notify(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    result = merge_sweeps(folders, out, notify=notify)
    if csv is not None:
        _write_csv(result, csv)
    failed = f", {len(result.failed):,} failed" if result.failed else ""
    print(f"{result.done:,} runs{failed} are in {out}")


def _write_csv(result: object, folder: Path) -> None:
    from sim.sweeps.results import Sweep

    assert isinstance(result, Sweep)
    written = [path.name for path in result.to_csv(folder)]
    print(f"Wrote {', '.join(written)} to {folder}", file=sys.stderr)


def _part(text: str) -> tuple[int, int]:
    from sim.schema.errors import InputError

    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise InputError("--part", None, "", "K/N with K from 1 to N, such as 1/8", text)
    return int(match[1]), int(match[2])
