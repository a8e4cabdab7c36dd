"""Charts and tables say what the document says: the same numbers, the right sign, the baseline always there."""

from __future__ import annotations

import csv
import io
import math
from types import SimpleNamespace
from typing import Any

import dash_mantine_components as dmc
import pytest

from dashboard import charts, findings, tables
from dashboard.model import YOURS, Document, merged

YEARS = 4
UNIT = "episodes per 1,000 people per year"
METRICS = {
    "acute_demand": ("Acute demand", UNIT),
    "arrests": ("Arrests", UNIT),
    "spend_acute": ("Acute spend", "£ per person per year"),
    "spend_preventive": ("Preventive spend", "£ per person per year"),
    "prevention_share": ("Prevention share", "share"),
}
LEVEL = {
    "acute_demand": 500.0,
    "arrests": 12.0,
    "spend_acute": 900.0,
    "spend_preventive": 80.0,
    "prevention_share": 0.1,
}


def record(metric: str, mean: float, half: float, *, months: bool) -> dict[str, Any]:
    """One metric whose mean grows by nothing and whose band is `half` to either side."""
    label, unit = METRICS[metric]
    years = [
        {"year": y + 1, "mean": mean + 0.001 * y, "q025": mean + 0.001 * y - half, "q975": mean + 0.001 * y + half}
        for y in range(YEARS)
    ]
    made: dict[str, Any] = {"unit": unit, "label": label, "by_year": years}
    if months:
        waves = [mean + math.sin(m) for m in range(12 * YEARS)]
        made |= {"mean": waves, "q025": [w - half for w in waves], "q975": [w + half for w in waves]}
    return made


def document(effects: dict[str, float], half: float = 0.01) -> Document:
    """A small comparison: each scenario shifts every metric by a part of its baseline, give or take `half` of it."""

    def scenario(effect: float) -> dict[str, Any]:
        return {m: record(m, LEVEL[m] * (1 + effect), LEVEL[m] * 0.02, months=True) for m in METRICS}

    def apart(effect: float) -> dict[str, Any]:
        return {m: record(m, LEVEL[m] * effect, LEVEL[m] * half, months=False) for m in METRICS}

    return {
        "upstream": "0.1.0",
        "place": "anytown",
        "people": 30000,
        "seeds": [0, 1],
        "months": [f"{2025 + (3 + m) // 12}-{(3 + m) % 12 + 1:02d}" for m in range(12 * YEARS)],
        "years": list(range(1, YEARS + 1)),
        "baseline": "baseline",
        "scenarios": {"baseline": scenario(0.0), **{name: scenario(effect) for name, effect in effects.items()}},
        "differences": {name: apart(effect) for name, effect in effects.items()},
        "labels": {"baseline": "Baseline", **{name: name.replace("-", " ").capitalize() for name in effects}},
    }


def sure(made: Document, half: float) -> Document:
    """The document with intervals of the mean, `half` of a metric's baseline to either side, and with fifths: the
    most deprived differs twice as much as the place, the least deprived not at all."""
    for metrics in made["differences"].values():
        for metric, told in metrics.items():
            for row in told["by_year"]:
                row |= {"ci_low": row["mean"] - half * LEVEL[metric], "ci_high": row["mean"] + half * LEVEL[metric]}

            def times(factor: float, told: dict[str, Any] = told) -> dict[str, Any]:
                more = [(factor - 1.0) * row["mean"] for row in told["by_year"]]
                moved = [
                    {key: value + by * (key != "year") for key, value in row.items()}
                    for row, by in zip(told["by_year"], more, strict=True)
                ]
                return {"by_year": moved}

            told["groups"] = {"quintile": {str(q): times((5 - q) / 2) for q in range(1, 6)}}
    return made


FOUR = document({"salami-slice": 0.04, "more-acute": 0.0, "prevention-shift": -0.02})


def lines(figure: Any) -> dict[str, Any]:
    """The drawn lines of a figure by scenario."""
    return {trace.meta: trace for trace in figure.data if trace.mode == "lines" and trace.fill is None}


def bands(figure: Any) -> dict[str, Any]:
    """The filled polygons of a figure by scenario."""
    return {trace.meta: trace for trace in figure.data if trace.fill == "toself"}


@pytest.mark.parametrize("metric", METRICS)
def test_lines_and_bands_hold_the_documents_numbers(metric: str) -> None:
    """Every yearly mean, low and high of the document is in the chart, and nothing else is."""
    figure = charts.over_time(FOUR, metric)

    assert set(lines(figure)) == set(bands(figure)) == set(FOUR["scenarios"])
    for name, metrics in FOUR["scenarios"].items():
        years = metrics[metric]["by_year"]
        low, high = [y["q025"] for y in years], [y["q975"] for y in years]
        assert list(lines(figure)[name].x) == FOUR["years"]
        assert list(lines(figure)[name].y) == [y["mean"] for y in years]
        assert [list(pair) for pair in lines(figure)[name].customdata] == [list(p) for p in zip(low, high, strict=True)]
        assert list(bands(figure)[name].y) == [*high, *reversed(low)]


def test_months_are_drawn_as_they_are() -> None:
    """Month by month, the chart holds the document's monthly series on its months."""
    figure = charts.over_time(FOUR, "acute_demand", monthly=True)

    for name, metrics in FOUR["scenarios"].items():
        assert list(lines(figure)[name].x) == FOUR["months"]
        assert list(lines(figure)[name].y) == metrics["acute_demand"]["mean"]


def test_differences_are_drawn_about_the_baseline() -> None:
    """The difference chart holds each scenario's difference by year, and the baseline as the line at nought."""
    figure = charts.difference(FOUR, "acute_demand")

    assert list(lines(figure)["baseline"].y) == [0.0] * YEARS
    for name, metrics in FOUR["differences"].items():
        assert list(lines(figure)[name].y) == [y["mean"] for y in metrics["acute_demand"]["by_year"]]


def test_spend_bars_hold_the_last_years_differences() -> None:
    """A bar's length is the last year's difference, its whiskers end at low and high."""
    metrics = ("spend_acute", "spend_preventive")
    figure = charts.spend_difference(FOUR, metrics)

    assert {bar.meta for bar in figure.data} == set(FOUR["differences"])
    for bar in figure.data:
        for i, metric in enumerate(metrics):
            last = FOUR["differences"][bar.meta][metric]["by_year"][-1]
            assert bar.x[i] == last["mean"]
            assert bar.x[i] + bar.error_x.array[i] == pytest.approx(last["q975"])
            assert bar.x[i] - bar.error_x.arrayminus[i] == pytest.approx(last["q025"])


def test_the_title_says_which_way() -> None:
    """Lower is called lower and higher higher, by as much as the document says."""
    down = findings.finding(document({"prevention-shift": -0.018}, half=0.007), "acute_demand")
    up = findings.finding(document({"salami-slice": 0.05}, half=0.01), "acute_demand")

    assert down == (
        "Acute demand is 1.8 % lower by year 4 under “Prevention shift” (middle 95 % of seeds: 1.1 to 2.5 % lower)"
    )
    assert up.startswith("Acute demand is 5.0 % higher by year 4 under “Salami slice”")
    assert up.endswith("(middle 95 % of seeds: 4.0 to 6.0 % higher)")
    figure = charts.over_time(document({"prevention-shift": -0.018}, half=0.007), "acute_demand")
    assert charts.lifted(figure)[0] == down


def test_luck_is_called_luck() -> None:
    """A band that spans nothing is no finding, and the title gives both of its ends."""
    said = findings.finding(document({"more-acute": 0.002}, half=0.007), "acute_demand", "more-acute")

    assert said == (
        "No difference in acute demand larger than luck by year 4 under “More acute” "
        "(middle 95 % of seeds: 0.5 % lower to 0.9 % higher)"
    )


def test_shares_are_told_in_percentage_points() -> None:
    """A share that falls from 10.3 to 8.6 per cent is 1.7 points lower, not 20 % lower."""
    said = findings.finding(document({"prevention-shift": -0.2}), "prevention_share")

    assert said.startswith("Prevention share is 1.7 percentage points lower by year 4")


def test_the_visitors_own_policy_is_what_titles_are_about() -> None:
    """With levers moved, the finding is about the visitor's own policy even where another differs more."""
    own = document({"salami-slice": 0.4, YOURS: -0.03})

    assert "under your policy" in findings.finding(own, "acute_demand")
    assert "3.0 % lower" in findings.finding(own, "acute_demand")


def test_a_difference_is_told_with_the_interval_of_its_mean() -> None:
    """Where a document has that interval, it is what titles, bands, whiskers and tables of differences tell."""
    made = sure(document({"prevention-shift": -0.018, "more-acute": 0.001}, half=0.03), half=0.007)

    assert findings.finding(made, "acute_demand") == (
        "Acute demand is 1.8 % lower by year 4 under “Prevention shift” (95 % interval of the mean: 1.1 to 2.5 % lower)"
    )
    assert findings.headline(made, "acute_demand") == (
        "In year 4, acute demand is 1.8 % lower under “Prevention shift” (95 % interval of the mean: 1.1 to 2.5 % "
        "lower). Under “More acute” it does not differ by more than luck."
    )
    figure = charts.difference(made, "acute_demand")
    rows = made["differences"]["prevention-shift"]["acute_demand"]["by_year"]
    assert list(bands(figure)["prevention-shift"].y) == [
        *(row["ci_high"] for row in rows), *(row["ci_low"] for row in reversed(rows))
    ]  # fmt: skip
    assert charts.MEAN_BANDS in [trace.name for trace in figure.data]
    assert charts.BANDS in [trace.name for trace in charts.over_time(made, "acute_demand").data]
    bar = charts.spend_difference(made, ("spend_acute",)).data[0]
    last = made["differences"][bar.meta]["spend_acute"]["by_year"][-1]
    assert bar.x[0] + bar.error_x.array[0] == pytest.approx(last["ci_high"])
    assert tables.range_text(rows[-1], UNIT, 1, signed=True) == "−9.0 (−12.5 to −5.5)"


def test_how_soon_is_told_by_the_first_year_of_the_last_stretch() -> None:
    """From the year from which on the difference is told from luck, and has the sign it ends with."""
    made = sure(document({"a": 0.05}), half=0.01)
    rows = made["differences"]["a"]["acute_demand"]["by_year"]
    rows[0] |= {"mean": -25.0, "ci_low": -30.0, "ci_high": -20.0}
    rows[1] |= {"ci_low": -1.0}
    assert findings.soon(made, "acute_demand") == "Acute demand under “A” is higher than the baseline from year 3 on"
    rows[3] |= {"ci_low": -1.0}
    assert findings.soon(made, "acute_demand", "a") == (
        "Acute demand under “A” does not differ from the baseline by more than luck in year 4"
    )


def test_who_gains_is_told_by_deprivation() -> None:
    """Bars, whiskers, title and table hold each fifth's difference; a fifth where nobody lives is left out."""
    made = sure(document({"a": -0.05}), half=0.01)
    figure = charts.by_fifth(made, "acute_demand")
    groups = made["differences"]["a"]["acute_demand"]["groups"]["quintile"]
    assert list(figure.data[0].x) == [groups[q]["by_year"][-1]["mean"] for q in "12345"]
    assert charts.lifted(figure)[0] == (
        "Under “A”, acute demand is 50.0 lower in the most deprived fifth and no different beyond luck in the least "
        f"deprived fifth ({UNIT})"
    )
    table: Any = tables.by_fifth(
        made, SimpleNamespace(name="acute_demand", label="Acute demand", unit=UNIT, decimals=1)
    )
    body = next(part for part in table._traverse() if isinstance(part, dmc.Table)).data["body"]
    assert [row[0] for row in body] == [
        "Most deprived fifth", "Second fifth", "Third fifth", "Fourth fifth", "Least deprived fifth"
    ]  # fmt: skip
    assert body[0][1].startswith("−50.0 (")

    groups["5"]["by_year"][-1] = dict.fromkeys(groups["5"]["by_year"][-1], math.nan)
    assert "fourth fifth" in findings.gains(made, "acute_demand")


@pytest.mark.parametrize("metric", METRICS)
def test_the_baseline_is_always_there(metric: str) -> None:
    """No chart over time or of differences is without the baseline, in its own colour and an unbroken line."""
    for figure in (charts.over_time(FOUR, metric), charts.difference(FOUR, metric)):
        assert lines(figure)["baseline"].line.color == "#12436D"
        assert lines(figure)["baseline"].line.dash == "solid"


def test_colour_never_speaks_alone() -> None:
    """No two scenarios share a colour, and the four named ones differ in their dashes too."""
    looks = charts.styles(document({"a": 0.1, "b": 0.1, "c": 0.1, YOURS: 0.1}))

    assert len({look.colour for look in looks.values()}) == 5
    assert len({look.dash for name, look in looks.items() if name != YOURS}) == 4
    assert looks[YOURS].width > looks["baseline"].width


def test_every_chart_names_its_unit_and_its_bands() -> None:
    """A reader sees what the axis counts and what the bands cover."""
    for figure in (charts.over_time(FOUR, "acute_demand"), charts.difference(FOUR, "acute_demand")):
        assert " ".join(figure.layout.yaxis.title.text.replace("<br>", " ").split()) == UNIT
        assert "year" in figure.layout.xaxis.title.text
        assert charts.BANDS in [trace.name for trace in figure.data]


def test_no_chart_can_be_sent_to_a_vendor() -> None:
    """The share button is off, and no server is named, on the one way a chart gets onto a page."""
    config = dict(vars(charts.graph("some-chart")))["config"]

    assert config["showSendToCloud"] is False
    assert config["plotlyServerURL"] == ""
    assert config["modeBarButtons"] == [["toImage"]]


def test_comparisons_of_one_place_merge() -> None:
    """Two comparisons with one baseline make one with both policies; those of two places do not."""
    one, other = document({"a": 0.1}), document({"b": 0.2})

    whole = merged([one, other])
    assert list(whole["scenarios"]) == ["baseline", "a", "b"]
    assert whole["differences"]["b"] == other["differences"]["b"]
    with pytest.raises(ValueError, match="one baseline"):
        merged([one, {**other, "place": "wigan"}])


def test_the_table_holds_the_same_numbers_with_ranges() -> None:
    """A cell reads 'mean (low to high)' of its year and scenario."""

    class Demand:
        name, label, unit, better, decimals = "acute_demand", "Acute demand", UNIT, "down", 1

    made: Any = tables.by_year(FOUR, Demand())
    found = [part for part in made._traverse() if isinstance(part, dmc.Table)]
    assert len(found) == 1
    assert found[0].data["head"] == ["Year", "Baseline", "Salami slice", "More acute", "Prevention shift"]
    assert len(found[0].data["body"]) == YEARS
    assert found[0].data["body"][3][4] == "490.0 (480.0 to 500.0)"


def test_a_measure_that_nobody_had_breaks_nothing() -> None:
    """A wait that nobody had is not a number; charts, findings and tables go on."""
    odd = document({"a": -0.01})
    for part in (odd["scenarios"]["a"], odd["differences"]["a"]):
        part["arrests"]["by_year"][-1] |= dict.fromkeys(("mean", "q025", "q975"), math.nan)

    assert charts.over_time(odd, "arrests").to_json()
    assert "No difference in arrests larger than luck" in findings.finding(odd, "arrests", "a")
    assert tables.range_text(odd["scenarios"]["a"]["arrests"]["by_year"][-1], UNIT, 1) == "none (none to none)"


def test_what_a_policy_is_worth_is_told_with_its_interval_or_in_words() -> None:
    """A price has its interval; where there is none, or it is unsure, the model's words stand."""
    made = document({"a": -0.05, "b": 0.05})
    rows = {
        "a": {"year": 4, "mean": 12345.0, "ci_low": -200.0, "ci_high": 20000.4, "note": ""},
        "b": {"year": 4, "mean": math.nan, "ci_low": None, "ci_high": None, "note": "never within 4 years"},
    }
    for name, row in rows.items():
        made["differences"][name]["cost_per_qaly"] = {"unit": "£ per QALY", "by_year": [row]}
    metric: Any = SimpleNamespace(name="cost_per_qaly", label="Cost of a QALY", unit="£ per QALY", decimals=0)
    table: Any = tables.worth(made, [metric])
    told = next(part for part in table._traverse() if isinstance(part, dmc.Table)).data

    assert told["head"] == ["Policy", "Cost of a QALY (£ per QALY)"]
    assert told["body"] == [["A", "12,345 (−200 to 20,000)"], ["B", "never within 4 years"]]


def test_csv_gives_unit_and_range_and_no_formula() -> None:
    """Each row of the download has its unit and range; text that a spreadsheet would run is disarmed."""
    wicked = document({"a": -0.01})
    wicked["labels"]["a"] = '=HYPERLINK("http://evil.example")'
    rows = list(csv.DictReader(io.StringIO(tables.to_csv(wicked))))

    assert len(rows) == (2 + 1) * len(METRICS) * YEARS
    assert all(row["unit"] and row["range"] for row in rows)
    assert all(float(row["q025"]) <= float(row["mean"]) <= float(row["q975"]) for row in rows)
    assert {row["scenario_label"] for row in rows if row["scenario"] == "a"} == {"'" + wicked["labels"]["a"]}
    last = next(r for r in rows if (r["kind"], r["metric"], r["year"]) == ("difference from baseline", "arrests", "4"))
    assert float(last["mean"]) == pytest.approx(wicked["differences"]["a"]["arrests"]["by_year"][-1]["mean"])
    assert last["mean"].startswith("-")  # a number stays a number
    assert last["ci_low"] == ""  # none in this document

    told = csv.DictReader(io.StringIO(tables.to_csv(sure(document({"a": -0.01}), half=0.02))))
    apart = [row for row in told if row["kind"] == "difference from baseline"]
    assert all(float(row["ci_low"]) < float(row["mean"]) < float(row["ci_high"]) for row in apart)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.0"), (0.04, "0.04"), (1.84, "1.8"), (12.34, "12.3"), (1234.5, "1,234"), (1e-7, "less than 0.001")],
)
def test_sizes_are_told_in_figures_that_mean_something(value: float, text: str) -> None:
    """Neither '0.0' for something nor eight decimals."""
    assert findings.figure_text(value) == text


def test_luck_is_judged_by_the_interval_of_the_mean() -> None:
    """A difference whose mean is sure is told from luck, though single seeds may go the other way."""
    row = {"mean": -1.0, "q025": -2.6, "q975": 0.3, "ci_low": -1.4, "ci_high": -0.6}
    assert findings.told_apart(row)
    assert not findings.told_apart({**row, "ci_high": 0.1})
    assert not findings.told_apart({**row, "ci_low": None, "ci_high": None})
