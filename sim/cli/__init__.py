"""The command line, `upstream`: what users type, what they read, and how it ends.

Results go to standard output; progress, messages and errors to standard error. Exit status: 0 done; 2 the input is
wrong, said in one line; 130 interrupted; 1 anything else, with its traceback only where `--debug` asks for it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
DEBUG = "UPSTREAM_DEBUG"


def main() -> NoReturn:
    """What `upstream` calls: run the command that was typed, and leave with its exit status."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads would wait, spinning, on the cores that runs need
    gc.set_threshold(10_000)  # what is imported stays: to look through it for garbage again and again finds none
    status = command(sys.argv[1:])
    gc.freeze()  # nor need Python look through everything once more before it leaves
    sys.exit(status)


def command(args: Sequence[str]) -> int:
    """Run one command and return its exit status; `args` as typed, without the program's name."""
    typed = list(args)
    debug = "--debug" in typed or os.environ.get(DEBUG, "") not in ("", "0")
    typed = [arg for arg in typed if arg != "--debug"]  # taken wherever it stands
    for k, arg in enumerate(typed):
        if arg == "--draw-parameters" and typed[k + 1 : k + 2] not in (["all"], ["mechanisms"]):
            typed[k] = "--draw-parameters=mechanisms"  # the word may be left out
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a stand-in for a stream, as in a notebook, needs no help
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal that cannot write '£'
    try:
        status = _run(typed, debug)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        _look_away()
        return FAILED
    return status


def _run(typed: list[str], debug: bool) -> int:
    import typer

    from sim.schema.toml_files import InputError, plain

    def say(text: str) -> None:
        print(f"upstream: {plain(' '.join(text.split()))}", file=sys.stderr)

    try:
        from sim.cli.commands import app

        ended = app(typed, prog_name="upstream", standalone_mode=False)
        status = ended if isinstance(ended, int) else DONE
        if status == INTERRUPTED:
            say("interrupted")
        return status
    except InputError as wrong:
        say(str(wrong))
        return WRONG_INPUT
    except typer.TyperException as wrong:
        context = getattr(wrong, "ctx", None)
        hint = f" (see: {context.command_path} --help)" if context is not None else ""
        say(wrong.format_message().rstrip(".") + hint)
        return wrong.exit_code
    except (KeyboardInterrupt, typer.Abort):
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as slip:  # noqa: BLE001  # the last catcher: whatever else goes wrong is told, not thrown
        if debug:
            import traceback

            traceback.print_exc()
            return FAILED
        told = f"{type(slip).__name__}: {slip}" if str(slip) else type(slip).__name__
        if isinstance(slip, OSError) and slip.strerror:
            told = f"{slip.filename}: {slip.strerror}" if slip.filename else slip.strerror
        say(f"{told} (the same command with --debug shows where)")
        return FAILED


def _look_away() -> None:
    """Let Python's last flush go nowhere, so that it has nothing to complain of."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
