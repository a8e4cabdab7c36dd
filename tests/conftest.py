"""Fixtures that every test can use (a seed, the shared data, a browser), and the order in which tests run."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from fakes import FakeModel
    from playwright.sync_api import Browser, Page, Route

    from dashboard.store import Store

OTHER_HOSTS = re.compile(r"^(?!(https?|wss?)://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?/|data:|blob:|about:|file:)")
"""Addresses of requests to other hosts than this computer."""
NO_BROWSER = (
    "no Chromium to test the dashboard with: `make browser` installs one "
    "(as root on Debian: apt-get install chromium; else: .venv/bin/playwright install chromium)"
)

# Processes that run tests side by side set a width of terminal; commands under test write to none.
os.environ.pop("COLUMNS", None)
# No deadline: a first example may compile a kernel, which takes seconds, and a busy machine is slow.
_profile = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("upstream", _profile)
settings.register_profile("upstream-ci", _profile, derandomize=True)
settings.load_profile("upstream-ci" if os.environ.get("CI", "").lower() in {"1", "true"} else "upstream")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--seed N`."""
    parser.addoption(
        "--seed", type=int, default=0, metavar="N", help="the first seed of tests that use random numbers (0)"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run quick tests first, so that an error shows within seconds: plain, statistics, slow, browser."""
    late = ("statistics", "slow", "browser")
    items.sort(key=lambda item: max((late.index(m.name) + 1 for m in item.iter_markers() if m.name in late), default=0))


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """The first seed, from `--seed`."""
    return int(pytestconfig.getoption("--seed"))


@pytest.fixture(scope="session", autouse=True)
def signals_are_answered() -> None:
    """Commands under test answer signals, also if the tests run in the background, where the shell ignores some."""
    for name, handler in (
        ("SIGINT", signal.default_int_handler),
        ("SIGTERM", signal.SIG_DFL),
        ("SIGHUP", signal.SIG_DFL),
    ):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(scope="session", autouse=True)
def baselines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep cached baselines in a temporary folder: tests neither read the user's folder nor write to it."""
    from sim.cache import records
    from sim.engine.verified_files import VerifiedFolder

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "FOLDER", VerifiedFolder(tmp_path_factory.mktemp("baselines"), "baselines"))
        yield


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of published tables beside the checkout (never in it); the test is skipped without it."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the published tables (shared/data, beside the checkout) are not on this machine")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium for the session. Tests fail, and are not skipped, without one."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.fail(NO_BROWSER, pytrace=False)
        browser = playwright.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()


@contextmanager
def guarded_pages(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages in contexts of their own, and fail at the end if one requested another host."""
    outside: list[str] = []
    contexts = []

    def refuse(route: Route) -> None:
        outside.append(route.request.url)
        route.abort()

    def open_(url: str | None = None, *, width: int = 1440, height: int = 900) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, accept_downloads=True, service_workers="block"
        )
        context.set_default_timeout(600_000)  # milliseconds: on a busy machine a page is slow, not wrong
        contexts.append(context)
        context.route(OTHER_HOSTS, refuse)  # a handler for every request would make each load slower
        page = context.new_page()
        if url is not None:
            page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not outside, f"the page requested hosts other than this machine: {sorted(set(outside))}"


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages: `open_page(url, width=1440, height=900)`. A test fails if its page requests another host."""
    with guarded_pages(chromium) as open_:
        yield open_


@pytest.fixture(scope="module")
def model() -> FakeModel:
    """The fake model behind the page of a file; tests may set how long it takes, and whether it fails."""
    from fakes import FakeModel

    return FakeModel(pause=0.1)


@pytest.fixture(scope="module")
def address(model: FakeModel) -> Iterator[str]:
    """The dashboard with the fake model."""
    from browser import serving

    from dashboard.model import Settings

    with serving(Settings(), model) as (url, _):
        yield url


@pytest.fixture(scope="module")
def loaded_page(address: str, chromium: Browser) -> Iterator[Page]:
    """The page of a file, loaded once: loading takes most of the time of a test."""
    with guarded_pages(chromium) as open_:
        yield open_(address)


@pytest.fixture
def page(loaded_page: Page, model: FakeModel) -> Iterator[Page]:
    """The page of the file with the default comparison, up to date, at 1440 pixels."""
    from browser import visit

    loaded_page.set_viewport_size({"width": 1440, "height": 900})
    visit(loaded_page)
    yield loaded_page
    model.pause, model.error, model.refused = 0.1, None, {}


@pytest.fixture
def make_store() -> Iterator[Callable[..., Store]]:
    """Create stores of the dashboard's runs, and close them after the test."""
    from dashboard.store import Store

    stores: list[Store] = []

    def make(work: Any, **options: Any) -> Store:
        stores.append(Store(work, **{"delay": 0.0, **options}))
        return stores[-1]

    yield make
    for store in stores:
        store.close()
