"""The dashboard for everybody: rules of accessibility at two widths, the keyboard alone, visible focus, definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from browser import up_to_date, violations, visit
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

SMALL_TARGETS = """least => [...document.querySelectorAll(
    'button, summary, input:not([type=checkbox]):not([type=radio]):not([type=hidden]), .mantine-Slider-root, ' +
    '.mantine-Chip-label, .mantine-SegmentedControl-label')]
  .filter(e => e.offsetParent && !e.closest('.js-plotly-plot') && getComputedStyle(e).visibility === 'visible')
  .filter(e => !e.matches('.mantine-MultiSelect-inputField, .term'))  // a word in a sentence may be small
  .map(e => [e.className || e.textContent, e.getBoundingClientRect()])
  .filter(([, box]) => box.width < least || box.height < least)
  .map(([name, box]) => `${name} ${box.width} by ${box.height}`)"""

SMALL_TEXT = """() => [...document.querySelectorAll('main *')]
  .filter(e => !e.closest('.js-plotly-plot') && !e.closest('pre') && e.offsetParent)
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
  .filter(e => parseFloat(getComputedStyle(e).fontSize) < 16)
  .map(e => e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 40))"""


@pytest.mark.browser
@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_fits_and_is_accessible(page: Page, width: int) -> None:
    """There is no horizontal scrolling on a phone or a desktop, and axe reports no violation.

    This holds with all details open and a lever moved, too.
    """
    page.set_viewport_size({"width": width, "height": 844 if width < 900 else 900})
    assert fits(page, width)
    assert violations(page) == []
    if width < 900:
        page.locator("#compare-fold").click()
    page.locator("#lever-prevention_share").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#compare-headline")).to_contain_text("your policy")
    up_to_date(page)
    for details in page.locator("details").all():
        details.evaluate("details => { details.open = true }")
    page.locator("#compare-cards-note button.term").first.click()
    page.wait_for_timeout(400)

    assert fits(page, width)
    assert violations(page) == []
    small = page.evaluate(SMALL_TARGETS, 44 if width < 900 else 24)
    assert small == [], "targets that are too small for touch, or for a pointer"
    assert page.evaluate(SMALL_TEXT) == []
    assert page.get_by_text("Share chart").count() == 0


def fits(page: Page, width: int) -> bool:
    """Whether the page has no horizontal scrolling once its charts have their new size, within half a minute."""
    for _ in range(150):
        if page.evaluate("document.documentElement.scrollWidth") <= width:
            return True
        page.wait_for_timeout(200)
    return False


def to_start(page: Page) -> None:
    """Set the focus before the first element of the page, as after loading."""
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"no way to {selector} by Tab")


@pytest.mark.browser
def test_everything_works_by_keyboard(page: Page) -> None:
    """The keys Tab, Space, Enter and arrows reach the results, a policy, a lever, its reset, a table and a download."""
    to_start(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "results"

    to_start(page)
    tab_to(page, "input[value='more-acute']")
    page.keyboard.press("Space")
    expect(page.locator("#compare-cards")).not_to_contain_text("More acute")
    tab_to(page, ".section:nth-of-type(2) > summary")
    page.keyboard.press("Enter")
    tab_to(page, "#lever-threshold")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#compare-headline")).to_contain_text("your policy")
    up_to_date(page)
    assert page.evaluate("document.activeElement.id") == "lever-threshold"  # a redraw does not steal the focus
    tab_to(page, "button[aria-label='Reset Eligibility threshold to the baseline']")
    page.keyboard.press("Enter")
    expect(page.locator("#compare-headline")).not_to_contain_text("your policy")
    tab_to(page, "#compare-twin-main summary")
    page.keyboard.press("Enter")
    expect(page.locator("#compare-acute")).to_be_visible()
    tab_to(page, "#compare-csv")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert "prevention-shift" in download.value.path().read_text(encoding="utf-8-sig")


@pytest.mark.browser
def test_the_year_of_the_answer_and_definitions_work_by_keyboard(page: Page) -> None:
    """Arrows choose the year; Enter opens the definition of a word, and Escape closes it."""
    to_start(page)
    tab_to(page, "#compare-year input")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#compare-headline")).to_contain_text("by year 10")
    up_to_date(page)
    tab_to(page, "#compare-cards-note button.term")
    page.keyboard.press("Enter")
    definition = page.locator("#compare-cards-note .term-text").first
    expect(definition).to_be_visible()
    expect(definition).to_contain_text("Everything that acute services must answer in a year")
    page.keyboard.press("Escape")
    expect(definition).to_be_hidden()


@pytest.mark.browser
def test_focus_is_visible_and_motion_can_be_reduced(page: Page) -> None:
    """The element with focus has a thick outline; with reduced motion there are no transitions."""
    page.emulate_media(reduced_motion="reduce")
    to_start(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    look = "(e => [getComputedStyle(e).outlineStyle, getComputedStyle(e).outlineWidth])(document.activeElement)"
    assert page.evaluate(look) == ["solid", "3px"]
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).transitionDuration") in ("0s", "")
    page.emulate_media(reduced_motion="no-preference")


@pytest.mark.browser
def test_a_policy_has_one_line_in_keys_cards_and_charts(page: Page) -> None:
    """The picture of a policy's line in its card has the colour and the dashes of its line in the chart."""
    visit(page, "?compare=prevention-shift")  # the colour does not depend on which policies are shown beside it
    picture = unquote(page.locator("#compare-cards img").get_attribute("src") or "")
    line = page.locator("#compare-main .scatterlayer .trace path.js-line").last.get_attribute("style") or ""
    assert 'stroke="#28A197"' in picture
    assert "rgb(40, 161, 151)" in line
    assert 'stroke-dasharray="2 3"' in picture
    assert "stroke-dasharray: 2px, 3px" in line
