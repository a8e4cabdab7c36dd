"""A policy: one lever moved at one time, for everybody or for some services, neighbourhoods or ages."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from sim.engine.random import month_key, stream, uniform
from sim.schema.errors import Phrase, RequirementError
from sim.schema.quantities import AGE_BAND_NAMES, AGE_BANDS, QUINTILES, Closed, Number
from sim.services.catalogue import services_of_prevention
from sim.state.codes import PreventionKind
from sim.state.columns import A

SHARE = stream("neighbourhoods of a share")
FIRSTS, LASTS = tuple(first for first, _ in AGE_BANDS), tuple(last for _, last in AGE_BANDS)


@lru_cache(maxsize=8)
def _lots(codes: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """The draw of each neighbourhood, the same for every seed."""
    key = month_key(np.uint64(0), SHARE, 0)
    return np.array([uniform(key, code) for code in codes])


class NeighbourhoodFilter(Closed):
    """The neighbourhoods of a policy: those that meet all of the stated conditions.

    Examples
    --------
    >>> NeighbourhoodFilter(quintiles=[1, 2]).quintiles
    [1, 2]
    """

    quintiles: list[int] | None = Field(None, min_length=1, description="deprivation fifths, 1 = most deprived")
    names: list[str] | None = Field(None, min_length=1, description="neighbourhoods by their names")
    share: Number | None = Field(
        None,
        gt=0,
        le=1,
        description="share of the neighbourhoods that meet the other conditions, by a draw that every seed shares",
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.quintiles is None and self.names is None and self.share is None:
            raise RequirementError("quintiles, names or share", Phrase("none of them"))
        for k, fifth in enumerate(self.quintiles or ()):
            if not 1 <= fifth <= QUINTILES:
                raise RequirementError(f"a deprivation fifth from 1 to {QUINTILES}", fifth, below=("quintiles", k))
        return self

    def chosen(self, quintile: A, code: A) -> npt.NDArray[np.bool_]:
        """Test each neighbourhood.

        Parameters
        ----------
        quintile : ndarray of int, shape (neighbourhoods,)
            Deprivation fifth, 0 = most deprived.
        code : ndarray of int, shape (neighbourhoods,)
            CRC-32 of the name.

        Returns
        -------
        ndarray of bool, shape (neighbourhoods,)
        """
        inside = np.ones(len(code), bool)
        if self.quintiles is not None:
            fifths = np.zeros(QUINTILES + 1, bool)
            fifths[self.quintiles] = True
            inside &= fifths[quintile + 1]
        if self.names is not None:
            codes = {zlib.crc32(name.encode()) for name in self.names}
            inside &= np.fromiter((number in codes for number in code.tolist()), bool, code.size)
        if self.share is not None:
            lot = _lots(tuple(code.tolist()))
            order = np.flatnonzero(inside)[np.argsort(lot[inside], kind="stable")]
            inside[order[max(1, round(self.share * order.size)) :]] = False
        return inside


class AgeFilter(Closed):
    """The ages of a policy: first and last year of age, on the edges of age bands."""

    ages: list[int] = Field(min_length=2, max_length=2)

    @model_validator(mode="after")
    def _on_edges(self) -> Self:
        if self.ages[0] not in FIRSTS or self.ages[1] not in LASTS or self.ages[0] > self.ages[1]:
            raise RequirementError("ages on the edges of age bands", self.ages, AGE_BAND_NAMES, below=("ages",))
        return self

    def chosen(self) -> npt.NDArray[np.bool_]:
        """Test each age band.

        Returns
        -------
        ndarray of bool, shape (bands,)

        Examples
        --------
        >>> AgeFilter(ages=[65, 109]).chosen().tolist()[-4:]
        [False, True, True, True]
        """
        return np.array([self.ages[0] <= first and last <= self.ages[1] for first, last in AGE_BANDS])


class Policy(Closed):
    """One lever moved at one time: to a `value` or by a `shift`, at once or over some months.

    Several policies may move one lever. Values never add: the most closely aimed value that holds replaces the others,
    and of equally close ones the value that started last; the same start is refused. Shifts add, to one another and
    to the value that holds. A policy holds from `start` to the month before `until`.

    Examples
    --------
    >>> policy = Policy(lever="service_budget", shift=-0.1, start="2026-04", service="gp")
    >>> policy.services, policy.is_for_some
    (('gp',), False)
    """

    lever: str
    start: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="first month of the change, YYYY-MM")
    value: Number | None = Field(
        None,
        description="value of the lever; it replaces values that started earlier, and a more closely aimed value "
        "replaces it: `where` and `who` count before `service`",
    )
    shift: Number | None = Field(None, description="change of the lever; shifts add, to one another and to a value")
    over_months: int = Field(1, ge=1, le=720, description="months until the change is complete")
    until: str | None = Field(
        None, pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="first month in which the policy no longer holds"
    )
    service: str | list[str] | None = Field(None, description="the service it is aimed at, or a list of them")
    prevention: PreventionKind | None = Field(
        None, description="the kind of prevention it is aimed at", exclude_if=lambda kind: kind is None
    )
    where: NeighbourhoodFilter | None = None
    who: AgeFilter | None = None

    @model_validator(mode="after")
    def _one_aim_at_services(self) -> Self:
        if self.service is not None and self.prevention is not None:
            raise RequirementError("one of service and prevention", Phrase("both"), below=("prevention",))
        return self

    @property
    def services(self) -> tuple[str, ...]:
        """The services that the policy is aimed at, those of a kind of prevention among them; empty for all."""
        if self.prevention is not None:
            return services_of_prevention(self.prevention)
        return () if self.service is None else (self.service,) if isinstance(self.service, str) else tuple(self.service)

    @property
    def ages(self) -> tuple[int, int] | None:
        """First and last year of age of the people that the policy is for; None for all ages."""
        return None if self.who is None else (self.who.ages[0], self.who.ages[1])

    def bands(self) -> npt.NDArray[np.bool_]:
        """Test which age bands the policy is for. Shape (bands,)."""
        return np.ones(len(AGE_BANDS), bool) if self.who is None else self.who.chosen()

    @property
    def closeness(self) -> int:
        """How closely the policy is aimed: 2 for `where` and 2 for `who`, then 1 for `service` or `prevention`.

        Examples
        --------
        >>> Policy(lever="threshold", start="2026-04", value=0.2, service="camhs").closeness
        1
        """
        return 2 * (self.where is not None) + 2 * (self.who is not None) + bool(self.services)

    @property
    def is_for_some(self) -> bool:
        """Whether the policy is for some people only."""
        return self.where is not None or self.who is not None
