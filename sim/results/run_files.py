"""Files of runs: the records of a seed under every scenario of a comparison, in an Arrow file (IPC, zstd).

A row is the run of a scenario. Each recorded array is a column of tensors, whose type names the axes and whose metadata
state the unit and the meaning. The metadata of the file hold the labels of the axes and the digest of the comparison
(sim/results/identity.py). The content is numbers and text: reading a file runs no code.

For 30,000 people, 20 years and 4 scenarios a file has 3.7 MB (21 MB in memory); it is written in 0.1 s of CPU and read
in 0.04 s. The same arrays as netCDF (h5netcdf, gzip level 1, shuffled) have 3.6 MB, written in 0.65 s and read in
0.5 s, as HDF5 has a header for each of 54 variables; compressed NumPy files (npz) have 4.3 MB, written in 1.2 s. For
netCDF there is `Comparison.to_xarray`.

The name of a file ends in the first digits of its SHA-256, so that a file proves itself where no list of files exists.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from sim.results.metrics import AXIS_NAMES
from sim.results.records import RECORDED, RECORDED_BY_YEAR, Record, RecordedArray
from sim.scenario.scenario import Scenario

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
"""Version of the format of saved results: of these files, and of the run.json that lists them."""
DIGITS = 16
"""Hexadecimal digits of a digest in a name."""
NAME = re.compile(rf"(seed|replicate)-(\d{{1,20}})-([0-9a-f]{{{DIGITS}}})\.arrow")
ABOUT, SCENARIO, NUMBER = "upstream", "scenario", "number"
"""Key of the file's metadata; columns beside those of the recorded arrays."""
LEVELS = ("0", "1", "2", "3")


class RunKey(NamedTuple):
    """Which runs a file holds.

    Attributes
    ----------
    seed : int
        The seed, or the seed whose parameters a replicate repeats.
    replicate : bool
        Whether the runs have other chance events than those of the seed.
    """

    seed: int
    replicate: bool = False

    @property
    def label(self) -> str:
        """The beginning of the file's name."""
        return f"{'replicate' if self.replicate else 'seed'}-{self.seed}"


@dataclass(frozen=True)
class RunFormat:
    """What the files of a comparison have in common.

    Attributes
    ----------
    comparison : str
        Digest of the comparison.
    names : tuple of str
        Names of the scenarios.
    labels : dict of str to list of str
        Labels of each axis.
    """

    comparison: str
    names: tuple[str, ...]
    labels: dict[str, list[str]]

    @classmethod
    def of(cls, comparison: str, scenarios: tuple[Scenario, ...], neighbourhoods: tuple[str, ...]) -> Self:
        """Make the format of a comparison's files.

        Parameters
        ----------
        comparison : str
            Digest of the comparison.
        scenarios : tuple of Scenario
            The scenarios.
        neighbourhoods : tuple of str
            Names of the neighbourhoods.

        Returns
        -------
        RunFormat
        """
        labels = {axis: list(names()) for axis, names in AXIS_NAMES.items()}
        labels |= {"level": list(LEVELS), "neighbourhood": list(neighbourhoods), "month": scenarios[0].months()}
        labels["year"] = [str(year) for year in range(1, scenarios[0].years + 1)]
        return cls(comparison, tuple(s.name for s in scenarios), labels)

    def encoded(self, key: RunKey, records: Mapping[str, Record]) -> memoryview:
        """Make the content of a file.

        Parameters
        ----------
        key : RunKey
            Which runs these are.
        records : mapping of str to Record
            The record of each scenario by name.

        Returns
        -------
        memoryview
        """
        import pyarrow as pa

        runs = [records[name] for name in self.names]
        columns: dict[str, pa.Array] = {
            SCENARIO: pa.array(self.names, pa.string()),
            NUMBER: pa.array([run.seed for run in runs], pa.int64()),
        }
        fields = [pa.field(SCENARIO, pa.string(), nullable=False), pa.field(NUMBER, pa.int64(), nullable=False)]
        for name, (recorded, axes) in _arrays().items():
            rows = [run.monthly[name] if name in RECORDED else run.yearly[name] for run in runs]
            tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.stack(rows), dim_names=list(axes))
            column = recorded.description()
            about = {"unit": column.unit, "meaning": column.meaning}
            fields.append(pa.field(name, tensors.type, nullable=False, metadata=about))
            columns[name] = tensors
        schema = pa.schema(fields, metadata={ABOUT: json.dumps(self._about(key))})
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=3), use_threads=False)
        with pa.ipc.new_file(sink, schema, options=options) as writer:
            writer.write_batch(pa.record_batch(list(columns.values()), schema=schema))
        return memoryview(sink.getvalue())

    def decoded(self, key: RunKey, content: bytes) -> dict[str, Record]:
        """Read the content of a file.

        Parameters
        ----------
        key : RunKey
            Which runs are wanted.
        content : bytes
            The content, which was proved.

        Returns
        -------
        dict of str to Record
            The record of each scenario by name.

        Raises
        ------
        ValueError
            If the file is of another comparison, other runs or another format. The text says so in words.
        """
        import pyarrow as pa

        file = pa.ipc.open_file(pa.BufferReader(content))
        about = json.loads((file.schema.metadata or {}).get(ABOUT.encode(), b"{}"))
        if about != self._about(key):
            keys = [name for name, value in self._about(key).items() if about.get(name) != value]
            raise ValueError(f"runs with other {' and '.join(keys)}")
        arrays = _arrays()
        if sorted(file.schema.names) != sorted([SCENARIO, NUMBER, *arrays]):
            raise ValueError("runs with other recorded arrays")
        for name, (_, axes) in arrays.items():
            kind = file.schema.field(name).type
            shape = [len(self.labels[axis]) for axis in axes]
            if not isinstance(kind, pa.FixedShapeTensorType) or (kind.shape, kind.dim_names) != (shape, list(axes)):
                raise ValueError(f"runs with '{name}' by other axes")
        if file.num_record_batches != 1:
            raise ValueError("runs in several parts")
        batch = file.get_batch(0)
        batch.validate(full=True)
        if batch.column(SCENARIO).to_pylist() != list(self.names):
            raise ValueError("runs of other scenarios")
        numbers = batch.column(NUMBER).to_pylist()
        values = {name: batch.column(name).to_numpy_ndarray() for name in arrays}

        def record(row: int) -> Record:
            monthly = {name: values[name][row] for name in RECORDED}
            return Record(numbers[row], monthly, {name: values[name][row] for name in RECORDED_BY_YEAR})

        return {name: record(row) for row, name in enumerate(self.names)}

    def _about(self, key: RunKey) -> dict[str, Any]:
        return {"format": FORMAT, "comparison": self.comparison, "runs": key.label, "labels": self.labels}


def file_name(key: RunKey, content: bytes | memoryview) -> str:
    """Make the name of a file, which ends in digits of its SHA-256."""
    return f"{key.label}-{hashlib.sha256(content).hexdigest()[:DIGITS]}.arrow"


def key_of(name: str) -> RunKey | None:
    """Read a file's name; None if it is not that of a file of runs."""
    match = NAME.fullmatch(name)
    return RunKey(int(match[2]), match[1] == "replicate") if match else None


def is_proved(name: str, content: bytes) -> bool:
    """Whether the content of a file has the digest that its name states."""
    match = NAME.fullmatch(name)
    return match is not None and hashlib.sha256(content).hexdigest()[:DIGITS] == match[3]


def _arrays() -> dict[str, tuple[RecordedArray, tuple[str, ...]]]:
    """Each recorded array with the names of its axes, time first."""
    monthly = {name: (recorded, ("month", *recorded.axes)) for name, recorded in RECORDED.items()}
    return monthly | {name: (recorded, ("year", *recorded.axes)) for name, recorded in RECORDED_BY_YEAR.items()}
