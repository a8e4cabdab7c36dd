"""Several policies of one lever: values replace each other, shifts add, and a plain reference of ten lines agrees."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from strategies import LEVERS, SERVICES

from sim.cli import arguments
from sim.scenario.headings import distinct_headings, joined_label, policy_label
from sim.scenario.notes import policy_notes
from sim.scenario.paths import Places
from sim.scenario.policy import Policy
from sim.scenario.policy_checks import PlaceColumns
from sim.scenario.scenario import LONGEST_LABEL, Scenario
from sim.scenario.timeline import month_name, months_between
from sim.schema.errors import InputError

YEARS, START = 3, "2025-04"
PLACE = PlaceColumns("anytown", 12_000)
PLACES: Places = PLACE.columns
AIMS = (
    {},
    {"service": "camhs"},
    {"service": ["camhs", "home_care"]},
    {"where": {"quintiles": [1, 2]}},
    {"where": {"quintiles": [2, 3]}},
    {"who": {"ages": [65, 109]}},
    {"who": {"ages": [75, 109]}, "service": "camhs"},
    {"where": {"quintiles": [1]}, "who": {"ages": [0, 4]}},
)
HEAD = 'name = "x-y"\nlabel = "X"\nquestion = "What does it do?"\nreason = "It does something."\n'


def with_policies(*policies: dict[str, object], years: int = YEARS) -> Scenario:
    """The baseline with these policies, checked."""
    rows = [Policy(**{"lever": "threshold", "start": "2026-04", **policy}) for policy in policies]
    new = Scenario.load("baseline").model_copy(
        update={"years": years, "people": 12_000, "policies": rows, "name": "x-y"}
    )
    new.check()
    return new


def reaches(p: Policy, service: str, quintile: int, band: int) -> bool:
    """Whether a policy is for a service, fifth and age band."""
    where = p.where is None or quintile + 1 in p.where.quintiles
    return (not p.services or service in p.services) and where and bool(p.bands()[band])


def level(policies: list[Policy], baseline: float, service: str, quintile: int, band: int, month: int) -> float:
    """The plain reference: the value of a lever for one service, fifth and age band in one month."""
    cell = service, quintile, band
    held = [p for p in policies if reaches(p, *cell) and p.start <= month_name(START, month) < (p.until or "9999-12")]
    part = {id(p): min(1.0, (months_between(p.start, month_name(START, month)) + 1) / p.over_months) for p in held}
    value = baseline
    if values := sorted((p for p in held if p.value is not None), key=lambda p: (p.closeness, p.start)):
        top = values[-1]
        first = months_between(START, top.start)
        only = [p for p in policies if p.value is not None]
        before = level(only, baseline, service, quintile, band, first - 1) if first > 0 else baseline
        value = before + part[id(top)] * (top.value - before)
    return value + sum(part[id(p)] * p.shift for p in held if p.shift is not None)


@st.composite
def threshold_policies(draw: st.DrawFn) -> list[Policy]:
    """Up to five policies of one lever, with ramps, windows and aims, some of them nested, touching or equal."""
    out = []
    for _ in range(draw(st.integers(1, 5))):
        first = draw(st.sampled_from((0, 1, 6, 12, 13, 24, 34)))
        length = draw(st.sampled_from((None, 1, 6, 11, 12)))
        amount = {"value": draw(st.sampled_from((0.1, 0.2, 0.5)))} if draw(st.booleans()) else {"shift": 0.05}
        until = None if length is None or first + length >= 12 * YEARS else month_name(START, first + length)
        out.append(
            Policy(
                lever="threshold", start=month_name(START, first), until=until, **amount,
                over_months=draw(st.sampled_from((1, 3, 12))), **draw(st.sampled_from(AIMS)),
            )
        )  # fmt: skip
    return out


def contradict(policies: list[Policy]) -> bool:
    """Whether two values with one start and equally close aims are for the same people and service."""
    cells = [(s, q, b) for s in ("camhs", "home_care", "gp") for q in range(5) for b in range(10)]
    values = [p for p in policies if p.value is not None]
    return any(
        (p.start, p.closeness) == (other.start, other.closeness)
        and any(reaches(p, *cell) and reaches(other, *cell) for cell in cells)
        for k, p in enumerate(values)
        for other in values[:k]
    )


@for_all(policies=threshold_policies())
@settings(max_examples=60, deadline=None)
def test_paths_agree_with_a_plain_reference(policies: list[Policy]) -> None:
    """The path of a lever is, in every month, service, fifth and age band, the value of the plain reference."""
    scenario = Scenario.load("baseline").model_copy(update={"years": YEARS, "policies": policies})
    if contradict(policies):
        with pytest.raises(InputError, match="one value of 'threshold'"):
            scenario.paths(SERVICES, PLACES)
        return
    lever, groups = LEVERS["threshold"], scenario.groups(PLACES)
    path = scenario.paths(SERVICES, PLACES)["threshold"]
    for quintile in range(5):
        n = PLACES.quintile.tolist().index(quintile)
        for band, service in ((0, "camhs"), (5, "gp"), (7, "home_care"), (9, "camhs")):
            column = int(groups[n, band]) * len(SERVICES) + SERVICES.index(service)
            for month in (0, 1, 5, 6, 12, 13, 23, 24, 30, 35):
                expected = level(policies, lever.baseline, service, quintile, band, month)
                assert path[month, column] == pytest.approx(min(lever.high, max(lever.low, expected)), abs=1e-12)


def camhs_and_others(*policies: dict[str, object], month: int = 20) -> tuple[float, float]:
    """The value of the threshold of the children's mental health service, and of home care, in a month."""
    path = with_policies(*policies).paths(SERVICES, PLACES)["threshold"]
    return tuple(float(path[month, SERVICES.index(s)]) for s in ("camhs", "home_care"))


@pytest.mark.parametrize("order", [1, -1])
def test_values_replace_and_shifts_add(order: int) -> None:
    """Values replace by aim, then by start; shifts add to a value; the order in the file does not matter."""

    def values(*policies: dict[str, object], month: int = 20) -> tuple[float, float]:
        return camhs_and_others(*policies[::order], month=month)

    general, close = {"value": 0.2}, {"value": 0.5, "service": "camhs"}
    assert values(general, close) == (0.5, 0.2)
    later = {"value": 0.1, "start": "2026-06"}
    assert values(general, close, later) == (0.5, 0.1)
    assert values(general, {"shift": 0.05}, {"shift": 0.05}) == pytest.approx((0.3, 0.3))
    assert values(general, {"shift": 0.05, "service": "camhs"}) == pytest.approx((0.25, 0.2))
    nested = {"value": 0.4, "start": "2026-08", "until": "2026-10"}
    assert values(general, nested, month=17) == pytest.approx((0.4, 0.4))
    assert values(general, nested, month=18) == pytest.approx((0.2, 0.2))
    touching = {"value": 0.2, "until": "2026-10"}, {"value": 0.5, "start": "2026-10", "over_months": 2}
    assert values(*touching, month=17)[0] == pytest.approx(0.2)
    assert values(*touching, month=18)[0] == pytest.approx(0.35)
    assert values(*touching, month=19)[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        ({}, {}, True),
        ({"service": "camhs"}, {"service": ["home_care", "camhs"]}, True),
        ({"service": "camhs"}, {"service": "home_care"}, False),
        ({"where": {"quintiles": [1]}}, {"who": {"ages": [65, 109]}}, True),
        ({"where": {"quintiles": [1]}}, {"where": {"quintiles": [2]}}, False),
        ({"where": {"quintiles": [1]}}, {"where": {"names": [PLACE.names[0]]}}, True),
        ({"where": {"quintiles": [1]}}, {"where": {"quintiles": [1]}, "service": "camhs"}, False),
        ({"who": {"ages": [0, 4]}}, {"who": {"ages": [65, 109]}}, False),
    ],
)
def test_values_with_one_start_and_aim_are_refused(
    first: dict[str, object], second: dict[str, object], is_refused: bool
) -> None:
    """Two values with the same start and equally close aims are refused where they meet, and nowhere else."""
    policies = {"value": 0.2, **first}, {"value": 0.2, **second}
    if not is_refused:
        with_policies(*policies)
        return
    with pytest.raises(InputError, match=r"policies\[1\].*one value of 'threshold' from 2026-04"):
        with_policies(*policies)
    with_policies({"shift": 0.1, **first}, {"shift": 0.1, **second})
    with_policies({"value": 0.2, **first}, {"value": 0.2, **second, "start": "2026-05"})


def test_options_keep_to_the_same_rules() -> None:
    """`--set` refuses a second value with its start, in the file or the options; a closer aim replaces a value."""

    def select(name: str, *sets: str, years: int = 3) -> Scenario:
        options = {"place": None, "people": None, "years": years, "seeds": 1, "seed": 0, "threads": None}
        return arguments.select_scenarios(["baseline", name], sets=sets, **options).scenarios[1]

    with pytest.raises(InputError, match=r"--set: policies\.total_budget: .*0\.9 and 0\.8"):
        select("baseline", "policies.total_budget=0.9", "policies.total_budget=0.8")
    with pytest.raises(InputError, match=r"--set: policies\.total_budget: .*0\.85 and 0\.9"):
        select("salami-slice", "policies.total_budget=0.9")
    closer = select("baseline", "policies.total_budget=0.9", "policies.total_budget.gp=0.85")
    path = closer.paths(SERVICES, PLACES)["total_budget"][-1]
    assert (path[SERVICES.index("gp")], path[SERVICES.index("ae")]) == pytest.approx((0.85, 0.9))
    with pytest.raises(InputError, match=r"2026-04, one year after its start.*2025-04 to 2026-03"):
        select("baseline", "policies.prevention_share=0.05", years=1)
    for text in ("9" * 400, "9" * 5000, "-" + "9" * 400, "1e400", "nan", "-inf"):
        with pytest.raises(InputError, match=r"--set: policies\.total_budget: wanted 0\.5 to 1\.5"):
            select("baseline", f"policies.total_budget={text}")
        with pytest.raises(InputError, match=r"wanted 0 to 0\.1"):
            select("baseline", f"parameters.overspend_recovery.reserve={text}")


def test_a_policy_that_does_nothing_is_refused() -> None:
    """A window that misses the month in which a lever is read, a start at the end, and a missing cut are refused."""

    def complete(*policies: dict[str, object], years: int = 3) -> None:
        with_policies(*policies, years=years).check_acting()

    summer = {"start": "2026-05", "until": "2026-11"}
    for name in ("overspend_share", "reinvestment_share", "pooling", "ring_fence"):
        with pytest.raises(InputError, match=f"2027-03, in which '{name}' is read.*2026-05 to 2026-10"):
            complete({"lever": name, "value": 1.0, **summer})
        complete({"lever": name, "value": 1.0, "start": "2026-05", "until": "2027-04"})
    cut = {"lever": "total_budget", "value": 0.9, "start": "2025-04"}
    complete({"lever": "ring_fence", "value": 1.0, **summer}, cut)
    with pytest.raises(InputError, match=r"'cut_rule' acts: .*'total_budget' below its baseline for acute services"):
        complete({"lever": "cut_rule", "value": 1.0}, {**cut, "service": "gp"})
    complete({"lever": "cut_rule", "value": 1.0}, cut)
    with pytest.raises(InputError, match="add up to one half"):
        complete({"lever": "restructuring", "value": 0.2})
    complete({"lever": "restructuring", "value": 0.3})
    with pytest.raises(InputError, match="2025-04 to 2026-03, got '2026-04': nothing of the policy"):
        with_policies({"value": 0.2}, years=1)
    with_policies({"value": 0.2, "start": "2026-03"}, years=1)


def test_headings_name_the_aim_and_differ() -> None:
    """A policy's heading has its services, places and ages; scenarios with one label get their names."""
    aimed = Policy.model_validate(
        {"lever": "threshold", "start": "2026-04", "value": 0.2, "service": "gp", "who": {"ages": [0, 17]}}
    )
    assert policy_label(aimed) == "threshold 0.2, general practice, ages 0 to 17"
    assert Scenario.load("baseline").with_policy("threshold", value=0.2, service="home_care").label.endswith("care")
    labels = {"a": "Plan", "b": "plan ", "c": "Plan (b)"}
    headings = distinct_headings(labels)
    assert len({heading.casefold() for heading in headings.values()}) == len(labels)
    assert headings["a"] == "Plan (a)"
    label = "Plan"
    for _ in range(12):
        label = joined_label(label, policy_label(aimed))
        assert len(label) <= LONGEST_LABEL
    assert label.endswith("and 11 more")


def test_notes_state_what_falls_short() -> None:
    """A share that is rounded, money for less than a worker, a policy without effect and an open ramp are stated."""
    scenario = with_policies(
        {"lever": "outreach", "value": 0.05, "where": {"quintiles": [1], "share": 0.01}},
        {"lever": "grant", "shift": 0.001, "service": "home_help"},
        {"lever": "grant", "shift": 20.0, "service": "community_nursing"},
        {"lever": "service_budget", "value": 1.0, "service": "gp"},
        {"lever": "threshold", "value": 0.2, "over_months": 48},
        {"lever": "prevention_share", "shift": 0.08},
        {"lever": "prevention_share", "shift": 0.08},
    )
    notes = policy_notes(scenario, PLACE.neighbourhoods)
    expected = ("grant +0.001", "outreach 0.05", "prevention_share: ", "service_budget 1", "threshold 0.2")
    assert [[note.startswith(beginning) for note in notes].count(True) for beginning in expected] == [1] * 5, notes
    assert len(notes) == len(expected)
    reached = int((PLACES.quintile == 0).sum())
    assert any(f"reaches {1 / reached:.0%} of them (1 of {reached})" in note for note in notes)
    assert policy_notes(with_policies({"value": 0.2}), PLACE.neighbourhoods) == ()


def test_a_thousand_policies_are_read_at_once(tmp_path: Path) -> None:
    """A thousand aimed policies take a small multiple of the time of a hundred: the place is read once."""
    rows = [
        f'[[policies]]\nlever = "outreach"\nstart = "{month_name("2026-04", k // 10)}"\nvalue = 0.05\n'
        f'where = {{ names = ["d{1 + k % 10}-01"] }}\n'
        for k in range(1_000)
    ]
    seconds = {}
    for count in (100, 1_000):
        file = tmp_path / f"{count}.toml"
        file.write_text(HEAD + "".join(rows[:count]))
        Scenario.load(file)
        clock = time.process_time()
        assert len(Scenario.load(file).policies) == count
        seconds[count] = time.process_time() - clock
    assert seconds[1_000] < 1.5
    assert np.isfinite(seconds[100])
