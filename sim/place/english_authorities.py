"""The 309 English authorities of April 2021, which come with the project: people by deprivation tenth and age.

The file `english_authorities.npz` is derived from two published tables by `python -m sim.place.derive_authorities`. It
has, for each authority and tenth, the number of neighbourhoods and their people in eight age bands (ONS mid-2020,
Indices of Deprivation 2019), and for each neighbourhood of 2011 its authority and tenth. An authority that was formed
later is the sum of those that it replaced.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.place.authority_names import REPLACED, codes_before, slug, spellings
from sim.place.authority_table import ENGLAND, Authority, combined
from sim.place.place_file import PlaceFigures, place_text

Ints = NDArray[np.int64]
FILE = Path(__file__).with_name("english_authorities.npz")
SOURCE = (
    "ONS Small area population estimates mid-2020 and MHCLG English Indices of Deprivation 2019, by neighbourhood "
    "(2011 LSOA), from the table of 309 authorities that comes with the project"
)
SPLITS_SOURCE = "from the authority's own ages; of 5-10 five sixths are taken as 5-9"


class AuthorityData(NamedTuple):
    """The content of the derived file.

    Attributes
    ----------
    authorities : dict of str to Authority
        The authorities by code, in order of code.
    neighbourhoods : dict of str to array of int, shape (10,)
        Neighbourhoods in each tenth, by code of the authority.
    ages : dict of str to array of int, shape (10, 8)
        People by tenth and band, by code of the authority.
    authority_of : dict of str to str
        Code of the authority, by code of the neighbourhood (LSOA 2011).
    decile_of : dict of str to int
        Tenth of IMD 2019, by code of the neighbourhood.
    """

    authorities: dict[str, Authority]
    neighbourhoods: dict[str, Ints]
    ages: dict[str, Ints]
    authority_of: dict[str, str]
    decile_of: dict[str, int]


class EnglishArea(NamedTuple):
    """An authority, one that replaced others later, or England.

    Attributes
    ----------
    code, name : str
        Code and name.
    members : tuple of str
        Codes of the authorities of 2021 of which it is the sum.
    since : str
        Month in which it replaced them; empty if it is an authority of 2021.
    """

    code: str
    name: str
    members: tuple[str, ...]
    since: str

    @property
    def place_name(self) -> str:
        """Name of the place."""
        return slug(self.name)

    @property
    def people(self) -> int:
        """Number of people."""
        return sum(authority_data().authorities[code].people for code in self.members)


@lru_cache(maxsize=1)
def authority_data() -> AuthorityData:
    """Read the derived file."""
    with np.load(FILE) as arrays:
        codes, names = arrays["codes"].tolist(), arrays["names"].tolist()
        counts, ages = arrays["neighbourhoods"].astype(np.int64), arrays["ages"].astype(np.int64)
        households, parts = arrays["households"].tolist(), arrays["younger"].tolist()
        numbers, owners, deciles = (arrays[x].tolist() for x in ("lsoa_number", "lsoa_authority", "lsoa_decile"))
    authorities = {}
    for k, code in enumerate(codes):
        bands = tuple(ages[k].sum(axis=0).tolist())
        younger = parts[k][0] * 5 / 6 / max(bands[1], 1), parts[k][1] / max(bands[2], 1)
        share = float(counts[k, 0] / counts[k].sum())
        authorities[code] = Authority(code, names[k], bands, younger, households[k], share)
    lsoas = [f"E01{number:06d}" for number in numbers]
    return AuthorityData(
        authorities,
        dict(zip(codes, counts, strict=True)),
        dict(zip(codes, ages, strict=True)),
        {lsoa: codes[owner] for lsoa, owner in zip(lsoas, owners, strict=True)},
        dict(zip(lsoas, deciles, strict=True)),
    )


@lru_cache(maxsize=1)
def english_areas() -> dict[str, EnglishArea]:
    """List the authorities, those that replaced them later, and England, by code."""
    known = authority_data().authorities
    areas = {code: EnglishArea(code, authority.name, (code,), "") for code, authority in known.items()}
    for code, (name, since, _) in REPLACED.items():
        members = tuple(sorted(codes_before(code) & known.keys()))
        if code not in known and members:
            areas[code] = EnglishArea(code, name, members, since)
    areas[ENGLAND] = EnglishArea(ENGLAND, "England", tuple(known), "")
    return areas


@lru_cache(maxsize=1)
def authority_place_names() -> dict[str, str]:
    """List the place names of all areas: code by place name. The authorities of 2021 come first."""
    names: dict[str, str] = {}
    for code, area in english_areas().items():
        names.setdefault(area.place_name, code)
    return names


def authority_names() -> dict[str, str]:
    """List the English authorities that come with the project, and those that replaced some of them later.

    Returns
    -------
    dict of str to str
        Name of each authority by the name of its place, in order; for `Place.load` and ``--place``.

    Examples
    --------
    >>> authority_names()["bristol"]
    'Bristol, City of'
    """
    names = {name: english_areas()[code].name for name, code in authority_place_names().items() if code != ENGLAND}
    return dict(sorted(names.items()))


def find_area(name_or_code: str) -> EnglishArea | None:
    """Find an authority by its code, its name or a common spelling of its name.

    Parameters
    ----------
    name_or_code : str
        Such as ``E08000035``, ``Leeds`` or ``leeds city council``.

    Returns
    -------
    EnglishArea or None
    """
    areas, names = english_areas(), authority_place_names()
    code = name_or_code.strip().upper()
    if code in areas:
        return areas[code]
    return next((areas[names[spelling]] for spelling in spellings(name_or_code) if spelling in names), None)


def nearest_names(name: str, most: int = 5) -> list[str]:
    """List the place names most similar to a name."""
    names, typed = list(authority_place_names()), slug(name)
    within = [other for other in names if len(typed) > 3 and typed in other]
    close = difflib.get_close_matches(typed, names, n=most, cutoff=0.6)
    return list(dict.fromkeys([*close, *within]))[:most]


def area_figures(area: EnglishArea) -> Authority:
    """Sum the figures of an area's authorities."""
    members = [authority_data().authorities[code] for code in area.members]
    if len(members) == 1:
        return members[0]._replace(code=area.code, name=area.name)
    counts = sum(authority_data().neighbourhoods[code] for code in area.members)
    return combined(members, area.code, area.name)._replace(most_deprived=float(counts[0] / counts.sum()))  # type: ignore[index, union-attr]  # a sum of arrays


def area_place_text(area: EnglishArea) -> str:
    """Compose the text of the place file of an area.

    Parameters
    ----------
    area : EnglishArea
        The area.

    Returns
    -------
    str
        TOML, as `upstream place new` would write it from the published tables.
    """
    data, figures = authority_data(), area_figures(area)
    return place_text(
        PlaceFigures(
            area.place_name, area.name, area.code,
            np.sum([data.neighbourhoods[code] for code in area.members], axis=0),
            np.sum([data.ages[code] for code in area.members], axis=0),
            figures.younger, SPLITS_SOURCE, figures.households, "; ".join([SOURCE, *membership(area)]),
        )
    )  # fmt: skip


def membership(area: EnglishArea) -> list[str]:
    """State of which authorities an area is the sum."""
    names = [authority_data().authorities[code].name for code in area.members]
    if area.code == ENGLAND:
        return [f"the sum of all {len(names)} authorities"]
    if not area.since:
        return []
    return [f"{area.name} is the sum of {listed(names)}, which it replaced in {area.since}"]


def listed(names: Iterable[str]) -> str:
    """Write names as a list with commas and "and"."""
    items: Sequence[str] = list(names)
    return ", ".join(items[:-1]) + f" and {items[-1]}" if len(items) > 1 else "".join(items)
