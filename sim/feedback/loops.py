"""Every feedback loop of the model, with the switch that cuts it: what is left out, set or held when it is knocked out.

A loop runs through several mechanisms; its switch cuts one link of it and leaves the others, so that what is lost is
the loop and no more. Whoever runs scenarios may name a loop (R1) or a mechanism (crowding_out) to be left out, always
in the baseline too: where `moves_baseline` says so, the cut moves the baseline itself, and only differences tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sim.engine.mechanism import BOOK
from sim.inputs import InputError


@dataclass(frozen=True)
class Loop:
    """One loop: its chain of causes, where it closes, and what cuts it."""

    name: str
    label: str
    chain: str
    sign: Literal["+", "-"]
    closes_in: str
    """The mechanism whose file states the link that the switch cuts."""
    cut: str
    """What is so once the loop is cut."""
    without: tuple[str, ...] = ()
    """Mechanisms left out."""
    parameters: Mapping[str, float] = field(default_factory=dict)
    """Parameters set, beyond their plausible range where need be."""
    levers: Mapping[str, float] = field(default_factory=dict)
    """Levers held, whatever a policy says."""
    moves_baseline: bool = False


LOOPS = (
    Loop(
        "R1",
        "crowding out",
        "crises → acute overspend → prevention cut → crises",
        "+",
        "crowding_out",
        "The centre pays every overspend; prevention never does.",
        levers={"overspend_share": 0.0},
        moves_baseline=True,
    ),
    Loop(
        "R2",
        "rationing",
        "unmet need → longer queue → higher threshold → later help → worse need",
        "+",
        "rationing",
        "Thresholds stay where they are, however long the queue.",
        without=("rationing",),
    ),
    Loop(
        "R3",
        "burnout",
        "workload → burnout → turnover → workload",
        "+",
        "burnout",
        "Workload tires nobody; targets, autonomy and pay still matter.",
        parameters={"burnout.strain": 0.0},
    ),
    Loop(
        "R4",
        "failure demand",
        "refusals → repeat contact → capacity used → refusals",
        "+",
        "failure_demand",
        "More requests take no more time than the baseline's do.",
        without=("failure_demand",),
    ),
    Loop(
        "R5",
        "isolation",
        "need → withdrawal → less support → need, one's own and that of one's ties",
        "+",
        "support",
        "Ties give the same support whatever need anybody has.",
        parameters={"support.withdrawal": 0.0, "support.serious": 1.0, "support.strain": -1.0},
        moves_baseline=True,
    ),
    Loop(
        "R6",
        "community",
        "members → leaders → energy → members; neighbours' groups seed neighbours'",
        "+",
        "groups",
        "Lively groups bring no more leaders, and help none next door.",
        parameters={"groups.welcome": 0.0, "groups.spread": 0.0},
    ),
    Loop(
        "R7",
        "reinvestment",
        "fewer crises → saving kept → prevention → fewer crises",
        "+",
        "crowding_out",
        "Every saving goes back to the centre.",
        levers={"reinvestment_share": 0.0},
        moves_baseline=True,
    ),
    Loop(
        "R8",
        "trust",
        "refusal → mistrust → late asking → crisis",
        "+",
        "help_seeking",
        "Refusals and giving up leave no mark on trust.",
        parameters={"help_seeking.hurt": 0.0, "legitimacy.hurt": 0.0},
        moves_baseline=True,
    ),
    Loop(
        "R9",
        "practice",
        "learning → effect → time to learn → learning",
        "+",
        "practice",
        "Time for each person does nothing for learning.",
        parameters={"practice.slack": 0.0},
    ),
    Loop(
        "R10",
        "generations",
        "parent's need → child's resilience → adult need",
        "+",
        "resilience",
        "A parent's need leaves no mark on a child.",
        parameters={"resilience.parent": 0.0},
        moves_baseline=True,
    ),
    Loop(
        "B1",
        "treatment",
        "need → help → recovery",
        "-",
        "waiting",
        "Nobody's help begins; what has begun goes on.",
        without=("waiting",),
        moves_baseline=True,
    ),
    Loop(
        "B2",
        "informal help",
        "need seen by those at home → help → need held off",
        "-",
        "need",
        "People at home hold off no care need.",
        parameters={"need.informal": 0.0},
        moves_baseline=True,
    ),
    Loop(
        "B3",
        "saturation",
        "more groups and link workers → everybody reached, everybody joined → no more to gain",
        "-",
        "groups",
        "Energy never saturates, and groups take in and bear whoever is sent to them.",
        without=("groups_room", "social_prescribing"),
        parameters={"groups.ease": 1e9},
    ),
)
BY_NAME = {loop.name.casefold(): loop for loop in LOOPS}


class Cut(NamedTuple):
    """What several switches come to together."""

    mechanisms: frozenset[str]
    parameters: dict[str, dict[str, float]]
    """By mechanism's file, then by parameter."""
    levers: dict[str, float]


def cut(names: Iterable[str]) -> Cut:
    """Loops and mechanisms by name, as what to leave out, set and hold. Raises InputError for a name unknown."""
    out = Cut(frozenset(), {}, {})
    for name in names:
        loop = BY_NAME.get(name.casefold())
        if loop is None:
            if name not in BOOK.entries:
                there = (*(known.name for known in LOOPS), *sorted(BOOK.entries))
                raise InputError("without", None, "", "the name of a loop or a mechanism", name, there)
            out = out._replace(mechanisms=out.mechanisms | {name})
            continue
        out = out._replace(mechanisms=out.mechanisms.union(loop.without))
        out.levers.update(loop.levers)
        for parameter, value in loop.parameters.items():
            group, one = parameter.split(".")
            out.parameters.setdefault(group, {})[one] = value
    return out
