"""What the bands of a comparison do not contain, and which draws are missing from them, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sim.results.number_text import sd_text
from sim.results.spread import share_of_parameters

if TYPE_CHECKING:
    from sim.results.metric_types import Metric

Figures = Mapping[str, Any]
CENTRAL = (
    "Every seed has the central values of the parameters: the bands show chance alone, and are narrower than the "
    "doubt. Without --draws none they show doubt about parameters too."
)
BEYOND_BANDS = (
    "Not in any band: doubt about the model's structure and scope. Of 12 published figures that `upstream validate` "
    "simulates, 7 come out wrong, 6 of them by a factor of 2 or more and one by a factor of 5.5; 1 lies in its band, "
    "but not its whole interval; the other 4 share their source with a parameter, so they prove nothing."
)
"""The order of magnitude of doubt beyond chance and parameters, counted in sim/validation/supplied/validation.json."""


def refusals(refused: Mapping[int, str]) -> list[str]:
    """State how many draws could not be calibrated, and why.

    Parameters
    ----------
    refused : mapping of int to str
        The reason by seed.

    Returns
    -------
    list of str
        One sentence, or none.
    """
    if not refused:
        return []
    reasons = "; ".join(f"seed {seed}: {reason}" for seed, reason in refused.items())
    count = f"{len(refused)} draw{'s' if len(refused) > 1 else ''} of the parameters"
    return [f"{count} could not be calibrated, and {'have' if len(refused) > 1 else 'has'} no run ({reasons})."]


def doubt_sentences(document: Mapping[str, Any], measure: Metric) -> list[str]:
    """State what the bands of a comparison contain, how much of the spread is chance, and what no band contains.

    Parameters
    ----------
    document : mapping
        The document of a comparison.
    measure : Metric
        The measure whose spread is divided.

    Returns
    -------
    list of str
    """
    if document["draws"] == "none":
        sentences = [CENTRAL] if document["engine"] != "stocks" else []
    else:
        sentences = [_runs(document), *_of_measure(document, measure), *refusals(document["refused"])]
    return [*sentences, document["beyond_bands"]]


def last_figures(document: Mapping[str, Any], measure: Metric) -> Iterator[tuple[str, Figures]]:
    """Iterate over the figures of a measure in the last year.

    Parameters
    ----------
    document : mapping
        The document of a comparison.
    measure : Metric
        The measure.

    Yields
    ------
    label : str
        Label of each policy, or of the only scenario.
    figures : mapping
        Its difference from the baseline, or its level.
    """
    for name, measures in document["differences" if document["differences"] else "scenarios"].items():
        yield document["labels"][name], measures[measure.name]["by_year"][-1]


def total_sd(figures: Figures) -> float | None:
    """Return the standard deviation between runs; None where its parts are not known."""
    by_chance, by_parameters = figures["luck_sd"], figures["parameter_sd"]
    return None if by_chance is None or by_parameters is None else math.hypot(by_chance, by_parameters)


def _runs(document: Mapping[str, Any]) -> str:
    """The number of draws and of replicates."""
    seeds, repeats = len(document["seeds"]), len(document["replicates"])
    which = "of all parameters" if document["draws"] == "all" else "of the parameters of mechanisms"
    if seeds == 1:
        return f"One seed has one draw {which}: its result is not that of the central values (--draws none)."
    return (
        f"{seeds} draws {which}, the same for every policy. {repeats} of them were run again with other chance events, "
        "which separates chance from parameters. The squares of the two SDs add up to that of all runs."
    )


def _of_measure(document: Mapping[str, Any], measure: Metric) -> Iterator[str]:
    """How much of the spread of a measure is chance, and how much is parameters, for each policy."""
    for label, figures in last_figures(document, measure):
        total = total_sd(figures)
        if total is None or total == 0.0:
            continue
        of_all, of_chance, of_parameters = (
            sd_text(deviation, measure.unit, measure.decimals)
            for deviation in (total, figures["luck_sd"], figures["parameter_sd"])
        )
        repeats = len(document["replicates"])
        share, low, high = share_of_parameters(figures["luck_sd"], figures["parameter_sd"], repeats)
        yield (
            f"{label}, {measure.label.lower()}: of the spread between runs (SD {of_all}), chance makes {of_chance} and "
            f"parameters {of_parameters}: {share:.0%} of the variance is due to parameters ({low:.0%} to {high:.0%}, "
            f"as chance is known from {repeats} repeated draws)."
        )
