"""Reads results that were saved: `sim.load`. Every file is proved by its SHA-256 before it is used."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from sim.place.place import Place
from sim.results import identity
from sim.results.comparison import Comparison
from sim.results.origin import LIBRARIES, Origin, present_origin
from sim.results.records import Record
from sim.results.result_folder import RUN, opened
from sim.results.run_files import FORMAT, RunKey, key_of
from sim.results.run_store import RUNS, UNFINISHED, run_format
from sim.scenario.scenario import Scenario
from sim.schema import extensions
from sim.schema.errors import InputError, Phrase, plain

WANTED = "results that Upstream saved"


def load(folder: str | Path) -> Comparison:
    """Read a comparison that `Comparison.save` or a command with `--out` wrote.

    Parameters
    ----------
    folder : str or Path
        The folder.

    Returns
    -------
    Comparison
        With the same records, and so the same figures to the last bit. A result of another version of the model causes
        a warning, as figures are computed from its records by this version.

    Raises
    ------
    InputError
        If there is no such folder, its files are damaged, unfinished, or of another format, or the result was made with
        other extensions than those in use.
    """
    path = Path(folder).expanduser().resolve()
    run = _run_document(path)
    result = _without_runs(path, run)
    extensions.require(result.origin.versions, path / RUN)
    changed = identity.version_difference(result.origin.versions, present_origin().versions)
    files = _files(path, run)
    made = run_format(result)

    def records(key: RunKey) -> dict[str, Record]:
        if key not in files:
            raise _damaged(path / RUN, f"no file for {key.label}")
        name, digest = files[key]
        content = _content(path / name)
        if hashlib.sha256(content).hexdigest() != digest:
            raise _damaged(path / name, "its SHA-256 does not match")
        try:
            return made.decoded(key, content)
        except Exception as error:  # noqa: BLE001  # content of another version can raise any
            raise _damaged(path / name, _reason(error, changed)) from None

    for part, is_replicate in ((result, False), (result.replicates, True)):
        if part is not None:
            runs = [records(RunKey(seed, is_replicate)) for seed in part.seeds]
            part.records.update({name: [some[name] for some in runs] for name in part.names})
    if changed is not None:
        text = f"{path}: results of another version of the model ({changed}); figures are computed by this version"
        warnings.warn(text, UserWarning, stacklevel=2)
    return result


def described(folder: Path) -> Comparison | None:
    """Read what the results in a folder are about, without their runs; None if there are none that can be read."""
    try:
        return _without_runs(folder, _run_document(folder))
    except InputError:
        return None


def _run_document(folder: Path) -> dict[str, Any]:
    """The content of run.json, after checks of its digest and format."""
    if not folder.is_dir():
        raise InputError(folder, None, "", f"a folder of {WANTED}", _absent(folder))
    path = folder / RUN
    if not path.exists():
        raise InputError(folder, None, "", f"a folder of {WANTED}", Phrase(f"a folder without {RUN}"))
    try:
        text = _content(path).decode()
        run = json.loads(text)
    except (ValueError, RecursionError):
        raise _damaged(path, "not a JSON document") from None
    if not isinstance(run, dict) or "upstream" not in run:
        raise InputError(path, None, "", WANTED, Phrase("another document"))
    if run.get("format") != FORMAT:
        version = f"format {run['format']}" if "format" in run else "a version that did not save runs"
        came = Phrase(plain(f"results of {version}: run the command again", 200))
        raise InputError(path, None, "format", f"format {FORMAT}", came)
    if opened(text) is None:
        raise _damaged(path, "its SHA-256 does not match")
    return run


def _absent(folder: Path) -> Phrase:
    if folder.exists():
        return Phrase("a file")
    runs = sum(1 for _ in folder.with_name(folder.name + UNFINISHED).glob("*/seed-*.arrow"))
    if runs:
        return Phrase(
            f"nothing: the run was interrupted. The same command finishes it: {runs} seeds are in "
            f"{folder.name}{UNFINISHED}"
        )
    return Phrase("nothing")


def _without_runs(folder: Path, run: dict[str, Any]) -> Comparison:
    """The comparison that a run.json describes, without records."""
    try:
        versions = {"upstream": run["upstream"], "model": run["model"]}
        versions |= {f"{extensions.VERSION_PREFIX}{name}": str(sha) for name, sha in run.get("extensions", {}).items()}
        machine = dict(run["machine"])
        versions |= {name: machine.pop(name) for name in LIBRARIES}
        result = Comparison(
            scenarios=tuple(Scenario.model_validate(scenario) for scenario in run["scenarios"]),
            place=Place.model_validate(run["place_data"]),
            people=run["people"],
            seeds=tuple(run["seeds"]),
            records={},
            neighbourhoods=tuple(run["neighbourhoods"]),
            seconds=run["seconds"],
            settings=run["settings"],
            origin=Origin(versions, machine),
        )
        if not run["replicates"]:
            return result
        return replace(result, replicates=replace(result, seeds=tuple(run["replicates"]), records={}))
    except Exception as error:  # noqa: BLE001  # a document of another version can raise any
        raise _damaged(folder / RUN, _reason(error, f"version {run['upstream']}")) from None


def _files(folder: Path, run: dict[str, Any]) -> dict[RunKey, tuple[str, str]]:
    """Path below the folder and digest of each file of runs."""
    out: dict[RunKey, tuple[str, str]] = {}
    for name, entry in run.get("files", {}).items():
        parts = name.split("/")
        key = key_of(parts[-1])
        if key is not None and len(parts) == 3 and parts[0] == RUNS and parts[1].isalnum():
            out[key] = name, entry["sha256"]
    if not out:
        raise _damaged(folder / RUN, "no runs")
    return out


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise InputError(path, None, "", WANTED, Phrase("another kind of file" if path.exists() else "nothing"))
        return path.read_bytes()
    except OSError as error:
        raise InputError(path, None, "", "a file that can be read", Phrase(error.strerror or "an error")) from None


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(path, None, "", WANTED, Phrase(f"a damaged file: {reason}"))


def _reason(error: Exception, changed: str | None) -> str:
    version = f" (results of another version of the model: {changed})" if changed else ""
    return f"its content cannot be used: {plain(str(error), 120)}{version}"
