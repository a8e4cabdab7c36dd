"""The result of a discovery: a document, frames, pictures and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.discovery.boxes import DiscoveredBox, Restriction
from sim.discovery.cases import CaseCounts, Interest
from sim.discovery.choice import RobustChoice
from sim.discovery.features import FeatureScore
from sim.results import folder_lock, result_folder
from sim.results.number_text import plain_number
from sim.schema.json_text import indented_json
from sim.sweeps.paired import PairedLevels
from sim.sweeps.results import Sweep

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

NO_CHANCE = "The stock-flow twin has no chance events: all spread between points is by parameters and places."
ONE_RUN = (
    "Each point was run once, so chance and parameters cannot be separated: more seeds (with draws: replicates) "
    "separate them."
)
OF_CHANCE = (
    "The difference of a point is the mean over its seeds. Part by chance: the part of the spread between points that "
    "seeds would make by themselves."
)
CROSSED = "95% intervals of means and mean regret are over seeds: they state chance alone, at the points of the design."
DRAWN = "95% intervals of means and mean regret are over draws of the parameters, and contain chance."
OF_REGRET = (
    "Regret: gain of the best policy at a point less that of this policy. A maximum over many points contains the "
    "largest chance deviation too; its interval is that of the point where it was, over seeds."
)
OF_BOXES = (
    "Boxes are chosen to fit the points, so density and quasi-p-values are too good; density in other points is that "
    "of boxes of random halves in the points that were not used."
)
OF_DESIGN = "All points count alike: shares of points are not probabilities."
DECIMALS = 9
"""Decimals of numbers in the document."""
LAST = "Exploratory, not a forecast."
FRAMES = ("choice", "regret", "dominance", "boxes", "path", "features")


@dataclass(frozen=True)
class Discovery:
    """Policies of a sweep over everything that is not known.

    Attributes
    ----------
    document : dict
        The result as a JSON document: the question (`metric`, `unit`, `year`, `baseline`, `interest`), the size
        (`points`, `repeats`, `runs`), `policies` (mean difference, spread, part by chance, points of interest,
        satisficing, regret), `dominance`, `regrets` by point, `boxes` by policy, and `notes`.
    """

    document: Mapping[str, Any]

    def __repr__(self) -> str:
        """Measure, policies and points in one line."""
        d = self.document
        return (
            f"<Discovery of {d['metric']} in year {d['year']}: {len(d['policies']):,} policies, {d['points']:,} points>"
        )

    def choice(self) -> pd.DataFrame:
        """A row for each policy, the baseline first: spread, chance, points of interest, satisficing, regret."""
        import pandas as pd

        return pd.DataFrame([{k: v for k, v in row.items() if k != "label"} for row in self.document["policies"]])

    def regret(self) -> pd.DataFrame:
        """A row for each point: place, point, seed with draws, and the regret of each policy."""
        import pandas as pd

        return pd.DataFrame(self.document["regrets"])

    def dominance(self) -> pd.DataFrame:
        """A row for each pair of policies of which one dominates the other, with the strongest order."""
        import pandas as pd

        columns = ["policy", "over", "order", "without_each_seed"]
        return pd.DataFrame(self.document["dominance"], columns=columns)

    def boxes(self) -> pd.DataFrame:
        """A row for each input that a box restricts; one row without input for a box without restrictions."""
        import pandas as pd

        empty = dict.fromkeys(Restriction._fields)
        rows = []
        for each in self.document["boxes"]:
            for k, box in enumerate(each["boxes"], 1):
                about = {name: box[name] for name in ("points", "cases", "density", "coverage", "size")}
                about |= {name: box[name] for name in ("other_density", "other_coverage")}
                for restriction in box["restrictions"] or [empty]:
                    row = {("from" if name == "from_" else name): value for name, value in restriction.items()}
                    values = ", ".join(row.pop("values") or ())
                    rows.append({"policy": each["policy"], "box": k, **row, "values": values, **about})
        return pd.DataFrame(rows)

    def path(self) -> pd.DataFrame:
        """A row for each box on the path of a search: density, coverage, size, number of restricted inputs."""
        import pandas as pd

        rows = [
            {"policy": each["policy"], "search": k, "chosen": row["box"] == box["number"], **row}
            for each in self.document["boxes"]
            for k, box in enumerate(each["boxes"], 1)
            for row in box["path"]
        ]
        return pd.DataFrame(rows)

    def features(self) -> pd.DataFrame:
        """A row for each policy and input: its score, and whether it is above that of random numbers."""
        import pandas as pd

        rows = [{"policy": each["policy"], **score} for each in self.document["boxes"] for score in each["features"]]
        return pd.DataFrame(rows)

    def plot_regret(self) -> go.Figure:
        """Draw the regret of each policy over points."""
        from sim.discovery.charts import regret_chart

        return regret_chart(self.document)

    def plot_box(self, policy: str | None = None, box: int = 1) -> go.Figure:
        """Draw the ranges of a box.

        Parameters
        ----------
        policy : str, optional
            The policy; by default the first with a box.
        box : int
            Number of the box, from 1.

        Returns
        -------
        plotly.graph_objects.Figure

        Raises
        ------
        ValueError
            If there is no such box.
        """
        from sim.discovery.charts import box_chart

        known = {(each["policy"], k): each for each in self.document["boxes"] for k in range(1, len(each["boxes"]) + 1)}
        name = policy if policy is not None else next((each for each, _ in known), "")
        if (name, box) not in known:
            known_texts = ", ".join(f"{each} {k}" for each, k in known) or "none"
            raise ValueError(f"a box of a policy, not {name} {box}; there are: {known_texts}")
        return box_chart(self.document, known[name, box], box)

    def save(self, folder: str | Path) -> tuple[str, ...]:
        """Write the tables as CSV, the document as JSON, and the pictures as a page.

        Parameters
        ----------
        folder : str or Path
            The folder, which is created.

        Returns
        -------
        tuple of str
            Names of the files.

        Raises
        ------
        InputError
            If the folder is a file, cannot be written to, or is in use.
        """
        path = result_folder.writable(Path(folder), "save")
        with folder_lock.locked(path, "save"):
            return self.write(path)

    def write(self, folder: Path) -> tuple[str, ...]:
        """Write the files to a folder that is locked by this process, and return their names."""
        from sim.discovery.charts import page

        files = {"discovery.json": indented_json(self.document), "discovery.html": page(self)}
        for name in FRAMES:
            frame: pd.DataFrame = getattr(self, name)()
            if len(frame.columns):
                files[f"{name}.csv"] = frame.to_csv(index=False, lineterminator="\n")
        for name, text in files.items():
            result_folder.write_text(folder, name, text)
        return tuple(files)


def choice_document(
    choice: RobustChoice, paired: PairedLevels, sweep: Sweep, interest: Interest, year: int
) -> dict[str, Any]:
    """Make the document of regret, satisficing and dominance.

    Parameters
    ----------
    choice : RobustChoice
        The policies over points.
    paired : PairedLevels
        Their levels.
    sweep : Sweep
        The sweep.
    interest : Interest
        The condition.
    year : int
        The year.

    Returns
    -------
    dict
    """
    design, measure = sweep.plan.design, paired.metric
    states = paired.states.iloc[choice.states].reset_index(drop=True)
    keys = [name for name in ("place", "point", "seed") if name in states.columns]
    repeats = paired.levels.shape[2]
    levers = {policy.scenario.name: policy.levers for policy in sweep.plan.policies}
    labels = {policy.scenario.name: policy.scenario.label or policy.scenario.name for policy in sweep.plan.policies}
    policies = []
    for k, row in enumerate(choice.rows):
        point = levers[row.policy] or (None,) * len(sweep.plan.lever_names)
        at = states.iloc[row.max_regret_at]
        policies.append(
            {
                "policy": row.policy,
                "label": labels[row.policy],
                **dict(zip(sweep.plan.lever_names, point, strict=True)),
                **row.spread._asdict(),
                **{name: getattr(row, name) for name in ("q025", "q975", "worst", "best")},
                **row.counts._asdict(),
                "satisficing": row.satisficing,
                "max_regret": row.max_regret,
                "max_regret_low": row.max_regret_interval[0],
                "max_regret_high": row.max_regret_interval[1],
                **{f"max_regret_{key}": at[key] for key in keys},
                "mean_regret": row.mean_regret,
                "mean_regret_low": row.mean_regret_interval[0],
                "mean_regret_high": row.mean_regret_interval[1],
                "regret_q90": float(np.quantile(choice.regrets[k], 0.9)),
                "best_share": row.best_share,
            }
        )
    dominance = [
        {**d._asdict(), "policy": choice.rows[d.policy].policy, "over": choice.rows[d.over].policy}
        for d in choice.dominances
    ]
    names = [choice.rows[k].policy for k in choice.compared]
    regrets = [
        {**{key: state[key] for key in keys}, **dict(zip(names, values, strict=True))}
        for state, values in zip(
            states[keys].to_dict("records"), choice.regrets[choice.compared].T.tolist(), strict=True
        )
    ]
    is_random = design.engine == "agents"
    chance_notes = [OF_CHANCE, CROSSED if paired.is_crossed else DRAWN] if repeats > 1 else [ONE_RUN]
    return plainly(
        {
            "folder": str(sweep.folder),
            "question": design.question,
            "metric": measure.name,
            "metric_label": measure.label,
            "unit": measure.unit,
            "decimals": measure.decimals,
            "year": year,
            "baseline": paired.policies[0],
            "interest": {**interest._asdict(), "is_failure": interest.is_failure, "text": interest.text(measure)},
            "engine": design.engine,
            "draws": design.draws,
            "points": len(choice.states),
            "places": sorted(states["place"].unique()),
            "repeats": repeats if is_random else 1,
            "runs": {"done": sweep.done, "failed": len(sweep.failed)},
            "policies": policies,
            "least_bad": _least_bad(choice),
            "dominance": dominance,
            "compared": names,
            "regrets": regrets,
            "notes": [OF_DESIGN, *(chance_notes if is_random else [NO_CHANCE]), OF_REGRET, LAST],
        }
    )  # fmt: skip


def _least_bad(choice: RobustChoice) -> dict[str, list[str]]:
    """The policies that are best by each rule; several if they are equal."""
    rules = {
        "max_regret": [-row.max_regret for row in choice.rows],
        "mean_regret": [-row.mean_regret for row in choice.rows],
        "satisficing": [row.satisficing for row in choice.rows],
        "best_share": [row.best_share for row in choice.rows],
    }
    return {
        rule: [row.policy for row, value in zip(choice.rows, values, strict=True) if value == max(values)]
        for rule, values in rules.items()
    }


def box_document(
    name: str,
    counts: CaseCounts,
    span: tuple[float, float],
    boxes: list[DiscoveredBox],
    scores: list[FeatureScore],
    sweep: Sweep,
) -> dict[str, Any]:
    """Make the document of the boxes of a policy.

    Parameters
    ----------
    name : str
        The policy.
    counts : CaseCounts
        Its points of interest.
    span : tuple of float
        Smallest and largest value of a point.
    boxes : list of DiscoveredBox
        The boxes.
    scores : list of FeatureScore
        Scores of the inputs.
    sweep : Sweep
        The sweep, for units.

    Returns
    -------
    dict
    """
    units = units_of(sweep)
    return plainly(
        {
            "policy": name,
            **counts._asdict(),
            "low": span[0],
            "high": span[1],
            "boxes": [
                {
                    **box._asdict(),
                    "restrictions": [{**r._asdict(), "unit": units.get(r.name, "")} for r in box.restrictions],
                }
                for box in boxes
            ],
            "features": [score._asdict() for score in scores],
        }
    )


def units_of(sweep: Sweep) -> dict[str, str]:
    """Unit of each parameter and lever that can vary in a sweep."""
    from sim.policies import levers
    from sim.scenario.parameters import parameters_of

    known = {name: declared.spec.unit for name, declared in parameters_of(sweep.plan.places[0]).items()}
    of_levers = {lever.name: lever.unit for lever in levers()}
    return known | {name: of_levers[name.partition(".")[0]] for name in sweep.plan.lever_names}


def plainly(document: Mapping[str, Any]) -> dict[str, Any]:
    """Make a document of plain data: numbers of numpy as numbers of Python, NaN and infinities as None."""
    return {key: _plain(value) for key, value in document.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return plainly(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return plain_number(float(value), DECIMALS)
    return value
