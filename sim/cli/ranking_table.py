"""Prints a ranking: the first of each criterion, a table for each, who pays and who gains, and what is set apart."""

from __future__ import annotations

import math
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.cli.tables import print_wrapped
from sim.ranking.criteria import Criterion
from sim.ranking.ranking import NOTHING, Ranking
from sim.ranking.sentences import first_places, notes, pockets, silo_figures, subject, title
from sim.results.money.appraisal import PresentValue
from sim.results.number_text import fixed
from sim.schema.errors import plain
from sim.state.codes import SILOS

LABEL_WIDTH = 44
SHORT_SILOS = {
    "nhs": "NHS",
    "adult_care": "adult care",
    "children": "children",
    "housing_welfare": "housing",
    "police": "police",
}


def show(ranking: Ranking, out: Console) -> None:
    """Print a ranking.

    Parameters
    ----------
    ranking : Ranking
    out : Console
        Where to print.
    """
    out.print(Text(plain(title(ranking)), style="bold"))
    print_wrapped(subject(ranking), out)
    for sentence in first_places(ranking):
        print_wrapped(sentence, out)
    for criterion in ranking.criteria:
        _criterion(ranking, criterion, out)
    _sizes(ranking, out)
    _payers(ranking, out)
    _gains(ranking, out)
    _apart(ranking, out)
    out.print()
    out.print(Text("How to read it", style="bold"))
    for note in notes(ranking):
        print_wrapped(note, out)


def _table(*heads: str, words: str = "") -> Table:
    """A table with labels, then numbers, then a column of words if it has a head."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    table.add_column("", overflow="fold", max_width=LABEL_WIDTH)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    if words:
        table.add_column(words, overflow="fold")
    return table


def _criterion(ranking: Ranking, criterion: Criterion, out: Console) -> None:
    out.print()
    out.print(Text(f"{criterion.label}, {criterion.unit}", style="bold"))
    print_wrapped(criterion.meaning, out)
    table = _table("place", "mean", "95% interval", "middle 95%", "best", "best 3")
    for place in ranking.standings[criterion.name]:
        figures = ranking.figures(place.name, criterion)

        def number(name: str, figures: dict[str, float] = figures) -> str:
            return fixed(figures[name], criterion.decimals, signed=True)

        has_interval = not math.isnan(figures["ci_low"])
        places = f"{place.rank_low}" if place.rank_low == place.rank_high else f"{place.rank_low} to {place.rank_high}"
        table.add_row(
            Text(plain(ranking.labels[place.name]), "bold" if place.name == NOTHING else ""),
            places,
            number("mean"),
            f"({number('ci_low')} to {number('ci_high')})" if has_interval and place.name != NOTHING else "",
            f"{number('q025')} to {number('q975')}" if place.name != NOTHING else "",
            f"{place.best:.0%}",
            f"{place.best_three:.0%}",
        )
    out.print(table)


def _sizes(ranking: Ranking, out: Console) -> None:
    out.print()
    out.print(Text("What the budget buys: size, cost a person, and change of acute demand", style="bold"))
    table = _table("from", "cost, £", "acute demand, %", words="size")
    for entry in ranking.interventions:
        again = entry.replicates
        cost = ranking.summary_of(entry.effects.cost, None if again is None else again.cost)
        demand = ranking.summary_of(entry.effects.demand, None if again is None else again.demand)
        table.add_row(
            Text(plain(ranking.labels[entry.name])),
            entry.funding,
            fixed(cost["mean"], 0),
            _with_mark(demand["mean"], demand["ci_low"], demand["ci_high"], 2),
            Text(plain("; ".join(entry.size))),
        )
    out.print(table)
    print_wrapped("~ 95% interval of the mean includes 0. Acute demand: mean of all years.", out)


def _payers(ranking: Ranking, out: Console) -> None:
    out.print()
    out.print(Text("Who pays: £ a person, present value; the parts add up to public spending", style="bold"))
    table = _table(*SHORT_SILOS.values(), "centre", "reserves", "outside", "spending")
    for entry in ranking.interventions:
        money = entry.money
        estimates = [*money.payers.values(), money.spending]
        table.add_row(Text(plain(ranking.labels[entry.name])), *(_pounds(each, money.people) for each in estimates))
    out.print(table)


def _gains(ranking: Ranking, out: Console) -> None:
    out.print()
    heading = "Who gains: acute demand avoided, £ a person, present value, by the budget holder that must answer it"
    out.print(Text(heading, style="bold"))
    table = _table(*SHORT_SILOS.values(), words="payer and gainer")
    for entry in ranking.interventions:
        figures = [silo_figures(ranking, entry, silo) for silo in SILOS]
        cells = [_with_mark(each["mean"], each["ci_low"], each["ci_high"], 2) for each in figures]
        table.add_row(Text(plain(ranking.labels[entry.name])), *cells, Text(pockets(ranking, entry)))
    out.print(table)


def _pounds(estimate: PresentValue, people: int) -> str:
    each = estimate.times(1.0 / people)
    return _with_mark(each.mean, each.ci_low, each.ci_high, 2)


def _with_mark(mean: float, low: float, high: float, decimals: int) -> str:
    """A difference, with a mark if its 95% interval includes 0."""
    text = fixed(mean, decimals, signed=True)
    return f"{text} ~" if low <= 0.0 <= high and low != high else text


def _apart(ranking: Ranking, out: Console) -> None:
    if not ranking.apart:
        return
    out.print()
    out.print(Text("Not ranked", style="bold"))
    by_reason = sorted(ranking.apart, key=lambda each: each.reason)
    for reason, group in groupby(by_reason, key=lambda each: each.reason):
        print_wrapped(f"{', '.join(each.name for each in group)}: {reason}.", out)
