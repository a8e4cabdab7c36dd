"""What determines the runs of a comparison, apart from their seeds: two results can be joined if it is the same."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from sim.schema import extensions
from sim.schema.errors import shown

if TYPE_CHECKING:
    from sim.results.comparison import Comparison

TEXTS = ("label", "question", "reason", "shows", "expect", "stops", "quick", "baseline")
"""Fields of a scenario that say what it is for. Runs do not depend on them."""
OF_SEEDS = ("drawn", "refused")
"""Settings with an entry for each seed."""
OF_THE_COMMAND = ("threads", "precision", "most_seeds")
"""Settings that choose the seeds, or how fast they are run."""
DIGITS_SHOWN = 12


def description(result: Comparison) -> dict[str, Any]:
    """Describe what determines a comparison's runs.

    Parameters
    ----------
    result : Comparison
        The comparison; only its scenarios, place and settings are read.

    Returns
    -------
    dict
        By name, for a message. Plain values, as JSON has them.
    """
    scenarios = [s.model_dump(mode="json", exclude={"people"}) for s in result.scenarios]
    out: dict[str, Any] = {
        **result.origin.versions,
        "scenarios": list(result.names),
        "years": result.scenarios[0].years,
        "start": result.scenarios[0].start,
        "place": result.place.name,
        "people": result.people,
    }
    settings = {key: value for key, value in result.settings.items() if key not in (*OF_SEEDS, *OF_THE_COMMAND)}
    out |= {key: settings[key] for key in sorted(settings)}
    out["parameters"] = scenarios[0]["parameters"]
    for dumped in scenarios:
        out |= {
            f"{key} of {dumped['name']}": dumped[key] for key in dumped if key not in {*TEXTS, "name", "parameters"}
        }
    out["data of the place"] = [result.place.model_dump(mode="json"), list(result.neighbourhoods)]
    plain: dict[str, Any] = json.loads(json.dumps(out))
    return plain


def digest(result: Comparison) -> str:
    """Compute a digest of what determines a comparison's runs.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256(json.dumps(description(result), sort_keys=True).encode()).hexdigest()


def difference(first: Comparison, second: Comparison) -> str | None:
    """Say in words in what two comparisons differ, apart from their seeds.

    Parameters
    ----------
    first, second : Comparison
        The comparisons.

    Returns
    -------
    str or None
        The first difference, such as "people: 3000 and 10000"; None if the runs are those of one comparison.
    """
    ours, theirs = description(first), description(second)
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        if ours.get(key) != theirs.get(key):
            values = ours.get(key), theirs.get(key)
            if any(isinstance(value, list | dict) for value in values) and key != "scenarios":
                return f"other {key}"
            return f"{key}: {' and '.join(_words(key, value) for value in values)}"
    return None


def version_difference(ours: dict[str, str], theirs: dict[str, str]) -> str | None:
    """Say in words in which versions the origins of two results differ; None if in none."""
    changed = [key for key in dict.fromkeys((*ours, *theirs)) if ours.get(key) != theirs.get(key)]
    words = [f"{key}: {_words(key, ours.get(key))} and {_words(key, theirs.get(key))}" for key in changed]
    return ", ".join(words) or None


def text_difference(first: Comparison, second: Comparison) -> str | None:
    """Say in words in what the texts and expectations of two comparisons' scenarios differ; None if in nothing."""
    for ours, theirs in zip(first.scenarios, second.scenarios, strict=True):
        for key in TEXTS:
            if getattr(ours, key) != getattr(theirs, key):
                return f"another {key} of {ours.name}"
    return None


def _words(key: str, value: object) -> str:
    if value is None:
        return "none"
    if key == "model":
        return f"code {str(value)[:DIGITS_SHOWN]}"
    if key.startswith(extensions.VERSION_PREFIX):
        return f"SHA-256 {str(value)[:DIGITS_SHOWN]}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else shown(value)
