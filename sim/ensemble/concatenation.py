"""Puts results of different seeds together: `sim.concat`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sim.ensemble.replicates import replicated
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
    >>> first, more = (sim.run("baseline", people=1_500, years=1, seeds=1, seed=k, draws="none") for k in (0, 1))
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
        if key in first.settings:
            settings[key] = {str(seed): entries[seed] for seed in sorted(entries)}
    runs = _by_seed(parts)
    joined = replace(
        first,
        seeds=tuple(runs),
        records={name: [runs[seed][name] for seed in runs] for name in first.names},
        seconds=sum(part.seconds for part in parts),
        settings=settings,
        replicates=None,
    )
    return replace(joined, replicates=_replicates(joined, parts)) if first.is_drawn else joined


def _replicates(joined: Comparison, parts: list[Comparison]) -> Comparison | None:
    """The replicates that the joined seeds have when they are run at once: parts may have more of them."""
    runs = _by_seed([part.replicates for part in parts if part.replicates is not None])
    seeds = replicated(joined.seeds)
    missing = [seed for seed in seeds if seed not in runs]
    if missing:
        wanted = "results of two seeds or more each: a seed alone has no run with other chance events"
        raise InputError("concat", None, "", wanted, Phrase(f"a result of seed {missing[0]} alone"))
    if not seeds:
        return None
    return replace(joined, seeds=seeds, records={name: [runs[seed][name] for seed in seeds] for name in joined.names})


def _by_seed(parts: Iterable[Comparison]) -> dict[int, dict[str, Record]]:
    """Records of all parts by seed, in ascending order."""
    runs = {
        seed: {name: part.records[name][k] for name in part.names}
        for part in parts
        for k, seed in enumerate(part.seeds)
    }
    return dict(sorted(runs.items()))


def _of_seeds(part: Comparison, key: str) -> dict[int, Any]:
    """A setting that has an entry for each seed, by seed."""
    return {int(seed): value for seed, value in part.settings.get(key, {}).items()}
