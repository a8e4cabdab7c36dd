"""The text of a place's file, composed from neighbourhoods by deprivation tenth, and its writing to disk."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.place.age_bands import PUBLISHED_BANDS
from sim.schema.errors import InputError, Phrase, plain

Ints = NDArray[np.int64]


class PlaceFigures(NamedTuple):
    """The content of a place's file.

    Attributes
    ----------
    name, label, code : str
        Name and label of the place, and code of its area.
    neighbourhoods : array of int, shape (10,)
        Neighbourhoods in each tenth by deprivation, the most deprived first.
    ages : array of int, shape (10, 8)
        People by tenth and published band.
    younger : tuple of float or None
        Share of the people aged 5-15 who are 5-9, and of those aged 16-24 who are 16-17.
    younger_source : str
        Comment on these shares.
    households : int
        Number of households; 0 if it is not known.
    source : str
        Provenance of the figures.
    note : str
        Limit of the place that every run states; empty for English places.
    """

    name: str
    label: str
    code: str
    neighbourhoods: Ints
    ages: Ints
    younger: tuple[float, float] | None
    younger_source: str
    households: int
    source: str
    note: str = ""


def place_text(figures: PlaceFigures) -> str:
    """Compose the text of a place's file.

    Parameters
    ----------
    figures : PlaceFigures
        The content.

    Returns
    -------
    str
        TOML.
    """
    people, hoods = int(figures.ages.sum()), int(figures.neighbourhoods.sum())
    lines = [
        f"# {plain(figures.label)}: {people:,} people in {hoods} neighbourhoods. Written by `upstream place new`.",
        "# Contains public sector information licensed under the Open Government Licence v3.0.",
        f"name = {_quoted(figures.name)}",
        f"label = {_quoted(figures.label)}",
        'kind = "authority"',
        f"authority_code = {_quoted(figures.code)}",
        f"population = {people}",
        f"source = {_quoted(figures.source)}",
    ]
    lines += [f"note = {_quoted(figures.note)}"] if figures.note else []
    lines += [f"neighbourhood_people = {min(max(round(people / hoods), 200), 20_000)}"]
    if figures.younger is not None:
        lines += ["", f"[splits] # {figures.younger_source}"]
        names = ("younger_5_15", "younger_16_24")
        lines += [f"{key} = {share:.4f}" for key, share in zip(names, figures.younger, strict=True)]
    lines += ["", *_household_lines(people, figures.households)]
    for tenth, (count, ages) in enumerate(zip(figures.neighbourhoods, figures.ages, strict=True), 1):
        if ages.sum() == 0:
            continue
        shares = ages / ages.sum()
        listed = ", ".join(f'"{band}" = {share:.5f}' for band, share in zip(PUBLISHED_BANDS, shares, strict=True))
        lines += ["", "[[deciles]]", f"decile = {tenth}", f"neighbourhoods = {count}"]
        lines += [f"people = {ages.sum()}"]
        lines += [f"ages = {{ {listed} }}"]
    return "\n".join(lines) + "\n"


def _household_lines(people: int, households: int) -> list[str]:
    size = people / households if households else 2.41
    size_source = (
        f"ONS mid-2020 residents over {households} households of Census 2021, as A07; range assumed"
        if households
        else "A07 [DS2], England: this authority's households are not in the table; range assumed"
    )
    return [
        "[households]",
        _figure("people_per_household", round(size, 3), "persons", 0.05, size_source, "estimated"),
        _figure("one_person_share", 0.29, "share of households", 0.02, "A08 [ONS13] UK 2013", "estimated"),
        _figure(
            "four_plus_share", 0.20, "share of households", 0.02, "A08 [ONS13] UK 2013; range assumed", "estimated"
        ),
        _figure(
            "lone_parent_share", 0.16, "share of families", 0.02, "A09 [ONS23] UK 2023; range assumed", "estimated"
        ),
        "",
        "[ties]",
        'close_ties = { value = 5, unit = "ties per adult", low = 3, high = 8, '
        'source = "A19: convention (support clique of about 5), recalled; range assumed", status = "assumed" }',
        _figure("far_share", 0.3, "share of friends", 0.2, "assumed", "assumed"),
        _figure("street_share", 0.4, "share of ties", 0.2, "assumed: people within a few doors", "assumed"),
    ]


def _figure(key: str, value: float, unit: str, around: float, source: str, status: str) -> str:
    low, high = round(value - around, 3), round(value + around, 3)
    return (
        f"{key} = {{ value = {value:g}, unit = {_quoted(unit)}, low = {low:g}, high = {high:g}, "
        f"source = {_quoted(source)}, status = {_quoted(status)} }}"
    )


def _quoted(text: str) -> str:
    """Write a TOML basic string."""
    marks = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(marks.get(c, c if c.isprintable() else f"\\U{ord(c):08x}") for c in text) + '"'


def write_atomically(target: Path, text: str) -> None:
    """Write a file completely or not at all.

    Parameters
    ----------
    target : Path
        The file.
    text : str
        Its text.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, half = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as problem:
        raise InputError(target, None, "", "a folder that can be written to", Phrase(f"'{problem.strerror}'")) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(half).chmod(0o644)
        Path(half).replace(target)
    except BaseException:
        Path(half).unlink(missing_ok=True)
        raise
