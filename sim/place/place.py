"""A place: neighbourhoods by deprivation, the ages of their people, households and ties.

Claim     A neighbourhood's age mix is that of its deprivation tenth in the place; neighbourhoods of one tenth are
alike. Evidence  Each place's file cites its sources: ONS mid-2020 small-area estimates, Indices of Deprivation 2019,
Census
          2021.
Limits    No geography inside a place: borders between neighbourhoods are not known. Sizes within a tenth are even.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from sim.place.age_bands import PUBLISHED_BANDS
from sim.place.authority_names import successor
from sim.place.english_authorities import area_place_text, english_areas, find_area, nearest_names
from sim.schema import extensions
from sim.schema.errors import InputError, Phrase, RequirementError
from sim.schema.quantities import AGE_BAND_NAMES, Closed, Figure
from sim.schema.toml_files import load, load_text

PLACES = Path(__file__).parents[2] / "scenarios" / "places"
EVEN_CUTS: dict[str, Fraction] = {"5-15": Fraction(5, 11), "16-24": Fraction(2, 9)}
"""The younger part of a band that the model divides (5-9, 16-17), with the same number of people at each age."""
FEWEST_PEOPLE, MOST_PEOPLE = 1_500, 100_000_000
FEWEST_INVENTED = 10_000
"""Smallest population of an invented place; the smallest authority has 2,226 people."""
ROUNDING = 0.002
"""Largest deviation from 1 of the sum of shares of ages: that of eight shares rounded to three places."""
FEWEST_IN_FIFTH = 25
"""Fewest people of a fifth in a smaller copy of a place: about ten households, which can have the place's sizes."""


class Neighbourhood(NamedTuple):
    """One neighbourhood of the model.

    Attributes
    ----------
    name : str
        Name, such as ``d1-01``.
    decile, quintile : int
        Tenth and fifth of England's neighbourhoods by deprivation, 1 = most deprived.
    people : int
        Number of people.
    ages : tuple of int, length 10
        People in each age band.
    """

    name: str
    decile: int
    quintile: int
    people: int
    ages: tuple[int, ...]


class Decile(Closed):
    """The neighbourhoods of a place that lie in one tenth of England's by deprivation, 1 = most deprived."""

    decile: int = Field(ge=1, le=10)
    neighbourhoods: int = Field(ge=0, description="how many real neighbourhoods")
    people: int = Field(ge=0, description="how many people live in them")
    ages: dict[str, float] = Field(description="share of these people in each published age band")

    @property
    def quintile(self) -> int:
        """Deprivation fifth, 1 = most deprived."""
        return (self.decile + 1) // 2

    @field_validator("ages")
    @classmethod
    def _whole(cls, ages: dict[str, float]) -> dict[str, float]:
        for band in ages:
            if band not in PUBLISHED_BANDS:
                raise RequirementError("an age band", band, PUBLISHED_BANDS, below=(band,))
        for band in PUBLISHED_BANDS:
            if band not in ages:
                raise RequirementError(
                    f"a share of people for each age band, also '{band}'", Phrase(", ".join(ages) or "none")
                )
            if not 0.0 <= ages[band] <= 1.0:
                raise RequirementError("a share from 0 to 1", ages[band], below=(band,))
        if abs(sum(ages.values()) - 1.0) > ROUNDING:
            raise RequirementError(
                f"shares that sum to 1 (within {ROUNDING})", Phrase(f"a sum of {sum(ages.values()):.4f}")
            )
        return ages

    @model_validator(mode="after")
    def _lived_in(self) -> Self:
        if (self.people == 0) != (self.neighbourhoods == 0):
            raise RequirementError(
                "people and neighbourhoods, or neither", Phrase(f"{self.people} in {self.neighbourhoods}")
            )
        return self


class Splits(Closed):
    """The part of a published age band that is in its younger half, where the place's tables state it."""

    younger_5_15: float | None = Field(None, ge=0, le=1, description="share of people aged 5-15 who are 5-9")
    younger_16_24: float | None = Field(None, ge=0, le=1, description="share of people aged 16-24 who are 16-17")


class Households(Closed):
    """Sizes and kinds of households."""

    people_per_household: Figure
    one_person_share: Figure
    four_plus_share: Figure
    lone_parent_share: Figure

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.people_per_household.value < 1:
            raise RequirementError(
                "at least one person per household", self.people_per_household.value, below=_VALUE_OF_SIZE
            )
        shares = {"one_person_share": self.one_person_share, "four_plus_share": self.four_plus_share}
        _need_shares(shares | {"lone_parent_share": self.lone_parent_share})
        if self.one_person_share.value + self.four_plus_share.value > 1:
            together = self.one_person_share.value + self.four_plus_share.value
            raise RequirementError(
                "shares of households that sum to at most 1", Phrase(f"{together:g} of one and four or more")
            )
        return self


class TieParameters(Closed):
    """The number of close ties of an adult, the share of them elsewhere in the place, and their overlap."""

    close_ties: Figure
    far_share: Figure
    street_share: Figure

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.close_ties.value < 0:
            raise RequirementError(
                "a number of ties of at least 0", self.close_ties.value, below=("close_ties", "value")
            )
        _need_shares({"far_share": self.far_share, "street_share": self.street_share})
        return self


class Place(Closed):
    """A place as its file describes it; `neighbourhoods` makes a place of any size with the same shape.

    Examples
    --------
    >>> place = Place.load("anytown")
    >>> hoods = place.neighbourhoods(12_000)
    >>> len(hoods), sum(hood.people for hood in hoods)
    (8, 12000)
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    label: str = Field(min_length=1, max_length=120)
    kind: Literal["illustrative", "authority"]
    authority_code: str | None = Field(None, pattern=r"^[A-Z]\d{8}$")
    population: int = Field(le=MOST_PEOPLE)
    source: str = Field(min_length=3)
    note: str = Field("", max_length=400, description="limit of the place that every run states")
    neighbourhood_people: int = Field(1_500, ge=200, le=20_000, description="people in a neighbourhood of the model")
    splits: Splits = Splits()
    households: Households
    ties: TieParameters
    deciles: list[Decile] = Field(min_length=1, max_length=10)

    @classmethod
    def load(cls, name_or_path: str | Path) -> Place:
        """Read a place.

        Parameters
        ----------
        name_or_path : str or Path
            Name of a place, name or code of an English authority, or path of a TOML file. A place with a file has
            priority over an authority of the same name.

        Returns
        -------
        Place

        Raises
        ------
        InputError
            If there is no such place, or its file has a mistake.
        """
        name = str(name_or_path)
        if isinstance(name_or_path, Path) or name.endswith(".toml") or "/" in name or "\\" in name:
            return load(Path(name_or_path), cls)
        files = place_files()
        if name in files:
            return load(files[name], cls)
        area = find_area(name)
        if area is None:
            raise _unknown_place(name)
        if area.place_name in files:
            return load(files[area.place_name], cls)
        return load_text(area_place_text(area), f"{area.name} ({area.code})", cls)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        fewest = FEWEST_PEOPLE if self.kind == "authority" else FEWEST_INVENTED
        if self.population < fewest:
            raise RequirementError(f"a number that is at least {fewest}", self.population, below=("population",))
        if self.kind == "authority" and self.authority_code is None:
            raise RequirementError("an authority_code, as the kind is 'authority'", Phrase("nothing"))
        numbers = [part.decile for part in self.deciles]
        for row, number in enumerate(numbers):
            if number in numbers[:row]:
                raise RequirementError(
                    "each decile once", Phrase(f"decile {number} again"), below=("deciles", row, "decile")
                )
        together = sum(part.people for part in self.deciles)
        if together != self.population:
            came = Phrase(f"{self.population:,}")
            raise RequirementError(
                f"the sum of the deciles' people, which is {together:,}", came, below=("population",)
            )
        return self

    def neighbourhoods(self, people: int | None = None) -> list[Neighbourhood]:
        """Divide the place into neighbourhoods.

        Parameters
        ----------
        people : int, optional
            Number of people; by default the population of the place.

        Returns
        -------
        list of Neighbourhood
            With exactly so many people, the most deprived first; always the same for the same size.

        Raises
        ------
        InputError
            If the number of people is not allowed.

        Notes
        -----
        Each fifth has its share of the people at every size, and at least one neighbourhood: neighbourhoods of a small
        place are smaller. People of a tenth without a neighbourhood live in the other tenth of its fifth, and count in
        its age mix.
        """
        people = self.population if people is None else self.check_people(people)
        groups = self._fifths()
        many = max(len(groups), round(people / self.neighbourhood_people))
        areas = _at_least_one(shared_out(many, [sum(part.neighbourhoods for part in group) for group in groups]))
        persons = shared_out(people, [sum(part.people for part in group) for group in groups])
        made: list[Neighbourhood] = []
        for group, area, count in zip(groups, areas, persons, strict=True):
            made += self._fifth(group, area, count)
        return made

    @property
    def fewest_people(self) -> int:
        """The smallest number of people with which each deprivation fifth keeps its share of them."""
        smallest = min(sum(part.people for part in group) for group in self._fifths())
        enough = -(-FEWEST_IN_FIFTH * self.population // smallest)
        return max(FEWEST_PEOPLE, min(enough, self.population))

    def check_people(self, people: object) -> int:
        """Check a number of people of this place.

        Parameters
        ----------
        people : object
            The number.

        Returns
        -------
        int

        Raises
        ------
        InputError
            If it is not an integer, or no place of that size has the mix of fifths of this place.
        """
        number = people_allowed(people)
        if number < self.fewest_people:
            reason = f"with fewer, a deprivation fifth would have less than {FEWEST_IN_FIFTH} people"
            wanted = f"at least {self.fewest_people:,} people in {self.label} ({reason})"
            raise InputError("--people", None, "", wanted, number)
        return number

    def _fifths(self) -> list[list[Decile]]:
        """The tenths where people live, by fifth, the most deprived first."""
        parts = sorted((part for part in self.deciles if part.people), key=lambda part: part.decile)
        return [[part for part in parts if part.quintile == fifth] for fifth in sorted({p.quintile for p in parts})]

    def _fifth(self, group: Sequence[Decile], areas: int, people: int) -> list[Neighbourhood]:
        made: list[Neighbourhood] = []
        counts = shared_out(areas, [part.neighbourhoods for part in group])
        housed = [part for part, count in zip(group, counts, strict=True) if count]
        persons = iter(shared_out(people, [part.people for part in housed]))
        for part, count in zip(group, counts, strict=True):
            if count:
                mixed = [part] if len(housed) == len(group) else group
                made += self._tenth(part.decile, mixed, count, next(persons))
        return made

    def _tenth(self, decile: int, mixed: Sequence[Decile], count: int, people: int) -> list[Neighbourhood]:
        weights = [sum(part.people * self._ten(part.ages)[band] for part in mixed) for band in range(10)]
        ages = shared_out(people, weights)
        made = []
        for number in range(count):
            # People in order of age are assigned to the neighbourhoods in turn: every neighbourhood gets an even share
            # of each band, and of all people, to the nearest person.
            counts, start = [], 0
            for band in ages:
                counts.append(len(range(start + (number - start) % count, start + band, count)))
                start += band
            if not any(counts):
                continue
            name = f"d{decile}-{number + 1:0{max(2, len(str(count)))}d}"
            made.append(Neighbourhood(name, decile, (decile + 1) // 2, sum(counts), tuple(counts)))
        return made

    def _ten(self, ages: Mapping[str, float]) -> list[Fraction]:
        """Shares of the ten age bands of the model."""
        ten: list[Fraction] = []
        cuts = {"5-15": self.splits.younger_5_15, "16-24": self.splits.younger_16_24}
        for band in PUBLISHED_BANDS:
            share = Fraction(ages[band])
            if band in cuts:
                cut = cuts[band]
                younger = EVEN_CUTS[band] if cut is None else Fraction(cut)
                ten += [share * younger, share * (1 - younger)]
            else:
                ten.append(share)
        assert len(ten) == len(AGE_BAND_NAMES)
        return ten


_VALUE_OF_SIZE = ("people_per_household", "value")


def _need_shares(figures: Mapping[str, Figure]) -> None:
    for name, figure in figures.items():
        if not 0 <= figure.value <= 1:
            raise RequirementError("a share from 0 to 1", figure.value, below=(name, "value"))


def place_names() -> tuple[str, ...]:
    """List the places that come with the project or were added to its folder, and those of extensions in use."""
    return tuple(sorted(place_files()))


def place_files() -> dict[str, Path]:
    """Collect the file of every place that has one, by the name of the place."""
    listed = (PLACES.glob("*.toml"), *extensions.files("places"))
    return {path.stem: path for some in listed for path in some}


def _unknown_place(name: str) -> InputError:
    """The error for an unknown name, with the authority that replaced it, or near names."""
    later = successor(name.strip().upper() if name.strip()[:1].isalpha() and name.strip()[1:].isdigit() else name)
    if later is not None and later in english_areas():
        area = english_areas()[later]
        wanted = f"the name of an authority that exists ({name} became part of {area.name}: --place {area.place_name})"
        return InputError("--place", None, "", wanted, Phrase(f"'{name}'"))
    wanted = "the name of a place or of an English authority, or a path to a .toml file"
    return InputError(PLACES, None, "place", wanted, name, dict.fromkeys([*place_names(), *nearest_names(name)]))


def people_allowed(people: object) -> int:
    """Check a number of people.

    Parameters
    ----------
    people : object
        The number.

    Returns
    -------
    int

    Raises
    ------
    InputError
        If it is not an integer, or a place of that size cannot be made.
    """
    is_whole = isinstance(people, int) and not isinstance(people, bool)
    if not is_whole or not FEWEST_PEOPLE <= int(people) <= MOST_PEOPLE:  # type: ignore[call-overload]  # an int, as tested
        wanted = f"a whole number of people from {FEWEST_PEOPLE:,} to {MOST_PEOPLE:,}"
        raise InputError("--people", None, "", wanted, Phrase(people) if isinstance(people, str) else people)
    return int(people)  # type: ignore[call-overload,no-any-return]  # the same


def _at_least_one(areas: list[int]) -> list[int]:
    """The numbers of neighbourhoods, after each number of 0 has become 1 at the cost of the largest number."""
    out = list(areas)
    for k, area in enumerate(areas):
        if area == 0:
            out[out.index(max(out))] -= 1
            out[k] = 1
    return out


def shared_out(total: int, weights: Sequence[int | Fraction]) -> list[int]:
    """Divide a total in proportion to weights, in whole numbers, by largest remainder; ties go to the first.

    Parameters
    ----------
    total : int
        The total.
    weights : sequence of int or Fraction
        Non-negative weights.

    Returns
    -------
    list of int
        With the sum `total`.

    Raises
    ------
    ValueError
        If every weight is 0.

    Examples
    --------
    >>> shared_out(10, [1, 1, 1])
    [4, 3, 3]
    """
    total_weight = sum(weights)
    if total_weight == 0:
        raise ValueError("nothing to share among: every weight is 0")
    exact = [Fraction(total * weight) / total_weight for weight in weights]
    parts = [int(part) for part in exact]
    order = sorted(range(len(weights)), key=lambda i: (parts[i] - exact[i], i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts
