"""Fixtures that every test can use (a seed, the shared data, a browser), and the order in which tests run."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

    from dashboard.store import Store

LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
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


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages: `open_page(url, width=1440, height=900)`. A test fails if its page requests another host."""
    outside: list[str] = []
    contexts = []

    def guard(route: Route) -> None:
        address = urlsplit(route.request.url)
        if address.hostname in LOCAL_HOSTS or address.scheme in {"data", "blob", "about"}:
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    def open_(url: str | None = None, *, width: int = 1440, height: int = 900) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, accept_downloads=True, service_workers="block"
        )
        context.set_default_timeout(600_000)  # milliseconds: on a busy machine a page is slow, not wrong
        contexts.append(context)
        context.route("**/*", guard)
        page = context.new_page()
        if url is not None:
            page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not outside, f"the page requested hosts other than this machine: {sorted(set(outside))}"


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
