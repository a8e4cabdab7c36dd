"""The last full runs of `upstream validate` and `upstream claims`, stored with the project in short form.

`python -m sim.validation.stored_results DIR` reads what the two commands have written to DIR with `--out` and replaces
the stored results. The tables of sim/MODEL.md and the counts of README.md are made from these, so that no result is
typed by hand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "supplied"
OF_MEASURE = (
    "label", "unit", "published", "band", "mean", "is_cost", "ci_low", "ci_high", "fit", "counted_as", "miss", "fits",
    "sign", "sign_right", "shares_source_with",
)  # fmt: skip
"""What is stored of each measure of an experiment."""
OF_CLAIM = ("claim", "status", "direct", "propagated")
"""What is stored of each claim."""
SETTINGS = ("upstream", "seeds", "people", "conditions", "counts")


def short_validation(document: Mapping[str, Any]) -> dict[str, Any]:
    """Shorten the document of `upstream validate`.

    Parameters
    ----------
    document : mapping
        The document.

    Returns
    -------
    dict
    """
    experiments = [
        {
            **{name: experiment[name] for name in ("id", "title")},
            "measures": [{name: measure[name] for name in OF_MEASURE} for measure in experiment["measures"]],
        }
        for experiment in document["experiments"]
    ]
    return {**{name: document[name] for name in SETTINGS}, "experiments": experiments}


def short_claims(document: Mapping[str, Any]) -> dict[str, Any]:
    """Shorten the document of `upstream claims`.

    Parameters
    ----------
    document : mapping
        The document.

    Returns
    -------
    dict
    """
    names = (*SETTINGS, "claims_with_holding_expectation", "expectations", "expectations_by_effect")
    claims = [{name: claim[name] for name in OF_CLAIM} for claim in document["claims"]]
    return {**{name: document[name] for name in names}, "claims": claims}


SHORTEN = {"validation.json": short_validation, "claims.json": short_claims}


def store(folder: Path, into: Path = FOLDER) -> list[Path]:
    """Store the results of a folder in short form.

    Parameters
    ----------
    folder : Path
        The folder of `--out`.
    into : Path
        Where to store them.

    Returns
    -------
    list of Path
        The files that were written.
    """
    written = []
    for name, shorten in SHORTEN.items():
        if (folder / name).is_file():
            document = json.loads((folder / name).read_text(encoding="utf-8"))
            into.mkdir(exist_ok=True)
            (into / name).write_text(json.dumps(shorten(document), ensure_ascii=False) + "\n", encoding="utf-8")
            written.append(into / name)
    return written


def stored(name: str, folder: Path = FOLDER) -> dict[str, Any] | None:
    """Load a stored result.

    Parameters
    ----------
    name : str
        `validation.json` or `claims.json`.
    folder : Path
        Where it is stored.

    Returns
    -------
    dict or None
        None if nothing is stored.
    """
    path = folder / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def runs_text(document: Mapping[str, Any]) -> str:
    """State in a sentence of which runs a stored result is.

    Parameters
    ----------
    document : mapping
        The stored result.

    Returns
    -------
    str
    """
    conditions, people = document["conditions"], document["people"]
    size = "places at full size" if people is None else f"{people:,} people"
    drawn = {
        "all": "each with its own draw of all parameters",
        "mechanisms": "each with its own draw of the parameters of mechanisms",
        "none": "all with the default parameters",
    }[conditions["draws"]]
    bases = len(conditions["bases"])
    text = f"{len(document['seeds'])} runs of each scenario, {size}, {drawn}, {bases} base{'s' if bases > 1 else ''}"
    places = ", ".join(conditions["places"])
    return f"{text} of seeds{f', also in {places}' if places else ''}."


def main(arguments: Sequence[str]) -> int:
    """Store the results of a folder; return the exit status."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("expected one folder, written by upstream validate --out or upstream claims --out", file=sys.stderr)
        return 2
    written = store(Path(arguments[0]))
    for path in written:
        print(path)
    return int(not written)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
