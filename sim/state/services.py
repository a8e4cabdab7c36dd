"""Services: constants of the catalogue, then budgets, staff, quality and demand."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.state.columns import A, column


class Services(NamedTuple):
    """One entry for each service: constants of the catalogue first, then variables."""

    domain: Annotated[A, column("i8", "service", "index", "domain served")]
    tier: Annotated[A, column("i8", "service", "index", "0 preventive, 1 responsive, 2 acute, 3 community")]
    prevention: Annotated[
        A,
        column(
            "i8",
            "service",
            "index",
            "kind of prevention: 0 general practice, 1 public health, 2 targeted, 3 community, or -1",
        ),
    ]
    silo: Annotated[A, column("i8", "service", "index", "who pays")]
    statutory: Annotated[A, column("u1", "service", "0 or 1", "a legal duty")]
    serves: Annotated[A, column("u1", "service level", "0 or 1", "levels helped")]
    bands: Annotated[A, column("u1", "service band", "0 or 1", "age bands served")]
    crisis_share: Annotated[A, column("f8", "service band", "share", "part of the domain's crises that opens here")]
    end: Annotated[
        A, column("f8", "service", "per month", "probability that help ends for another reason than recovery")
    ]
    give_up: Annotated[A, column("f8", "service", "per month", "probability that somebody waiting gives up")]
    protection: Annotated[A, column("f8", "service", "share", "cut in the hazard of worsening while helped")]
    recovery: Annotated[A, column("f8", "service", "multiplier", "on the hazard of improving while helped")]
    flow: Annotated[A, column("f8", "service", "per month", "starts a month for each place at baseline")]
    case_cost: Annotated[A, column("f8", "service", "pounds a month", "cost of one case's capacity for a month")]
    episode_cost: Annotated[
        A, column("f8", "service", "pounds", "cost of opening an acute episode, first month included")
    ]
    month_cost: Annotated[A, column("f8", "service", "pounds", "cost of each further month of an acute episode")]
    premium: Annotated[A, column("f8", "service", "share", "extra cost per unit of overload")]
    harm: Annotated[A, column("f8", "service", "share", "extra scar per unit of overload")]
    hire_months: Annotated[A, column("f8", "service", "months", "time to fill a new post")]
    turnover: Annotated[A, column("f8", "service", "per month", "share of staff that leaves")]
    refused_base: Annotated[A, column("f8", "service", "share", "share of askers turned away at baseline")]
    wait_base: Annotated[A, column("f8", "service", "months", "mean wait at baseline")]
    base_budget: Annotated[A, column("f8", "service", "pounds a year", "budget line at baseline")]
    base_places: Annotated[A, column("f8", "service", "cases", "people who can be helped at once at baseline")]
    base_load: Annotated[A, column("f8", "service", "share", "acute demand over capacity at baseline")]
    base_demand: Annotated[A, column("f8", "service", "pounds a month", "acute cost at baseline")]
    granted: Annotated[A, column("f8", "service", "pounds a year", "money that comes in for the service")]
    plan: Annotated[A, column("f8", "service", "pounds a year", "what it may spend: granted, less debts, plus savings")]
    posts: Annotated[A, column("f8", "service", "1 = baseline", "staff at work, agency staff among them")]
    places: Annotated[A, column("f8", "service", "cases", "people who can be helped at once now")]
    pressure: Annotated[A, column("f8", "service", "multiplier", "on refusals, by the queue")]
    refused: Annotated[A, column("f8", "service", "share", "share of askers turned away now")]
    quality: Annotated[A, column("f8", "service", "1 = baseline", "effect of an hour of help")]
    load: Annotated[A, column("f8", "service", "share", "smoothed acute demand over capacity")]
    overload: Annotated[A, column("f8", "service", "share", "how far load exceeds 1")]
    helped: Annotated[A, column("i8", "service", "persons", "people being helped")]
    queue: Annotated[A, column("i8", "service", "persons", "people waiting")]
    last_turn: Annotated[
        A, column("u8", "service group", "turn", "the first turn in the queue allocation that is not called")
    ]
    last_row: Annotated[
        A, column("u4", "service group", "slot", "if some of that turn are: the first slot that is not")
    ]
    quality_low: Annotated[A, column("f8", "service", "1 = baseline", "least quality that bounds allow for")]
    quality_high: Annotated[A, column("f8", "service", "1 = baseline", "most quality that bounds allow for")]
    childhood: Annotated[
        A, column("f8", "service", "log hazard a year", "resilience it gives the children of the place")
    ]
    signpost: Annotated[A, column("f8", "service", "share", "more ill infants sent to hospital, per unit of coverage")]
    instead: Annotated[A, column("i8", "service", "service", "the acute service that it is an alternative to, or -1")]
    scar: Annotated[A, column("f8", "service", "multiplier", "on the scar that a crisis leaves")]
    exposure: Annotated[A, column("f8", "service domain", "log hazard", "what doubling its posts adds for everybody")]
    micro: Annotated[
        A, column("f8", "service", "share of places", "places of micro-enterprises, beside the service's own")
    ]
    workers: Annotated[A, column("f8", "service", "persons", "full-time workers at baseline")]
    admin_base: Annotated[A, column("f8", "service", "share", "working time that administration takes at baseline")]
    vacancy_base: Annotated[A, column("f8", "service", "share", "posts vacant at baseline")]
    caseload: Annotated[A, column("f8", "service", "1 = baseline", "cases a worker is given")]
    admin_share: Annotated[A, column("f8", "service", "1 = baseline", "administration asked of staff")]
    automation: Annotated[A, column("f8", "service", "share", "routine administration automated, time kept for people")]
    automation_saving: Annotated[A, column("f8", "service", "share", "the same, but posts are closed for it")]
    pay: Annotated[A, column("f8", "service", "1 = baseline", "pay")]
    training: Annotated[A, column("f8", "service", "share", "working time in training beyond the baseline's")]
    autonomy: Annotated[A, column("f8", "service", "0-1", "how far those who do the work decide how")]
    targets: Annotated[A, column("f8", "service", "0-1", "how far the work is steered by targets from above")]
    feedback: Annotated[A, column("f8", "service", "0-1", "how far the work answers to what the people helped say")]
    continuity: Annotated[A, column("f8", "service", "1 = baseline", "how far people meet the same worker again")]
    lay_staff: Annotated[A, column("f8", "service", "per worker", "lay helpers wanted beside each paid worker")]
    coproduction: Annotated[A, column("f8", "service", "share", "people offered a say in what help they get")]
    usual_contract: Annotated[A, column("f8", "service", "years", "length of contracts at baseline")]
    contract_length: Annotated[A, column("f8", "service", "years", "years for which the work is specified")]
    providers: Annotated[A, column("f8", "service", "1 = baseline", "organisations that share the work")]
    divided: Annotated[
        A,
        column(
            "f8", "service", "1 = baseline", "how much less often one worker is met, as organisations share the work"
        ),
    ]
    hiring_inflow: Annotated[A, column("f8", "service", "1 = baseline", "people to be found for vacant posts")]
    response: Annotated[A, column("f8", "service", "1 = baseline", "rules and checks added after an incident")]
    usual_helped: Annotated[A, column("f8", "service", "persons", "people helped before the first reported month")]
    asking: Annotated[A, column("f8", "service", "1 = usual", "smoothed requests, each of them to be assessed")]
    compliance: Annotated[A, column("f8", "service", "1 = baseline", "rules and checks left by incidents")]
    upheaval: Annotated[A, column("f8", "service", "share", "working time lost to a restructuring")]
    admin: Annotated[A, column("f8", "service", "share", "working time that administration takes")]
    freed: Annotated[A, column("f8", "service", "share", "working time freed by automation")]
    workload: Annotated[A, column("f8", "service", "1 = baseline", "work for each worker hour")]
    burnout: Annotated[A, column("f8", "service", "share", "staff who are burnt out")]
    usual_burnout: Annotated[A, column("f8", "service", "share", "staff who are burnt out at baseline")]
    leaving: Annotated[A, column("f8", "service", "per month", "share of staff that leaves")]
    vacancy: Annotated[A, column("f8", "service", "share", "posts vacant")]
    establishment: Annotated[A, column("f8", "service", "1 = baseline", "posts that are open, filled or not")]
    agency: Annotated[A, column("f8", "service", "1 = own staff at baseline", "agency staff beyond the baseline's")]
    paid: Annotated[A, column("f8", "service", "1 = baseline", "what staff cost, agency and helpers among them")]
    lay: Annotated[A, column("f8", "service", "per worker", "lay helpers at work beside each paid worker")]
    lay_share: Annotated[A, column("f8", "service", "share", "part of working hours that lay helpers give")]
    coproduced: Annotated[A, column("f8", "service", "share", "people who have a say in what help they get")]
    fit: Annotated[A, column("f8", "service", "1 = baseline", "how well what is offered fits what is needed")]
    hours: Annotated[A, column("f8", "service", "1 = baseline", "productive hours for each person helped")]
    belonging: Annotated[A, column("f8", "service", "0-1", "how far staff from abroad are made to feel at home")]
