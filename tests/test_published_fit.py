"""Fits of simulated effects to published figures: the bands, the words for a miss, and what is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.results.expectation_tests import Estimate
from sim.schema.errors import InputError
from sim.validation.natural_experiments import EXPERIMENTS, Experiment, ExperimentEffect, Measure, experiments
from sim.validation.published_fit import (
    Fit,
    effect_text,
    fit_everywhere,
    fit_of,
    miss_text,
    parameters_citing,
    register_rows,
    standing,
)
from sim.validation.robustness import ConditionEffect, Kind

MEASURES = [(e, m) for e in experiments() for m in e.measures]


def estimate(mean: float, half: float) -> Estimate:
    """An estimate of five seeds whose 95% interval is about `half` on either side of the mean."""
    spread = np.array([-1.0, -0.5, 0.0, 0.5, 1.0]) * half / 0.98162
    return Estimate(mean, spread)


@pytest.mark.parametrize(
    ("mean", "half", "expected"),
    [
        (3.0, 0.5, "in band"),
        (3.0, 1.5, "scrapes"),
        (3.9, 0.5, "scrapes"),
        (4.1, 0.5, "out"),
        (1.9, 5.0, "out"),
        (np.nan, 1.0, "no value"),
        (3.0, np.nan, "no value"),
    ],
)
def test_one_estimate_and_a_band(mean: float, half: float, expected: Fit) -> None:
    """In band needs the whole interval; a mean outside is out, however wide the interval."""
    assert fit_of([2.0, 4.0], estimate(mean, half)) == expected


def test_a_single_seed_scrapes_at_best() -> None:
    """Without an interval nothing is in band."""
    assert fit_of([2.0, 4.0], Estimate.of(np.array([3.0]))) == "scrapes"
    assert fit_of([2.0, 4.0], None) == "not run"


@pytest.mark.parametrize("kind", ["base", "place", "defaults"])
def test_a_condition_with_the_mean_outside_turns_a_fit_into_a_scrape(kind: Kind) -> None:
    """Every base of seeds, every further place and the default parameters count; one that was not run does not."""
    band, good = [2.0, 4.0], ConditionEffect("all", "all draws", (0,), estimate(3.0, 0.5))
    wide, elsewhere, missing = (
        ConditionEffect(kind, "other", (0,), value) for value in (estimate(3.0, 9.0), estimate(5.0, 0.5), None)
    )
    assert fit_everywhere(band, [good, wide, missing]) == "in band"
    assert fit_everywhere(band, [good, elsewhere]) == "scrapes"
    assert fit_everywhere(band, [elsewhere, good]) == "out"
    assert fit_everywhere(band, [missing, good]) == "not run"


@pytest.mark.parametrize(
    ("published", "effect", "text"),
    [
        (10.0, estimate(3.0, 0.0), "the simulated effect is 0.3 times the published one (0.3 to 0.3)"),
        (-10.0, estimate(-21.0, 1.0), "the simulated effect is 2.1 times the published one (2 to 2.2)"),
        (10.0, estimate(-5.0, 0.0), "the simulated effect has the opposite sign: -0.5 times the published one"),
        (None, estimate(-5.0, 0.0), "the simulated effect lies below the band"),
        (0.0, estimate(50.0, 0.0), "the simulated effect lies above the band"),
        (10.0, estimate(17.0, 9.0), "the mean lies in the band, the interval reaches beyond its upper end"),
        (10.0, estimate(10.0, 1.0), ""),
    ],
)
def test_a_miss_in_words(published: float | None, effect: Estimate, text: str) -> None:
    """A miss is stated by its factor, a scrape by the end of the band that the interval passes."""
    band = [5.0, 20.0] if published is None or published >= 0 else [-20.0, -5.0]
    said = miss_text(published, band, fit_of(band, effect), effect)
    assert said.startswith(text)
    assert bool(said) == bool(text)


def test_a_shared_source_hides_no_miss() -> None:
    """A fit with the source of a parameter is not counted; a miss is."""
    assert [standing(fit, ["a.b"]) for fit in ("in band", "scrapes", "out")] == ["not counted", "not counted", "out"]
    assert [standing(fit, []) for fit in ("in band", "scrapes", "out")] == ["in band", "scrapes", "out"]


def test_parameters_with_the_source_of_a_figure() -> None:
    """Sources are compared by rows of the register, ranges of rows included."""
    assert register_rows("D12 [PBE], F01-F03") == {"D12", "F01", "F02", "F03"}
    assert "services.youth_work.effect.protection" in parameters_citing("F06 [IFSyc]")
    assert parameters_citing("assumed") == ()
    v4 = Experiment.load(EXPERIMENTS / "v4-public-health-or-treatment.toml")
    assert {name for m in v4.measures for name in v4.shares_source_with(m)} == set()
    v1 = Experiment.load(EXPERIMENTS / "v1-older-people-care.toml")
    assert "services.ae.walk_in.knock_per_year.care" in v1.shares_source_with(v1.measures[0])


@pytest.mark.parametrize(
    ("experiment", "measure"), MEASURES, ids=lambda value: getattr(value, "id", None) or value.label
)
def test_every_figure_can_be_missed(experiment: Experiment, measure: Measure) -> None:
    """A published figure has a closed band around it, on one side of 0 for an effect, and a row in the register.

    The band is no wider than from a quarter to three times the figure.
    """
    assert register_rows(measure.source or experiment.published.source)
    if measure.published is None:
        return
    assert measure.band is not None
    low, high = measure.band
    assert low < measure.published < high
    if measure.published != 0.0:
        assert low * high > 0.0
        ends = sorted((low / measure.published, high / measure.published))
        assert ends[0] > 0.25
        assert ends[1] < 3.0


def test_pounds_of_a_qaly_are_judged_as_such() -> None:
    """V4 has the absolute pounds beside the ratio, in half to double of the published figures."""
    v4 = Experiment.load(EXPERIMENTS / "v4-public-health-or-treatment.toml")
    absolute = [m for m in v4.measures if m.pounds is not None]
    assert [(m.published, m.band) for m in absolute] == [(3800.0, [1900.0, 7600.0]), (13500.0, [6750.0, 27000.0])]
    assert {m.metric for m in v4.measures} == {"qalys_lived"}
    assert [m.pounds for m in absolute] == [
        pytest.approx(sum(policy.shift or 0.0 for policy in arm.policies)) for arm in v4.arms
    ]


COST = Measure(
    label="Pounds of a QALY", metric="qalys_lived", year=2, unit="£ per QALY", pounds=10.0, published=2000.0,
    band=[1000.0, 4000.0], band_reason="half to double, for this test",
)  # fmt: skip


@pytest.mark.parametrize(
    ("gained", "half", "fit", "text", "miss"),
    [
        (5.0, 1.0, "in band", "2,000 (1,670 to 2,500)", ""),
        (5.0, 3.0, "scrapes", "2,000 (1,250 to 5,000)", "the mean lies in the band, the interval reaches beyond its"),
        (2.0, 1.0, "out", "5,000 (3,330 to 10,000)", "the simulated cost is 2.5 times the published one (1.7 to 5)"),
        (1.0, 2.0, "out", "10,000 (from 3,330)", "the simulated cost is 5 times the published one (at least 1.7)"),
        (
            -1.0,
            2.0,
            "out",
            "no gain (from 10,000)",
            "the money gains nothing on average; the interval allows a cost of",
        ),
        (-2.0, 1.0, "out", "-", "the money gains nothing on average"),
    ],
)
def test_a_cost_is_compared_by_its_inverse(gained: float, half: float, fit: str, text: str, miss: str) -> None:
    """£10 a head is £10,000 for 1,000 people: 5 QALYs cost £2,000 each. A cost without limit has an interval too."""
    effect = ExperimentEffect(COST, (ConditionEffect("all", "all draws", (0,), estimate(gained, half)),))
    assert effect.fit == fit
    assert effect_text(effect.row()) == text
    assert effect.miss.startswith(miss)
    assert bool(effect.miss) == bool(miss)


def test_an_unknown_parameter_is_refused(tmp_path: Path) -> None:
    """The message names the line and the key."""
    text = (EXPERIMENTS / "v5-continuity.toml").read_text(encoding="utf-8")
    path = tmp_path / "v5.toml"
    path.write_text(text.replace('"quality.known"', '"quality.magic"', 1), encoding="utf-8")
    with pytest.raises(InputError, match=r"shares_source_with.*quality\.magic"):
        Experiment.load(path)
    path.write_text(text.replace("band_reason", "# band_reason", 1), encoding="utf-8")
    with pytest.raises(InputError, match="band_reason"):
        Experiment.load(path)
