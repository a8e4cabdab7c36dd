"""From what was typed to scenarios, place and seeds that fit together; whatever does not is refused here, in one line.

Everything is checked before anything is run, so that a slip in the last option does not cost the time of the first.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, get_args

from sim.ensemble.compare import Engine
from sim.ensemble.parameter_sampling import Which
from sim.place.place import Place, people_allowed
from sim.policies import Lever, levers
from sim.results.expectation_tests import unmeasured
from sim.scenario import registry  # noqa: F401  (parameters are known once every mechanism is in the book)
from sim.scenario.parameters import parameter
from sim.scenario.scenario import LONGEST_YEARS, Scenario, library
from sim.schema.toml_files import ASSIGNMENT, InputError, Phrase, dotted, fail, locate, parse_assignment, read_text

ENGINES: tuple[str, ...] = get_args(Engine)
MERGED = ("fifths", "ages")
AXES = ("service", "quintile", "age", "child_age", "neighbourhood", "domain")
MOST_SEEDS, LARGEST_SEED, MOST_THREADS = 100_000, 2**53, 1_024
SETTABLE = ("policies.LEVER", "policies.LEVER.SERVICE", "parameters.GROUP.NAME", "place", "people", "years")


class SelectedScenarios(NamedTuple):
    """Scenarios of one comparison, the baseline first, and where they are run."""

    scenarios: tuple[Scenario, ...]
    place: Place
    people: int | None


@dataclass
class _Read:
    """A scenario with the file it came from, for messages that name its lines."""

    scenario: Scenario
    path: Path
    text: str

    def wrong(self, key: tuple[str | int, ...], wanted: str, came: object, there: Iterable[object] = ()) -> InputError:
        return InputError(self.path, locate(self.text, key), dotted(key), wanted, came, there)


@dataclass
class _ScenarioOverrides:
    """What options and `--set` change in a scenario."""

    place: str | None = None
    people: int | None = None
    years: int | None = None
    parameters: dict[str, float] = field(default_factory=dict)
    levers: list[tuple[Lever, float, str | None]] = field(default_factory=list)


def gather(
    names: Sequence[str],
    *,
    place: str | None,
    people: int | None,
    years: int | None,
    seeds: int,
    seed: int,
    threads: int | None,
    sets: Sequence[str],
) -> SelectedScenarios:
    """The scenarios as typed, changed by the options, ready to compare. Raises InputError for anything that is off."""
    integer_option("--seeds", seeds, 1, MOST_SEEDS)
    integer_option("--seed", seed, 0, LARGEST_SEED)
    if threads is not None:
        integer_option("--threads", threads, 1, MOST_THREADS)
    wishes = _wishes(place, people, years, sets)
    read = [_read(name) for name in names]
    _same_ground(read, wishes)
    dropped: list[str] = []
    scenarios: list[Scenario] = []
    for k, one in enumerate(read):
        changed, beyond = _changed(one, wishes)
        dropped += [one.scenario.name] * beyond
        if k > 0 or len(read) == 1:
            # `compare baseline baseline --set policies.x=...`: a policy made by hand needs a name of its own.
            own = len(read) == 1 or changed.name != scenarios[0].name
            changed = _with_levers(changed, wishes.levers, keep_name=own)
        scenarios.append(changed)
    _comparable(read, scenarios)
    if dropped and len(read) > 1:
        many = f"{len(dropped)} expectation{'s' if len(dropped) > 1 else ''}"
        print(
            f"{many} of {', '.join(sorted(set(dropped)))} lie beyond year {wishes.years}: not tested", file=sys.stderr
        )
    where = Place.load(scenarios[0].place)
    where.neighbourhoods(scenarios[0].people)
    return SelectedScenarios(tuple(scenarios), where, scenarios[0].people)


def integer_option(option: str, value: int, low: int, high: int) -> None:
    """Refuse a whole number outside its range."""
    if not low <= value <= high:
        raise InputError(option, None, "", f"a whole number from {low:,} to {high:,}", value)


def part(option: str, value: float | None) -> None:
    """Refuse what is no part of something."""
    if value is not None and not 0.0 < value < 1.0:
        raise InputError(option, None, "", "a number between 0 and 1", value)


def axes(by: str | None) -> tuple[str, ...]:
    """`--by quintile,age` as axes, each once."""
    if by is None:
        return ()
    found = [part.strip() for part in by.split(",")]
    for part in found:
        if part not in AXES:
            raise InputError("--by", None, "", "one or more of these, with commas between", part, AXES)
    return tuple(dict.fromkeys(found))


def drawing(typed: str | None) -> Which | None:
    """`--draw-parameters`, alone or with `all`."""
    if typed is None or typed in ("mechanisms", "all"):
        return typed  # type: ignore[return-value]  # one of its two words, or none
    raise InputError("--draw-parameters", None, "", "one of these", typed, ("mechanisms", "all"))


def telling(typed: str) -> Engine:
    """`--engine`."""
    if typed in ENGINES:
        return typed  # type: ignore[return-value]  # one of its words
    raise InputError("--engine", None, "", "one of these", typed, ENGINES)


def merged(typed: str | None) -> tuple[str, ...]:
    """`--merge fifths,ages`, each once."""
    found = [part.strip() for part in typed.split(",")] if typed is not None else []
    for part in found:
        if part not in MERGED:
            raise InputError("--merge", None, "", "one or both of these, with a comma between", part, MERGED)
    return tuple(dict.fromkeys(found))


def writable(path: Path) -> Path:
    """A file to write, in a folder that is there."""
    path = path.expanduser()
    if path.is_dir():
        raise InputError(path, None, "--xmile", "a file", Phrase("a folder"))
    if not path.absolute().parent.is_dir():
        raise InputError(path, None, "--xmile", "a file in a folder that is there", Phrase("no such folder"))
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise InputError(path, None, "--xmile", "a file that can be written", Phrase("no right to write there"))
    return path


def _wishes(place: str | None, people: int | None, years: int | None, sets: Sequence[str]) -> _ScenarioOverrides:
    wishes = _ScenarioOverrides(place, people, years)
    known = {lever.name: lever for lever in levers()}
    for text in sets:
        keys, value = parse_assignment(text)
        key = dotted(keys)
        if key in ("place", "people", "years"):
            wanted: type = str if key == "place" else int
            if not isinstance(value, wanted) or isinstance(value, bool):
                raise InputError(ASSIGNMENT, None, key, "text" if wanted is str else "a whole number", value)
            before = getattr(wishes, key)
            if before is not None and before != value:
                raise InputError(ASSIGNMENT, None, key, "one value", Phrase(f"two: {before} and {value}"))
            setattr(wishes, key, value)
        elif keys[0] == "policies" and len(keys) in (2, 3):
            lever = known.get(str(keys[1]))
            if lever is None:
                raise InputError(ASSIGNMENT, None, "policies", "the name of a lever", str(keys[1]), known)
            service = str(keys[2]) if len(keys) == 3 else None
            wishes.levers.append((lever, _lever_value(lever, key, text, value), service))
        elif keys[0] == "parameters" and len(keys) > 1:
            name = ".".join(str(part) for part in keys[1:])
            number = _number(key, value)
            parameter(name, number)
            wishes.parameters[name] = number
        else:
            raise InputError(ASSIGNMENT, None, "", "a key that can be set", key, SETTABLE)
    if wishes.people is not None:
        people_allowed(wishes.people)
    if wishes.years is not None:
        integer_option("--years", wishes.years, 1, LONGEST_YEARS)
    return wishes


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(ASSIGNMENT, None, key, "a number", value)
    return float(value)


def _lever_value(lever: Lever, key: str, text: str, value: Any) -> float:
    number = _number(key, value)
    wanted = f"{lever.low:g} to {lever.high:g} ({lever.unit}; {lever.baseline:g} at baseline)"
    if lever.kind == "value" and text.partition("=")[2].lstrip().startswith("+"):
        raise InputError(ASSIGNMENT, None, key, f"a value without a sign, {wanted}", text.partition("=")[2].strip())
    target = number if lever.kind == "value" else lever.baseline + number
    if not lever.low <= target <= lever.high:
        raise InputError(ASSIGNMENT, None, key, wanted, value)
    return number


def _read(name: str) -> _Read:
    scenario = Scenario.load(name)
    is_file = name.endswith(".toml") or "/" in name or "\\" in name
    path = Path(name) if is_file else library()[name]
    read = _Read(scenario, path, read_text(path))
    for k, expected in enumerate(scenario.expect):
        wrong = unmeasured(expected)
        if wrong is not None:
            raise read.wrong(("expect", k, *wrong.below), wrong.wanted, wrong.came, wrong.choices)
    if scenario.people is not None:
        try:
            people_allowed(scenario.people)
        except InputError as wrong:
            raise fail(path, ("people",), wrong.wanted, wrong.came) from None
    return read


def _same_ground(read: Sequence[_Read], wishes: _ScenarioOverrides) -> None:
    """Refuse scenarios written for different places, unless an option says which to use."""
    first = read[0]
    for one in read[1:]:
        for key in ("place", "people"):
            here, there = getattr(one.scenario, key), getattr(first.scenario, key)
            if getattr(wishes, key) is None and here != there:
                wanted = f"what the baseline '{first.scenario.name}' has, {there or 'none'} (or --{key})"
                raise one.wrong((key,), wanted, here if here is not None else Phrase("none"))


def _changed(one: _Read, wishes: _ScenarioOverrides) -> tuple[Scenario, int]:
    """The scenario with other place, people, years or parameters, and how many expectations now lie beyond its end."""
    update: dict[str, Any] = {}
    if wishes.place is not None:
        Place.load(wishes.place)
        update["place"] = wishes.place
    if wishes.people is not None:
        update["people"] = wishes.people
    if wishes.parameters:
        update["parameters"] = one.scenario.parameters | wishes.parameters
    beyond = 0
    if wishes.years is not None:
        update["years"] = wishes.years
        update["expect"] = [expected for expected in one.scenario.expect if expected.last <= wishes.years]
        update["stops"] = []
        beyond = len(one.scenario.expect) - len(update["expect"])
    changed = one.scenario.model_copy(update=update)
    changed.check(one.path, one.text)
    return changed, beyond


def _with_levers(scenario: Scenario, wanted: Sequence[tuple[Lever, float, str | None]], *, keep_name: bool) -> Scenario:
    for lever, number, service in wanted:
        name = scenario.name if keep_name else None
        if lever.kind == "shift":
            scenario = scenario.with_policy(lever.name, shift=number, service=service, name=name)
        else:
            scenario = scenario.with_policy(lever.name, value=number, service=service, name=name)
        keep_name = True
    return scenario


def _comparable(read: Sequence[_Read], scenarios: Sequence[Scenario]) -> None:
    first, names = scenarios[0], [scenario.name for scenario in scenarios]
    for k in range(1, len(scenarios)):
        one = scenarios[k]
        if one.name in names[:k]:
            raise read[k].wrong(("name",), f"a name of its own for each scenario, not {', '.join(names[:k])}", one.name)
        for key in ("start", "years", "parameters"):
            if getattr(one, key) != getattr(first, key):
                wanted = f"the same {key} as the baseline '{first.name}', {_told(getattr(first, key))}"
                raise read[k].wrong((key,), wanted, Phrase(_told(getattr(one, key))))


def _told(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} = {number:g}" for key, number in sorted(value.items())) or "none"
    return str(value)
