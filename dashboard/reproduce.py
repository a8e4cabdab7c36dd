"""Reproduces the page's numbers without the page: as a scenario file, as a command, and as Python code."""

from __future__ import annotations

import json

from dashboard.choice import Choice
from dashboard.model import BASELINE, DEFAULT_DRAWS, YOURS, ModelIndex

FILE = f"{YOURS}.toml"


def scenario_file(choice: Choice, index: ModelIndex) -> str:
    """The visitor's policy as a scenario file. The command of `command` gives exactly the numbers of the page."""
    baseline = index.scenarios[BASELINE]
    lever_settings = choice.lever_settings(index)
    lines = [
        "# Made on the Upstream page. Exploratory, not a forecast. This command gives the same numbers:",
        f"#   {command(choice, index)}",
        f"name = {json.dumps(YOURS)}",
        f"label = {json.dumps(index.label(YOURS))}",
        'question = "What happens if the levers below are changed?"',
        'reason = "A policy made on the page. Write here what you expect of it, and why."',
        f"place = {json.dumps(choice.place)}",
        f"start = {json.dumps(str(baseline.start))}",
        f"years = {index.years}",
    ]
    people = index.people(choice.place)
    if people:
        lines.append(f"people = {people}")
    for setting in sorted(lever_settings, key=lambda setting: setting.shock):
        lines += ["", setting.toml()]
    return "\n".join(lines) + "\n"


def command(choice: Choice, index: ModelIndex) -> str:
    """The command that makes the page's comparison in a terminal."""
    settings = index.settings
    visitors_file = [FILE] if choice.lever_settings(index) else []
    words = ["upstream compare", BASELINE, *choice.scenarios, *visitors_file, *_place_options(choice.place, index)]
    words += [f"--seeds {choice.seeds}", f"--seed {settings.seed}"]
    words += [f"--draws {choice.draws}"] if choice.draws != DEFAULT_DRAWS else []
    return " ".join(words)


def sensitivity_command(place: str, index: ModelIndex, scenario: str) -> str:
    """The command that ranks the parameters by their effect on a policy's difference."""
    policy = FILE if scenario == YOURS else scenario
    return " ".join(["upstream sensitivity", BASELINE, policy, *_place_options(place, index)])


def _place_options(place: str, index: ModelIndex) -> list[str]:
    words = [f"--place {place}"]
    people = index.people(place)
    words += [f"--people {people}"] if people else []
    words += [f"--years {index.settings.years}"] if index.settings.years else []
    return words


def python_code(choice: Choice, index: ModelIndex) -> str:
    """Python code that gives the same numbers."""
    settings = index.settings
    lines = ["import sim", "", f'before = sim.Scenario.load("{BASELINE}")']
    lines += [f'{_variable(name)} = sim.Scenario.load("{name}")' for name in choice.scenarios]
    after = [_variable(name) for name in choice.scenarios]
    lever_settings = choice.lever_settings(index)
    if lever_settings:
        lines.append("yours = before")
        after.append("yours")
        lines += [f'yours = yours.with_policy({setting.python()}, name="{YOURS}")' for setting in lever_settings]
    options = [f'place="{choice.place}"', f"seeds={choice.seeds}", f"seed={settings.seed}"]
    people = index.people(choice.place)
    options += [f"people={people}"] if people else []
    options += [f"years={settings.years}"] if settings.years else []
    options += [f'draws="{choice.draws}"'] if choice.draws != DEFAULT_DRAWS else []
    lines.append(f"result = sim.compare({', '.join(['before', *after, *options])})")
    lines.append(f"result.{index.main}.difference()")
    return "\n".join(lines)


def _variable(name: str) -> str:
    return name.replace("-", "_").replace(" ", "_")
