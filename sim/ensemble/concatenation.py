"""Puts results of different seeds together: `sim.concat`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sim.results import identity
from sim.results.comparison import Comparison
from sim.results.records import Record
from sim.schema.errors import InputError, Phrase

WANTED = "results that differ in their seeds only"


def concat(results: Iterable[Comparison]) -> Comparison:
    """Put results of the same comparison with different seeds together.

    Parameters
    ----------
    results : iterable of Comparison
        Results of the same scenarios, place, number of people, draws and engine, made by the same version of the model.

    Returns
    -------
    Comparison
        Equal, to the last bit, to the comparison with all seeds in ascending order.

    Raises
    ------
    InputError
        If the results differ in anything but their seeds, or have a seed in common.

    Examples
    --------
    >>> import sim
    >>> first, more = (sim.run("baseline", people=1_500, years=1, seeds=1, seed=k) for k in (0, 1))
    >>> sim.concat([first, more])
    <Comparison of baseline: anytown, 1,500 people, 1 years, 2 seeds>
    """
    parts = list(results)
    if not parts or not all(isinstance(part, Comparison) for part in parts):
        came = "no results" if not parts else ", ".join(type(part).__name__ for part in parts)
        raise InputError("concat", None, "", "a list of results", Phrase(came))
    first = parts[0]
    for part in parts[1:]:
        differs = identity.difference(first, part) or identity.text_difference(first, part)
        if differs is not None:
            raise InputError("concat", None, "", WANTED, Phrase(differs))
    if len(parts) == 1:
        return first
    seeds = [seed for part in parts for seed in (*part.seeds, *_of_seeds(part, "refused"))]
    repeated = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if repeated:
        few = ", ".join(map(str, repeated[:8])) + (", …" if len(repeated) > 8 else "")
        raise InputError("concat", None, "seeds", "each seed in one of the results", Phrase(f"several with {few}"))
    settings = {key: value for key, value in first.settings.items() if key not in ("precision", "most_seeds")}
    if len({part.settings.get("threads") for part in parts}) > 1:
        settings["threads"] = None
    for key in identity.OF_SEEDS:
        entries = {seed: value for part in parts for seed, value in _of_seeds(part, key).items()}
        if entries:
            settings[key] = {str(seed): entries[seed] for seed in sorted(entries)}
    return replace(
        first,
        seeds=tuple(sorted(seed for part in parts for seed in part.seeds)),
        records=_by_seed(parts),
        seconds=sum(part.seconds for part in parts),
        settings=settings,
        _values={},
        _accounts={},
    )


def _by_seed(parts: list[Comparison]) -> dict[str, list[Record]]:
    """Records of each scenario in the order of the seeds."""
    runs = sorted(((seed, part, k) for part in parts for k, seed in enumerate(part.seeds)), key=lambda run: run[0])
    return {name: [part.records[name][k] for _, part, k in runs] for name in parts[0].names}


def _of_seeds(part: Comparison, key: str) -> dict[int, Any]:
    """A setting that has an entry for each seed, by seed."""
    return {int(seed): value for seed, value in part.settings.get(key, {}).items()}
