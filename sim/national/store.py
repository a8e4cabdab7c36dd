"""The folder of a national run: what is finished is there, completely and proved; what is not will be run again.

| file | content |
| --- | --- |
| `nation.json` | the design, authorities and scenarios, with its own SHA-256 |
| `runs/outcomes-*.parquet` | what each authority's run of each year counted; the name ends in digits of the SHA-256 |
| `states/` | worlds between two years, while a coupled run goes on |
| `totals.parquet`, `authorities.*`, `results.json`, `tile_map.svg`, `data_dictionary.csv` | results, at the end |
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sim.national.planning import FORMAT, NationPlan
from sim.national.states import FOLDER as STATES
from sim.national.states import TOKEN
from sim.results import result_folder
from sim.results.identity import version_difference
from sim.schema.errors import InputError, Phrase, plain
from sim.schema.json_text import indented_json
from sim.sweeps import part_files

MANIFEST, RUNS, KIND = "nation.json", "runs", "outcomes"
MOST_SMALL = 64
"""Number of files from which they are put together."""
WANTED = "an empty or new folder, or that of a national run"


class NationStore:
    """The finished units of a national run. The folder is locked by this process.

    Parameters
    ----------
    folder : Path
        Absolute path.
    plan : NationPlan
        The plan.
    notify : callable
        Called with a line of text about damaged files.

    Attributes
    ----------
    done : set of str
        Identity of each year of an authority that is done.
    """

    def __init__(self, folder: Path, plan: NationPlan, notify: Callable[[str], None]) -> None:
        """Check whose folder it is, and prove its files."""
        self.folder, self.plan = folder, plan
        self.done: set[str] = set()
        self._check_folder()
        for part in (folder, folder / RUNS):
            for path in part.glob(f".*{part_files.PARTIAL}"):
                path.unlink(missing_ok=True)
        files = sorted((folder / RUNS).glob(f"{KIND}-*.parquet"), key=lambda path: (-path.stat().st_size, path.name))
        for path in files:
            try:
                if not part_files.is_proved(path):
                    raise ValueError("its SHA-256 does not match")
                names = set(pq.read_table(path, columns=["unit"]).column("unit").to_pylist())
            except (OSError, ValueError, pa.ArrowException) as error:
                path.unlink(missing_ok=True)
                notify(plain(f"{path}: damaged: {error}; removed; its runs are run again"))
                continue
            if names <= self.done:  # put together before an interruption
                path.unlink(missing_ok=True)
            self.done |= names

    def _check_folder(self) -> None:
        path = self.folder / MANIFEST
        if not path.is_file():
            if self.folder.exists() and any(entry.name[0] != "." for entry in self.folder.iterdir()):
                raise InputError(self.folder, None, "--out", WANTED, Phrase("a folder with other files"))
            return
        content = read_manifest(self.folder)
        changed = version_difference(self.plan.versions, content["versions"])
        if changed is not None:
            came = Phrase(f"a national run of another version ({changed}, this one first)")
            raise InputError(self.folder, None, "--out", "a new folder, or one of this version of the model", came)
        if content["identity"] != self.plan.identity:
            wanted = "the folder of the same design (only seeds may differ): use another --out"
            raise InputError(self.folder, None, "--out", wanted, Phrase("the national run of another design"))

    def begin(self) -> tuple[str, str]:
        """Write the design, and make the folder of states. Returns its path and token."""
        plan = self.plan
        content = {
            "kind": "upstream nation",
            "format": FORMAT,
            "identity": plan.identity,
            "versions": plan.versions,
            "design": plan.design.model_dump(mode="json"),
            "scenarios": [scenario.model_dump(mode="json") for scenario in plan.scenarios],
            "authorities": [
                {**a._asdict(), "weight": [a.weight.population, a.weight.simulated]} for a in plan.authorities
            ],
        }
        text = result_folder.sealed(indented_json(json.loads(json.dumps(content))))
        part_files.write(self.folder, MANIFEST, text.encode(), self.folder)
        states = self.folder / STATES
        states.mkdir(exist_ok=True)
        if not (states / TOKEN).is_file():
            part_files.write(states, TOKEN, secrets.token_hex(16).encode(), self.folder)
        return str(states), (states / TOKEN).read_text(encoding="utf-8")

    def add(self, content: bytes) -> pa.Table:
        """Store the rows of a batch, and return them."""
        part_files.write(self.folder / RUNS, part_files.file_name(KIND, content), content, self.folder)
        table = part_files.decoded(content)
        self.done.update(table.column("unit").to_pylist())
        return table

    def rows(self, seed: int, columns: Sequence[str] | None = None, year: int | None = None) -> pa.Table:
        """Read the rows of a seed that are stored, of one year (from 1) or of all."""
        filters = pc.field("seed") == seed
        if year is not None:
            filters &= pc.field("year") == year
        paths = sorted((self.folder / RUNS).glob(f"{KIND}-*.parquet"))
        tables = [
            pq.read_table(path, columns=columns, filters=filters, page_checksum_verification=True) for path in paths
        ]
        return pa.concat_tables(tables) if tables else pa.table({})

    def compact(self) -> None:
        """Put small files together, and delete the states."""
        paths = sorted((self.folder / RUNS).glob(f"{KIND}-*.parquet"))
        if len(paths) > MOST_SMALL:
            made = part_files.write_stream(
                self.folder / RUNS, KIND, (part_files.decoded(path.read_bytes()) for path in paths), self.folder
            )
            for path in paths:
                if path.name != made:
                    path.unlink(missing_ok=True)

    def drop_states(self) -> None:
        """Delete the worlds between years."""
        with contextlib.suppress(OSError):
            shutil.rmtree(self.folder / STATES)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read `nation.json`.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If the folder is not that of a national run, or the file is damaged or of another format.
    """
    path = folder / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
        content: dict[str, Any] = json.loads(text)
    except OSError:
        came = Phrase(f"a folder without {MANIFEST}" if folder.is_dir() else "no folder")
        raise InputError(folder, None, "", "a folder that upstream nation wrote", came) from None
    except (ValueError, RecursionError):
        raise InputError(path, None, "", "a file that upstream nation wrote", Phrase("not a JSON document")) from None
    if content.get("kind") != "upstream nation" or content.get("format") != FORMAT:
        came = Phrase(f"another document, or format {content.get('format')}")
        raise InputError(path, None, "", f"a national run of format {FORMAT}", came)
    if result_folder.opened(text) is None:
        came = Phrase("a damaged file: its SHA-256 does not match")
        raise InputError(path, None, "", "a file that upstream nation wrote", came)
    return content
