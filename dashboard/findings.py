"""States the result of a comparison in sentences: which policy, how large a difference, from which year, how certain.

A difference comes with the 95% confidence interval (CI) of its mean over runs, and with the middle 95% of the runs. The
difference is called clear if the CI excludes 0: single runs may still differ in the other direction. With one run there
is no CI, and the middle 95% of the runs is used instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dashboard.horizon import answer_row, answer_year
from dashboard.lever_settings import FIFTH_LABELS
from dashboard.model import YOURS, Document
from sim.results.number_text import MINUS, POINTS, difference_unit, fixed, is_share

RUNS = "middle 95% of runs"
MEAN = "95% CI of the mean"
MEAN_SHORT = "95% CI"
MIXED = "on average: runs go both ways"
NO_DIFFERENCE = "No clear difference"
PREVENTION = "prevention_share"
"""The measure by which the page knows a policy that spends more on prevention."""
SHORTEST_SPELL = 2
"""Years in a row that must differ clearly before a sentence names them: one year can differ by chance."""


class Change(NamedTuple):
    """A measure's difference from the baseline in one year, in the unit in which it is best stated."""

    mean: float
    low: float
    high: float
    unit: str  # "%" of the baseline, "percentage points", or the measure's own unit
    year: int
    band: str  # the kind of interval whose ends are `low` and `high`
    run_low: float  # the ends of the middle 95% of runs
    run_high: float

    @property
    def clear(self) -> bool:
        """Whether the interval excludes 0."""
        return bool(self.low > 0.0 or self.high < 0.0)

    @property
    def mixed(self) -> bool:
        """Whether the middle 95% of runs includes differences in both directions."""
        return bool(self.run_low < 0.0 < self.run_high)

    @property
    def decimals(self) -> int:
        """The decimals of its three figures: at most one for percentages and percentage points."""
        figures = (self.mean, self.low, self.high)
        most = figure_decimals(*figures)
        return min(most, 1) if self.unit in ("%", POINTS) else most


def interval(row: Mapping[str, Any]) -> tuple[float, float, str]:
    """The ends of the interval of a difference, and the kind of interval."""
    low, high = row.get("ci_low"), row.get("ci_high")
    if low is None or high is None:
        return row["q025"], row["q975"], RUNS
    return low, high, MEAN


def excludes_zero(row: Mapping[str, Any]) -> bool:
    """Whether the interval of a difference excludes 0."""
    low, high, _ = interval(row)
    return bool(low > 0.0 or high < 0.0)


def change(document: Document, metric: str, name: str) -> Change:
    """The difference of one scenario from the baseline in the year of the answer."""
    record = document["differences"][name][metric]
    last = answer_row(document, record)
    base = answer_row(document, document["scenarios"][document["baseline"]][metric])["mean"]
    if is_share(record["unit"]):
        scale, unit = 100.0, POINTS
    elif abs(base) > 1e-12 and not record["unit"].startswith("%"):
        scale, unit = 100.0 / abs(base), "%"
    else:
        scale, unit = 1.0, record["unit"]
    low, high, band = interval(last)
    run_low, run_high = last["q025"], last["q975"]
    if unit == "%" and base > 0.0 and base + last["mean"] >= 0.0:  # a measure that is at least 0 falls by all of it
        low, run_low = max(low, -base), max(run_low, -base)
    mean, low, high, run_low, run_high = (scale * figure for figure in (last["mean"], low, high, run_low, run_high))
    return Change(mean, low, high, unit, int(last["year"]), band, run_low, run_high)


def with_unit(text: str, unit: str) -> str:
    """A number with its unit: '15%' without a space, any other unit with a space."""
    return f"{text}{unit}" if unit.startswith("%") else f"{text} {unit}".strip()


def focus(document: Document, metric: str) -> str | None:
    """The policy of the headline and of titles.

    The visitor's own policy; else the policy that spends most more on prevention, as prevention is the page's question;
    else the policy with the largest clear difference, if there is one.
    """
    names = list(document["differences"])
    if YOURS in names:
        return YOURS
    shifts = {name: answer_row(document, document["differences"][name][PREVENTION]) for name in names
              if PREVENTION in document["differences"][name]}  # fmt: skip
    more = [name for name, row in shifts.items() if excludes_zero(row) and row["mean"] > 0.0]
    if more:
        return max(more, key=lambda name: shifts[name]["mean"])
    changes = {name: change(document, metric, name) for name in names}
    clear = [name for name in names if changes[name].clear]
    return max(clear, key=lambda name: abs(changes[name].mean), default=None)


def finding(document: Document, metric: str, name: str | None = None) -> str:
    """The result of one measure in a sentence: policy, size of the difference, and interval."""
    label = metric_label(document, metric)
    name = name or focus(document, metric)
    if not document["differences"]:
        return f"{capital(label)} under {scenario_label(document, document['baseline'])}"
    if name is None:
        return f"{NO_DIFFERENCE} in {small(label)} by year {answer_year(document)} under any policy"
    result = change(document, metric, name)
    when = f"by year {result.year} under {scenario_label(document, name)} ({result.band}: {spread(result)})"
    if result.clear:
        return f"{capital(label)} {is_or_are(label)} {size(result)} {when}"
    period = spell(document["differences"][name][metric]["by_year"])
    earlier = f"; it differs {period.years}, when it is {direction(period.mean)}" if period else ""
    return f"{NO_DIFFERENCE} in {small(label)} {when}{earlier}"


def finding_brief(document: Document, metric: str, name: str | None = None) -> str:
    """The finding of a small chart, without the year and the kind of interval."""
    if constant(document, metric):
        return "The same under every policy, in every year"
    name = name or focus(document, metric)
    if name is None:
        return f"{NO_DIFFERENCE} under any policy"
    result = change(document, metric, name)
    text = capital(size(result)) if result.clear else NO_DIFFERENCE
    return f"{text} under {scenario_label(document, name)} ({spread(result)})"


def constant(document: Document, metric: str) -> bool:
    """Whether a measure has the same value under all scenarios and in all years: nothing that was run moves it."""
    figures = {
        row[figure]
        for measures in document["scenarios"].values()
        for row in measures[metric]["by_year"]
        for figure in ("mean", "q025", "q975")
    }
    return len(figures) == 1


def headline(document: Document, metric: str) -> str:
    """The result of the policy in focus in one sentence. The cards below it show every policy."""
    return f"{finding(document, metric)}."


class Spell(NamedTuple):
    """Years in a row in which a policy differs clearly from the baseline, in one direction."""

    first: int
    last: int
    mean: float

    @property
    def years(self) -> str:
        """'in years 3 to 12'."""
        return f"in years {self.first} to {self.last}"


def spell(rows: Sequence[Mapping[str, Any]]) -> Spell | None:
    """The longest time for which a policy differs clearly; None if that is shorter than `SHORTEST_SPELL` years."""
    longest: list[Mapping[str, Any]] = []
    current: list[Mapping[str, Any]] = []
    for row in rows:
        differs = excludes_zero(row)
        goes_on = bool(current) and current[-1]["mean"] * row["mean"] > 0
        current = ([*current, row] if goes_on else [row]) if differs else []
        longest = max(longest, current, key=len)
    if len(longest) < SHORTEST_SPELL:
        return None
    return Spell(longest[0]["year"], longest[-1]["year"], sum(row["mean"] for row in longest) / len(longest))


def soon(document: Document, metric: str, name: str | None = None) -> str:
    """The year from which a policy differs clearly from the baseline to the end, or the years in which it did."""
    label = metric_label(document, metric)
    name = name or focus(document, metric)
    if not document["differences"]:
        return f"{capital(label)} under {scenario_label(document, document['baseline'])}"
    if name is None:
        year = document["years"][-1]
        return f"{capital(label)}: no policy differs clearly from the baseline in year {year}"
    rows = document["differences"][name][metric]["by_year"]
    clear = [excludes_zero(row) for row in rows]
    verb = is_or_are(label)
    subject = f"{capital(label)} under {scenario_label(document, name)}"
    if not clear[-1]:
        period = spell(rows)
        end = f"from the baseline in year {rows[-1]['year']}"
        if period is None:
            return f"{subject}: no clear difference {end}"
        than = f"{direction(period.mean)} than in the baseline {period.years}"
        return f"{subject} {verb} {than}, and not clearly different {end}"
    start = len(clear)
    while start > 0 and clear[start - 1] and rows[start - 1]["mean"] * rows[-1]["mean"] > 0:
        start -= 1
    return (
        f"{subject} {verb} {direction(rows[-1]['mean'])} than in the baseline from year {rows[start]['year']} onwards"
    )


def gains(document: Document, metric: str, by: str = "quintile", name: str | None = None) -> str:
    """The difference in the first and in the last group: the most and the least deprived fifth."""
    name = name or focus(document, metric) or next(iter(document["differences"]), None)
    label = metric_label(document, metric)
    groups = document["differences"].get(name, {}).get(metric, {}).get("groups", {}).get(by)
    if name is None or not groups:
        return f"{capital(label)} by deprivation"
    unit = document["differences"][name][metric]["unit"]
    rows = {key: answer_row(document, groups[key]) for key in sorted(groups)}
    inhabited = [key for key, row in rows.items() if not math.isnan(row["mean"])]
    edges = [rows[key] for key in (inhabited[0], inhabited[-1])]
    places = [FIFTH_LABELS[sorted(groups).index(key)] for key in (inhabited[0], inhabited[-1])]
    if not any(excludes_zero(row) for row in edges):
        where = f"in the {places[0]} or the {places[1]}"
        return f"No clear difference in {small(label)} {where} under {scenario_label(document, name)}"
    scale = 100.0 if is_share(unit) else 1.0
    texts = [
        f"{figure_text(abs(row['mean']) * scale)} {direction(row['mean'])}"
        if excludes_zero(row)
        else "not clearly different"
        for row in edges
    ]
    return (
        f"Under {scenario_label(document, name)}, {small(label)} {is_or_are(label)} {texts[0]} in the {places[0]} and "
        f"{texts[1]} in the {places[1]} ({difference_unit(unit)})"
    )


def listed(parts: Sequence[str]) -> str:
    """'a, b and c'."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def size(result: Change) -> str:
    """'1.8% lower'."""
    return f"{with_unit(figure_text(abs(result.mean), result.decimals), result.unit)} {direction(result.mean)}"


def ends(result: Change) -> str:
    """The interval: '−3.4 to +0.6%'."""
    return _signed_range(result, result.low, result.high)


def run_ends(result: Change) -> str:
    """The middle 95% of runs: '−5.0 to +2.1%'."""
    return _signed_range(result, result.run_low, result.run_high)


def signed_end(result: Change, end: float) -> str:
    """One end of a range, with its unit: '+2.1%'."""
    return with_unit(fixed(end, result.decimals, signed=True, minus=MINUS), result.unit)


def _signed_range(result: Change, low: float, high: float) -> str:
    texts = (fixed(end, result.decimals, signed=True, minus=MINUS) for end in (low, high))
    return with_unit(" to ".join(texts), result.unit)


def signed(result: Change) -> str:
    """'−1.8%'; '0.0%' if the difference rounds to 0, and 'less than 0.1% lower' if it is clear nevertheless."""
    text = fixed(result.mean, result.decimals, signed=True, minus=MINUS)
    if result.clear and text[0] not in ("+", MINUS):
        return size(result)
    return with_unit(text, result.unit if len(result.unit) <= 2 or result.unit == POINTS else "")


def spread(result: Change) -> str:
    """'1.1 to 2.4% lower', or '0.5% lower to 0.9% higher' if the interval includes 0."""
    if result.clear:
        near, far = sorted((abs(result.low), abs(result.high)))
        texts = (figure_text(near, result.decimals), figure_text(far, result.decimals))
        sizes = with_unit(" to ".join(texts), result.unit)
        return f"{sizes} {direction(result.mean)}"
    if result.low == result.high == 0.0:
        return "no difference at all"
    return " to ".join(
        f"{with_unit(figure_text(abs(end), result.decimals), result.unit)} {direction(end)}"
        for end in (result.low, result.high)
    )


def figure_decimals(*figures: float) -> int:
    """The decimals of figures beside one another, so that the largest has about two significant digits; at most 3."""
    largest = max((abs(figure) for figure in figures if math.isfinite(figure)), default=0.0)
    if largest >= 100.0:
        return 0
    return 1 if largest >= 0.095 or largest == 0.0 else min(3, 1 - math.floor(math.log10(largest)))


def figure_text(value: float, decimals: int | None = None) -> str:
    """A size: 0.04, 1.8, 12.3, 140; 'less than 0.1' if it would round to 0."""
    if math.isnan(value):
        return "an unknown"
    decimals = figure_decimals(value) if decimals is None else decimals
    text = fixed(value, decimals)
    return f"less than {10.0**-decimals:g}" if value > 0.0 and float(text.replace(",", "")) == 0.0 else text


def scenario_label(document: Document, name: str) -> str:
    """A scenario's label in a sentence."""
    if name == YOURS:
        return "your policy"
    return f"“{document.get('labels', {}).get(name, name)}”"


def metric_label(document: Document, metric: str) -> str:
    """A measure's label."""
    return str(document["scenarios"][document["baseline"]][metric].get("label", metric.replace("_", " ")))


def is_or_are(label: str) -> str:
    """'is' or 'are', as a measure's label requires."""
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
