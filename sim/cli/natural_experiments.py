"""Prints natural experiments: the published effect, the simulated effect, and whether it is in the expected band."""

from __future__ import annotations

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
    verdict_text,
)
from sim.cli.tables import print_wrapped
from sim.results.number_text import shown_unit
from sim.schema.errors import plain
from sim.validation.natural_experiments import ExperimentEffect, ExperimentOutcome, Validation
from sim.validation.published_fit import Fit, band_text, effect_text, figure, figures_text, published_text
from sim.validation.robustness import Kind

STYLES: dict[Fit, str] = {
    "in band": "green",
    "scrapes": "yellow",
    "out": "bold red",
    "no value": "yellow",
    "not run": "dim",
}
MEANINGS: dict[Fit, str] = {
    "in band": "the whole interval lies in the band, and under every other condition the mean does",
    "scrapes": "the mean lies in the band, but not the whole interval, or not under some other condition",
    "out": "the mean lies outside the band",
    "no value": "what the effect is divided by may be 0",
}


def show(validation: Validation, out: Console) -> None:
    """Print every experiment, and the counts."""
    size = f"{validation.people:,} people" if validation.people is not None else "each place at full size"
    print_wrapped(f"{size[:1].upper()}{size[1:]}. {conditions_text(validation.design)}", out)
    print_wrapped("In brackets: the 95% interval of the mean over all runs. Bands:", out)
    for fit, meaning in MEANINGS.items():
        out.print(Text.assemble("  ", (f"{fit:<13}", STYLES[fit]), meaning))
    print_wrapped(
        "not counted: the figure shares its source with a parameter, so that a fit is no test; a miss counts all the "
        "same. Signs are tested as in upstream claims.",
        out,
    )
    if validation.left_out:
        print_wrapped(left_out_text(validation.left_out), out)
    for outcome in validation.outcomes:
        _outcome(outcome, out)
    out.print()
    out.print(Text(figures_text(validation.figures(), validation.limits()), style="bold"))
    out.print(Text(f"Signs: {counts_text(validation.signs)}.", style="bold"))
    _misses(validation, out)
    print_wrapped(chance_text([*validation.bands, *validation.signs]), out)


def _misses(validation: Validation, out: Console) -> None:
    """Print every miss in words."""
    missed = [(o.experiment.id, e) for o in validation.outcomes for e in o.effects if e.fit == "out"]
    if missed:
        out.print(Text("Out of their band:", style="bold"))
    for number, effect in missed:
        print_wrapped(f"{number} {effect.measure.label}: {effect.miss}.", out, 2)


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
    m, row = effect.measure, effect.row()
    out.print(Text(f"  {plain(m.label)} ({plain(shown_unit(m.unit))})"))
    simulated = effect_text(row)
    if row["ci_low"] is None and row["mean"] is not None:
        simulated += " (no interval: one seed, or a denominator that may be 0)"
    if row["q025"] is not None:
        simulated += f", 95% of runs {figure(row['q025'], m.unit)} to {figure(row['q975'], m.unit)}"
    out.print(Text(f"    published {published_text(row)}; simulated {simulated}"))
    if effect.fit is not None:
        _fit(effect, effect.fit, out)
    else:
        print_wrapped(m.band_reason, out, 4)
    line = effect.sign
    if line is None:
        return
    conditions = Text(f" [{robustness_text(line)}]", style="dim")
    out.print(Text.assemble(f"    sign {m.sign}: ", verdict_text(line), conditions))
    for text in contradictions(line, lambda each: effect_text({**each, "unit": m.unit, "is_cost": False})):
        print_wrapped(text, out, 8)


def _fit(effect: ExperimentEffect, fit: Fit, out: Console) -> None:
    """Print the fit to the band, in words and under each condition, and whether it counts."""
    word = (f"{fit}{': ' if effect.miss else ''}{effect.miss}", STYLES[fit])
    conditions = Text(f" [{_fits(effect)}]" if len(effect.fits) > 1 else "", style="dim")
    out.print(Text.assemble(f"    in the band {band_text(effect.row())}: ", word, conditions))
    if effect.standing == "not counted":
        print_wrapped(f"not counted: it shares its source with {', '.join(effect.shares_source_with)}", out, 6)


def _fits(effect: ExperimentEffect) -> str:
    """The fit in each base and further place and with the default parameters."""
    titles: dict[Kind, str] = {"base": "bases", "place": "", "defaults": ""}
    parts = []
    for kind, title in titles.items():
        named = [(e.name, fit) for e, fit in effect.fits if e.kind == kind]
        if title and named:
            parts.append(f"{title}: {', '.join(fit for _, fit in named)}")
        else:
            parts += [f"{name}: {fit}" for name, fit in named]
    return " \N{MIDDLE DOT} ".join(parts)
