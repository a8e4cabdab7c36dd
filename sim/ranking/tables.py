"""A ranking as a document for JSON, and as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from typing import Any

from sim.ranking.chart import ranking_chart
from sim.ranking.criteria import CRITERIA
from sim.ranking.ranking import NO_RATIO, NOTHING, Ranking
from sim.ranking.sentences import first_places, notes, pockets, silo_figures, subject, title
from sim.results.money.appraisal import PresentValue
from sim.results.number_text import plain_number
from sim.results.summary import SUMMARY
from sim.results.summary_table import number_cell, text_cell
from sim.schema.json_text import indented_json
from sim.schema.version import VERSION
from sim.state.codes import SILOS

PLACES = ("rank", "rank_low", "rank_high", "best", "best_three")
COLUMNS = (
    "criterion",
    "criterion_label",
    "unit",
    "name",
    "label",
    "funding",
    "size",
    *PLACES,
    "tied_with",
    *SUMMARY,
    "effect_unit",
    *(f"effect_{figure}" for figure in SUMMARY),
    "note",
)
PAYER_COLUMNS = ("name", "label", "part", "item", "unit", *PresentValue._fields)


def rows(ranking: Ranking) -> Iterator[tuple[Any, ...]]:
    """Make the rows of `ranking.csv`: those of each criterion, best first, then what is set apart."""
    for criterion in CRITERIA:
        for place in ranking.standings[criterion.name]:
            entry = ranking.by_name.get(place.name)
            ratio = ranking.figures(place.name, criterion)
            effect = ranking.figures(place.name, criterion, ratio=False)
            yield (
                criterion.name,
                criterion.label,
                criterion.unit,
                place.name,
                ranking.labels[place.name],
                "" if entry is None else entry.funding,
                "" if entry is None else "; ".join(entry.size),
                *(getattr(place, name) for name in PLACES),
                ", ".join(place.tied),
                *(ratio[figure] for figure in SUMMARY),
                criterion.effect_unit,
                *(effect[figure] for figure in SUMMARY),
                "",
            )
    empty = [math.nan] * (len(COLUMNS) - 7)
    apart = [(each.name, each.label, each.reason) for each in ranking.apart]
    apart += [(name, ranking.labels[name], NO_RATIO) for name in ranking.without_ratio]
    for name, label, reason in apart:
        yield ("", "", "", name, label, "", "", *empty[:-1], f"not ranked: {reason}")


def _payer_rows(ranking: Ranking) -> Iterator[tuple[Any, ...]]:
    """Make the rows of `payers.csv`: who pays, who spends, and who has less acute demand; pounds a person."""
    for entry in ranking.interventions:
        money = entry.money
        parts = [("pays", name, estimate) for name, estimate in money.payers.items()]
        parts += [("spends", name, estimate) for name, estimate in money.by_silo.items()]
        parts += [("spends on acute services", silo, money.estimate(f"acute.{silo}")) for silo in SILOS]
        parts += [("net value", name, estimate) for name, estimate in money.npv_by_value.items()]
        lines = [(part, item, tuple(estimate.times(1.0 / money.people))) for part, item, estimate in parts]
        for silo in SILOS:
            figures = silo_figures(ranking, entry, silo)
            lines.append(("acute demand avoided", silo, tuple(figures[name] for name in PresentValue._fields)))
        for part, item, numbers in lines:
            yield (entry.name, ranking.labels[entry.name], part, item, "£ per person, present value", *numbers)


def files(ranking: Ranking) -> dict[str, str]:
    """Write a ranking as files.

    Parameters
    ----------
    ranking : Ranking

    Returns
    -------
    dict of str to str
        Content by name: `ranking.json`, `ranking.csv`, `payers.csv`, `ranking.svg`.
    """
    return {
        "ranking.csv": _csv(COLUMNS, rows(ranking)),
        "payers.csv": _csv(PAYER_COLUMNS, _payer_rows(ranking)),
        "ranking.svg": ranking_chart(ranking),
        "ranking.json": indented_json(document(ranking)),
    }


def _csv(columns: Iterable[str], lines: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for line in lines:
        writer.writerow([number_cell(cell) if isinstance(cell, float) else text_cell(cell) for cell in line])
    return out.getvalue()


def document(ranking: Ranking) -> dict[str, Any]:
    """Collect a ranking for JSON.

    Parameters
    ----------
    ranking : Ranking

    Returns
    -------
    dict
        `criteria` with the places of each, best first; `interventions` with their policies, cost, money and who pays;
        `set_apart` with reasons; `sentences` and `notes`.
    """
    return {
        "upstream": VERSION,
        "place": ranking.place,
        "people": ranking.people,
        "years": ranking.years,
        "seeds": list(ranking.seeds),
        "repeated_draws": list(ranking.repeated),
        "refused_draws": {str(seed): reason for seed, reason in ranking.refused.items()},
        "draws": ranking.draws,
        "budget": {
            "pounds_a_head_a_year": plain_number(ranking.budget),
            "present_value_a_head": plain_number(ranking.budget_present),
            "share_of_spending_in_scope": plain_number(ranking.budget / ranking.spending),
            "start": ranking.start,
            "over_months": ranking.ramp_months,
        },
        "title": title(ranking),
        "subject": subject(ranking),
        "criteria": {
            criterion.name: {
                "label": criterion.label,
                "unit": criterion.unit,
                "meaning": criterion.meaning,
                "places": [
                    {
                        **place._asdict(),
                        "tied": list(place.tied),
                        **_numbers(ranking.figures(place.name, criterion)),
                        "effect": {
                            "unit": criterion.effect_unit,
                            **_numbers(ranking.figures(place.name, criterion, ratio=False)),
                        },
                    }
                    for place in ranking.standings[criterion.name]
                ],
            }
            for criterion in CRITERIA
        },
        "interventions": {name: _intervention(ranking, name) for name in ranking.by_name},
        "set_apart": [
            *(each._asdict() for each in ranking.apart),
            *({"name": name, "label": ranking.labels[name], "reason": NO_RATIO} for name in ranking.without_ratio),
        ],
        "baseline_name": NOTHING,
        "sentences": list(first_places(ranking)),
        "notes": list(notes(ranking)),
    }


def _intervention(ranking: Ranking, name: str) -> dict[str, Any]:
    entry = ranking.by_name[name]
    again = entry.replicates
    return {
        "label": ranking.labels[name],
        "funding": entry.funding,
        "policies": list(entry.size),
        "cost_a_head": _numbers(ranking.summary_of(entry.effects.cost, None if again is None else again.cost)),
        "acute_demand_change_percent": _numbers(
            ranking.summary_of(entry.effects.demand, None if again is None else again.demand)
        ),
        "acute_demand_avoided_by_silo": {silo: _numbers(silo_figures(ranking, entry, silo)) for silo in SILOS},
        "pockets": pockets(ranking, entry),
        "money": entry.money.document(),
    }


def _numbers(figures: dict[str, float]) -> dict[str, float | None]:
    return {name: plain_number(figures[name]) for name in SUMMARY}
