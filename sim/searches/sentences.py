"""The result of a search in words: the best mix, its money, who pays, how often it is better, and its doubt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.results.money.ledger import SILO_LABELS
from sim.results.number_text import MINUS, difference_unit, number_text, sd_text

SMALL = 0.005
"""Pounds a head below which a change of a plan is not named."""


def sentences(document: Mapping[str, Any]) -> list[str]:
    """Describe the result.

    Parameters
    ----------
    document : mapping
        The document of a `SearchResult`.

    Returns
    -------
    list of str
    """
    best = document["front"][0]
    out = [_best(document, best), *_plan(document, best), _spending(document, best), _fifths(best)]
    out += [_stability(document)]
    out += _agents(document)
    refused = document["refused_draws"]
    without = f" ({refused} further draws have no steady baseline)" if refused else ""
    out.append(
        f"The front was chosen among {document['mixes']:,} mixes on the same {document['draws']} draws of the "
        f"parameters{without}, so the twin's figures are too good by some amount; those with fresh draws are not. The "
        "form of the model is in no interval. These are differences in a model between ways to spend the same plan, "
        "and no forecast."
    )
    return out


def difference(value: float | None, objective: Mapping[str, Any]) -> str:
    """A difference of an objective with its unit."""
    unit = objective["unit"]
    return f"{number_text(value, unit, objective['decimals'], signed=True, minus=MINUS)} {difference_unit(unit)}"


def interval(
    figures: Mapping[str, Any], objective: Mapping[str, Any], low: str = "ci_low", high: str = "ci_high"
) -> str:
    """The ends of an interval of an objective, without its unit: '-1.2 to +0.3'."""
    unit, decimals = objective["unit"], objective["decimals"]
    return " to ".join(number_text(figures[end], unit, decimals, signed=True, minus=MINUS) for end in (low, high))


def pounds(value: float | None) -> str:
    """Pounds a head, signed: '+£1.20'."""
    number = 0.0 if value is None else value
    sign = "+" if number > 0.0 else MINUS if number < 0.0 else ""
    text = f"{abs(number):,.2f}"
    return f"{sign if text != '0.00' else ''}£{text}"


def _best(document: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    objective = document["objectives"][0]
    figures = best["objectives"][objective["name"]]
    first, last = objective["years"]
    if best["is_baseline"]:
        return (
            f"No mix within the ranges and limits is better than the baseline in {objective['label'].lower()} "
            f"(years {first} to {last}): the baseline is the first point of the front."
        )
    times = round(figures["better_in"] * document["draws"])
    share = objective["quantile"]
    robust = (
        "" if share is None else f"{difference(figures['objective'], objective)} or better in {share:.0%} of draws, "
    )
    return (
        f"Point 1 is the best mix for the first objective, {objective['label'].lower()}, within all limits: "
        f"{difference(figures['mean'], objective)} on average of years {first} to {last} by the stock-flow twin "
        f"({robust}middle 95% of draws "
        f"{interval(figures, objective, 'q025', 'q975')}). It is better than the baseline in {times} of "
        f"{document['draws']} draws."
    )


def _plan(document: Mapping[str, Any], best: Mapping[str, Any]) -> list[str]:
    """What the mix does, and who pays for it."""
    if best["is_baseline"]:
        return []
    moved = []
    for lever in document["levers"]:
        value, before = best["levers"][lever["lever"]], lever["baseline"]
        change = (value - before) * lever["pounds_a_head"]
        if value != before:
            text = f" ({pounds(change)} a head)" if lever["pounds_a_head"] else ""
            moved.append((-abs(change), f"{lever['lever']} {before:g} to {value:.3g}{text}"))
    words = ", ".join(text for _, text in sorted(moved))
    out = [f"It sets {words}. The plan costs the same as the baseline's; pounds are per head a year."]
    shares = {name: x for name, x in best["plan"].items() if x is not None and abs(x) >= SMALL}
    if shares:
        gains = _holders({name: x for name, x in shares.items() if x > 0.0})
        pays = _holders({name: x for name, x in shares.items() if x < 0.0})
        out.append(f"The plan gives more to {gains or 'no budget holder'} and less to {pays or 'no budget holder'}.")
    else:
        out.append("No budget holder's plan changes: money moves within the plan of each.")
    return out


def _holders(amounts: Mapping[str, float]) -> str:
    ordered = sorted(amounts.items(), key=lambda item: -abs(item[1]))
    return ", ".join(f"{SILO_LABELS[name]} ({pounds(x)})" for name, x in ordered)


def _spending(document: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    if best["is_baseline"]:
        return "So nothing is spent otherwise."
    spent = best["spending"]
    holders = {name: x for name, x in best["spending_of"].items() if x is not None and abs(x) >= SMALL}
    of = f"; of this {_holders(holders)}" if holders else ""
    prevention = (spent["preventive"] or 0.0) + (spent["community"] or 0.0)
    return (
        f"What is spent, overspends and unfilled posts included, changes by {pounds(spent['total'])} a head a year on "
        f"average of {document['years']} years{of}. Preventive and community spending changes by {pounds(prevention)}, "
        f"responsive by {pounds(spent['responsive'])}, acute by {pounds(spent['acute'])}."
    )


def _fifths(best: Mapping[str, Any]) -> str:
    values = ", ".join(f"{(x or 0.0):+.2f}".replace("-", MINUS) for x in best["fifths"].values())
    return f"Acute demand changes by {values} points in the deprivation fifths, from the most to the least deprived."


def _stability(document: Mapping[str, Any]) -> str:
    alike = document["stability"]
    seeds = alike["optimiser_seeds"]
    if len(seeds) < 2:
        return (
            "The optimiser ran with one seed, so the stability of the front is not known: state two in optimiser.seeds."
        )
    shares = " and ".join(f"{x:.1%}" for x in alike["hypervolume_share"])
    apart = " and ".join("no" if x is None else f"{x:.3f}" for x in alike["distance"])
    verdict = "are alike" if alike["is_stable"] else "differ: more generations, or a larger population, are needed"
    return (
        f"The fronts of {len(seeds)} seeds of the optimiser {verdict}: they have {shares} of the joint front's "
        f"hypervolume, and the joint front's points lie {apart} ranges from the nearest of theirs."
    )


def _agents(document: Mapping[str, Any]) -> list[str]:
    confirmation = document["confirmation"]
    if confirmation is None:
        return ["No point was run by agents: the error of the twin is not known."]
    points, objective = confirmation["points"], document["objectives"][0]
    good = [p for p in points if p["survives"]]
    out = [
        f"{len(good)} of {len(points)} points keep their place on the front when {confirmation['people']:,} agents run "
        f"them with {len(confirmation['seeds'])} fresh draws."
    ]
    for p in points:
        if not p["survives"]:
            names = ["the baseline" if j == 0 else f"point {j}" for j in p["beaten_by"]]
            reasons = [f"{' and '.join(names)} beat it" if len(names) > 1 else f"{names[0]} beats it"] if names else []
            missed = p["limits_missed"]
            reasons += (
                [f"it misses: {missed[0]}" + (f" and {len(missed) - 1} more" if len(missed) > 1 else "")]
                if missed
                else []
            )
            out.append(f"Point {p['point']} does not survive: {'; '.join(reasons)}.")
    first = points[0]
    figures = first["objectives"][objective["name"]]
    agents, error = figures["agents"], figures["twin_error"]
    is_known = agents["ci_low"] is not None and not agents["ci_low"] <= 0.0 <= agents["ci_high"]
    name, unit = objective["measure"].lower(), objective["unit"]
    spread = [sd_text(agents[key], unit, objective["decimals"]) for key in ("luck_sd", "parameter_sd")]
    doubt = "" if is_known else ", which includes 0: agents do not distinguish it from the baseline"
    out.append(
        f"By agents, point {first['point']} changes {name} by {difference(agents['mean'], objective)} on average (95% "
        f"interval of the mean {interval(agents, objective)}{doubt}; standard deviation between draws {spread[0]} by "
        f"chance events and {spread[1]} by parameters). By the twin, with the same draws, it is "
        f"{difference(figures['twin']['mean'], objective)}: the twin's error is {difference(error['mean'], objective)} "
        f"({interval(error, objective)})."
    )
    return out
