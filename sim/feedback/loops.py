"""Every feedback loop of the model, with the switch that cuts it.

A loop passes through several mechanisms. Its switch cuts one link and leaves the others, so that only the loop is lost:
it disables mechanisms, sets parameters or holds levers. A run can knock out a loop (R1) or a mechanism
(overspend_recovery), always in the baseline too. Where `moves_baseline` is set, the cut moves the baseline itself, and
only differences from that baseline are evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sim.engine.schedule import REGISTRY
from sim.schema.errors import InputError


@dataclass(frozen=True)
class Loop:
    """A feedback loop: its chain of causes, the files that hold the links, and the switch that cuts it."""

    name: str
    label: str
    chain: str
    sign: Literal["+", "−"]
    files: tuple[str, ...]
    """Files that hold the links of the chain; the first has the link that is cut."""
    disabled_by: str
    """The state of the model once the loop is cut."""
    disabled: tuple[str, ...] = ()
    """Mechanisms disabled."""
    parameters: Mapping[str, float] = field(default_factory=dict)
    """Parameters set, beyond their plausible range where necessary."""
    levers: Mapping[str, float] = field(default_factory=dict)
    """Levers held at a value, whatever a policy sets."""
    moves_baseline: bool = False

    @property
    def module(self) -> str:
        """Name of the module that has the link that is cut."""
        return "sim." + self.files[0].removesuffix(".py").replace("/", ".")

    def switch(self) -> tuple[str, ...]:
        """Mechanisms disabled, parameters set and levers held, each in words."""
        out = [f"without `{name}`" for name in self.disabled]
        out += [f"`{name}` = {value:g}" for name, value in self.parameters.items()]
        out += [f"lever `{name}` = {value:g}" for name, value in self.levers.items()]
        return tuple(out)


LOOPS = (
    Loop(
        "R1",
        "overspend recovery",
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
        "The centre pays every overspend, and prevention pays none.",
        levers={"overspend_share": 0.0},
        moves_baseline=True,
    ),
    Loop(
        "R2",
        "rationing",
        "queue → more people turned away → help later or never → worse need → queue",
        "+",
        ("feedback/rationing.py", "people/help_seeking.py", "services/waiting.py", "people/need.py"),
        "Thresholds do not respond to queues.",
        disabled=("rationing",),
    ),
    Loop(
        "R3",
        "burnout",
        "workload → burnout → leavers → vacancies → workload",
        "+",
        ("feedback/burnout.py", "services/workforce.py", "services/hours.py"),
        "Workload does not raise burnout; targets, autonomy and pay still have their effects.",
        parameters={"burnout.strain": 0.0},
    ),
    Loop(
        "R4",
        "failure demand",
        "refusals → requests made again → time spent on assessing → fewer places → refusals",
        "+",
        (
            "feedback/failure_demand.py",
            "services/hours.py",
            "services/queue_allocation.py",
            "services/waiting.py",
            "people/help_seeking.py",
        ),
        "More requests take no more time for assessing than the baseline's.",
        disabled=("failure_demand",),
    ),
    Loop(
        "R5",
        "isolation",
        "need → withdrawal, strain on ties → less support → need, of the person and of their ties",
        "+",
        ("networks/support.py", "people/need.py"),
        "Nobody withdraws, and a tie in crisis gives as much support as one in serious need: half.",
        parameters={"support.withdrawal": 0.0, "support.strain": -0.5},
        moves_baseline=True,
    ),
    Loop(
        "R6",
        "community",
        "groups → leaders, and spread to neighbouring areas → groups",
        "+",
        ("networks/groups.py",),
        "Lively groups bring no more leaders, and none in neighbouring areas.",
        parameters={"groups.welcome": 0.0, "groups.spread": 0.0},
    ),
    Loop(
        "R7",
        "reinvestment",
        "fewer crises → savings reinvested → more prevention next year → fewer crises",
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
        "refusal → less trust → later requests → worse need → refusal",
        "+",
        (
            "people/help_seeking.py",
            "services/waiting.py",
            "people/need.py",
            "people/trust.py",
            "feedback/legitimacy.py",
        ),
        "Refusals and giving up do not lower trust.",
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
        "Time for each person has no effect on learning.",
        parameters={"practice.slack": 0.0},
    ),
    Loop(
        "R10",
        "generations",
        "a parent's serious need → a child's resilience → need in later life → a parent's need",
        "+",
        ("people/resilience.py", "people/need.py"),
        "A parent's need has no effect on a child.",
        parameters={"resilience.parent": 0.0},
        moves_baseline=True,
    ),
    Loop(
        "B1",
        "treatment",
        "need → asking → help → recovery → less need",
        "−",
        ("services/waiting.py", "services/queue_allocation.py", "people/help_seeking.py", "people/need.py"),
        "Nobody's help begins; help that has begun continues.",
        disabled=("waiting",),
        moves_baseline=True,
    ),
    Loop(
        "B2",
        "informal help",
        "care need → care by people at home → less need",
        "−",
        ("people/need.py",),
        "People at home hold back no care need.",
        parameters={"need.informal": 0.0},
        moves_baseline=True,
    ),
    Loop(
        "B3",
        "saturation",
        "more of a service or group → fewer people left to reach, to join or to recruit → slower growth",
        "−",
        (
            "networks/social_prescribing.py",
            "networks/groups.py",
            "services/queue_allocation.py",
            "services/waiting.py",
            "services/lay_helpers.py",
            "services/child_services.py",
        ),
        "Groups' energy never saturates, and groups can take everybody sent to them; lay helpers still run out.",
        disabled=("groups_room", "social_prescribing"),
        parameters={"groups.ease": 1e9},
    ),
)
BY_NAME = {loop.name.casefold(): loop for loop in LOOPS}


class DisabledMechanisms(NamedTuple):
    """Several switches combined."""

    mechanisms: frozenset[str]
    parameters: dict[str, dict[str, float]]
    """By parameter group, then by parameter."""
    levers: dict[str, float]


def disabled_mechanisms(names: Iterable[str]) -> DisabledMechanisms:
    """Combine the switches of loops and mechanisms.

    Parameters
    ----------
    names
        Names of loops (R1, in either case) or of mechanisms.

    Returns
    -------
    DisabledMechanisms
        Mechanisms to disable, parameters to set and levers to hold.

    Raises
    ------
    InputError
        If a name is neither a loop nor a mechanism.
    """
    out = DisabledMechanisms(frozenset(), {}, {})
    for name in names:
        loop = BY_NAME.get(name.casefold())
        if loop is None:
            if name not in REGISTRY.entries:
                choices = (*(known.name for known in LOOPS), *sorted(REGISTRY.entries))
                raise InputError("knock-out", None, "", "the name of a loop or a mechanism", name, choices)
            out = out._replace(mechanisms=out.mechanisms | {name})
            continue
        out = out._replace(mechanisms=out.mechanisms.union(loop.disabled))
        out.levers.update(loop.levers)
        for parameter, value in loop.parameters.items():
            group, key = parameter.split(".")
            out.parameters.setdefault(group, {})[key] = value
    return out
