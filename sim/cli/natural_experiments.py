"""Prints natural experiments: the published effect, the simulated effect, and whether it is in the expected band."""

from __future__ import annotations

import math
import textwrap

from rich.console import Console
from rich.text import Text

from sim.results.number_text import fixed, is_share, number_text, shown_unit
from sim.schema.errors import plain
from sim.validation.natural_experiments import ExperimentEffect, ExperimentOutcome, Validation

STYLES = {"yes": "green", "no": "bold red", "undecided": "yellow"}


def show(validation: Validation, out: Console) -> None:
    """Print every experiment, and the counts."""
    size = f"{validation.people:,} people" if validation.people is not None else "each place at full size"
    out.print(Text(f"{size}, {len(validation.seeds)} seeds. In brackets: 95% interval of the mean effect."))
    for outcome in validation.outcomes:
        _outcome(outcome, out)
    counts = validation.document()["counts"]
    out.print()
    summary = f"In the band: {counts['in_band']} of {counts['bands']}. Correct sign: {counts['sign_right']} of "
    summary += f"{counts['signs']}; wrong sign: {counts['sign_wrong']}; 95% interval includes 0: the others."
    out.print(Text(summary, style="bold"))


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
    if not math.isnan(effect.ci_low):
        simulated += f" ({shown(effect.ci_low)} to {shown(effect.ci_high)})"
    line = Text(f"    published {published}; simulated {simulated}")
    if m.band is not None:
        line.append(f"; band {shown(m.band[0])} to {shown(m.band[1])}: in the band? ")
        line.append(effect.in_band, STYLES[effect.in_band])
        if effect.in_band == "yes" and not effect.surely_in_band:
            line.append(" (part of the interval is outside)", "dim")
    if m.sign is not None:
        line.append(f"; sign {m.sign}: correct? ")
        line.append(effect.sign_right, STYLES[effect.sign_right])
    out.print(line)


def figure(value: float | None, unit: str) -> str:
    """An effect with its sign: a share in per cent, any other number to three significant figures."""
    if value is None or not math.isfinite(value):
        return "-"
    if is_share(unit):
        return number_text(value, unit, 3, signed=True, relative=True)
    digits = 0 if value == 0.0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return fixed(value, min(digits, 6), signed=True)
