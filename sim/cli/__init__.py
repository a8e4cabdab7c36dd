"""The command line, `upstream`: entry point, error messages and exit statuses.

Results go to standard output; progress, messages and errors go to standard error. Exit status: 0 done; 2 wrong input,
with a message of one line; 130 interrupted, 143 terminated, 129 terminal closed; 1 any other error, with its traceback
only if `--debug` is given.

The module imports nothing else at its top, so that `main` is reached, and signals are handled, as early as possible.
"""

from __future__ import annotations

import os
import sys

from sim.process import termination

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
DEBUG = "UPSTREAM_DEBUG"
DEFAULT_DRAWS = "all"
"""The value of `--draws` without a value."""


def main() -> NoReturn:
    """Entry point of `upstream`: run the command and exit with its status."""
    _open_closed_streams()  # first: the next file that is opened gets the number of a closed stream
    termination.handle_signals()
    import gc

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads would busy-wait on the cores that runs need
    gc.set_threshold(10_000)  # imported objects stay alive: frequent collections would scan them for nothing
    status = command(sys.argv[1:])
    if sys.gettrace() is None and sys.getprofile() is None:  # a profiler writes its results when the interpreter ends
        os._exit(status)  # the end of the interpreter takes a quarter of a second, in which no signal is handled
    sys.exit(status)


def _open_closed_streams() -> None:
    """Open the null device in place of closed standard streams.

    Otherwise the next opened file gets the number of the closed stream, which libraries write to, and `print` writes
    messages to standard output if there is no standard error.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it gets the lowest free number, which is this
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", errors="replace", closefd=False))  # noqa: SIM115  # open to the end


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
        if hasattr(stream, "reconfigure"):  # a substitute stream, as in a notebook, may not have it
            stream.reconfigure(errors="replace")  # a terminal that cannot write '£'
    try:
        status = _run(arguments, debug)
        try:
            sys.stdout.flush()
        except OSError as error:
            if status == DONE and not isinstance(error, BrokenPipeError):
                _report(f"standard output: {error.strerror}")
            return status or FAILED
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        return FAILED
    return status


def _use_extensions(arguments: list[str]) -> list[str]:
    """Use the folders of `--with`, or of the environment variable; return the other arguments."""
    from sim.schema import extensions
    from sim.schema.errors import NOTHING, InputError

    others: list[str] = []
    folders: list[str] = []
    rest = iter(arguments)
    for arg in rest:
        name, equals, value = arg.partition("=")
        if arg == "--":
            others += [arg, *rest]
        elif name != extensions.OPTION:
            others.append(arg)
        else:
            folder = value if equals else next(rest, "")
            if not folder or (folder.startswith("-") and not equals):
                raise InputError(extensions.OPTION, None, "", "a folder after it", folder or NOTHING)
            folders.append(folder)
    if folders:
        extensions.use(*folders)
    if folders or os.environ.get(extensions.VARIABLE):
        for extension in extensions.active():
            print(f"With {extension.summary()}", file=sys.stderr)
    return others


def _run(arguments: list[str], debug: bool) -> int:
    """Run a command; report every exception in one line."""
    former = _former_name(arguments)
    if former is not None:
        _report(former)
        return WRONG_INPUT

    import typer

    from sim.schema.errors import InputError
    from sim.schema.renamed import FormerNameError

    try:
        from sim.cli.app import app

        result = app(_use_extensions(arguments), prog_name="upstream", standalone_mode=False)
        status = result if isinstance(result, int) else DONE
        if status == INTERRUPTED:
            _report("interrupted")
        return status
    except (InputError, FormerNameError) as error:
        _report(str(error))
        return WRONG_INPUT
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        hint = f" (see: {context.command_path} --help)" if context is not None else ""
        _report(error.format_message().rstrip(".") + hint)
        return error.exit_code
    except KeyboardInterrupt:
        _report("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except SystemExit as error:  # Typer, if the reader of the output has closed the pipe
        return error.code if isinstance(error.code, int) else FAILED
    except typer.Abort as error:  # Typer takes an EOFError for the end of typed input, which no command reads
        _report_failure(error.__cause__ or error, debug)
        return FAILED
    except Exception as error:  # noqa: BLE001  # the outermost handler: any other error is reported, not raised
        _report_failure(error, debug)
        return FAILED


def _report(text: str) -> None:
    """Print a message in one line. If nobody can read it, the exit status still has its meaning."""
    import contextlib

    from sim.schema.errors import plain

    with contextlib.suppress(OSError):
        print(f"upstream: {plain(' '.join(text.split()))}", file=sys.stderr)


def _report_failure(error: BaseException, debug: bool) -> None:
    """Print an unexpected error in one line, or its traceback."""
    if debug:
        import traceback

        traceback.print_exception(error)
        return
    message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        message = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    _report(f"{message} (the same command with --debug shows where)")


def _former_name(arguments: Sequence[str]) -> str | None:
    """The sentence for the first former option among the arguments; None if there is none."""
    from sim.schema.renamed import COMMANDS, OPTIONS, renamed

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
