"""The command that serves the page."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from sim.cli.options import whole


def dashboard(
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", parser=whole, metavar="PORT", help="The port to listen at.")] = 8050,
    allow_others: Annotated[
        bool, typer.Option("--allow-others", help="Let other computers in. The page has no login.")
    ] = False,
) -> None:
    """The web page, on this computer, until Ctrl-C."""
    from sim.cli import choices
    from sim.schema.toml_files import InputError

    choices.integer_option("--port", port, 1, 65_535)
    from dashboard.app import is_own, serve

    if not is_own(host) and not allow_others:
        wanted = "an address of this computer's own, such as 127.0.0.1 (the page has no login), or --allow-others"
        raise InputError("--host", None, "", wanted, host)
    _need_free(host, port)
    shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
    print(f"The page is at http://{shown}:{port} (Ctrl-C stops it)", file=sys.stderr, flush=True)
    serve(host, port, allow_others=allow_others)


def _need_free(host: str, port: int) -> None:
    """Refuse an address that cannot be listened at, before anything is started."""
    import errno
    import socket

    from sim.schema.toml_files import InputError, Phrase

    bare = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in bare else socket.AF_INET
        socket.create_server((bare, port), family=family).close()
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            came = Phrase(f"{port}, at which another program does")
            raise InputError("--port", None, "", "a port at which nobody listens yet", came) from None
        came = Phrase(f"'{host}' ({problem.strerror})")
        raise InputError("--host", None, "", "an address and port to listen at", came) from None
