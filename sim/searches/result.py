"""The result of a search: the front with its doubt, as plain data, tables and files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.results import result_folder
from sim.results.metrics import HEADLINE
from sim.results.number_text import plain_number
from sim.results.spread import Replicates
from sim.results.summary import summary
from sim.schema.json_text import indented_json
from sim.schema.version import VERSION
from sim.searches.confirmation import Confirmation, survivals
from sim.searches.fronts import FrontStability
from sim.searches.goals import Goal, beats, excesses_of, objectives_of, within
from sim.searches.plan import SearchPlan
from sim.searches.quantities import HOLDER, Quantity
from sim.state.codes import SILOS
from sim.sweeps import part_files

if TYPE_CHECKING:
    import pandas as pd

F = npt.NDArray[np.float64]
RESULT, FRONT, MIXES, PICTURE = "result.json", "front.csv", "mixes.parquet", "front.svg"
SPREADS = ("luck_sd", "parameter_sd")


class Evaluated(NamedTuple):
    """All mixes of a search by the twin.

    Attributes
    ----------
    draws : tuple of int
        Seeds of the draws with a steady baseline.
    refused : int
        Number of draws without.
    scale : ndarray of float64, shape (quantities,)
        From stored values to the units of the measures.
    baseline : ndarray of float64, shape (draws, quantities)
        Levels of the baseline.
    values : dict of int to ndarray of float64, shape (mixes, levers)
        By seed of the optimiser.
    differences : dict of int to ndarray of float64, shape (mixes, draws, quantities)
        Differences from the baseline.
    """

    draws: tuple[int, ...]
    refused: int
    scale: F
    baseline: F
    values: dict[int, F]
    differences: dict[int, F]


@dataclass(frozen=True)
class SearchResult:
    """The result of a search.

    Attributes
    ----------
    document : dict
        The result as plain data: `state` is "planned" or "done"; `front` has every point, `confirmation` the points
        that agents ran, `sentences` the result in words.
    mixes : bytes
        Every mix, as a Parquet file.
    """

    document: dict[str, Any]
    mixes: bytes = b""

    def __repr__(self) -> str:
        """Numbers of mixes and points."""
        d = self.document
        return f"<SearchResult of {d['place']}: {len(d['front'])} points of {d['mixes']:,} mixes>"

    def text(self) -> str:
        """The result in sentences."""
        return "\n".join(self.document["sentences"])

    def frame(self) -> pd.DataFrame:
        """The front as a table: a row for each point, with its levers, plan and objectives."""
        import pandas as pd

        return pd.DataFrame([_flat(point) for point in self.document["front"]])

    def all_mixes(self) -> pd.DataFrame:
        """Every mix as a table: its levers, its objectives, whether it keeps all limits."""
        frame: pd.DataFrame = part_files.decoded(self.mixes).to_pandas()
        return frame

    def write(self, folder: Path) -> None:
        """Write the result to the folder of its search."""
        from sim.searches.chart import picture

        result_folder.write_text(folder, RESULT, indented_json(self.document))
        text = io.StringIO()
        self.frame().to_csv(text, index=False, lineterminator="\n")
        result_folder.write_text(folder, FRONT, text.getvalue())
        result_folder.write_text(folder, PICTURE, picture(self.document))
        part_files.write(folder, MIXES, self.mixes, folder)


def planned_result(plan: SearchPlan, evaluations: int, runs: int, seconds: float) -> SearchResult:
    """The result of a search that was not run.

    Parameters
    ----------
    plan : SearchPlan
        The plan.
    evaluations, runs : int
        Runs of the twin and by agents that are left.
    seconds : float
        Time of these.

    Returns
    -------
    SearchResult
    """
    size = {"evaluations": evaluations, "agent_runs": runs, "seconds": round(seconds)}
    return SearchResult({"state": "planned", **_about(plan), "mixes": 0, "front": [], "sentences": [], "left": size})


def result_of(
    plan: SearchPlan,
    evaluated: Evaluated,
    values: F,
    differences: F,
    alike: FrontStability,
    chosen: Sequence[int],
    confirmation: Confirmation | None,
    fresh: F | None,
) -> SearchResult:
    """Make the result.

    Parameters
    ----------
    plan : SearchPlan
        The plan.
    evaluated : Evaluated
        All mixes by the twin.
    values : ndarray of float64, shape (points, levers)
        The joint front.
    differences : ndarray of float64, shape (points, draws, quantities)
        Its differences from the baseline by the twin.
    alike : FrontStability
        How alike the fronts of the seeds of the optimiser are.
    chosen : sequence of int
        Positions in the front of the points that agents ran.
    confirmation : Confirmation or None
        These points by agents.
    fresh : ndarray of float64, shape (chosen, seeds, quantities), or None
        These points by the twin with the same fresh draws.

    Returns
    -------
    SearchResult
    """
    from sim.searches.sentences import sentences

    cost = plan.space.cost(values) / plan.residents
    points = [_point(plan, k, values[k], differences[k], cost[k]) for k in range(len(values))]
    columns, keeps = _mixes(plan, evaluated)
    document: dict[str, Any] = {
        "state": "done",
        **_about(plan),
        "mixes": len(keeps),
        "mixes_within_limits": int(keeps.sum()),
        "draws": len(evaluated.draws),
        "refused_draws": evaluated.refused,
        "stability": {
            "optimiser_seeds": list(plan.design.optimiser.seeds),
            "hypervolume_share": [plain_number(x, 4) for x in alike.hypervolume],
            "distance": [plain_number(x, 4) for x in alike.distance],
            "is_stable": alike.is_stable if len(alike.hypervolume) > 1 else None,
        },
        "front": points,
        "confirmation": None,
    }
    if confirmation is not None and fresh is not None:
        document["confirmation"] = _confirmation(plan, confirmation, fresh, chosen)
        for each in document["confirmation"]["points"]:
            points[each["point"] - 1]["survives"] = each["survives"]
    document["sentences"] = sentences(document)
    return SearchResult(document, part_files.encoded(columns))


def _about(plan: SearchPlan) -> dict[str, Any]:
    space = plan.space
    return {
        "upstream": VERSION,
        "identity": plan.identity,
        "question": plan.design.question,
        "baseline": plan.baseline.name,
        "place": plan.place.name,
        "people": plan.residents,
        "years": plan.baseline.years,
        "start": space.start,
        "over_months": space.over_months,
        "same_money": space.same_money,
        "levers": [
            {
                "lever": lever.name, "label": lever.label, "unit": lever.unit, "low": lever.low, "high": lever.high,
                "baseline": lever.baseline, "pounds_a_head": plain_number(sum(lever.prices) / plan.residents),
            }
            for lever in space.levers
        ],
        "objectives": [
            {
                "name": goal.name, "metric": goal.quantity.metric, "label": goal.label,
                "measure": goal.measure.label,
                "unit": goal.measure.unit, "decimals": goal.measure.decimals + 1,
                "better": "down" if goal.sign > 0 else "up", "years": [goal.quantity.first, goal.quantity.last],
                "quantile": goal.quantile,
            }
            for goal in plan.goals
        ],
        "limits": [bound.text for bound in plan.bounds],
    }  # fmt: skip


def _point(plan: SearchPlan, number: int, values: F, differences: F, cost: F) -> dict[str, Any]:
    """A point of the front by the twin."""
    years = (1, plan.baseline.years)

    def mean_of(name: str, axis: str = "", group: str = "") -> float | None:
        return plain_number(float(differences[:, plan.index(Quantity(name, *years, axis, group))].mean()))

    return {
        "point": number + 1,
        "is_baseline": bool((values == plan.space.baseline).all()),
        "levers": dict(zip(plan.space.names, map(plain_number, values.tolist()), strict=True)),
        "plan": dict(zip(SILOS, map(plain_number, cost.tolist()), strict=True)),
        "objectives": {goal.name: of_draws(goal, differences) for goal in plan.goals},
        "acute_demand": mean_of(HEADLINE),
        "spending": {
            name: mean_of(f"spend_{name}") for name in ("total", "acute", "responsive", "preventive", "community")
        },
        "spending_of": {name: mean_of("spend_total", HOLDER, name) for name in SILOS},
        "fifths": {name: mean_of(HEADLINE, "quintile", name) for name in ("1", "2", "3", "4", "5")},
        "survives": None,
    }


def of_draws(goal: Goal, differences: F, replicates: Replicates | None = None) -> dict[str, Any]:
    """A difference over draws: mean, interval, spread, the statistic of the objective, and how often it is better.

    Parameters
    ----------
    goal : Goal
        The objective.
    differences : ndarray of float64, shape (draws, quantities)
        Differences from the baseline.
    replicates : Replicates, optional
        Differences of runs that repeat draws with other chance events; None for the twin, which has none.

    Returns
    -------
    dict
    """
    again = None if replicates is None else replicates._replace(values=replicates.values[:, goal.at])
    figures = summary(differences[:, goal.at], replicates=again)
    out = {name: plain_number(float(x)) for name, x in figures.items() if name not in SPREADS or again is not None}
    reached = float(objectives_of([goal], differences[None])[0, 0]) * goal.sign
    return {
        **out,
        "objective": plain_number(reached),
        "better_in": plain_number(float(beats(goal, differences[None])[0])),
    }


def _confirmation(plan: SearchPlan, by_agents: Confirmation, fresh: F, chosen: Sequence[int]) -> dict[str, Any]:
    points = []
    for k, survival in enumerate(survivals(plan, by_agents)):
        agents, twin = by_agents.differences[k], fresh[k]
        figures = {}
        for goal in plan.goals:
            error = summary(twin[:, goal.at] - agents[:, goal.at])
            figures[goal.name] = {
                "agents": of_draws(goal, agents, by_agents.replicates[k]),
                "twin": of_draws(goal, twin),
                "twin_error": {name: plain_number(float(error[name])) for name in ("mean", "ci_low", "ci_high")},
            }
        points.append(
            {
                "point": chosen[k] + 1,
                "objectives": figures,
                "survives": survival.survives,
                "survives_in": plain_number(survival.share),
                "beaten_by": [0 if j < 0 else chosen[j] + 1 for j in survival.beaten_by],
                "limits_missed": [plan.bounds[j].text for j in survival.missed],
            }
        )
    return {
        "seeds": list(by_agents.seeds),
        "refused_draws": by_agents.refused,
        "people": plan.design.confirmation.people or plan.residents,
        "points": points,
    }


def _mixes(plan: SearchPlan, evaluated: Evaluated) -> tuple[Any, npt.NDArray[np.bool_]]:
    """Every mix as a table, and whether it keeps all limits."""
    import pyarrow as pa

    population = plan.design.optimiser.population
    columns: dict[str, list[Any]] = {"optimiser_seed": [], "generation": []}
    kept_limits = []
    for seed, differences in evaluated.differences.items():
        values = evaluated.values[seed]
        objectives = objectives_of(plan.goals, differences)
        excesses = excesses_of(plan.bounds, differences, evaluated.baseline)
        keeps = within(excesses)
        columns["optimiser_seed"] += [seed] * len(values)
        columns["generation"] += [k // population for k in range(len(values))]
        for k, name in enumerate(plan.space.names):
            columns.setdefault(name, []).extend(values[:, k].tolist())
        for k, goal in enumerate(plan.goals):
            columns.setdefault(goal.name, []).extend((goal.sign * objectives[:, k]).tolist())
        columns.setdefault("keeps_limits", []).extend(keeps.tolist())
        kept_limits.append(keeps)
    return pa.table(columns), np.concatenate(kept_limits)


def _flat(point: dict[str, Any]) -> dict[str, Any]:
    """A point as a row."""
    row = {
        "point": point["point"],
        "is_baseline": point["is_baseline"],
        "survives": point["survives"],
        **point["levers"],
    }
    row |= {f"plan of {name}, pounds a head": x for name, x in point["plan"].items()}
    row |= {f"spending of {name}, pounds a head": x for name, x in point["spending_of"].items()}
    for name, figures in point["objectives"].items():
        row |= {f"{name}: {key}": figures[key] for key in ("objective", "mean", "q025", "q975", "better_in")}
    return row
