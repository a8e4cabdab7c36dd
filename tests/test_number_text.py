"""Numbers fit to print: intervals within the range of what they measure, and one form of numbers."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

import sim
from sim.results.comparison import Comparison
from sim.results.expectation_tests import Estimate
from sim.results.metrics import metric, metrics
from sim.results.number_text import difference_unit, fixed, is_share, number_text, plain_number, shown_unit
from sim.results.summary import summary
from sim.results.summary_table import COLUMNS, summary_table


@pytest.fixture(scope="module")
def compared() -> Comparison:
    """Three seeds of a small town: few events, so intervals that would leave their range."""
    base = sim.Scenario.load("baseline").with_settings(years=2)
    cut = base.with_policy("total_budget", value=0.8, name="cut")
    return sim.compare(base, cut, people=3_000, seeds=3, draws="none")


FIGURES = st.floats(-1e9, 1e9) | st.floats(-1.0, 1.0) | st.sampled_from((0.0, -0.0, -0.04, 1e-12, -1e-12))


@for_all(value=FIGURES, decimals=st.integers(0, 4), signed=st.booleans())
def test_a_number_that_rounds_to_zero_has_no_sign(value: float, decimals: int, signed: bool) -> None:
    """The text is the rounded number, with as many decimals as asked for; a zero has neither '-' nor '+'."""
    text = fixed(value, decimals, signed=signed)
    number = float(text.replace(",", ""))
    assert number == pytest.approx(value, abs=0.51 * 10.0**-decimals)
    assert len(text.partition(".")[2]) == decimals
    assert (text[0] in "+-") == (number != 0.0 and (signed or value < 0.0))


@for_all(value=st.floats())
def test_a_number_in_a_file_is_finite_and_no_negative_zero(value: float) -> None:
    """Files have null for NaN and infinities, and no -0.0."""
    number = plain_number(value)
    assert number is None or math.isfinite(number)
    assert json.dumps(number) != "-0.0"


def test_shares_are_percentages_and_their_differences_percentage_points() -> None:
    """A level of a share has a % sign; a difference has points, and a relative difference a % sign."""
    unit = "share of adults"
    assert number_text(0.0716, unit, 4) == "7.16%"
    assert number_text(-0.0016, unit, 4, signed=True) == "-0.16"
    assert number_text(0.15, "share", 3, signed=True, relative=True) == "+15.0%"
    assert (shown_unit(unit), difference_unit(unit)) == ("% of adults", "percentage points of adults")
    assert difference_unit("months") == "months"


@for_all(values=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=8), top=st.sampled_from((1.0, np.inf)))
def test_an_interval_is_cut_at_the_limits_and_holds_the_mean(values: list[float], top: float) -> None:
    """The interval of a level lies in the range of the measure, inside the uncut one, and holds the mean."""
    array = np.array(values)
    uncut, within = summary(array), summary(array, (0.0, top))
    assert 0.0 <= within["ci_low"] <= within["mean"] <= within["ci_high"] <= top
    assert within["ci_low"] == max(0.0, uncut["ci_low"])
    assert within["ci_high"] == max(min(top, uncut["ci_high"]), within["mean"])


def test_a_relative_fall_is_at_most_all_of_it() -> None:
    """An estimate is cut at its limits, also in another unit; sums and differences have none."""
    estimate = Estimate(-0.9, np.array([-0.4, 0.0, 0.4]), limits=(-1.0, np.inf))
    assert estimate.interval()[0] == -1.0
    assert (estimate * 100.0).interval()[0] == -100.0
    assert (estimate * -1.0).interval()[1] == 1.0
    assert (estimate - estimate * 0.5).interval()[0] < -0.9


@pytest.mark.parametrize("name", [measure.name for measure in metrics()])
def test_levels_stay_inside_their_range(name: str, compared: Comparison) -> None:
    """Means, bands and intervals of levels lie within the limits of the measure, and differences within theirs."""
    measure = metric(name)
    assert measure.limits == (0.0, 1.0) or not is_share(measure.unit)
    if measure.against is not None:
        return
    frame = compared[name].by_year().dropna()
    low, high = measure.limits
    ends = frame[["mean", "q025", "q975", "ci_low", "ci_high"]]
    assert ((ends >= low) & (ends <= high)).all(axis=None)
    assert ((frame["ci_low"] <= frame["mean"]) & (frame["mean"] <= frame["ci_high"])).all()
    changes = compared[name].difference().dropna()
    low, high = measure.difference_limits
    assert ((changes["ci_low"] >= low) & (changes["ci_high"] <= high)).all()


def test_the_document_has_the_same_intervals_and_no_negative_zero(compared: Comparison) -> None:
    """The document, which summarises all measures at once, has the intervals of each measure alone."""
    document = compared.document()
    text = json.dumps(document, allow_nan=False)
    assert not any(zero in text for zero in ("-0.0,", "-0.0]", "-0.0}"))
    for name, measures in document["scenarios"].items():
        for measure in metrics():
            if measure.against is None:
                alone = compared[measure.name].level(name)["ci_low"]
                listed = [row["ci_low"] for row in measures[measure.name]["by_year"]]
                assert listed == [plain_number(end) for end in alone]


def test_the_table_for_spreadsheets_has_notes_and_no_nan(compared: Comparison) -> None:
    """The header has every column once; the note of the payback stands beside its number; nothing is NaN."""
    lines = summary_table(compared.document()).splitlines()
    assert lines[0].split(",") == list(COLUMNS)
    assert not any("nan" in line.split(",") for line in lines)
    notes = [line for line in lines if ",cost_per_qaly," in line]
    assert notes
    assert all(",baseline," not in line for line in notes)
    assert any(line.rsplit(",", 1)[1] for line in notes)


def test_a_notebook_shows_shares_as_percentages(compared: Comparison) -> None:
    """The table of a notebook has labels, units, percentages and percentage points."""
    html = compared._repr_html_()
    assert "<td>percentage points of serious need</td>" in html
    assert "%</td>" in html
    assert "nan" not in html.lower().replace("finance", "")
    assert "−0.0<" not in html
