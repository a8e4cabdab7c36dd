"""The objects of a town: people in dwellings, neighbourhoods, services and silos.

Each attribute has the name and the unit of a column of sim/state. Lists within an attribute are by domain,
band or level. Where the column holds the number of a person, dwelling, neighbourhood or service, the attribute is that
object.
"""

from __future__ import annotations

from typing import Protocol, cast

import mesa

from sim.state.codes import EMPTY_SLOT, WAITING


class ServiceList(Protocol):
    """The part of a town that its objects read."""

    services: list[ServiceAgent]
    """The services, by number."""


class ModelObject(mesa.Agent):  # type: ignore[misc,unused-ignore]  # Mesa's types are read from its source
    """An object of the town, with its number among objects of its kind."""

    def __init__(self, town: mesa.Model, number: int) -> None:
        super().__init__(town)
        self.number = number

    @property
    def town(self) -> ServiceList:
        """The town that the object belongs to."""
        return cast("ServiceList", self.model)


class PersonAgent(ModelObject):
    """A slot in a dwelling and the person in it. The slot is empty while `age` is 255.

    Ties belong to the slot: a person who moves in takes over the ties of the last occupant.
    """

    age: int
    band: int
    quintile: int
    female: int
    neighbourhood: NeighbourhoodAgent
    dwelling: Dwelling
    ties: list[PersonAgent]
    level: list[int]
    before: list[int]
    worst: int
    """The highest level of need as the month begins; `GONE` if the slot was empty then."""
    worst_next: int
    help: list[int]
    resilience: float
    trust: float
    refused: set[int]
    """Domains in which the last request failed."""
    support: float
    present_at_start: bool
    """Whether the slot was occupied when the month began. Deaths and births are drawn for these people only."""

    @property
    def is_present(self) -> bool:
        """Whether a person lives in the slot."""
        return self.age != EMPTY_SLOT

    @property
    def is_head(self) -> bool:
        """Whether the person is the household's reference person."""
        return self.dwelling.head is self

    def helper(self, d: int) -> ServiceAgent | None:
        """The service that helps the person in a domain, if any."""
        code = self.help[d]
        return self.town.services[code - 1] if 0 < code < WAITING else None

    def waits_for(self, d: int) -> ServiceAgent | None:
        """The service that the person waits for in a domain, if any."""
        code = self.help[d]
        return self.town.services[code - WAITING] if code >= WAITING else None

    def housemates(self) -> list[PersonAgent]:
        """The other people who live in the same dwelling."""
        return [other for other in self.dwelling.people if other is not self and other.age != EMPTY_SLOT]


class Dwelling(ModelObject):
    """A dwelling: a fixed number of slots, some of them occupied."""

    people: list[PersonAgent]
    """The slots, occupied or empty."""
    head: PersonAgent
    occupants: int
    donor_ages: list[int]


class NeighbourhoodAgent(ModelObject):
    """A neighbourhood: consecutive dwellings, its groups and its practice, and the settings of policies."""

    people: list[PersonAgent]
    dwellings: list[Dwelling]
    quintile: int
    energy: float
    weight: float
    exposure: list[float]
    practice: float
    outreach: float
    nurture: list[float]
    infants: float
    code: int
    fit: float
    grown: float
    commissioned: float
    aid: float
    leaders: float
    led: float
    knowhow: float
    recovered: float
    peers: float
    legitimacy: float
    leader: int
    spine: float
    seeded: float
    organisers: float
    resident_control: float
    peer_support: float
    mutual_aid: float
    volunteering_days: float
    air_and_activity: float
    housing_quality: float
    job_security: float
    income_floor: float
    unemployment: float
    pandemic: float
    devolution: float
    voice: float
    joined_up: float
    claim_burden: float
    digital: float
    digital_ties: float
    time_to_care: float
    alternatives: float
    network_crisis: float
    schooling: float


class ServiceAgent(ModelObject):
    """A service: its catalogue values, its money, staff and places, and its queue."""

    domain: int
    tier: int
    prevention: int
    silo: Silo
    statutory: int
    serves: list[int]
    bands: list[int]
    crisis_share: list[float]
    end: float
    give_up: float
    protection: float
    recovery: float
    flow: float
    case_cost: float
    episode_cost: float
    month_cost: float
    premium: float
    harm: float
    hire_months: float
    turnover: float
    refused_base: float
    wait_base: float
    base_budget: float
    base_places: float
    base_load: float
    base_demand: float
    granted: float
    plan: float
    posts: float
    places: float
    spare: float
    pressure: float
    refused: float
    quality: float
    wait: float
    load: float
    overload: float
    helped: int
    queue: int
    called: list[int]
    last_turn: list[int]
    last_row: list[int]
    childhood: float
    signpost: float
    instead: ServiceAgent | None
    scar: float
    exposure: list[float]
    knowhow: float
    micro: float
    settled: float
    cost_gap: float
    workers: float
    admin_base: float
    vacancy_base: float
    caseload: float
    admin_share: float
    automation: float
    automation_saving: float
    pay: float
    training: float
    autonomy: float
    targets: float
    feedback: float
    continuity: float
    lay_staff: float
    coproduction: float
    usual_contract: float
    contract_length: float
    providers: float
    divided: float
    hiring_inflow: float
    response: float
    usual_asked: float
    usual_helped: float
    usual_crises: float
    asking: float
    compliance: float
    upheaval: float
    admin: float
    freed: float
    workload: float
    burnout: float
    usual_burnout: float
    leaving: float
    vacancy: float
    establishment: float
    employed: float
    agency: float
    paid: float
    lay: float
    lay_share: float
    coproduced: float
    fit: float
    hours: float
    belonging: float
    funding: int
    spent: int


class Silo(ModelObject):
    """A budget holder, with an account in pence that is carried from month to month."""

    carried: int
    bailed_out: int
    clawed_back: int
    reinvested: int
    shift: float
    kappa: float
    rho: float
    pooled: int
