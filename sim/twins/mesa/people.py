"""Who and what the town consists of: people in homes, neighbourhoods, services, budget holders.

Each attribute is a column of sim/state/tables.py, under its name and in its unit; lists within them are by domain, band or
level. Where a column holds the number of a person, a home, a neighbourhood or a service, the attribute is that person,
home, neighbourhood or service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import mesa

from sim.state.tables import EMPTY_SLOT, WAITING

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel


class ModelObject(mesa.Agent):  # type: ignore[misc,unused-ignore]  # Mesa's types are read from its source
    """Anything of the town: it knows its town, and its number among its kind."""

    def __init__(self, town: MesaModel, number: int) -> None:
        super().__init__(town)
        self.number = number

    @property
    def town(self) -> MesaModel:
        """The town it belongs to."""
        return cast("MesaModel", self.model)


class PersonAgent(ModelObject):
    """A place in a home, and whoever lives there now; nobody does while `age` is 255.

    Who moves into an empty place finds its ties there.
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
    """The worst of their needs as the month begins; `GONE` where nobody lived then."""
    worst_next: int
    help: list[int]
    resilience: float
    trust: float
    refused: set[int]
    """Domains in which the last request came to nothing."""
    support: float
    from_start: bool
    """Whether somebody lived here when the month began: only they are asked by this month's dice."""

    @property
    def lives(self) -> bool:
        """Whether anybody lives here."""
        return self.age != EMPTY_SLOT

    @property
    def leads(self) -> bool:
        """Whether they are their household's reference person."""
        return self.dwelling.head is self

    def helper(self, d: int) -> ServiceAgent | None:
        """The service that helps them in a domain, if any."""
        code = self.help[d]
        return self.town.services[code - 1] if 0 < code < WAITING else None

    def waits_for(self, d: int) -> ServiceAgent | None:
        """The service they wait for in a domain, if any."""
        code = self.help[d]
        return self.town.services[code - WAITING] if code >= WAITING else None

    def housemates(self) -> list[PersonAgent]:
        """The others who live in the same home."""
        return [other for other in self.dwelling.people if other is not self and other.age != EMPTY_SLOT]


class Dwelling(ModelObject):
    """A home: some places, of which some are taken."""

    people: list[PersonAgent]
    """Its places, taken or not."""
    head: PersonAgent
    occupants: int
    donor_ages: list[int]


class NeighbourhoodAgent(ModelObject):
    """A run of homes, the groups and the practice there, and what policies set there."""

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
    """A service: what the catalogue says of it, its money, staff and places, and who waits."""

    domain: int
    tier: int
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
    contract_length: float
    providers: float
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
    """Who holds a budget: an account that is carried on, in pence."""

    carried: int
    bailed_out: int
    clawed_back: int
    reinvested: int
    shift: float
    kappa: float
    rho: float
    pooled: int
