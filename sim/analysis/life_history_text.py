"""Describes life histories in words, under invented first names."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from sim.analysis.life_histories import CRISIS, LifeEvent, PersonHistory
from sim.people.domains import load_domains
from sim.schema.quantities import QUINTILES
from sim.services.catalogue import load_catalogue

ADULT = 18
NAMES = {
    1: (
        "Aisha", "Alice", "Amara", "Anita", "Beatrice", "Carol", "Chloe", "Deborah", "Denise", "Edith", "Elena",
        "Fatima", "Grace", "Hannah", "Irene", "Jean", "Joyce", "Karen", "Leah", "Linda", "Maeve", "Margaret", "Maria",
        "Nadia", "Nia", "Olive", "Patricia", "Priya", "Rosa", "Ruth", "Sandra", "Shanice", "Sofia", "Tracey", "Wanda",
        "Yasmin",
    ),
    0: (
        "Abdul", "Alan", "Andrew", "Ben", "Brian", "Callum", "Carlos", "Colin", "Darren", "David", "Dylan", "Eric",
        "Femi", "Frank", "George", "Gurpreet", "Harold", "Hassan", "Ian", "Imran", "Jack", "Joseph", "Keith", "Kwame",
        "Leon", "Malcolm", "Marek", "Neil", "Omar", "Paul", "Raj", "Ronald", "Samuel", "Stanley", "Trevor", "Winston",
    ),
}  # fmt: skip
"""Invented first names, assigned by a hash. No real person is described."""


def pseudonym(seed: int, person: PersonHistory) -> str:
    """An invented first name for a person, assigned by a hash."""
    names = NAMES[person.female]
    return names[zlib.crc32(repr((seed, person.key)).encode()) % len(names)]


def shared_events(a: PersonHistory, b: PersonHistory) -> int:
    """The number of events, from the first on, that both lives have in common."""
    shared = 0
    for event, other_event in zip(a.events, b.events, strict=False):
        if event != other_event:
            break
        shared += 1
    return shared


def describe_events(events: Sequence[LifeEvent], months: Sequence[str]) -> list[str]:
    """Describe events in words, one line per month: 'At 71, March 2027: after 2 refusals, crisis: ...'.

    Parameters
    ----------
    events : sequence of LifeEvent
        Events of one person, in order.
    months : sequence of str
        The months of the run, as 'YYYY-MM'.

    Returns
    -------
    list of str
        One line for each month with an event.
    """
    lines: list[str] = []
    failed: dict[int, list[str]] = {}
    since: dict[int, int] = {}
    previous: tuple[int, int] | None = None
    for event in events:
        text = _event_text(event, failed, since)
        when = (event.month, event.age)
        if when == previous:
            lines[-1] = f"{lines[-1].rstrip('.')}; {text}."
        else:
            lines.append(f"At {event.age}, {_month(months[event.month])}: {text}.")
        previous = when
    return lines


def _event_text(event: LifeEvent, failed: dict[int, list[str]], since: dict[int, int]) -> str:
    """One event in words. `failed` and `since` record, by domain, the failed requests and the start of the wait."""
    d, service = event.domain, _service(event.service)
    if event.kind == "refused":
        failed.setdefault(d, []).append("refusal")
        return f"asks {service} for help and is turned away"
    if event.kind == "gave up":
        failed.setdefault(d, []).append("wait given up")
        return f"gives up waiting for {service}{_waited(event, since)}"
    if event.kind == "waits":
        since[d] = event.month
        return f"asks {service} for help and has to wait"
    if event.kind == "helped":
        failed.pop(d, None)
        return f"{service} begins to help{_waited(event, since)}"
    if event.kind == "help ends":
        waited = since.pop(d, None) is not None
        return f"no longer waits for {service}" if waited else f"help from {service} ends"
    if event.kind == "crisis":
        tries = failed.pop(d, [])
        after = f"after {_count(tries)}, " if tries else ""
        took = f" ({service})" if event.service >= 0 else ""
        return f"{after}crisis: {_state(d, CRISIS, event.age)}{took}"
    if event.kind in ("worse", "better"):
        if event.level == 0:
            failed.pop(d, None)
            return f"{_domain(d)}: well again"
        return f"{_domain(d)}, {event.kind}: {_state(d, event.level, event.age)}"
    words = {"died": "dies", "left home": "leaves home", "born": "is born", "moved in": "moves in"}
    return words.get(event.kind, "moves away")


def _waited(event: LifeEvent, since: dict[int, int]) -> str:
    start = since.pop(event.domain, None)
    waited = 0 if start is None else event.month - start
    return "" if start is None else " at once" if waited == 0 else f" after {waited} month{'s' * (waited > 1)}"


def _count(tries: Sequence[str]) -> str:
    refusals, waits = tries.count("refusal"), tries.count("wait given up")
    parts = []
    if refusals:
        parts.append("a refusal" if refusals == 1 else f"{refusals} refusals")
    if waits:
        parts.append("a wait given up" if waits == 1 else f"{waits} waits given up")
    return " and ".join(parts)


def _service(s: int) -> str:
    return load_catalogue()[s].label if s >= 0 else "a service"


def _domain(d: int) -> str:
    return load_domains()[d].label


def _state(d: int, level: int, age: int) -> str:
    """The meaning of a level of need; where the domain's file describes a child and an adult, the part that applies."""
    meanings: dict[str, str] = load_domains()[d].meaning.model_dump()
    text = re.sub(r" \([^)]*\)", "", meanings[("emerging", "serious", "crisis")[level - 1]].rstrip("."))
    child, separator, adult = text.partition(", or an adult ")
    text = text if not separator else child.removeprefix("A child ") if age < ADULT else adult
    return text[0].lower() + text[1:]


def _month(text: str) -> str:
    names = (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    )  # fmt: skip
    return f"{names[int(text[5:7]) - 1]} {text[:4]}"


def describe_start(person: PersonHistory) -> str:
    """A person's age, deprivation fifth and needs at the first observation."""
    levels = enumerate(person.levels)
    needs = [f"{_domain(d).lower()}: {_state(d, level, person.age)}" for d, level in levels if level > 0]
    named_fifths = {0: "the most deprived fifth", QUINTILES - 1: "the least deprived fifth"}
    place = named_fifths.get(person.quintile, f"deprivation fifth {person.quintile + 1}")
    return f"aged {person.age}, in {place}; " + ("; ".join(needs) if needs else "no need of services")
