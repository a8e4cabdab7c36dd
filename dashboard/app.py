"""The page as a web application: creates, protects and serves it on this computer.

The page loads nothing from other servers and sends nothing to them. The server listens on this computer only, unless
other computers are explicitly allowed. It answers only requests for its own host names, so that a page elsewhere on the
web cannot make a visitor's browser use it.
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
from dash.exceptions import CallbackException
from werkzeug.exceptions import HTTPException

from dashboard import callback_requests, money, reproduce
from dashboard.choice import Choice, default_choice, read_link
from dashboard.model import Document, ModelIndex, Progress, RunRequest, Settings, run
from dashboard.pages import chart_callbacks, compare, control_callbacks, results
from dashboard.pages.results import View
from dashboard.store import Store
from sim.results.summary_table import summary_table
from sim.schema.errors import InputError

log = logging.getLogger(__name__)

LARGEST_REQUEST = 2 * 1024 * 1024
CALLBACKS = "/_dash-update-component"
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")

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
    <noscript><p class="noscript">This page needs JavaScript. Without it, the command
    <code>upstream compare</code> makes the same comparison.</p></noscript>
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
    """The objects behind the page: the index of the model and the store of runs."""

    def __init__(self, index: ModelIndex, store: Store) -> None:
        self.index = index
        self.store = store

    def warm(self) -> None:
        """Start the default comparison, so that it is in progress when the first visitor comes."""
        choice = default_choice(self.index)
        self.store.submit("start", (*choice.quick_jobs(self.index), *choice.jobs(self.index)))


def create_app(settings: Settings | None = None, model: Any = None) -> dash.Dash:
    """Create the application. `model` is the `sim` package, or in a test a substitute with the same names."""
    settings = settings or Settings()
    if model is None:
        import sim  # heavy: imported only if the page is served
        from sim.analysis.sensitivity import drivers
        from sim.engine.jit import is_warm

        index = ModelIndex(sim, settings, is_warm, drivers.document)
    else:
        index = ModelIndex(model, settings)

    def work(job: RunRequest, progress: Progress) -> Document:
        return run(index, job, progress)

    store = Store(work)
    app = dash.Dash(
        __name__,
        title="Upstream: compare policies",
        update_title=None,  # type: ignore[arg-type]  # None makes Dash keep the title
        index_string=INDEX,
        serve_locally=True,
        enable_mcp=False,
        add_log_handler=False,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.layout = lambda: dmc.MantineProvider(
        compare.layout(index), theme=THEME, forceColorScheme="light", withGlobalClasses=True
    )
    control_callbacks.register(app, index, store)
    chart_callbacks.register(app, index, store)
    app.server.extensions["upstream"] = WebService(index, store)
    _downloads(app.server, index, store)
    _guard(app, settings.names)
    return app


def service(app: dash.Dash) -> WebService:
    """The index and store behind an application."""
    extension: WebService = app.server.extensions["upstream"]
    return extension


def serve(
    host: str = "127.0.0.1",
    port: int = 8050,
    *,
    allow_others: bool = False,
    names: Sequence[str] = (),
    settings: Settings | None = None,
) -> None:
    """Serve the page until interrupted.

    Parameters
    ----------
    host, port
        The address to listen on.
    allow_others : bool
        Whether other computers may use the page. The page has no login, so use a trusted network.
    names : sequence of str
        Additional host names that browsers may use.
    settings : Settings, optional
        Settings of the page.

    Raises
    ------
    ValueError
        If other computers can reach `host` and `allow_others` is false.
    """
    if not is_loopback(host) and not allow_others:
        raise ValueError(
            f"'{host}' can be reached from other computers, and the page has no login; "
            "use 127.0.0.1, or allow other computers explicitly (allow_others)"
        )
    settings = settings or Settings()
    more = [*settings.names, *names]
    if not is_loopback(host):
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


def is_loopback(host: str) -> bool:
    """Whether a host name or address is a loopback address of this computer."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _guard(app: dash.Dash, names: Sequence[str]) -> None:
    """Refuse unknown host names, other origins and large requests; set security headers; log errors."""
    server = app.server
    server.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST
    allowed = {name.lower().strip("[]") for name in (*LOOPBACK_NAMES, *names) if name}
    scripts = " ".join(["'self'", *app.csp_hashes()])  # after every clientside callback is registered
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

    def check_callback() -> flask.Response | None:
        request = flask.request
        if request.method != "POST" or request.path != CALLBACKS:
            return None
        try:
            body = request.get_json()
        except RecursionError:
            return _plain("The request has brackets inside brackets, too deep to read.", 400)
        problem = callback_requests.problem(app, body)
        return _plain(problem, 400) if problem else None

    def set_headers(response: flask.Response) -> flask.Response:
        for header, value in headers.items():
            response.headers[header] = value
        return response

    def report_error(error: Exception) -> flask.Response | HTTPException:
        if isinstance(error, HTTPException):
            return error
        if isinstance(error, InputError):
            return _plain(str(error), 400)
        if isinstance(error, CallbackException):  # the request asks for other components than the callback has
            log.warning("request for other outputs than those of the callback", exc_info=error)
            return _plain("The outputs of the request are not those of the callback.", 400)
        reference = secrets.token_hex(4)
        log.exception("request failed (reference %s)", reference)
        return _plain(f"Something went wrong. The server log has the details (reference {reference}).", 500)

    server.before_request_funcs.setdefault(None, []).insert(0, check)
    server.before_request(check_callback)  # after Dash has registered the callbacks, before it reads the request
    server.after_request(set_headers)
    server.register_error_handler(Exception, report_error)


def _downloads(server: flask.Flask, index: ModelIndex, store: Store) -> None:
    """Register the downloads, whose addresses have the same query as the page."""

    def requested_choice() -> tuple[Choice, str]:
        choice, said = read_link(flask.request.query_string.decode("utf-8", "replace"), index)
        return choice, " ".join(said)

    def requested_document() -> tuple[Document | None, str]:
        choice, problem = requested_choice()
        if problem:
            return None, problem
        jobs = choice.jobs(index)
        document = results.shown_document(store, View(tuple(job.digest for job in jobs)))
        if document is None or any(store.document(job.digest) is None for job in jobs):
            return None, "These runs are not finished. Open the page, wait until it shows the results, and try again."
        return document, ""

    @server.get("/download/comparison.csv")
    def comparison_csv() -> flask.Response:
        document, problem = requested_document()
        if document is None:
            return _plain(problem, 409)
        # a byte-order mark, so that spreadsheets read £ as £
        return _file("\ufeff" + summary_table(document), "text/csv; charset=utf-8", "upstream.csv")

    @server.get("/download/money.csv")
    def money_csv() -> flask.Response:
        document, problem = requested_document()
        if document is None:
            return _plain(problem, 409)
        return _file("\ufeff" + money.spreadsheet(document), "text/csv; charset=utf-8", "upstream-money.csv")

    @server.get("/download/comparison.json")
    def comparison_json() -> flask.Response:
        document, problem = requested_document()
        if document is None:
            return _plain(problem, 409)
        return _file(json.dumps(_null(document), allow_nan=False), "application/json", "upstream.json")

    @server.get(f"/download/{reproduce.FILE}")
    def visitors_scenario() -> flask.Response:
        choice, problem = requested_choice()
        if problem or not choice.lever_settings(index):
            return _plain(problem or "No lever is moved, so there is no policy to save.", 409)
        return _file(reproduce.scenario_file(choice, index), "application/toml; charset=utf-8", reproduce.FILE)


def _null(value: Any) -> Any:
    """The value with None for NaN, such as a wait that no person had. JSON has no NaN."""
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
