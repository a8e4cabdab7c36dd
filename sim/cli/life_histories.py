"""Prints the crises that a policy avoids for the same people, by group, and the life histories of some of them."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.analysis.life_histories import LifeEvent, PersonHistory
from sim.analysis.life_history_text import describe_events, describe_start, pseudonym, shared_events
from sim.analysis.paired_life_histories import COUNTS, LifeHistoryComparison
from sim.cli.tables import INCLUDES_ZERO, ZERO_NOTE, print_wrapped
from sim.results.number_text import number_text, plain_number
from sim.scenario.headings import distinct_headings
from sim.schema.errors import plain
from sim.schema.version import VERSION

COMPOSITE = "The people below are composite: simulated lives under made-up names. No real person is described."
NOTES = (
    "Groups are those of the first month, or of the month of arrival. Only people who live under both policies are "
    "counted, except in the net number of crises, which counts everyone.",
    "Once two life histories differ, their chance events differ too: some people avoid a crisis by chance, others have "
    "one by chance. The net number is the effect of the policy.",
    "The life histories shown were selected for refusals, abandoned waits and help received; they are not typical.",
    "Exploratory, not a forecast.",
)
MOST_SHARED, MOST_SEPARATE = 3, 14
"""Maximum number of lines shown of the events in common, and of each history after the two differ."""
COLUMNS = {
    "spared": "avoided",
    "not_spared": "added",
    "both": "crisis in both",
    "net": "net people",
    "net_episodes": "net crises",
}
AXES = {None: "Everyone", "quintile": "By deprivation fifth (1 = most deprived)", "age": "By age"}


def document(report: LifeHistoryComparison) -> dict[str, Any]:
    """The counts by group and the life histories as one JSON document."""
    months = report.scenario.months()
    groups = {axis or "everybody": report.per_thousand(axis) for axis in AXES}  # type: ignore[arg-type]  # keys of AXES
    return {
        "upstream": VERSION,
        "place": report.place.name,
        "people": report.people,
        "seeds": list(report.seeds),
        "months": months,
        "baseline": report.baseline.name,
        "scenario": report.scenario.name,
        "unit": "per 1,000 people over all years",
        "counts": {name: [int(v) for v in report.counts[:, k].sum(axis=(1, 2))] for k, name in enumerate(COUNTS)},
        "groups": {
            axis: {
                group: {count: {k: plain_number(v[k][0]) for k in v} for count, v in rows.items()}
                for group, rows in by_group.items()
            }
            for axis, by_group in groups.items()
        },
        "composite": COMPOSITE,
        "notes": list(NOTES),
        "stories": [_story(report, seed, before, after, months) for seed, before, after in report.shown],
    }


def _story(
    report: LifeHistoryComparison, seed: int, before: PersonHistory, after: PersonHistory, months: list[str]
) -> dict[str, Any]:
    shared = shared_events(before, after)
    return {
        "name": pseudonym(seed, before),
        "spared": before.crises > after.crises,
        "who": describe_start(before),
        "same_in_both": describe_events(before.events[:shared], months)[-MOST_SHARED:],
        "baseline": _separate_lines(before, shared, months),
        "scenario": _separate_lines(after, shared, months),
        "events": {
            name: [event._asdict() for event in person.events]
            for name, person in ((report.baseline.name, before), (report.scenario.name, after))
        },
    }


def _separate_lines(person: PersonHistory, shared: int, months: list[str]) -> list[str]:
    """The lines of a life history after its first `shared` events.

    All events are described first, because a line can refer to an earlier event, such as a refusal.
    """
    events: list[LifeEvent] = person.events
    lines, shared_lines = describe_events(events, months), describe_events(events[:shared], months)
    same = next((k for k, (a, b) in enumerate(zip(lines, shared_lines, strict=False)) if a != b), len(shared_lines))
    separate = lines[same:]
    if len(separate) > MOST_SEPARATE:
        separate = [*separate[:MOST_SEPARATE], f"… and {len(separate) - MOST_SEPARATE} more months with events."]
    return separate or ["Nothing more happens."]


def show(report: LifeHistoryComparison, document: dict[str, Any], out: Console) -> None:
    """Print the counts by group, then some life histories."""
    first, last = document["months"][0], document["months"][-1]
    runs = f"{len(report.seeds)} seeds" if len(report.seeds) > 1 else "one seed"
    out.print(Text(f"{plain(report.place.label)}: {report.people:,} people, {first} to {last}, {runs}"))
    headings = distinct_headings({s.name: s.label for s in (report.baseline, report.scenario)})
    labels = plain(headings[report.baseline.name]), plain(headings[report.scenario.name])
    out.print(
        Text(
            f"Crises under {labels[1]} compared with {labels[0]}: the same people and the same chance events, per "
            "1,000 people"
        )
    )
    for axis, title in AXES.items():
        _table(title, document["groups"][axis or "everybody"], out)
    key = f"Avoided: a crisis under {labels[0]}, none under {labels[1]}. Added: the reverse."
    print_wrapped(key, out)
    if len(report.seeds) > 1:
        print_wrapped(f"In brackets: 95% interval of the mean. {ZERO_NOTE}", out)
    out.print()
    out.print(Text(COMPOSITE, style="bold"))
    for story in document["stories"]:
        _history(story, labels, out)
    if not document["stories"]:
        out.print(Text("No person's crises differ between the two scenarios."))
    out.print()
    for note in NOTES[:-1]:
        print_wrapped(note, out)
    out.print(Text(NOTES[-1].rstrip("."), style="bold"))


def _table(title: str, rows: dict[str, Any], out: Console) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    table.add_column("")
    for heading in COLUMNS.values():
        table.add_column(heading, justify="right")
    for group, row in rows.items():
        if row["spared"]["mean"] is None:
            continue  # a small place can have no people in this group
        table.add_row(group, *(_cell(row[name], signed=name.startswith("net")) for name in COLUMNS))
    out.print()
    out.print(Text(title, style="bold"))
    out.print(table)


def _cell(row: dict[str, float | None], *, signed: bool) -> str:
    mean = number_text(row["mean"], "", 1, signed=signed)
    low, high = row["ci_low"], row["ci_high"]
    if low is None or high is None:
        return mean
    mark = f" {INCLUDES_ZERO}" if signed and low <= 0.0 <= high else ""
    return f"{mean} ({number_text(low, '', 1, signed=signed)} to {number_text(high, '', 1, signed=signed)}){mark}"


def _history(story: dict[str, Any], labels: tuple[str, str], out: Console) -> None:
    out.print()
    out.print(Text.assemble((story["name"], "bold"), ", ", "crisis avoided" if story["spared"] else "crisis added"))
    print_wrapped(story["who"], out, 2)
    if story["same_in_both"]:
        out.print(Text("  In both:"))
        for line in story["same_in_both"]:
            print_wrapped(line, out, 4)
    for label, part in zip(labels, ("baseline", "scenario"), strict=True):
        out.print(Text(f"  Under {label}:"))
        for line in story[part]:
            print_wrapped(line, out, 4)
