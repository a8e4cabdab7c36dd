"""Loops in a terminal and in a folder: the map, each loop's strength over time, and what goes away without it."""

from __future__ import annotations

import textwrap
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
from sim.analysis.feedback_loops.variables import LEFT_OUT
from sim.cli.choices import SelectedScenarios
from sim.cli.json_text import indented
from sim.cli.show import NOT_SURE, number, shown_unit
from sim.engine.schedule import REGISTRY
from sim.ensemble.compare import settled_world
from sim.ensemble.precompile import warm_up
from sim.feedback.loops import BY_NAME, LOOPS, disabled_mechanisms
from sim.results.metrics import metrics
from sim.schema.toml_files import InputError, plain
from sim.schema.version import VERSION
from sim.simulation.simulate import Progress

TRIED_WORLDS = 4
"""Towns in which links are tried, at most."""
LEAST_SHOWN = 1e-6
"""Strengths below are shown as less than this."""
NOTES = (
    "A knock-out cuts one link, with all that flows through it: what the policy itself sends that way as well as what "
    "comes round the loop.",
    "Loops act through one another: what goes away with each need not add up to the whole.",
    "Exploratory, not a forecast.",
)


class LoopReport(NamedTuple):
    """Everything that is told of a scenario's loops."""

    found: LoopMap
    strengths: tuple[Strength, ...]
    knocked: KnockOuts | None


def check(names: Sequence[str], measure: str) -> None:
    """Refuse loops, mechanisms and measures that are not there, before anything is run."""
    disabled_mechanisms(names)
    there = [m.name for m in metrics() if m.against is None]
    if measure not in there:
        raise InputError("--metric", None, "", "the id of a measure", measure, there)


def tell(
    chosen: SelectedScenarios,
    *,
    disabled: Sequence[str],
    measure: str,
    seeds: int,
    seed: int,
    threads: int,
    progress: Progress,
) -> LoopReport:
    """Find the map, and, where the scenario differs from its baseline, strengths and knock-outs."""
    warm_up()
    baseline, scenario = chosen.scenarios[0], chosen.scenarios[-1]
    params = baseline.params()
    numbers = range(seed, seed + seeds)
    tried = list(numbers)[:TRIED_WORLDS]
    progress(0, seeds, "finding the loops")

    def world(number: int) -> Any:
        return settled_world(baseline, chosen.place, chosen.people, number)

    found = loop_map([world(number) for number in tried], tried, params)
    if len(chosen.scenarios) == 1:
        return LoopReport(found, (), None)
    runs = 2 * seeds * (2 if disabled else 1 + len(LOOPS))
    first = 0 if disabled else seeds

    def on(done: int, _total: int, what: str) -> None:
        progress(done, first + runs, what)

    def later(done: int, total: int, what: str) -> None:
        on(first + done, total, what)

    told: tuple[Strength, ...] = ()
    if not disabled:
        told = strengths(found, baseline, scenario, world, list(numbers), params, threads, on)
    knocked = knock_outs(
        baseline,
        scenario,
        cuts=[tuple(disabled)] if disabled else None,
        measure=measure,
        place=chosen.place,
        people=chosen.people,
        seeds=seeds,
        seed=seed,
        threads=threads,
        progress=later,
    )
    return LoopReport(found, told, knocked)


def document(told: LoopReport, chosen: SelectedScenarios, seeds: int, seed: int) -> dict[str, Any]:
    """Everything as one JSON document."""
    found = told.found
    out: dict[str, Any] = {
        "upstream": VERSION,
        "place": chosen.place.name,
        "people": sum(n.people for n in chosen.place.neighbourhoods(chosen.people)),
        "seeds": list(range(seed, seed + seeds)),
        "notes": list(NOTES),
        "variables": {
            name: {"label": v.label, "columns": list(v.columns), "remembers_months": round(found.memory[name], 1)}
            for name, v in found.declared.variables.items()
        },
        "left_out": LEFT_OUT,
        "links": [
            {
                "source": link.source,
                "mechanism": link.mechanism,
                "target": link.target,
                "sign": SIGNS[t.sign],
                "gain": t.gain,
                "delay_months": round(found.memory[link.target], 1),
                "only_far_or_opened_by_a_policy": t.opened,
                "only_at_year_end": t.yearly,
            }
            for link, t in found.links.items()
        ],
        "loops": [_row(found, one) for one in found.listed],
        "not_found": [loop.name for loop in found.missing],
        "other_loops": [_row(found, one) for one in found.others],
        "not_tried": [link._asdict() for link in found.untried],
    }
    if told.knocked is None:
        return out
    knocked = told.knocked
    years = list(range(1, chosen.scenarios[0].years + 1))
    out |= {
        "baseline": knocked.whole.baseline,
        "scenario": knocked.scenario,
        "strength": {
            s.name: {
                "years": list(s.years),
                **{k: _numbers(getattr(s, k)) for k in ("mean", "low", "high")},
                "scores": [_numbers(row) for row in s.scores],
            }
            for s in told.strengths
        },
        "metric": knocked.metric.name,
        "unit": knocked.metric.unit,
        "averaged_years": years[-LAST:],
        "knock_outs": [
            {
                "cut": list(one.names),
                "label": one.label,
                **one.at_end(),
                "by_year": {
                    name: [{"year": year, **{k: _number(v[k][y]) for k in v}} for y, year in enumerate(years)]
                    for name, v in one.by_year().items()
                },
            }
            for one in knocked.loops
        ],
    }
    return out


def _row(found: LoopMap, one: DetectedLoop) -> dict[str, Any]:
    claims = dict.fromkeys(REGISTRY.entries[name].claim for name in one.mechanisms)
    return {
        "name": one.name,
        "label": one.loop.label if one.loop is not None else "",
        "sign": SIGNS[one.sign],
        "chain": chain(found, one),
        "links": [link._asdict() for link in one.cycle],
        "mechanisms": list(one.mechanisms),
        "because": list(claims),
        "least_months": one.months,
        "months_round": round(one.delay),
        "gain": one.gain,
        "cuts": [link._asdict() for link in one.cut],
        "also_cut_by": list(one.through),
    }


def _numbers(values: Any) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: float) -> float | None:
    return round(float(value), 9) if np.isfinite(value) else None


def write(folder: Path, told: LoopReport, whole: dict[str, Any]) -> tuple[str, ...]:
    """The document, the diagram as a page that needs nothing else, and as Mermaid text."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = [diagram(told.found)]
    if told.strengths:
        figures.append(strength_figure(told.strengths))
    if told.knocked is not None:
        figures.append(knock_out_figure(told.knocked))
    parts = [f.to_html(full_html=False, include_plotlyjs=k == 0) for k, f in enumerate(figures)]
    head = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Loops</title></head><body>'
    notes = "".join(f"<p>{note}</p>" for note in NOTES)
    files = {
        "loops.json": indented(whole),
        "loops.html": f"{head}{''.join(parts)}{notes}</body></html>\n",
        "loops.mmd": mermaid(told.found),
    }
    for name, text in files.items():
        half = folder / f".{name}.part"
        half.write_text(text, encoding="utf-8")
        half.replace(folder / name)
    return tuple(files)


def show(told: LoopReport, whole: dict[str, Any], out: Console, *, every: bool = False) -> None:
    """The map, strengths and knock-outs, for a reader."""
    people, seeds = whole["people"], len(whole["seeds"])
    out.print(Text(f"{whole['place']}: {people:,} people, {seeds} seeds"))
    _map(told.found, out, every=every)
    if told.strengths:
        _strengths(told, out)
    if told.knocked is not None:
        _knocked(told.knocked, out)
    out.print()
    for note in NOTES[:-1] if told.knocked is not None else ():
        _wrapped(note, 0, out)
    out.print(Text(NOTES[-1].rstrip("."), style="bold"))


def _map(found: LoopMap, out: Console, *, every: bool) -> None:
    out.print()
    out.print(Text("Loops, found in what mechanisms declare and tried at the settled baseline", style="bold"))
    for one in found.listed:
        assert one.loop is not None
        kind = "reinforcing" if one.sign > 0 else "balancing" if one.sign < 0 else "acts both ways"
        round_in = f"  {kind}; round in some {one.delay:.0f} months"
        out.print(Text.assemble((f"{one.name} {one.loop.label}", "bold"), round_in))
        _wrapped(chain(found, one), 4, out)
        _wrapped(f"through {', '.join(one.mechanisms)}; cut: {one.loop.disabled_by}", 4, out)
    for loop in found.missing:
        out.print(Text(f"{loop.name} {loop.label}: NOT found", style="bold red"))
    own = [one for one in found.others if not one.through]
    also = [one for one in found.others if one.through]
    out.print()
    out.print(Text(f"Other loops: {len(own)} that no listed switch cuts, {len(also)} that one cuts too", style="bold"))
    for one in [*own, *also] if every else own:
        by = f" (also cut by {', '.join(one.through)})" if one.through else ""
        _wrapped(f"{SIGNS[one.sign]} {chain(found, one)}; through {', '.join(one.mechanisms)}{by}", 2, out)
    if not every and also:
        more = f"  ... and {len(also)} other ways round listed loops, which --all and --json give"
        out.print(Text(more, style="dim"))
    through = ", ".join(sorted({link.mechanism for link in found.untried if link.target == "population"}))
    _wrapped(f"Not tried: ways through who lives here ({through}): births, deaths, moves, growing older.", 2, out)


def _strengths(told: LoopReport, out: Console) -> None:
    out.print()
    out.print(Text("Strength: of what the policy moves on the way round, how much comes round (%)", style="bold"))
    years = told.strengths[0].years
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    table.add_column("")
    for year in years:
        table.add_column(f"year {year}", justify="right")
    table.add_column("weakest link, last year")
    for one, found in zip(told.strengths, told.found.listed, strict=True):
        cells = [_percent(value) for value in one.mean]
        cells[-1] += f" ({_percent(one.low[-1])} to {_percent(one.high[-1])})" if np.isfinite(one.low[-1]) else ""
        weakest = ""
        if np.isfinite(one.scores[-1]).all():
            k = int(one.scores[-1].argmin())
            link = found.cycle[k]
            weakest = f"{told.found.label(link.source)} → {told.found.label(link.target)}, "
            weakest += f"{_percent(one.scores[-1][k])} %"
        assert found.loop is not None
        table.add_row(f"{one.name} {found.loop.label}", *cells, weakest)
    out.print(table)


def _percent(value: float) -> str:
    if not np.isfinite(value):
        return "-"
    if value < LEAST_SHOWN:
        return f"<{100 * LEAST_SHOWN:g}" if value > 0.0 else "0"
    return f"{100 * value:.2g}" if value < 1.0 else "100"


def _knocked(knocked: KnockOuts, out: Console) -> None:
    measure = knocked.metric
    years = knocked.whole.scenarios[0].years
    span = f"mean of years {years - LAST + 1} to {years}" if years > LAST else f"mean of years 1 to {years}"
    out.print()
    out.print(Text(f"{measure.label}, {shown_unit(measure.unit)}, {span}, on paired seeds", style="bold"))
    rows = [one.at_end() for one in knocked.loops]
    if rows:
        out.print(Text(f"{knocked.scenario} against {knocked.whole.baseline}: {_cell(rows[0], 'whole', measure)}"))
    if rows and rows[0]["whole_low"] is not None and rows[0]["whole_low"] <= 0.0 <= (rows[0]["whole_high"] or 0.0):
        out.print(Text("The difference itself is not told from luck: parts of it say nothing.", style="yellow"))
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    for k, head in enumerate(("without", "difference left", "goes away", "part of it", "baseline moved by")):
        table.add_column(head, justify="left" if k == 0 else "right")
    for one, row in zip(knocked.loops, rows, strict=True):
        part = _cell(row, "part", measure, share=True)
        table.add_row(
            _named(one), *(_cell(row, name, measure) for name in ("without", "goes_away")), part,
            _cell(row, "baseline_moved", measure),
        )  # fmt: skip
    out.print(table)
    out.print(Text(f"In brackets: 95 % intervals over seeds. {NOT_SURE} not told from luck: the interval includes 0."))
    if len(knocked.loops) == 1:
        _by_year(knocked.loops[0], knocked, out)


def _by_year(one: KnockOutEffect, knocked: KnockOuts, out: Console) -> None:
    measure, told = knocked.metric, one.by_year()
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    for head in ("year", "difference", f"without {' and '.join(one.names)}", "goes away"):
        table.add_column(head, justify="right")
    for y in range(knocked.whole.scenarios[0].years):
        row: dict[str, float | None] = {}
        for name, figures in told.items():
            for end, key in (("", "mean"), ("_low", "ci_low"), ("_high", "ci_high")):
                row[name + end] = _number(figures[key][y])
        table.add_row(str(y + 1), *(_cell(row, name, measure) for name in ("whole", "without", "goes_away")))
    out.print()
    out.print(table)


def _named(one: KnockOutEffect) -> str:
    known = [name for name in one.names if name.casefold() in BY_NAME]
    return f"{' and '.join(one.names)} {one.label}" if known else " and ".join(one.names)


def _cell(row: dict[str, float | None], name: str, measure: Any, *, share: bool = False) -> str:
    unit, decimals = ("share", 2) if share else (measure.unit, measure.decimals)
    mean, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    told = number(mean, unit, decimals, signed=True) + (" %" if share and mean is not None else "")
    if low is None or high is None:
        return told
    sure = "" if low > 0.0 or high < 0.0 else f" {NOT_SURE}"
    return f"{told} ({number(low, unit, decimals, signed=True)} to {number(high, unit, decimals, signed=True)}){sure}"


def _wrapped(text: str, indent: int, out: Console) -> None:
    for line in textwrap.wrap(plain(text), max(20, out.width - indent)):
        out.print(Text(" " * indent + line))
