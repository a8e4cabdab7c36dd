"""The dashboard in a browser, for tests: a server, a page that several tests share, and what they read from it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import expect
from werkzeug.serving import make_server

from dashboard.app import create_app, service

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from dashboard.model import Settings

expect.set_options(timeout=600_000)  # milliseconds: on a busy machine a page is slow, not wrong


@contextmanager
def serving(settings: Settings, model: Any = None) -> Iterator[tuple[str, Any]]:
    """The dashboard on a free port of this computer."""
    app = create_app(settings, model)
    server = make_server("127.0.0.1", 0, app.server, threaded=True)  # unlike waitress, it can be stopped
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", service(app)
    finally:
        service(app).store.close()
        server.shutdown()
        server.server_close()
        thread.join(5)


def follow(page: Page, link: str) -> None:
    """Go to a link of the page as the back button does, without loading the page again, with its folds as at first.

    `link` is written as the page writes it, so that the page's own link shows when it has been followed.
    """
    page.evaluate(
        """link => {
          document.querySelectorAll('details').forEach(
            details => { details.open = details === document.querySelector('.levers .section'); });
          document.activeElement.blur();
          window.history.pushState(null, '', window.location.pathname + link);
          window.dispatchEvent(new PopStateEvent('popstate'));
        }""",
        link,
    )
    expect(page.locator("#compare-csv")).to_have_attribute("href", f"/download/comparison.csv{link}")


def visit(page: Page, link: str = "") -> None:
    """Follow a link, and wait for its results."""
    follow(page, link)
    up_to_date(page)


def up_to_date(page: Page) -> None:
    """Wait until the page shows the results of the current choice."""
    expect(page.locator("#compare-status")).to_have_text("Up to date.")


def heads(page: Page) -> list[str]:
    """The column heads of the table of acute demand."""
    page.locator("#compare-twin-main").evaluate("details => { details.open = true }")
    return page.locator("#compare-acute th").all_inner_texts()


def cell(page: Page, column: str, year: int) -> str:
    """The cell of the table of acute demand for a scenario and a year."""
    row = page.locator("#compare-acute tbody tr").nth(year - 1).locator("td")
    return row.nth(heads(page).index(column)).inner_text()


def violations(page: Page) -> list[str]:
    """The violations of accessibility rules that axe reports; details of rules that are met take most of its time."""
    results = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{rule['id']} ({rule['impact']}): {rule['nodes'][0]['html'][:160]}" for rule in results]
