"""The page as a web application on this computer: made, guarded and served here.

Nothing is fetched from elsewhere and nothing is sent anywhere. The server listens on this computer only, unless it is
told in so many words to let others in; it answers only to its own names, so that a page elsewhere on the web cannot
make a visitor's browser talk to it.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import math
import secrets
import socket
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import dash
import dash_mantine_components as dmc
import flask
import waitress
from werkzeug.exceptions import HTTPException

from dashboard import recipe, tables
from dashboard.choice import Choice, read_link, usual
from dashboard.model import Document, ModelIndex, Progress, RunRequest, Settings, run
from dashboard.pages import compare, drawing, wiring
from dashboard.store import Store

log = logging.getLogger(__name__)

LARGEST_REQUEST = 2 * 1024 * 1024
OWN_NAMES = ("127.0.0.1", "localhost", "::1")

INDEX = """<!DOCTYPE html>
<html lang="en">
  <head>
    {%metas%}
    <meta name="color-scheme" content="light">
    <title>{%title%}</title>
    {%favicon%}
    {%css%}
  </head>
  <body>
    <a class="skip" href="#results">Skip to the results</a>
    <noscript><p class="noscript">This page needs JavaScript to run the model for you. Without it, the same
    comparison is one command: <code>upstream compare</code>.</p></noscript>
    {%app_entry%}
    <footer>
      {%config%}
      {%scripts%}
      {%renderer%}
    </footer>
  </body>
</html>"""

BLUES = [
    "#eef3f9", "#d7e3f0", "#aec6e0", "#84a9d0", "#5f8fc2", "#437ab3", "#2f66a0", "#20548a", "#12436D", "#0d3355",
]  # fmt: skip

THEME = {
    "primaryColor": "upstream",
    "primaryShade": 8,
    "colors": {"upstream": BLUES},
    "fontFamily": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif",
    "respectReducedMotion": True,
    "cursorType": "pointer",
}


class WebService:
    """What stands behind the page: the model's book and the store of runs."""

    def __init__(self, book: ModelIndex, store: Store) -> None:
        self.book = book
        self.store = store

    def warm(self) -> None:
        """Asks for the comparison that the page opens with, so that the first visitor finds it under way."""
        choice = usual(self.book)
        self.store.want("start", (*choice.quick_jobs(self.book), *choice.jobs(self.book)))


def create_app(settings: Settings | None = None, model: Any = None) -> dash.Dash:
    """The application. `model` is the `sim` package, or in a test something with the same few names."""
    settings = settings or Settings()
    if model is None:
        import sim  # only here: a page that is not asked for costs nothing
        from sim.engine.jit import is_warm

        book = ModelIndex(sim, settings, is_warm)
    else:
        book = ModelIndex(model, settings)

    def work(job: RunRequest, progress: Progress) -> Document:
        return run(book, job, progress)

    store = Store(work)
    app = dash.Dash(
        __name__,
        title="Upstream: compare policies",
        update_title=None,  # type: ignore[arg-type]  # None is how Dash is told to leave the title alone
        index_string=INDEX,
        serve_locally=True,
        enable_mcp=False,
        add_log_handler=False,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.layout = lambda: dmc.MantineProvider(
        compare.layout(book), theme=THEME, forceColorScheme="light", withGlobalClasses=True
    )
    wiring.wire(app, book, store)
    app.server.extensions["upstream"] = WebService(book, store)
    _downloads(app.server, book, store)
    _guard(app, settings.names)
    return app


def service(app: dash.Dash) -> WebService:
    """The book and store behind an application."""
    found: WebService = app.server.extensions["upstream"]
    return found


def serve(
    host: str = "127.0.0.1",
    port: int = 8050,
    *,
    allow_others: bool = False,
    names: Sequence[str] = (),
    settings: Settings | None = None,
) -> None:
    """Serves the page until interrupted. A host that others can reach is refused unless `allow_others` says so.

    With others let in there is no login: put it on a network you trust. `names` are further host names by which
    browsers will ask for it.
    """
    if not is_own(host) and not allow_others:
        raise ValueError(
            f"'{host}' can be reached from other computers, and the page has no login; "
            "use 127.0.0.1, or say explicitly that others may come in (allow_others)"
        )
    settings = settings or Settings()
    more = [*settings.names, *names]
    if not is_own(host):
        more += [host, socket.gethostname()]
    app = create_app(replace(settings, names=tuple(more)))
    service(app).warm()
    waitress.serve(
        app.server,
        host=host,
        port=port,
        threads=8,
        ident=None,
        max_request_body_size=LARGEST_REQUEST,
        clear_untrusted_proxy_headers=True,
    )


def is_own(host: str) -> bool:
    """Whether a host name or address is this computer, as only this computer sees it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _guard(app: dash.Dash, names: Sequence[str]) -> None:
    """Refuses strangers' host names and origins and too large requests; sets the headers; keeps traces in the log."""
    server = app.server
    server.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST
    allowed = {name.lower().strip("[]") for name in (*OWN_NAMES, *names) if name}
    scripts = " ".join(["'self'", *app.csp_hashes()])  # once every clientside callback is known
    policy = "; ".join(
        [
            "default-src 'self'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",  # Plotly and Mantine style their elements inline
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }

    def check() -> flask.Response | None:
        request = flask.request
        if _name(request.host) not in allowed:
            return _plain("This server does not answer to that name.", 403)
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
            return _plain("Requests from other sites are refused.", 403)
        if request.headers.get("Sec-Fetch-Site") == "cross-site" and request.method != "GET":
            return _plain("Requests from other sites are refused.", 403)
        if request.method not in ("GET", "HEAD", "OPTIONS") and not request.is_json:
            return _plain("Only JSON is read here.", 415)
        if (request.content_length or 0) > LARGEST_REQUEST:
            return _plain("That request is too large.", 413)
        return None

    def dress(response: flask.Response) -> flask.Response:
        for header, value in headers.items():
            response.headers[header] = value
        return response

    def explain(error: Exception) -> flask.Response | HTTPException:
        if isinstance(error, HTTPException):
            return error
        reference = secrets.token_hex(4)
        log.exception("request failed (reference %s)", reference)
        return _plain(f"Something went wrong. The server's log says what (reference {reference}).", 500)

    server.before_request_funcs.setdefault(None, []).insert(0, check)
    server.after_request(dress)
    server.register_error_handler(Exception, explain)


def _downloads(server: flask.Flask, book: ModelIndex, store: Store) -> None:
    """The numbers on the page as files, at an address made of the same link as the page."""

    def asked() -> tuple[Choice, str]:
        choice, said = read_link(flask.request.query_string.decode("utf-8", "replace"), book)
        return choice, " ".join(said)

    def found() -> tuple[Document | None, str]:
        choice, problem = asked()
        if problem:
            return None, problem
        jobs = choice.jobs(book)
        document = drawing.shown_document(store, [job.digest for job in jobs])
        if document is None or any(store.document(job.digest) is None for job in jobs):
            return None, "These runs are not finished yet. Open the page, wait until it says so, and try again."
        return document, ""

    @server.get("/download/comparison.csv")
    def comparison_csv() -> flask.Response:
        document, problem = found()
        if document is None:
            return _plain(problem, 409)
        # a byte-order mark, so that spreadsheets read £ as £
        return _file("\ufeff" + tables.to_csv(document), "text/csv; charset=utf-8", "upstream.csv")

    @server.get("/download/comparison.json")
    def comparison_json() -> flask.Response:
        document, problem = found()
        if document is None:
            return _plain(problem, 409)
        return _file(json.dumps(_null(document), allow_nan=False), "application/json", "upstream.json")

    @server.get(f"/download/{recipe.FILE}")
    def own_scenario() -> flask.Response:
        choice, problem = asked()
        if problem or not choice.moves(book):
            return _plain(problem or "No lever is moved, so there is no policy of your own to save.", 409)
        return _file(recipe.scenario_file(choice, book), "application/toml; charset=utf-8", recipe.FILE)


def _null(value: Any) -> Any:
    """The same with null for what is not a number: a wait that nobody had. JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _null(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_null(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _file(text: str, kind: str, name: str) -> flask.Response:
    response = flask.Response(text, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _plain(text: str, status: int) -> flask.Response:
    return flask.Response(text + "\n", status=status, content_type="text/plain; charset=utf-8")


def _name(host: str) -> str:
    """The name in a Host header, without its port: '[::1]:8050' is '::1'."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host
