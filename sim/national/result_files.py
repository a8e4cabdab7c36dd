"""The files of the results of a national run, each written completely or not at all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.national import tile_map
from sim.national.outcomes import columns
from sim.national.planning import SIDES, NationPlan
from sim.national.results import CAUTION, Nation, authority_table, doubt
from sim.national.store import NationStore
from sim.national.totals import checked, code_of, measures, total_rows
from sim.schema.json_text import indented_json
from sim.sweeps import part_files

FILES = (
    "totals.parquet", "authorities.parquet", "authorities.csv", "results.json", "tile_map.svg", "data_dictionary.csv",
)  # fmt: skip
"""Names of the files."""


def finish(store: NationStore, seeds: Sequence[int], say: Callable[[str], None]) -> Nation:
    """Make the results of all runs that are stored, check every sum, and write the files.

    Parameters
    ----------
    store : NationStore
        The runs.
    seeds : sequence of int
        Seeds of the design that were run.
    say : callable
        Called with a line about the checks.

    Returns
    -------
    Nation
    """
    plan = store.plan
    spans = product(seeds, range(1, plan.years + 1))  # a year at a time, so that little is in memory as Python objects
    totals = pd.concat(
        [total_rows(store.rows(seed, year=year), code_of(plan)) for seed, year in spans], ignore_index=True
    )
    checks = checked(plan, store, totals, seeds)
    table = authority_table(plan, totals)
    result = Nation(store.folder, plan, tuple(seeds), totals, table, checks)
    write(result)
    compared, failed = sum(check.compared for check in checks), result.failed
    say(f"{compared:,} sums compared: " + ("all agree to the last unit" if not failed else f"{failed:,} DIFFER"))
    return result


def document(result: Nation) -> dict[str, Any]:
    """The results as plain data."""
    plan = result.plan
    rows = json.loads(result.authorities.to_json(orient="records", double_precision=6))
    return {
        "question": plan.design.question,
        "caution": CAUTION,
        "doubt": doubt(plan, result.seeds),
        "population": plan.population,
        "scale": plan.design.scale,
        "years": plan.years,
        "seeds": list(result.seeds),
        "draws": plan.design.draws,
        "hazards": plan.design.hazards,
        "allocation": None if plan.design.allocation is None else formula_rows(plan),
        "need": plan.design.need if plan.design.allocation is not None else None,
        "checks": [check._asdict() for check in result.checks],
        "units": {name: unit for name, unit, _ in RESULT_COLUMNS},
        "authorities": rows,
    }


def formula_rows(plan: NationPlan) -> list[dict[str, Any]]:
    """The parameters of the formula with value, unit, range and source."""
    formula = plan.design.allocation
    assert formula is not None
    return [
        {"name": name, "value": getattr(formula, name), "unit": spec.unit, "low": spec.low, "high": spec.high,
         "source": spec.source, "meaning": spec.meaning}
        for name, _, spec in formula.declared()
    ]  # fmt: skip


RESULT_COLUMNS = (
    ("code", "", "code of the authority; of all together: E92000001, or NATION if the design has some of them"),
    ("name", "", "name"),
    ("region", "", "region, from published tables"),
    ("tier", "", "fifth of authorities by deprivation, 1 = most deprived"),
    ("policy", "", "scenario of its policy"),
    ("simulated", "people", "people in the model at the start"),
    ("population", "people", "people, mid-2020; a simulated person stands for population / simulated"),
    ("year", "", "year, from 1"),
    *((f"people_{side}", "people", f"people at the end of the year, {side}") for side in SIDES),
    *((f"episodes_{side}", "episodes", f"episodes of all acute services, {side}") for side in SIDES),
    *((f"spent_{side}", "pence", f"spending in scope, {side}") for side in SIDES),
    *((f"allocated_{side}", "pence", f"own budget times its multiple, {side}") for side in SIDES),
    ("acute_demand_baseline", "index, all authorities' baseline in year 1 = 100", "acute demand per person, baseline"),
    ("acute_demand_policy", "index, all authorities' baseline in year 1 = 100", "acute demand per person, policy"),
    ("difference", "points", "acute demand, policy less baseline, mean over seeds"),
    ("difference_ci_low", "points", "lower end of its 95% interval"),
    ("difference_ci_high", "points", "upper end of its 95% interval"),
    ("gap_baseline", "points", "acute demand per person, most less least deprived fifth of neighbourhoods; empty if "
     "the authority has nobody in one of them"),
    ("gap_policy", "points", "the same under the policy"),
    ("gap_difference", "points", "gap, policy less baseline, mean over seeds"),
    ("gap_difference_ci_low", "points", "lower end of its 95% interval"),
    ("gap_difference_ci_high", "points", "upper end of its 95% interval"),
)  # fmt: skip
"""Columns of the table of authorities: name, unit, meaning."""


def write(result: Nation) -> None:
    """Write all files of results, each completely or not at all."""
    folder, plan = result.folder, result.plan
    tables = {"totals": result.totals, "authorities": result.authorities}
    for name, frame in tables.items():
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), sink, **part_files.OPTIONS)
        part_files.write(folder, f"{name}.parquet", bytes(sink.getvalue()), folder)
    text = result.authorities.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    part_files.write(folder, "authorities.csv", text.encode(), folder)
    part_files.write(folder, "results.json", indented_json(document(result)).encode(), folder)
    last = result.authorities[result.authorities["year"] == plan.years]
    excludes_zero = (last["difference_ci_low"] > 0.0) | (last["difference_ci_high"] < 0.0)
    picture = tile_map.svg(
        plan.authorities,
        dict(zip(last["code"], last["difference"], strict=True)),
        f"Difference in acute demand under the policy, year {plan.years}",
        (doubt(plan, result.seeds), CAUTION),
        set(last["code"][excludes_zero]) if len(result.seeds) > 1 else None,
    )
    part_files.write(folder, "tile_map.svg", picture.encode(), folder)
    part_files.write(folder, "data_dictionary.csv", _dictionary().encode(), folder)


def _dictionary() -> str:
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["table", "column", "unit", "meaning"])
    rows.writerows(["authorities", *column] for column in RESULT_COLUMNS)
    rows.writerows(["runs", column.name, column.unit, column.meaning] for column in columns())
    about = {"spent": "pence", "episodes": "episodes", "own_budget": "pence a year", "allocated": "pence a year"}
    for name in measures():
        unit = next((unit for start, unit in about.items() if name.startswith(start)), "as in runs")
        meaning = "as in runs, times population / simulated, in whole numbers; without an ending: the sum"
        rows.writerow(["totals", name, unit, meaning])
    return out.getvalue()
