"""Turns the arguments of a command into scenarios, a place and seeds that fit together, or raises an InputError.

Every argument is checked before anything is run, so that a mistake in the last option does not cost the time of a run.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, get_args

from sim.ensemble.parameter_sampling import Draws
from sim.ensemble.request import Engine
from sim.place.place import Place, people_allowed
from sim.policies import Lever, levers
from sim.results.expectation_tests import unmeasured
from sim.scenario import registry  # noqa: F401  (registers every mechanism, and with it the parameters)
from sim.scenario.calibration_mode import Calibrate
from sim.scenario.parameters import parameter
from sim.scenario.policy_checks import service_ids
from sim.scenario.scenario import LONGEST_YEARS, MONTHS_BEFORE_POLICY, Scenario, library
from sim.scenario.timeline import month_name
from sim.schema.errors import InputError, Phrase
from sim.schema.renamed import ENGINES as FORMER_ENGINES
from sim.schema.renamed import LEVERS as FORMER_LEVERS
from sim.schema.renamed import PARAMETER_GROUPS as FORMER_GROUPS
from sim.schema.renamed import FormerNameError
from sim.schema.toml_files import ASSIGNMENT, fail, parse_assignment, read_text
from sim.schema.toml_keys import dotted, key_parts, locate
from sim.state.codes import PREVENTION_KINDS

ENGINES: tuple[str, ...] = get_args(Engine)
DRAWS: tuple[str, ...] = get_args(Draws)
CALIBRATIONS: tuple[Calibrate, ...] = get_args(Calibrate)
AGGREGATIONS = ("fifths", "ages")
AXES = ("service", "quintile", "age", "child_age", "neighbourhood", "domain")
MOST_SEEDS, LARGEST_SEED, MOST_THREADS = 100_000, 2**53, 1_024
SETTABLE = (
    "policies.LEVER",
    "policies.LEVER.SERVICE",
    "policies.LEVER.PREVENTION",
    "parameters.GROUP.NAME",
    "place",
    "people",
    "years",
)


class SelectedScenarios(NamedTuple):
    """The scenarios of one comparison, the baseline first, and the place where they are run."""

    scenarios: tuple[Scenario, ...]
    place: Place
    people: int | None


@dataclass
class _LoadedScenario:
    """A scenario with the text of its file, for messages that name a line."""

    scenario: Scenario
    path: Path
    text: str

    def error(
        self, key: tuple[str | int, ...], wanted: str, came: object, choices: Iterable[object] = ()
    ) -> InputError:
        """An InputError that names the file, and the line and the key in it."""
        return InputError(self.path, locate(self.text, key), dotted(key), wanted, came, choices)


@dataclass
class _ScenarioOverrides:
    """The changes that options and `--set` make to a scenario."""

    place: str | None = None
    people: int | None = None
    years: int | None = None
    calibrate: Calibrate | None = None
    parameters: dict[str, float] = field(default_factory=dict)
    levers: list[tuple[Lever, float, str | None]] = field(default_factory=list)


def select_scenarios(
    names: Sequence[str],
    *,
    place: str | None,
    people: int | None,
    years: int | None,
    seeds: int,
    seed: int,
    threads: int | None,
    sets: Sequence[str],
    calibrate: str | None = None,
) -> SelectedScenarios:
    """Load the scenarios and apply the options to them.

    Parameters
    ----------
    names : sequence of str
        Names in the library, or paths of .toml files; the baseline first.
    place, people, years : optional
        Values that replace those of every scenario.
    seeds, seed, threads : int
        Only checked here.
    sets : sequence of str
        Values of `--set`, each KEY=VALUE.
    calibrate : str, optional
        Value of `--calibrate`, which replaces that of every scenario.

    Returns
    -------
    SelectedScenarios
        Scenarios that can be compared with each other.

    Raises
    ------
    InputError
        If any argument is wrong, or the scenarios do not fit together.
    """
    check_integer("--seeds", seeds, 1, MOST_SEEDS)
    check_integer("--seed", seed, 0, LARGEST_SEED)
    if threads is not None:
        check_integer("--threads", threads, 1, MOST_THREADS)
    overrides = _overrides(place, people, years, sets)
    overrides.calibrate = calibration_mode(calibrate)
    loaded = [_load(name) for name in names]
    _check_same_place(loaded, overrides)
    shortened: list[str] = []
    scenarios: list[Scenario] = []
    for k, item in enumerate(loaded):
        changed, beyond = _changed(item, overrides)
        shortened += [item.scenario.name] * beyond
        if k > 0 or len(loaded) == 1:
            # In `compare baseline baseline --set policies.x=...` the second scenario needs a different name.
            keep_name = len(loaded) == 1 or changed.name != scenarios[0].name
            changed = _with_levers(changed, overrides.levers, keep_name=keep_name)
        scenarios.append(changed)
    _check_comparable(loaded, scenarios)
    for item, scenario in zip(loaded, scenarios, strict=True):
        _check_acting(item, scenario)
    if shortened and len(loaded) > 1:
        count = f"{len(shortened)} expectation{'s' if len(shortened) > 1 else ''}"
        print(
            f"{count} of {', '.join(sorted(set(shortened)))} lie beyond year {overrides.years}: not tested",
            file=sys.stderr,
        )
    selected_place = Place.load(scenarios[0].place)
    if selected_place.note:
        print(f"{selected_place.label}: {selected_place.note}", file=sys.stderr)
    selected_place.neighbourhoods(scenarios[0].people)
    return SelectedScenarios(tuple(scenarios), selected_place, scenarios[0].people)


def check_integer(option: str, value: int, low: int, high: int) -> None:
    """Refuse a whole number outside its range."""
    if not low <= value <= high:
        raise InputError(option, None, "", f"a whole number from {low:,} to {high:,}", value)


def check_fraction(option: str, value: float | None) -> None:
    """Refuse a number that does not lie between 0 and 1."""
    if value is not None and not 0.0 < value < 1.0:
        raise InputError(option, None, "", "a number between 0 and 1", value)


def axes(by: str | None) -> tuple[str, ...]:
    """The axes of `--by quintile,age`, without repeats."""
    return _comma_list("--by", by, AXES, "one or more of these, separated by commas")


def draws(value: str | None, of_engine: Engine = "agents") -> Draws:
    """The value of `--draws`; by default all parameters, and none for the stock-flow twin, which makes one run."""
    if value is None:
        return "none" if of_engine == "stocks" else "all"
    if value not in DRAWS:
        raise InputError("--draws", None, "", "one of these", value, DRAWS)
    if of_engine == "stocks" and value != "none":
        wanted = "none with --engine stocks: the stock-flow twin makes one run, with central parameters"
        raise InputError("--draws", None, "", wanted, value)
    return value  # type: ignore[return-value]  # one of the words of `Draws`


def places(value: str | None) -> tuple[str, ...] | None:
    """The places of `--places anytown,wigan`, without repeats; none for "own", and None without the option."""
    if value is None:
        return None
    names = [name.strip() for name in value.split(",")]
    return () if names == ["own"] else tuple(dict.fromkeys(names))


def calibration_mode(value: str | None) -> Calibrate | None:
    """The value of `--calibrate`; None if the option is not used."""
    if value is None:
        return None
    for mode in CALIBRATIONS:
        if value == mode:
            return mode
    raise InputError("--calibrate", None, "", "one of these", value, CALIBRATIONS)


def engine(value: str) -> Engine:
    """The value of `--engine`."""
    if value in FORMER_ENGINES:
        raise FormerNameError(f"--engine {value}", f"--engine {FORMER_ENGINES[value]}")
    if value in ENGINES:
        return value  # type: ignore[return-value]  # one of the words of `Engine`
    raise InputError("--engine", None, "", "one of these", value, ENGINES)


def aggregations(value: str | None) -> tuple[str, ...]:
    """The parts of `--aggregate fifths,ages`, without repeats."""
    return _comma_list("--aggregate", value, AGGREGATIONS, "one or both of these, separated by a comma")


def _comma_list(option: str, value: str | None, known: tuple[str, ...], wanted: str) -> tuple[str, ...]:
    names = [name.strip() for name in value.split(",")] if value is not None else []
    for name in names:
        if name not in known:
            raise InputError(option, None, "", wanted, name, known)
    return tuple(dict.fromkeys(names))


def output_file(option: str, path: Path) -> Path:
    """The path of a file to write. Refuses a folder, and a file that cannot be written."""
    path = path.expanduser()
    if path.is_dir():
        raise InputError(path, None, option, "a file", Phrase("a folder"))
    if not path.absolute().parent.is_dir():
        raise InputError(path, None, option, "a file in an existing folder", Phrase("no such folder"))
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise InputError(path, None, option, "a file that can be written", Phrase("no permission to write there"))
    return path


def _overrides(place: str | None, people: int | None, years: int | None, sets: Sequence[str]) -> _ScenarioOverrides:
    overrides = _ScenarioOverrides(place, people, years)
    known = {lever.name: lever for lever in levers()}
    for text in sets:
        keys, value = parse_assignment(text)
        key = dotted(keys)
        if key in ("place", "people", "years"):
            wanted: type = str if key == "place" else int
            if not isinstance(value, wanted) or isinstance(value, bool):
                raise InputError(ASSIGNMENT, None, key, "text" if wanted is str else "a whole number", value)
            before = getattr(overrides, key)
            if before is not None and before != value:
                raise InputError(ASSIGNMENT, None, key, "one value", Phrase(f"two: {before} and {value}"))
            setattr(overrides, key, value)
        elif keys[0] == "policies" and len(keys) in (2, 3):
            name = str(keys[1])
            if name in FORMER_LEVERS:
                raise FormerNameError(f"policies.{name}", f"policies.{FORMER_LEVERS[name]}")
            lever = known.get(name)
            if lever is None:
                raise InputError(ASSIGNMENT, None, "policies", "the name of a lever", name, known)
            service = str(keys[2]) if len(keys) == 3 else None
            overrides.levers.append((lever, _lever_value(lever, key, text, value), service))
        elif keys[0] == "parameters" and len(keys) > 1:
            group = str(keys[1])
            if group in FORMER_GROUPS:
                raise FormerNameError(f"parameters.{group}", f"parameters.{FORMER_GROUPS[group]}")
            name = ".".join(str(part) for part in keys[1:])
            number = _number(key, value)
            parameter(name, number)
            before = overrides.parameters.setdefault(name, number)
            if before != number:
                raise InputError(ASSIGNMENT, None, key, "one value", Phrase(f"two: {before:g} and {number:g}"))
        else:
            raise InputError(ASSIGNMENT, None, "", "a key that can be set", key, SETTABLE)
    if overrides.people is not None:
        people_allowed(overrides.people)
    if overrides.years is not None:
        check_integer("--years", overrides.years, 1, LONGEST_YEARS)
    return overrides


def _number(key: str, value: Any, wanted: str = "") -> float:
    """A value of `--set` as a number; a whole number that is too large for a float is infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(ASSIGNMENT, None, key, f"a number{wanted and ', '}{wanted}", value)
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _lever_value(lever: Lever, key: str, text: str, value: Any) -> float:
    wanted = f"{lever.low:g} to {lever.high:g} ({lever.unit}; {lever.baseline:g} at baseline)"
    number = _number(key, value, wanted)
    if lever.kind == "value" and text.partition("=")[2].lstrip().startswith("+"):
        raise InputError(ASSIGNMENT, None, key, f"a value without a sign, {wanted}", text.partition("=")[2].strip())
    target = number if lever.kind == "value" else lever.baseline + number
    if not lever.low <= target <= lever.high:
        raise InputError(ASSIGNMENT, None, key, wanted, value)
    return number


def _load(name: str) -> _LoadedScenario:
    scenario = Scenario.load(name)
    is_file = name.endswith(".toml") or "/" in name or "\\" in name
    path = Path(name) if is_file else library()[name]
    loaded = _LoadedScenario(scenario, path, read_text(path))
    for k, expected in enumerate(scenario.expect):
        error = unmeasured(expected)
        if error is not None:
            raise loaded.error(("expect", k, *error.below), error.wanted, error.came, error.choices)
    if scenario.people is not None:
        try:
            people_allowed(scenario.people)
        except InputError as error:
            raise fail(path, ("people",), error.wanted, error.came) from None
    return loaded


def _check_same_place(loaded: Sequence[_LoadedScenario], overrides: _ScenarioOverrides) -> None:
    """Refuse scenarios written for different places, unless an option sets the place."""
    first = loaded[0]
    for item in loaded[1:]:
        for key in ("place", "people"):
            value, reference = getattr(item.scenario, key), getattr(first.scenario, key)
            if getattr(overrides, key) is None and value != reference:
                wanted = f"the {key} of the baseline '{first.scenario.name}', {reference or 'none'} (or --{key})"
                raise item.error((key,), wanted, value if value is not None else Phrase("none"))


def _changed(loaded: _LoadedScenario, overrides: _ScenarioOverrides) -> tuple[Scenario, int]:
    """The scenario with its overrides, and the number of expectations that now lie beyond its last year."""
    update: dict[str, Any] = {}
    if overrides.place is not None:
        Place.load(overrides.place)
        update["place"] = overrides.place
    if overrides.people is not None:
        update["people"] = overrides.people
    if overrides.calibrate is not None:
        update["calibrate"] = overrides.calibrate
    if overrides.parameters:
        update["parameters"] = loaded.scenario.parameters | overrides.parameters
    beyond = 0
    if overrides.years is not None:
        update["years"] = overrides.years
        update["expect"] = [expected for expected in loaded.scenario.expect if expected.last <= overrides.years]
        update["stops"] = []
        beyond = len(loaded.scenario.expect) - len(update["expect"])
    changed = loaded.scenario.model_copy(update=update)
    changed.check(loaded.path, loaded.text)
    return changed, beyond


def _with_levers(scenario: Scenario, moved: Sequence[tuple[Lever, float, str | None]], *, keep_name: bool) -> Scenario:
    """The scenario with the policies of `--set`, each from one year after the scenario's start."""
    for lever, number, service in moved:
        name = scenario.name if keep_name else None
        key = ".".join(("policies", lever.name, *([service] if service is not None else [])))
        start, months, _ = scenario.span
        if months <= MONTHS_BEFORE_POLICY:
            wanted = f"a run beyond {month_name(start, MONTHS_BEFORE_POLICY)}, one year after its start, when it begins"
            raise InputError(ASSIGNMENT, None, key, wanted, Phrase(f"{start} to {month_name(start, months - 1)}"))
        try:
            amount = {lever.kind: number}
            first = month_name(start, MONTHS_BEFORE_POLICY)
            aim = _aim(lever, service, key)
            scenario = scenario.with_policy(lever.name, start=first, name=name, **aim, **amount)  # type: ignore[arg-type]  # a number
        except InputError as error:
            raise InputError(ASSIGNMENT, None, key, error.wanted, error.came, error.choices) from None
        keep_name = True
    return scenario


def _aim(lever: Lever, target: str | None, key: str) -> dict[str, Any]:
    """The aim of a policy of `--set`: a service, or a kind of prevention."""
    if target is None:
        return {}
    if lever.axis == "prevention" and target not in PREVENTION_KINDS:
        raise InputError(ASSIGNMENT, None, key, "a kind of prevention", target, PREVENTION_KINDS)
    is_kind = target in PREVENTION_KINDS and (lever.axis == "prevention" or target not in service_ids())
    return {"prevention" if is_kind else "service": target}


def _check_acting(loaded: _LoadedScenario, scenario: Scenario) -> None:
    """Refuse a policy of the file or of `--set` that would change nothing."""
    try:
        scenario.check_acting(loaded.path, loaded.text)
    except InputError as error:
        table, k = key_parts(error.key)[:2]
        if table == "policies" and int(k) >= len(loaded.scenario.policies):
            key = f"policies.{scenario.policies[int(k)].lever}"
            raise InputError(ASSIGNMENT, None, key, error.wanted, error.came) from None
        raise


def _check_comparable(loaded: Sequence[_LoadedScenario], scenarios: Sequence[Scenario]) -> None:
    """Refuse scenarios with equal names, and scenarios with different starts, years or parameters."""
    first, names = scenarios[0], [scenario.name for scenario in scenarios]
    for k in range(1, len(scenarios)):
        scenario = scenarios[k]
        if scenario.name in names[:k]:
            taken = ", ".join(names[:k])
            raise loaded[k].error(("name",), f"a different name for each scenario, not {taken}", scenario.name)
        for key in ("start", "years", "parameters"):
            if getattr(scenario, key) != getattr(first, key):
                wanted = f"the same {key} as the baseline '{first.name}', {_described(getattr(first, key))}"
                raise loaded[k].error((key,), wanted, Phrase(_described(getattr(scenario, key))))


def _described(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} = {number:g}" for key, number in sorted(value.items())) or "none"
    return str(value)
