"""The same people under two policies, in a terminal: who was spared a crisis, who was not, and some of them told."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.analysis.life_histories import (
    COUNTS,
    LifeEvent,
    PersonHistory,
    Stories,
    first_state,
    in_words,
    name_of,
    parting,
)
from sim.cli.show import NOT_SURE, number
from sim.schema.toml_files import plain
from sim.schema.version import VERSION

COMPOSITE = "The people below are composite: simulated lives under made-up names. No real person is described."
NOTES = (
    "Groups are those of the first month, or of a person's arrival. People of both worlds only, but for the net change "
    "in crises, which counts everybody.",
    "Once two lives have parted, luck falls otherwise too: some are spared and some are not by chance. "
    "The net is the policy's.",
    "Those told are chosen for what happened to them on the way, by lot; they are not typical.",
    "Exploratory, not a forecast.",
)
SHARED, LONGEST = 3, 14
"""Events told of those in common, and of each life apart, at most."""
COLUMNS = {
    "spared": "spared",
    "not_spared": "not spared",
    "both": "crisis in both",
    "net": "net people",
    "net_episodes": "net crises",
}
AXES = {None: "Everybody", "quintile": "By deprivation fifth (1 = most deprived)", "age": "By age"}


def document(told: Stories) -> dict[str, Any]:
    """Everything as one JSON document."""
    months = told.scenario.months()
    groups = {axis or "everybody": told.per_thousand(axis) for axis in AXES}  # type: ignore[arg-type]  # its own keys
    return {
        "upstream": VERSION,
        "place": told.place.name,
        "people": told.people,
        "seeds": list(told.seeds),
        "months": months,
        "baseline": told.baseline.name,
        "scenario": told.scenario.name,
        "unit": "per 1,000 people over all years",
        "counts": {name: [int(v) for v in told.counts[:, k].sum(axis=(1, 2))] for k, name in enumerate(COUNTS)},
        "groups": {
            axis: {
                group: {count: {k: _number(v[k][0]) for k in v} for count, v in rows.items()}
                for group, rows in each.items()
            }
            for axis, each in groups.items()
        },
        "composite": COMPOSITE,
        "notes": list(NOTES),
        "stories": [_story(told, seed, before, after, months) for seed, before, after in told.chosen],
    }


def _story(told: Stories, seed: int, before: PersonHistory, after: PersonHistory, months: list[str]) -> dict[str, Any]:
    alike = parting(before, after)
    return {
        "name": name_of(seed, before),
        "spared": before.crises > after.crises,
        "who": first_state(before),
        "same_in_both": in_words(before.events[:alike], months)[-SHARED:],
        "baseline": _apart(before, alike, months),
        "scenario": _apart(after, alike, months),
        "events": {
            name: [event._asdict() for event in person.events]
            for name, person in ((told.baseline.name, before), (told.scenario.name, after))
        },
    }


def _apart(person: PersonHistory, alike: int, months: list[str]) -> list[str]:
    """A life from where it parts: all of it in words, so that what was refused before is remembered; then the rest."""
    events: list[LifeEvent] = person.events
    whole, shared = in_words(events, months), in_words(events[:alike], months)
    same = next((k for k, (a, b) in enumerate(zip(whole, shared, strict=False)) if a != b), len(shared))
    lines = whole[same:]
    if len(lines) > LONGEST:
        lines = [*lines[:LONGEST], f"… and {len(lines) - LONGEST} more months with something to tell."]
    return lines or ["Nothing more happens."]


def show(told: Stories, whole: dict[str, Any], out: Console) -> None:
    """Counts by group, then some people's stories."""
    first, last = whole["months"][0], whole["months"][-1]
    luck = f"{len(told.seeds)} seeds" if len(told.seeds) > 1 else "one seed"
    out.print(Text(f"{plain(told.place.label)}: {told.people:,} people, {first} to {last}, {luck}"))
    labels = plain(told.baseline.label), plain(told.scenario.label)
    out.print(Text(f"Crises under {labels[1]}, against {labels[0]}: the same people, the same luck, per 1,000 people"))
    for axis, title in AXES.items():
        _table(title, whole["groups"][axis or "everybody"], out)
    key = f"Spared: a crisis under {labels[0]}, none under {labels[1]}; not spared: the reverse."
    _wrapped(key, 0, out)
    if len(told.seeds) > 1:
        _wrapped(
            f"In brackets: 95 % intervals of the mean. {NOT_SURE} not told from luck: the interval includes 0.", 0, out
        )
    out.print()
    out.print(Text(COMPOSITE, style="bold"))
    for story in whole["stories"]:
        _told(story, labels, out)
    if not whole["stories"]:
        out.print(Text("Nobody's crisis differs between the two."))
    out.print()
    for note in NOTES[:-1]:
        _wrapped(note, 0, out)
    out.print(Text(NOTES[-1].rstrip("."), style="bold"))


def _table(title: str, rows: dict[str, Any], out: Console) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    table.add_column("")
    for head in COLUMNS.values():
        table.add_column(head, justify="right")
    for group, row in rows.items():
        if row["spared"]["mean"] is None:
            continue  # nobody of this group lives in so small a place
        table.add_row(group, *(_cell(row[name], signed=name.startswith("net")) for name in COLUMNS))
    out.print()
    out.print(Text(title, style="bold"))
    out.print(table)


def _cell(row: dict[str, float | None], *, signed: bool) -> str:
    told = number(row["mean"], "", 1, signed=signed)
    low, high = row["ci_low"], row["ci_high"]
    if low is None or high is None:
        return told
    unsure = f" {NOT_SURE}" if signed and low <= 0.0 <= high else ""
    return f"{told} ({number(low, '', 1, signed=signed)} to {number(high, '', 1, signed=signed)}){unsure}"


def _told(story: dict[str, Any], labels: tuple[str, str], out: Console) -> None:
    out.print()
    out.print(Text.assemble((story["name"], "bold"), ", ", "spared" if story["spared"] else "not spared"))
    _wrapped(story["who"], 2, out)
    if story["same_in_both"]:
        out.print(Text("  In both:"))
        for line in story["same_in_both"]:
            _wrapped(line, 4, out)
    for label, part in zip(labels, ("baseline", "scenario"), strict=True):
        out.print(Text(f"  Under {label}:"))
        for line in story[part]:
            _wrapped(line, 4, out)


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def _wrapped(text: str, indent: int, out: Console) -> None:
    for line in textwrap.wrap(plain(text), max(20, out.width - indent)):
        out.print(Text(" " * indent + line))
