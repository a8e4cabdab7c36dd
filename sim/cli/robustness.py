"""Words for the conditions of `claims` and `validate`, and for the verdict of each line under them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from sim.cli.tables import print_wrapped
from sim.place.place import Place
from sim.results.expectation_tests import LEVEL
from sim.validation.conditions import Design
from sim.validation.robustness import LINE_VERDICTS, Kind, LineVerdict, Robustness, dependences_by_chance

STYLES: dict[LineVerdict, str] = {
    "holds": "green",
    "depends": "bold yellow",
    "not decided": "yellow",
    "not met": "bold red",
}
MEANINGS: dict[LineVerdict, str] = {
    "holds": "the interval lies wholly where it is expected, and under no condition wholly elsewhere",
    "depends": "some conditions contradict others",
    "not decided": "the interval is too wide to say",
    "not met": "the interval lies wholly elsewhere",
}
DRAWN = {
    "all": "each with its own draw of all parameters",
    "mechanisms": "each with its own draw of the parameters of mechanisms",
    "none": "all with the default parameters",
}

KINDS: dict[Kind, str] = {"base": "bases", "place": "places"}


def conditions_text(design: Design) -> str:
    """Describe the runs of a report in a few sentences.

    Parameters
    ----------
    design : Design
        The conditions.

    Returns
    -------
    str
    """
    total, part = len(design.seeds), len(design.part)
    text = f"{_runs(total)} of each scenario, {DRAWN[design.draws]}"
    if len(design.bases) > 1:
        text += f", in {len(design.bases)} bases of seeds ({', '.join(map(_range, design.bases))})"
    labels = [Place.load(place).label for place in design.places]
    further = [f"in each further place ({', '.join(labels)})"] if labels else []
    further += ["with the default parameters"] if design.draws != "none" else []
    return text + "." + (f" {part} of these seeds also run {', and '.join(further)}." if further else "")


def show_legend(design: Design, out: Console) -> None:
    """Explain the verdicts and the counts.

    Parameters
    ----------
    design : Design
        The conditions.
    out : Console
        Where to print.
    """
    print_wrapped("In brackets: the 95% interval of the mean over all runs. Verdicts:", out)
    for verdict, meaning in MEANINGS.items():
        out.print(Text.assemble("  ", (f"{verdict:<13}", STYLES[verdict]), meaning))
    text = "bases, places: in how many of them the interval lies where it is expected. runs: how many single runs do."
    if design.draws != "none":
        text += " defaults: whether the interval with the default parameters does."
    print_wrapped(text, out)


def robustness_text(line: Robustness) -> str:
    """Count the conditions under which a line holds.

    Parameters
    ----------
    line : Robustness
        The line.

    Returns
    -------
    str
        Such as "bases 3/3 · places 2/2 · runs 19/20 · defaults yes".
    """
    parts = []
    for kind, word in KINDS.items():
        holds, of = line.count(kind)
        results = [*line.of(kind), *([line.total] if kind == "place" else [])]
        unclear = sum(result.outcome == "not decided" for result in results)
        if of:
            parts.append(f"{word} {holds}/{of}" + (f" ({unclear} not decided)" if unclear else ""))
    if line.has_interval:
        parts.append(f"runs {line.as_required}/{len(line.total.effect.seeds)}")
    words = {"holds": "yes", "flips": "no", "not decided": "not decided", "not run": "not run"}
    parts += [f"defaults {words[result.outcome]}" for result in line.of("defaults")]
    return " \N{MIDDLE DOT} ".join(parts)


def verdict_text(line: Robustness) -> Text:
    """State the verdict of a line, and the conditions on which it depends.

    Parameters
    ----------
    line : Robustness
        The line.

    Returns
    -------
    Text
    """
    text = line.verdict if line.verdict in ("holds", "depends") else line.verdict.upper()
    if line.depends_on:
        text += f": {'; '.join(line.depends_on)}"
    elif line.total.outcome == "not run":
        text = f"NOT RUN: {line.total.effect.reason}"
    return Text(text, style=STYLES[line.verdict])


def contradictions(line: Robustness, figures: Callable[[Mapping[str, Any]], str]) -> list[str]:
    """State the effect under each condition that contradicts the others.

    Parameters
    ----------
    line : Robustness
        The line.
    figures : callable
        From a row with `mean`, `ci_low` and `ci_high` to text.

    Returns
    -------
    list of str
        Such as "Wigan: -0.4 (-0.6 to -0.2)".
    """
    return [f"{result.effect.name}: {figures(result.row())}" for result in line.contradicting]


def counts_text(lines: Sequence[Robustness]) -> str:
    """Count the lines with each verdict.

    Parameters
    ----------
    lines : sequence of Robustness
        The lines.

    Returns
    -------
    str
        Such as "9 of 12 hold, 1 depend, 2 not decided, 0 not met".
    """
    counted = {verdict: sum(line.verdict == verdict for line in lines) for verdict in LINE_VERDICTS}
    others = f"{counted['depends']} depend, {counted['not decided']} not decided, {counted['not met']} not met"
    return f"{counted['holds']} of {len(lines)} hold, {others}"


def chance_text(lines: Iterable[Robustness]) -> str:
    """State how many lines would depend on a condition by chance alone.

    Parameters
    ----------
    lines : iterable of Robustness
        The lines.

    Returns
    -------
    str
    """
    by_chance, after_holm = dependences_by_chance(lines)
    return (
        f"If no line depended on any condition, chance would call at most {by_chance:.1f} of them dependent "
        f"({LEVEL:.0%} of the lines). At 5% for all together (Holm), {after_holm} still depend."
    )


def left_out_text(left_out: Mapping[str, Sequence[int]]) -> str:
    """State the seeds whose draws could not be calibrated.

    Parameters
    ----------
    left_out : mapping of str to sequence of int
        Seeds by place.

    Returns
    -------
    str
        Empty if there are none.
    """
    return "; ".join(
        f"{place}: left out {len(seeds)} draw{'s' if len(seeds) > 1 else ''} of parameters that cannot be calibrated "
        f"(seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))})"
        for place, seeds in left_out.items()
    )


def _runs(count: int) -> str:
    return f"{count} run{'s' if count > 1 else ''}"


def _range(seeds: Sequence[int]) -> str:
    return f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"{seeds[0]}"
