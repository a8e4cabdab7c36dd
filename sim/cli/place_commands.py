"""The command `place new`, which builds a place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def place(context: typer.Context) -> None:
    """Build places."""
    if context.invoked_subcommand is None:
        print(context.get_help())


def place_new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The name of the new place: small letters, digits, - and _.")
    ],
    authority: Annotated[
        str,
        typer.Option(
            "--authority", metavar="CODE", help="The authority's code, such as E08000010. E92000001 is England."
        ),
    ],
    neighbourhoods: Annotated[
        Path,
        typer.Option("--neighbourhoods", metavar="FILE", help="CSV: deprivation and ages of each neighbourhood."),
    ],
    authorities: Annotated[
        Path | None,
        typer.Option(
            "--authorities",
            metavar="FILE",
            help="CSV of authorities. Default: the one in the folder of --neighbourhoods, if there is one.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder to write to. Default: the library's folder of places."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing place with this name.")] = False,
) -> None:
    """Build a place from ONS and IMD neighbourhood tables."""
    from sim.place.census_tables import new_place
    from sim.place.place import Place

    path = new_place(name, authority, neighbourhoods, authorities, out, force=force)
    new = Place.load(path)
    count = sum(decile.neighbourhoods for decile in new.deciles)
    print(f"{path}: {new.label}, {new.population:,} people in {count} neighbourhoods")
