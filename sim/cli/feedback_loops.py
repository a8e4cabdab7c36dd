"""Analyses feedback loops and prints or writes the loop map, the strength of each loop, and the knock-outs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.analysis.feedback_loops import DetectedLoop, LoopMap, loop_map
from sim.analysis.feedback_loops.diagram import SIGNS, chain, diagram, knock_out_figure, mermaid, strength_figure
from sim.analysis.feedback_loops.knock_out import LAST, KnockOutEffect, KnockOuts, knock_outs
from sim.analysis.feedback_loops.strength import Strength, strengths
from sim.analysis.feedback_loops.variables import EXCLUDED
from sim.cli.arguments import SelectedScenarios
from sim.cli.tables import INCLUDES_ZERO, ZERO_NOTE, print_wrapped
from sim.engine.schedule import REGISTRY
from sim.ensemble.compare import burned_in_world
from sim.ensemble.precompile import warm_up
from sim.ensemble.run_limits import Runs
from sim.feedback.loops import BY_NAME, LOOPS, disabled_mechanisms
from sim.results.metrics import metrics
from sim.results.number_text import difference_unit, number_text
from sim.results.result_folder import write_text
from sim.schema.errors import InputError
from sim.schema.json_text import indented_json
from sim.schema.version import VERSION
from sim.simulation.simulate import Progress

MAP_WORLDS = 4
"""Maximum number of towns in which links are measured."""
LEAST_SHOWN = 1e-6
"""A strength below this is shown as less than this."""
NOTES = (
    "A knock-out disables one link and every effect through it: direct effects of the policy as well as effects that "
    "return through the loop.",
    "Loops act on each other: the effects of the single loops do not add up to the total difference.",
    "Exploratory, not a forecast.",
)


class LoopReport(NamedTuple):
    """The loop map of a scenario, and, if it differs from its baseline, strengths and knock-outs."""

    loop_map: LoopMap
    strengths: tuple[Strength, ...]
    knock_outs: KnockOuts | None


def check(names: Sequence[str], measure: str) -> None:
    """Refuse loops, mechanisms and measures that do not exist, before anything is run."""
    disabled_mechanisms(names)
    measures = [m.name for m in metrics() if m.against is None]
    if measure not in measures:
        raise InputError("--metric", None, "", "the id of a measure", measure, measures)


def all_runs(selected: SelectedScenarios, disabled: Sequence[str], seeds: int, threads: int) -> list[Runs]:
    """All runs of the analysis: of the loop map, of the strengths and of the knock-outs."""
    first = Runs(selected.place, selected.people, selected.scenarios[0].years, 1, min(seeds, MAP_WORLDS), threads)
    if len(selected.scenarios) == 1:
        return [first]
    pairs = first._replace(scenarios=2, seeds=seeds)
    return [first, pairs._replace(times=2)] if disabled else [first, pairs, pairs._replace(times=1 + len(LOOPS))]


def analyse(
    selected: SelectedScenarios,
    *,
    disabled: Sequence[str],
    measure: str,
    seeds: int,
    seed: int,
    threads: int,
    progress: Progress,
) -> LoopReport:
    """Build the loop map and, if there are two scenarios, compute strengths and knock-outs."""
    warm_up()
    baseline, scenario = selected.scenarios[0], selected.scenarios[-1]
    params = baseline.params()
    numbers = range(seed, seed + seeds)
    map_seeds = list(numbers)[:MAP_WORLDS]
    progress(0, seeds, "detecting the loops")

    def world(number: int) -> Any:
        return burned_in_world(baseline, selected.place, selected.people, number)

    detected = loop_map([world(number) for number in map_seeds], map_seeds, params)
    if len(selected.scenarios) == 1:
        return LoopReport(detected, (), None)
    runs = 2 * seeds * (2 if disabled else 1 + len(LOOPS))
    first = 0 if disabled else seeds

    def strength_progress(done: int, _total: int, note: str) -> None:
        progress(done, first + runs, note)

    def knock_out_progress(done: int, _total: int, note: str) -> None:
        progress(first + done, first + runs, note)

    loop_strengths: tuple[Strength, ...] = ()
    if not disabled:
        loop_strengths = strengths(
            detected, baseline, scenario, world, list(numbers), params, threads, strength_progress
        )
    effects = knock_outs(
        baseline,
        scenario,
        cuts=[tuple(disabled)] if disabled else None,
        measure=measure,
        place=selected.place,
        people=selected.people,
        seeds=seeds,
        seed=seed,
        threads=threads,
        progress=knock_out_progress,
    )
    return LoopReport(detected, loop_strengths, effects)


def document(report: LoopReport, selected: SelectedScenarios, seeds: int, seed: int) -> dict[str, Any]:
    """The analysis as one JSON document."""
    detected = report.loop_map
    out: dict[str, Any] = {
        "upstream": VERSION,
        "place": selected.place.name,
        "people": sum(n.people for n in selected.place.neighbourhoods(selected.people)),
        "seeds": list(range(seed, seed + seeds)),
        "notes": list(NOTES),
        "variables": {
            name: {"label": v.label, "columns": list(v.columns), "remembers_months": round(detected.memory[name], 1)}
            for name, v in detected.declared.variables.items()
        },
        "left_out": EXCLUDED,
        "links": [
            {
                "source": link.source,
                "mechanism": link.mechanism,
                "target": link.target,
                "sign": SIGNS[t.sign],
                "gain": t.gain,
                "delay_months": round(detected.memory[link.target], 1),
                "only_far_or_opened_by_a_policy": t.opened,
                "only_at_year_end": t.yearly,
            }
            for link, t in detected.links.items()
        ],
        "loops": [_row(detected, loop) for loop in detected.listed],
        "not_found": [loop.name for loop in detected.missing],
        "other_loops": [_row(detected, loop) for loop in detected.others],
        "not_tried": [link._asdict() for link in detected.untried],
    }
    if report.knock_outs is None:
        return out
    knock_outs = report.knock_outs
    years = list(range(1, selected.scenarios[0].years + 1))
    out |= {
        "baseline": knock_outs.comparison.baseline,
        "scenario": knock_outs.scenario,
        "strength": {
            s.name: {
                "years": list(s.years),
                **{k: _numbers(getattr(s, k)) for k in ("mean", "ci_low", "ci_high")},
                "scores": [_numbers(row) for row in s.scores],
            }
            for s in report.strengths
        },
        "metric": knock_outs.metric.name,
        "unit": knock_outs.metric.unit,
        "averaged_years": years[-LAST:],
        "knock_outs": [
            {
                "cut": list(effect.names),
                "label": effect.label,
                **effect.at_end(),
                "by_year": {
                    name: [{"year": year, **{k: _number(v[k][y]) for k in v}} for y, year in enumerate(years)]
                    for name, v in effect.by_year().items()
                },
            }
            for effect in knock_outs.loops
        ],
    }
    return out


def _row(detected: LoopMap, loop: DetectedLoop) -> dict[str, Any]:
    claims = dict.fromkeys(REGISTRY.entries[name].claim for name in loop.mechanisms)
    return {
        "name": loop.name,
        "label": loop.loop.label if loop.loop is not None else "",
        "sign": SIGNS[loop.sign],
        "chain": chain(detected, loop),
        "links": [link._asdict() for link in loop.cycle],
        "mechanisms": list(loop.mechanisms),
        "because": list(claims),
        "least_months": loop.months,
        "months_round": round(loop.delay),
        "gain": loop.gain,
        "cuts": [link._asdict() for link in loop.cut],
        "also_cut_by": list(loop.through),
    }


def _numbers(values: Any) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: float) -> float | None:
    return round(float(value), 9) if np.isfinite(value) else None


def write(folder: Path, report: LoopReport, document: dict[str, Any]) -> tuple[str, ...]:
    """Write the document, the diagrams as one self-contained page, and the map as Mermaid text; return the names."""
    figures = [diagram(report.loop_map)]
    if report.strengths:
        figures.append(strength_figure(report.strengths))
    if report.knock_outs is not None:
        figures.append(knock_out_figure(report.knock_outs))
    parts = [f.to_html(full_html=False, include_plotlyjs=k == 0) for k, f in enumerate(figures)]
    head = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Loops</title></head><body>'
    notes = "".join(f"<p>{note}</p>" for note in NOTES)
    files = {
        "loops.json": indented_json(document),
        "loops.html": f"{head}{''.join(parts)}{notes}</body></html>\n",
        "loops.mmd": mermaid(report.loop_map),
    }
    for name, text in files.items():
        write_text(folder, name, text)
    return tuple(files)


def show(report: LoopReport, document: dict[str, Any], out: Console, *, all_loops: bool = False) -> None:
    """Print the loop map, strengths and knock-outs."""
    people, seeds = document["people"], len(document["seeds"])
    out.print(Text(f"{document['place']}: {people:,} people, {seeds} seeds"))
    _map(report.loop_map, out, all_loops=all_loops)
    if report.strengths:
        _strengths(report, out)
    if report.knock_outs is not None:
        _knock_outs(report.knock_outs, out)
    out.print()
    for note in NOTES[:-1] if report.knock_outs is not None else ():
        print_wrapped(note, out)
    out.print(Text(NOTES[-1].rstrip("."), style="bold"))


def _map(detected: LoopMap, out: Console, *, all_loops: bool) -> None:
    out.print()
    out.print(
        Text("Loops, detected from the declarations of mechanisms and measured at the burned-in baseline", style="bold")
    )
    for loop in detected.listed:
        assert loop.loop is not None
        kind = "reinforcing" if loop.sign > 0 else "balancing" if loop.sign < 0 else "acts in both directions"
        delay = f"  {kind}; one cycle takes about {loop.delay:.0f} months"
        out.print(Text.assemble((f"{loop.name} {loop.loop.label}", "bold"), delay))
        print_wrapped(chain(detected, loop), out, 4)
        print_wrapped(f"through {', '.join(loop.mechanisms)}; knock-out: {loop.loop.disabled_by}", out, 4)
    for missing in detected.missing:
        out.print(Text(f"{missing.name} {missing.label}: NOT detected", style="bold red"))
    separate = [loop for loop in detected.others if not loop.through]
    variants = [loop for loop in detected.others if loop.through]
    out.print()
    heading = f"Other loops: {len(separate)} that no knock-out disables, {len(variants)} that a listed loop's disables"
    out.print(Text(heading, style="bold"))
    for loop in [*separate, *variants] if all_loops else separate:
        by = f" (also disabled with {', '.join(loop.through)})" if loop.through else ""
        print_wrapped(f"{SIGNS[loop.sign]} {chain(detected, loop)}; through {', '.join(loop.mechanisms)}{by}", out, 2)
    if not all_loops and variants:
        out.print(Text(f"  ... and {len(variants)} variants of listed loops, see --all and --json", style="dim"))
    through = ", ".join(sorted({link.mechanism for link in detected.untried if link.target == "population"}))
    print_wrapped(f"Not measured: links through the population ({through}): births, deaths, moves, ageing.", out, 2)


def _strengths(report: LoopReport, out: Console) -> None:
    out.print()
    out.print(
        Text("Strength: the part of a policy's effect on the loop that returns after one cycle (%)", style="bold")
    )
    years = report.strengths[0].years
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    table.add_column("")
    for year in years:
        table.add_column(f"year {year}", justify="right")
    table.add_column("weakest link, last year")
    for strength, loop in zip(report.strengths, report.loop_map.listed, strict=True):
        cells = [_percent(value) for value in strength.mean]
        cells[-1] += (
            f" ({_percent(strength.ci_low[-1])} to {_percent(strength.ci_high[-1])})"
            if np.isfinite(strength.ci_low[-1])
            else ""
        )
        weakest = ""
        if np.isfinite(strength.scores[-1]).all():
            k = int(strength.scores[-1].argmin())
            link = loop.cycle[k]
            weakest = f"{report.loop_map.label(link.source)} → {report.loop_map.label(link.target)}, "
            weakest += f"{_percent(strength.scores[-1][k])}%"
        assert loop.loop is not None
        table.add_row(f"{strength.name} {loop.loop.label}", *cells, weakest)
    out.print(table)


def _percent(value: float) -> str:
    if not np.isfinite(value):
        return "-"
    if value < LEAST_SHOWN:
        return f"<{100 * LEAST_SHOWN:g}" if value > 0.0 else "0"
    return f"{100 * value:.2g}" if value < 1.0 else "100"


def _knock_outs(knock_outs: KnockOuts, out: Console) -> None:
    measure = knock_outs.metric
    years = knock_outs.comparison.scenarios[0].years
    span = f"mean of years {years - LAST + 1} to {years}" if years > LAST else f"mean of years 1 to {years}"
    out.print()
    out.print(Text(f"{measure.label}, {difference_unit(measure.unit)}, {span}, paired by seed", style="bold"))
    rows = [effect.at_end() for effect in knock_outs.loops]
    if rows:
        out.print(
            Text(f"{knock_outs.scenario} against {knock_outs.comparison.baseline}: {_cell(rows[0], 'whole', measure)}")
        )
    if rows and rows[0]["whole_low"] is not None and rows[0]["whole_low"] <= 0.0 <= (rows[0]["whole_high"] or 0.0):
        out.print(Text("The 95% interval of the difference itself includes 0: its parts mean nothing.", style="yellow"))
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    for k, heading in enumerate(
        ("knock_outs out", "difference left", "effect of the loop", "share", "change of baseline")
    ):
        table.add_column(heading, justify="left" if k == 0 else "right")
    for effect, row in zip(knock_outs.loops, rows, strict=True):
        part = _cell(row, "part", measure, share=True)
        table.add_row(
            _name(effect), *(_cell(row, name, measure) for name in ("without", "goes_away")), part,
            _cell(row, "baseline_moved", measure),
        )  # fmt: skip
    out.print(table)
    out.print(Text(f"In brackets: 95% interval over seeds. {ZERO_NOTE}"))
    if len(knock_outs.loops) == 1:
        _by_year(knock_outs.loops[0], knock_outs, out)


def _by_year(effect: KnockOutEffect, knock_outs: KnockOuts, out: Console) -> None:
    measure, series = knock_outs.metric, effect.by_year()
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    for heading in ("year", "difference", f"without {' and '.join(effect.names)}", "effect of the loop"):
        table.add_column(heading, justify="right")
    for y in range(knock_outs.comparison.scenarios[0].years):
        row: dict[str, float | None] = {}
        for name, figures in series.items():
            for end, key in (("", "mean"), ("_low", "ci_low"), ("_high", "ci_high")):
                row[name + end] = _number(figures[key][y])
        table.add_row(str(y + 1), *(_cell(row, name, measure) for name in ("whole", "without", "goes_away")))
    out.print()
    out.print(table)


def _name(effect: KnockOutEffect) -> str:
    listed = [name for name in effect.names if name.casefold() in BY_NAME]
    return f"{' and '.join(effect.names)} {effect.label}" if listed else " and ".join(effect.names)


def _cell(row: dict[str, float | None], name: str, measure: Any, *, share: bool = False) -> str:
    unit, decimals = ("share", 2) if share else (measure.unit, measure.decimals)
    mean, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]

    def text_of(value: float | None) -> str:
        return number_text(value, unit, decimals, signed=True, relative=share)

    text = text_of(mean)
    if low is None or high is None:
        return text
    mark = "" if low > 0.0 or high < 0.0 else f" {INCLUDES_ZERO}"
    return f"{text} ({text_of(low)} to {text_of(high)}){mark}"
