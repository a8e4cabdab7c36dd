"""The commands `log` and `report`, which write the quality assurance and the results for a reader."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.options import JsonOption, checked_folder, print_json

if TYPE_CHECKING:
    from sim.assurance.log import AssuranceLog
    from sim.results.comparison import Comparison

FORMATS = ("md", "html", "csv", "json")
NAME = "log"
"""Name of the file of the log, without its suffix."""
REPORT = "report.html"

RolesOption = Annotated[
    Path | None,
    typer.Option(
        "--roles",
        metavar="FILE",
        help="A .toml file with the names of commissioner, analyst, assurer, approver and owners: "
        "`upstream schema roles`. Default: to be named by the user.",
    ),
]
ValidationOption = Annotated[
    Path | None,
    typer.Option("--validation", metavar="DIR", help="Add the results that `upstream validate --out DIR` saved."),
]
TestsOption = Annotated[
    Path | None,
    typer.Option("--tests", metavar="FILE", help="Add the results of tests that `pytest --junitxml=FILE` recorded."),
]


def log(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A saved comparison, whose origin and drivers are added.")
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="md|html|csv|json", help="Form of the log.")] = "md",
    roles: RolesOption = None,
    validation: ValidationOption = None,
    tests: TestsOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the log here. csv writes a file for each log.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the Aqua Book's logs: assumptions, limits, decisions, data, verification, validation, changes and roles."""
    from sim.schema.errors import InputError, Phrase

    if form not in FORMATS:
        raise InputError("--format", None, "", "one of these", form, FORMATS)
    if form == "csv" and out is None and not as_json:
        raise InputError("--format", None, "", "a folder for the files of csv: --out DIR", Phrase("none"))
    target = checked_folder(context, out)
    collected = _collected(_loaded(folder), folder, roles, validation, tests)
    _report_due(collected)
    if target is not None:
        from sim.results import result_folder

        for name, text in _files(collected, form).items():
            result_folder.write_text(target, name, text)
            print(f"Wrote {target / name}", file=sys.stderr)
    if as_json:
        print_json(collected.document())
    elif target is None:
        (text,) = _files(collected, form).values()
        sys.stdout.write(text)


def report(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A saved comparison: the folder of `upstream compare … --out DIR`.")
    ],
    roles: RolesOption = None,
    validation: ValidationOption = None,
    tests: TestsOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help=f"Write {REPORT} here. Default: the folder itself.")
    ] = None,
) -> None:
    """Write a report of a saved comparison: one HTML file that needs no network, with the Aqua Book's logs."""
    result = _loaded(folder)
    assert result is not None
    target = checked_folder(context, out if out is not None else folder)
    assert target is not None
    collected = _collected(result, folder, roles, validation, tests)
    _report_due(collected)
    from sim.report.report import report_html
    from sim.results import result_folder

    result_folder.write_text(target, REPORT, report_html(result, collected))
    print(f"Wrote {target / REPORT}", file=sys.stderr)


def _loaded(folder: Path | None) -> Comparison | None:
    """The comparison of a folder. Results of another version of the model cause a line on standard error."""
    if folder is None:
        return None
    import warnings

    from sim.results.loading import load

    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always", UserWarning)
        result = load(folder)
    for warning in raised:
        print(f"upstream: {warning.message}", file=sys.stderr)
    return result


def _collected(
    result: Comparison | None, folder: Path | None, roles: Path | None, validation: Path | None, tests: Path | None
) -> AssuranceLog:
    """All logs, after every file is checked."""
    from sim.assurance.log import assurance_log
    from sim.assurance.roles import load_roles
    from sim.assurance.validation import saved_validation
    from sim.assurance.verification import recorded_run
    from sim.cli.progress import working

    people = load_roles(roles)
    saved = None if validation is None else saved_validation(validation)
    recorded = None if tests is None else recorded_run(tests)
    with working("Collecting the logs"):
        return assurance_log(result, command=_command(folder), roles=people, validation=saved, tests=recorded)


def _command(folder: Path | None) -> str:
    """The command that made a saved comparison, "" if it was made in Python."""
    if folder is None:
        return ""
    from sim.results.result_folder import RUN

    run: dict[str, Any] = json.loads((folder.expanduser() / RUN).read_text(encoding="utf-8"))
    return " ".join(run.get("command", ()))


def _files(collected: AssuranceLog, form: str) -> dict[str, str]:
    """The files of a log in a form: text by name."""
    from sim.assurance.log import csv_files, markdown

    if form == "csv":
        return csv_files(collected)
    if form == "json":
        from sim.schema.json_text import indented_json

        return {f"{NAME}.json": indented_json(collected.document())}
    if form == "html":
        from sim.report.report import log_html

        return {f"{NAME}.html": log_html(collected)}
    return {f"{NAME}.md": markdown(collected)}


def _report_due(collected: AssuranceLog) -> None:
    """Warn about data past their date of review."""
    from sim.assurance.data import due

    late = due(collected.made)
    if late:
        first = f"{late[0].name} (since {late[0].review.isoformat()})"
        entries = "entry is" if len(late) == 1 else "entries are"
        print(f"upstream: {len(late)} {entries} due for review in the data log, first {first}", file=sys.stderr)
