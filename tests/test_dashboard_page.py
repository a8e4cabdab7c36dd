"""The dashboard in a browser: links, levers and their targets, places, the year of the answer, and charts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from browser import cell, heads, up_to_date, visit
from playwright.sync_api import expect

import sim
from dashboard.lever_controls import lever_text, slider

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page


@pytest.mark.browser
def test_a_link_opens_the_same_page(page: Page, open_page: Callable[..., Page]) -> None:
    """The address of a state, opened on a phone, shows the same numbers; a wrong part of it gives a message."""
    visit(page, "?place=wigan&year=10&compare=austerity&policies.threshold=0.6")
    number = cell(page, "Your policy", 20)
    again = open_page(page.url, width=390, height=844)
    assert again.evaluate("document.documentElement.scrollWidth") <= 390
    up_to_date(again)
    assert cell(again, "Your policy", 20) == number
    assert heads(again) == ["Year", "Baseline", "Austerity", "Your policy"]
    assert again.locator("#compare-headline").inner_text() == page.locator("#compare-headline").inner_text()

    again.evaluate(
        "window.history.pushState(null, '', '?policies.threshold=9&colour=red');"
        "window.dispatchEvent(new PopStateEvent('popstate'))"
    )
    expect(again.locator("#compare-notices")).to_contain_text("Eligibility threshold must be from 0.2 to 0.8")
    expect(again.locator("#compare-notices")).to_contain_text("colour")
    up_to_date(again)


@pytest.mark.browser
def test_the_year_of_the_answer_changes_every_part(page: Page) -> None:
    """Another year changes headline, cards, charts and tables without a run, is linked, and is marked in the charts."""
    page.locator("#compare-year label", has_text=re.compile("^5$")).click()
    expect(page.locator("#compare-headline")).to_contain_text("by year 5 under “Prevention shift”")
    up_to_date(page)
    assert "year=5" in page.url
    expect(page.locator("#compare-cards-note")).to_contain_text("in year 5")
    expect(page.locator("#compare-parts .xtitle")).to_contain_text("year 5")
    expect(page.locator("#compare-main .shapelayer path")).to_have_count(1)
    page.locator("#compare-twin-all summary").click()
    expect(page.locator("#compare-table-all")).to_contain_text("All measures in year 5")


@pytest.mark.browser
def test_the_notice_is_about_the_place(page: Page) -> None:
    """An invented town is called so; a real area is named, and its people are invented."""
    notice = page.locator("#compare-notice")
    expect(notice).to_contain_text("Anytown is an invented town")
    visit(page, "?place=wigan")
    expect(notice).to_contain_text("The people are invented. Their ages")
    expect(notice).to_contain_text("those of Wigan")
    expect(notice).not_to_contain_text("invented town")


@pytest.mark.browser
def test_levers_can_be_searched(page: Page) -> None:
    """A search shows only levers with the words in their name or meaning, in open sections; cleared, all are back."""
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
def test_places_can_be_searched_by_typing(page: Page) -> None:
    """A click on the place list selects the name there, so that typing finds an English authority."""
    page.locator("#compare-place").click()
    page.keyboard.type("lee", delay=50)
    page.get_by_role("option", name="Leeds").click()
    expect(page.locator("#compare-place")).to_have_value("Leeds")
    expect(page).to_have_url(re.compile("place=leeds"))
    up_to_date(page)


@pytest.mark.browser
def test_a_moved_lever_is_targeted_and_going_back_undoes_it(page: Page) -> None:
    """A moved lever has an entry with its target; the address has the target, and the back button removes it."""
    visit(page, "?policies.threshold=0.6")
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
def test_the_browser_formats_levers_as_the_server_does(page: Page) -> None:
    """The text of every lever's value is the same from browser and server: at both ends, at and near the baseline."""
    arguments, expected = [], []
    for lever in sim.levers():
        label = next(part for part in slider(lever)._traverse() if type(part).__name__ == "Slider").label
        for value in (lever.low, lever.baseline, lever.baseline + lever.step, lever.high):
            arguments.append([value, label["options"] | {"unit": label["options"]["full_unit"]}])
            expected.append(lever_text(lever, value))
    shown = page.evaluate("calls => calls.map(call => window.dashMantineFunctions.leverText(...call))", arguments)

    assert shown == expected


@pytest.mark.browser
def test_the_chart_by_deprivation(page: Page) -> None:
    """The chart by deprivation has a finding as its title, and its numbers in a table."""
    visit(page, "?compare=austerity")
    expect(page.locator("#compare-fifths-title")).to_have_text(
        re.compile("Under “Austerity”, acute demand is .* higher in the most deprived fifth and .* higher in the least")
    )
    page.locator("#compare-twin-fifths > summary").click()
    rows = page.locator("#compare-table-fifths tbody tr")
    expect(rows).to_have_count(5)
    expect(rows.first).to_contain_text("Most deprived fifth")
