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

from dashboard.model import YOURS, Book, Job

LONGEST_LINK = 4000
SEED_CHOICES = (5, 10, 20, 40)
LEVER_PREFIX = "policies."  # as the command line writes it: --set policies.threshold=0.4


@dataclass(frozen=True)
class Choice:
    """A place, how many seeds, which policies, which levers stand away from the baseline, which small charts."""

    place: str
    seeds: int
    scenarios: tuple[str, ...]
    levers: Mapping[str, float] = field(default_factory=dict)
    services: tuple[str, ...] = ()

    def jobs(self, book: Book) -> tuple[Job, ...]:
        """The runs this choice needs, the visitor's own policy first: it is what they wait for."""

        def job(scenario: str, levers: tuple[tuple[str, float], ...] = ()) -> Job:
            settings = book.settings
            return Job(
                place=self.place,
                people=settings.people,
                years=settings.years,
                seeds=self.seeds,
                seed=settings.seed,
                scenario=scenario,
                levers=levers,
                version=book.version,
            )

        own = (job(YOURS, tuple(sorted(self.levers.items()))),) if self.levers else ()
        return own + tuple(job(name) for name in self.scenarios)


def seed_choices(book: Book) -> tuple[int, ...]:
    """How many seeds a visitor may ask for."""
    return tuple(sorted({*SEED_CHOICES, book.settings.seeds}))


def usual(book: Book) -> Choice:
    """What the page opens with."""
    services = (book.services or book.selectable)[: book.settings.most_services]
    return Choice(place=book.place, seeds=book.settings.seeds, scenarios=book.usual, services=services)


def checked(raw: Mapping[str, Any], book: Book) -> tuple[Choice, list[str]]:
    """A choice made of loose values, with a sentence for each that could not be used."""
    said: list[str] = []
    default = usual(book)

    place = raw.get("place", default.place)
    if place not in book.places:
        said.append(_unknown("place", place, book.places))
        place = default.place

    seeds = _number(raw.get("seeds", default.seeds))
    if seeds not in seed_choices(book):
        wanted = ", ".join(map(str, seed_choices(book)))
        said.append(f"The number of seeds can be {wanted}; '{_short(raw.get('seeds'))}' came. Using {default.seeds}.")
        seeds = default.seeds

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

    levers: dict[str, float] = {}
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
            levers[name] = number
    return Choice(str(place), int(seeds), scenarios, levers, services), said


def read_link(query: str, book: Book) -> tuple[Choice, list[str]]:
    """The choice a link's query describes, with a sentence for each part that could not be used."""
    if len(query) > LONGEST_LINK:
        return usual(book), [f"This link is too long to be one of ours ({len(query):,} letters), so it was not read."]
    raw: dict[str, Any] = {}
    levers: dict[str, str] = {}
    said: list[str] = []
    try:
        pairs = parse_qsl(query.lstrip("?"), keep_blank_values=True, max_num_fields=100, errors="strict")
    except ValueError:
        return usual(book), ["This link could not be read, so the page shows its usual comparison."]
    for key, value in pairs:
        if key.startswith(LEVER_PREFIX):
            levers[key.removeprefix(LEVER_PREFIX)] = value
        elif key in ("compare", "show"):
            raw[key] = tuple(part for part in value.split(",") if part)
        elif key in ("place", "seeds"):
            raw[key] = value
        else:
            known = ("place", "seeds", "compare", "show", f"{LEVER_PREFIX}…")
            said.append(_unknown("part of the link", key, known))
    choice, more = checked({**raw, "levers": levers}, book)
    return choice, said + more


def write_link(choice: Choice, book: Book) -> str:
    """The query that gives this choice again. Empty for what the page opens with."""
    default = usual(book)
    parts: list[tuple[str, str]] = []
    if choice.place != default.place:
        parts.append(("place", choice.place))
    if choice.seeds != default.seeds:
        parts.append(("seeds", str(choice.seeds)))
    if choice.scenarios != default.scenarios:
        parts.append(("compare", ",".join(choice.scenarios)))
    parts += [(LEVER_PREFIX + name, f"{value:.12g}") for name, value in choice.levers.items()]
    if choice.services != default.services:
        parts.append(("show", ",".join(choice.services)))
    return "?" + urlencode(parts, safe=",") if parts else ""


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
