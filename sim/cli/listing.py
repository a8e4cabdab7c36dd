"""Commands that tell what there is, and how a file of one's own is written."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.options import JsonOption, print_json

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


def list_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {', '.join(KINDS)}.")],
    as_json: JsonOption = False,
) -> None:
    """What there is to choose from, with unit, range and source."""
    one_of("list", kind, KINDS)
    from sim.cli import lists

    rows = lists.rows(kind)
    if as_json:
        import sim

        print_json({"upstream": sim.__version__, kind: rows})
    else:
        from sim.cli import show

        lists.show(kind, rows, show.console())


def schema(
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help=f"One of {', '.join(FILES)}; all of them, if not given.")
    ] = None,
) -> None:
    """JSON Schema of the input files."""
    if kind is not None:
        one_of("schema", kind, FILES)
    from sim.cli import lists

    every = lists.schemas()
    print_json(every[kind] if kind is not None else every)


def one_of(command: str, kind: str, there: tuple[str, ...]) -> None:
    from sim.schema.toml_files import InputError

    if kind not in there:
        raise InputError(command, None, "", "one of these", kind, there)
