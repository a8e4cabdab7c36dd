"""Prints the claims: the expected and simulated result of each scenario, and the limits of each claim."""

from __future__ import annotations

import textwrap

from rich.console import Console
from rich.text import Text

from sim.cli.tables import change_text, print_wrapped
from sim.results.expectation_tests import expected_by_chance, expected_misses
from sim.results.metrics import metric
from sim.results.number_text import is_share
from sim.schema.errors import plain
from sim.validation.claims import STATUSES, ClaimResult, Finding, RegionResult, Report, Status

STYLES = {"shown": "green", "not shown": "bold red", "not run": "dim", "outside": "dim", "missing": "yellow"}


def show(report: Report, out: Console) -> None:
    """Print the claims that scenarios show, the claims outside the model with the reason, and the counts."""
    size = f"{report.people:,} people" if report.people is not None else "the place of every scenario at full size"
    runs = f"{report.new_runs} new, {report.stored_runs} stored before"
    out.print(Text(f"{size}, {len(report.seeds)} seeds; runs: {runs}"))
    for claim in report.claims:
        if claim.status in ("shown", "not shown") or claim.stops or claim.walks:
            _claim(claim, out)
    _rest(report, "outside", "Outside the model", out)
    _rest(report, "not run", "Not run: no quick scenario", out)
    _rest(report, "missing", "Not shown by any scenario yet", out)
    _counts(report, out)


def _claim(claim: ClaimResult, out: Console) -> None:
    out.print()
    head = Text.assemble((claim.number, "bold"), " ", (claim.status, STYLES[claim.status]))
    out.print(head)
    print_wrapped(claim.text, out, 2)
    for finding in claim.findings:
        _finding(finding, out)
    because = None
    for finding in claim.stops:
        stop = finding.case.stops
        assert stop is not None
        if stop.because != because:
            print_wrapped(f"no longer true when: {stop.because}", out, 4)
            because = stop.because
        _finding(finding, out, indent=6)
    for walk in claim.walks:
        _walk(walk, out)


def _walk(walk: RegionResult, out: Console) -> None:
    row = walk.row()
    decimals = 4 if is_share(row["unit"]) else metric(row["metric"]).decimals + 1
    print_wrapped(f"along {row['along']} ({row['scenario']}): {row['why']}", out, 4)
    print_wrapped(f"{row['about']}: {row['measure']} expected {row['expected']}", out, 6)
    for at in row["values"]:
        word, style = {"true": ("true", "green"), "false": ("FALSE", "red")}.get(
            at["claim_is"], ("undecided", "yellow")
        )
        text = f"at {at['value']:g}: {change_text(at, row['unit'], decimals)}: "
        out.print(Text.assemble(" " * 6, plain(text), (word, style)))


def _finding(finding: Finding, out: Console, indent: int = 4) -> None:
    row, verdict = finding.row(), finding.verdict
    decimals = 4 if is_share(row["unit"]) else metric(row["metric"]).decimals
    stops = row["stops"] is not None
    if not verdict.has_interval:
        word, style, observed = "no interval", "yellow", "unknown: one seed, or an empty group"
    else:
        word = ("confirmed" if verdict.met else "NOT confirmed") if stops else ("met" if verdict.met else "NOT met")
        style = "green" if verdict.met else "bold red"
        observed = change_text(verdict._asdict(), row["unit"], decimals)
    text = f"{row['scenario']}, {row['about']}: {row['measure']} expected {row['expected']}: simulated {observed}: "
    lines = textwrap.wrap(plain(text), max(20, out.width - indent - 12)) or [""]
    for line in lines[:-1]:
        out.print(Text(" " * indent + line))
    out.print(Text.assemble(" " * indent + lines[-1] + " ", (word, style)))


def _rest(report: Report, status: Status, title: str, out: Console) -> None:
    rows = [claim for claim in report.claims if claim.status == status]
    if not rows:
        return
    out.print()
    out.print(Text(title, style="bold"))
    for claim in rows:
        reason = f" Outside: {claim.reason}" if claim.reason else ""
        print_wrapped(f"{claim.number} {claim.text}{reason}", out, 2)


def _counts(report: Report, out: Console) -> None:
    others = ", ".join(f"{report.count(status)} {status}" for status in STATUSES[1:])
    summary = f"Claims: {report.count('shown')} of {len(report.claims)} shown, {others}."
    out.print()
    out.print(Text(summary, style="bold"))
    count = len(report.findings)
    if count == 0:
        return
    by_chance, after_holm = expected_by_chance(finding.verdict for finding in report.findings)
    met = count - len(report.unmet)
    out.print(Text(f"Expectations, limits of claims included: {met} of {count} met, each at 5% (two-sided)."))
    out.print(
        Text(
            f"If all were false, chance would meet at most {by_chance:.1f} of them on average. At 5% for all together "
            f"(Holm), {after_holm} are still met."
        )
    )
    missed = expected_misses(finding.verdict for finding in report.findings)
    out.print(
        Text(f"With other seeds, and as many, about {missed:.0f} would not be met, judging by the simulated results.")
    )
