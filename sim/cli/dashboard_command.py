"""The command `dashboard`, which serves the web page."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from sim.cli.options import whole_number


def dashboard(
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", parser=whole_number, metavar="PORT", help="The port to listen on.")
    ] = 8050,
    allow_others: Annotated[
        bool, typer.Option("--allow-others", help="Accept other computers. The page has no login.")
    ] = False,
) -> None:
    """Serve the web page on this computer until Ctrl-C."""
    from sim.cli import arguments
    from sim.schema.errors import InputError

    arguments.check_integer("--port", port, 1, 65_535)
    from dashboard.app import is_loopback, serve

    if not is_loopback(host) and not allow_others:
        wanted = "a loopback address, such as 127.0.0.1 (the page has no login), or --allow-others"
        raise InputError("--host", None, "", wanted, host)
    _check_free(host, port)
    shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
    print(f"The page is at http://{shown}:{port} (Ctrl-C stops it)", file=sys.stderr, flush=True)
    serve(host, port, allow_others=allow_others)


def _check_free(host: str, port: int) -> None:
    """Refuse an address that is in use or cannot be listened on, before anything is started."""
    import errno
    import socket

    from sim.schema.errors import InputError, Phrase

    bare = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in bare else socket.AF_INET
        socket.create_server((bare, port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            came = Phrase(f"{port}, which another program uses")
            raise InputError("--port", None, "", "a port that is not in use", came) from None
        came = Phrase(f"'{host}' ({error.strerror})")
        raise InputError("--host", None, "", "an address and port to listen on", came) from None
