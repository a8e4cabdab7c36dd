"""Kinds of prevention: every pound of prevention has one kind, and a policy can move money to one kind alone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from kernels import by_silo, run
from strategies import SERVICES, moved, scenario, town

from sim.engine.schedule import REGISTRY
from sim.policies import prevention_share
from sim.results.metrics import SPENDING_OF_KIND, metric
from sim.results.records import Record
from sim.scenario.policy import Policy
from sim.scenario.policy_checks import levers_by_name
from sim.scenario.scenario import Scenario, library
from sim.schema.errors import InputError
from sim.services import catalogue
from sim.services.catalogue import load_catalogue, services_of_prevention
from sim.state.codes import COMMUNITY, NOT_PREVENTION, PREVENTION_KINDS, PREVENTIVE
from sim.state.world import World
from sim.twins.mesa.policies import shift_to_kind
from sim.world.build import copy

LEVER = levers_by_name()["prevention_share"]
PARAMS = prevention_share.PreventionShare()
MOST = float(PARAMS.most_moved)


@pytest.fixture
def world(seed: int) -> World:
    """A town that a test may change; its budget lines are those of the baseline."""
    out = copy(town(3_000, seed))
    out.services.granted[:] = out.services.base_budget
    return out


def path(share: float, kind: str | None = None) -> np.ndarray:
    """The path of the lever in one month."""
    row = np.zeros(1 + len(PREVENTION_KINDS))
    row[0 if kind is None else 1 + PREVENTION_KINDS.index(kind)] = share  # type: ignore[arg-type]  # a test's own text
    return row[None]


def move(world: World, share: float, kind: str | None = None) -> np.ndarray:
    """The change of every line, in pounds a year."""
    world.services.granted[:] = world.services.base_budget
    run(world, prevention_share.move_upstream, (path(share, kind), PARAMS.compiled()))
    change: np.ndarray = world.services.granted - world.services.base_budget
    return change


# --- the catalogue ---------------------------------------------------------------------------------------------------


def test_every_preventive_and_community_service_has_a_kind_and_no_other_service() -> None:
    """The kinds divide the services of the two tiers; community prevention is the community tier."""
    of_kind = [service for kind in PREVENTION_KINDS for service in services_of_prevention(kind)]
    assert sorted(of_kind) == sorted(s.id for s in load_catalogue() if s.tier in ("preventive", "community"))
    assert set(services_of_prevention("community")) == {s.id for s in load_catalogue() if s.tier == "community"}
    assert all(services_of_prevention(kind) for kind in PREVENTION_KINDS)


@pytest.mark.parametrize(
    ("file", "old", "new", "choices"),
    [
        ("gp", 'prevention = "general_practice"\n', "", "general_practice, public_health, targeted"),
        ("gp", '"general_practice"', '"community"', "general_practice, public_health, targeted"),
        ("gp", '"general_practice"', '"primary"', "general_practice, public_health, targeted, community"),
        ("community_groups", 'prevention = "community"\n', "", "community"),
        ("ae", 'tier = "acute"', 'tier = "acute"\nprevention = "targeted"', "no kind of prevention"),
    ],
)
def test_a_wrong_or_missing_kind_is_refused(tmp_path: Path, file: str, old: str, new: str, choices: str) -> None:
    """The message names the file, the line, the key and the choices."""
    for source in catalogue.FOLDER.glob("*.toml"):
        shutil.copy(source, tmp_path)
    target = tmp_path / f"{file}.toml"
    text = target.read_text(encoding="utf-8")
    assert text.count(old) == 1
    target.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as refusal:
        load_catalogue(tmp_path)
    message = str(refusal.value)
    assert re.search(rf"{file}\.toml, line \d+: (prevention|tier): wanted ", message), message
    assert choices in message


# --- measures --------------------------------------------------------------------------------------------------------


def test_kinds_partition_spending_on_prevention_to_the_penny() -> None:
    """Pence of the four kinds are the pence of the preventive and the community tier, in every month."""
    rng = np.random.default_rng(0)
    months = 24
    monthly = {
        "spent": rng.integers(1, 10**9, (months, len(SERVICES))),
        "people": rng.integers(100, 200, (months, 5, 8)),
    }
    record = Record(0, monthly, {})

    def pence(name: str) -> np.ndarray:
        parts = metric(name).parts
        assert parts is not None
        total: np.ndarray = parts(record).numerator.sum(axis=1)
        return total

    kinds = sum(pence(name) for name in SPENDING_OF_KIND.values())
    assert (kinds == pence("spend_preventive") + pence("spend_community")).all()
    shares = [metric(f"{name}_share").parts for name in ("general_practice", "public_health", "targeted_prevention")]
    parts = [*shares, metric("community_share").parts]
    upstream = metric("prevention_share").parts
    assert upstream is not None
    assert (sum(part(record).numerator for part in parts if part) == upstream(record).numerator).all()


# --- the lever -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PREVENTION_KINDS)
def test_money_for_one_kind_leaves_the_others_as_they_are(world: World, kind: str) -> None:
    """The kind gains, in proportion to its lines, what the lines outside prevention lose; other kinds keep theirs."""
    services = world.services
    change = move(world, 0.02, kind)
    of_kind = services.prevention == PREVENTION_KINDS.index(kind)  # type: ignore[arg-type]  # a kind
    others = (services.prevention != NOT_PREVENTION) & ~of_kind
    assert (change[others] == 0.0).all()
    assert change[of_kind] / services.base_budget[of_kind] == pytest.approx(
        change[of_kind].sum() / services.base_budget[of_kind].sum()
    )
    assert change.sum() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("kind", PREVENTION_KINDS)
def test_the_pounds_and_the_losing_lines_are_those_of_the_shift_to_all_prevention(world: World, kind: str) -> None:
    """Whatever the kind, the same lines lose the same pounds: 2% of the plans of silos with lines on both sides."""
    services = world.services
    to_all, to_kind = move(world, 0.02), move(world, 0.02, kind)
    outside = services.prevention == NOT_PREVENTION
    assert to_kind[outside] == pytest.approx(to_all[outside])
    both = np.isin(services.silo, services.silo[~outside]) & np.isin(services.silo, services.silo[outside])
    assert to_kind[~outside].sum() == pytest.approx(0.02 * services.base_budget[both].sum())
    assert (by_silo(world, to_all)) == pytest.approx(0.0, abs=1e-6)


def test_a_kind_loses_at_most_its_bound(world: World) -> None:
    """Community prevention cannot pay 5% of all plans: it loses `most_moved` of its lines, which others gain."""
    services = world.services
    change = move(world, -0.05, "community")
    community = services.tier == COMMUNITY
    assert change[community] == pytest.approx(-MOST * services.base_budget[community])
    assert (change[services.tier == PREVENTIVE] == 0.0).all()
    assert change.sum() == pytest.approx(0.0, abs=1e-6)


def test_shifts_to_all_prevention_and_to_a_kind_add(world: World) -> None:
    """1% for all prevention and 1% for one kind give that kind more, and the others the 1% alone."""
    alone = move(world, 0.01)
    both = path(0.01) + path(0.01, "targeted")
    world.services.granted[:] = world.services.base_budget
    run(world, prevention_share.move_upstream, (both, PARAMS.compiled()))
    change = world.services.granted - world.services.base_budget
    targeted = world.services.prevention == PREVENTION_KINDS.index("targeted")
    others = (world.services.prevention != NOT_PREVENTION) & ~targeted
    assert change[others] == pytest.approx(alone[others])
    assert (change[targeted] > alone[targeted]).all()


@pytest.mark.parametrize("share", [0.02, 0.1, -0.05])
@pytest.mark.parametrize("kind", PREVENTION_KINDS)
def test_the_second_implementation_moves_the_same_money(world: World, kind: str, share: float) -> None:
    """The function of the Mesa model and the kernel agree on every line."""
    change = move(world, share, kind)
    services = world.services
    silos = [SimpleNamespace(number=f) for f in range(world.money.carried.size)]
    lines: list[Any] = [
        SimpleNamespace(
            granted=float(services.base_budget[s]),
            prevention=int(services.prevention[s]),
            tier=int(services.tier[s]),
            silo=silos[services.silo[s]],
        )
        for s in range(services.granted.size)
    ]
    town_of_objects: Any = SimpleNamespace(services=lines, silos=silos)
    shift_to_kind(town_of_objects, PREVENTION_KINDS.index(kind), share, MOST)  # type: ignore[arg-type]  # a kind
    assert [line.granted for line in lines] == pytest.approx(services.base_budget + change)


# --- policies --------------------------------------------------------------------------------------------------------


def test_a_policy_aims_at_a_kind() -> None:
    """The lever of prevention has a column for each kind; a lever of services moves the services of the kind."""
    case = scenario(policies=[Policy(lever="prevention_share", shift=0.02, start="2026-04", prevention="community")])
    world = town(2_000, 0)
    row = case.paths(SERVICES, world.places)["prevention_share"][-1]
    assert row.tolist() == path(0.02, "community")[0].tolist()
    listed = moved(levers_by_name()["service_budget"], 2.0, service=list(services_of_prevention("targeted")))
    named = Policy(**{**listed.model_dump(), "service": None, "prevention": "targeted"})
    first, second = (scenario(policies=[p]).paths(SERVICES, world.places)["service_budget"] for p in (listed, named))
    assert (first == second).all()


@pytest.mark.parametrize(
    ("lever", "amount", "message"),
    [
        ("cut_rule", {"value": 0.5}, "these can: admin_share, "),
        ("threshold", {"value": 0.2}, "on all of whose services 'threshold' acts, got 'targeted' with "),
    ],
)
def test_a_lever_that_cannot_aim_at_a_kind_refuses_it(lever: str, amount: dict[str, float], message: str) -> None:
    """The message names the key and the choices."""
    with pytest.raises(InputError, match=re.escape(message)) as refusal:
        Scenario.load("baseline").with_policy(lever, prevention="targeted", **amount)  # type: ignore[arg-type]  # numbers
    assert "policies[0].prevention" in str(refusal.value)


def test_service_and_prevention_exclude_each_other(tmp_path: Path) -> None:
    """A file with both names the line of the policy and both keys."""
    text = library()["prevention-shift-community"].read_text(encoding="utf-8")
    text = text.replace('lever = "prevention_share"', 'lever = "service_budget"\nservice = "gp"')
    text = text.replace("shift = 0.02", "value = 1.1")
    file = tmp_path / "both.toml"
    file.write_text(text.replace('name = "prevention-shift-community"', 'name = "both"'), encoding="utf-8")
    with pytest.raises(InputError, match=r"both\.toml, line \d+: policies\[0\]\.prevention: wanted one of service and"):
        Scenario.load(str(file))


def test_the_kernel_is_the_mechanism_of_the_lever() -> None:
    """One mechanism moves the money, and it declares that it reads the kinds."""
    (entry,) = (m for m in REGISTRY.month() if m.lever == LEVER.name)
    assert "services.prevention" in entry.reads


@pytest.mark.parametrize("kind", PREVENTION_KINDS)
def test_each_kind_has_a_scenario_with_the_pounds_of_the_shift(kind: str) -> None:
    """The scenarios of the kinds differ from the prevention shift by their aim alone."""
    name = f"prevention-shift-{kind.replace('_', '-')}"
    (general,), (policy,) = Scenario.load("prevention-shift").policies, Scenario.load(name).policies
    assert policy.prevention == kind
    assert policy.model_copy(update={"prevention": None}) == general
