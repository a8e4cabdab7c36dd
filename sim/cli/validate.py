"""Published experiments in a terminal: what was published beside what is simulated, and whether that is in its band."""

from __future__ import annotations

import math
import textwrap

from rich.console import Console
from rich.text import Text

from sim.schema.toml_files import plain
from sim.validation.natural_experiments import ExperimentEffect, ExperimentOutcome, Validation

STYLES = {"yes": "green", "no": "bold red", "cannot tell": "yellow"}


def show(validation: Validation, out: Console) -> None:
    """Every experiment, and the counts."""
    size = f"{validation.people:,} people" if validation.people is not None else "each place at its full size"
    out.print(Text(f"{size}, {len(validation.seeds)} seeds. In brackets: the 95 % interval of the mean effect."))
    for outcome in validation.outcomes:
        _outcome(outcome, out)
    counts = validation.document()["counts"]
    out.print()
    told = f"In their band: {counts['in_band']} of {counts['bands']}. Sign right: {counts['sign_right']} of "
    told += f"{counts['signs']}, wrong: {counts['sign_wrong']}, not told from luck: the rest."
    out.print(Text(told, style="bold"))


def _outcome(outcome: ExperimentOutcome, out: Console) -> None:
    one = outcome.experiment
    out.print()
    out.print(Text.assemble((one.id, "bold"), "  ", plain(one.title)))
    for line in textwrap.wrap(plain(f"{one.published.finding} {one.published.source}"), max(20, out.width - 4)):
        out.print(Text(f"    {line}"))
    for effect in outcome.effects:
        _effect(effect, out)


def _effect(effect: ExperimentEffect, out: Console) -> None:
    m = effect.measure
    out.print(Text(f"  {plain(m.label)} ({plain(m.unit)})"))
    published = "-" if m.published is None else figure(m.published)
    seen = "-" if math.isnan(effect.mean) else figure(effect.mean)
    if not math.isnan(effect.low):
        seen += f" ({figure(effect.low)} to {figure(effect.high)})"
    line = Text(f"    published {published}; simulated {seen}")
    if m.band is not None:
        line.append(f"; band {figure(m.band[0])} to {figure(m.band[1])}: in band? ")
        line.append(effect.in_band, STYLES[effect.in_band])
        if effect.in_band == "yes" and not effect.surely_in_band:
            line.append(" (not the whole interval)", "dim")
    if m.sign is not None:
        line.append(f"; sign {m.sign}: right? ")
        line.append(effect.sign_right, STYLES[effect.sign_right])
    out.print(line)


def figure(value: float) -> str:
    """A number with its sign, to three figures that count."""
    if value == 0.0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:+,.{min(digits, 6)}f}"
