"""The folder of a search: every evaluation that is done, completely and proved.

| file | content |
| --- | --- |
| `search.json` | the design, and the digest of all that evaluations depend on |
| `draws.parquet` | the parameters of each draw |
| `evaluations/baseline-*.parquet` | the baseline: a row for each draw, a column for each quantity |
| `evaluations/seed-1-generation-0000-*.parquet` | a generation: a row for each mix and draw, with the mix's levers |
| `evaluations/seed-1-generation-0003-draw-*.parquet` | a generation in progress: one draw |
| `confirmation/` | the runs by agents, a comparison as `upstream compare --out` writes it |
| `result.json`, `front.csv`, `mixes.parquet`, `front.svg` | the result, the front, every mix, the picture |

Each name of an evaluation ends in digits of its SHA-256, and each page has a checksum. A file is there completely or
not at all. A damaged file is removed and reported, and its mixes are evaluated again.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sim.results import result_folder
from sim.results.identity import version_difference
from sim.schema.errors import InputError, Phrase, plain
from sim.schema.json_text import indented_json
from sim.searches.plan import FORMAT, SearchPlan
from sim.sweeps import part_files

F = npt.NDArray[np.float64]
MANIFEST, DRAWS, EVALUATIONS = "search.json", "draws.parquet", "evaluations"
NAME = re.compile(r"(baseline|seed-\d+-generation-\d+(?:-draw-\d+)?)-[0-9a-f]{16}\.parquet")
MIX, DRAW = "mix", "draw"


class SearchStore:
    """The evaluations of a search on disk. The folder is locked by this process.

    Parameters
    ----------
    folder : Path
        Absolute path of the folder.
    plan : SearchPlan
        The plan.
    notify : callable
        Called with a line of text about damaged files.

    Raises
    ------
    InputError
        If the folder is that of something else, of another design or version.
    """

    def __init__(self, folder: Path, plan: SearchPlan, notify: Callable[[str], None]) -> None:
        """Check the folder, and list what is in it."""
        self.folder, self.plan = folder, plan
        self._notify = notify
        self._files: dict[str, Path] = {}
        self._check()
        for path in sorted((folder / EVALUATIONS).glob("*.parquet")):
            match = NAME.fullmatch(path.name)
            if match is not None:
                self._files[match[1]] = path
        for path in (folder / EVALUATIONS).glob(f".*{part_files.PARTIAL}"):
            path.unlink(missing_ok=True)

    def _check(self) -> None:
        path = self.folder / MANIFEST
        if not path.is_file():
            if self.folder.exists() and any(entry.name[0] != "." for entry in self.folder.iterdir()):
                wanted, came = "an empty or new folder, or that of a search", Phrase("a folder with other files")
                raise InputError(self.folder, None, "--out", wanted, came)
            return
        try:
            content = json.loads(result_folder.opened(path.read_text(encoding="utf-8")) or "")
        except (ValueError, OSError):
            self._notify(plain(f"{path}: damaged; written again from the design"))
            return
        if content.get("kind") != "upstream search" or content.get("format") != FORMAT:
            wanted = f"a search of format {FORMAT}: use another --out"
            raise InputError(path, None, "", wanted, Phrase(plain(f"format {content.get('format')}")))
        if content.get("identity") != self.plan.identity:
            changed = version_difference(self.plan.versions, content.get("versions", {}))
            text = f"one of another version ({changed}, this one first)" if changed else self._difference(content)
            wanted = "the folder of this search: use another --out for a new search"
            raise InputError(self.folder, None, "--out", wanted, Phrase(plain(text)))

    def _difference(self, content: dict[str, Any]) -> str:
        """In words, how the stored design differs."""
        ours = self.plan.design.model_dump(mode="json")
        theirs = content.get("design", {})
        keys = [key for key in ours if ours[key] != theirs.get(key) and key not in ("question", "confirmation")]
        return f"that of a search with another {', '.join(keys) or 'baseline or place'}"

    def write_manifest(self) -> None:
        """Write the design and the draws."""
        plan = self.plan
        content = {
            "kind": "upstream search",
            "format": FORMAT,
            "identity": plan.identity,
            "versions": plan.versions,
            "design": plan.design.model_dump(mode="json"),
            "baseline": plan.baseline.name,
            "place": plan.place.name,
            "people": plan.residents,
            "quantities": [quantity.column for quantity in plan.quantities],
        }
        text = result_folder.sealed(indented_json(json.loads(json.dumps(content))))
        part_files.write(self.folder, MANIFEST, text.encode(), self.folder)
        if not (self.folder / DRAWS).is_file():
            drawn = plan.drawn(plan.draw_seeds)
            columns: dict[str, Any] = {DRAW: list(plan.draw_seeds)}
            columns |= {name: [draw[name] for draw in drawn] for name in drawn[0]} if drawn else {}
            part_files.write(self.folder, DRAWS, part_files.encoded(pa.table(columns)), self.folder)

    def baseline(self) -> F | None:
        """Stored quantities of the baseline. Shape (draws, quantities); None if there are none."""
        table = self._read("baseline")
        return None if table is None else self._levels(table)

    def put_baseline(self, levels: F) -> None:
        """Store the quantities of the baseline. Shape (draws, quantities)."""
        self._write("baseline", self._table(levels[None], self.plan.space.baseline[None], self.plan.draw_seeds))

    def generation(self, seed: int, number: int, values: F, draws: Sequence[int]) -> F | None:
        """Stored quantities of the mixes of a generation.

        Parameters
        ----------
        seed, number : int
            Seed of the optimiser, and number of the generation.
        values : ndarray of float64, shape (mixes, levers)
            The mixes that the optimiser asks for.
        draws : sequence of int
            Seeds of the draws.

        Returns
        -------
        ndarray of float64, shape (mixes, draws, quantities)
            None if they are not stored.

        Raises
        ------
        InputError
            If the stored mixes are others: the package of the optimiser has changed.
        """
        table = self._read(_generation(seed, number))
        if table is None:
            return None
        self._check_mixes(table, values, draws)
        return self._levels(table).reshape(len(values), len(draws), -1)

    def drawn(self, seed: int, number: int, draw: int, values: F) -> F | None:
        """Stored quantities of the mixes of a generation in progress with one draw. Shape (mixes, quantities)."""
        table = self._read(f"{_generation(seed, number)}-draw-{draw}")
        if table is None:
            return None
        self._check_mixes(table, values, [draw])
        return self._levels(table)

    def put_drawn(self, seed: int, number: int, draw: int, values: F, levels: F) -> None:
        """Store a draw of a generation in progress. Shape (mixes, quantities)."""
        self._write(f"{_generation(seed, number)}-draw-{draw}", self._table(levels[:, None], values, [draw]))

    def put_generation(self, seed: int, number: int, values: F, levels: F, draws: Sequence[int]) -> None:
        """Store a generation. Shape (mixes, draws, quantities)."""
        self._write(_generation(seed, number), self._table(levels, values, draws))
        for draw in draws:
            path = self._files.pop(f"{_generation(seed, number)}-draw-{draw}", None)
            if path is not None:
                path.unlink(missing_ok=True)

    def has_generation(self, seed: int, number: int) -> bool:
        """Whether there is a file of a generation."""
        return _generation(seed, number) in self._files

    def _table(self, levels: F, values: F, draws: Sequence[int]) -> pa.Table:
        mixes, number = levels.shape[:2]
        columns: dict[str, Any] = {
            MIX: np.repeat(np.arange(mixes), number),
            DRAW: np.tile(np.array(draws), mixes),
        }
        columns |= {name: np.repeat(values[:, k], number) for k, name in enumerate(self.plan.space.names)}
        flat = levels.reshape(mixes * number, -1)
        columns |= {quantity.column: flat[:, k] for k, quantity in enumerate(self.plan.quantities)}
        return pa.table(columns)

    def _levels(self, table: pa.Table) -> F:
        return np.stack([table.column(q.column).to_numpy() for q in self.plan.quantities], axis=1)

    def _check_mixes(self, table: pa.Table, values: F, draws: Sequence[int]) -> None:
        stored = np.stack([table.column(name).to_numpy() for name in self.plan.space.names], axis=1)
        same_draws = table.column(DRAW).to_pylist() == [*draws] * len(values)
        if not same_draws or not np.array_equal(stored, np.repeat(values, len(draws), axis=0)):
            wanted = "the mixes that the optimiser asks for: use another --out"
            came = Phrase("others, made with another version of the optimiser or of its libraries")
            raise InputError(self.folder, None, "--out", wanted, came)

    def _read(self, kind: str) -> pa.Table | None:
        """A stored table; None if there is none. A damaged file is removed and reported."""
        path = self._files.get(kind)
        if path is None:
            return None
        try:
            content = path.read_bytes()
            if part_files.file_name(kind, content) != path.name:
                raise ValueError("its SHA-256 does not match")
            return part_files.decoded(content)
        except (OSError, ValueError, pa.ArrowException) as error:
            self._notify(plain(f"{path}: damaged: {error}; removed, and its mixes are evaluated again", 300))
            del self._files[kind]
            with contextlib.suppress(OSError):
                path.unlink()
            return None

    def _write(self, kind: str, table: pa.Table) -> None:
        content = part_files.encoded(table)
        name = part_files.file_name(kind, content)
        part_files.write(self.folder / EVALUATIONS, name, content, self.folder)
        self._files[kind] = self.folder / EVALUATIONS / name


def _generation(seed: int, number: int) -> str:
    return f"seed-{seed}-generation-{number:04d}"
