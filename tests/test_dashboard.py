"""The dashboard: its security headers, its downloads, and its use in a real browser."""

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
from fakes import FakeModel, wait_for_jobs
from playwright.sync_api import expect
from werkzeug.serving import make_server

import sim
from dashboard.app import create_app, is_loopback, serve, service
from dashboard.choice import checked, default_choice
from dashboard.lever_controls import lever_text, slider
from dashboard.model import YOURS, Settings
from dashboard.pages.control_callbacks import STATUS

if TYPE_CHECKING:
    from dash import Dash
    from playwright.sync_api import Page

expect.set_options(timeout=600_000)  # milliseconds: on a busy machine a page is slow, not wrong


# Security.


@pytest.fixture(scope="module")
def app() -> Iterator[Dash]:
    """An application with the fake model, without a server."""
    app = create_app(Settings(seeds=5), FakeModel())
    yield app
    service(app).store.close()


def test_every_answer_has_the_headers(app: Dash) -> None:
    """Pages, data and refusals have a strict content policy, and allow no content sniffing and no frames."""
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
def test_names_of_this_computer_are_accepted(app: Dash, host: str) -> None:
    """This computer's names are accepted, with or without a port."""
    assert app.server.test_client().get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8050", "10.0.0.1", ""]
)
def test_strange_host_names_are_refused(app: Dash, host: str) -> None:
    """A request with another host name is refused on every path."""
    client = app.server.test_client()
    for path in ("/", "/_dash-layout", "/download/comparison.csv", "/assets/style.css"):
        assert client.get(path, headers={"Host": host}).status_code in (400, 403)


def test_requests_of_other_sites_are_refused(app: Dash) -> None:
    """A request from another site's page, or not in JSON, or too large, is refused."""
    client = app.server.test_client()
    update = "/_dash-update-component"

    assert client.post(update, json={}, headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post(update, json={}, headers={"Origin": "null"}).status_code == 403
    assert client.post(update, json={}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post(update, data="x", content_type="text/plain").status_code == 415
    assert client.post(update, data={"a": "b"}).status_code == 415
    assert client.post(update, data=b"x" * 3_000_000, content_type="application/json").status_code == 413


def test_errors_show_no_traceback(app: Dash) -> None:
    """A wrong request is answered without a traceback or names of the server; there is no debugger."""
    client = app.server.test_client()
    answer = client.post("/_dash-update-component", json={"output": "no.such", "inputs": []})

    assert answer.status_code >= 400
    for text in (answer.get_data(as_text=True), client.get("/?__debugger__=yes").get_data(as_text=True)):
        assert "Traceback" not in text
        assert "werkzeug" not in text.lower()
    assert not app.server.debug


def request_of_poll(data: Any = None) -> dict[str, Any]:
    """The request that the page makes while runs continue, with the choice in the browser's store."""
    outputs = [{"id": name, "property": prop} for name, prop in STATUS]
    state = [{"id": f"compare-{name}", "property": "data"} for name in ("choice", "session", "shown", "drawn")]
    state[0]["value"] = data
    return {
        "outputs": outputs,
        "inputs": [{"id": "compare-poll", "property": "n_intervals", "value": 1}],
        "changedPropIds": ["compare-poll.n_intervals"],
        "state": state,
    }


def poll(app: Dash, request: Any) -> tuple[int, str]:
    """The status and the text of the answer to a request for the progress, or to another body."""
    client = app.server.test_client()
    client.get("/_dash-dependencies")  # Dash registers callbacks with the first request
    if isinstance(request, dict) and "output" not in request:
        request = {"output": next(name for name in app.callback_map if name.startswith("..compare-status"))} | request
    answer = client.post("/_dash-update-component", json=request)
    return answer.status_code, answer.get_data(as_text=True)


def test_a_request_of_the_page_is_answered(app: Dash) -> None:
    """The checks of a request let those of the page pass."""
    assert poll(app, request_of_poll())[0] == 200
    assert poll(app, request_of_poll({"levers": {"prevention_share": 0.05}}))[0] == 200


def test_a_request_with_lists_of_components_is_answered(app: Dash) -> None:
    """The first request of the page, which has the value of every slider, passes the checks too."""
    sliders = [
        {"id": {"name": name, "type": "compare-lever-slider"}, "property": "value", "value": lever.baseline}
        for name, lever in service(app).index.levers.items()
    ]
    app.server.test_client().get("/_dash-dependencies")
    output = next(name for name in app.callback_map if name.startswith("..compare-place.value"))
    texts = [each.rsplit(".", 1) for each in output.strip(".").split("...")]
    outputs = [sliders if "ALL" in component else {"id": component, "property": prop} for component, prop in texts]
    request = {
        "output": output,
        "outputs": outputs,
        "inputs": [
            {"id": "compare-url", "property": "search", "value": "?place=wigan"},
            {"id": "compare-back", "property": "data"},
        ],
        "changedPropIds": ["compare-url.search"],
        "state": [sliders],
    }
    status, text = poll(app, request)
    assert status == 200, text
    assert json.loads(text)["response"]["compare-place"]["value"] == "wigan"
    assert poll(app, request | {"outputs": [*outputs[:-3], [], *outputs[-2:]]})[0] == 400
    assert poll(app, request | {"state": sliders})[0] == 400


@pytest.mark.parametrize(
    "change",
    [
        {"output": None},
        {"output": "no.such"},
        {"output": ["..compare-status.children.."]},
        {"output": "compare-nothing.data"},  # a callback that runs in the browser
        {"inputs": None},
        {"inputs": []},
        {"inputs": {"id": "compare-poll"}},
        {"inputs": ["compare-poll"]},
        {"inputs": [{"id": "compare-poll", "property": 3}]},
        {"inputs": [{"id": "compare-other", "property": "n_intervals"}]},
        {"inputs": [[{"id": "compare-poll", "property": "n_intervals"}]]},
        {"inputs": [{"id": {"type": ["x"]}, "property": "n_intervals"}]},
        {"state": None},
        {"state": [1, 2, 3, 4]},
        {"outputs": None},
        {"outputs": {}},
        {"outputs": [1, 2, 3, 4, 5, 6]},
        {"outputs": []},
        {"outputs": [[{"id": "compare-status", "property": "children"}]] * 6},
        {"outputs": [{"id": "compare-status", "property": "children"}] * 6},
        {"changedPropIds": 3},
        {"changedPropIds": [3]},
        {"changedPropIds": ["no-point"]},
        {"changedPropIds": ["{.value"]},
    ],
    ids=str,
)
def test_a_malformed_request_is_a_wrong_request(app: Dash, change: dict[str, Any]) -> None:
    """A request of another shape than the page's gets status 400 and a sentence, not an error of the server."""
    status, text = poll(app, request_of_poll() | change)
    assert status == 400, text
    assert text.startswith("The ")


@pytest.mark.parametrize("body", [[], "", 3, [1], {"output": "x"}], ids=repr)
def test_a_body_that_is_no_request_is_a_wrong_request(app: Dash, body: Any) -> None:
    """JSON that is not an object of a request gets status 400."""
    assert poll(app, body)[0] == 400


def test_json_that_cannot_be_read_is_a_wrong_request(app: Dash) -> None:
    """Truncated JSON, brackets without end and a number of 5,000 digits get status 400."""
    client = app.server.test_client()
    for body in (
        "{",
        "null",
        "[" * 100_000,
        '{"output": ' + "9" * 5_000 + "}",
        "\udcff".encode("utf-8", "surrogatepass"),
    ):
        answer = client.post("/_dash-update-component", data=body, content_type="application/json")
        assert answer.status_code == 400, body[:20]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (3, ""),
        ([], ""),
        ("text", ""),
        ({"levers": 3}, "levers"),
        ({"levers": ["threshold"]}, "levers"),
        ({"levers": {"threshold": [0.4]}}, "levers.threshold"),
        ({"levers": {"threshold": True}}, "levers.threshold"),
        ({"targets": [1]}, "targets"),
        ({"targets": {"threshold": "gp"}}, "targets.threshold"),
        ({"targets": {"threshold": {"service": "gp"}}}, "targets.threshold.service"),
        ({"targets": {"threshold": {"ages": [[1]]}}}, "targets.threshold.ages"),
        ({"compare": "salami-slice"}, "compare"),
        ({"show": [{}]}, "show"),
        ({"seeds": [5]}, "seeds"),
        ({"over": True}, "over"),
        ({"place": {}}, "place"),
        ({"start": 3}, "start"),
    ],
)
def test_wrong_types_in_the_pages_data_are_an_input_error(app: Dash, data: Any, key: str) -> None:
    """Data of other types than the page's are refused with the key, what was wanted and what came, and status 400."""
    status, text = poll(app, request_of_poll(data))
    assert status == 400
    assert text.startswith(f"page data: {key}: wanted " if key else "page data: wanted ")


def test_numbers_beyond_a_float_are_out_of_range(app: Dash) -> None:
    """JSON has whole numbers of any size; one that no lever can have is left out, like any other."""
    levers = {"threshold": 10**400, "caseload": float("inf"), "no-lever": 10**4000}
    assert poll(app, request_of_poll({"levers": levers, "seeds": 10**400}))[0] == 200
    choice, said = checked({"levers": levers, "seeds": 10**400}, service(app).index)
    assert choice == default_choice(service(app).index)
    assert len(said) == 4


def test_the_page_is_accessible_without_scripts(app: Dash) -> None:
    """Before any script runs the page has a language, a title and a link to the results."""
    text = app.server.test_client().get("/").get_data(as_text=True)

    assert '<html lang="en">' in text
    assert "<title>Upstream: compare policies</title>" in text
    assert 'href="#results">Skip to the results' in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_only_this_computer_by_default() -> None:
    """An address that other computers can reach is refused with a reason."""
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("localhost")
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", ""):
        assert not is_loopback(host)
        with pytest.raises(ValueError, match="no login"):
            serve(host, 0)


def test_downloads_have_the_shown_results(app: Dash) -> None:
    """Before the runs are complete a download is refused; afterwards it has the document's numbers."""
    client = app.server.test_client()
    early = client.get("/download/comparison.csv?compare=austerity")
    assert early.status_code == 409
    assert "not finished" in early.get_data(as_text=True)

    stand = service(app)
    wanted = replace(default_choice(stand.index), scenarios=("austerity",)).jobs(stand.index)
    stand.store.submit("test", wanted)
    wait_for_jobs(stand.store, *wanted)

    table = client.get("/download/comparison.csv?compare=austerity")
    assert table.status_code == 200
    assert "attachment" in table.headers["Content-Disposition"]
    assert "£ per person per year" in table.get_data(as_text=True)
    document = json.loads(client.get("/download/comparison.json?compare=austerity").get_data(as_text=True))
    assert document == stand.store.document(wanted[0].digest)
    assert client.get("/download/comparison.csv?compare=nothing").status_code == 409

    assert client.get("/download/your-policy.toml").status_code == 409
    download = client.get("/download/your-policy.toml?policies.threshold=0.6")
    assert "attachment" in download.headers["Content-Disposition"]
    assert 'lever = "threshold"\nvalue = 0.6' in download.get_data(as_text=True)


# In a browser.


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


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The dashboard with the fake model, whose comparisons take a tenth of a second."""
    with serving(Settings(), FakeModel(pause=0.1)) as (url, _):
        yield url


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
    """The violations of accessibility rules that axe reports."""
    results = Axe().run(page).response["violations"]
    return [f"{rule['id']} ({rule['impact']}): {rule['nodes'][0]['html'][:160]}" for rule in results]


@pytest.mark.browser
def test_a_lever_moved_by_keyboard_changes_a_number(open_page: Callable[..., Page]) -> None:
    """With the real model: the dashboard opens with a comparison, a lever moves, and the table's numbers change."""
    with serving(Settings(people=3000, years=5, seeds=2)) as (url, stand):
        page = open_page(f"{url}?draws=none")  # the draws of two seeds would take seconds
        up_to_date(page)
        before = cell(page, "Baseline", 5)
        assert "Your policy" not in heads(page)

        name = "prevention_share" if "prevention_share" in stand.index.levers else next(iter(stand.index.levers))
        thumb = page.locator(f"#lever-{name}")
        thumb.focus()
        value = page.locator(".lever", has=thumb).locator(".lever-value")
        at_first = value.inner_text()
        page.keyboard.press("End")
        expect(value).not_to_have_text(at_first)
        expect(page.locator("#compare-acute th", has_text="Your policy")).to_be_visible()
        up_to_date(page)

        assert cell(page, "Baseline", 5) == before
        assert cell(page, "Your policy", 5) != before
        first = [cell(page, "Your policy", year) for year in range(1, 6)]
        for _ in range(4):
            page.keyboard.press("ArrowLeft")
        expect(page.locator("#results")).to_have_class("results stale")
        up_to_date(page)
        assert [cell(page, "Your policy", year) for year in range(1, 6)] != first
        assert f"policies.{name}=" in page.url


@pytest.mark.browser
def test_results_are_stale_until_the_new_ones_are_complete(open_page: Callable[..., Page]) -> None:
    """From a key press until the run is complete, the results are marked stale and the status counts runs."""
    with serving(Settings(), FakeModel(pause=1.0)) as (url, _):
        page = open_page(url)
        up_to_date(page)
        page.locator("#lever-prevention_share").focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator("#results")).to_have_class("results stale")
        expect(page.locator("#compare-status")).to_have_text(re.compile("Updating… “Your policy”: .* of 40 steps"))
        up_to_date(page)
        expect(page.locator("#results")).to_have_class("results")
        expect(page.locator("#compare-headline")).to_contain_text("under your policy")


@pytest.mark.browser
def test_draws_are_the_default_and_can_be_switched_off(open_page: Callable[..., Page]) -> None:
    """The page says that it calibrates draws, then what the spread comes from; "As declared" stops that and is linked.

    Draws that could not be calibrated are counted in words, and the ranges of runs are narrower without draws.
    """
    with serving(Settings(), FakeModel(pause=3.0, refused={7: "the baseline runs away"})) as (url, _):
        page = open_page(url + "?compare=austerity")
        expect(page.locator("#compare-status")).to_have_text(re.compile("Calibrating the parameters of each run… “Aus"))
        up_to_date(page)
        doubt = page.locator("#compare-doubt")
        expect(doubt).to_contain_text("(middle 95% of 19 runs)")
        expect(doubt).to_contain_text("comes from chance")
        expect(doubt).to_contain_text("1 draw of the parameters could not be calibrated")
        drawn = cell(page, "Austerity", 20)

        page.locator("#compare-draws").click()
        page.get_by_role("option", name="As declared").click()
        expect(page).to_have_url(re.compile("draws=none"))
        expect(page.locator("#results")).to_have_class("results stale")
        expect(page.locator("#compare-command")).to_have_text(re.compile("--draws none$"))
        expect(doubt).to_contain_text("All runs have the parameters as declared")
        expect(doubt).not_to_contain_text("calibrated")
        up_to_date(page)
        assert cell(page, "Austerity", 20) != drawn
        assert cell(page, "Austerity", 20).split(" ")[0] == drawn.split(" ")[0]

        page.go_back()
        expect(page.locator("#compare-draws")).to_have_value("Drawn from their ranges")
        expect(doubt).to_contain_text("comes from chance")
        up_to_date(page)
        assert cell(page, "Austerity", 20) == drawn


@pytest.mark.browser
def test_quick_key_presses_cause_one_run(open_page: Callable[..., Page]) -> None:
    """Ten key presses in a row cause one complete run, of the last setting."""
    model = FakeModel(pause=1.0)
    with serving(Settings(), model) as (url, _):
        page = open_page(url)
        up_to_date(page)
        page.locator("#lever-prevention_share").focus()
        for _ in range(10):
            page.keyboard.press("ArrowRight")
        expect(page.locator("#compare-policy")).to_contain_text("Prevention share: +5.0%")
        up_to_date(page)

        complete = [name for name, seeds in model.finished if YOURS in name and seeds == 20]
        assert complete == [f"anytown {YOURS} -0.0150"]


@pytest.mark.browser
def test_a_link_opens_the_same_page(address: str, open_page: Callable[..., Page]) -> None:
    """The address after a change, opened again, shows the same numbers; a wrong part of it gives a message."""
    page = open_page(address + "?place=wigan&policies.threshold=0.6&compare=austerity")
    up_to_date(page)
    number = cell(page, "Your policy", 20)
    again = open_page(page.url)
    up_to_date(again)
    assert cell(again, "Your policy", 20) == number
    assert heads(again) == ["Year", "Baseline", "Austerity", "Your policy"]

    bad = open_page(address + "?policies.threshold=9&colour=red")
    expect(bad.locator("#compare-notices")).to_contain_text("Eligibility threshold must be from 0.2 to 0.8")
    expect(bad.locator("#compare-notices")).to_contain_text("colour")
    up_to_date(bad)


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_fits_and_is_accessible(address: str, open_page: Callable[..., Page], width: int) -> None:
    """There is no horizontal scrolling on a phone or a desktop, and axe reports no violation.

    This holds with all details open and a lever moved, too.
    """
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
    assert small == [], "targets that are too small for touch, or for a pointer"
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
def test_everything_works_by_keyboard(address: str, open_page: Callable[..., Page]) -> None:
    """The keys Tab, Space, Enter and arrows reach the results, a lever, its reset, a policy, a table and a download."""
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
def test_focus_is_visible_and_motion_can_be_reduced(address: str, open_page: Callable[..., Page]) -> None:
    """The element with focus has a thick outline; with reduced motion there are no transitions."""
    page = open_page(address)
    page.emulate_media(reduced_motion="reduce")
    up_to_date(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    look = "(e => [getComputedStyle(e).outlineStyle, getComputedStyle(e).outlineWidth])(document.activeElement)"
    assert page.evaluate(look) == ["solid", "3px"]
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).transitionDuration") in ("0s", "")


@pytest.mark.browser
def test_a_failed_run_is_reported_in_a_sentence(open_page: Callable[..., Page]) -> None:
    """The page shows the model's message, and continues to work."""
    with serving(Settings(), FakeModel(error=ValueError("no place called 'anytown'; there are none"))) as (url, _):
        page = open_page(url)
        expect(page.locator("#compare-status")).to_contain_text("no place called 'anytown'")
        expect(page.locator("h1")).to_be_visible()


@pytest.mark.browser
def test_levers_can_be_searched(address: str, open_page: Callable[..., Page]) -> None:
    """A search shows only levers with the words in their name or meaning, in open sections; cleared, all are back."""
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
def test_places_can_be_searched_by_typing(address: str, open_page: Callable[..., Page]) -> None:
    """A click on the place list selects the name there, so that typing finds an English authority."""
    page = open_page(address)
    up_to_date(page)
    page.locator("#compare-place").click()
    page.keyboard.type("lee", delay=50)
    page.get_by_role("option", name="Leeds").click()
    expect(page.locator("#compare-place")).to_have_value("Leeds")
    expect(page).to_have_url(re.compile("place=leeds"))
    up_to_date(page)


@pytest.mark.browser
def test_a_moved_lever_is_targeted_and_going_back_undoes_it(address: str, open_page: Callable[..., Page]) -> None:
    """A moved lever has an entry with its target; the address has the target, and the back button removes it."""
    page = open_page(address + "?policies.threshold=0.6")
    up_to_date(page)
    entry = page.locator(".moved")
    expect(entry).to_contain_text("0.60 severity")
    expect(page.locator(".section", has_text="Who gets in").locator(".badge")).to_have_text("1 moved")
    entry.locator("summary").click()
    entry.get_by_text("Most deprived").click()
    expect(page.locator("#compare-policy")).to_contain_text("for everyone in the most deprived fifth")
    expect(entry.locator("summary")).to_have_text("For everyone in the most deprived fifth")
    assert page.url.endswith("?policies.threshold=0.6&fifths.threshold=1")
    up_to_date(page)

    page.go_back()
    expect(page.locator("#compare-policy")).not_to_contain_text("fifth")
    expect(entry.locator("summary")).to_have_text("For everyone")
    assert page.url.endswith("?policies.threshold=0.6")
    entry.get_by_role("button", name="Remove Eligibility threshold from your policy").click()
    expect(entry).to_have_count(0)
    expect(page.locator("#compare-headline")).not_to_contain_text("your policy")


@pytest.mark.browser
def test_the_browser_formats_levers_as_the_server_does(address: str, open_page: Callable[..., Page]) -> None:
    """The text of every lever's value is the same from browser and server: at both ends, at and near the baseline."""
    page = open_page(address)
    arguments, expected = [], []
    for lever in sim.levers():
        label = next(part for part in slider(lever)._traverse() if type(part).__name__ == "Slider").label
        for value in (lever.low, lever.baseline, lever.baseline + lever.step, lever.high):
            arguments.append([value, label["options"] | {"unit": label["options"]["full_unit"]}])
            expected.append(lever_text(lever, value))
    shown = page.evaluate("calls => calls.map(call => window.dashMantineFunctions.leverText(...call))", arguments)

    assert shown == expected


@pytest.mark.browser
def test_the_chart_by_deprivation(address: str, open_page: Callable[..., Page]) -> None:
    """The chart by deprivation has a finding as its title, and its numbers in a table."""
    page = open_page(address + "?compare=austerity")
    up_to_date(page)
    expect(page.locator("#compare-fifths-title")).to_have_text(
        re.compile("Under “Austerity”, acute demand is .* higher in the most deprived fifth and .* higher in the least")
    )
    page.locator("#compare-twin-fifths > summary").click()
    rows = page.locator("#compare-table-fifths tbody tr")
    expect(rows).to_have_count(5)
    expect(rows.first).to_contain_text("Most deprived fifth")
