"""The dashboard's charts and tables: the document's numbers with the right sign, and always the baseline."""

from __future__ import annotations

import csv
import io
import math
from types import SimpleNamespace
from typing import Any

import dash_mantine_components as dmc
import pytest

from dashboard import charts, findings, styles, tables
from dashboard.model import YOURS, Document, merged, with_gaps
from sim.results.summary_table import summary_table

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
    """A metric with an almost constant mean and a band of `half` to either side."""
    label, unit = METRICS[metric]
    years = [
        {"year": y + 1, "mean": mean + 0.001 * y, "q025": mean + 0.001 * y - half, "q975": mean + 0.001 * y + half}
        for y in range(YEARS)
    ]
    decimals = 3 if unit == "share" else 0 if unit.startswith("£") else 1
    values: dict[str, Any] = {"unit": unit, "label": label, "decimals": decimals, "by_year": years}
    if months:
        waves = [mean + math.sin(m) for m in range(12 * YEARS)]
        values |= {"mean": waves, "q025": [w - half for w in waves], "q975": [w + half for w in waves]}
    return values


def document(effects: dict[str, float], half: float = 0.01) -> Document:
    """A small comparison: each scenario changes every metric by a part of its baseline, with a band of `half`.

    Prevention's share moves the other way, as in a policy that lowers demand by prevention.
    """

    def sign(metric: str) -> float:
        return -1.0 if metric == "prevention_share" else 1.0

    def scenario(effect: float) -> dict[str, Any]:
        return {m: record(m, LEVEL[m] * (1 + sign(m) * effect), LEVEL[m] * 0.02, months=True) for m in METRICS}

    def differences_of(effect: float) -> dict[str, Any]:
        return {m: record(m, LEVEL[m] * sign(m) * effect, LEVEL[m] * half, months=False) for m in METRICS}

    return {
        "upstream": "0.1.0",
        "place": "anytown",
        "people": 30000,
        "seeds": [0, 1],
        "months": [f"{2025 + (3 + m) // 12}-{(3 + m) % 12 + 1:02d}" for m in range(12 * YEARS)],
        "years": list(range(1, YEARS + 1)),
        "baseline": "baseline",
        "scenarios": {"baseline": scenario(0.0), **{name: scenario(effect) for name, effect in effects.items()}},
        "differences": {name: differences_of(effect) for name, effect in effects.items()},
        "labels": {"baseline": "Baseline", **{name: name.replace("-", " ").capitalize() for name in effects}},
    }


def with_intervals(document_: Document, half: float) -> Document:
    """The document with intervals of the mean, `half` of a metric's baseline to either side, and with fifths.

    The most deprived fifth differs twice as much as the place, the least deprived not at all.
    """
    for metrics in document_["differences"].values():
        for metric, measure in metrics.items():
            for row in measure["by_year"]:
                row |= {"ci_low": row["mean"] - half * LEVEL[metric], "ci_high": row["mean"] + half * LEVEL[metric]}

            def times(factor: float, measure: dict[str, Any] = measure) -> dict[str, Any]:
                more = [(factor - 1.0) * row["mean"] for row in measure["by_year"]]
                moved = [
                    {key: value + by * (key != "year") for key, value in row.items()}
                    for row, by in zip(measure["by_year"], more, strict=True)
                ]
                return {"by_year": moved}

            measure["groups"] = {"quintile": {str(q): times((5 - q) / 2) for q in range(1, 6)}}
    return document_


FOUR = document({"salami-slice": 0.04, "more-acute": 0.0, "prevention-shift": -0.02})


def lines(figure: Any) -> dict[str, Any]:
    """The drawn lines of a figure by scenario."""
    return {trace.meta: trace for trace in figure.data if trace.mode == "lines" and trace.fill is None}


def bands(figure: Any) -> dict[str, Any]:
    """The filled polygons of a figure by scenario."""
    return {trace.meta: trace for trace in figure.data if trace.fill == "toself"}


@pytest.mark.parametrize("metric", METRICS)
def test_lines_and_bands_hold_the_documents_numbers(metric: str) -> None:
    """The chart has every yearly mean, q025 and q975 of the document, and nothing else."""
    figure = charts.over_time(FOUR, metric)

    assert set(lines(figure)) == set(bands(figure)) == set(FOUR["scenarios"])
    for name, metrics in FOUR["scenarios"].items():
        years = metrics[metric]["by_year"]
        low, high = [y["q025"] for y in years], [y["q975"] for y in years]
        assert list(lines(figure)[name].x) == FOUR["years"]
        assert list(lines(figure)[name].y) == [y["mean"] for y in years]
        assert len(lines(figure)[name].customdata) == len(years)
        assert list(bands(figure)[name].y) == [*high, *reversed(low)]


def test_months_are_drawn_as_they_are() -> None:
    """The monthly chart has the document's monthly values at its months."""
    figure = charts.over_time(FOUR, "acute_demand", monthly=True)

    for name, metrics in FOUR["scenarios"].items():
        assert list(lines(figure)[name].x) == FOUR["months"]
        assert list(lines(figure)[name].y) == metrics["acute_demand"]["mean"]


def test_differences_are_drawn_about_the_baseline() -> None:
    """The chart of differences has each scenario's difference by year, and the baseline as the line at 0."""
    figure = charts.difference(FOUR, "acute_demand")

    assert list(lines(figure)["baseline"].y) == [0.0] * YEARS
    for name, metrics in FOUR["differences"].items():
        assert list(lines(figure)[name].y) == [y["mean"] for y in metrics["acute_demand"]["by_year"]]


def test_spend_bars_hold_the_last_years_differences() -> None:
    """A bar's length is the last year's difference, and its error bar ends at the ends of the band."""
    metrics = ("spend_acute", "spend_preventive")
    figure = charts.spend_difference(FOUR, metrics)

    assert {bar.meta for bar in figure.data} == set(FOUR["differences"])
    for bar in figure.data:
        for i, metric in enumerate(metrics):
            last = FOUR["differences"][bar.meta][metric]["by_year"][-1]
            assert bar.x[i] == last["mean"]
            assert bar.x[i] + bar.error_x.array[i] == pytest.approx(last["q975"])
            assert bar.x[i] - bar.error_x.arrayminus[i] == pytest.approx(last["q025"])


def test_the_title_has_the_direction() -> None:
    """The title states whether a metric is lower or higher, and by how much."""
    down = findings.finding(document({"prevention-shift": -0.018}, half=0.007), "acute_demand")
    up = findings.finding(document({"salami-slice": 0.05}, half=0.01), "acute_demand")

    assert down == (
        "Acute demand is 1.8% lower by year 4 under “Prevention shift” (middle 95% of runs: 1.1 to 2.5% lower)"
    )
    assert up.startswith("Acute demand is 5.0% higher by year 4 under “Salami slice”")
    assert up.endswith("(middle 95% of runs: 4.0 to 6.0% higher)")
    figure = charts.over_time(document({"prevention-shift": -0.018}, half=0.007), "acute_demand")
    assert charts.split_title(figure)[0] == down


def test_a_band_that_includes_zero_is_no_clear_difference() -> None:
    """If the band includes 0 the title states no clear difference, and both ends of the band."""
    title = findings.finding(document({"more-acute": 0.002}, half=0.007), "acute_demand", "more-acute")

    assert title == (
        "No clear difference in acute demand by year 4 under “More acute” "
        "(middle 95% of runs: 0.5% lower to 0.9% higher)"
    )


def test_differences_of_shares_are_percentage_points() -> None:
    """A share that falls from 10.3% to 8.6% is 1.7 percentage points lower, not 20% lower."""
    title = findings.finding(document({"salami-slice": 0.2}), "prevention_share")

    assert title.startswith("Prevention share is 1.7 percentage points lower by year 4")


def test_titles_are_about_the_visitors_policy() -> None:
    """With levers moved, the finding is about the visitor's policy, even if another differs more."""
    with_policy = document({"salami-slice": 0.4, YOURS: -0.03})

    assert "under your policy" in findings.finding(with_policy, "acute_demand")
    assert "3.0% lower" in findings.finding(with_policy, "acute_demand")


def test_differences_have_the_interval_of_their_mean() -> None:
    """If a document has intervals of the mean, titles, bands, error bars and tables of differences have them."""
    made = with_intervals(document({"prevention-shift": -0.018, "more-acute": 0.001}, half=0.03), half=0.007)

    assert findings.finding(made, "acute_demand") == (
        "Acute demand is 1.8% lower by year 4 under “Prevention shift” (95% CI of the mean: 1.1 to 2.5% lower)"
    )
    assert findings.headline(made, "acute_demand") == (
        "Acute demand is 1.8% lower by year 4 under “Prevention shift” (95% CI of the mean: 1.1 to 2.5% lower)."
    )
    figure = charts.difference(made, "acute_demand")
    rows = made["differences"]["prevention-shift"]["acute_demand"]["by_year"]
    pale, dark = (list(t.y) for t in figure.data if t.fill == "toself" and t.meta == "prevention-shift")
    assert pale == [*(row["q975"] for row in rows), *(row["q025"] for row in reversed(rows))]
    assert dark == [*(row["ci_high"] for row in rows), *(row["ci_low"] for row in reversed(rows))]
    assert charts.MEAN_BANDS in [trace.name for trace in figure.data]
    assert charts.BANDS in [trace.name for trace in charts.over_time(made, "acute_demand").data]
    bar, middle = charts.spend_difference(made, ("spend_acute",)).data[:2]
    last = made["differences"][bar.meta]["spend_acute"]["by_year"][-1]
    assert bar.x[0] + bar.error_x.array[0] == pytest.approx(last["q975"])
    assert middle.x[0] + middle.error_x.array[0] == pytest.approx(last["ci_high"])
    assert (middle.meta, middle.offsetgroup, list(middle.y)) == (bar.meta, bar.offsetgroup, list(bar.y))
    assert tables.range_text(rows[-1], UNIT, 1, signed=True) == "−9.0 (−12.5 to −5.5)\nruns −24.0 to +6.0"


def test_the_first_year_of_a_lasting_difference() -> None:
    """`soon` names the year from which the interval excludes 0 with the final sign."""
    made = with_intervals(document({"a": 0.05}), half=0.01)
    rows = made["differences"]["a"]["acute_demand"]["by_year"]
    rows[0] |= {"mean": -25.0, "ci_low": -30.0, "ci_high": -20.0}
    rows[1] |= {"ci_low": -1.0}
    assert findings.soon(made, "acute_demand") == (
        "Acute demand under “A” is higher than in the baseline from year 3 onwards"
    )
    rows[3] |= {"ci_low": -1.0}
    assert findings.soon(made, "acute_demand", "a") == (
        "Acute demand under “A”: no clear difference from the baseline in year 4"
    )


def test_differences_by_deprivation() -> None:
    """Bars, title and table have each fifth's difference; a fifth without people is omitted."""
    made = with_intervals(document({"a": -0.05}), half=0.01)
    figure = charts.by_fifth(made, "acute_demand")
    groups = made["differences"]["a"]["acute_demand"]["groups"]["quintile"]
    assert list(figure.data[0].x) == [groups[q]["by_year"][-1]["mean"] for q in "12345"]
    assert charts.split_title(figure)[0] == (
        "Under “A”, acute demand is 50.0 lower in the most deprived fifth and not clearly different in the least "
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

    last = groups["5"]["by_year"][-1]
    last |= dict.fromkeys(last.keys() - {"year"}, math.nan)
    assert "fourth fifth" in findings.gains(made, "acute_demand")


@pytest.mark.parametrize("metric", METRICS)
def test_the_baseline_is_always_shown(metric: str) -> None:
    """Every chart over time or of differences has the baseline, in its colour and as a solid line."""
    for figure in (charts.over_time(FOUR, metric), charts.difference(FOUR, metric)):
        assert lines(figure)["baseline"].line.color == "#12436D"
        assert lines(figure)["baseline"].line.dash == "solid"


def test_scenarios_differ_in_more_than_colour() -> None:
    """No two scenarios have the same colour, and the named ones differ in their dashes too."""
    looks = styles.styles(document({"a": 0.1, "b": 0.1, "c": 0.1, YOURS: 0.1}))

    assert len({look.colour for look in looks.values()}) == 5
    assert len({look.dash for name, look in looks.items() if name != YOURS}) == 4
    assert looks[YOURS].width > looks["baseline"].width


def test_every_chart_names_its_unit_and_its_bands() -> None:
    """Every chart has the unit on its axis and a note on its bands."""
    for figure in (charts.over_time(FOUR, "acute_demand"), charts.difference(FOUR, "acute_demand")):
        assert " ".join(figure.layout.yaxis.title.text.replace("<br>", " ").split()) == UNIT
        assert "year" in figure.layout.xaxis.title.text
        assert charts.BANDS in [trace.name for trace in figure.data]


def test_no_chart_can_be_sent_to_a_vendor() -> None:
    """The share button is off and no server is named in the function that all charts use."""
    config = dict(vars(charts.graph("some-chart")))["config"]

    assert config["showSendToCloud"] is False
    assert config["plotlyServerURL"] == ""
    assert config["modeBarButtons"] == [["toImage"]]


def test_comparisons_of_one_place_merge() -> None:
    """Two comparisons with the same baseline can be merged; those of two places cannot."""
    first, second = document({"a": 0.1}), document({"b": 0.2})

    both = merged([first, second])
    assert list(both["scenarios"]) == ["baseline", "a", "b"]
    assert both["differences"]["b"] == second["differences"]["b"]
    with pytest.raises(ValueError, match="one baseline"):
        merged([first, {**second, "place": "wigan"}])


def test_the_table_holds_the_same_numbers_with_ranges() -> None:
    """A cell has the mean and the range of its year and scenario."""

    class Demand:
        name, label, unit, better, decimals = "acute_demand", "Acute demand", UNIT, "down", 1

    table: Any = tables.by_year(FOUR, Demand())
    matches = [part for part in table._traverse() if isinstance(part, dmc.Table)]
    assert len(matches) == 1
    assert matches[0].data["head"] == ["Year", "Baseline", "Salami slice", "More acute", "Prevention shift"]
    assert len(matches[0].data["body"]) == YEARS
    assert matches[0].data["body"][3][4] == "490.0\nruns 480.0 to 500.0"


def test_a_missing_value_is_no_error() -> None:
    """Charts, findings and tables allow NaN, such as the wait of a service without requests."""
    with_nan = document({"a": -0.01})
    for part in (with_nan["scenarios"]["a"], with_nan["differences"]["a"]):
        part["arrests"]["by_year"][-1] |= dict.fromkeys(("mean", "q025", "q975"), math.nan)

    assert charts.over_time(with_nan, "arrests").to_json()
    assert "No clear difference in arrests" in findings.finding(with_nan, "arrests", "a")
    assert tables.range_text(with_nan["scenarios"]["a"]["arrests"]["by_year"][-1], UNIT, 1) == "none"


def test_csv_has_units_and_ranges_and_no_formula() -> None:
    """Each row of the download has its unit and range; text that a spreadsheet would run is escaped."""
    formula_label = document({"a": -0.01})
    formula_label["labels"]["a"] = '=HYPERLINK("http://evil.example")'
    rows = list(csv.DictReader(io.StringIO(summary_table(formula_label))))

    assert len(rows) == 2 * len(METRICS) * YEARS
    assert all(row["unit"] for row in rows)
    assert all(float(row["q025"]) <= float(row["mean"]) <= float(row["q975"]) for row in rows)
    assert {row["scenario_label"] for row in rows if row["scenario"] == "a"} == {"'" + formula_label["labels"]["a"]}
    last = next(row for row in rows if (row["scenario"], row["metric"], row["year"]) == ("a", "arrests", "4"))
    wanted = formula_label["differences"]["a"]["arrests"]["by_year"][-1]["mean"]
    assert float(last["difference_mean"]) == pytest.approx(wanted, abs=1e-6)
    assert last["difference_mean"].startswith("-")  # a number stays a number
    assert last["difference_ci_low"] == ""  # none in this document

    reader = csv.DictReader(io.StringIO(summary_table(with_intervals(document({"a": -0.01}), half=0.02))))
    ends = [
        [float(row[f"difference_{k}"]) for k in ("ci_low", "mean", "ci_high")]
        for row in reader
        if row["scenario"] == "a"
    ]
    assert all(low < mean < high for low, mean, high in ends)


def test_csv_has_no_nan_and_has_its_notes() -> None:
    """A missing number is an empty cell; the note of a comparison has a column; it has no row for the baseline."""
    made = with_gaps(document({"a": -0.01}))
    none = {"year": 4, **dict.fromkeys(("mean", "q025", "q975"), math.nan), "ci_low": None, "ci_high": None}
    for name in made["scenarios"]:
        made["scenarios"][name]["cost_per_qaly"] = {"unit": "£ per QALY", "label": "Cost", "by_year": [none]}
    made["differences"]["a"]["cost_per_qaly"] = {
        "unit": "£ per QALY",
        "by_year": [{**none, "mean": -0.0, "note": "=cheaper and worse"}],
    }
    text = summary_table(made)
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["metric"] == "cost_per_qaly"]

    assert "nan" not in text
    assert [(row["scenario"], row["mean"], row["difference_mean"]) for row in rows] == [("a", "", "0")]
    assert rows[0]["note"] == "'=cheaper and worse"


def test_no_number_on_the_page_is_a_negative_zero_or_outside_its_range() -> None:
    """A difference that rounds to 0 has no sign; a share of a level falls by at most 100%; hovers have the units."""
    tiny = with_intervals(document({"a": -0.000035}), half=0.004)
    change = findings.change(tiny, "acute_demand", "a")
    assert findings.signed(change) == "0.0%"
    assert findings.ends(change) == "−0.4 to +0.4%"
    clear = findings.change(with_intervals(document({"a": -0.000035}), half=0.00001), "acute_demand", "a")
    assert findings.signed(clear) == "less than 0.1% lower"
    wide = with_intervals(document({"a": -0.5}), half=0.8)
    assert findings.change(wide, "acute_demand", "a").low == -100.0
    shares = charts.difference(with_intervals(document({"a": -0.2}), half=0.01), "prevention_share")
    assert lines(shares)["a"].y[-1] == pytest.approx(2.0, abs=0.31)
    assert "percentage" in shares.layout.yaxis.title.text
    assert "%" not in str(shares.layout.yaxis.tickformat)
    assert lines(charts.over_time(tiny, "prevention_share"))["a"].customdata[0][0].endswith("%")
    for figure in (charts.difference(tiny, "acute_demand"), charts.spend_difference(tiny, ("spend_acute",))):
        for trace in figure.data:
            texts = [text for row in trace.customdata or () for text in row]
            assert not [text for text in texts if text[0] in "−+" and not text.strip("−+0.")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (0.04, "0.040"),
        (1.84, "1.8"),
        (12.34, "12.3"),
        (1234.5, "1,234"),
        (1e-7, "less than 0.001"),
    ],
)
def test_figures_have_significant_digits(value: float, text: str) -> None:
    """A figure has neither '0.0' for a value other than 0 nor many decimals."""
    assert findings.figure_text(value) == text


def test_a_clear_difference_is_decided_by_the_interval_of_the_mean() -> None:
    """A difference is clear if the interval of its mean excludes 0, even if the band of the seeds includes 0."""
    row = {"mean": -1.0, "q025": -2.6, "q975": 0.3, "ci_low": -1.4, "ci_high": -0.6}
    assert findings.excludes_zero(row)
    assert not findings.excludes_zero({**row, "ci_high": 0.1})
    assert not findings.excludes_zero({**row, "ci_low": None, "ci_high": None})
