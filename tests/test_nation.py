"""National runs: exact sums, the formula, resumption, workers, wrong input, the tile map."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import deque
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from command_line import ROOT, assert_refused

import sim
from sim.cli import command
from sim.national import hazard_groups, states, task
from sim.national.allocation import AllocationFormula, allocate, pot
from sim.national.planning import chance_seed, planned
from sim.national.result_files import FILES
from sim.national.results import Nation, interval
from sim.national.run import nation
from sim.national.store import NationStore
from sim.national.totals import checked, measures, whole_counts
from sim.national.weights import Weight
from sim.place.derive_regions import derived_regions, main
from sim.place.english_authorities import authority_data
from sim.place.english_regions import regions, tiers
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError
from sim.simulation.simulate import run_months
from sim.simulation.yearly import run_year
from sim.world.build import copy

SMALL: dict[str, Any] = {
    "policy": "prevention-shift", "policies": {"tier": {"1": "salami-slice"}},
    "authorities": ["blackpool", "rutland", "isles-of-scilly", "city-of-london"], "small": "finer",
    "scale": 50, "years": 2, "seeds": 1, "hazards": "supplied",
}  # fmt: skip
"""Four authorities of 1,500 to 2,800 simulated people; budget and policy differ."""
LIMIT = 5.0
"""Seconds within which no process is left."""
PATIENCE = 600.0


class InProcess:
    """Workers that are this process: no process is started."""

    def __init__(self, setting: bytes, workers: int, make_task: Any) -> None:
        self.workers, self.capacity = workers, workers + 1
        self._function, self._batches = make_task(setting), deque[task.NationBatch]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End nothing."""

    def submit(self, batch: task.NationBatch) -> None:
        """Keep a batch."""
        self._batches.append(batch)

    def next(self) -> tuple[task.NationBatch, Any]:
        """Run the oldest batch."""
        batch = self._batches.popleft()
        return batch, self._function(batch)


def silent(_: str) -> None:
    """Print nothing."""


@pytest.fixture(autouse=True)
def many_finer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the few authorities of these tests most are small."""
    monkeypatch.setattr("sim.national.planning.MOST_FINER", 1.0)


def made(folder: Path, notify: Any = silent, **changes: Any) -> Nation:
    """Run the small design in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sim.sweeps.pool.Pool", InProcess)
        patch.setattr("sim.national.planning.MOST_FINER", 1.0)
        result = nation(SMALL | changes, folder, workers=1, notify=notify)
    assert result is not None
    return result


@pytest.fixture(scope="module")
def coupled(tmp_path_factory: pytest.TempPathFactory) -> Nation:
    """The small design under the formula, in a folder."""
    return made(tmp_path_factory.mktemp("nation") / "coupled", allocation={})


# Weights and sums.


def test_weights_add_up_to_the_population() -> None:
    """At 1 in 20 the simulated people, times their weights, are England's 56,550,138 people exactly."""
    plan = planned({"policy": "baseline"})
    assert len(plan.authorities) == 309
    assert sum(a.weight.exact * a.weight.simulated for a in plan.authorities) == plan.population == 56_550_138
    assert {a.name for a in plan.finer} == {"City of London", "Isles of Scilly"}


def test_scaled_counts_are_whole_and_add_up(seed: int) -> None:
    """The cells of an authority add up to the nearest whole number, and each is within one of its fraction."""
    rng = np.random.default_rng(seed)
    for _ in range(50):
        weight = Weight(int(rng.integers(2_000, 10**6)), int(rng.integers(1_500, 60_000)))
        cells = rng.integers(0, 1_000, 40)
        scaled = weight.of(cells)
        assert abs(int(scaled.sum()) - weight.exact * int(cells.sum())) <= Fraction(1, 2)
        assert all(abs(int(s) - weight.exact * int(c)) < 1 for s, c in zip(scaled, cells, strict=True))


def test_sums_equal_the_parts(coupled: Nation) -> None:
    """People, episodes and pence of authorities add up to those of the nation, and the command says so."""
    assert [check.failed for check in coupled.checks] == [0] * len(coupled.checks)
    assert sum(check.compared for check in coupled.checks) > 500
    totals = coupled.totals
    parts, total = totals[totals["code"] != "NATION"], totals[totals["code"] == "NATION"]
    added = parts.groupby(["seed", "side", "year"])[measures()].sum()
    stated = total.set_index(["seed", "side", "year"])[measures()].sort_index()
    pd.testing.assert_frame_equal(added, stated, check_exact=True)
    assert (totals[measures()].dtypes == np.int64).all()
    table = coupled.authorities
    for column in ("people_policy", "episodes_policy", "spent_baseline", "allocated_policy"):
        last = table[table["year"] == 2]
        assert last[column].iloc[0] == last[column].iloc[1:].sum()


def test_a_changed_total_is_reported(coupled: Nation) -> None:
    """One unit more in a total of the nation, of a fifth or of the allocations fails a check."""
    store = NationStore(coupled.folder, coupled.plan, silent)
    for column, failures in (("spent", 2), ("people_1", 2), ("allocated", 2)):
        changed = coupled.totals.copy()
        changed.loc[(changed["code"] == "NATION") & (changed["year"] == 2), column] += 1
        failed = [check.name for check in checked(coupled.plan, store, changed, coupled.seeds) if check.failed]
        assert len(failed) >= failures - 1, column
        assert "authorities add up to the nation" in failed


def test_a_row_is_scaled_as_a_whole(coupled: Nation) -> None:
    """Within a row services, tiers and fifths add up to their totals."""
    row = NationStore(coupled.folder, coupled.plan, silent).rows(0).to_pylist()[0]
    counted = whole_counts(row)
    assert counted["spent"] == sum(counted[f"spent_{t}"] for t in ("acute", "responsive", "preventive", "community"))
    assert counted["people"] == sum(counted[f"people_{q}"] for q in range(1, 6))


# The formula.


def test_allocations_add_up_and_follow_need(seed: int) -> None:
    """The pot is shared to the penny within its limits; more need gets more; weight 0 leaves own budgets."""
    rng = np.random.default_rng(seed)
    base = rng.integers(10**9, 10**11, 309)
    people, need = rng.integers(10**4, 10**6, 309), rng.lognormal(0.0, 0.3, 309)
    before = base
    for year in range(1, 6):
        formula = AllocationFormula(growth=0.01, pace=0.5)
        before = allocate(formula, year, base, before, people, need)
        assert int(before.sum()) == pot(formula, year, base)
        relative = before / base / (pot(formula, year, base) / base.sum())
        assert relative.min() >= formula.floor - 1e-6
        assert relative.max() <= formula.ceiling + 1e-6
    even = np.full(2, 10**6)
    more = allocate(AllocationFormula(), 1, even, even, np.array([10, 10]), np.array([1.0, 1.2]))
    assert more[0] < more[1]
    assert np.array_equal(allocate(AllocationFormula(weight=0.0), 7, base, base, people, need), base)


def test_the_formula_declares_its_parameters() -> None:
    """Each has value, unit, range and source."""
    declared = list(AllocationFormula.declared())
    assert len(declared) == 6
    assert all(spec.low <= value <= spec.high and spec.source and spec.unit for _, value, spec in declared)


# Runs.


def test_a_year_at_a_time_is_an_unbroken_run() -> None:
    """Three years one by one, on stored worlds, count what a run of three years counts."""
    scenario = Scenario.load("salami-slice").with_settings(years=3)
    place = hazard_groups.authority_place("E06000017")
    calibrated = hazard_groups.calibrated_for("E06000017", "supplied", scenario)
    world = calibrated.burned_in_world(place, 1_500, 7)
    unbroken = run_months(world, scenario, calibrated.params, 7)
    for year in range(3):
        content = [b"".join(map(bytes, states._content(world, fixed=fixed))) for fixed in (True, False)]
        tables = [states._tables(memoryview(part), fixed=k == 0) for k, part in enumerate(content)]
        world = states._joined({**tables[0], **tables[1]})
        record = run_year(world, scenario, calibrated.params, 7, year)
        for name, values in record.monthly.items():
            assert np.array_equal(values, unbroken.monthly[name][12 * year : 12 * year + 12]), name


def test_a_multiple_moves_the_budget_of_its_year() -> None:
    """Funding of a year is multiplied, and a multiple of 1 changes nothing."""
    scenario = Scenario.load("baseline").with_settings(years=1)
    place = hazard_groups.authority_place("E06000017")
    calibrated = hazard_groups.calibrated_for("E06000017", "supplied", scenario)
    world = calibrated.burned_in_world(place, 1_500, 7)
    plain, more = (run_year(copy(world), scenario, calibrated.params, 7, 0, m).monthly["funding"] for m in (1.0, 1.2))
    assert np.allclose(more.sum(axis=0), 1.2 * plain.sum(axis=0), rtol=1e-3, atol=100)


def test_weight_zero_is_no_formula(tmp_path: Path) -> None:
    """Coupled year by year with weight 0, each authority has the counts that it has alone, also with another budget."""
    budgets = {"budgets": {"authority": {"rutland": 0.9}}}
    alone = made(tmp_path / "alone", **budgets)
    zero = made(tmp_path / "zero", allocation={"weight": 0.0}, **budgets)
    pd.testing.assert_frame_equal(alone.totals, zero.totals, check_exact=True)


def test_the_formula_moves_budgets_from_the_second_year(coupled: Nation) -> None:
    """In year 1 each authority has its own budget; then the pot of the nation is shared anew."""
    totals = coupled.totals
    first, second = (totals[(totals["year"] == year) & (totals["side"] == "baseline")] for year in (1, 2))
    assert (first["allocated"] == first["own_budget"]).all()
    assert (second["allocated"] != second["own_budget"]).sum() >= 3
    assert second["allocated"].iloc[-1] == first["own_budget"].iloc[-1]


def test_authorities_do_not_share_chance_events(coupled: Nation) -> None:
    """Each authority and seed has chance events of its own, which do not depend on the other authorities."""
    seeds = {chance_seed(a.code, seed) for a in coupled.plan.authorities for seed in range(5)}
    assert len(seeds) == 5 * len(coupled.plan.authorities)
    assert chance_seed("E06000017", 0) == 232314842202849


def test_a_resumed_run_is_the_unbroken_run(coupled: Nation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted within a year, without its stored worlds, and with a damaged file: the same totals."""
    folder = tmp_path / "resumed"
    real, calls = NationStore.add, []

    def failing(store: NationStore, content: bytes) -> Any:
        calls.append(content)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return real(store, content)

    monkeypatch.setattr(NationStore, "add", failing)
    with pytest.raises(KeyboardInterrupt):
        made(folder, allocation={})
    assert 0 < len(list((folder / "runs").iterdir())) < 8
    for path in (folder / "states").glob("*.state"):
        path.unlink()
    damaged = min((folder / "runs").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:-7])
    said: list[str] = []
    result = made(folder, said.append, allocation={})
    assert any("damaged" in line for line in said)
    pd.testing.assert_frame_equal(result.totals, coupled.totals, check_exact=True)
    assert not (folder / "states").exists()


def test_two_workers_are_one(coupled: Nation, tmp_path: Path) -> None:
    """Any number of workers gives the same totals; the same command again runs nothing."""
    result = nation(SMALL | {"allocation": {}}, tmp_path / "two", workers=2, notify=silent)
    assert result is not None
    pd.testing.assert_frame_equal(result.totals, coupled.totals, check_exact=True)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "two" / "runs").iterdir()}
    again = made(tmp_path / "two", allocation={})
    pd.testing.assert_frame_equal(again.totals, result.totals, check_exact=True)
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "two" / "runs").iterdir()} == before


@pytest.mark.slow
def test_dask_workers_give_the_same(coupled: Nation, tmp_path: Path) -> None:
    """Two Dask workers joined over TCP give the same totals."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, protocol="tcp", silence_logs=50
    ) as cluster:
        result = nation(
            SMALL | {"allocation": {}}, tmp_path / "dask", scheduler=cluster.scheduler_address, notify=silent
        )
    assert result is not None
    pd.testing.assert_frame_equal(result.totals, coupled.totals, check_exact=True)


def test_more_seeds_leave_the_first_as_they_are(tmp_path: Path) -> None:
    """Seeds can be added to a folder; each seed is a nation of its own."""
    settings = {"authorities": ["rutland", "blackpool"]}
    one_seed = made(tmp_path / "seeds", **settings)
    two = made(tmp_path / "seeds", seeds=2, **settings)
    first = two.totals[two.totals["seed"] == 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, one_seed.totals, check_exact=True)
    assert (two.totals[two.totals["seed"] == 1]["spent"].to_numpy() != first["spent"].to_numpy()).all()
    assert one_seed.authorities["difference_ci_low"].isna().all()
    assert two.authorities["difference_ci_low"].notna().all()


def test_the_interval_is_that_of_student() -> None:
    """Of two values 0 and 2 the half-width is 12.7 times the standard error of 1."""
    mean, low, high = interval(np.array([[0.0, 2.0]]))
    assert (mean[0], round(float(low[0]), 2), round(float(high[0]), 2)) == (1.0, -11.71, 13.71)


def test_a_unit_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of an authority comes back with its name, and the others go on."""
    runner = object.__new__(task._Runner)
    monkeypatch.setattr(runner, "_rows", lambda unit: 1 / 0 if unit.authority == 1 else [], raising=False)
    units = tuple(task.Unit(a, 0, 0, ((1.0,), (1.0,)), ("", f"key{a}")) for a in range(3))
    outcome = runner(task.NationBatch(units))
    assert outcome.failed == {"key1": "ZeroDivisionError: division by zero"}


# Regions, tiers and groups.


def test_regions_are_those_of_the_published_tables(data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The stored file is what the script derives; it has each authority once."""
    stored = (ROOT / "sim" / "place" / "english_regions.csv").read_text(encoding="utf-8")
    monkeypatch.setattr("sim.place.derive_regions.FILE", tmp_path / "regions.csv")
    main(data)
    assert (tmp_path / "regions.csv").read_text(encoding="utf-8") == stored
    assert set(regions()) == set(authority_data().authorities)
    counts = pd.Series(regions()).value_counts()
    assert (counts["London"], counts["North East"], counts["South East"]) == (33, 12, 64)


def test_a_region_in_two_parts_is_refused() -> None:
    """The order of the table is what districts are assigned by, so it is checked."""
    stated = {"E06A": "X", "E06C": "Y"}
    assert derived_regions(["E06A", "E07B", "E06C"], stated) == {"X": ["E06A", "E07B"], "Y": ["E06C"]}
    with pytest.raises(InputError, match="one after another"):
        derived_regions(["E06A", "E06C", "E06D"], {"E06A": "X", "E06C": "Y", "E06D": "X"})


def test_tiers_are_fifths() -> None:
    """Each fifth has 61 or 62 authorities."""
    assert sorted(pd.Series(tiers()).value_counts()) == [61, 62, 62, 62, 62]


def test_groups_hold_similar_authorities() -> None:
    """Every authority is in a group, and most have need per head within a tenth of their group's mean."""
    groups = hazard_groups.groups()
    assert set(groups) == set(authority_data().authorities)
    assert len(set(groups.values())) == hazard_groups.GROUPS
    apart = np.array([hazard_groups.need_apart(code) for code in groups])
    assert np.median(apart) < 0.1
    people = sum(hazard_groups.group_place(k).population for k in range(hazard_groups.GROUPS))
    assert people == 56_550_138


# Files and the map.


def test_files_can_be_read(coupled: Nation) -> None:
    """Parquet, CSV and JSON have the same table; every column is described."""
    folder = coupled.folder
    assert {path.name for path in folder.iterdir()} == {*FILES, "nation.json", "runs"}
    table = pd.read_csv(folder / "authorities.csv", dtype={"tier": str, "region": str}, keep_default_na=False)
    assert len(table) == len(coupled.authorities) == 2 * 5
    document = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert [row["code"] for row in document["authorities"]] == table["code"].tolist()
    assert set(document["units"]) == set(table.columns)
    assert document["allocation"][0]["source"] == "assumed"
    assert "One seed" in document["doubt"]
    described = pd.read_csv(folder / "data_dictionary.csv", keep_default_na=False)
    totals = pd.read_parquet(folder / "totals.parquet")
    names = set(described["column"])
    assert set(totals.columns) - {"seed", "side", "year", "code", "scenario"} <= names
    pd.testing.assert_frame_equal(totals, coupled.totals, check_dtype=False)


def test_the_map_has_a_tile_for_each_authority(coupled: Nation) -> None:
    """Squares of one size that do not overlap, each with its name, and no claim of positions; nothing is loaded."""
    text = (coupled.folder / "tile_map.svg").read_text(encoding="utf-8")
    root = ET.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    tiles = [r for r in root.iter(f"{space}rect") if r.find(f"{space}title") is not None]
    assert len(tiles) == 4
    assert {(t.get("width"), t.get("height")) for t in tiles} == {("22", "22")}
    assert len({(t.get("x"), t.get("y")) for t in tiles}) == 4
    assert "not at geographic" in text
    assert "href" not in text
    assert text.count("http") == 1  # the name space


def test_all_tiles_fit_on_the_map() -> None:
    """The 309 tiles are within the picture and do not overlap."""
    from sim.national import tile_map

    tiles, names, bottom = tile_map.layout(planned({"policy": "baseline"}).authorities)
    assert len(tiles) == len(set(tiles.values())) == 309
    assert len(names) == 9
    assert all(0 < x <= tile_map.WIDTH - tile_map.TILE and 0 < y < bottom for x, y in tiles.values())


# Wrong input.


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"authorities": ["ledes"]}, ["authorities.0", "'ledes'", "leeds"]),
        ({"authorities": ["somerset"]}, ["April 2021", "the sum of 4"]),
        ({"authorities": ["leeds", "E08000035"]}, ["each authority once"]),
        ({"policy": None, "policies": {"tier": {"2": "baseline"}}}, ["a policy for every authority", "none for"]),
        ({"policies": {"region": {"North": "baseline"}}}, ["policies.region.North", "North East"]),
        ({"policies": {"tier": {"6": "baseline"}}}, ["1 (most deprived) to 5"]),
        ({"policy": "prevention-shfit"}, ["'prevention-shfit'", "did you mean"]),
        ({"scale": 0}, ["scale"]),
        ({"small": "refuse"}, ["a scale of at most 1", "Isles of Scilly"]),
        ({"need": "people"}, ["[allocation]"]),
        ({"allocation": {"pace": 2.0}}, ["allocation.pace"]),
        ({"budgets": {"authority": {"leeds": 3.0}}}, ["0.5 to 1.5"]),
        ({"unknown": 1}, ["unknown"]),
    ],
)  # fmt: skip
def test_wrong_designs_are_refused(changes: dict[str, Any], parts: list[str]) -> None:
    """The error names the key, what was wanted, and what came."""
    settings = {key: value for key, value in (SMALL | changes).items() if value is not None}
    with pytest.raises(InputError) as error:
        planned(settings)
    for part in parts:
        assert part in str(error.value)


def test_a_coarse_scale_is_refused() -> None:
    """A scale that leaves more than a tenth of authorities too few people is refused with the largest that does not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sim.national.planning.MOST_FINER", 0.1)
        with pytest.raises(InputError, match="at most 54, got 100"):
            planned({"policy": "baseline", "scale": 100})


def test_wrong_folders_are_refused(coupled: Nation, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder of another design, and one with other files."""
    design = tmp_path / "design.toml"
    design.write_text('policy = "baseline"\nauthorities = ["rutland"]\nyears = 1\nhazards = "supplied"\n')
    args = ["nation", str(design), "--workers", "1", "--out"]
    assert_refused([*args, str(coupled.folder)], capsys, "the national run of another design")
    assert_refused([*args, str(tmp_path)], capsys, "a folder with other files")
    assert command([*args, str(tmp_path / "new"), "--scheduler", "tcp://127.0.0.1:9"]) == 2
    assert "does not answer" in capsys.readouterr().err
    design.write_text('policy = "baseline"\nscal = 3\n')
    assert_refused([*args, str(tmp_path / "new")], capsys, "design.toml, line 2: scal")


def test_the_size_is_stated_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run states people, time, memory and disk, and leaves nothing."""
    design = tmp_path / "design.toml"
    design.write_text('policy = "salami-slice"\nhazards = "supplied"\nauthorities = ["rutland", "leeds"]\n')
    assert command(["nation", str(design), "--out", str(tmp_path / "out"), "--dry-run", "--scale", "25"]) == 0
    said = capsys.readouterr().err
    for part in ("2 authorities", "839,", "20 years, 4 seeds", "of memory", "on disk"):
        assert part in said
    assert not (tmp_path / "out").exists()


def test_a_command_and_its_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output has one document, with the checks."""
    design = tmp_path / "design.toml"
    design.write_text('policy = "baseline"\nhazards = "supplied"\nauthorities = ["rutland"]\nyears = 1\nseeds = 1\n')
    args = ["nation", str(design), "--out", str(tmp_path / "out"), "--workers", "1"]
    assert command([*args, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert all(check["failed"] == 0 for check in document["checks"])
    assert command(args) == 0
    text = capsys.readouterr().out
    assert "authorities add up to the nation" in text
    assert "do not rank" in text
    assert "Gap between" in text


@pytest.mark.slow
def test_ctrl_c_leaves_finished_years(tmp_path: Path) -> None:
    """SIGINT ends the command with 130 and no process; the same command continues from what is stored."""
    design = tmp_path / "design.toml"
    design.write_text(
        'policy = "salami-slice"\nhazards = "supplied"\nauthorities = ["rutland", "leeds", "blackpool"]\n'
        "scale = 50\nyears = 8\nseeds = 8\n[allocation]\n"
    )
    words = [sys.executable, "-c", "from sim.cli import main; main()", "nation", str(design)]
    words += ["--out", str(tmp_path / "out"), "--workers", "1"]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + PATIENCE
    while not list((tmp_path / "out").glob("runs/*.parquet")) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(LIMIT) == 130
    stored = list((tmp_path / "out" / "runs").iterdir())
    assert stored
    done = NationStore(tmp_path / "out", planned(design), silent).done
    assert 0 < len(done) < 3 * 8 * 8


def test_public_names() -> None:
    """`sim.nation` is the function."""
    assert sim.nation is nation
