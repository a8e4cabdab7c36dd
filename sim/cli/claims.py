"""Prints the claims: the expected and simulated result of each scenario, and the limits of each claim."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from sim.cli.robustness import (
    chance_text,
    conditions_text,
    contradictions,
    counts_text,
    left_out_text,
    robustness_text,
    show_legend,
    verdict_text,
)
from sim.cli.tables import change_text, print_wrapped
from sim.results.expectation_tests import expected_by_chance, expected_misses
from sim.results.metrics import metric
from sim.results.number_text import is_share, number_text
from sim.schema.errors import plain
from sim.validation.claims import EFFECTS, STATUSES, ClaimResult, Finding, RegionResult, Report, Status

STYLES = {
    "shown": "green",
    "direct only": "yellow",
    "depends": "bold yellow",
    "not shown": "bold red",
    "not run": "dim",
    "outside": "dim",
    "missing": "yellow",
}
EFFECT_STYLES = {"direct": "dim", "propagated": "bold"}


def show(report: Report, out: Console) -> None:
    """Print the claims that scenarios show, the claims outside the model with the reason, and the counts."""
    size = f"{report.people:,} people" if report.people is not None else "the place of every scenario at full size"
    runs = f"{report.new_runs} run now, {report.stored_runs} stored before"
    print_wrapped(f"{size}. {conditions_text(report.design)} Scenarios: {runs}.", out)
    show_legend(report.design, out)
    print_wrapped(
        "direct: on a variable that the scenario's own levers determine, so it can hardly fail and counts for nothing. "
        "propagated: the effect has passed through people or accounts. A claim is shown only with one of these.",
        out,
    )
    if report.left_out:
        print_wrapped(left_out_text(report.left_out), out)
    for claim in report.claims:
        if claim.status in ("shown", "direct only", "depends", "not shown") or claim.stops or claim.walks:
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
    row, verdict, robustness = finding.row(), finding.verdict, finding.robustness
    decimals = 4 if is_share(row["unit"]) else metric(row["metric"]).decimals
    if not verdict.has_interval:
        observed = "no interval: one seed, an empty group, or a denominator that may be 0"
    else:
        observed = change_text(verdict._asdict(), row["unit"], decimals)
        if row["q025"] is not None:
            relative = row["unit"] == "share"
            low, high = (
                number_text(row[name], row["unit"], decimals, signed=True, relative=relative)
                for name in ("q025", "q975")
            )
            observed += f", 95% of runs {low} to {high}"
    text = f"{row['scenario']}, {row['about']}: {row['measure']} expected {row['expected']}: simulated {observed}"
    print_wrapped(text, out, indent)
    conditions = Text(f" [{robustness_text(robustness)}]", style="dim")
    effect = finding.case.effect.effect
    out.print(
        Text.assemble(" " * (indent + 2), (f"{effect}: ", EFFECT_STYLES[effect]), verdict_text(robustness), conditions)
    )
    for text in contradictions(robustness, lambda figures: change_text(figures, row["unit"], decimals)):
        print_wrapped(text, out, indent + 4)


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
    print_wrapped(
        f"At least one propagated expectation holds for {report.claims_with('propagated')} of {len(report.claims)} "
        f"claims; at least one direct expectation for {report.claims_with('direct')}.",
        out,
    )
    count = len(report.findings)
    if count == 0:
        return
    lines = [finding.robustness for finding in report.findings]
    print_wrapped(f"Expectations, limits of claims included: {counts_text(lines)}.", out)
    for effect in EFFECTS:
        of = [finding.robustness for finding in report.findings if finding.case.effect.effect == effect]
        print_wrapped(f"{effect.capitalize()}: {counts_text(of)}.", out, 2)
    by_chance, after_holm = expected_by_chance(finding.verdict for finding in report.findings)
    missed = expected_misses(finding.verdict for finding in report.findings)
    print_wrapped(
        f"Each is tested at 5% (two-sided). If all were false, at most {by_chance:.1f} would hold by chance. At 5% for "
        f"all together (Holm), {after_holm} hold over all draws. With other seeds, and as many, about "
        f"{missed:.0f} would not hold, judging by the simulated results.",
        out,
    )
    print_wrapped(chance_text(lines), out)
