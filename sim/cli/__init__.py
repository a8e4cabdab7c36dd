"""The command line, `upstream`: entry point, error messages and exit statuses.

Results go to standard output; progress, messages and errors go to standard error. Exit status: 0 done; 2 wrong input,
with a message of one line; 130 interrupted; 1 any other error, with its traceback only if `--debug` is given.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from sim.schema.renamed import COMMANDS, OPTIONS, FormerNameError, renamed

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
DEBUG = "UPSTREAM_DEBUG"
DEFAULT_DRAWS = "mechanisms"
"""The value of `--draws` without a value."""


def main() -> NoReturn:
    """Entry point of `upstream`: run the command and exit with its status."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads would busy-wait on the cores that runs need
    gc.set_threshold(10_000)  # imported objects stay alive: frequent collections would scan them for nothing
    status = command(sys.argv[1:])
    gc.freeze()  # skip the collection of all objects at exit
    sys.exit(status)


def command(args: Sequence[str]) -> int:
    """Run one command and return its exit status.

    Parameters
    ----------
    args : sequence of str
        The arguments as typed, without the program's name.

    Returns
    -------
    int
        0, 1, 2 or 130: see the module docstring.
    """
    arguments = list(args)
    debug = "--debug" in arguments or os.environ.get(DEBUG, "") not in ("", "0")
    arguments = [arg for arg in arguments if arg != "--debug"]  # accepted in any position
    for k, arg in enumerate(arguments):
        if arg == "--draws" and all(following.startswith("-") for following in arguments[k + 1 : k + 2]):
            arguments[k] = f"--draws={DEFAULT_DRAWS}"
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a substitute stream, as in a notebook, has no `reconfigure`
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal that cannot write '£'
    try:
        status = _run(arguments, debug)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        _discard_output()
        return FAILED
    return status


def _run(arguments: list[str], debug: bool) -> int:
    """Run a command; report every exception in one line."""
    former = _former_name(arguments)
    if former is not None:
        print(f"upstream: {former}", file=sys.stderr)
        return WRONG_INPUT

    import typer

    from sim.schema.errors import InputError, plain

    def report(text: str) -> None:
        print(f"upstream: {plain(' '.join(text.split()))}", file=sys.stderr)

    try:
        from sim.cli.app import app

        result = app(arguments, prog_name="upstream", standalone_mode=False)
        status = result if isinstance(result, int) else DONE
        if status == INTERRUPTED:
            report("interrupted")
        return status
    except (InputError, FormerNameError) as error:
        report(str(error))
        return WRONG_INPUT
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        hint = f" (see: {context.command_path} --help)" if context is not None else ""
        report(error.format_message().rstrip(".") + hint)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        report("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  # the outermost handler: any other error is reported, not raised
        if debug:
            import traceback

            traceback.print_exc()
            return FAILED
        message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if isinstance(error, OSError) and error.strerror:
            message = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        report(f"{message} (the same command with --debug shows where)")
        return FAILED


def _former_name(arguments: Sequence[str]) -> str | None:
    """The sentence for the first former option among the arguments; None if there is none."""
    for arg in arguments:
        if arg == "--":
            return None
        option = arg.partition("=")[0]
        if option in OPTIONS:
            return renamed(option, OPTIONS[option])
        former = f"{arguments[0]} {option}"
        if former in COMMANDS:
            return renamed(f"upstream {former}", f"upstream {COMMANDS[former]}")
    return None


def _discard_output() -> None:
    """Redirect Python's last flush, so that it does not report the closed pipe."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, sys.stdout.fileno())
