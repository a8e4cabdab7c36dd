"""Counts of people and events: stocks that are kept up to date, and counts of one month."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.engine.tables import columns
from sim.state.columns import A, column, monthly_count


class Counters(NamedTuple):
    """Counts of a month: stocks (`census`, `helped`, `waiting`, `unmet`, `people`), and flows, which start at 0."""

    census: Annotated[
        A, column("i4", "domain level quintile band", "persons", "people at each level (heads, if household)")
    ]
    helped: Annotated[A, column("i4", "service quintile", "persons", "people being helped")]
    waiting: Annotated[A, column("i4", "service quintile", "persons", "people waiting")]
    unmet: Annotated[
        A, column("i4", "domain quintile band", "persons", "people with serious need and no service's help")
    ]
    people: Annotated[A, column("i4", "quintile band", "persons", "people alive and living here")]
    opened: Annotated[A, monthly_count("i4", "service quintile band", "episodes", "acute episodes opened")]
    opened_in: Annotated[
        A, monthly_count("i4", "service neighbourhood", "episodes", "acute episodes opened, by neighbourhood")
    ]
    asked: Annotated[A, monthly_count("i4", "service quintile", "requests", "requests for help")]
    turned_away: Annotated[A, monthly_count("i4", "service quintile", "requests", "requests refused")]
    gave_up: Annotated[A, monthly_count("i4", "service quintile", "persons", "people who stopped waiting")]
    started: Annotated[A, monthly_count("i4", "service quintile", "persons", "people whose help began")]
    ended: Annotated[A, monthly_count("i4", "service quintile", "persons", "people whose help ended")]
    born: Annotated[A, monthly_count("i4", "quintile", "persons", "births")]
    died: Annotated[A, monthly_count("i4", "quintile band", "persons", "deaths")]
    moved_in: Annotated[A, monthly_count("i4", "quintile", "persons", "people who moved in")]
    moved_out: Annotated[A, monthly_count("i4", "quintile", "persons", "people who moved out")]
    delayed: Annotated[
        A, monthly_count("i4", "quintile band", "persons", "in a hospital bed only because care is not there")
    ]
    repeated: Annotated[
        A, monthly_count("i4", "service quintile", "requests", "by those turned away, or who gave up, within a year")
    ]
    opened_age: Annotated[
        A, monthly_count("i4", "service child_age quintile", "episodes", "opened by children, by year of age")
    ]
    residents: Annotated[
        A, monthly_count("i4", "neighbourhood", "persons", "people surveyed, a twelfth of all each month")
    ]
    children: Annotated[A, monthly_count("i4", "child_age quintile", "persons", "children among them, by year of age")]
    surveyed: Annotated[
        A,
        monthly_count("i4", "quintile band", "persons", "adults among them, or those represented by a sample of them"),
    ]
    lonely: Annotated[
        A, monthly_count("i8", "quintile band", "2^-20 persons", "adults lonely often or always, as expected")
    ]
    trusting: Annotated[A, monthly_count("i8", "quintile band", "2^-20, summed", "trust of the adults surveyed")]
    resilient: Annotated[
        A, monthly_count("i8", "quintile band", "2^-20 log hazard units, summed", "resilience of the same")
    ]
    members: Annotated[A, monthly_count("i4", "quintile band", "persons", "adults surveyed who take part in a group")]
    carers: Annotated[
        A, monthly_count("i4", "quintile band", "persons", "adults surveyed who look after somebody at home")
    ]
    carer_hours: Annotated[
        A, monthly_count("i8", "quintile band", "2^-20 hours a week, summed", "what those carers give")
    ]
    need_alone: Annotated[
        A, monthly_count("i4", "domain", "persons", "surveyed with emerging or serious need and no other need")
    ]
    need_several: Annotated[
        A, monthly_count("i4", "domain", "persons", "surveyed with it and needs in two or more other domains")
    ]
    eased_alone: Annotated[A, monthly_count("i4", "domain", "persons", "whose need lessened, with no other need")]
    eased_several: Annotated[
        A, monthly_count("i4", "domain", "persons", "whose need lessened, with two or more other needs")
    ]


FLOWS: tuple[str, ...] = tuple(name for name, declared in columns(Counters) if declared.monthly)
"""Columns of `Counters` that start at 0 each month."""
