"""Prints the tests of levers moved one at a time, and of loops knocked out one at a time."""

from __future__ import annotations

import math
import textwrap

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.cli.tables import change_text, print_wrapped
from sim.results.expectation_tests import LEVEL, about, expected_by_chance
from sim.results.metrics import metric
from sim.results.number_text import number_text
from sim.schema.errors import plain
from sim.validation.one_at_a_time import LeverEnd, LeversReport, LoopsReport, LoopTest

STYLES = {"outcomes": "", "access or community": "", "staff or money": "yellow", "nothing": "bold red"}


def show_levers(report: LeversReport, out: Console) -> None:
    """Print a row for each end of each lever's range, then the levers without a detectable effect."""
    out.print(
        Text(f"{report.people:,} people, {report.years} years, {len(report.seeds)} seeds; each lever moved alone")
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("lever", "value", "affects", "measures changed", "largest change", "difference", "p"):
        table.add_column(head, overflow="fold")
    for end in report.ends:
        style = STYLES[end.reach]
        by = _effect(end) if end.reach != "nothing" else f"includes 0: {_effect(end)}"
        cells = (end.lever.name, f"{end.value:g}", end.reach, str(end.significant), end.largest.metric.label, by)
        table.add_row(*(Text(plain(cell)) for cell in cells), Text(_chance(end.p)), style=style)
    out.print(table)
    out.print()
    tests = f"{LEVEL:.0%} for all {len(report.ends)} ends and {report.measures} measures together"
    print_wrapped(
        f"Paired t tests, two-sided, {tests} (p values are multiplied by the number of tests): by chance, one report "
        "in twenty would name any change although there is none. Sizes are in standard deviations between towns of "
        "this size; levels and changes are means over the second half of the years.",
        out,
    )
    hidden, idle = (", ".join(names) or "none" for names in (report.hidden, report.idle))
    out.print(Text(f"Levers that change only measures of staff or money: {hidden}."))
    out.print(Text(f"Levers without a detectable effect at either end: {idle}.", style="bold"))


def _effect(end: LeverEnd) -> str:
    effect = end.largest
    unit, decimals = effect.metric.unit, effect.metric.decimals + 1
    change = change_text(effect._asdict(), unit, decimals)
    size = f"{effect.size:.1f} SD" if math.isfinite(effect.size) else "no variation at baseline"
    return f"{change}; {size}"


def show_loops(report: LoopsReport, out: Console) -> None:
    """Print each loop with its experiment and its effect on each measure that its description names."""
    out.print(Text(f"{len(report.seeds)} seeds; each loop is knocked out in an experiment in which it should act"))
    previous = None
    for test in report.tests:
        if test.loop.name != previous:
            out.print()
            heading = (test.loop.name, "bold"), f" {test.loop.label} ({test.loop.sign}): {test.loop.chain}"
            out.print(Text.assemble(*heading))
            print_wrapped(f"{test.experiment.why} Knock-out: {test.loop.disabled_by}", out, 2)
            previous = test.loop.name
        _loop_test(test, out)
    out.print()
    if report.missing:
        out.print(Text(f"Without an experiment: {', '.join(report.missing)}.", style="bold red"))
    by_chance, after_holm = expected_by_chance(test.verdict for test in report.tests)
    met = len(report.tests) - len(report.unmet)
    out.print(Text(f"{met} of {len(report.tests)} effects are as described, each at 5% (two-sided).", style="bold"))
    out.print(
        Text(
            f"If no loop had an effect, chance would meet at most {by_chance:.1f} of them on average. At 5% for all "
            f"together (Holm), {after_holm} are still met."
        )
    )


def _loop_test(test: LoopTest, out: Console) -> None:
    look, verdict = test.expectation, test.verdict
    measure = metric(look.metric)

    def shown(value: float) -> str:
        signed = look.quantity == "change" or value is verdict.mean
        return number_text(value, measure.unit, measure.decimals + 1, signed=signed)

    quantity = "changed by" if look.quantity == "change" else "at"
    levels = f"{quantity} {shown(test.with_loop)} with the loop, {shown(test.without_loop)} without"
    row = f"{about(look)}: {measure.label} {levels}; effect of the loop, expected {verdict.expected}: "
    row += f"{change_text(verdict._asdict(), measure.unit, measure.decimals + 1)}: "
    lines = textwrap.wrap(plain(row), max(20, out.width - 14))
    for line in lines[:-1]:
        out.print(Text("    " + line))
    word, style = ("met", "green") if verdict.met else ("NOT met", "bold red")
    out.print(Text.assemble("    " + lines[-1] + " ", (word, style)))
    if look.note:
        print_wrapped(look.note, out, 6)


def _chance(p: float) -> str:
    return f"{p:.2f}" if p >= 0.01 else f"{p:.0e}"
