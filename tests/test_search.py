"""Searches of spending mixes: the front of a known problem, the same money, resumption, survival, and wrong designs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from command_line import assert_refused

import sim
from sim.results.asked_budgets import asked_budgets
from sim.results.spread import Replicates
from sim.schema.errors import InputError
from sim.searches import search as searching
from sim.searches.confirmation import Confirmation, survivals
from sim.searches.evaluation import Evaluator
from sim.searches.fronts import front, spread_points, stability
from sim.searches.plan import SearchPlan
from sim.searches.planning import baseline_budgets, planned_search
from sim.searches.quantities import Quantity
from sim.searches.twin_model import twin_setting
from sim.twins.stock_flow.family import TwinFamily

F = npt.NDArray[np.float64]
MixOutcome = Callable[[F], Mapping[str, F]]
LINES = {
    "service_budget.gp": {"low": 0.5, "high": 1.5},
    "service_budget.public_health": {"low": 0.5, "high": 1.5},
    "service_budget.acute": {"low": 0.8, "high": 1.2},
}


def design(**settings: Any) -> dict[str, Any]:
    """A small design without a confirmation: two objectives, two levers without a price."""
    basic: dict[str, Any] = {
        "people": 1_500,
        "years": 2,
        "draws": 4,
        "levers": {"factors": {"continuity": {}, "caseload": {}}},
        "objectives": [{"metric": "acute_demand"}, {"metric": "spend_total", "better": "down"}],
        "spending_tolerance": None,
        "no_fifth_worse": [],
        "optimiser": {"population": 12, "generations": 4, "seeds": [1, 2]},
        "confirmation": {"points": 0},
    }
    return {**basic, **settings}


class FakeModel:
    """A model whose differences are a known function of a mix, with levels that differ between draws."""

    calls = 0
    stops_after: int | None = None

    def __init__(self, plan: SearchPlan, outcome: MixOutcome) -> None:
        self.plan, self.outcome = plan, outcome

    def make(self) -> Callable[[Mapping[str, float], F], F]:
        """The model."""
        return self

    def __call__(self, parameters: Mapping[str, float], values: F) -> F:
        cls = type(self)
        cls.calls += 1
        if cls.stops_after is not None and cls.calls > cls.stops_after:
            raise KeyboardInterrupt
        level = 100.0
        shift = sum(parameters.values()) % 1.0
        out = np.full((len(values), len(self.plan.quantities)), level)
        for k, quantity in enumerate(self.plan.quantities):
            if quantity.first == quantity.last:
                continue  # the first year of the baseline: the index of acute demand has the factor 1
            if quantity.metric in (changes := self.outcome(values)):
                out[:, k] += shift + changes[quantity.metric]
        return out


@pytest.fixture
def run_fake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a search of a fake model in this process."""

    def run(outcome: MixOutcome, out: Path, settings: dict[str, Any], stops_after: int | None = None) -> Any:
        FakeModel.calls, FakeModel.stops_after = 0, stops_after
        monkeypatch.setattr(searching, "twin_setting", lambda plan: FakeModel(plan, outcome))
        return sim.search(settings, out, workers=1, notify=lambda _text: None)

    return run


def shares(values: F) -> F:
    """The two levers of `design` as shares of their ranges."""
    return (values - np.array([0.5, 0.6])) / np.array([1.0, 1.2])


def known_problem(values: F) -> dict[str, F]:
    """Zitzler, Deb and Thiele (2000), problem 1, for two variables: the front is f2 = 1 - sqrt(f1), where x2 is 0."""
    x = shares(values)
    g = 1.0 + 9.0 * x[:, 1]
    return {"acute_demand": x[:, 0], "spend_total": g * (1.0 - np.sqrt(x[:, 0] / g))}


def test_known_front(run_fake: Any, tmp_path: Path) -> None:
    """The front of a problem whose front is known has this form and reaches its ends, with both seeds."""
    optimiser = {"population": 20, "generations": 25, "seeds": [1, 2]}
    result = run_fake(known_problem, tmp_path / "s", design(optimiser=optimiser))
    x = shares(result.frame()[["continuity", "caseload"]].to_numpy())
    assert x[:, 1].max() < 0.05
    assert x[:, 0].min() < 0.02
    assert x[:, 0].max() > 0.98
    names = [o["name"] for o in result.document["objectives"]]
    points = np.array([[p["objectives"][n]["mean"] for n in names] for p in result.document["front"]])
    at_baseline = known_problem(np.array([[1.0, 1.0]]))
    f1, f2 = (points[:, k] + at_baseline[key][0] for k, key in enumerate(("acute_demand", "spend_total")))
    assert np.abs(f2 - (1.0 - np.sqrt(np.clip(f1, 0.0, 1.0)))).max() < 0.15
    alike = result.document["stability"]
    assert alike["is_stable"]
    assert min(alike["hypervolume_share"]) > 0.97


def test_no_direction_is_forced(run_fake: Any, tmp_path: Path) -> None:
    """Where prevention harms, the best mix has less of it, and where it helps more, by the same amount."""
    ends = []
    for sign in (1.0, -1.0):
        settings = design(levers={"factors": LINES}, optimiser={"population": 12, "generations": 8, "seeds": [1]})
        result = run_fake(
            lambda v, sign=sign: {"acute_demand": sign * v[:, 0], "spend_total": -sign * v[:, 2]},
            tmp_path / str(sign),
            settings,
        )
        best = result.document["front"][0]["levers"]
        ends.append(best["service_budget.gp"])
    assert ends[0] < 0.6
    assert ends[1] > 1.4


def test_same_money() -> None:
    """Every mix of a search has the plan of the baseline: of the place, or of each budget holder."""
    factors = {
        "service_budget.gp": {"low": 0.5, "high": 1.5},
        "service_budget.ae": {"low": 0.5, "high": 1.5},
        "service_budget.family_hub": {"low": 0.2, "high": 3.0},
        "service_budget.children_in_care": {"low": 0.8, "high": 1.1},
    }
    draws = np.random.default_rng(1).random((200, 4))
    for same_money in ("place", "budget_holder"):
        plan = planned_search(design(levers={"factors": factors, "same_money": same_money}))
        moved = plan.space.projected(draws)
        assert ((moved >= 0.0) & (moved <= 1.0)).all()
        cost = plan.space.cost(plan.space.values(moved))
        total = cost.sum(axis=1) if same_money == "place" else cost
        assert np.abs(total).max() < 1e-6
        assert np.abs(cost).max() > 100.0 or same_money == "budget_holder"
        assert np.array_equal(plan.space.projected(moved), moved)
        values = plan.space.values(moved[:3])
        budgets = baseline_budgets(plan.place, plan.people)
        for k, row in enumerate(values.tolist()):
            scenario = plan.space.scenario(plan.baseline, row, f"mix-{k}", checked=True)
            asked = asked_budgets(scenario, plan.place.neighbourhoods(plan.people), budgets, plan.residents)
            assert asked[-1].sum() == pytest.approx(budgets.sum(), rel=1e-12)


def test_baseline_is_a_mix(run_fake: Any, tmp_path: Path) -> None:
    """If every move makes everything worse, the baseline is the only point of the front, and the text says so."""
    result = run_fake(
        lambda v: dict.fromkeys(("acute_demand", "spend_total"), np.abs(v - 1.0).sum(axis=1)), tmp_path / "s", design()
    )
    assert [p["is_baseline"] for p in result.document["front"]] == [True]
    assert "baseline is the first point" in result.text()


def test_limits_hold(run_fake: Any, tmp_path: Path) -> None:
    """No point of the front exceeds a limit, and a limit cuts the front where it should."""
    limit = {"metric": "spend_total", "at_most": -2.0}  # the baseline is 2.6, the front 0 to 1
    settings = design(limits=[limit], optimiser={"population": 12, "generations": 10, "seeds": [1]})
    result = run_fake(known_problem, tmp_path / "s", settings)
    name = result.document["objectives"][1]["name"]
    reached = [p["objectives"][name]["mean"] for p in result.document["front"]]
    assert max(reached) <= -2.0 + 1e-6
    assert max(reached) > -2.2
    free = run_fake(known_problem, tmp_path / "free", design(optimiser=settings["optimiser"]))
    assert max(p["objectives"][name]["mean"] for p in free.document["front"]) > -1.8


def test_no_mix_within_limits(run_fake: Any, tmp_path: Path) -> None:
    """Where no mix keeps all limits, the error names the limit of the nearest miss; evaluations are stored."""
    settings = design(limits=[{"metric": "acute_demand", "at_most": -5.0}])
    with pytest.raises(InputError, match=r"none of 96 mixes.*nearest miss: Acute demand at most -5"):
        run_fake(known_problem, tmp_path / "s", settings)
    assert len(list((tmp_path / "s" / "evaluations").glob("*generation*"))) == 8


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_resumption(run_fake: Any, tmp_path: Path) -> None:
    """A search that is interrupted at any moment and started again equals the unbroken one, byte for byte."""
    run_fake(known_problem, tmp_path / "unbroken", design())
    total = FakeModel.calls
    assert total == 4 + 2 * 4 * 4  # the baseline, then 2 seeds of 4 generations, with 4 draws each
    made = 0
    for stops_after in (2, 5, 7, 3):
        with pytest.raises(KeyboardInterrupt):
            run_fake(known_problem, tmp_path / "broken", design(), stops_after)
        made += stops_after
    run_fake(known_problem, tmp_path / "broken", design())
    assert content(tmp_path / "broken") == content(tmp_path / "unbroken")
    assert FakeModel.calls == total - (made - 2)  # the baseline of the first attempt is the only work done twice
    run_fake(known_problem, tmp_path / "broken", design())
    assert FakeModel.calls == 0


def test_damaged_file_is_made_again(run_fake: Any, tmp_path: Path) -> None:
    """A flipped bit is noticed, the file is made again, and the result is the same."""
    run_fake(known_problem, tmp_path / "s", design())
    before = content(tmp_path / "s")
    path = next((tmp_path / "s" / "evaluations").glob("seed-1-generation-0001-*"))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    run_fake(known_problem, tmp_path / "s", design())
    assert FakeModel.calls == 4
    assert content(tmp_path / "s") == before


def test_extended_search(run_fake: Any, tmp_path: Path) -> None:
    """More generations and more seeds continue a search, and give what they give from the start."""
    short = {"population": 12, "generations": 2, "seeds": [1]}
    longer = {"population": 12, "generations": 4, "seeds": [1, 2]}
    run_fake(known_problem, tmp_path / "s", design(optimiser=short))
    run_fake(known_problem, tmp_path / "s", design(optimiser=longer))
    run_fake(known_problem, tmp_path / "new", design(optimiser=longer))
    assert content(tmp_path / "s") == content(tmp_path / "new")


def test_other_folders_are_refused(run_fake: Any, tmp_path: Path) -> None:
    """The folder of another design, and a folder with other files, are refused and left as they are."""
    run_fake(known_problem, tmp_path / "s", design())
    before = content(tmp_path / "s")
    with pytest.raises(InputError, match="another draws"):
        run_fake(known_problem, tmp_path / "s", design(draws=5))
    assert content(tmp_path / "s") == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="a folder with other files"):
        run_fake(known_problem, tmp_path / "other", design())
    assert list(content(tmp_path / "other")) == ["notes.txt"]


def test_robust_objective(run_fake: Any, tmp_path: Path) -> None:
    """An objective with a quantile is the value on the bad side, not the mean."""
    objectives = [{"metric": "acute_demand", "quantile": 0.75}, {"metric": "spend_total", "better": "up"}]
    result = run_fake(known_problem, tmp_path / "s", design(objectives=objectives))
    document = result.document
    name = document["objectives"][0]["name"]
    assert "75% of draws" in name
    assert document["objectives"][1]["better"] == "up"
    everything = result.all_mixes()
    assert set(everything["optimiser_seed"]) == {1, 2}
    assert len(everything) == document["mixes"] == 96


def test_fronts_are_compared() -> None:
    """Equal fronts are alike; a front that lacks one end is further away and has less of the hypervolume."""
    x = np.linspace(0.0, 1.0, 21)
    curve = np.stack([x, 1.0 - np.sqrt(x)], axis=1)
    alike = stability([curve, curve])
    assert alike.is_stable
    assert alike.hypervolume == pytest.approx((1.0, 1.0))
    assert alike.distance == (0.0, 0.0)
    cut = stability([curve, curve[14:]])
    assert not cut.is_stable
    assert cut.hypervolume[1] < 0.6
    assert cut.distance[1] > 0.1
    beaten = np.concatenate([curve, curve + 0.1])
    assert front(beaten).tolist() == list(range(21))
    assert {0, 20} <= set(spread_points(curve, 5))


def test_survival() -> None:
    """A point survives if no other and not the baseline beats it, and if it keeps every limit, by the agents' means."""
    plan = planned_search(design(limits=[{"metric": "deaths", "at_most": 0.1}]))
    seeds, width = 8, len(plan.quantities)
    whole_run = (1, 2)
    acute, spending, deaths = (
        plan.index(Quantity(name, *whole_run)) for name in ("acute_demand", "spend_total", "deaths")
    )
    differences = np.zeros((4, seeds, width))
    for k, (first, second, third) in enumerate(
        ((-1.0, 1.0, 0.0), (-0.5, 2.0, 0.0), (0.5, 0.5, 0.0), (-2.0, 3.0, 99.0))
    ):
        differences[k, :, [acute, spending, deaths]] = np.array([[first], [second], [third]])
    replicates = (Replicates(np.empty(0, np.intp), differences[0, :0]),) * 4
    baseline = np.full((seeds, width), 10.0)
    placed = survivals(plan, Confirmation(tuple(range(seeds)), 0, baseline, differences, replicates))
    assert [s.survives for s in placed] == [True, False, False, False]
    assert placed[1].beaten_by == (0,)
    assert placed[2].beaten_by == (-1,)
    assert placed[3].missed == (0,)
    assert [s.share for s in placed] == [1.0, 0.0, 0.0, 0.0]


def test_twin_model() -> None:
    """The twin of a search gives what the twin of these scenarios gives, and money moves as the plan says."""
    plan = planned_search(design(levers={"factors": LINES}))
    model = twin_setting(plan).make()
    (drawn,) = plan.drawn(range(1))
    values = np.concatenate([plan.space.baseline[None], plan.space.values(plan.space.projected(np.eye(3)[:1]))])
    levels = model(drawn, values)
    mix = plan.space.scenario(plan.baseline, values[1].tolist(), "mix", checked=True)
    demand = TwinFamily([plan.baseline, mix], plan.place, plan.people).acute_demand(drawn)
    at = plan.index(Quantity("acute_demand", 1, 2))
    assert levels[:, at] == pytest.approx([demand["baseline"].mean(), demand["mix"].mean()], rel=1e-9)
    preventive = plan.index(Quantity("spend_preventive", 1, 2))
    assert levels[1, preventive] > levels[0, preventive]


def test_every_lever_is_an_input() -> None:
    """Levers whose ranges have the same middle as others, or the baseline there, still move by themselves."""
    factors = {f"service_budget.{name}": {"low": 0.5, "high": 1.5} for name in ("gp", "ae", "camhs", "targeted")}
    plan = planned_search(design(levers={"factors": factors}, draws=4))
    model = twin_setting(plan).make()
    levels = model({}, 1.0 + 0.1 * np.concatenate([np.zeros((1, 4)), np.eye(4)]))
    assert np.isfinite(levels).all()
    spending = levels[:, [plan.index(Quantity("spend_total", 1, 2))]]
    assert len(set(spending.ravel().tolist())) == 5


def test_twin_search(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A small search of the twin gives a front within the limits, under the same money, with all files."""
    file = tmp_path / "design.toml"
    lines = "\n".join(f"{k} = {{ low = {v['low']}, high = {v['high']} }}" for k, v in LINES.items())
    file.write_text(
        f"people = 1500\nyears = 2\ndraws = 4\n[levers.factors]\n{lines}\n"
        "[optimiser]\npopulation = 6\ngenerations = 2\n[confirmation]\npoints = 0\n"
    )
    from sim.cli import command

    assert command(["search", str(file), "--out", str(tmp_path / "s"), "--dry-run"]) == 0
    assert not (tmp_path / "s").exists()
    assert command(["search", str(file), "--out", str(tmp_path / "s"), "--workers", "1", "--json"]) == 0
    output = capsys.readouterr()
    document = json.loads(output.out)
    assert "96 runs of the stock-flow twin" in output.err
    assert document["front"]
    for point in document["front"]:
        assert sum(point["plan"].values()) == pytest.approx(0.0, abs=1e-4)
        assert max(point["fifths"].values()) <= 1e-6
    names = {p.name for p in (tmp_path / "s").iterdir()}
    assert {"result.json", "front.csv", "mixes.parquet", "front.svg", "search.json", "draws.parquet"} <= names
    assert (tmp_path / "s" / "front.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.slow
def test_confirmation(tmp_path: Path) -> None:
    """Points are run by agents with draws that the search did not have; the twin has the same draws."""
    optimiser = {"population": 4, "generations": 1, "seeds": [1]}
    confirmation = {"points": 2, "seeds": 2}
    settings = design(levers={"factors": LINES}, optimiser=optimiser, confirmation=confirmation)
    result = sim.search(settings, tmp_path / "s", workers=1, notify=lambda _text: None)
    checked = result.document["confirmation"]
    assert checked["seeds"] == [4, 5]
    stored = sim.load(tmp_path / "s" / "confirmation")
    assert stored.seeds == (4, 5)
    name = result.document["objectives"][0]["name"]
    figures = checked["points"][0]["objectives"][name]
    assert figures["twin_error"]["mean"] == pytest.approx(figures["twin"]["mean"] - figures["agents"]["mean"], abs=1e-5)
    assert stored["acute_demand"].difference()["mean"].iloc[:2].mean() == pytest.approx(
        figures["agents"]["mean"], abs=1e-5
    )
    before = content(tmp_path / "s")
    sim.search(settings, tmp_path / "s", workers=1, notify=lambda _text: None)
    after = content(tmp_path / "s")
    assert before["result.json"] == after["result.json"]


def test_processes_do_not_matter() -> None:
    """Two processes give what one gives, in the order of the draws."""
    draws: list[Any] = [float(k) for k in range(5)]
    values = np.arange(6.0).reshape(3, 2)
    make: Any = partial(partial, np.multiply)  # a model that a process can import
    outcomes = []
    for workers in (1, 2):
        with Evaluator(make, workers) as evaluator:
            outcomes.append(evaluator.evaluate(draws, values))
    assert outcomes[0].shape == (3, 5, 2)
    assert np.array_equal(*outcomes)
    assert outcomes[0][2, 3].tolist() == [12.0, 15.0]


WRONG: dict[str, tuple[str, tuple[str, ...]]] = {
    "unknown lever": ("[levers.factors]\nservice_budgte.gp = {}", ("line 3", "service_budget")),
    "unknown aim": ("[levers.factors]\nservice_budget.gpp = {}", ("line 3", "did you mean 'gp'")),
    "no aim": ("[levers.factors]\nservice_budget = {}", ("an aim",)),
    "no price": ("[levers.factors]\ntotal_budget = {}", ("known price", "total_budget")),
    "shock": ("[levers.factors]\nrecession = {}", ("somebody decides", "shock")),
    "empty range": ("[levers.factors]\nthreshold.gp = { low = 0.4, high = 0.4 }", ("a number above low",)),
    "beyond the range": ("[levers.factors]\nservice_budget.gp = { low = -1.0 }", ("0 to 5",)),
    "one line twice": (
        "[levers.factors]\nservice_budget.family_hub = {}\nservice_budget.targeted = {}",
        ("family_hub", "the same line"),
    ),
    "only more": (
        "[levers.factors]\nservice_budget.gp = { low = 1.1, high = 1.5 }",
        ("cost the same", "pounds a head"),
    ),
    "two kinds": ("[levers.factors]\nservice_budget.gp = {}\nacute_share = {}", ("both",)),
    "no levers": ("[levers]\nover_months = 3", ("factors",)),
    "unknown measure": (
        '[levers.factors]\nacute_share = {}\n[[limits]]\nmetric = "acute_demnad"\nat_most = 0',
        ("line 5", "acute_demand"),
    ),
    "no better direction": (
        '[levers.factors]\nacute_share = {}\n[[objectives]]\nmetric = "acute_demand"\n'
        '[[objectives]]\nmetric = "spend_total"',
        ("better = 'up' or 'down'",),
    ),
    "one objective": ('objectives = [{ metric = "deaths" }]\n[levers.factors]\nacute_share = {}', ("objectives",)),
    "contradiction": (
        "[levers.factors]\nacute_share = {}\n[[limits]]\nmetric = 'deaths'\nat_most = 0\n"
        "[[limits]]\nmetric = 'deaths'\nat_least = 1",
        (
            "line 9",
            "agrees with limits[0].at_most",
        ),
    ),
    "contradiction in one limit": (
        "[levers.factors]\nacute_share = {}\n[[limits]]\nmetric = 'deaths'\nat_most = 0\nat_least = 1",
        ("at most 0",),
    ),
    "few draws": (
        "draws = 8\n[levers.factors]\nacute_share = {}\n[[objectives]]\nmetric = 'acute_demand'\nquantile = 0.9\n"
        "[[objectives]]\nmetric = 'deaths'",
        ("at least 10 draws", "0.9"),
    ),
    "too few draws": ("draws = 1\n[levers.factors]\nacute_share = {}", ("draws", "4")),
    "years": (
        "years = 3\n[levers.factors]\nacute_share = {}\n[[limits]]\nmetric = 'deaths'\nat_most = 0\nyears = [1, 4]",
        ("1 to 3",),
    ),
    "unknown key": ("[levers.factors]\nacute_share = {}\n[optimizer]\npopulation = 8", ("optimiser",)),
    "holders": (
        "[levers]\nsame_money = 'budget_holder'\n[levers.factors]\nservice_budget.targeted = {}",
        ("one budget holder each",),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_designs(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong design is refused with the key at fault, and nothing is written."""
    text, parts = WRONG[name]
    file = tmp_path / "design.toml"
    file.write_text(f"people = 1500\n{text}\n")
    assert_refused(["search", str(file), "--out", str(tmp_path / "s")], capsys, "design.toml", *parts)
    assert not (tmp_path / "s").exists()


def test_package_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the package of the optimiser, the message names the extra."""
    monkeypatch.setitem(sys.modules, "pymoo", None)
    assert_refused(["search", "x.toml", "--out", str(tmp_path)], capsys, "upstream-simulator[search]")


def test_example_is_valid() -> None:
    """The example design is read, and every lever's range lies on both sides of the baseline."""
    plan = planned_search(Path(sim.__file__).parents[1] / "scenarios" / "searches" / "spending-mix.toml")
    assert ((plan.space.shares_of_baseline > 0.0) & (plan.space.shares_of_baseline < 1.0)).all()
    assert plan.evaluations == 2 * 12 * 20 * 16
