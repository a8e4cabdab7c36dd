"""What a comparison's numbers say, in sentences: which policy, how much, how soon, how sure.

A difference is told with the 95 % interval of its mean over seeds, which is what tells it from luck; with one seed, or
from an older document, with the middle 95 % of the seeds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dashboard.model import YOURS, Document
from dashboard.moves import FIFTH_LABELS

SEEDS = "middle 95 % of seeds"
MEAN = "95 % interval of the mean"


class Change(NamedTuple):
    """A metric's difference from the baseline in one year, in the way it is best said."""

    mean: float
    low: float
    high: float
    unit: str  # "%" of the baseline, "percentage points", or the metric's own unit
    year: int
    band: str  # what low and high are the ends of

    @property
    def clear(self) -> bool:
        """Whether the difference is told from luck: the interval leaves out zero."""
        return bool(self.low > 0.0 or self.high < 0.0)


def interval(row: Mapping[str, Any]) -> tuple[float, float, str]:
    """The ends of what is told of a difference, and what they are the ends of."""
    low, high = row.get("ci_low"), row.get("ci_high")
    if low is None or high is None:
        return row["q025"], row["q975"], SEEDS
    return low, high, MEAN


def told_apart(row: Mapping[str, Any]) -> bool:
    """Whether a difference is told from luck."""
    low, high, _ = interval(row)
    return bool(low > 0.0 or high < 0.0)


def change(document: Document, metric: str, name: str) -> Change:
    """The difference of one scenario from the baseline in the last year."""
    record = document["differences"][name][metric]
    last = record["by_year"][-1]
    base = document["scenarios"][document["baseline"]][metric]["by_year"][-1]["mean"]
    if is_share(record["unit"]):
        scale, unit = 100.0, "percentage points"
    elif abs(base) > 1e-12 and not record["unit"].startswith("%"):
        scale, unit = 100.0 / abs(base), "%"
    else:
        scale, unit = 1.0, record["unit"]
    low, high, band = interval(last)
    return Change(last["mean"] * scale, low * scale, high * scale, unit, int(last["year"]), band)


def is_share(unit: str) -> bool:
    """Whether a unit is a part of a whole, 0 to 1, which reads better in per cent."""
    return unit == "share" or unit.startswith("share ")


def in_per_cent(unit: str) -> str:
    """A share's unit as it is shown: 'share of budget' is 'per cent of budget'."""
    return unit.replace("share", "per cent", 1) if is_share(unit) else unit


def focus(document: Document, metric: str) -> str | None:
    """The scenario a chart's title is about: the visitor's own, else the one that differs most beyond luck."""
    names = list(document["differences"])
    if YOURS in names:
        return YOURS
    changes = {name: change(document, metric, name) for name in names}
    clear = [name for name in names if changes[name].clear]
    return max(clear, key=lambda name: abs(changes[name].mean), default=None)


def finding(document: Document, metric: str, name: str | None = None) -> str:
    """What the chart of one metric shows, in a sentence: which policy, how much, how sure."""
    label = metric_label(document, metric)
    name = name or focus(document, metric)
    if not document["differences"]:
        return f"{capital(label)} under {scenario_label(document, document['baseline'])}"
    if name is None:
        return f"No difference in {small(label)} larger than luck by year {document['years'][-1]} under any policy"
    found = change(document, metric, name)
    if not found.clear:
        where = f"by year {found.year} under {scenario_label(document, name)}"
        return f"No difference in {small(label)} larger than luck {where} ({found.band}: {spread(found)})"
    return f"{capital(label)} {is_or_are(label)} {finding_short(document, metric, name)}"


def finding_short(document: Document, metric: str, name: str | None = None) -> str:
    """The same without the metric's name, for where that stands above it already."""
    name = name or focus(document, metric)
    if name is None:
        return f"no difference larger than luck by year {document['years'][-1]} under any policy"
    found = change(document, metric, name)
    said = size(found) if found.clear else "no difference larger than luck"
    return f"{said} by year {found.year} under {scenario_label(document, name)} ({found.band}: {spread(found)})"


def finding_brief(document: Document, metric: str, name: str | None = None) -> str:
    """The finding beside a small chart, whose page says which year it is and what the brackets hold."""
    name = name or focus(document, metric)
    if name is None:
        return "Within luck under every policy"
    found = change(document, metric, name)
    said = capital(size(found)) if found.clear else "Within luck"
    return f"{said} under {scenario_label(document, name)} ({spread(found)})"


def headline(document: Document, metric: str) -> str:
    """The finding with its interval, then what the other policies do in a few words; of the visitor's own, the finding
    alone, as the cards below tell of the others."""
    name = focus(document, metric)
    first = f"{finding(document, metric, name)}."
    if name is None:
        return first
    year = document["years"][-1]
    first = first.replace(f"by year {year} ", "", 1)
    rest = [] if name == YOURS else [other for other in document["differences"] if other != name]
    others = [(other, change(document, metric, other)) for other in rest]
    clear = [f"{size(found)} under {scenario_label(document, other)}" for other, found in others if found.clear]
    alike = [scenario_label(document, other) for other, found in others if not found.clear]
    more = []
    if clear:
        more.append(f"It is {listed(clear)}.")
    if alike:
        more.append(f"Under {listed(alike)} it does not differ by more than luck.")
    return " ".join([f"In year {year}, {small(first)}", *more])


def soon(document: Document, metric: str, name: str | None = None) -> str:
    """From which year on a policy differs from the baseline by more than luck."""
    label = metric_label(document, metric)
    name = name or focus(document, metric)
    if not document["differences"]:
        return f"{capital(label)} under {scenario_label(document, document['baseline'])}"
    if name is None:
        year = document["years"][-1]
        return f"{capital(label)}: no policy differs from the baseline by more than luck in year {year}"
    rows = document["differences"][name][metric]["by_year"]
    apart = [told_apart(row) for row in rows]
    where = f"{capital(label)} under {scenario_label(document, name)}"
    if not apart[-1]:
        return f"{where} does not differ from the baseline by more than luck in year {rows[-1]['year']}"
    start = len(apart)
    while start > 0 and apart[start - 1] and rows[start - 1]["mean"] * rows[-1]["mean"] > 0:
        start -= 1
    return f"{where} is {direction(rows[-1]['mean'])} than the baseline from year {rows[start]['year']} on"


def gains(document: Document, metric: str, by: str = "quintile", name: str | None = None) -> str:
    """Which groups a policy moves, from the first to the last: the most and the least deprived fifth."""
    name = name or focus(document, metric) or next(iter(document["differences"]), None)
    label = metric_label(document, metric)
    groups = document["differences"].get(name, {}).get(metric, {}).get("groups", {}).get(by)
    if name is None or not groups:
        return f"{capital(label)} by deprivation"
    unit = document["differences"][name][metric]["unit"]
    lived_in = [key for key in sorted(groups) if not math.isnan(groups[key]["by_year"][-1]["mean"])]
    edges = [groups[key]["by_year"][-1] for key in (lived_in[0], lived_in[-1])]
    places = [FIFTH_LABELS[sorted(groups).index(key)] for key in (lived_in[0], lived_in[-1])]
    if not any(told_apart(row) for row in edges):
        where = f"larger than luck in the {places[0]} or the {places[1]}"
        return f"No difference in {small(label)} {where} under {scenario_label(document, name)}"
    said = [
        f"{figure_text(abs(row['mean']))} {direction(row['mean'])}" if told_apart(row) else "no different beyond luck"
        for row in edges
    ]
    return (
        f"Under {scenario_label(document, name)}, {small(label)} is {said[0]} in the {places[0]} and {said[1]} "
        f"in the {places[1]} ({unit})"
    )


def listed(parts: Sequence[str]) -> str:
    """'a, b and c'."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def size(found: Change) -> str:
    """'1.8 % lower'."""
    return f"{figure_text(abs(found.mean))} {found.unit} {direction(found.mean)}"


def ends(found: Change) -> str:
    """'−3.4 to +0.6 %'."""
    return f"{signed(found.low)} to {signed(found.high)} {found.unit}"


def signed(value: float) -> str:
    """A size with its sign."""
    sign = "+" if value > 0 else "\N{MINUS SIGN}" if value < 0 else ""
    return f"{sign}{figure_text(abs(value))}"


def spread(found: Change) -> str:
    """'1.1 to 2.4 % lower', or '0.5 % lower to 0.9 % higher' where the band spans nothing."""
    if found.clear:
        near, far = sorted((abs(found.low), abs(found.high)))
        return f"{figure_text(near)} to {figure_text(far)} {found.unit} {direction(found.mean)}"
    if found.low == found.high == 0.0:
        return "no difference at all"
    said = (f"{figure_text(abs(end))} {found.unit} {direction(end)}" for end in (found.low, found.high))
    return " to ".join(said)


def figure_text(value: float) -> str:
    """A size with about two figures that mean something: 0.04, 1.8, 12.3, 140."""
    if math.isnan(value):
        return "an unknown"
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 0.095 or value == 0.0:
        return f"{value:.1f}"
    return f"{value:.2g}" if value >= 0.001 else "less than 0.001"


def scenario_label(document: Document, name: str) -> str:
    """A scenario's name in a sentence."""
    if name == YOURS:
        return "your policy"
    return f"“{document.get('labels', {}).get(name, name)}”"


def metric_label(document: Document, metric: str) -> str:
    """A metric's name."""
    return str(document["scenarios"][document["baseline"]][metric].get("label", metric.replace("_", " ")))


def is_or_are(label: str) -> str:
    """'is' or 'are', as a metric's name asks for."""
    words = label.lower().split()
    plural = any(word.endswith("s") and not word.endswith("ss") for word in (words[0], words[-1]))
    return "are" if plural or words[0] in ("children", "people") else "is"


def direction(value: float) -> str:
    """'lower' or 'higher'."""
    return "lower" if value < 0 else "higher"


def capital(text: str) -> str:
    """The text with a capital letter first."""
    return text[:1].upper() + text[1:]


def small(text: str) -> str:
    """The text with a small letter first, unless it is an abbreviation."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
