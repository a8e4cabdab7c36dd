"""A sweep on disk, read: frames of its runs, outcomes, groups, points and draws."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.process.termination import temporary
from sim.results.loading import load as load_comparison
from sim.results.result_folder import RUN, writable
from sim.schema.errors import InputError, Phrase
from sim.sweeps import manifest, part_files
from sim.sweeps.outcomes import columns
from sim.sweeps.plan import Plan
from sim.sweeps.store import DONE, DRAWS, FAILED, GROUPS, OUTCOMES, RUNS, about_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa

    from sim.results.comparison import Comparison

    F = npt.NDArray[np.float64]

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters for which a spreadsheet takes a text for a formula."""


class Sweep:
    """The runs of a design, in a folder. Frames are read when they are asked for.

    Attributes
    ----------
    folder : Path
        The folder.
    plan : Plan
        The design with all its runs.
    failed : dict of str to str
        Status of each run that failed or was set aside, by its identity.
    done : int
        Number of runs that are done.
    """

    def __init__(self, folder: Path, plan: Plan, failed: dict[str, str], done: int) -> None:
        """Keep what the sweep is about."""
        self.folder, self.plan, self.failed, self.done = folder, plan, failed, done
        self._frames: dict[str, Any] = {}

    def __repr__(self) -> str:
        """Folder, policies, places and runs in one line."""
        policies, places = len(self.plan.policies), len(self.plan.places)
        failed = f", {len(self.failed):,} failed" if self.failed else ""
        return (
            f"<Sweep {self.folder.name}: {policies:,} policies, {places:,} places, {len(self.plan.points):,} points, "
            f"{self.done:,} runs done{failed}>"
        )

    def _repr_html_(self) -> str:
        """The line in HTML, for a notebook."""
        question = f"<strong>{escape(self.plan.design.question)}</strong><br>" if self.plan.design.question else ""
        return f"<p>{question}{escape(repr(self))}</p>"

    @property
    def runs(self) -> pd.DataFrame:
        """A row for each run that is done, failed or set aside: inputs, seed, hashes, versions, time, status, error."""
        return self._frame(RUNS)

    @property
    def outcomes(self) -> pd.DataFrame:
        """A row for each run and year, with a column for each measure."""
        return self._frame(OUTCOMES)

    @property
    def groups(self) -> pd.DataFrame:
        """A row for each run, year and group of an axis, with a column for each measure."""
        return self._frame(GROUPS)

    @property
    def points(self) -> pd.DataFrame:
        """A row for each point of the uncertainties."""
        import pandas as pd

        frame = pd.DataFrame(self.plan.points, columns=list(self.plan.parameter_names))
        frame.insert(0, "point", range(len(frame)))
        return frame

    @property
    def draws(self) -> pd.DataFrame:
        """A row for each seed and place, with a column for each parameter that is drawn."""
        import pandas as pd

        path = self.folder / DRAWS
        if not path.is_file():
            return pd.DataFrame(columns=["place", "seed"])
        frame: pd.DataFrame = part_files.decoded(path.read_bytes()).to_pandas()
        return frame

    @property
    def unit(self) -> dict[str, str]:
        """Unit of each measure, by its id."""
        from sim.results.metrics import metric

        return {name: metric(name).unit for name in self.plan.metrics}

    def rows(self) -> pd.DataFrame:
        """Every run of the design in its order, done or not, with its identity in the column `run`.

        A design of Morris can have the same point twice: both rows then have the same run.

        Returns
        -------
        pandas.DataFrame
        """
        import pandas as pd

        return pd.DataFrame(
            [
                {"run": run, **self.plan.row(group, policy)}
                for group in self.plan.groups()
                for run, policy in zip(group.runs, group.policies, strict=True)
            ]
        )

    def differences(self) -> pd.DataFrame:
        """Differences of each run from the baseline with the same place, point, seed and replicate, by year.

        Returns
        -------
        pandas.DataFrame
            The keys of the run, `year`, and a column for each measure.
        """
        keys = ["place", "point", "seed", "replicate"]
        about = self.runs[self.runs["status"] == DONE][["run", "policy", *keys]]
        table = about.merge(self.outcomes, on="run")
        baseline = self.plan.policies[0].scenario.name
        measures = columns(self.plan.metrics)
        of_baseline = table[table["policy"] == baseline].set_index([*keys, "year"])[measures]
        others = table[table["policy"] != baseline].set_index([*keys, "year"])
        others[measures] = others[measures] - of_baseline.reindex(others.index)
        return others.reset_index()[["run", "policy", *keys, "year", *measures]]

    def to_salib(
        self, metric: str | None = None, year: int | None = None, policy: str | None = None, place: str | None = None
    ) -> tuple[dict[str, Any], F, F]:
        """Make what SALib analyses of the difference between a policy and the baseline.

        Parameters
        ----------
        metric : str, optional
            Id of a measure of the sweep; by default acute demand, or the only measure.
        year : int, optional
            The year; by default the last.
        policy, place : str, optional
            The policy and the place; by default the only ones.

        Returns
        -------
        problem : dict
            Names and bounds of the uncertain parameters.
        inputs : ndarray of float64, shape (points, parameters)
            The points of the design in its order.
        outputs : ndarray of float64, shape (points,)
            The difference in each point, the mean over its seeds; NaN where it is not done.

        Raises
        ------
        InputError
            If a name is unknown, or the sweep has several policies or places and none is chosen.
        """
        from sim.sweeps.exchange import to_salib

        return to_salib(self, metric, year, policy, place)

    def to_ema(
        self, metrics: list[str] | None = None, year: int | None = None, *, levels: bool = False
    ) -> tuple[pd.DataFrame, dict[str, F]]:
        """Make experiments and outcomes as EMA Workbench has them.

        Parameters
        ----------
        metrics : list of str, optional
            Ids of measures; by default all that are stored.
        year : int, optional
            Only this year; by default all years.
        levels : bool
            Whether outcomes are levels of every policy, and not differences from the baseline.

        Returns
        -------
        experiments : pandas.DataFrame
            A row for each policy and state: a column for each uncertain parameter, by its own name, and each lever,
            `place`, with draws `seed`, `scenario` (number of the state), `policy` and `model`.
        outcomes : dict of str to ndarray of float64, shape (rows, years) or, with a year, (rows,)
            Means over the seeds of a state.
        """
        from sim.sweeps.exchange import to_ema

        return to_ema(self, metrics, year, levels=levels)

    def to_csv(self, folder: str | Path) -> list[Path]:
        """Write the tables as CSV: `runs.csv`, `outcomes.csv`, and `groups.csv` if there are groups.

        Texts that a spreadsheet would take for formulas begin with an apostrophe. The files have a byte-order mark, by
        which a spreadsheet knows that they are UTF-8.

        Parameters
        ----------
        folder : str or Path
            The folder, which is created.

        Returns
        -------
        list of Path
            The files.
        """
        out = writable(Path(folder), "csv")
        out.mkdir(parents=True, exist_ok=True)
        written = []
        for kind in (RUNS, OUTCOMES, GROUPS):
            tables = self.tables(kind)
            first = next(tables, None)
            if first is None:
                continue
            path = out / f"{kind}.csv"
            partial = path.with_name(f".{path.name}{part_files.PARTIAL}")
            with temporary(partial):
                with partial.open("w", encoding="utf-8-sig", newline="") as file:
                    writer = csv.writer(file, lineterminator="\n")
                    writer.writerow(first.column_names)
                    _write_rows(writer, first)
                    for table in tables:
                        _write_rows(writer, table)
                partial.replace(path)
            written.append(path)
        return written

    def _frame(self, kind: str) -> pd.DataFrame:
        import pandas as pd
        import pyarrow as pa

        if kind not in self._frames:
            tables = list(self.tables(kind))
            self._frames[kind] = (
                pa.concat_tables([t.replace_schema_metadata() for t in tables]).to_pandas()
                if tables
                else pd.DataFrame()
            )
        frame: pd.DataFrame = self._frames[kind]
        return frame

    def tables(self, kind: str) -> Iterator[pa.Table]:
        """Iterate over the tables of the files of a kind, each proved. Runs that are done come first.

        Parameters
        ----------
        kind : {"runs", "outcomes", "groups"}
            The kind.

        Yields
        ------
        pyarrow.Table
        """
        done = sorted((self.folder / RUNS).glob(f"{DONE}-*.parquet"))
        about = {path: about_of(path) for path in done if _proved(path)}
        replaced = {name for each in about.values() for name in each["replaces"]}
        done = [path for path in done if path.name not in replaced]
        if kind != RUNS:
            for path in done:
                if about[path][kind]:
                    file = self.folder / kind / about[path][kind]
                    _proved(file)
                    yield part_files.decoded(file.read_bytes())
            return
        present: set[str] = set()
        for path in done:
            table = part_files.decoded(path.read_bytes())
            present.update(table.column("run").to_pylist())
            yield table
        for path in sorted((self.folder / RUNS).glob(f"{FAILED}-*.parquet")):
            _proved(path)
            table = part_files.decoded(path.read_bytes())
            keep = [run not in present for run in table.column("run").to_pylist()]
            present.update(table.column("run").to_pylist())
            yield table.filter(keep)


def open_sweep(folder: str | Path) -> Sweep:
    """Open the sweep in a folder, of any version of the model.

    Parameters
    ----------
    folder : str or Path
        The folder.

    Returns
    -------
    Sweep

    Raises
    ------
    InputError
        If there is no sweep, or a file is damaged.
    """
    path = Path(folder).expanduser().resolve()
    sweep = Sweep(path, manifest.read(path, any_version=True), {}, 0)
    for table in sweep.tables(RUNS):
        status = dict(zip(table.column("run").to_pylist(), table.column("status").to_pylist(), strict=True))
        sweep.failed.update({run: value for run, value in status.items() if value != DONE})
        sweep.done += sum(value == DONE for value in status.values())
    return sweep


def load(folder: str | Path) -> Comparison | Sweep:
    """Read results: a comparison that was saved, or a sweep.

    Parameters
    ----------
    folder : str or Path
        The folder.

    Returns
    -------
    Comparison or Sweep
        A comparison has the same records, and so the same figures to the last bit. A result of another version of the
        model causes a warning, as figures are computed from its records by this version.

    Raises
    ------
    InputError
        If there is no such folder, or its files are damaged, unfinished, or of another format.

    Examples
    --------
    >>> import tempfile
    >>> import sim
    >>> result = sim.run("baseline", people=1_500, years=1, seeds=1, draws="none")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = sim.load(result.save(f"{folder}/mine"))
    >>> again
    <Comparison of baseline: anytown, 1,500 people, 1 years, 1 seeds>
    """
    path = Path(folder).expanduser()
    if manifest.exists(path) and not (path / RUN).is_file():
        return open_sweep(path)
    return load_comparison(folder)


def _proved(path: Path) -> bool:
    if not part_files.is_proved(path):
        came = "its SHA-256 does not match" if path.is_file() else "nothing"
        wanted = "a file of a sweep: the command that made the sweep removes damaged files and runs them again"
        raise InputError(path, None, "", wanted, Phrase(f"a damaged file: {came}"))
    return True


def _write_rows(writer: Any, table: pa.Table) -> None:
    columns: list[list[Any]] = []
    for field, column in zip(table.schema, table.columns, strict=True):
        values = column.to_pylist()
        convert: Callable[[Any], Any] = _text if str(field.type) == "string" else _cell
        columns.append([convert(value) for value in values])
    writer.writerows(zip(*columns, strict=True))


def _text(value: str | None) -> str:
    """A text that a spreadsheet does not take for a formula or a date."""
    if value is None:
        return ""
    is_date = re.fullmatch(r"\d{1,4}[-/]\d{1,2}([-/]\d{1,4})?", value)
    return f"'{value}" if value.startswith(FORMULA) or is_date else value


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if value != value else repr(value)  # noqa: PLR0124  # NaN
    return "" if value is None else value
