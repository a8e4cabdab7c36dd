"""The command that builds places."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def about_places(context: typer.Context) -> None:
    """Build places."""
    if context.invoked_subcommand is None:
        print(context.get_help())


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
    from sim.place.census_tables import new_place
    from sim.place.place import Place

    path = new_place(name, authority, neighbourhoods, authorities, out, force=force)
    made = Place.load(path)
    areas = sum(part.neighbourhoods for part in made.deciles)
    print(f"{path}: {made.label}, {made.population:,} people in {areas} neighbourhoods")
