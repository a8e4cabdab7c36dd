"""What a visitor has chosen, as a link: every state of the page can be sent to somebody else.

A link is untrusted text. What it says is checked against the book, and each thing that cannot be used is answered
with one plain sentence and left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from dashboard.model import YOURS, LeverInfo, ModelIndex, RunRequest
from dashboard.moves import EVERYBODY, FIFTHS, SERVICE, WHERE, WHO, Aim, Move

LONGEST_LINK = 4000
SEED_CHOICES = (5, 10, 20, 40)
OVER_CHOICES = (1, 12, 24, 36, 60)
LASTS_CHOICES = (12, 24, 36, 60, 120)
LEVER_PREFIX = "policies."  # as the command line writes it: --set policies.threshold=0.4
AIM_PREFIXES = ("service.", "fifths.", "ages.")


@dataclass(frozen=True)
class Choice:
    """A place, how many seeds, which policies, which levers stand away from the baseline, for whom and from when, and
    which small charts."""

    place: str
    seeds: int
    scenarios: tuple[str, ...]
    levers: Mapping[str, float] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    aims: Mapping[str, Aim] = field(default_factory=dict)
    """Whom a moved lever is for, where that is not everybody."""
    start: str = ""
    over_months: int = 1
    lasts_months: int | None = None
    """How long shocks last; None is to the end."""

    def moves(self, book: ModelIndex) -> tuple[Move, ...]:
        """The moved levers as the model takes them, but for those that wait to be told what they are for."""
        return tuple(
            self._move(book, book.levers[name], value)
            for name, value in sorted(self.levers.items())
            if not self.lacks(book.levers[name])
        )

    def lacks(self, lever: LeverInfo) -> tuple[str, ...]:
        """What a lever still must be told before it can be moved."""
        return tuple(kind for kind in lever.needs if not self.aims.get(lever.name, EVERYBODY).named(kind))

    def _move(self, book: ModelIndex, lever: LeverInfo, value: float) -> Move:
        amount = value - lever.baseline if lever.kind == "shift" else value
        return Move(
            lever=lever.name,
            kind="shift" if lever.kind == "shift" else "value",
            amount=round(amount, 12),
            start=self.start,
            over_months=1 if lever.shock else self.over_months,
            until=book.ends(self.start, self.lasts_months) if lever.shock else None,
            aim=self.aims.get(lever.name, EVERYBODY),
            shock=lever.shock,
        )

    def jobs(self, book: ModelIndex, seeds: int | None = None) -> tuple[RunRequest, ...]:
        """The runs this choice needs, the visitor's own policy first: it is what they wait for."""

        def job(scenario: str, moves: tuple[Move, ...] = ()) -> RunRequest:
            settings = book.settings
            return RunRequest(
                place=self.place,
                people=settings.people,
                years=settings.years,
                seeds=seeds or self.seeds,
                seed=settings.seed,
                scenario=scenario,
                moves=moves,
                version=book.version,
            )

        moves = self.moves(book)
        own = (job(YOURS, moves),) if moves else ()
        return own + tuple(job(name) for name in self.scenarios)

    def quick_jobs(self, book: ModelIndex) -> tuple[RunRequest, ...]:
        """The same with the first few seeds only, for a first look; none where that saves little."""
        few = book.settings.quick_seeds
        return self.jobs(book, few) if self.seeds >= 2 * few else ()


def seed_choices(book: ModelIndex) -> tuple[int, ...]:
    """How many seeds a visitor may ask for."""
    return tuple(sorted({*SEED_CHOICES, book.settings.seeds}))


def over_choices(book: ModelIndex) -> tuple[int, ...]:
    """In how many months a policy may come into full force."""
    return tuple(sorted({*OVER_CHOICES, book.settings.over_months}))


def lasts_choices(book: ModelIndex) -> tuple[int, ...]:
    """How many months a shock may last; to the end is a choice beside these."""
    return tuple(sorted({*LASTS_CHOICES, book.settings.lasts_months}))


def usual(book: ModelIndex) -> Choice:
    """What the page opens with."""
    services = (book.services or book.selectable)[: book.settings.most_services]
    return Choice(
        place=book.place,
        seeds=book.settings.seeds,
        scenarios=book.usual,
        services=services,
        start=book.usual_start,
        over_months=book.settings.over_months,
        lasts_months=book.settings.lasts_months,
    )


def checked(raw: Mapping[str, Any], book: ModelIndex) -> tuple[Choice, list[str]]:
    """A choice made of loose values, with a sentence for each that could not be used."""
    said: list[str] = []
    default = usual(book)

    place = raw.get("place", default.place)
    if place not in book.places:
        said.append(_unknown("place", place, book.places))
        place = default.place

    seeds = _whole(raw, "seeds", "The number of seeds", default.seeds, seed_choices(book), said)
    over = _whole(raw, "over", "The months until full force", default.over_months, over_choices(book), said)
    start = str(raw.get("start", default.start))
    if start not in book.starts():
        said.append(_unknown("month to begin in", start, book.starts()))
        start = default.start
    lasts: int | None = default.lasts_months
    if str(raw.get("lasts", "")) == "end":
        lasts = None
    elif "lasts" in raw:
        usual_lasts = book.settings.lasts_months
        lasts = _whole(raw, "lasts", "The months that shocks last", usual_lasts, lasts_choices(book), said)

    scenarios = _chosen(raw.get("compare", default.scenarios), book.policies, "policy", said)
    if len(scenarios) > book.settings.most_scenarios:
        said.append(f"{book.settings.most_scenarios} policies at most beside the baseline; the first are shown.")
        scenarios = scenarios[: book.settings.most_scenarios]
    if not scenarios and raw.get("compare"):
        scenarios = default.scenarios

    services = _chosen(raw.get("show", default.services), book.selectable, "measure", said)
    if len(services) > book.settings.most_services:
        said.append(f"{book.settings.most_services} small charts at most; the first are shown.")
        services = services[: book.settings.most_services]

    levers = _levers(raw, book, said)
    aims = {name: _aim(told, book.levers[name], book, said) for name, told in _aims(raw) if name in levers}
    return (
        Choice(
            place=str(place),
            seeds=seeds,
            scenarios=scenarios,
            levers=levers,
            services=services,
            aims={name: aim for name, aim in aims.items() if aim != EVERYBODY},
            start=start,
            over_months=over,
            lasts_months=lasts,
        ),
        said,
    )


def _levers(raw: Mapping[str, Any], book: ModelIndex, said: list[str]) -> dict[str, float]:
    """The levers that stand away from their baselines."""
    found: dict[str, float] = {}
    for name, value in dict(raw.get("levers", {})).items():
        lever = book.levers.get(name)
        if lever is None:
            said.append(_unknown("lever", name, book.levers))
            continue
        number = _number(value)
        if number is None or not lever.low - 1e-9 <= number <= lever.high + 1e-9:
            said.append(
                f"{lever.label} can go from {lever.low:g} to {lever.high:g}; '{_short(value)}' came. "
                f"It stays at {lever.baseline:g}."
            )
            continue
        if not math.isclose(number, lever.baseline, abs_tol=lever.step / 1000):
            found[name] = number
    return found


def _aims(raw: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    aims = raw.get("aims")
    told = aims.items() if isinstance(aims, dict) else ()
    return [(str(name), parts) for name, parts in told if isinstance(parts, dict)]


def _aim(told: Mapping[str, Any], lever: LeverInfo, book: ModelIndex, said: list[str]) -> Aim:
    """Whom a lever is for: what the lever can be aimed at, and what there is."""
    for kind, key, some in ((SERVICE, "service", "services"), (WHERE, "fifths", "fifths"), (WHO, "ages", "ages")):
        if told.get(key) and kind not in lever.aims:
            said.append(f"{lever.label} cannot be aimed at some {some}; that part was left out.")
    services: tuple[str, ...] = ()
    fifths: tuple[int, ...] = ()
    ages: tuple[int, int] | None = None
    if SERVICE in lever.aims:
        services = _chosen(told.get("service"), tuple(book.aimed_services), "service", said)
    if WHERE in lever.aims:
        named = _chosen(told.get("fifths"), tuple(map(str, FIFTHS)), "fifth", said)
        fifths = tuple(int(name) for name in named) if len(named) < len(FIFTHS) else ()
    if WHO in lever.aims and told.get("ages"):
        ages = _ages(told["ages"], book, said)
    return Aim(services, fifths, ages)


def _ages(told: Any, book: ModelIndex, said: list[str]) -> tuple[int, int] | None:
    """Ages from the first of one band to the last of the same or a later one; None for all."""
    edges = [_number(age) for age in told] if isinstance(told, list | tuple) else []
    first, last = edges if len(edges) == 2 else (None, None)
    firsts, lasts = zip(*book.age_bands, strict=True)
    if first is None or last is None or first not in firsts or last not in lasts or first > last:
        bands = ", ".join(f"{first}-{last}" for first, last in book.age_bands)
        said.append(f"Ages go from the first of one band to the last of a later one: {bands}. All ages are used.")
        return None
    ages = int(first), int(last)
    return None if ages == (firsts[0], lasts[-1]) else ages


def read_link(query: str, book: ModelIndex) -> tuple[Choice, list[str]]:
    """The choice a link's query describes, with a sentence for each part that could not be used."""
    if len(query) > LONGEST_LINK:
        return usual(book), [f"This link is too long to be one of ours ({len(query):,} letters), so it was not read."]
    raw: dict[str, Any] = {}
    levers: dict[str, str] = {}
    aims: dict[str, dict[str, Any]] = {}
    said: list[str] = []
    try:
        pairs = parse_qsl(query.lstrip("?"), keep_blank_values=True, max_num_fields=200, errors="strict")
    except ValueError:
        return usual(book), ["This link could not be read, so the page shows its usual comparison."]
    for key, value in pairs:
        kind, dot, name = key.partition(".")
        if key.startswith(LEVER_PREFIX):
            levers[name] = value
        elif f"{kind}{dot}" in AIM_PREFIXES:
            parts = value.split("-") if kind == "ages" else value.split(",")
            aims.setdefault(name, {})[kind] = tuple(part for part in parts if part)
        elif key in ("compare", "show"):
            raw[key] = tuple(part for part in value.split(",") if part)
        elif key in ("place", "seeds", "start", "over", "lasts"):
            raw[key] = value
        else:
            known = ("place", "seeds", "compare", "show", "start", "over", "lasts", f"{LEVER_PREFIX}…")
            said.append(_unknown("part of the link", key, known))
    said.extend(_unknown("lever that is moved", name, levers) for name in aims if name not in levers)
    choice, more = checked({**raw, "levers": levers, "aims": aims}, book)
    return choice, said + more


def write_link(choice: Choice, book: ModelIndex) -> str:
    """The query that gives this choice again. Empty for what the page opens with."""
    default = usual(book)
    parts: list[tuple[str, str]] = []
    if choice.place != default.place:
        parts.append(("place", choice.place))
    if choice.seeds != default.seeds:
        parts.append(("seeds", str(choice.seeds)))
    if choice.scenarios != default.scenarios:
        parts.append(("compare", ",".join(choice.scenarios)))
    for name, value in choice.levers.items():
        parts.append((LEVER_PREFIX + name, f"{value:.12g}"))
        aim = choice.aims.get(name, EVERYBODY)
        if aim.services:
            parts.append((f"service.{name}", ",".join(aim.services)))
        if aim.fifths:
            parts.append((f"fifths.{name}", ",".join(map(str, aim.fifths))))
        if aim.ages:
            parts.append((f"ages.{name}", "-".join(map(str, aim.ages))))
    if choice.start != default.start:
        parts.append(("start", choice.start))
    if choice.over_months != default.over_months:
        parts.append(("over", str(choice.over_months)))
    if choice.lasts_months != default.lasts_months:
        parts.append(("lasts", "end" if choice.lasts_months is None else str(choice.lasts_months)))
    if choice.services != default.services:
        parts.append(("show", ",".join(choice.services)))
    return "?" + urlencode(parts, safe=",") if parts else ""


def loose(choice: Choice) -> dict[str, Any]:
    """The choice as plain data for the browser's store, from which `checked` makes it again."""
    return {
        "place": choice.place,
        "seeds": choice.seeds,
        "compare": list(choice.scenarios),
        "show": list(choice.services),
        "levers": dict(choice.levers),
        "aims": {name: loose_aim(aim) for name, aim in choice.aims.items()},
        "start": choice.start,
        "over": choice.over_months,
        "lasts": "end" if choice.lasts_months is None else choice.lasts_months,
    }


def loose_aim(aim: Aim) -> dict[str, Any]:
    """An aim as plain data."""
    return {
        "service": list(aim.services),
        "fifths": [str(fifth) for fifth in aim.fifths],
        "ages": list(aim.ages) if aim.ages else [],
    }


def _whole(raw: Mapping[str, Any], key: str, what: str, default: int, choices: tuple[int, ...], said: list[str]) -> int:
    """One of some whole numbers, or the usual one with a sentence about what came."""
    number = _number(raw.get(key, default))
    if number is not None and number in choices:
        return int(number)
    said.append(f"{what} can be {', '.join(map(str, choices))}; '{_short(raw.get(key))}' came. Using {default}.")
    return default


def _chosen(names: Any, known: tuple[str, ...], what: str, said: list[str]) -> tuple[str, ...]:
    wanted = [str(name) for name in names] if isinstance(names, list | tuple) else []
    said.extend(_unknown(what, name, known) for name in wanted if name not in known)
    return tuple(name for name in known if name in wanted)  # in the book's order, each once


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _unknown(what: str, name: Any, known: Iterable[str]) -> str:
    choices = list(known)
    listed = ", ".join(choices[:12]) + (" …" if len(choices) > 12 else "")
    return f"No {what} called '{_short(name)}'; there are {listed or 'none'}. It was left out."
