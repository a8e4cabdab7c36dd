"""The commands `place new`, which builds a place from published tables, and `place show`, which prints a place."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def place(context: typer.Context) -> None:
    """Build and show places."""
    if context.invoked_subcommand is None:
        print(context.get_help())


def columns_help() -> str:
    """The columns that `place new` recognises, one kind in a paragraph."""
    from sim.place.table_columns import COLUMNS

    kinds = [f"{kind}: {meaning}. Columns such as {names}." for kind, names, meaning in COLUMNS]
    return "\n\n".join(
        [
            "Tables are read as they are published: CSV with commas, semicolons or tabs, in UTF-8, UTF-16 or "
            "Windows-1252, and workbooks (.xlsx, .xlsb, .xls, .ods). Title rows, footnotes, totals and rows of larger "
            "areas are left out.",
            *kinds,
        ]
    )


def place_new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The name of the new place: small letters, digits, - and _.")
    ],
    authority: Annotated[
        str,
        typer.Option(
            "--authority",
            metavar="CODE",
            help="The authority's code or name, such as E08000010 or Wigan. E92000001 is England.",
        ),
    ],
    neighbourhoods: Annotated[
        list[Path],
        typer.Option(
            "--neighbourhoods",
            metavar="FILE",
            help="Table of deprivation and ages of each neighbourhood. Can be repeated: tables are joined by the code.",
        ),
    ],
    authorities: Annotated[
        Path | None,
        typer.Option(
            "--authorities",
            metavar="FILE",
            help="Table of authorities. Default: la_population_imd.csv in the folder of --neighbourhoods, if there.",
        ),
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            "--source",
            metavar="TEXT",
            help="Publisher and year of the tables, where their columns do not state them, such as 'ONS mid-2018'.",
        ),
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder to write to. Default: the library's folder of places."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing place with this name.")] = False,
) -> None:
    """Build a place from published tables of neighbourhoods: ages and deprivation."""
    from sim.place.census_tables import new_place
    from sim.place.place import Place

    path = new_place(name, authority, neighbourhoods, authorities, out, source=source, force=force)
    new = Place.load(path)
    count = sum(decile.neighbourhoods for decile in new.deciles)
    print(f"{path}: {new.label}, {new.population:,} people in {count} neighbourhoods")
    print(f"Source: {new.source}", file=sys.stderr)
    if new.note:
        print(f"Note: {new.note}", file=sys.stderr)


def place_show(
    name: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="A place, or the name or code of an English authority.")
    ],
) -> None:
    """Show a place: people and neighbourhoods by deprivation tenth, and the source."""
    from sim.cli import tables
    from sim.place.place import Place

    shown = Place.load(name)
    console = tables.console()
    code = f", {shown.authority_code}" if shown.authority_code else ""
    print(f"{shown.label}{code}: {shown.population:,} people")
    for part in sorted(shown.deciles, key=lambda part: part.decile):
        share = f"{part.people / shown.population:5.1%}"
        hoods = f"{part.neighbourhoods:,} neighbourhoods"
        print(f"  tenth {part.decile:>2}: {part.people:>10,} people ({share}) in {hoods}")
    tables.print_wrapped(shown.source, console, 2)
    if shown.note:
        tables.print_wrapped(shown.note, console, 2)
