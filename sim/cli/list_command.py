"""The commands `list` and `schema`."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.options import JsonOption, print_json

KINDS = (
    "scenarios",
    "places",
    "authorities",
    "levers",
    "parameters",
    "services",
    "domains",
    "loops",
    "metrics",
    "scope",
)
FILES = (
    "scenario",
    "place",
    "domain",
    "service",
    "experiment",
    "claims",
    "outside",
    "regions",
    "levers",
    "loops",
    "roles",
    "sources",
)


def list_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {', '.join(KINDS)}.")],
    text: Annotated[
        str, typer.Argument(metavar="[TEXT]", help="Only items with this text in the name or the label.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """List scenarios, places, levers and other items. Each has its unit, range and source."""
    check_kind("list", kind, KINDS)
    from sim.cli import catalogues

    rows = catalogues.rows(kind, text)
    if as_json:
        import sim

        print_json({"upstream": sim.__version__, kind: rows})
    else:
        from sim.cli import tables

        catalogues.show(kind, rows, tables.console())
        if kind == "places":
            print(catalogues.authorities_hint(text))


def schema(
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help=f"One of {', '.join(FILES)}. Default: all of them.")
    ] = None,
) -> None:
    """Print the JSON Schema of the input files."""
    if kind is not None:
        check_kind("schema", kind, FILES)
    from sim.cli import catalogues

    schemas = catalogues.schemas()
    print_json(schemas[kind] if kind is not None else schemas)


def check_kind(command: str, kind: str, kinds: tuple[str, ...]) -> None:
    """Refuse a kind that does not exist."""
    from sim.schema.errors import InputError

    if kind not in kinds:
        raise InputError(command, None, "", "one of these", kind, kinds)
