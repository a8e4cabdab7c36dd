"""Sections of the dashboard as pure functions: composition, money, what was asked, scope, sources, words, styles."""

from __future__ import annotations

import math
from typing import Any

import dash_mantine_components as dmc
import pytest
from dash import html
from fakes import SCOPE, FakeModel, fake_document

from dashboard import asked, charts, composition, findings, glossary, money, scope, sources, styles, summary, tables
from dashboard.horizon import KEY, answer_row, answer_year, year_choices
from dashboard.model import YOURS, Document, ModelIndex, Settings
from dashboard.pages.results import small_charts
from sim.results.scenario_styles import BY_NAME, styles_of

DEMAND = "acute_demand"


@pytest.fixture(scope="module")
def index() -> ModelIndex:
    """The index of the fake model."""
    return ModelIndex(FakeModel(), Settings())


def comparison(*policies: str, year: int | None = None) -> Document:
    """A document of the fake model, with the year of the answer."""
    index = ModelIndex(FakeModel(), Settings())
    before, *afters = (index.scenarios[name] for name in ("baseline", *policies))
    made = fake_document(before, tuple(afters), "anytown", 30_000, 20, 20, "all")
    return made | ({} if year is None else {KEY: year})


def body(component: Any) -> list[list[str]]:
    """The rows of the only table in a component."""
    (table,) = (part for part in html.Div(component)._traverse() if isinstance(part, dmc.Table))
    rows: list[list[str]] = table.data["body"]
    return rows


def texts(component: Any) -> str:
    """The text of a component, in order."""
    if isinstance(component, str):
        return component
    if isinstance(component, list | tuple):
        return " ".join(texts(part) for part in component)
    return texts(getattr(component, "children", None) or [])


# What acute demand is made of.


def test_parts_add_up_to_the_index() -> None:
    """The stacked parts of a bar, and the table's differences, are the document's points and add up."""
    made = comparison("prevention-shift", "salami-slice")
    figure = composition.levels(made)
    for k, name in enumerate(("baseline", "prevention-shift", "salami-slice")):
        rows = [row for row in made["composition"][name] if row["year"] == 20]
        assert sum(trace.x[k] for trace in figure.data) == pytest.approx(sum(row["level"] for row in rows))
    assert [trace.name for trace in figure.data] == ["Emergency admission", "A&E", composition.OTHERS]
    assert figure.layout.barmode == "stack"
    cells = body(composition.table(made))
    assert cells[1] == ["A&E", "£250", "38.0", "−3.00 (−3.25 to −2.75)", "+5.00 (+4.75 to +5.25)"]
    assert cells[-1] == ["Acute demand", "", "100.0", "−3.00", "+5.00"]


def test_the_composition_is_of_the_year_of_the_answer() -> None:
    """The chart, its title and the table change with the year; the title names the service that makes most of it."""
    early = comparison("prevention-shift", year=5)
    assert body(composition.table(early))[1][3] == "−1.50 (−1.75 to −1.25)"
    assert charts.split_title(composition.differences(early))[0] == (
        "Under “Prevention shift”, the largest clear part of the difference is A&E: 1.50 points lower"
    )
    bars = [trace for trace in composition.differences(early).data if trace.customdata is not None]
    assert bars[0].x[1] == pytest.approx(-1.5)


# Money.


def test_money_has_who_spends_who_pays_and_health() -> None:
    """Bars are pounds a person with both whiskers; rows that nothing moves are left out; QALYs are for 1,000 people."""
    made = comparison("prevention-shift", "salami-slice")
    spends, pays = money.who_spends(made), money.who_pays(made)
    of_shift = next(trace for trace in spends.data if trace.meta == "prevention-shift")
    assert list(of_shift.x) == [45.0, 15.0]
    assert [label.replace("<br>", " ") for label in of_shift.y] == ["NHS", "Police and probation"]
    assert of_shift.x[0] + of_shift.error_x.array[0] == pytest.approx(54.0)
    assert [label.replace("<br>", " ") for label in pays.data[0].y] == [
        "NHS, budget", "The centre: bail-outs less claw-back"
    ]  # fmt: skip
    cells = {row[0].strip(): row[1:] for row in body(money.table(made))}
    assert cells["Public spending"] == ["£ a person", "+£60 (+£57 to +£63)", "−£100 (−£105 to −£95)"]
    assert any(row[0] == "QALYs for 1,000 people" and row[1].startswith("+0.3") for row in cells.values())


def test_a_cut_is_never_the_cost_of_a_gain() -> None:
    """The words of the money section name no cost of a QALY gained, and no money back, for any policy."""
    made = comparison("salami-slice")
    shown = " ".join([texts(money.sentences(made)), *(cell for row in body(money.table(made)) for cell in row)])
    for words in ("QALY gained", "Money back", "pays back"):
        assert words.lower() not in shown.lower()


# What was asked and what came out.


def test_what_was_asked_stands_beside_what_came_out(index: ModelIndex) -> None:
    """Each policy has a sentence and a table: one line an item, without items that nothing moved; the card has both."""
    made = comparison("salami-slice")
    made["differences"]["salami-slice"]["bailed_out"] = {
        "unit": "£", "by_year": [{"year": y, "mean": 4.0, "ci_low": 3.0, "ci_high": 5.0} for y in range(1, 21)]
    }  # fmt: skip
    (section,) = asked.of_policies(made)
    assert "Asked: total budget -5%. Came out in year 20" in texts(section)
    assert body(section) == [
        ["Total budget: -5% less", "−5.0%", "−2.5% (−2.6% to −2.4%)", "", ""],
        ["Spending in scope", "−5.0%", "−2.5% (−2.6% to −2.4%)", "−£7.5 (−£7.9 to −£7.1)", "−£150 (−£158 to −£142)"],
        ["Bailed out by the centre", "", "", "+£4.0 (+£3.8 to +£4.2)", ""],
    ]
    row = {"unit": "percentage points", "asked": 5.0, "mean": 4.0, "ci_low": 3.0, "ci_high": 5.0}
    other = {**made["asked_and_done"]["salami-slice"]["rows"][0], **row}
    assert asked._lines([other])[0][1:3] == ["+5.00", "+4.00 (+3.00 to +5.00) percentage points"]
    assert asked._lines([{**other, "unit": "", "asked": None, "mean": None}])[0][1:3] == ["", "not recorded"]
    card = texts(summary.cards(made, index))
    assert "Asked: total budget: -5% less." in card
    assert "Came out: spending" in card


# Scope, sources, words.


def test_the_scope_has_every_sector_and_no_nan() -> None:
    """A sector has what the model holds and leaves out, pounds and share; a missing figure is in words."""
    assert body(scope.table(SCOPE)) == [
        ["NHS", "General practice; A&E", "planned operations", "£500", "£2,000", "25%", "2023-24"],
        ["All other spending for England", "nothing", "benefits", "£0", "not published", "not published", ""],
    ]


def test_codes_of_sources_have_a_key() -> None:
    """A key in brackets has its publication, a claim its sentence, and a row of the register a note; nothing else."""
    shown = texts(sources.key_of(["D02 [Pulse], D13 [DS9]; M44: direction"]))
    assert "[Pulse]" in shown
    assert "[DS9]" in shown
    assert "M44" in shown
    assert sources.REGISTER_NOTE in shown
    assert sources.key_list(["assumed"]) == []


def test_every_code_of_a_lever_is_in_the_key() -> None:
    """No lever of the model cites a key that the register of sources lacks."""
    import sim
    from sim.assurance.data import KEY
    from sim.assurance.data import sources as register

    cited = {key for lever in sim.levers() for key in KEY.findall(lever.source)}
    assert cited <= register().keys()


def test_words_have_their_definition_beside_them() -> None:
    """A term is a button with a definition that is hidden at first; the list has every word."""
    shown: Any = glossary.term("run", "runs")
    button, definition = shown.children
    assert (button.type, texts(button), definition.hidden) == ("button", "runs", True)
    assert glossary.WORDS["run"] in texts(definition)
    listed = texts(glossary.definitions())
    assert all(text in listed for text in glossary.WORDS.values())


# Styles.


def test_a_policy_has_its_style_whatever_stands_beside_it() -> None:
    """The style of a policy does not depend on the other policies or on their order."""
    alone = styles_of(["baseline", "prevention-shift"])
    among = styles_of(["baseline", "more-acute", "salami-slice", "prevention-shift", YOURS])
    assert alone["prevention-shift"] == among["prevention-shift"]
    assert styles_of(["baseline", "x", "prevention-shift"])["x"] == styles_of(["x", "baseline"])["x"]


def test_policies_of_the_library_differ_in_colour_and_dash() -> None:
    """Any policies that can be compared have colours and dashes of their own."""
    import itertools

    import sim

    names = [name for name in sim.scenario_names() if name != "baseline"]
    for chosen in itertools.combinations(names, 3):
        looks = styles_of(["baseline", *chosen, YOURS])
        assert len({look.colour for look in looks.values()}) == 5
        assert len({look.dash for name, look in looks.items() if name != YOURS}) == 4


def test_a_key_draws_the_dashes_of_the_chart() -> None:
    """The picture in keys and cards has the colour and the dashes of the line; a solid line has none."""
    look = styles_of(["prevention-shift"])["prevention-shift"]
    address = styles.swatch_address(look)
    assert look.colour.replace("#", "%23") in address
    assert "stroke-dasharray%3D%22" in address
    assert "stroke-dasharray" not in styles.swatch_address(BY_NAME["baseline"])


# The year of the answer, and short effects.


def test_the_year_of_the_answer_is_the_last_unless_chosen() -> None:
    """Rows, titles and cards are of the chosen year."""
    made = comparison("prevention-shift")
    assert answer_year(made) == 20
    early = made | {KEY: 3}
    record = early["differences"]["prevention-shift"][DEMAND]
    assert answer_row(early, record) == record["by_year"][2]
    assert "by year 3 under" in findings.headline(early, DEMAND)
    assert year_choices(20) == (3, 5, 10, 20)
    assert year_choices(4) == (3, 4)
    figure = charts.over_time(early, DEMAND)
    assert figure.layout.shapes[0].x0 == 3
    assert len(charts.over_time(made, DEMAND).layout.shapes) == 0


def test_the_headline_is_about_prevention() -> None:
    """Of several policies the headline is about the one with more prevention, even if another differs more."""
    made = comparison("salami-slice", "prevention-shift", "more-acute")
    assert findings.focus(made, DEMAND) == "prevention-shift"
    assert findings.headline(made, DEMAND).startswith("Acute demand is 1.5% lower by year 20 under “Prevention shift”")


def test_a_short_effect_is_in_the_title() -> None:
    """A difference that ends before the last year is stated with its years; a single year is not."""
    made = comparison("salami-slice")
    rows = made["differences"]["salami-slice"][DEMAND]["by_year"]
    for row in rows:
        sign = 1.0 if 3 <= row["year"] <= 9 else 0.0
        row |= {"mean": sign * 20.0, "ci_low": sign * 10.0 - 1.0, "ci_high": sign * 30.0 + 1.0}
    assert findings.soon(made, DEMAND, "salami-slice") == (
        "Acute demand under “Salami slice” is higher than in the baseline in years 3 to 9, and not clearly different "
        "from the baseline in year 20"
    )
    assert findings.finding(made, DEMAND, "salami-slice").endswith("; it differs in years 3 to 9, when it is higher")
    for row in rows[3:]:
        row |= {"ci_low": -1.0}
    assert "no clear difference" in findings.soon(made, DEMAND, "salami-slice")


def test_axes_count_years_by_year_and_by_month() -> None:
    """Both charts label the same years; the hover of a year says 'year', that of a month its name."""
    made = comparison("salami-slice")
    yearly, monthly = (charts.over_time(made, DEMAND, monthly=by_month).layout.xaxis for by_month in (False, True))
    assert yearly.ticktext == monthly.ticktext == ("5", "10", "15", "20")
    assert yearly.title.text == monthly.title.text
    assert monthly.tickvals[0] == "2029-10"  # the middle of year 5
    assert yearly.unifiedhovertitle.text == "year %{x}"
    assert "%Y" in monthly.unifiedhovertitle.text


def test_hovers_have_the_numbers_of_the_table(index: ModelIndex) -> None:
    """The text of a point is the cell of the table, for levels, differences, shares and pounds."""
    made = comparison("salami-slice", "prevention-shift")
    for name in (DEMAND, "trust", "spend_acute"):
        metric = index.metrics[name]
        for figure, signed in ((charts.over_time(made, name), False), (charts.difference(made, name), True)):
            cells = body(tables.by_year(made, metric, differences=signed))
            line = next(t for t in figure.data if t.meta == "salami-slice" and t.mode == "lines" and t.fill is None)
            column = 2 - signed
            for row, point in zip(cells, line.customdata, strict=True):
                mean_and_interval, runs = row[column].split("\n")
                assert (point[0] + point[1] if signed else point[0]) in mean_and_interval
                assert runs == f"runs {point[2]}"


def test_measures_that_nothing_moves_are_a_sentence(index: ModelIndex) -> None:
    """A measure with one value everywhere has no row in the table of all measures, and its small chart says so."""
    made = comparison("salami-slice")
    for part in made["scenarios"].values():
        for row in part["trust"]["by_year"]:
            row |= {"mean": 0.0, "q025": 0.0, "q975": 0.0}
    shown = tables.all_measures(made, list(index.metrics.values()))
    (sentence,) = (part for part in shown._traverse() if isinstance(part, html.P) and "same under" in texts(part))
    assert "trust in services (0.0%)" in texts(sentence)
    for part in shown._traverse():
        if isinstance(part, dmc.Table):
            assert "Trust in services" not in [row[0] for row in part.data["body"]]
    assert findings.finding_brief(made, "trust") == "The same under every policy, in every year"
    assert not math.isnan(made["scenarios"]["baseline"]["trust"]["by_year"][0]["mean"])


def test_the_notice_depends_on_the_place(index: ModelIndex) -> None:
    """An invented town is called so; a real area is named."""
    assert "Anytown is an invented town" in texts(summary.notice("anytown", index))
    real = texts(summary.notice("wigan", index))
    assert "invented town" not in real
    assert "those of Wigan" in real
    assert "Leeds" in texts(summary.notice("leeds", index))


def test_small_charts_say_what_counts_as_help(index: ModelIndex) -> None:
    """Below the chart of unmet need stands the measure's meaning; a measure without one has its finding alone."""
    first, second, *_ = index.metrics
    made = comparison("salami-slice") | {"meanings": {first: "Waiting is no help."}}
    shown = small_charts(made, index, (first, second), 2)[2]
    assert shown[0].endswith("Waiting is no help.")
    assert "Waiting" not in shown[1]
