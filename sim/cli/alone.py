"""Levers moved alone and loops knocked out, as tables in a terminal."""

from __future__ import annotations

import math
import textwrap

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.cli.show import number, shown_unit
from sim.results.expectation_tests import LEVEL, about, expected_by_chance
from sim.results.metrics import metric
from sim.schema.toml_files import plain
from sim.validation.one_at_a_time import LeverEnd, LeversReport, LoopsReport, LoopTest

STYLES = {"outcomes": "", "access or community": "", "staff or money": "yellow", "nothing": "bold red"}


def show_levers(report: LeversReport, out: Console) -> None:
    """A row for each end of each lever's range, then the levers that change nothing."""
    out.print(
        Text(f"{report.people:,} people, {report.years} years, {len(report.seeds)} seeds; each lever moved alone")
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("lever", "at", "reaches", "changes told", "most of all", "by", "p"):
        table.add_column(head, overflow="fold")
    for end in report.ends:
        style = STYLES[end.reach]
        by = _effect(end) if end.reach != "nothing" else f"not told: {_effect(end)}"
        cells = (end.lever.name, f"{end.value:g}", end.reach, str(end.told), end.named.metric.label, by)
        table.add_row(*(Text(plain(cell)) for cell in cells), Text(_chance(end.chance)), style=style)
    out.print(table)
    out.print()
    tests = f"{LEVEL:.0%} for all {len(report.ends)} ends and {report.measures} measures together"
    _wrapped(
        f"Paired t tests, two-sided, {tests} (p times the number of tests): by luck one report in twenty would name "
        "any change at all that is none. A size is in standard deviations between towns of this size; levels and "
        "changes are means over the second half of the years.",
        out,
    )
    hidden, idle = (", ".join(names) or "none" for names in (report.hidden, report.idle))
    out.print(Text(f"Levers that change nothing but measures of staff or money: {hidden}."))
    out.print(Text(f"Levers that change nothing beyond luck at either end: {idle}.", style="bold"))


def _effect(end: LeverEnd) -> str:
    found = end.named
    unit, decimals = found.metric.unit, found.metric.decimals + 1
    mean, low, high = (number(v, unit, decimals, signed=True) for v in (found.mean, found.low, found.high))
    size = f"{found.size:.1f} SD" if math.isfinite(found.size) else "from none"
    return f"{mean} ({low} to {high}) {shown_unit(unit)}; {size}"


def show_loops(report: LoopsReport, out: Console) -> None:
    """Each loop with its experiment, and what it does to each measure that its description names."""
    out.print(Text(f"{len(report.seeds)} seeds; each loop knocked out in an experiment in which it ought to act"))
    before = None
    for found in report.looks:
        if found.loop.name != before:
            out.print()
            head = (found.loop.name, "bold"), f" {found.loop.label} ({found.loop.sign}): {found.loop.chain}"
            out.print(Text.assemble(*head))
            _wrapped(f"{found.experiment.why} Knocked out: {found.loop.disabled_by}", out, 2)
            before = found.loop.name
        _look(found, out)
    out.print()
    if report.missing:
        out.print(Text(f"Without an experiment: {', '.join(report.missing)}.", style="bold red"))
    luck, kept = expected_by_chance(found.verdict for found in report.looks)
    met = len(report.looks) - len(report.unmet)
    out.print(Text(f"{met} of {len(report.looks)} looks are as described, each at 5 % (two-sided).", style="bold"))
    told = f"If no loop did anything, luck would meet {luck:.1f} of them on average, at most; at 5 % for all together "
    out.print(Text(f"{told}(Holm), {kept} are still met."))


def _look(found: LoopTest, out: Console) -> None:
    look, verdict = found.look, found.verdict
    whole = metric(look.metric)

    def told(value: float) -> str:
        return number(value, whole.unit, whole.decimals + 1, signed=look.what == "change" or value is verdict.mean)

    what = "changed by" if look.what == "change" else "at"
    seen = f"{what} {told(found.with_it)} with the loop, {told(found.disabled)} without"
    mean, low, high = (number(v, whole.unit, whole.decimals + 1, signed=True) for v in verdict[1:4])
    row = f"{about(look)}: {whole.label} {seen}; the loop's part, expected {verdict.expected}: "
    row += f"{mean} ({low} to {high}) {shown_unit(whole.unit)}: "
    lines = textwrap.wrap(plain(row), max(20, out.width - 14))
    for line in lines[:-1]:
        out.print(Text("    " + line))
    word, style = ("met", "green") if verdict.met else ("NOT met", "bold red")
    out.print(Text.assemble("    " + lines[-1] + " ", (word, style)))
    if look.note:
        _wrapped(look.note, out, 6)


def _chance(p: float) -> str:
    return f"{p:.2f}" if p >= 0.01 else f"{p:.0e}"


def _wrapped(text: str, out: Console, indent: int = 0) -> None:
    for line in textwrap.wrap(plain(text), max(20, out.width - indent)):
        out.print(Text(" " * indent + line))
