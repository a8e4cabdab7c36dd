"""The claims as a table in a terminal: what each scenario expected, what was seen, and where it stops being true."""

from __future__ import annotations

import textwrap

from rich.console import Console
from rich.text import Text

from sim.cli.show import number, shown_unit
from sim.results.expectation_tests import expected_by_chance, missed_again
from sim.results.metrics import metric
from sim.schema.toml_files import plain
from sim.validation.claims import STATUSES, ClaimResult, Finding, RegionResult, Report, Status

STYLES = {"shown": "green", "not shown": "bold red", "not run": "dim", "outside": "dim", "missing": "yellow"}


def show(report: Report, out: Console) -> None:
    """Claims that scenarios show first, then those outside the model with the reason, then the counts."""
    size = f"{report.people:,} people" if report.people is not None else "every scenario's own place at full size"
    out.print(Text(f"{size}, {len(report.seeds)} seeds; runs: {report.made} made, {report.kept} found"))
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
    _wrapped(claim.text, 2, out)
    for found in claim.findings:
        _finding(found, out)
    because = None
    for found in claim.stops:
        stop = found.case.stops
        assert stop is not None
        if stop.because != because:
            _wrapped(f"stops being true when: {stop.because}", 4, out)
            because = stop.because
        _finding(found, out, indent=6)
    for walk in claim.walks:
        _walk(walk, out)


def _walk(walk: RegionResult, out: Console) -> None:
    row = walk.row()
    decimals = 4 if row["unit"] == "share" else metric(row["metric"]).decimals + 1
    _wrapped(f"along {row['along']} ({row['scenario']}): {row['why']}", 4, out)
    _wrapped(f"{row['about']}: {row['measure']} expected {row['expected']}", 6, out)
    for at in row["values"]:
        mean, low, high = (
            number(at[name], row["unit"], decimals, signed=True) for name in ("mean", "ci_low", "ci_high")
        )
        word, style = {"true": ("true", "green"), "false": ("FALSE", "red")}.get(at["claim_is"], ("not told", "yellow"))
        seen = f"at {at['value']:g}: {mean} ({low} to {high}) {shown_unit(row['unit'])}: "
        out.print(Text.assemble(" " * 6, plain(seen), (word, style)))


def _finding(found: Finding, out: Console, indent: int = 4) -> None:
    row, verdict = found.row(), found.verdict
    decimals = 4 if row["unit"] == "share" else metric(row["metric"]).decimals
    stops = row["stops"] is not None
    if not verdict.told:
        word, style, seen = "cannot tell", "yellow", "nothing sure: one seed, or a group that is empty"
    else:
        word = ("seen" if verdict.met else "NOT seen") if stops else ("met" if verdict.met else "NOT met")
        style = "green" if verdict.met else "bold red"
        mean, low, high = (number(v, row["unit"], decimals, signed=True) for v in verdict[1:4])
        seen = f"{mean} ({low} to {high}) {shown_unit(row['unit'])}"
    told = f"{row['scenario']}, {row['about']}: {row['measure']} expected {row['expected']}: seen {seen}: "
    lines = textwrap.wrap(plain(told), max(20, out.width - indent - 12)) or [""]
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
        _wrapped(f"{claim.number} {claim.text}{reason}", 2, out)


def _counts(report: Report, out: Console) -> None:
    others = ", ".join(f"{report.count(status)} {status}" for status in STATUSES[1:])
    told = f"Claims: {report.count('shown')} of {len(report.claims)} shown, {others}."
    out.print()
    out.print(Text(told, style="bold"))
    count = len(report.findings)
    if count == 0:
        return
    luck, kept = expected_by_chance(found.verdict for found in report.findings)
    met = count - len(report.unmet)
    out.print(Text(f"Expectations, where a claim stops included: {met} of {count} met, each at 5 % (two-sided)."))
    told = f"If all were false, luck would meet {luck:.1f} of them on average, at most; at 5 % for all together "
    out.print(Text(f"{told}(Holm), {kept} are still met."))
    again = missed_again(found.verdict for found in report.findings)
    out.print(Text(f"With other luck and as many seeds about {again:.0f} would be missed, going by what was seen."))


def _wrapped(text: str, indent: int, out: Console) -> None:
    for line in textwrap.wrap(plain(text), max(20, out.width - indent)):
        out.print(Text(" " * indent + line))
