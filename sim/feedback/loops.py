"""Every feedback loop of the model, with the switch that cuts it: what is left out, set or held when it is knocked out.

A loop runs through several mechanisms; its switch cuts one link of it and leaves the others, so that what is lost is
the loop and no more. Whoever runs scenarios may name a loop (R1) or a mechanism (overspend_recovery) to be left out, always
in the baseline too: where `moves_baseline` says so, the cut moves the baseline itself, and only differences tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sim.engine.schedule import REGISTRY
from sim.schema.toml_files import InputError


@dataclass(frozen=True)
class Loop:
    """One loop: its chain of causes, where that is told, and what cuts it."""

    name: str
    label: str
    chain: str
    sign: Literal["+", "−"]
    files: tuple[str, ...]
    """Where the chain is told, link by link; the first has the link that is cut."""
    disabled_by: str
    """What is so once the loop is cut."""
    disabled: tuple[str, ...] = ()
    """Mechanisms left out."""
    parameters: Mapping[str, float] = field(default_factory=dict)
    """Parameters set, beyond their plausible range where need be."""
    levers: Mapping[str, float] = field(default_factory=dict)
    """Levers held, whatever a policy says."""
    moves_baseline: bool = False

    @property
    def module(self) -> str:
        """The module that has the link that is cut."""
        return "sim." + self.files[0].removesuffix(".py").replace("/", ".")

    def switch(self) -> tuple[str, ...]:
        """What is left out, set and held, each in words."""
        out = [f"without `{name}`" for name in self.disabled]
        out += [f"`{name}` = {value:g}" for name, value in self.parameters.items()]
        out += [f"lever `{name}` = {value:g}" for name, value in self.levers.items()]
        return tuple(out)


LOOPS = (
    Loop(
        "R1",
        "crowding out",
        "crises → acute overspend → less prevention next year → crises",
        "+",
        (
            "feedback/overspend_recovery.py",
            "services/workforce.py",
            "services/hours.py",
            "services/queue_allocation.py",
            "services/waiting.py",
            "people/need.py",
            "services/acute.py",
            "services/spending.py",
        ),
        "The centre pays every overspend; prevention never does.",
        levers={"overspend_share": 0.0},
        moves_baseline=True,
    ),
    Loop(
        "R2",
        "rationing",
        "queue → higher threshold → help later or never → worse need → queue",
        "+",
        ("feedback/rationing.py", "people/help_seeking.py", "services/waiting.py", "people/need.py"),
        "Thresholds stay where they are, however long the queue.",
        disabled=("rationing",),
    ),
    Loop(
        "R3",
        "burnout",
        "workload → burnout → leavers → vacancies → workload",
        "+",
        ("feedback/burnout.py", "services/workforce.py", "services/hours.py"),
        "Workload tires nobody; targets, autonomy and pay still matter.",
        parameters={"burnout.strain": 0.0},
    ),
    Loop(
        "R4",
        "failure demand",
        "refusals → asking again → time spent on assessing → fewer places → refusals",
        "+",
        (
            "feedback/failure_demand.py",
            "services/hours.py",
            "services/queue_allocation.py",
            "services/waiting.py",
            "people/help_seeking.py",
        ),
        "More requests take no more time than the baseline's do.",
        disabled=("failure_demand",),
    ),
    Loop(
        "R5",
        "isolation",
        "need → withdrawal, strain on ties → less support → need, one's own and one's ties'",
        "+",
        ("networks/support.py", "people/need.py"),
        "Nobody withdraws, and a tie in crisis gives as much as one in serious need: half.",
        parameters={"support.withdrawal": 0.0, "support.strain": -0.5},
        moves_baseline=True,
    ),
    Loop(
        "R6",
        "community",
        "groups → leaders and spread to those beside them → groups",
        "+",
        ("networks/groups.py",),
        "Lively groups bring no more leaders, and help none next door.",
        parameters={"groups.welcome": 0.0, "groups.spread": 0.0},
    ),
    Loop(
        "R7",
        "reinvestment",
        "fewer crises → savings kept → more prevention next year → fewer crises",
        "+",
        (
            "feedback/overspend_recovery.py",
            "services/workforce.py",
            "services/hours.py",
            "services/queue_allocation.py",
            "services/waiting.py",
            "people/need.py",
            "services/spending.py",
            "feedback/pooled_accounts.py",
        ),
        "Every saving goes back to the centre.",
        levers={"reinvestment_share": 0.0},
        moves_baseline=True,
    ),
    Loop(
        "R8",
        "trust",
        "refusal → mistrust → asking later → worse need → refusal",
        "+",
        (
            "people/help_seeking.py",
            "services/waiting.py",
            "people/need.py",
            "people/trust.py",
            "feedback/legitimacy.py",
        ),
        "Refusals and giving up leave no mark on trust.",
        parameters={"help_seeking.hurt": 0.0, "legitimacy.hurt": 0.0},
        moves_baseline=True,
    ),
    Loop(
        "R9",
        "practice",
        "practice → need gets better → time for each person → room to learn → practice",
        "+",
        (
            "services/practice.py",
            "people/need.py",
            "people/help_seeking.py",
            "feedback/failure_demand.py",
            "services/hours.py",
        ),
        "Time for each person does nothing for learning.",
        parameters={"practice.slack": 0.0},
    ),
    Loop(
        "R10",
        "demographic_spin_up",
        "a parent's serious need → a child's resilience → need in later life → a parent's need",
        "+",
        ("people/resilience.py", "people/need.py"),
        "A parent's need leaves no mark on a child.",
        parameters={"resilience.parent": 0.0},
        moves_baseline=True,
    ),
    Loop(
        "B1",
        "treatment",
        "need → asking → help → recovery → less need",
        "−",
        ("services/waiting.py", "services/queue_allocation.py", "people/help_seeking.py", "people/need.py"),
        "Nobody's help begins; what has begun goes on.",
        disabled=("waiting",),
        moves_baseline=True,
    ),
    Loop(
        "B2",
        "informal help",
        "care need → people at home hold it off → less need",
        "−",
        ("people/need.py",),
        "People at home hold off no care need.",
        parameters={"need.informal": 0.0},
        moves_baseline=True,
    ),
    Loop(
        "B3",
        "saturation",
        "more of it → fewer left to reach, join or find → less more of it",
        "−",
        (
            "networks/social_prescribing.py",
            "networks/groups.py",
            "services/queue_allocation.py",
            "services/waiting.py",
            "services/lay_helpers.py",
            "services/child_services.py",
        ),
        "Energy never saturates, and groups take in and bear whoever is sent to them; lay helpers still run out.",
        disabled=("groups_room", "social_prescribing"),
        parameters={"groups.ease": 1e9},
    ),
)
BY_NAME = {loop.name.casefold(): loop for loop in LOOPS}


class DisabledMechanisms(NamedTuple):
    """What several switches come to together."""

    mechanisms: frozenset[str]
    parameters: dict[str, dict[str, float]]
    """By mechanism's file, then by parameter."""
    levers: dict[str, float]


def disabled_mechanisms(names: Iterable[str]) -> DisabledMechanisms:
    """Loops and mechanisms by name, as what to leave out, set and hold. Raises InputError for a name unknown."""
    out = DisabledMechanisms(frozenset(), {}, {})
    for name in names:
        loop = BY_NAME.get(name.casefold())
        if loop is None:
            if name not in REGISTRY.entries:
                there = (*(known.name for known in LOOPS), *sorted(REGISTRY.entries))
                raise InputError("without", None, "", "the name of a loop or a mechanism", name, there)
            out = out._replace(mechanisms=out.mechanisms | {name})
            continue
        out = out._replace(mechanisms=out.mechanisms.union(loop.disabled))
        out.levers.update(loop.levers)
        for parameter, value in loop.parameters.items():
            group, one = parameter.split(".")
            out.parameters.setdefault(group, {})[one] = value
    return out
