"""States how certain the headline is: the range of single runs, its causes, and the doubt that no band contains."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dashboard.findings import Change, change, direction, focus, metric_label, scenario_label, signed_end, small
from dashboard.horizon import answer_row
from dashboard.model import Document
from sim.results.doubt import refusals
from sim.results.spread import share_of_parameters

FEWEST_PAIRS = 4
"""Draws that must have run twice before the page states how much of the spread is chance: fewer say little about it."""


def sentences(document: Document, metric: str) -> list[str]:
    """State how certain the headline is.

    Parameters
    ----------
    document : Document
        A comparison.
    metric : str
        The measure of the headline.

    Returns
    -------
    list of str
        A sentence or two each on: the range of single runs, the causes of their spread, draws that could not be
        calibrated, and the doubt that no band contains. Text between backticks is a command.
    """
    name = focus(document, metric) or _widest(document, metric)
    if name is None:
        return []
    beyond = document.get("beyond_bands", "")
    refused = {int(seed): reason for seed, reason in document.get("refused", {}).items()}
    return [
        *_range_of_runs(document, metric, name),
        *_causes(document, metric, name),
        *refusals(refused),
        *([beyond] if beyond else []),
    ]


def _widest(document: Document, metric: str) -> str | None:
    """The policy whose difference varies most between runs."""

    def width(name: str) -> float:
        result = change(document, metric, name)
        return abs(result.run_high - result.run_low)

    return max(document["differences"], key=width, default=None)


def _range_of_runs(document: Document, metric: str, name: str) -> list[str]:
    result = change(document, metric, name)
    runs = len(document["seeds"])
    if runs < 2 or math.isnan(result.run_low) or math.isnan(result.run_high):
        return []
    label = small(metric_label(document, metric))
    text = (
        f"Under {scenario_label(document, name)}, the difference in {label} could be as low as "
        f"{signed_end(result, result.run_low)} or as high as {signed_end(result, result.run_high)} (middle 95% of "
        f"{runs} runs)."
    )
    return [text, *_direction_of_runs(result)]


def _direction_of_runs(result: Change) -> list[str]:
    if result.clear and result.mixed:
        return [f"The mean is clearly {direction(result.mean)}, but some runs differ in the other direction."]
    return []


def _causes(document: Document, metric: str, name: str) -> list[str]:
    """How much of the spread between runs is chance, and how much the parameters cause."""
    if document.get("draws", "none") == "none":
        return [
            "All runs have the parameters as declared, so all of this spread is chance. That the parameters are not "
            "known exactly is in no band."
        ]
    last = answer_row(document, document["differences"][name][metric])
    share = share_of_chance(last.get("luck_sd"), last.get("parameter_sd"))
    if share is None:
        return []
    if len(document.get("replicates", ())) < FEWEST_PAIRS:
        return [
            "This spread has two causes: chance, and that the parameters are not known exactly. "
            f"{len(document['seeds'])} runs are too few to state how much each matters."
        ]
    repeats = len(document["replicates"])
    _, low, high = share_of_parameters(last["luck_sd"], last["parameter_sd"], repeats)
    room = f"With {repeats} draws run twice, the part of parameters may be {low:.0%} to {high:.0%}."
    return [f"{_split(share)} {room}"]


def share_of_chance(luck_sd: float | None, parameter_sd: float | None) -> float | None:
    """The share of the variance between runs that is chance; None if it is not known or nothing varies."""
    if luck_sd is None or parameter_sd is None:
        return None
    total = luck_sd**2 + parameter_sd**2
    return luck_sd**2 / total if math.isfinite(total) and total > 0.0 else None


def _split(share: float) -> str:
    """A sentence on the two causes, with shares rounded to 10%: a few repeated draws support no more."""
    chance = 10 * round(10.0 * share)
    if chance == 0:
        return (
            "Almost all of the spread between runs comes from parameters that are not known exactly, and little from "
            "chance."
        )
    if chance == 100:
        return "Almost all of the spread between runs comes from chance, and little from the parameters."
    return (
        f"About {chance}% of the spread between runs comes from chance, and about {100 - chance}% from parameters that "
        "are not known exactly."
    )


def code_parts(text: str) -> Sequence[tuple[str, bool]]:
    """The parts of a text, and whether each is a command between backticks."""
    return [(part, k % 2 == 1) for k, part in enumerate(text.split("`")) if part]
