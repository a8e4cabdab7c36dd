"""The same numbers without the page: a scenario's file, a command, and lines of Python."""

from __future__ import annotations

import json

from dashboard.choice import Choice
from dashboard.model import BASELINE, YOURS, ModelIndex

FILE = f"{YOURS}.toml"


def scenario_file(choice: Choice, book: ModelIndex) -> str:
    """The visitor's policy as a scenario's file. Run by `command`, it gives the page's numbers to the last digit."""
    baseline = book.scenarios[BASELINE]
    moves = choice.moves(book)
    lines = [
        "# Put together on the Upstream page. Exploratory, not a forecast. The same numbers as there:",
        f"#   {command(choice, book)}",
        f"name = {json.dumps(YOURS)}",
        f"label = {json.dumps(book.label(YOURS))}",
        'question = "What if the levers below were moved?"',
        'reason = "A policy put together by hand: what is expected of it, and why, is still to be written here."',
        f"place = {json.dumps(choice.place)}",
        f"start = {json.dumps(str(baseline.start))}",
        f"years = {book.years}",
    ]
    if book.settings.people:
        lines.append(f"people = {book.settings.people}")
    for move in sorted(moves, key=lambda move: move.shock):
        lines += ["", move.toml()]
    return "\n".join(lines) + "\n"


def command(choice: Choice, book: ModelIndex) -> str:
    """The command that gives the page's comparison in the terminal."""
    settings = book.settings
    own = [FILE] if choice.moves(book) else []
    words = ["upstream compare", BASELINE, *choice.scenarios, *own, f"--place {choice.place}"]
    words += [f"--people {settings.people}"] if settings.people else []
    words += [f"--years {settings.years}"] if settings.years else []
    words += [f"--seeds {choice.seeds}", f"--seed {settings.seed}"]
    return " ".join(words)


def python_code(choice: Choice, book: ModelIndex) -> str:
    """The lines that give the same numbers in Python."""
    settings = book.settings
    lines = ["import sim", "", f'before = sim.Scenario.load("{BASELINE}")']
    lines += [f'{_variable(name)} = sim.Scenario.load("{name}")' for name in choice.scenarios]
    after = [_variable(name) for name in choice.scenarios]
    moves = choice.moves(book)
    if moves:
        lines.append("yours = before")
        after.append("yours")
        lines += [f'yours = yours.with_policy({move.python()}, name="{YOURS}")' for move in moves]
    options = [f'place="{choice.place}"', f"seeds={choice.seeds}", f"seed={settings.seed}"]
    options += [f"people={settings.people}"] if settings.people else []
    options += [f"years={settings.years}"] if settings.years else []
    lines.append(f"result = sim.compare({', '.join(['before', *after, *options])})")
    lines.append(f"result.{book.main}.difference()")
    return "\n".join(lines)


def _variable(name: str) -> str:
    return name.replace("-", "_").replace(" ", "_")
