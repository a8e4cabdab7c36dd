"""The catalogue of services: people served, payer, reach, staff, cost and effect of each.

A service is one TOML file in `catalogue/`. A new file adds a service; no other file names it.
Prices name the year of their pounds and are read in pounds of the base year (sim/schema/prices.py). The tier of a
service decides which parts its file has:

| tier | needs | must not have |
| --- | --- | --- |
| preventive, responsive, community | activity, staff, cost.per_case_month, effect | crisis_share, capacity, walk_in |
| community, groups rather than a delivered service | groups | all others |
| acute | staff, cost.per_episode and per_month, capacity, and crisis_share or walk_in | activity, effect |

A service of the tiers preventive and community also states its kind of prevention: `prevention = "general_practice"`,
"public_health" (for everybody), "targeted" (help for people with a need) or "community", which is the kind of every
community service. Policies and measures keep the kinds apart.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.schema import extensions
from sim.schema.errors import NOTHING, RequirementError
from sim.schema.quantities import AGE_BAND_NAMES, AGE_BANDS, Closed, Figure, Number, Price, Status
from sim.schema.toml_files import fail, load
from sim.state.codes import PREVENTION_KINDS, PreventionKind, Tier

FOLDER = Path(__file__).parent / "catalogue"

Silo = Literal["nhs", "adult_care", "children", "housing_welfare", "police"]
Five = Annotated[tuple[Number, Number, Number, Number, Number], Field(strict=False)]
AgeRange = Annotated[tuple[int, int], Field(strict=False)]
Share = Annotated[float, Field(strict=False, ge=0.0, le=1.0)]
Positive = Annotated[float, Field(strict=False, ge=0.0)]


def _between(part: Closed, low: float, high: float, *names: str) -> None:
    """Refuse figures of a part whose range leaves low to high.

    Raises
    ------
    RequirementError
        Naming the first figure, and the end of its range, that is impossible.
    """
    for name in names:
        figure: Figure = getattr(part, name)
        for end in ("low", "high"):
            if not low <= getattr(figure, end) <= high:
                raise RequirementError(f"a number from {low:g} to {high:g}", getattr(figure, end), below=(name, end))


class Activity(Closed):
    """How much help there is in England today, and how hard it is to get."""

    caseload_per_thousand: Figure
    """People helped at one time per 1,000 people of the ages served (all of them, in need or not)."""
    mean_months: Figure
    """Mean duration of help, in months."""
    wait_months: Figure
    """Mean wait from acceptance to start, in months."""
    refused_share: Figure
    """Share of people who ask that is turned away at the threshold or assessed as not eligible."""
    gives_up_per_month: Figure
    """Share of people waiting that gives up each month."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        _between(self, 0.0, 1000.0, "caseload_per_thousand")
        _between(self, 1.0, 240.0, "mean_months")
        _between(self, 0.0, 60.0, "wait_months")
        _between(self, 0.0, 1.0, "refused_share")
        _between(self, 0.0, 1.0, "gives_up_per_month")
        return self


class Staff(Closed):
    """Staff: caseload, turnover, vacancies, administration and time to hire."""

    cases_per_worker: Figure
    """Cases (or, in an acute service, episodes under way; in A&E, attendances a month) per full-time worker."""
    turnover_per_year: Figure
    vacancy_share: Figure
    admin_share: Figure
    """Share of working time that goes to recording and administration."""
    hire_months: Figure

    @model_validator(mode="after")
    def _possible(self) -> Self:
        _between(self, 0.01, 5000.0, "cases_per_worker")
        _between(self, 0.0, 2.0, "turnover_per_year")
        _between(self, 0.0, 0.6, "vacancy_share")
        _between(self, 0.0, 0.8, "admin_share")
        _between(self, 0.0, 24.0, "hire_months")
        return self


class Cost(Closed):
    """Price of a month of help, or of an episode with its first month and of each month after."""

    per_case_month: Price | None = None
    per_episode: Price | None = None
    per_month: Price | None = None


class HelpEffect(Closed):
    """Effect of help: `protection` lowers the hazard of getting worse, `recovery` multiplies that of getting better."""

    protection: Figure
    recovery: Figure

    @model_validator(mode="after")
    def _possible(self) -> Self:
        _between(self, 0.0, 1.0, "protection")
        _between(self, 1.0, 10.0, "recovery")
        return self


class Capacity(Closed):
    """Load of an acute service at baseline, and the cost in money and harm of running over capacity."""

    utilisation: Figure
    premium: Figure
    """Extra cost, as a share, per unit of overload (demand / capacity - 1)."""
    harm: Figure
    """Extra scar, as a share, per unit of overload."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        _between(self, 0.05, 1.5, "utilisation")
        _between(self, 0.0, 10.0, "premium")
        _between(self, 0.0, 10.0, "harm")
        return self


class WalkIn(Closed):
    """Attendances without a crisis: anyone may come, and people whose need no service helps come more often."""

    per_thousand_by_age: dict[str, Positive]
    """Attendances that do not end in admission, per 1,000 in the band a year: a shape, scaled to `total`."""
    by_quintile: Five
    total: Figure
    """All attendances per 1,000 people a year, including those that end in admission."""
    arrives_with_crisis_share: Figure
    """Share of the domain's crises that arrives through this service."""
    knock_per_year: dict[str, Figure]
    """Domain id -> extra attendances a year per person with serious need there and no help."""
    knock_emerging_per_year: dict[str, Figure] = Field(default_factory=dict)
    """The same per person with emerging need."""
    source: str = Field(min_length=3)
    status: Status

    @model_validator(mode="after")
    def _every_band(self) -> Self:
        ages = self.per_thousand_by_age
        _only_bands(ages, "per_thousand_by_age")
        if len(ages) < len(AGE_BAND_NAMES):
            wanted = f"all {len(AGE_BAND_NAMES)} age bands"
            raise RequirementError(wanted, list(ages), AGE_BAND_NAMES, below=("per_thousand_by_age",))
        if min(self.by_quintile) <= 0.0:
            raise RequirementError("five relative numbers above 0", self.by_quintile, below=("by_quintile",))
        _between(self, 0.0, 1.0, "arrives_with_crisis_share")
        return self


class ExposureEffect(Closed):
    """A service for everybody that lowers hazards across the place: public health, clean air, safe streets."""

    spend_per_head: Price
    """Pounds of public money per head of population a year."""
    lowers: dict[str, Figure]
    """Domain id -> reduction of the log hazard of getting worse there, for each doubling of the service."""


class Childhood(Closed):
    """Effect of a universal offer on every child it reaches, in addition to its effect on the children it helps."""

    resilience_per_year: Figure
    """Resilience a child of the ages served gains in a year for each unit of coverage beyond the baseline."""
    sent_to_hospital: Figure
    """Infants' admissions found sooner, as a share, for each unit of coverage beyond the baseline."""


class Alternative(Closed):
    """An acute service that takes some of the crises of another, where policy sets a share."""

    instead_of: str
    scar: Figure
    """Factor on the scar of a crisis that this service takes."""


class GroupFunding(Closed):
    """Community groups: made by people themselves, slowly, rather than delivered to them."""

    spend_per_head: Price
    """Pounds of public money per head of population a year."""


def _only_bands(table: dict[str, float], key: str) -> None:
    for band in table:
        if band not in AGE_BAND_NAMES:
            raise RequirementError("an age band", band, AGE_BAND_NAMES, below=(key, band))


class Service(Closed):
    """One service, as declared in its catalogue file."""

    id: str = Field(pattern=r"^[a-z][a-z_]*$")
    label: str = Field(min_length=2)
    order: int = Field(ge=0)
    domain: str
    tier: Tier
    prevention: PreventionKind | None = None
    """The kind of prevention of a preventive or community service."""
    silo: Silo
    """The budget holder that pays."""
    statutory: bool
    ages: AgeRange
    """First and last year of age served, inclusive."""
    serves: Annotated[tuple[Annotated[int, Field(ge=1, le=2)], ...], Field(strict=False)]
    """Levels of need served: 1 emerging, 2 serious. Empty for acute services, which serve crises."""
    clients: str = Field(min_length=10)

    activity: Activity | None = None
    staff: Staff | None = None
    cost: Cost | None = None
    effect: HelpEffect | None = None
    exposure: ExposureEffect | None = None
    childhood: Childhood | None = None
    alternative: Alternative | None = None
    measure: str | None = Field(None, pattern=r"^[a-z][a-z_]*$")
    """Id of the metric that counts an acute service's episodes in results; by default the service's id."""
    episodes: str = "episodes"
    """Unit of that metric."""
    counts: bool = True
    """Whether an acute service's episodes count as acute demand; false where another service counts the same events."""
    crisis_share: dict[str, Share] = Field(default_factory=dict)
    """Age band -> share of the domain's crises in that band that opens an episode of this service."""
    capacity: Capacity | None = None
    walk_in: WalkIn | None = None
    groups: GroupFunding | None = None

    @property
    def takes_crisis(self) -> bool:
        """Whether some of the domain's crises open an episode here."""
        return any(share > 0.0 for share in self.crisis_share.values())

    @property
    def bands(self) -> tuple[bool, ...]:
        """Whether each age band is served."""
        return tuple(self.ages[0] <= first and last <= self.ages[1] for first, last in AGE_BANDS)

    @model_validator(mode="after")
    def _ages_on_edges(self) -> Self:
        firsts, lasts = [first for first, _ in AGE_BANDS], [last for _, last in AGE_BANDS]
        if self.ages[0] not in firsts or self.ages[1] not in lasts or self.ages[0] > self.ages[1]:
            raise RequirementError("ages on the edges of age bands", self.ages, AGE_BAND_NAMES, below=("ages",))
        _only_bands(self.crisis_share, "crisis_share")
        for band, served in zip(AGE_BAND_NAMES, self.bands, strict=True):
            if not served and self.crisis_share.get(band, 0.0) > 0.0:
                wanted = f"no share outside the ages served, {self.ages[0]} to {self.ages[1]}"
                raise RequirementError(wanted, self.crisis_share[band], below=("crisis_share", band))
        return self

    @model_validator(mode="after")
    def _kind_fits_tier(self) -> Self:
        kinds = {"preventive": PREVENTION_KINDS[:-1], "community": PREVENTION_KINDS[-1:]}.get(self.tier, ())
        if self.prevention in kinds or (self.prevention is None and not kinds):
            return self
        if not kinds:
            wanted = f"no kind of prevention, as this is a service of tier '{self.tier}'"
            raise RequirementError(wanted, self.prevention, below=("prevention",))
        if self.prevention is None:
            wanted = f"beside the tier '{self.tier}' also 'prevention', the kind of prevention"
            raise RequirementError(wanted, NOTHING, kinds, below=("tier",))
        wanted = f"a kind of prevention of a service of tier '{self.tier}'"
        raise RequirementError(wanted, self.prevention, kinds, below=("prevention",))

    @model_validator(mode="after")
    def _parts_fit_tier(self) -> Self:
        if self.groups is not None:
            if self.tier != "community":
                raise RequirementError("'community', the only tier that has groups", self.tier, below=("tier",))
            self._parts("groups", "a service with groups")
        elif self.exposure is not None:
            if self.tier != "preventive":
                raise RequirementError("'preventive', the tier of services for everybody", self.tier, below=("tier",))
            self._parts("exposure staff", "a service for everybody")
        elif self.tier == "acute":
            if not self.crisis_share and self.walk_in is None:
                raise RequirementError("crisis_share, walk_in or both, as this service is acute", "neither")
            doors = [part for part in ("crisis_share", "walk_in") if getattr(self, part)]
            self._parts(f"staff cost capacity {' '.join(doors)}", "an acute service")
            self._prices("per_episode", "per_month")
        else:
            self._parts("activity staff cost effect", f"a {self.tier} service")
            self._prices("per_case_month")
        if bool(self.serves) != (self.activity is not None):
            wanted = "[1], [2] or [1, 2]" if self.activity else "[], as it is not for people of some level of need"
            raise RequirementError(wanted, self.serves, below=("serves",))
        return self

    def _parts(self, wanted: str, kind: str) -> None:
        parts = ("activity", "staff", "cost", "effect", "crisis_share", "capacity", "walk_in", "groups", "exposure")
        present = [part for part in parts if getattr(self, part)]
        if sorted(present) != sorted(wanted.split()):
            raise RequirementError(f"the parts {', '.join(wanted.split())}, as this is {kind}", present)

    def _prices(self, *wanted: str) -> None:
        present = [name for name in Cost.model_fields if getattr(self.cost, name) is not None]
        if sorted(present) != sorted(wanted):
            raise RequirementError(
                f"{' and '.join(wanted)} in a service of tier '{self.tier}'", present, below=("cost",)
            )


def services_of_prevention(kind: PreventionKind) -> tuple[str, ...]:
    """List the services of a kind of prevention.

    Parameters
    ----------
    kind : str
        A kind of `sim.state.codes.PREVENTION_KINDS`.

    Returns
    -------
    tuple of str
        Ids, in order.

    Examples
    --------
    >>> services_of_prevention("community")
    ('link_worker', 'community_groups')
    """
    return tuple(service.id for service in load_catalogue() if service.prevention == kind)


@lru_cache
def load_catalogue(folder: Path | None = None) -> tuple[Service, ...]:
    """Load every service file of a folder, sorted by `order`.

    Parameters
    ----------
    folder
        Folder of TOML files, one a service. By default that of the package; the services of extensions in use follow
        those of the package, so that the positions of these are the same with and without extensions.

    Returns
    -------
    tuple of Service
        The services, in ascending `order`.

    Raises
    ------
    InputError
        If there is no file, a file is wrong, two services share an id or an order, or the shares of a domain's crises
        do not sum to 1 in an age band.
    """
    return tuple(service for _, service in _entries(folder))


def file_of(service: str) -> Path:
    """The file of a service, by its id."""
    return next(path for path, entry in _entries(None) if entry.id == service)


@lru_cache
def _entries(folder: Path | None) -> tuple[tuple[Path, Service], ...]:
    """Every service with its file."""
    files = sorted((folder or FOLDER).glob("*.toml"))
    if not files:
        raise fail(folder or FOLDER, "", "at least one service file (*.toml)", [])
    entries: list[tuple[Path, Service]] = []
    for listed in (files, *(extensions.files("services") if folder is None else ())):
        part = sorted(((path, load(path, Service)) for path in listed), key=lambda pair: pair[1].order)
        for (_, before), (path, service) in pairwise(part):
            if service.order == before.order:
                raise fail(path, "order", f"an order other than that of {before.id}", service.order)
        entries += part
    for k, (path, service) in enumerate(entries):
        if service.id in [other.id for _, other in entries[:k]]:
            raise fail(path, "id", "an id that no other service has", service.id)
    for path, service in entries:
        _check_crisis_shares(path, [s for _, s in entries if s.domain == service.domain and s.takes_crisis])
    return tuple(entries)


def _check_crisis_shares(path: Path, services: list[Service]) -> None:
    """Refuse crisis shares that do not sum to 1 in an age band."""
    for band in AGE_BAND_NAMES:
        total = sum(service.crisis_share.get(band, 0.0) for service in services)
        if total > 0.0 and abs(total - 1.0) > 1e-9:
            wanted = f"shares that sum to 1 over {', '.join(service.id for service in services)}"
            raise fail(path, ("crisis_share", band), wanted, total)
