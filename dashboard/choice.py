"""A visitor's choice, and its conversion to and from a link, so that every state of the page can be shared.

A link is untrusted text. Each part is checked against the index of the model. A part that cannot be used is left out,
and one plain sentence says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from dashboard.horizon import year_choices
from dashboard.lever_settings import EVERYONE, FIFTHS, SERVICE, WHERE, WHO, LeverSetting, TargetGroup
from dashboard.model import DEFAULT_DRAWS, YOURS, LeverInfo, ModelIndex, RunRequest
from sim.schema.errors import NOTHING, InputError, shown
from sim.schema.renamed import LEVERS as FORMER_LEVERS
from sim.schema.renamed import renamed

LONGEST_LINK = 4000
SEED_CHOICES = (5, 10, 20, 40)
OVER_CHOICES = (1, 12, 24, 36, 60)
LASTS_CHOICES = (12, 24, 36, 60, 120)
DRAWS = {"all": "drawn from their ranges", "none": "as declared"}
"""The choices of parameters, by the names of `--draws` on the command line, and their labels."""
LEVER_PREFIX = "policies."  # as on the command line: --set policies.threshold=0.4
SINGLE_KEYS = ("place", "seeds", "draws", "year", "start", "over", "lasts")
"""The keys of a link that have one value and the same name in the page's data."""
TARGET_PREFIXES = ("service.", "fifths.", "ages.")
_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(("place", "start", "draws"), ((str,), "text")),
    **dict.fromkeys(("seeds", "year", "over", "lasts"), ((str, int, float), "a number")),
    **dict.fromkeys(("compare", "show"), ((list, tuple), "a list")),
    **dict.fromkeys(("levers", "targets"), ((dict,), "a table")),
}
"""The types of the page's data, as JSON has them."""


@dataclass(frozen=True)
class Choice:
    """Place, number of seeds, parameters, policies, lever values with target groups and dates, and what is shown."""

    place: str
    seeds: int
    scenarios: tuple[str, ...]
    year: int
    """The year of the answer. It changes no run."""
    levers: Mapping[str, float] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    targets: Mapping[str, TargetGroup] = field(default_factory=dict)
    """The target group of each moved lever that does not apply to everyone."""
    start: str = ""
    over_months: int = 1
    lasts_months: int | None = None
    """Duration of shocks; None means to the end."""
    draws: str = DEFAULT_DRAWS
    """The parameters that each run draws: "all" or "none"."""

    def lever_settings(self, index: ModelIndex) -> tuple[LeverSetting, ...]:
        """The moved levers as the model takes them, without those that still need a target group."""
        return tuple(
            self._lever_setting(index, index.levers[name], value)
            for name, value in sorted(self.levers.items())
            if not self.missing_targets(index.levers[name])
        )

    def missing_targets(self, lever: LeverInfo) -> tuple[str, ...]:
        """The kinds of target that a lever requires and that are not chosen yet."""
        return tuple(kind for kind in lever.needs if not self.targets.get(lever.name, EVERYONE).limits(kind))

    def _lever_setting(self, index: ModelIndex, lever: LeverInfo, value: float) -> LeverSetting:
        amount = value - lever.baseline if lever.kind == "shift" else value
        return LeverSetting(
            lever=lever.name,
            kind="shift" if lever.kind == "shift" else "value",
            amount=round(amount, 12),
            start=self.start,
            over_months=1 if lever.shock else self.over_months,
            until=index.ends(self.start, self.lasts_months) if lever.shock else None,
            target=self.targets.get(lever.name, EVERYONE),
            shock=lever.shock,
        )

    def jobs(self, index: ModelIndex, seeds: int | None = None) -> tuple[RunRequest, ...]:
        """The runs that this choice needs, the visitor's own policy first, because the visitor waits for it."""

        def job(scenario: str, lever_settings: tuple[LeverSetting, ...] = ()) -> RunRequest:
            settings = index.settings
            return RunRequest(
                place=self.place,
                people=index.people(self.place),
                years=settings.years,
                seeds=seeds or self.seeds,
                seed=settings.seed,
                scenario=scenario,
                lever_settings=lever_settings,
                draws=self.draws,
                version=index.version,
            )

        lever_settings = self.lever_settings(index)
        visitors_job = (job(YOURS, lever_settings),) if lever_settings else ()
        return visitors_job + tuple(job(name) for name in self.scenarios)

    def quick_jobs(self, index: ModelIndex) -> tuple[RunRequest, ...]:
        """The same runs with the first few seeds, for preliminary results; none if that would save little time."""
        few = index.settings.quick_seeds
        return self.jobs(index, few) if self.seeds >= 2 * few else ()


def seed_choices(index: ModelIndex) -> tuple[int, ...]:
    """The numbers of seeds that a visitor can choose."""
    return tuple(sorted({*SEED_CHOICES, index.settings.seeds}))


def over_choices(index: ModelIndex) -> tuple[int, ...]:
    """The numbers of months until a policy is in full effect."""
    return tuple(sorted({*OVER_CHOICES, index.settings.over_months}))


def lasts_choices(index: ModelIndex) -> tuple[int, ...]:
    """The durations of a shock in months; "to the end" is another choice."""
    return tuple(sorted({*LASTS_CHOICES, index.settings.lasts_months}))


def default_choice(index: ModelIndex) -> Choice:
    """The choice with which the page opens."""
    services = (index.services or index.selectable)[: index.settings.most_services]
    return Choice(
        place=index.place,
        seeds=index.settings.seeds,
        scenarios=index.default_scenarios,
        year=index.years,
        services=services,
        start=index.default_start,
        over_months=index.settings.over_months,
        lasts_months=index.settings.lasts_months,
    )


def checked(raw: Any, index: ModelIndex) -> tuple[Choice, list[str]]:
    """Check plain values and make a choice of them.

    Parameters
    ----------
    raw : mapping or None
        The values, with the keys of `choice_data`. Missing keys, and keys with None, have their defaults.
    index : ModelIndex
        The levers, measures, places and scenarios that exist.

    Returns
    -------
    choice : Choice
        The choice, with the default for each value that could not be used.
    said : list of str
        One sentence for each value that could not be used.

    Raises
    ------
    InputError
        If the values are not of the types of the page's data: they come from another program than the page.
    """
    raw = _of_page(raw)
    said: list[str] = []
    default = default_choice(index)

    place = raw.get("place", default.place)
    if place not in index.places:
        said.append(_unknown("place", place, index.places))
        place = default.place

    seeds = _integer(raw, "seeds", "The number of seeds", default.seeds, seed_choices(index), said)
    draws = raw.get("draws", default.draws)
    if draws not in DRAWS:
        said.append(_unknown("choice of parameters", draws, DRAWS))
        draws = default.draws
    year = _integer(raw, "year", "The year of the answer", default.year, year_choices(index.years), said)
    over = _integer(raw, "over", "The months until full effect", default.over_months, over_choices(index), said)
    start = raw.get("start", default.start)
    if start not in index.starts():
        said.append(_unknown("start month", start, index.starts()))
        start = default.start
    lasts: int | None = default.lasts_months
    if str(raw.get("lasts", "")) == "end":
        lasts = None
    elif "lasts" in raw:
        default_lasts = index.settings.lasts_months
        lasts = _integer(raw, "lasts", "The months that shocks last", default_lasts, lasts_choices(index), said)

    scenarios = _known(raw.get("compare", default.scenarios), index.policies, "policy", said)
    if len(scenarios) > index.settings.most_scenarios:
        most = index.settings.most_scenarios
        said.append(f"At most {most} policies can be compared with the baseline. The first {most} are shown.")
        scenarios = scenarios[: index.settings.most_scenarios]
    if not scenarios and raw.get("compare"):
        scenarios = default.scenarios

    services = _known(raw.get("show", default.services), index.selectable, "measure", said)
    if len(services) > index.settings.most_services:
        most = index.settings.most_services
        said.append(f"At most {most} small charts can be shown. The first {most} are shown.")
        services = services[: index.settings.most_services]

    levers = _levers(raw, index, said)
    targets = {
        name: _target(parts, index.levers[name], index, said) for name, parts in _raw_targets(raw) if name in levers
    }
    return (
        Choice(
            place=str(place),
            seeds=seeds,
            scenarios=scenarios,
            year=year,
            levers=levers,
            services=services,
            targets={name: target for name, target in targets.items() if target != EVERYONE},
            start=start,
            over_months=over,
            lasts_months=lasts,
            draws=str(draws),
        ),
        said,
    )


def _levers(raw: Mapping[str, Any], index: ModelIndex, said: list[str]) -> dict[str, float]:
    """The levers whose values differ from their baselines."""
    moved: dict[str, float] = {}
    for name, value in raw.get("levers", {}).items():
        lever = index.levers.get(name)
        if lever is None:
            said.append(_unknown("lever", name, index.levers))
            continue
        number = _number(value)
        if number is None or not lever.low - 1e-9 <= number <= lever.high + 1e-9:
            said.append(
                f"{lever.label} must be from {lever.low:g} to {lever.high:g}, not '{_short(value)}'. "
                f"It stays at {lever.baseline:g}."
            )
            continue
        if not math.isclose(number, lever.baseline, abs_tol=lever.step / 1000):
            moved[name] = number
    return moved


def _raw_targets(raw: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return raw.get("targets", {}).items()


def _of_page(raw: Any) -> dict[str, Any]:
    """The values that are not None, with the types of the page's data."""
    values = {} if raw is None else raw
    if not isinstance(values, dict):
        raise _wrong_type("", "a table", raw)
    values = {str(key): value for key, value in values.items() if value is not None}
    for key, (types, wanted) in _TYPES.items():
        value = values.get(key)
        if value is not None and (not isinstance(value, types) or isinstance(value, bool)):
            raise _wrong_type(key, wanted, value)
    for key in ("compare", "show"):
        for name in values.get(key, ()):
            if not isinstance(name, str):
                raise _wrong_type(key, "a list of names", name)
    for name, value in values.get("levers", {}).items():
        if value is not None and (not isinstance(value, str | int | float) or isinstance(value, bool)):
            raise _wrong_type(f"levers.{name}", "a number", value)
    for name, parts in values.get("targets", {}).items():
        if not isinstance(parts, dict):
            raise _wrong_type(f"targets.{name}", "a table", parts)
        for key in ("service", "fifths", "ages"):
            part = parts.get(key)
            if part is not None and not isinstance(part, list | tuple):
                raise _wrong_type(f"targets.{name}.{key}", "a list", part)
            for item in part or ():
                if not isinstance(item, str | int | float):
                    raise _wrong_type(f"targets.{name}.{key}", "a list of names or numbers", item)
    return values


def _wrong_type(key: str, wanted: str, came: Any) -> InputError:
    return InputError("page data", None, key, wanted, NOTHING if came is None else came)


def _target(parts: Mapping[str, Any], lever: LeverInfo, index: ModelIndex, said: list[str]) -> TargetGroup:
    """The target group of a lever, limited to what the lever allows and what exists."""
    for kind, key, name in ((SERVICE, "service", "services"), (WHERE, "fifths", "fifths"), (WHO, "ages", "ages")):
        if parts.get(key) and kind not in lever.aims:
            said.append(f"{lever.label} cannot be limited to some {name}. That part was left out.")
    services: tuple[str, ...] = ()
    fifths: tuple[int, ...] = ()
    ages: tuple[int, int] | None = None
    if SERVICE in lever.aims:
        services = _known(parts.get("service"), tuple(index.services_of(lever.name)), "service", said)
    if WHERE in lever.aims:
        chosen = _known(parts.get("fifths"), tuple(map(str, FIFTHS)), "fifth", said)
        fifths = tuple(int(name) for name in chosen) if len(chosen) < len(FIFTHS) else ()
    if WHO in lever.aims and parts.get("ages"):
        ages = _ages(parts["ages"], index, said)
    return TargetGroup(services, fifths, ages)


def _ages(bounds: Any, index: ModelIndex, said: list[str]) -> tuple[int, int] | None:
    """Ages from the first age of a band to the last age of the same or a later band; None for all ages."""
    numbers = [_number(age) for age in bounds] if isinstance(bounds, list | tuple) else []
    first, last = numbers if len(numbers) == 2 else (None, None)
    firsts, lasts = zip(*index.age_bands, strict=True)
    if first is None or last is None or first not in firsts or last not in lasts or first > last:
        bands = ", ".join(f"{first}-{last}" for first, last in index.age_bands)
        said.append(
            "Ages must run from the first age of a band to the last age of the same or a later band. The bands are "
            f"{bands}. All ages are used."
        )
        return None
    ages = int(first), int(last)
    return None if ages == (firsts[0], lasts[-1]) else ages


def read_link(query: str, index: ModelIndex) -> tuple[Choice, list[str]]:
    """The choice that a link's query describes, and a sentence for each part that could not be used."""
    if len(query) > LONGEST_LINK:
        return default_choice(index), [
            f"This link is too long to be a link to this page ({len(query):,} characters), so it was not read."
        ]
    raw: dict[str, Any] = {}
    levers: dict[str, str] = {}
    targets: dict[str, dict[str, Any]] = {}
    said: list[str] = []
    try:
        pairs = parse_qsl(query.lstrip("?"), keep_blank_values=True, max_num_fields=200, errors="strict")
    except ValueError:
        return default_choice(index), ["This link could not be read, so the page shows its default comparison."]
    for key, value in pairs:
        kind, dot, name = key.partition(".")
        if key.startswith(LEVER_PREFIX):
            current = FORMER_LEVERS.get(name, name)
            exists = current in index.levers
            if current != name:
                said.append(
                    f"The lever {renamed(name, current)}. {'The page uses it.' if exists else 'It was left out.'}"
                )
            if current == name or exists:
                levers[current] = value
        elif f"{kind}{dot}" in TARGET_PREFIXES:
            parts = value.split("-") if kind == "ages" else value.split(",")
            targets.setdefault(FORMER_LEVERS.get(name, name), {})[kind] = tuple(part for part in parts if part)
        elif key in ("compare", "show"):
            raw[key] = tuple(part for part in value.split(",") if part)
        elif key in SINGLE_KEYS:
            raw[key] = value
        else:
            said.append(_unknown("part of a link", key, (*SINGLE_KEYS, "compare", "show", f"{LEVER_PREFIX}…")))
    said.extend(_unknown("moved lever", name, levers) for name in targets if name not in levers)
    choice, more = checked({**raw, "levers": levers, "targets": targets}, index)
    return choice, said + more


def write_link(choice: Choice, index: ModelIndex) -> str:
    """The query that describes a choice. Defaults are left out, so the default choice has an empty query."""
    default = default_choice(index)
    parts: list[tuple[str, str]] = []
    if choice.place != default.place:
        parts.append(("place", choice.place))
    if choice.seeds != default.seeds:
        parts.append(("seeds", str(choice.seeds)))
    if choice.draws != default.draws:
        parts.append(("draws", choice.draws))
    if choice.year != default.year:
        parts.append(("year", str(choice.year)))
    if choice.scenarios != default.scenarios:
        parts.append(("compare", ",".join(choice.scenarios)))
    for name, value in choice.levers.items():
        parts.append((LEVER_PREFIX + name, f"{value:.12g}"))
        target = choice.targets.get(name, EVERYONE)
        if target.services:
            parts.append((f"service.{name}", ",".join(target.services)))
        if target.fifths:
            parts.append((f"fifths.{name}", ",".join(map(str, target.fifths))))
        if target.ages:
            parts.append((f"ages.{name}", "-".join(map(str, target.ages))))
    if choice.start != default.start:
        parts.append(("start", choice.start))
    if choice.over_months != default.over_months:
        parts.append(("over", str(choice.over_months)))
    if choice.lasts_months != default.lasts_months:
        parts.append(("lasts", "end" if choice.lasts_months is None else str(choice.lasts_months)))
    if choice.services != default.services:
        parts.append(("show", ",".join(choice.services)))
    return "?" + urlencode(parts, safe=",") if parts else ""


def choice_data(choice: Choice) -> dict[str, Any]:
    """The choice as plain data for the browser's store; `checked` makes a choice of it again."""
    return {
        "place": choice.place,
        "seeds": choice.seeds,
        "draws": choice.draws,
        "year": choice.year,
        "compare": list(choice.scenarios),
        "show": list(choice.services),
        "levers": dict(choice.levers),
        "targets": {name: target_data(target) for name, target in choice.targets.items()},
        "start": choice.start,
        "over": choice.over_months,
        "lasts": "end" if choice.lasts_months is None else choice.lasts_months,
    }


def target_data(target: TargetGroup) -> dict[str, Any]:
    """A target group as plain data."""
    return {
        "service": list(target.services),
        "fifths": [str(fifth) for fifth in target.fifths],
        "ages": list(target.ages) if target.ages else [],
    }


def _integer(
    raw: Mapping[str, Any], key: str, label: str, default: int, choices: tuple[int, ...], said: list[str]
) -> int:
    """One of some whole numbers; the default, and a sentence, for any other value."""
    number = _number(raw.get(key, default))
    if number is not None and number in choices:
        return int(number)
    listed = ", ".join(map(str, choices))
    said.append(f"{label} must be one of {listed}, not '{_short(raw.get(key))}'. The page uses {default}.")
    return default


def _known(names: Any, known: tuple[str, ...], kind: str, said: list[str]) -> tuple[str, ...]:
    """The names that exist, in the order of the index, without repeats; a sentence for each other name."""
    wanted = [str(name) for name in names] if isinstance(names, list | tuple) else []
    said.extend(_unknown(kind, name, known) for name in wanted if name not in known)
    return tuple(name for name in known if name in wanted)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):  # a whole number of JSON can be too large for a float
        return None
    return number if math.isfinite(number) else None


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else shown(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _unknown(kind: str, name: Any, known: Iterable[str]) -> str:
    choices = list(known)
    listed = ", ".join(choices[:12]) + (" …" if len(choices) > 12 else "")
    return f"There is no {kind} called '{_short(name)}'. It was left out. The choices are: {listed or 'none'}."
