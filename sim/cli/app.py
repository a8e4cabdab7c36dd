"""The Typer application: registers every command, in the order of the help text.

Importing this module is quick, because the commands import heavy packages only when they run.
"""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli import (
    analysis_commands,
    assurance_commands,
    dashboard_command,
    discover_command,
    list_command,
    nation_command,
    place_commands,
    rank_command,
    run_commands,
    search_command,
    sensitivity_command,
    sweep_commands,
    validation_commands,
)

app = typer.Typer(
    help="Simulates what prevention does to acute demand in a place over years. Exploratory, not a forecast.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def about(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[  # noqa: ARG001  # for the help text: `command` removes the option, in any position
        bool, typer.Option("--debug", help="Show the traceback of an error (also: UPSTREAM_DEBUG=1).")
    ] = False,
    folder: Annotated[  # noqa: ARG001  # for the help text: `command` removes the option, in any position
        list[str] | None,
        typer.Option(
            "--with",
            metavar="FOLDER",
            help="Use the services, levers, mechanisms, measures, places and scenarios of a folder, or of an installed "
            "extension of this name. Its Python files are executed. In any position; can be repeated (also: "
            "UPSTREAM_WITH=FOLDER).",
        ),
    ] = None,
) -> None:
    """Simulate what prevention does to acute demand in a place over years. Exploratory, not a forecast."""
    if version:
        import sim

        print(f"upstream {sim.__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


app.command()(run_commands.run)
app.command()(run_commands.compare)
app.command()(sweep_commands.sweep)
app.command()(sweep_commands.status)
app.command()(sweep_commands.merge)
app.command()(search_command.search)
app.command()(rank_command.rank)
app.command()(nation_command.nation)
app.command()(sensitivity_command.sensitivity)
app.command()(discover_command.discover)
app.command("list")(list_command.list_)
app.command()(list_command.schema)
app.command()(run_commands.export)
app.command()(validation_commands.claims)
app.command()(validation_commands.validate)
app.command()(analysis_commands.loops)
app.command()(analysis_commands.story)
app.command()(assurance_commands.log)
app.command()(assurance_commands.report)
place_app = typer.Typer(help="Build and show places.", rich_markup_mode=None)
place_app.callback(invoke_without_command=True)(place_commands.place)
place_app.command("new", epilog=place_commands.columns_help())(place_commands.place_new)
place_app.command("show")(place_commands.place_show)
app.add_typer(place_app, name="place")
app.command()(validation_commands.fit)
app.command()(validation_commands.calibrate)
app.command()(dashboard_command.dashboard)
