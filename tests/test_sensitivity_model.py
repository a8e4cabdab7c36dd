"""The stock-flow twin as a function of parameters, as studies of sensitivity evaluate it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import sim
from sim.analysis.sensitivity.inputs import parameter_inputs
from sim.analysis.sensitivity.model import TwinModel
from sim.analysis.sensitivity.study import at_ends, question_of

YEARS = 8


@pytest.mark.slow
def test_the_twin_answers_for_draws() -> None:
    """With declared parameters the model is the stock-flow engine; the policy costs more, the more prevention pays.

    The share of overspends that prevention pays was the first finding about what drives the salami slice: the
    difference rises with it from end to end. A contradictory or runaway draw is NaN, and does not end the study.
    """
    question, known = question_of(
        "baseline", "salami-slice", place=None, people=3_000, years=YEARS, metric="acute_demand"
    )
    inputs = parameter_inputs(known)
    model: TwinModel = pickle.loads(pickle.dumps(question.make))()
    levels = model(at_ends(inputs, known, ["levers.overspend_share"]))
    assert levels.shape == (3, 2, YEARS)
    engine = sim.compare("baseline", "salami-slice", people=3_000, years=YEARS, engine="stocks")
    for k, scenario in enumerate(engine.names):
        assert levels[0, k] == pytest.approx(engine.acute_demand.level(scenario)["mean"], rel=1e-9)
    declared, low, high = levels[:, 1, -1] - levels[:, 0, -1]
    assert 0.0 < low < declared < high
    other = question._replace(metric="spend_total").make()
    assert np.isfinite(other(at_ends(inputs, known, []))).all()
