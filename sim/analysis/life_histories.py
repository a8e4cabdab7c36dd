"""The same people under two policies: who is spared a crisis, who is not, and what happened to some of them.

Two worlds run side by side from one settled world, with the same dice, and are watched from outside: after each step of
a month, what changed in people is read off their columns. Watching changes nothing, and a run that is not watched pays
nothing for it. A slot is not a person: births, deaths, moves and leaving home are followed, and each person has a key
(where they first stood, when, and how they came) by which they are found in the other world.

A crisis is counted once, when it begins; each opens one acute episode. Visits to doors that refuse nobody (A&E without
a crisis) are not followed. Once two lives have parted they meet the same dice in other circumstances, so that some
people are spared, and some are not, by nothing but luck: the difference between the two counts is the policy's.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.schedule import Clock, Mechanism
from sim.ensemble.compare import in_one_part, settled_world, side_by_side
from sim.ensemble.precompile import warm_up
from sim.people.domains import load_domains
from sim.place.place import Place
from sim.results.comparison import summary
from sim.scenario.scenario import Scenario
from sim.schema.quantities import AGE_BAND_NAMES, QUINTILES, Params
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import FLOWS, Month, Progress, set_aim_groups
from sim.state.tables import EMPTY_SLOT, WAITING, World, handle

A = npt.NDArray[Any]
F = npt.NDArray[np.float64]
Kind = Literal[
    "worse", "better", "crisis", "refused", "waits", "gave up", "helped", "help ends", "died", "moved away",
    "left home", "born", "moved in",
]  # fmt: skip
CRISIS, ADULT = 3, 18
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
"""Given names, made up by us and given by lot: nobody who lives anywhere is meant."""


class PersonKey(NamedTuple):
    """Who somebody is, in whichever world: how they came, when, and where they first stood."""

    came: Literal["lived here", "born", "moved in"]
    month: int
    slot: int


class LifeEvent(NamedTuple):
    """What happened to somebody in a month."""

    month: int
    age: int
    kind: Kind
    domain: int = -1
    level: int = -1
    service: int = -1


@dataclass
class PersonHistory:
    """One life, as far as it was seen."""

    key: PersonKey
    age: int
    """At the first month, or when they came."""
    female: int
    quintile: int
    band: int
    levels: tuple[int, ...]
    """Need in each domain then."""
    events: list[LifeEvent] = field(default_factory=list)

    @property
    def crises(self) -> int:
        """How many crises began."""
        return sum(event.kind == "crisis" for event in self.events)


class Watch:
    """A world that runs month by month while everybody in it is followed."""

    def __init__(self, world: World, scenario: Scenario, params: Mapping[str, Params], seed: int) -> None:
        self.world, self.seed, self.now = in_one_part(world), seed, 0
        set_aim_groups(self.world, scenario)
        services = tuple(s.id for s in load_catalogue())
        self._month = Month(params, scenario.paths(services, world.places))
        self._seen = handle(self.world)
        self._slots: dict[int, PersonHistory] = {}
        self.people: dict[PersonKey, PersonHistory] = {}
        for i in np.flatnonzero(self.world.people.age != EMPTY_SLOT):
            self._comes(int(i), "lived here")

    def month(self) -> None:
        """Live one month."""
        clock = Clock(np.uint64(self.seed), np.int64(self.now))
        for flow in FLOWS:
            getattr(self.world.tally, flow).fill(0)
        for entry, given in self._month.steps:
            watch = _WATCHED.get(entry.name)
            if watch is None:
                entry.kernel(self._seen, given, clock)
            else:
                watch(self, entry, given, clock)
        self.now += 1

    # What is seen in each step. A step's kernel is called once, from these.

    def _need(self, entry: Mechanism, given: object, clock: Clock) -> None:
        help_before = self.world.people.help.copy()
        entry.kernel(self._seen, given, clock)
        self._levels(0)
        self._help(help_before)

    def _levels(self, first: int) -> None:
        """Changes of level since an entry of the month's list of events."""
        screen, people = self.world.screen, self.world.people
        for k in range(first, int(screen.events[0])):
            i, d, level = int(screen.event_row[k]), int(screen.event_domain[k]), int(screen.event_to[k])
            if level == CRISIS:
                continue  # told once it is known which service took it
            kind: Kind = "worse" if level > int(people.before[d, i]) else "better"
            self._tell(i, kind, d, level)

    def _episodes(self, entry: Mechanism, given: object, clock: Clock) -> None:
        entry.kernel(self._seen, given, clock)
        screen = self.world.screen
        for k in range(int(screen.events[0])):
            if screen.event_to[k] == CRISIS:
                i, d = int(screen.event_row[k]), int(screen.event_domain[k])
                self._tell(i, "crisis", d, CRISIS, int(screen.event_service[k]))

    def _asking(self, entry: Mechanism, given: object, clock: Clock) -> None:
        """Who was refused is noted in a bit that may stand there already: so the step is tried once with no bit set."""
        people = self.world.people
        before = people.help.copy()
        with self._for_a_try(entry.writes):
            people.refused[:] = 0
            entry.kernel(self._seen, given, clock)
            failed = people.refused.copy()
        asked = self._asked(entry, given, clock) if failed.any() else before
        entry.kernel(self._seen, given, clock)
        for i in np.flatnonzero(failed):
            for d in range(before.shape[0]):
                if failed[i] >> d & 1:
                    code = int(before[d, i])
                    if code >= WAITING:
                        self._tell(int(i), "gave up", d, service=code - WAITING)
                    else:
                        self._tell(int(i), "refused", d, service=int(asked[d, i]) - WAITING)
        self._help(before, gave_up=failed)

    def _asked(self, entry: Mechanism, given: object, clock: Clock) -> A:
        """Whom everybody asked: with no threshold they would wait there."""
        services, aims = self.world.services, self.world.aims
        with self._for_a_try((*entry.writes, "services.refused", "services.providers", "aims.refuse")):
            services.refused[:], services.providers[:], aims.refuse[:] = 0.0, 1.0, 0.0
            entry.kernel(self._seen, given, clock)
            return self.world.people.help.copy()

    @contextmanager
    def _for_a_try(self, touched: Iterable[str]) -> Iterator[None]:
        """Leaves these columns as they were."""
        kept = {name: _column(self.world, name).copy() for name in touched}
        yield
        for name, values in kept.items():
            _column(self.world, name)[:] = values

    def _starting(self, entry: Mechanism, given: object, clock: Clock) -> None:
        before = self.world.people.help.copy()
        entry.kernel(self._seen, given, clock)
        self._help(before)

    def _help(self, before: A, gave_up: A | None = None) -> None:
        """Help that was asked for, began or ended since."""
        after = self.world.people.help
        for d, i in zip(*np.nonzero(before != after), strict=True):
            old, new = int(before[d, i]), int(after[d, i])
            if new >= WAITING:
                self._tell(int(i), "waits", int(d), service=new - WAITING)
            elif new > 0:
                self._tell(int(i), "helped", int(d), service=new - 1)
            elif old < WAITING:
                self._tell(int(i), "help ends", int(d), service=old - 1)
            elif gave_up is None:
                self._tell(int(i), "help ends", int(d), service=old - WAITING)

    def _ageing(self, entry: Mechanism, given: object, clock: Clock) -> None:
        """Birthdays; some leave home, and are the same people in another slot."""
        people, events = self.world.people, int(self.world.screen.events[0])
        before, help_before = people.age.copy(), people.help.copy()
        marks = list(zip(people.neighbourhood, people.female, people.resilience, people.trust, strict=True))
        entry.kernel(self._seen, given, clock)
        self._levels(events)
        after = people.age
        gone = {marks[i]: int(i) for i in np.flatnonzero((before != EMPTY_SLOT) & (after == EMPTY_SLOT))}
        self._stays(before, help_before)
        for j in np.flatnonzero((before == EMPTY_SLOT) & (after != EMPTY_SLOT)):
            mark = (people.neighbourhood[j], people.female[j], people.resilience[j], people.trust[j])
            person = self._slots.pop(gone.pop(mark))
            self._slots[int(j)] = person
            self._tell(int(j), "left home")
        for i in gone.values():
            self._goes(i, "moved away", int(before[i]))

    def _living(self, entry: Mechanism, given: object, clock: Clock) -> None:
        """Deaths and births; children left alone are taken elsewhere."""
        people, homes = self.world.people, self.world.dwellings
        before, help_before = people.age.copy(), people.help.copy()
        occupied = homes.occupants.copy()
        entry.kernel(self._seen, given, clock)
        for i in np.flatnonzero((before != EMPTY_SLOT) & (people.age == EMPTY_SLOT)):
            home = people.dwelling[i]
            alone = before[i] < 16 and homes.occupants[home] == 0 and occupied[home] > 1
            self._goes(int(i), "moved away" if alone else "died", int(before[i]))
        self._stays(before, help_before)
        for j in np.flatnonzero((before == EMPTY_SLOT) & (people.age != EMPTY_SLOT)):
            self._comes(int(j), "born")

    def _moving(self, entry: Mechanism, given: object, clock: Clock) -> None:
        people = self.world.people
        before, help_before = people.age.copy(), people.help.copy()
        entry.kernel(self._seen, given, clock)
        for i in np.flatnonzero((before != EMPTY_SLOT) & (people.age == EMPTY_SLOT)):
            self._goes(int(i), "moved away", int(before[i]))
        self._stays(before, help_before)
        for j in np.flatnonzero((before == EMPTY_SLOT) & (people.age != EMPTY_SLOT)):
            self._comes(int(j), "moved in")

    def _stays(self, age_before: A, help_before: A) -> None:
        """Help that ends for those who stay. A household's passes to whoever is its reference person now: no start."""
        people = self.world.people
        ended = (age_before != EMPTY_SLOT) & (people.age != EMPTY_SLOT) & (people.help == 0)
        self._help(np.where(ended, help_before, people.help))

    def _comes(self, i: int, how: Literal["lived here", "born", "moved in"]) -> None:
        people = self.world.people
        key = PersonKey(how, self.now, i)
        levels = tuple(int(level) for level in people.level[:, i])
        about = (int(people.age[i]), int(people.female[i]), int(people.quintile[i]), int(people.band[i]))
        person = PersonHistory(key, *about, levels)
        self._slots[i] = self.people[key] = person
        if how != "lived here":
            person.events.append(LifeEvent(self.now, person.age, how))

    def _goes(self, i: int, how: Literal["died", "moved away"], age: int) -> None:
        self._slots.pop(i).events.append(LifeEvent(self.now, age, how))

    def _tell(self, i: int, kind: Kind, domain: int = -1, level: int = -1, service: int = -1) -> None:
        person = self._slots.get(i)
        assert person is not None, f"something happened in slot {i}, where nobody is"
        person.events.append(LifeEvent(self.now, int(self.world.people.age[i]), kind, domain, level, service))


def _column(world: World, name: str) -> A:
    table, column = name.split(".")
    found: A = getattr(getattr(world, table), column)
    return found


_WATCHED: dict[str, Callable[[Watch, Mechanism, object, Clock], None]] = {
    "need": Watch._need,
    "help_seeking": Watch._asking,
    "acute_episodes": Watch._episodes,
    "queue_allocation": Watch._starting,
    "waiting": Watch._starting,
    "ageing": Watch._ageing,
    "life_and_death": Watch._living,
    "moves": Watch._moving,
}
"""The steps of a month in which something happens to a person."""


class PairedPopulations(NamedTuple):
    """Everybody who lived in either world, after the same months."""

    seed: int
    before: Mapping[PersonKey, PersonHistory]
    """Under the baseline."""
    after: Mapping[PersonKey, PersonHistory]
    """Under the scenario."""

    def both(self) -> Iterator[tuple[PersonHistory, PersonHistory]]:
        """Those who lived in both worlds, as they fared in each."""
        for key, person in self.before.items():
            other = self.after.get(key)
            if other is not None:
                yield person, other


def watched(
    baseline: Scenario,
    scenario: Scenario,
    world: World,
    seed: int,
    params: Mapping[str, Params] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> PairedPopulations:
    """Both policies on copies of one settled world, everybody followed."""
    given = baseline.params() if params is None else params
    lives = []
    for policy in (baseline, scenario):
        watch = Watch(world, policy, given, seed)
        for _ in range(12 * policy.years):
            if stop():
                raise KeyboardInterrupt
            watch.month()
        lives.append(watch.people)
    return PairedPopulations(seed, *lives)


COUNTS = (
    "people",
    "spared",
    "not_spared",
    "both",
    "episodes_fewer",
    "episodes_more",
    "episodes_here_only_before",
    "episodes_here_only_after",
)
"""Counted for each group: people of both worlds; those with a crisis under the baseline only, under the scenario only,
under both; crises fewer and more under the scenario, of people of both worlds; crises of people of one world only."""


def counted(pair: PairedPopulations) -> npt.NDArray[np.int64]:
    """`COUNTS` by deprivation fifth and age band when first seen. Shape (count, quintile, band).

    fewer, more and the two last add up to the difference in crises between the worlds, and to nothing else.
    """
    out = np.zeros((len(COUNTS), QUINTILES, len(AGE_BAND_NAMES)), np.int64)
    for person, other in pair.both():
        a, b = person.crises, other.crises
        cell = out[:, person.quintile, person.band]
        cell[0] += 1
        cell[1] += a > 0 and b == 0
        cell[2] += b > 0 and a == 0
        cell[3] += a > 0 and b > 0
        cell[4] += max(0, a - b)
        cell[5] += max(0, b - a)
    for k, here, there in ((6, pair.before, pair.after), (7, pair.after, pair.before)):
        for key, person in here.items():
            if key not in there:
                out[k, person.quintile, person.band] += person.crises
    return out


@dataclass(frozen=True)
class Stories:
    """What became of the same people under two policies."""

    baseline: Scenario
    scenario: Scenario
    place: Place
    people: int
    seeds: tuple[int, ...]
    counts: npt.NDArray[np.int64]
    """Shape (seed, count, quintile, band)."""
    chosen: tuple[tuple[int, PersonHistory, PersonHistory], ...]
    """Seed, and somebody as they fared under each."""

    def per_thousand(self, by: Literal["quintile", "age"] | None = None) -> dict[str, dict[str, dict[str, F]]]:
        """For each group, each count per 1,000 of its people of both worlds, with its interval over seeds."""
        counts = self.counts.astype(float)
        names: tuple[str, ...] = ("everybody",)
        if by is None:
            grouped = counts.sum(axis=(2, 3))[:, :, None]
        elif by == "quintile":
            grouped, names = counts.sum(axis=3), tuple(str(q + 1) for q in range(QUINTILES))
        else:
            grouped, names = counts.sum(axis=2), AGE_BAND_NAMES
        heads = grouped[:, :1]
        rates = 1000.0 * np.divide(grouped, heads, out=np.full_like(grouped, np.nan), where=heads > 0)
        out: dict[str, dict[str, dict[str, F]]] = {}
        for g, name in enumerate(names):
            told = {count: summary(rates[:, k, g][:, None]) for k, count in enumerate(COUNTS) if k > 0}
            told["net"] = summary((rates[:, 2, g] - rates[:, 1, g])[:, None])
            told["net_episodes"] = summary((rates[:, 5, g] + rates[:, 7, g] - rates[:, 4, g] - rates[:, 6, g])[:, None])
            out[name] = told
        return out


def stories(
    baseline: Scenario,
    scenario: Scenario,
    *,
    place: Place | None = None,
    people: int | None = None,
    seeds: int = 20,
    seed: int = 0,
    chosen: int = 4,
    threads: int = 1,
    progress: Progress | None = None,
) -> Stories:
    """Follow everybody under both policies, for some seeds, and choose some people of the first seed to tell of."""
    warm_up()
    where = place if place is not None else Place.load(baseline.place)
    numbers = tuple(range(seed, seed + seeds))
    done: list[int] = []

    def one(
        number: int, stop: Callable[[], bool]
    ) -> tuple[npt.NDArray[np.int64], list[tuple[PersonHistory, PersonHistory]]]:
        pair = watched(baseline, scenario, settled_world(baseline, where, people, number), number, stop=stop)
        done.append(number)
        if progress is not None:
            progress(len(done), len(numbers), f"seed {number}")
        return counted(pair), _chosen(pair, chosen) if number == seed else []

    if progress is not None:
        progress(0, len(numbers), "getting ready")
    found = side_by_side(one, numbers, threads)
    total = sum(n.people for n in where.neighbourhoods(people))
    told = tuple((seed, *pair) for pair in found[0][1])
    return Stories(baseline, scenario, where, total, numbers, np.stack([counts for counts, _ in found]), told)


def _chosen(pair: PairedPopulations, most: int) -> list[tuple[PersonHistory, PersonHistory]]:
    """Some who were spared and some who were not, in turn: first those whose way led through services, by lot."""
    spared: list[tuple[PersonHistory, PersonHistory]] = []
    struck: list[tuple[PersonHistory, PersonHistory]] = []
    for person, other in pair.both():
        a, b = person.crises, other.crises
        if (a > 0) != (b > 0):
            (spared if a > 0 else struck).append((person, other))

    def first(each: tuple[PersonHistory, PersonHistory]) -> tuple[int, int]:
        with_crisis, disabled = each if each[0].crises else (each[1], each[0])
        told = {event.kind for event in with_crisis.events[: _first_crisis(with_crisis)]}
        through = ("refused" in told) + ("gave up" in told) + any(e.kind == "helped" for e in disabled.events)
        return -through, zlib.crc32(repr((pair.seed, each[0].key)).encode())

    turns = [sorted(spared, key=first), sorted(struck, key=first)]
    out: list[tuple[PersonHistory, PersonHistory]] = []
    for k in range(max(map(len, turns), default=0)):
        out += [each[k] for each in turns if k < len(each)]
    return out[:most]


def _first_crisis(person: PersonHistory) -> int:
    return next((k for k, event in enumerate(person.events) if event.kind == "crisis"), len(person.events))


# In words.


def name_of(seed: int, person: PersonHistory) -> str:
    """A given name, by lot."""
    names = NAMES[person.female]
    return names[zlib.crc32(repr((seed, person.key)).encode()) % len(names)]


def parting(a: PersonHistory, b: PersonHistory) -> int:
    """How many events both lives have in common, from the first on."""
    alike = 0
    for one, other in zip(a.events, b.events, strict=False):
        if one != other:
            break
        alike += 1
    return alike


def in_words(events: Sequence[LifeEvent], months: Sequence[str]) -> list[str]:
    """What happened, a line a month: 'At 71, March 2027: after 2 refusals, goes into crisis: ...'."""
    lines: list[str] = []
    failed: dict[int, list[str]] = {}
    since: dict[int, int] = {}
    last: tuple[int, int] | None = None
    for event in events:
        said = _said(event, failed, since)
        when = (event.month, event.age)
        if when == last:
            lines[-1] = f"{lines[-1].rstrip('.')}; {said}."
        else:
            lines.append(f"At {event.age}, {_month(months[event.month])}: {said}.")
        last = when
    return lines


def _said(event: LifeEvent, failed: dict[int, list[str]], since: dict[int, int]) -> str:
    """One event in words. `failed` and `since` remember, by domain, what was refused and since when somebody waits."""
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
    began = since.pop(event.domain, None)
    waited = 0 if began is None else event.month - began
    return "" if began is None else " at once" if waited == 0 else f" after {waited} month{'s' * (waited > 1)}"


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
    """What a level of need means; where the domain's file tells of a child and an adult, the part that applies."""
    told: dict[str, str] = load_domains()[d].meaning.model_dump()
    text = re.sub(r" \([^)]*\)", "", told[("emerging", "serious", "crisis")[level - 1]].rstrip("."))
    child, either, adult = text.partition(", or an adult ")
    text = text if not either else child.removeprefix("A child ") if age < ADULT else adult
    return text[0].lower() + text[1:]


def _month(text: str) -> str:
    names = (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    )  # fmt: skip
    return f"{names[int(text[5:7]) - 1]} {text[:4]}"


def first_state(person: PersonHistory) -> str:
    """Who somebody is when the story begins."""
    levels = enumerate(person.levels)
    needs = [f"{_domain(d).lower()}: {_state(d, level, person.age)}" for d, level in levels if level > 0]
    where = {0: "the most deprived fifth", QUINTILES - 1: "the least deprived fifth"}
    place = where.get(person.quintile, f"deprivation fifth {person.quintile + 1}")
    return f"aged {person.age}, in {place}; " + ("; ".join(needs) if needs else "no need of services")
