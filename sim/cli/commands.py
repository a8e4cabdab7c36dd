"""Every command, in the order of the help. Importing them takes no time: the work is in the files beside these."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli import evidence, explaining, listing, places, running, serving

app = typer.Typer(
    help="What prevention does to acute demand, in a place, over years. Exploratory, not a forecast.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
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


app.command()(running.run)
app.command()(running.compare)
app.command("list")(listing.list_)
app.command()(listing.schema)
app.command()(running.export)
app.command()(evidence.claims)
app.command()(evidence.validate)
app.command()(explaining.loops)
app.command()(explaining.story)
of_places = typer.Typer(help="Build places.", rich_markup_mode=None)
of_places.callback(invoke_without_command=True)(places.about_places)
of_places.command("new")(places.place_new)
app.add_typer(of_places, name="place")
app.command()(evidence.calibrate)
app.command()(serving.dashboard)
