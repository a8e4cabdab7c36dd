"""From a design to its plan: each authority with its people, weight, budget and policy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sim.ensemble import parameter_sampling
from sim.ensemble.parameter_sampling import sampled_parameters
from sim.national.design import ByAuthority, NationDesign
from sim.national.hazard_groups import authority_place
from sim.national.weights import Weight
from sim.place.english_authorities import authority_data, find_area, nearest_names
from sim.place.english_regions import mean_tenths, regions, tiers
from sim.place.population_mix import ENGLAND
from sim.results.origin import present_origin
from sim.scenario.data_parameters import of_place
from sim.scenario.scenario import Scenario, library
from sim.schema.errors import InputError, Phrase
from sim.schema.toml_files import fail
from sim.sweeps.plan import digest_of, scenario_digest

T = TypeVar("T", str, float)
FORMAT = 1
"""Version of the format of national runs on disk."""
SIDES = ("baseline", "policy")
MOST_FINER = 0.1
"""Largest share of authorities that may have a finer scale than the others; with more, the scale is too coarse."""
NAMES_SHOWN = 5
DIGITS = 20


class AuthorityPlan(NamedTuple):
    """An authority of a plan.

    Attributes
    ----------
    code, name, place, region : str
        Code, name, name of its place, and region.
    tier : int
        Fifth by deprivation, 1 = most deprived.
    tenth : float
        Mean deprivation tenth of its people.
    weight : Weight
        Its people, and the simulated ones.
    policy : int
        Number of its scenario.
    budget : float
        Multiple of its own budget under the policy.
    """

    code: str
    name: str
    place: str
    region: str
    tier: int
    tenth: float
    weight: Weight
    policy: int
    budget: float


@dataclass(frozen=True)
class NationPlan:
    """What is run.

    Attributes
    ----------
    design : NationDesign
        The design.
    scenarios : tuple of Scenario
        The baseline, then the scenarios of policies.
    authorities : tuple of AuthorityPlan
        The authorities, in the order of the published table: region by region.
    versions : dict of str to str
        Versions of the model and of libraries.
    """

    design: NationDesign
    scenarios: tuple[Scenario, ...]
    authorities: tuple[AuthorityPlan, ...]
    versions: dict[str, str]

    @property
    def years(self) -> int:
        """Length in years."""
        return self.design.years

    @property
    def is_coupled(self) -> bool:
        """Whether budgets follow outcomes year by year."""
        return self.design.allocation is not None

    @property
    def population(self) -> int:
        """People of all authorities."""
        return sum(authority.weight.population for authority in self.authorities)

    @property
    def finer(self) -> tuple[AuthorityPlan, ...]:
        """Authorities with a finer scale than the design's, as they would have too few people."""
        scale = self.design.scale
        return tuple(a for a in self.authorities if a.weight.simulated > round(a.weight.population / scale))

    @cached_property
    def identity(self) -> str:
        """A digest of everything that determines the runs, but the seeds."""
        excluded = {"question", "seeds", "policy", "policies", "budget", "budgets", "authorities", "baseline"}
        return digest_of(
            {
                "format": FORMAT,
                "versions": self.versions,
                "design": self.design.model_dump(mode="json", exclude=excluded),
                "scenarios": [[scenario_digest(s), s.parameters] for s in self.scenarios],
                "authorities": [[a.code, *a.weight, a.policy, a.budget] for a in self.authorities],
            }
        )

    def drawn(self, seeds: Sequence[int]) -> dict[int, dict[str, float]]:
        """The parameters that each seed draws: figures of places are not drawn, as each authority has its own."""
        if self.design.draws == "none":
            return {seed: {} for seed in seeds}
        fixed = self.scenarios[0].parameters
        known = sampled_parameters(self.design.draws, ENGLAND, fixed)
        of_places = set(of_place(authority_place(self.authorities[0].code)))
        chosen = [name for name in known if name not in of_places]
        samples = parameter_sampling.draws(self.design.draws, seeds, ENGLAND, fixed, only=chosen)
        return dict(zip(seeds, samples, strict=True))


def chance_seed(code: str, seed: int) -> int:
    """The seed of the chance events of an authority: authorities do not share chance events, policies do.

    It depends on nothing but the authority's code and the seed.
    """
    return int.from_bytes(hashlib.sha256(f"{code} {seed}".encode()).digest()[:6], "big")


def planned(design: str | Path | NationDesign | Mapping[str, Any], **changes: Any) -> NationPlan:
    """Read a design, check it, and make its plan.

    Parameters
    ----------
    design : str, Path, NationDesign or mapping
        A TOML file, or its content.
    **changes
        Keys of the design that have other values; None leaves a key as it is.

    Returns
    -------
    NationPlan

    Raises
    ------
    InputError
        If a name is unknown, an authority has no policy, or the scale leaves an authority too few people.
    """
    file: Path | None = None
    if isinstance(design, str | Path):
        design, file = NationDesign.load(design)
    elif not isinstance(design, NationDesign):
        design = NationDesign.of(design)
    changed = {key: value for key, value in changes.items() if value is not None}
    if changed:
        design = NationDesign.of(design.model_dump(exclude_unset=True) | changed)
    return _Planning(design, file).plan()


class _Planning:
    """The checks of a design and the making of its plan."""

    def __init__(self, design: NationDesign, file: Path | None) -> None:
        self.design, self.file = design, file
        self.scenarios: list[Scenario] = []
        self.numbers: dict[str, int] = {}

    def error(
        self, key: tuple[str | int, ...], wanted: str, came: object, choices: Sequence[object] = ()
    ) -> InputError:
        """The error of a key of the design, with the line of its file."""
        if self.file is None or not self.file.exists():
            return InputError("design", None, ".".join(map(str, key)), wanted, came, choices)
        return fail(self.file, key, wanted, came, choices)

    def plan(self) -> NationPlan:
        codes = self._codes()
        self._scenario(("baseline",), self.design.baseline)
        policies, budgets = (
            self._of_each(self.design.policies, "policies"),
            self._of_each(self.design.budgets, "budgets"),
        )
        lacking = [code for code in codes if policies.get(code, self.design.policy) is None]
        if lacking:
            names = ", ".join(authority_data().authorities[code].name for code in lacking[:NAMES_SHOWN])
            rest = f" and {len(lacking) - NAMES_SHOWN} more" if len(lacking) > NAMES_SHOWN else ""
            wanted = "a policy for every authority: set policy for those that policies does not name"
            raise self.error(("policy",), wanted, Phrase(f"none for {names}{rest}"))
        authorities = tuple(
            self._authority(code, policies.get(code, self.design.policy), budgets.get(code, self.design.budget))
            for code in codes
        )
        plan = NationPlan(self.design, tuple(self.scenarios), authorities, dict(present_origin().versions))
        self._check_scale(plan)
        return plan

    def _codes(self) -> list[str]:
        order = list(regions())
        if not self.design.authorities:
            return order
        codes = [self._code(name, ("authorities", k)) for k, name in enumerate(self.design.authorities)]
        for k, code in enumerate(codes):
            if code in codes[:k]:
                raise self.error(("authorities", k), "each authority once", self.design.authorities[k])
        return sorted(codes, key=order.index)

    def _code(self, name: str, key: tuple[str | int, ...]) -> str:
        area = find_area(name)
        if area is None:
            raise self.error(key, "the name or code of an English authority", name, nearest_names(name))
        if area.code not in authority_data().authorities:
            wanted = "an authority of April 2021 (upstream list authorities)"
            raise self.error(key, wanted, Phrase(f"{area.name}, the sum of {len(area.members)}"))
        return area.code

    def _of_each(self, table: ByAuthority[T], key: str) -> dict[str, T]:
        """The values of a table by code; tiers first, so that regions and authorities replace them."""
        of_region = regions()
        out: dict[str, T] = {}
        for name, value in table.tier.items():
            if name not in map(str, range(1, 6)):
                raise self.error((key, "tier", name), "a fifth of authorities, 1 (most deprived) to 5", name)
            out |= {code: value for code, tier in tiers().items() if str(tier) == name}
        known = {region.casefold(): region for region in of_region.values()}
        for name, value in table.region.items():
            if name.casefold() not in known:
                raise self.error((key, "region", name), "the name of a region", name, list(known.values()))
            out |= {code: value for code, region in of_region.items() if region == known[name.casefold()]}
        for name, value in table.authority.items():
            out[self._code(name, (key, "authority", name))] = value
        return out

    def _scenario(self, key: tuple[str | int, ...], name: str) -> int:
        """The number of a scenario, read once."""
        if name in self.numbers:
            return self.numbers[name]
        is_file = name.endswith(".toml") or "/" in name or "\\" in name
        path = str(self.file.parent / Path(name).expanduser()) if is_file and self.file is not None else name
        if not is_file and name not in library():
            raise self.error(key, "a scenario of the library, or a .toml file", name, tuple(library()))
        scenario = Scenario.load(path).with_settings(years=self.design.years)
        scenario = scenario.model_copy(update={"expect": [], "stops": [], "people": None})
        for policy in scenario.moves:
            if policy.where is not None and policy.where.names is not None:
                wanted = "policies without names of neighbourhoods, which differ between authorities"
                raise self.error(key, wanted, Phrase(f"{', '.join(policy.where.names[:NAMES_SHOWN])} in {name}"))
        if self.scenarios:
            for field in ("start", "parameters", "calibrate"):
                if getattr(scenario, field) != getattr(self.scenarios[0], field):
                    wanted = f"a scenario with the {field} of the baseline: they share people and parameters"
                    raise self.error(key, wanted, Phrase(f"another {field} in {name}"))
        self.numbers[name] = len(self.scenarios)
        self.scenarios.append(scenario)
        return self.numbers[name]

    def _authority(self, code: str, policy: str | None, budget: float) -> AuthorityPlan:
        assert policy is not None
        key = ("policy",) if policy == self.design.policy else ("policies",)
        population = authority_data().authorities[code].people
        place = authority_place(code)
        wanted = round(population / self.design.scale)
        simulated = min(population, max(wanted, place.fewest_people))
        name = authority_data().authorities[code].name
        return AuthorityPlan(
            code, name, place.name, regions()[code], tiers()[code], mean_tenths()[code],
            Weight(population, simulated), self._scenario(key, policy), budget,
        )  # fmt: skip

    def _check_scale(self, plan: NationPlan) -> None:
        finer = plan.finer
        most = MOST_FINER * len(plan.authorities) if self.design.small == "finer" else 0.0
        if len(finer) <= max(most, 1.0 if self.design.small == "finer" else 0.0):
            return
        largest = self.design.scale
        while largest > 1 and self._number_finer(plan, largest) > most:
            largest -= 1
        names = ", ".join(f"{a.name} ({a.weight.population:,})" for a in finer[:NAMES_SHOWN])
        came = Phrase(
            f"{self.design.scale}, which leaves {len(finer)} of {len(plan.authorities)} authorities too few people: "
            f"{names}{'; …' if len(finer) > NAMES_SHOWN else ''}"
        )
        raise self.error(("scale",), f"a scale of at most {largest}", came)

    @staticmethod
    def _number_finer(plan: NationPlan, scale: int) -> int:
        fewest = {a.code: authority_place(a.code).fewest_people for a in plan.authorities}
        return sum(
            min(fewest[a.code], a.weight.population) > round(a.weight.population / scale) for a in plan.authorities
        )
