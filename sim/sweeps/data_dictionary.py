"""Every column of a sweep's tables with type, unit and meaning: in the tables themselves, as CSV, and as RO-Crate."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa

from sim.policies import levers
from sim.scenario.parameters import parameters
from sim.sweeps import outcomes
from sim.sweeps.plan import Plan

RO_CRATE = "ro-crate-metadata.json"
DICTIONARY = "data_dictionary.csv"


class RunColumn(NamedTuple):
    """A column of the table of runs.

    Attributes
    ----------
    name : str
        Its name.
    kind : pyarrow.DataType
        Its type.
    unit, meaning : str
        Unit, or "", and meaning.
    """

    name: str
    kind: pa.DataType
    unit: str
    meaning: str


INPUTS = (
    RunColumn("run", pa.string(), "", "identity of the run: a digest of everything that determines its outcomes"),
    RunColumn("policy", pa.string(), "", "name of the policy: the scenario with its point of the levers"),
    RunColumn("scenario", pa.string(), "", "name of the scenario in the design"),
    RunColumn("place", pa.string(), "", "name of the place"),
    RunColumn("people", pa.int64(), "people", "number of people at the start"),
    RunColumn("years", pa.int16(), "years", "length of the run"),
    RunColumn("point", pa.int32(), "", "number of the point of the uncertainties, as in points.parquet"),
    RunColumn("seed", pa.int64(), "", "seed, the same for every policy; with draws it names the row of draws.parquet"),
    RunColumn("replicate", pa.int16(), "", "0, or the number of a run of the same draw with other chance events"),
)
ABOUT_RUNS = (
    RunColumn("chance_seed", pa.int64(), "", "seed of the chance events"),
    RunColumn("engine", pa.string(), "", "agents, or stocks: the stock-flow twin"),
    RunColumn("draws", pa.string(), "", "the parameters that each seed draws: all, mechanisms or none"),
    RunColumn("calibrate", pa.string(), "", "how hazards are solved for the parameters"),
    RunColumn("policy_hash", pa.string(), "", "SHA-256 of what the policy does"),
    RunColumn("parameters_hash", pa.string(), "", "SHA-256 of all parameters that differ from the declared ones"),
    RunColumn("place_hash", pa.string(), "", "SHA-256 of the data of the place"),
    RunColumn("model", pa.string(), "", "SHA-256 of the model's code and figures"),
    RunColumn("upstream", pa.string(), "", "version of Upstream"),
    RunColumn("status", pa.string(), "", "done, failed, or set aside: it killed its worker three times"),
    RunColumn("error", pa.string(), "", "the error of a run that failed"),
    RunColumn("lost_workers", pa.int16(), "", "how often a worker was lost with the run"),
    RunColumn("seconds", pa.float64(), "s", "time on its worker"),
    RunColumn("finished", pa.timestamp("s", tz="UTC"), "", "when it finished"),
)


def runs_schema(plan: Plan) -> pa.Schema:
    """The columns of the table of runs, each with its unit and meaning."""

    def field(column: RunColumn) -> pa.Field:
        return pa.field(column.name, column.kind, metadata={"unit": column.unit, "label": column.meaning})

    return pa.schema([field(column) for column in (*INPUTS, *_factors(plan), *ABOUT_RUNS)])


def _factors(plan: Plan) -> Iterator[RunColumn]:
    known = {lever.name: lever for lever in levers()}
    for name in plan.lever_names:
        lever = known[name.partition(".")[0]]
        change = "shift" if lever.kind == "shift" else "value"
        yield RunColumn(name, pa.float64(), lever.unit, f"lever, {change}: {lever.label} (empty: not moved)")
    table = parameters(plan.references[0]) if plan.parameter_names else {}
    for name in plan.parameter_names:
        spec = table[name].spec
        yield RunColumn(name, pa.float64(), spec.unit, f"parameter: {spec.meaning} ({spec.status})")


def rows(plan: Plan) -> Iterator[dict[str, str]]:
    """The data dictionary: a row for each column of each table."""
    of_runs = runs_schema(plan)
    tables = {
        "runs": of_runs,
        "outcomes": outcomes.schema(plan.metrics, grouped=False),
        "groups": outcomes.schema(plan.metrics, grouped=True) if plan.design.by else pa.schema([]),
        "points": pa.schema([of_runs.field(name) for name in ("point", *plan.parameter_names)]),
    }
    for table, schema in tables.items():
        for field in schema:
            about = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
            yield {
                "table": table,
                "column": field.name,
                "type": str(field.type),
                "unit": about.get("unit", ""),
                "meaning": about.get("label", ""),
            }


def as_csv(plan: Plan) -> str:
    """The data dictionary as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ("table", "column", "type", "unit", "meaning"), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(plan))
    return text.getvalue()


def ro_crate(plan: Plan, finished: str) -> str:
    """Metadata of the folder in the form of RO-Crate 1.1, as JSON.

    Parameters
    ----------
    plan : Plan
        The plan.
    finished : str
        Date on which the sweep was last written, YYYY-MM-DD.

    Returns
    -------
    str
    """
    design = plan.design
    parts = {
        "sweep.json": "The design of the sweep, its policies and places, and the versions of the model",
        "points.parquet": "The points of the uncertainties",
        DICTIONARY: "Every column with its type, unit and meaning",
        "runs/": "A row for each run: inputs, seed, hashes, versions, time, status and error (Parquet)",
        "outcomes/": "Measures by run and year (Parquet)",
    }
    if design.draws != "none":
        parts["draws.parquet"] = "The parameters that each seed draws"
    if design.by:
        parts["groups/"] = f"Measures by run, year and group: {', '.join(design.by)} (Parquet)"
    software = {
        "@id": "#upstream",
        "@type": "SoftwareApplication",
        "name": "Upstream",
        "version": plan.versions["upstream"],
        "identifier": plan.versions["model"],
    }
    root: dict[str, Any] = {
        "@id": "./",
        "@type": "Dataset",
        "name": design.question or "A sweep of Upstream",
        "description": "Runs of an exploratory simulator of demand for public services. Not a forecast.",
        "datePublished": finished,
        "license": "as stated by the publisher of this folder",
        "hasPart": [{"@id": name} for name in parts],
        "variableMeasured": list(plan.metrics),
    }
    files = [
        {"@id": name, "@type": "Dataset" if name.endswith("/") else "File", "description": text}
        for name, text in parts.items()
    ]
    action = {
        "@id": "#sweep",
        "@type": "CreateAction",
        "instrument": {"@id": "#upstream"},
        "result": {"@id": "./"},
        "object": {"@id": "sweep.json"},
    }
    about = {
        "@id": RO_CRATE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    graph = [about, root, *files, software, action]
    crate = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
    return json.dumps(crate, indent=1, ensure_ascii=False) + "\n"
