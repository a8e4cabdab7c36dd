"""A ranking in sentences: the first of each criterion with those that are not distinguished from it, and the doubt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sim.ranking.criteria import Criterion
from sim.ranking.order import Standing
from sim.ranking.ranking import NOTHING, Ranking
from sim.results.money.ledger import OUTSIDE, SILO_LABELS
from sim.results.number_text import fixed
from sim.scenario.valuation import Valuation
from sim.state.codes import SILOS

if TYPE_CHECKING:
    from sim.ranking.ranking import RankedIntervention
    from sim.results.money.appraisal import PresentValue

MOST_NAMED = 3
"""Largest number of interventions, or of payers, that a sentence names."""
LEAST_PAID = 0.005
"""Pounds a person below which a payer or a gainer is not named."""


def title(ranking: Ranking) -> str:
    """The heading of a ranking."""
    return (
        f"{ranking.place_label}: interventions ranked at £{ranking.budget:,.2f} a head a year "
        f"({100.0 * ranking.budget / ranking.spending:.2f}% of spending in scope)"
    )


def subject(ranking: Ranking) -> str:
    """What was run, in a sentence."""
    kind = {
        "all": "draws of all parameters",
        "mechanisms": "draws of the parameters of mechanisms",
        "none": "seeds with the central parameters",
    }[ranking.draws]
    number = len(ranking.interventions)
    return (
        f"{number} intervention{'s' if number > 1 else ''}, {ranking.people:,} people, {ranking.years} years, "
        f"{len(ranking.seeds)} {kind}. The budget begins in {ranking.start} and grows over {ranking.ramp_months} "
        f"months; its present value is £{ranking.budget_present:,.2f} a person."
    )


def first_places(ranking: Ranking) -> tuple[str, ...]:
    """State for each criterion which intervention has the best mean, and which are not distinguished from it."""
    return tuple(_first(ranking, criterion) for criterion in ranking.criteria)


def _first(ranking: Ranking, criterion: Criterion) -> str:
    places = ranking.standings[criterion.name]
    first, labels = places[0], ranking.labels
    mean = fixed(ranking.figures(first.name, criterion)["mean"], criterion.decimals, signed=True)
    text = f"{criterion.label}: {labels[first.name]} has the best mean ({mean} {criterion.unit})"
    if len(ranking.seeds) < 2:
        return f"{text}. One run: nothing is distinguished from chance."
    text += f" and is the best in {first.best:.0%} of the draws. {_tie(ranking, first.tied)}"
    better, worse = against_nothing(places)
    number = len(places) - 1
    return f"{text} Clearly better than no intervention: {len(better)} of {number}; clearly worse: {len(worse)}."


def _tie(ranking: Ranking, tied: tuple[str, ...]) -> str:
    if not tied:
        return "It is clearly better than every other row."
    named = "; ".join(ranking.labels[name] for name in tied[:MOST_NAMED])
    more = len(tied) - MOST_NAMED
    return f"The draws do not distinguish it from {named}{f'; and {more} more' if more > 0 else ''}."


def against_nothing(places: Sequence[Standing]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """List the interventions that are clearly better, and clearly worse, than no intervention.

    Parameters
    ----------
    places : sequence of Standing
        The places by one criterion.

    Returns
    -------
    better, worse : tuple of str
        Names, best first.
    """
    names = [place.name for place in places]
    at = names.index(NOTHING)
    tied = {NOTHING, *places[at].tied}
    return tuple(n for n in names[:at] if n not in tied), tuple(n for n in names[at:] if n not in tied)


def pockets(ranking: Ranking, entry: RankedIntervention) -> str:
    """State who pays for an intervention, and for whom acute demand falls most."""
    return f"{_payers(entry)}; {_largest_gain(ranking, entry)}"


def _payers(entry: RankedIntervention) -> str:
    """The sources that clearly pay more, the largest first; for moved money, the budgets that it moves to."""
    people = entry.money.people
    clear = {name: each.mean / people for name, each in entry.money.payers.items() if _surely_positive(each)}
    names = [name for name in sorted(clear, key=lambda payer: -clear[payer]) if clear[name] >= LEAST_PAID]
    words = [f"{PAYER_LABELS[name]} (£{fixed(clear[name], 2)})" for name in names[:MOST_NAMED]]
    if entry.funding == "new money":
        return f"paid by {' and '.join(words)}" if words else "no source clearly pays more"
    moved = [word for name, word in zip(names, words, strict=False) if name in SILOS]
    others = [word for name, word in zip(names, words, strict=False) if name not in SILOS]
    text = "paid by other lines" + (f" and {' and '.join(others)}" if others else "")
    return text + (f", budgets move to {' and '.join(moved)}" if moved else "")


def _surely_positive(estimate: PresentValue) -> bool:
    """Whether the 95% interval lies above 0; with one run, whether the amount does."""
    return estimate.mean > 0.0 and not estimate.ci_low <= 0.0


def _largest_gain(ranking: Ranking, entry: RankedIntervention) -> str:
    """The budget holder whose acute demand falls most, and whether it clearly falls."""
    figures = {silo: silo_figures(ranking, entry, silo) for silo in SILOS}
    silo = max(figures, key=lambda name: figures[name]["mean"])
    mean, low = figures[silo]["mean"], figures[silo]["ci_low"]
    if mean < LEAST_PAID:
        return "no budget holder has less acute demand"
    doubt = ", not clearly" if low <= 0.0 else ""
    return f"most gain: {SILO_LABELS[silo]} (£{fixed(mean, 2)}{doubt})"


def silo_figures(ranking: Ranking, entry: RankedIntervention, silo: str) -> dict[str, float]:
    """Summarise the acute demand that a budget holder is spared: pounds per person, present value."""
    k, again = SILOS.index(silo), entry.replicates
    return ranking.summary_of(entry.effects.by_silo[:, k], None if again is None else again.by_silo[:, k])


PAYER_LABELS = {
    **SILO_LABELS,
    "centre": "the centre",
    "reserves": "reserves",
    OUTSIDE: "new money outside services",
}
"""Who pays, in words."""


def notes(ranking: Ranking) -> tuple[str, ...]:
    """State how to read the ranking, and its doubt."""
    return tuple(_notes(ranking))


def _notes(ranking: Ranking) -> Iterator[str]:
    causes = "chance alone" if ranking.draws == "none" else "chance and parameters"
    yield (
        "95% interval: of the mean over the draws. Middle 95%: that of single draws, which differ by "
        f"{causes}. Best, best 3: share of the draws in which an intervention is the best, or among the best three."
    )
    yield (
        "Place: from the number of interventions that are clearly better, to the number that are not clearly worse. "
        "Two are distinguished only if the 95% interval of their difference, draw by draw, excludes 0. There are many "
        "pairs: a few are distinguished by chance."
    )
    yield (
        "The first of many is partly first by chance, so its mean is likely to be too high. Do not choose between "
        "interventions that are not distinguished."
    )
    yield (
        "All amounts are present values over the years of the run. Interventions that act later than the last year, on "
        "children above all, are understated."
    )
    yield (
        "New money adds to public spending. Money of other lines is taken from them, and what these lines then do less "
        "is part of the effect. A grant counts with the budget holder whose line it raises. Under who pays, a budget "
        "holder below 0 has less to spend."
    )
    if ranking.draws != "none":
        yield (
            "Each plan is sized at the central prices. A draw has prices of its own, at which the same plan costs more "
            "or less: the pound is that of the draw."
        )
    if any(entry.money.payers[OUTSIDE].mean > 0.0 for entry in ranking.interventions):
        yield (
            "Programmes outside services have assumed prices and assumed effects, with wide ranges. Such a programme "
            "may have a high place because its assumed price is low: find the local price first."
        )
    yield f"Net value: {_qaly(ranking.valuation)}"
    for name in ranking.without_ratio:
        yield f"{ranking.labels[name]}: its cost is not surely above £0 in the draws, so it has no ratio and no place."
    if ranking.refused:
        yield f"{len(ranking.refused)} draws could not be calibrated and are left out."
    yield "The model shows what its equations imply. Most parameters are assumed, and nothing here is a forecast."


def _qaly(valuation: Valuation) -> str:
    from sim.results.money.amounts import STANDARD

    value = next(value for value in valuation.qaly_values if value.name == STANDARD)
    others = ", ".join(f"£{each.pounds:,.0f}" for each in valuation.qaly_values if each.name != STANDARD)
    return (
        f"a QALY is worth £{value.pounds:,.0f} ({value.label}). The files have the net value at {others} too."
        if others
        else f"a QALY is worth £{value.pounds:,.0f} ({value.label})."
    )
