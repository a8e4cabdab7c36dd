"""Names and codes of English authorities: spellings, and authorities that replaced others.

Source    ONS Code History Database; orders under the Local Government and Public Involvement in Health Act 2007.
"""

from __future__ import annotations

import re
import unicodedata

REPLACED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "E06000063": ("Cumberland", "April 2023", ("E07000026", "E07000028", "E07000029")),
    "E06000064": ("Westmorland and Furness", "April 2023", ("E07000027", "E07000030", "E07000031")),
    "E06000065": (
        "North Yorkshire",
        "April 2023",
        ("E07000163", "E07000164", "E07000165", "E07000166", "E07000167", "E07000168", "E07000169"),
    ),
    "E06000066": ("Somerset", "April 2023", ("E07000187", "E07000188", "E07000189", "E07000246")),
    "E08000038": ("Barnsley", "April 2025", ("E08000016",)),
    "E08000039": ("Sheffield", "April 2025", ("E08000019",)),
    "E06000060": ("Buckinghamshire", "April 2020", ("E07000004", "E07000005", "E07000006", "E07000007")),
    "E06000061": ("North Northamptonshire", "April 2021", ("E07000150", "E07000152", "E07000153", "E07000156")),
    "E06000062": ("West Northamptonshire", "April 2021", ("E07000151", "E07000154", "E07000155")),
    "E06000058": ("Bournemouth, Christchurch and Poole", "April 2019", ("E06000028", "E06000029", "E07000048")),
    "E06000059": (
        "Dorset",
        "April 2019",
        ("E07000049", "E07000050", "E07000051", "E07000052", "E07000053"),
    ),
    "E07000244": ("East Suffolk", "April 2019", ("E07000205", "E07000206")),
    "E07000245": ("West Suffolk", "April 2019", ("E07000201", "E07000204")),
    "E07000246": ("Somerset West and Taunton", "April 2019", ("E07000190", "E07000191")),
    "E08000037": ("Gateshead", "April 2013", ("E08000020",)),
    "E06000057": ("Northumberland", "April 2013", ("E06000048",)),
    "E07000240": ("St Albans", "April 2012", ("E07000100",)),
    "E07000241": ("Welwyn Hatfield", "April 2012", ("E07000104",)),
    "E07000242": ("East Hertfordshire", "April 2012", ("E07000097",)),
    "E07000243": ("Stevenage", "April 2012", ("E07000101",)),
}
"""Name, first month and replaced codes, by the code of the authority that replaced them."""
FORMER_NAMES: dict[str, str] = {
    "E07000004": "Aylesbury Vale", "E07000005": "Chiltern", "E07000006": "South Bucks", "E07000007": "Wycombe",
    "E07000150": "Corby", "E07000152": "East Northamptonshire", "E07000153": "Kettering",
    "E07000156": "Wellingborough", "E07000151": "Daventry", "E07000154": "Northampton",
    "E07000155": "South Northamptonshire", "E06000028": "Bournemouth", "E06000029": "Poole",
    "E07000048": "Christchurch", "E07000049": "East Dorset", "E07000050": "North Dorset", "E07000051": "Purbeck",
    "E07000052": "West Dorset", "E07000053": "Weymouth and Portland", "E07000205": "Suffolk Coastal",
    "E07000206": "Waveney", "E07000201": "Forest Heath", "E07000204": "St Edmundsbury",
    "E07000190": "Taunton Deane", "E07000191": "West Somerset",
}  # fmt: skip
"""Names of authorities that ended before April 2021, by code."""
OTHER_SPELLINGS = {
    "hull": "kingston-upon-hull", "durham": "county-durham", "bcp": "bournemouth-christchurch-and-poole",
    "telford": "telford-and-wrekin", "brighton": "brighton-and-hove", "windsor": "windsor-and-maidenhead",
    "bath": "bath-and-north-east-somerset", "southend": "southend-on-sea", "newcastle": "newcastle-upon-tyne",
    "scilly": "isles-of-scilly", "hammersmith": "hammersmith-and-fulham", "kensington": "kensington-and-chelsea",
    "london-city": "city-of-london", "kings-lynn": "kings-lynn-and-west-norfolk",
}  # fmt: skip
"""Short names in common use, by slug."""
_PREFIXES = (
    r"(?:the-)?(?:(?:london-|royal-|metropolitan-)?borough-of|metropolitan-district-of|city-of|district-of|county-of)-"
)
_SUFFIXES = r"-(?:council|(?:city|borough|district|county|metropolitan-borough|metropolitan-district)(?:-council)?)"


def slug(name: str) -> str:
    """Write a name in small letters without diacritics, with hyphens between words.

    Parameters
    ----------
    name : str
        Name of an authority, as published or typed.

    Returns
    -------
    str

    Examples
    --------
    >>> slug("King's Lynn & West Norfolk"), slug("Bristol, City of")
    ('kings-lynn-and-west-norfolk', 'bristol')
    """
    plain_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    plain_name = re.sub(r",? (?:city|county) of$", "", plain_name.strip())
    plain_name = re.sub(r"['`.]", "", plain_name).replace("&", " and ")
    return re.sub(r"[^a-z0-9]+", "-", plain_name).strip("-")


def spellings(name: str) -> tuple[str, ...]:
    """List slugs that a typed name may mean, the most literal first."""
    first = slug(name)
    shorter = re.sub(rf"^{_PREFIXES}", "", first)
    stems = [first, shorter, re.sub(rf"{_SUFFIXES}$", "", shorter), re.sub(rf"{_SUFFIXES}$", "", first)]
    stems += [OTHER_SPELLINGS[stem] for stem in stems if stem in OTHER_SPELLINGS]
    return tuple(dict.fromkeys(stem for stem in stems if stem))


def codes_before(code: str) -> frozenset[str]:
    """Collect an authority's code, and the codes of all that it replaced.

    Parameters
    ----------
    code : str
        Code of an authority.

    Returns
    -------
    frozenset of str

    Examples
    --------
    >>> sorted(codes_before("E06000063"))
    ['E06000063', 'E07000026', 'E07000028', 'E07000029']
    """
    codes = {code}
    for former in REPLACED.get(code, ("", "", ()))[2]:
        codes |= codes_before(former)
    return frozenset(codes)


def successor(code_or_name: str) -> str | None:
    """Find the code of the authority that replaced one, by the code or the name of that one."""
    by_name = {slug(name): code for code, name in FORMER_NAMES.items()}
    former = by_name.get(slug(code_or_name), code_or_name)
    return next((code for code, (_, _, formers) in REPLACED.items() if former in formers), None)
