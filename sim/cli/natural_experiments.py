"""Prints natural experiments: the published effect, the simulated effect, and whether it is in the expected band."""

from __future__ import annotations

import math
import textwrap

from rich.console import Console
from rich.text import Text

from sim.cli.robustness import (
    chance_text,
    conditions_text,
    contradictions,
    counts_text,
    left_out_text,
    robustness_text,
    show_legend,
    verdict_text,
)
from sim.cli.tables import print_wrapped
from sim.results.number_text import fixed, is_share, number_text, shown_unit
from sim.schema.errors import plain
from sim.validation.natural_experiments import ExperimentEffect, ExperimentOutcome, Measure, Validation


def show(validation: Validation, out: Console) -> None:
    """Print every experiment, and the counts."""
    size = f"{validation.people:,} people" if validation.people is not None else "each place at full size"
    print_wrapped(f"{size[:1].upper()}{size[1:]}. {conditions_text(validation.design)}", out)
    show_legend(validation.design, out)
    if validation.left_out:
        print_wrapped(left_out_text(validation.left_out), out)
    for outcome in validation.outcomes:
        _outcome(outcome, out)
    out.print()
    out.print(Text(f"Bands: {counts_text(validation.bands)}.", style="bold"))
    out.print(Text(f"Signs: {counts_text(validation.signs)}.", style="bold"))
    print_wrapped(chance_text([*validation.bands, *validation.signs]), out)


def _outcome(outcome: ExperimentOutcome, out: Console) -> None:
    experiment = outcome.experiment
    out.print()
    out.print(Text.assemble((experiment.id, "bold"), "  ", plain(experiment.title)))
    for line in textwrap.wrap(
        plain(f"{experiment.published.finding} {experiment.published.source}"), max(20, out.width - 4)
    ):
        out.print(Text(f"    {line}"))
    for effect in outcome.effects:
        _effect(effect, out)


def _effect(effect: ExperimentEffect, out: Console) -> None:
    m = effect.measure
    out.print(Text(f"  {plain(m.label)} ({plain(shown_unit(m.unit))})"))

    def shown(value: float | None) -> str:
        return figure(value, m.unit)

    published, simulated = shown(m.published), shown(effect.mean)
    low, high = effect.interval
    if math.isnan(low):
        simulated += " (no interval: one seed, or a denominator that may be 0)" if math.isfinite(effect.mean) else ""
    else:
        simulated += f" ({shown(low)} to {shown(high)})"
        middle = effect.row()
        if middle["q025"] is not None:
            simulated += f", 95% of runs {shown(middle['q025'])} to {shown(middle['q975'])}"
    out.print(Text(f"    published {published}; simulated {simulated}"))
    for required, line in ((_band(m), effect.band), (f"sign {m.sign}", effect.sign)):
        if line is None:
            continue
        head, conditions = Text(f"    {required}: "), Text(f" [{robustness_text(line)}]", style="dim")
        out.print(Text.assemble(head, verdict_text(line), conditions))
        for text in contradictions(
            line, lambda row: f"{shown(row['mean'])} ({shown(row['ci_low'])} to {shown(row['ci_high'])})"
        ):
            print_wrapped(text, out, 8)


def _band(measure: Measure) -> str:
    low, high = measure.band or (math.nan, math.nan)
    return f"in the band {figure(low, measure.unit)} to {figure(high, measure.unit)}"


def figure(value: float | None, unit: str) -> str:
    """An effect with its sign: a share in per cent, any other number to three significant figures."""
    if value is None or not math.isfinite(value):
        return "-"
    if is_share(unit):
        return number_text(value, unit, 3, signed=True, relative=True)
    digits = 0 if value == 0.0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return fixed(value, min(digits, 6), signed=True)
