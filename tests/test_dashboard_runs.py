"""The dashboard while runs continue: with the real model, stale results, draws, quick changes, and failures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from browser import cell, follow, heads, serving, up_to_date, visit
from playwright.sync_api import expect

from dashboard.model import YOURS, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes import FakeModel
    from playwright.sync_api import Page


@pytest.mark.browser
def test_a_lever_moved_by_keyboard_changes_a_number(open_page: Callable[..., Page]) -> None:
    """With the real model: the dashboard opens with a comparison, a lever moves, and the table's numbers change."""
    with serving(Settings(people=3000, years=5, seeds=2)) as (url, stand):
        page = open_page(f"{url}?draws=none&compare=salami-slice")  # the draws of two seeds would take seconds
        up_to_date(page)
        before = cell(page, "Baseline", 5)
        assert "Your policy" not in heads(page)
        for part in ("#compare-asked", "#compare-worth", "#compare-table-worth", "#compare-scope"):
            expect(page.locator(part)).not_to_contain_text("No results yet")

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
def test_results_are_stale_until_the_new_ones_are_complete(page: Page, model: FakeModel) -> None:
    """From a key press until the run is complete, the results are marked stale and the status counts runs."""
    visit(page, "?compare=austerity")
    model.pause = 6.0  # the half of it that counts runs must last longer than a slow poll
    page.locator("#lever-prevention_share").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#results")).to_have_class("results stale")
    expect(page.locator("#compare-status")).to_have_text(re.compile("Updating… “Your policy”: .* of 40 steps"))
    up_to_date(page)
    expect(page.locator("#results")).to_have_class("results")
    expect(page.locator("#compare-headline")).to_contain_text("under your policy")


@pytest.mark.browser
def test_up_to_date_means_every_part_of_the_page(page: Page) -> None:
    """As soon as the page says that it is up to date, the lowest sections show the visitor's policy too."""
    page.evaluate(
        """() => {
          const text = id => document.getElementById(id).textContent;
          window.shownThen = null;
          let begun = false;
          new MutationObserver((_, observer) => {
            const done = text('compare-status') === 'Up to date.';
            begun ||= !done;
            if (begun && done) {
              observer.disconnect();
              window.shownThen = ['compare-table-all', 'compare-worth', 'compare-key-spend']
                .map(id => text(id).includes('Your policy'));
            }
          }).observe(document.body, { childList: true, characterData: true, subtree: true });
        }"""
    )
    page.locator("#lever-prevention_share").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#compare-headline")).to_contain_text("under your policy")
    up_to_date(page)  # not before the headline: the former results were up to date, too
    assert page.evaluate("window.shownThen") == [True, True, True]


@pytest.mark.browser
def test_draws_are_the_default_and_can_be_switched_off(page: Page, model: FakeModel) -> None:
    """The page says that it calibrates draws, then what the spread comes from; "As declared" stops that and is linked.

    Draws that could not be calibrated are counted in words, and the ranges of runs are narrower without draws.
    """
    model.pause, model.refused = 2.0, {7: "the baseline runs away"}
    follow(page, "?place=wigan&compare=austerity")
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
def test_quick_key_presses_cause_one_run(page: Page, model: FakeModel) -> None:
    """Ten key presses in a row cause one complete run, of the last setting."""
    visit(page, "?place=wigan")
    earlier = len(model.finished)
    model.pause = 1.0
    page.locator("#lever-prevention_share").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#compare-policy")).to_contain_text("Prevention share: +5.0%")
    up_to_date(page)

    complete = [name for name, seeds in model.finished[earlier:] if YOURS in name and seeds == 20]
    assert complete == [f"wigan {YOURS} -0.0150"]


@pytest.mark.browser
def test_a_failed_run_is_reported_in_a_sentence(page: Page, model: FakeModel) -> None:
    """The page shows the model's message, and continues to work."""
    model.error = ValueError("no place called 'anytown'; there are none")
    follow(page, "?compare=salami-slice&policies.threshold=0.35")
    expect(page.locator("#compare-status")).to_contain_text("no place called 'anytown'")
    expect(page.locator("h1")).to_be_visible()
    model.error = None
    visit(page, "?compare=salami-slice&policies.threshold=0.4")
    expect(page.locator("#compare-headline")).to_contain_text("under your policy")
