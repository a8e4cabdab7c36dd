"""The page: its guard, its downloads, and what a visitor sees and does in a real browser."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from fakes import Pretend, settled
from playwright.sync_api import expect
from werkzeug.serving import make_server

import sim
from dashboard.app import create_app, is_own, serve, service
from dashboard.choice import usual
from dashboard.levers import lever_text, slider
from dashboard.model import YOURS, Settings

if TYPE_CHECKING:
    from dash import Dash
    from playwright.sync_api import Page

expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong


# --- the guard -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def app() -> Iterator[Dash]:
    """An application on the pretended model, with no server."""
    app = create_app(Settings(seeds=5), Pretend())
    yield app
    service(app).store.close()


def test_every_answer_has_the_headers(app: Dash) -> None:
    """Pages, data and refusals alike: a strict policy, no sniffing, no frames."""
    client = app.server.test_client()
    answers = [
        client.get("/"),
        client.get("/_dash-layout"),
        client.get("/nothing"),
        client.get("/", headers={"Host": "x"}),
    ]

    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert "unsafe" not in scripts
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["127.0.0.1:8050", "localhost", "LOCALHOST:80", "[::1]:8050"])
def test_own_names_are_answered(app: Dash, host: str) -> None:
    """This computer's names, with or without a port."""
    assert app.server.test_client().get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8050", "10.0.0.1", ""]
)
def test_strange_host_names_are_refused(app: Dash, host: str) -> None:
    """A name that a stranger points at this computer gets nothing, whatever it asks for."""
    client = app.server.test_client()
    for path in ("/", "/_dash-layout", "/download/comparison.csv", "/assets/style.css"):
        assert client.get(path, headers={"Host": host}).status_code in (400, 403)


def test_other_sites_cannot_ask(app: Dash) -> None:
    """A request from another site's page, or not in JSON, or too large, is refused."""
    client = app.server.test_client()
    update = "/_dash-update-component"

    assert client.post(update, json={}, headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post(update, json={}, headers={"Origin": "null"}).status_code == 403
    assert client.post(update, json={}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post(update, data="x", content_type="text/plain").status_code == 415
    assert client.post(update, data={"a": "b"}).status_code == 415
    assert client.post(update, data=b"x" * 3_000_000, content_type="application/json").status_code == 413


def test_failures_show_no_trace(app: Dash) -> None:
    """A request that makes no sense gets a reference, not the server's insides; there is no debugger."""
    client = app.server.test_client()
    answer = client.post("/_dash-update-component", json={"output": "no.such", "inputs": []})

    assert answer.status_code >= 400
    for text in (answer.get_data(as_text=True), client.get("/?__debugger__=yes").get_data(as_text=True)):
        assert "Traceback" not in text
        assert "werkzeug" not in text.lower()
    assert not app.server.debug


def test_the_page_itself_says_what_it_is(app: Dash) -> None:
    """Before any script runs there are a language, a title, and a way past the controls."""
    text = app.server.test_client().get("/").get_data(as_text=True)

    assert '<html lang="en">' in text
    assert "<title>Upstream: compare policies</title>" in text
    assert 'href="#results">Skip to the results' in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_only_this_computer_unless_told_otherwise() -> None:
    """An address that others can reach is refused with a reason."""
    assert is_own("127.0.0.1")
    assert is_own("::1")
    assert is_own("localhost")
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", ""):
        assert not is_own(host)
        with pytest.raises(ValueError, match="no login"):
            serve(host, 0)


def test_downloads_hold_what_the_page_shows(app: Dash) -> None:
    """Before the runs are done a download says so; afterwards it has the document's numbers."""
    client = app.server.test_client()
    early = client.get("/download/comparison.csv?compare=austerity")
    assert early.status_code == 409
    assert "not finished" in early.get_data(as_text=True)

    stand = service(app)
    wanted = replace(usual(stand.book), scenarios=("austerity",)).jobs(stand.book)
    stand.store.want("test", wanted)
    settled(stand.store, *wanted)

    table = client.get("/download/comparison.csv?compare=austerity")
    assert table.status_code == 200
    assert "attachment" in table.headers["Content-Disposition"]
    assert "£ per person per year" in table.get_data(as_text=True)
    document = json.loads(client.get("/download/comparison.json?compare=austerity").get_data(as_text=True))
    assert document == stand.store.document(wanted[0].digest)
    assert client.get("/download/comparison.csv?compare=nothing").status_code == 409

    assert client.get("/download/your-policy.toml").status_code == 409
    own = client.get("/download/your-policy.toml?policies.threshold=0.6")
    assert "attachment" in own.headers["Content-Disposition"]
    assert 'lever = "threshold"\nvalue = 0.6' in own.get_data(as_text=True)


# --- in a browser ----------------------------------------------------------------------------------------------------


@contextmanager
def serving(settings: Settings, model: Any = None) -> Iterator[tuple[str, Any]]:
    """The page on a free port of this computer."""
    app = create_app(settings, model)
    server = make_server("127.0.0.1", 0, app.server, threaded=True)  # unlike waitress, it can be told to stop
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", service(app)
    finally:
        service(app).store.close()
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The page on the pretended model, whose runs take a tenth of a second."""
    with serving(Settings(), Pretend(pause=0.1)) as (url, _):
        yield url


def up_to_date(page: Page, seconds: float = 120) -> None:
    """Waits until the page says that what it shows is what was asked for."""
    expect(page.locator("#compare-status")).to_have_text("Up to date.", timeout=seconds * 1000)


def heads(page: Page) -> list[str]:
    """The columns of the table of acute demand."""
    page.locator("#compare-twin-main").evaluate("details => { details.open = true }")
    return page.locator("#compare-acute th").all_inner_texts()


def cell(page: Page, column: str, year: int) -> str:
    """What the table of acute demand says of one scenario and year."""
    row = page.locator("#compare-acute tbody tr").nth(year - 1).locator("td")
    return row.nth(heads(page).index(column)).inner_text()


def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:160]}" for one in found]


@pytest.mark.browser
def test_a_lever_moved_by_keyboard_changes_a_number(open_page: Callable[..., Page]) -> None:
    """On the real model: the page opens with its comparison, a lever moves, and the table's numbers change."""
    with serving(Settings(people=3000, years=5, seeds=2)) as (url, stand):
        page = open_page(url)
        up_to_date(page, 300)
        before = cell(page, "Baseline", 5)
        assert "Your policy" not in heads(page)

        name = "prevention_share" if "prevention_share" in stand.book.levers else next(iter(stand.book.levers))
        thumb = page.locator(f"#lever-{name}")
        thumb.focus()
        value = page.locator(".lever", has=thumb).locator(".lever-value")
        at_first = value.inner_text()
        page.keyboard.press("End")
        expect(value).not_to_have_text(at_first)
        expect(page.locator("#compare-acute th", has_text="Your policy")).to_be_visible(timeout=120_000)
        up_to_date(page, 120)

        assert cell(page, "Baseline", 5) == before
        assert cell(page, "Your policy", 5) != before
        first = [cell(page, "Your policy", year) for year in range(1, 6)]
        for _ in range(4):
            page.keyboard.press("ArrowLeft")
        expect(page.locator("#results")).to_have_class("results stale")
        up_to_date(page, 120)
        assert [cell(page, "Your policy", year) for year in range(1, 6)] != first
        assert f"policies.{name}=" in page.url


@pytest.mark.browser
def test_old_numbers_look_old_until_the_new_ones_are_in(open_page: Callable[..., Page]) -> None:
    """From the key press until the run is in, the results are marked stale and the bar counts runs."""
    with serving(Settings(), Pretend(pause=1.0)) as (url, _):
        page = open_page(url)
        up_to_date(page)
        page.locator("#lever-prevention_share").focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator("#results")).to_have_class("results stale")
        expect(page.locator("#compare-status")).to_have_text(re.compile("Updating… “Your policy”: .* of 20 runs"))
        up_to_date(page)
        expect(page.locator("#results")).to_have_class("results")
        expect(page.locator("#compare-headline")).to_contain_text("under your policy")


@pytest.mark.browser
def test_a_quick_hand_costs_one_run(open_page: Callable[..., Page]) -> None:
    """Ten key presses in a row are one run of the last setting with every seed, not ten."""
    model = Pretend(pause=1.0)
    with serving(Settings(), model) as (url, _):
        page = open_page(url)
        up_to_date(page)
        page.locator("#lever-prevention_share").focus()
        for _ in range(10):
            page.keyboard.press("ArrowRight")
        expect(page.locator("#compare-policy")).to_contain_text("Prevention share: +5.0 %")
        up_to_date(page)

        whole = [what for what, seeds in model.finished if YOURS in what and seeds == 20]
        assert whole == [f"anytown {YOURS} -0.0150"]


@pytest.mark.browser
def test_a_link_opens_the_same_page(address: str, open_page: Callable[..., Page]) -> None:
    """The address after a change, opened elsewhere, gives the same numbers; a wrong part of it gives a sentence."""
    page = open_page(address + "?place=wigan&policies.threshold=0.6&compare=austerity")
    up_to_date(page)
    number = cell(page, "Your policy", 20)
    again = open_page(page.url)
    up_to_date(again)
    assert cell(again, "Your policy", 20) == number
    assert heads(again) == ["Year", "Baseline", "Austerity", "Your policy"]

    bad = open_page(address + "?policies.threshold=9&colour=red")
    expect(bad.locator("#compare-notices")).to_contain_text("Eligibility threshold can go from 0.2 to 0.8")
    expect(bad.locator("#compare-notices")).to_contain_text("colour")
    up_to_date(bad)


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_fits_and_breaks_no_rule_of_access(address: str, open_page: Callable[..., Page], width: int) -> None:
    """No sideways scroll on a phone or a desk, and axe finds nothing, with everything folded open and a lever moved."""
    page = open_page(address, width=width, height=844 if width < 900 else 900)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    up_to_date(page)
    assert violations(page) == []
    if width < 900:
        page.locator("#compare-fold").click()
    page.locator("#lever-prevention_share").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#compare-headline")).to_contain_text("your policy")
    up_to_date(page)
    for details in page.locator("details").all():
        details.evaluate("details => { details.open = true }")
    page.wait_for_timeout(400)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    small = page.evaluate(SMALL_TARGETS, 44 if width < 900 else 24)
    assert small == [], "targets too small for a finger, or for a pointer"
    assert page.evaluate(SMALL_TEXT) == []
    assert page.get_by_text("Share chart").count() == 0


SMALL_TARGETS = """least => [...document.querySelectorAll(
    'button, summary, input:not([type=checkbox]):not([type=radio]):not([type=hidden]), .mantine-Slider-root, ' +
    '.mantine-Chip-label, .mantine-SegmentedControl-label')]
  .filter(e => e.offsetParent && !e.closest('.js-plotly-plot') && getComputedStyle(e).visibility === 'visible')
  .filter(e => !e.matches('.mantine-MultiSelect-inputField'))
  .map(e => [e.className || e.textContent, e.getBoundingClientRect()])
  .filter(([, box]) => box.width < least || box.height < least)
  .map(([name, box]) => `${name} ${box.width} by ${box.height}`)"""

SMALL_TEXT = """() => [...document.querySelectorAll('main *')]
  .filter(e => !e.closest('.js-plotly-plot') && !e.closest('pre') && e.offsetParent)
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
  .filter(e => parseFloat(getComputedStyle(e).fontSize) < 16)
  .map(e => e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 40))"""


@pytest.mark.browser
def test_the_whole_way_by_keyboard(address: str, open_page: Callable[..., Page]) -> None:
    """With Tab, arrows, Space and Enter alone: past the controls, a lever, its reset, a policy off, a table, a file."""
    page = open_page(address)
    up_to_date(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "results"

    def tab_to(selector: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate(f"document.activeElement.matches({selector!r})"):
                return
        pytest.fail(f"no way to {selector} by Tab")

    page.evaluate("document.activeElement.blur()")
    page.reload()
    up_to_date(page)
    tab_to(".section:nth-of-type(2) > summary")
    page.keyboard.press("Enter")
    tab_to("#lever-threshold")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#compare-headline")).to_contain_text("your policy")
    up_to_date(page)
    assert page.evaluate("document.activeElement.id") == "lever-threshold"  # a redraw does not steal the focus
    tab_to("button[aria-label='Reset Eligibility threshold to the baseline']")
    page.keyboard.press("Enter")
    expect(page.locator("#compare-headline")).not_to_contain_text("your policy")
    tab_to("input[value='more-acute']")
    page.keyboard.press("Space")
    expect(page.locator("#compare-headline")).not_to_contain_text("More acute")
    tab_to("#compare-twin-main summary")
    page.keyboard.press("Enter")
    expect(page.locator("#compare-acute")).to_be_visible()
    tab_to("#compare-csv")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert "prevention-shift" in download.value.path().read_text(encoding="utf-8-sig")


@pytest.mark.browser
def test_focus_is_seen_and_motion_is_not(address: str, open_page: Callable[..., Page]) -> None:
    """The thing with focus has a thick outline; whoever asks for less motion gets none."""
    page = open_page(address)
    page.emulate_media(reduced_motion="reduce")
    up_to_date(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    look = "(e => [getComputedStyle(e).outlineStyle, getComputedStyle(e).outlineWidth])(document.activeElement)"
    assert page.evaluate(look) == ["solid", "3px"]
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).transitionDuration") in ("0s", "")


@pytest.mark.browser
def test_a_run_that_fails_is_told_in_a_sentence(open_page: Callable[..., Page]) -> None:
    """The model's own words on the page, and the page still there."""
    with serving(Settings(), Pretend(error=ValueError("no place called 'anytown'; there are none"))) as (url, _):
        page = open_page(url)
        expect(page.locator("#compare-status")).to_contain_text("no place called 'anytown'", timeout=20_000)
        expect(page.locator("h1")).to_be_visible()


@pytest.mark.browser
def test_a_lever_is_found_by_a_word(address: str, open_page: Callable[..., Page]) -> None:
    """Words in a lever's name or meaning leave only it, in its open section; without words all is as before."""
    page = open_page(address)
    up_to_date(page)
    money, access = (page.locator(".section", has_text=name) for name in ("Money", "Who gets in"))
    expect(access.locator("#lever-caseload")).to_be_hidden()
    page.locator("#compare-search").fill("worker sees")
    expect(access.locator("#lever-caseload")).to_be_visible()
    expect(access.locator("#lever-threshold")).to_be_hidden()
    expect(money).to_be_hidden()
    page.locator("#compare-search").fill("unicorn")
    expect(page.locator("#compare-search-none")).to_be_visible()
    page.locator("#compare-search").fill("")
    expect(page.locator("#compare-search-none")).to_be_hidden()
    expect(money).to_be_visible()
    expect(access.locator("#lever-caseload")).to_be_hidden()


@pytest.mark.browser
def test_a_moved_lever_is_aimed_and_going_back_undoes_it(address: str, open_page: Callable[..., Page]) -> None:
    """A moved lever has an entry where it is aimed; the address says so, and the browser's own button takes it back."""
    page = open_page(address + "?policies.threshold=0.6")
    up_to_date(page)
    entry = page.locator(".moved")
    expect(entry).to_contain_text("0.60 severity")
    expect(page.locator(".section", has_text="Who gets in").locator(".badge")).to_have_text("1 moved")
    entry.locator("summary").click()
    entry.get_by_text("Most deprived").click()
    expect(page.locator("#compare-policy")).to_contain_text("for everybody in the most deprived fifth")
    expect(entry.locator("summary")).to_have_text("For everybody in the most deprived fifth")
    assert page.url.endswith("?policies.threshold=0.6&fifths.threshold=1")
    up_to_date(page)

    page.go_back()
    expect(page.locator("#compare-policy")).not_to_contain_text("fifth")
    expect(entry.locator("summary")).to_have_text("For everybody")
    assert page.url.endswith("?policies.threshold=0.6")
    entry.get_by_role("button", name="Take Eligibility threshold out of your policy").click()
    expect(entry).to_have_count(0)
    expect(page.locator("#compare-headline")).not_to_contain_text("your policy")


@pytest.mark.browser
def test_the_browser_writes_levers_as_the_server_does(address: str, open_page: Callable[..., Page]) -> None:
    """Every lever of the real model, at both ends, at its baseline and a step on, reads the same from both."""
    page = open_page(address)
    asked, wanted = [], []
    for lever in sim.levers():
        label = next(part for part in slider(lever)._traverse() if type(part).__name__ == "Slider").label
        for value in (lever.low, lever.baseline, lever.baseline + lever.step, lever.high):
            asked.append([value, label["options"] | {"unit": label["options"]["whole"]}])
            wanted.append(lever_text(lever, value))
    said = page.evaluate("asked => asked.map(one => window.dashMantineFunctions.leverText(...one))", asked)

    assert said == wanted


@pytest.mark.browser
def test_who_gains_is_told_by_fifth(address: str, open_page: Callable[..., Page]) -> None:
    """The chart by deprivation has a finding for its title and its numbers in a table."""
    page = open_page(address + "?compare=austerity")
    up_to_date(page)
    expect(page.locator("#compare-fifths-title")).to_have_text(
        re.compile("Under “Austerity”, acute demand is .* higher in the most deprived fifth and .* higher in the least")
    )
    page.locator("#compare-twin-fifths > summary").click()
    rows = page.locator("#compare-table-fifths tbody tr")
    expect(rows).to_have_count(5)
    expect(rows.first).to_contain_text("Most deprived fifth")
