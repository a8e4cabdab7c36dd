"""The report of a comparison: one HTML file that is complete, accessible, and loads nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from command_line import ROOT

import sim
from sim.assurance.log import AssuranceLog
from sim.assurance.log_table import LogTable
from sim.assurance.run_logs import origin_table
from sim.assurance.uses import excluded_uses, uses_table
from sim.cli import command
from sim.report.charts import line_chart, styles
from sim.report.report import log_html, report_html, with_code
from sim.report.sections import sections
from sim.results.comparison import Comparison
from sim.results.metrics import metric, metrics
from sim.results.scenario_styles import PALETTE, styles_of
from sim.results.svg_panel import axis
from sim.scenario.parameters import parameters

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = '<script>alert("a")</script> & "quotes"'
VOID = {"meta", "link", "br", "img", "hr", "input", "path", "rect", "circle"}


@pytest.fixture(scope="module")
def result() -> Comparison:
    """The baseline and a cut in a town of 1,500 for two years, with two seeds."""
    return sim.compare("baseline", "salami-slice", people=1_500, years=2, seeds=2, draws="none")


@pytest.fixture(scope="module")
def page(result: Comparison) -> str:
    """The report of the comparison, with short logs."""
    return report_html(result, short_log(result))


def short_log(result: Comparison) -> AssuranceLog:
    """Logs of a few rows, one of them with texts and one with a text that is no HTML."""
    from datetime import date

    texts = LogTable(
        "decisions", "Decisions log", {"number": "Number", "title": "Title", "chosen": "Chosen"},
        ({"number": 1, "title": HOSTILE, "chosen": "One.\nTwo `a < b`."},), ("A note.",), has_texts=True,
    )  # fmt: skip
    return AssuranceLog("Assurance log", date(2026, 11, 30), (uses_table(), origin_table(result, HOSTILE), texts))


class Tags(HTMLParser):
    """Collects what a page loads, its ids, and tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        values = {name: value or "" for name, value in attrs}
        self.addresses += [values[name] for name in ("src", "href", "data") if name in values]
        self.ids += [values["id"]] if "id" in values else []
        self.targets += values.get("aria-labelledby", "").split()
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a tag."""
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_the_report_is_one_well_formed_file(page: str) -> None:
    """Tags are closed in order, ids are unique and exist, and every address is a place in the page."""
    tags = Tags()
    tags.feed(page)
    assert tags.wrong == []
    assert tags.open == []
    assert len(tags.ids) == len(set(tags.ids))
    assert set(tags.targets) <= set(tags.ids)
    assert [address for address in tags.addresses if not address.startswith(("#", "data:"))] == []
    assert {address.removeprefix("#") for address in tags.addresses if address.startswith("#")} <= set(tags.ids)


def test_the_report_is_complete(result: Comparison, page: str) -> None:
    """The report has each scenario's question, each measure with a level, excluded uses, the doubt and the log."""
    for scenario in result.scenarios:
        assert scenario.question in page
    for measure in metrics():
        if measure.against is None:
            assert measure.label.replace("'", "&#39;").replace("&", "&amp;").replace("&amp;#39;", "&#39;") in page
    for each in excluded_uses():
        assert page.count(each.use) == 1
    for section in sections(result):
        assert page.count(f'<h2 id="{section.name}">') == 1
        for exhibit in section.exhibits:
            assert exhibit.chart is None or (exhibit.table is not None and exhibit.chart.alternative)
    assert "Not in any band" in page
    assert '<h2 id="log">' in page


def test_texts_of_users_are_no_markup(page: str) -> None:
    """A text with tags is shown as text; the only script is the report's own, and its digest is in the policy."""
    assert HOSTILE not in page
    assert "&lt;script&gt;alert" in page
    assert re.findall(r"<script\b", page) == ["<script"]
    assert "script-src 'sha256-" in page
    assert str(with_code("`<b>` & c")) == "<code>&lt;b&gt;</code> &amp; c"


def test_figures_are_those_of_the_comparison(result: Comparison) -> None:
    """The table beside the chart of differences has the means that the comparison has."""
    demand = next(section for section in sections(result) if section.name == "demand")
    table = demand.exhibits[1].table
    assert table is not None
    frame = result.acute_demand.difference()
    decimals = metric("acute_demand").decimals
    for (year, text), row in zip(table.rows, frame.itertuples(), strict=True):
        assert int(year) == row.year
        assert float(text.split(" ")[0].replace("−", "-")) == pytest.approx(row.mean, abs=0.51 * 10.0**-decimals)


def test_a_run_of_one_scenario_has_a_report() -> None:
    """Without a policy, a seed or more years there are levels, and no difference, expectation or error."""
    single = sim.run("baseline", people=1_500, years=1, seeds=1, draws="none")
    text = report_html(single, short_log(single))
    assert '<h2 id="money">' not in text
    assert '<h2 id="asked">' not in text
    assert "nan" not in re.sub(r"<[^>]*>", " ", text).lower().split()
    chart = line_chart(single, metric("acute_demand"), change=False)
    assert "<circle" in chart.svg


@pytest.mark.parametrize(
    ("least", "most", "step"), [(0.0, 0.0003, 0.00005), (-2.0, 31.0, 10.0), (0.0, 12e6, 2e6), (5.0, 5.0, 0.2)]
)
def test_an_axis_has_at_most_seven_lines(least: float, most: float, step: float) -> None:
    """The grid has steps of 1, 2 or 5 times a power of ten, covers the values, and is never empty."""
    scale = axis(least, most)
    ticks = list(scale.ticks())
    assert scale.step == pytest.approx(step)
    assert 2 <= len(ticks) <= 8
    assert scale.floor <= least
    assert scale.ceiling >= most


def test_the_command_writes_the_report(result: Comparison, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`upstream report DIR` writes report.html into the folder, with the origin of the results."""
    folder = result.save(tmp_path / "mine")
    assert command(["report", str(folder)]) == 0
    output = capsys.readouterr()
    assert not output.out
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert result.origin.versions["model"] in text
    assert "Assumptions log" in text
    assert (sim.load(folder).seeds) == result.seeds


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_the_report(
    page: str, result: Comparison, tmp_path: Path, open_page: Callable[..., Page], scheme: str
) -> None:
    """Chromium shows both pages without an error, a request, an accessibility fault or a sideways scroll."""
    for name, text in (("report", page), ("log", log_html(short_log(result)))):
        path = tmp_path / f"{name}.html"
        path.write_text(text, encoding="utf-8")
        shown = open_page(width=390)
        messages: list[str] = []
        requests: list[str] = []
        shown.on("console", lambda message, to=messages: to.append(message.text))
        shown.on("pageerror", lambda error, to=messages: to.append(str(error)))
        shown.on("request", lambda request, to=requests: to.append(request.url))
        shown.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the schemes
        shown.goto(path.as_uri())
        assert messages == []
        assert [url for url in requests if not url.startswith(("data:", path.as_uri()))] == []
        assert shown.evaluate("document.documentElement.scrollWidth") <= 390
        assert Axe().run(shown).response["violations"] == []
        shown.emulate_media(media="print")
        shown.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert shown.locator("details:not([open])").count() == 0


def test_the_origin_of_results_is_short(result: Comparison) -> None:
    """The log of a run names its settings in sentences; the drawn values of its parameters are in run.json."""
    drawn = {str(seed): dict.fromkeys(parameters(), 1.0) for seed in range(20)}
    with pytest.MonkeyPatch.context() as patch:
        provenance = result.provenance()
        settings = {**provenance["settings"], "drawn": drawn}
        patch.setattr(type(result), "provenance", lambda _self: {**provenance, "settings": settings})
        rows = origin_table(result).rows
    assert max(len(str(row["value"])) for row in rows) < 2_000


def test_a_policy_has_one_style_everywhere(result: Comparison) -> None:
    """The report draws a policy with the dash and the colour of its name, whatever its place in the list."""
    look = styles_of(["salami-slice"])["salami-slice"]
    drawn = styles(result)["salami-slice"]
    assert (drawn.dash, drawn.colour) == (look.svg_dash, f"var(--series-{PALETTE.index(look.colour)})")
    css = (ROOT / "sim" / "report" / "templates" / "style.css").read_text(encoding="utf-8")
    assert all(css.count(f"--series-{k}:") == 2 for k in range(len(PALETTE)))  # light and dark
