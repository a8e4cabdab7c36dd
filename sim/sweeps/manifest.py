"""`sweep.json`: the design of a sweep on disk, with everything from which its runs can be planned again.

The document begins with its own SHA-256. Points of the uncertainties, of which there may be many, are in
`points.parquet`, whose SHA-256 it states.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sim.place.place import Place
from sim.results import result_folder
from sim.results.identity import version_difference
from sim.results.origin import present_origin
from sim.scenario.scenario import Scenario
from sim.schema import extensions
from sim.schema.errors import InputError, Phrase, plain
from sim.schema.json_text import indented_json
from sim.sweeps import part_files
from sim.sweeps.batch import SweepPolicy
from sim.sweeps.design import SweepDesign
from sim.sweeps.plan import FORMAT, Plan

MANIFEST, POINTS = "sweep.json", "points.parquet"
WANTED = "a sweep that Upstream wrote"


def text_of(plan: Plan, points: bytes) -> str:
    """The text of `sweep.json`.

    Parameters
    ----------
    plan : Plan
        The plan.
    points : bytes
        Content of `points.parquet`.

    Returns
    -------
    str
    """
    content: dict[str, Any] = {
        "kind": "upstream sweep",
        "format": FORMAT,
        "versions": plan.versions,
        "design": plan.design.model_dump(mode="json"),
        "policies": [
            {"scenario": p.scenario.model_dump(mode="json"), "source": p.source, "levers": p.levers, "digest": p.digest}
            for p in plan.policies
        ],
        "places": [place.model_dump(mode="json") for place in plan.places],
        "references": list(plan.references),
        "points": {"file": POINTS, "rows": len(plan.points), "sha256": hashlib.sha256(points).hexdigest()},
    }
    return result_folder.sealed(indented_json(json.loads(json.dumps(content))))


def points_file(plan: Plan) -> bytes:
    """The content of `points.parquet`: the number of each point and its parameters."""
    columns: dict[str, Any] = {"point": pa.array(np.arange(len(plan.points), dtype=np.int32))}
    columns |= {name: pa.array(plan.points[:, k]) for k, name in enumerate(plan.parameter_names)}
    return part_files.encoded(pa.table(columns))


def exists(folder: Path) -> bool:
    """Whether a folder has the document of a sweep."""
    return (folder / MANIFEST).is_file()


def read(folder: Path, *, any_version: bool = False) -> Plan:
    """Read the plan of the sweep in a folder.

    Parameters
    ----------
    folder : Path
        The folder.
    any_version : bool
        Whether a sweep of another version of the model is read too: its runs can be read, and none can be added.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        If there is no sweep, or it is damaged, of another format, of another version of the model, or of other
        extensions than those in use.
    """
    content = _document(folder)
    try:
        plan = _plan(folder, content)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001  # a document of another version can raise any
        raise _damaged(folder / MANIFEST, plain(str(error), 120)) from None
    extensions.require(plan.versions, folder / MANIFEST)
    changed = version_difference(dict(present_origin().versions), plan.versions)
    if changed is not None and not any_version:
        wanted = "a sweep of this version of the model: use another --out for a new sweep"
        raise InputError(folder, None, "", wanted, Phrase(f"one of another version ({changed}, this one first)"))
    return plan


def _document(folder: Path) -> dict[str, Any]:
    """The content of `sweep.json`, after checks of its digest and format."""
    path = folder / MANIFEST
    if not folder.is_dir():
        raise InputError(
            folder, None, "", f"a folder with {WANTED}", Phrase("a file" if folder.exists() else "nothing")
        )
    if not path.is_file():
        came = "results of a comparison" if (folder / result_folder.RUN).is_file() else f"a folder without {MANIFEST}"
        raise InputError(folder, None, "", f"a folder with {WANTED}", Phrase(came))
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise _damaged(path, "not a JSON document") from None
    except OSError as error:
        raise InputError(path, None, "", "a file that can be read", Phrase(error.strerror or "an error")) from None
    if not isinstance(content, dict) or content.get("kind") != "upstream sweep":
        raise InputError(path, None, "", WANTED, Phrase("another document"))
    number = content.get("format")
    if number != FORMAT:
        is_older = isinstance(number, int) and number < FORMAT
        came = f"format {number}, of {'an older' if is_older else 'a newer'} version of Upstream"
        raise InputError(path, None, "format", f"format {FORMAT}", Phrase(plain(came)))
    if result_folder.opened(text) is None:
        raise _damaged(path, "its SHA-256 does not match")
    return content


def _plan(folder: Path, content: dict[str, Any]) -> Plan:
    design = SweepDesign.of(content["design"])
    path = folder / POINTS
    raw = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(raw).hexdigest() != content["points"]["sha256"]:
        raise _damaged(path, "its SHA-256 does not match")
    table = part_files.decoded(raw)
    names = design.uncertainties.names if design.uncertainties is not None else ()
    columns = [table.column(name).to_numpy() for name in names]
    points = np.stack(columns, axis=1) if columns else np.empty((table.num_rows, 0))
    policies = tuple(
        SweepPolicy(
            Scenario.model_validate(p["scenario"]),
            p["source"],
            None if p["levers"] is None else tuple(p["levers"]),
            p["digest"],
        )
        for p in content["policies"]
    )
    places = tuple(Place.model_validate(place) for place in content["places"])
    return Plan(design, policies, places, tuple(content["references"]), points, dict(content["versions"]))


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(path, None, "", WANTED, Phrase(f"a damaged file: {reason}"))
