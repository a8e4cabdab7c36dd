"""The twin's steady baseline: rates with which no stock of people drifts.

The equation is that of the agents' calibration, cell by cell: inflows to each level of need equal outflows by recovery,
ageing, death and moves. Published stocks and crises are fixed and `down` comes from the solution. `up`, the end of
crises and asking are solved so that no stock drifts. These rates absorb the errors of the closures of `flows.py` at
baseline, so the closures affect only the changes from the baseline.

The same functions accept numbers and expressions. A round of corrections as a tape takes some hundredths of a
millisecond, and hundreds of rounds are needed.
"""

from __future__ import annotations

from functools import partial, reduce
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.twins.stock_flow import symbolic
from sim.twins.stock_flow.aggregation import Aggregation
from sim.twins.stock_flow.baseline import AgeBandBaseline, Figures, constants, mechanism_parameters
from sim.twins.stock_flow.cells import Constants, DemographicFlows, EventFlows, MonthConditions, StockState, ratio
from sim.twins.stock_flow.equations import Equations, Stock
from sim.twins.stock_flow.flows import Flows
from sim.twins.stock_flow.measurement import Measured
from sim.twins.stock_flow.symbolic import A, Expr, cells, each_above, each_choose, each_least, each_most, each_quotient
from sim.twins.stock_flow.tape import Tape, run_tape

F = npt.NDArray[np.float64]
MAX_ROUNDS, TOLERANCE = 1_000, 1e-10
"""Largest number of rounds of the balance, and the relative drift per month at which it has converged."""
ROUNDS_AT_ONCE = 20
"""Number of rounds between two tests of whether the baseline is steady."""
LARGEST_ERROR = 1e-9
"""Largest relative error of a rate at which the balance has converged."""
MOST_ASKING = 0.5
"""Largest monthly probability of asking."""
MIN_WORSENING_SHARE = 0.05
"""Smallest number of people who get worse, over those who get better. Otherwise natural recovery rises, as it does in
the agents' calibration."""


class Balanced(NamedTuple):
    """A steady baseline, with its flows in a month."""

    flows: Flows
    state: StockState
    conditions: MonthConditions
    events: EventFlows
    life: DemographicFlows
    aggregation: Aggregation
    bands: AgeBandBaseline


class Unbalanced(NamedTuple):
    """The baseline before it is balanced, on numbers or symbols."""

    flows: Flows
    state: StockState
    conditions: MonthConditions
    crises: A
    """Published crises per month, by domain and cell."""
    visits: A
    """Published walk-in attendances per month, by door and cell."""
    queue: A
    """Published number of people who wait, by service."""


def baseline_conditions(refused: A, c: Constants, people: F, places_by_service: F) -> MonthConditions:
    """Services and places at baseline.

    Parameters
    ----------
    refused
        Share of requests refused. Shape (service,).
    c
        Constants of the flows.
    people
        People by cell. Shape (place, group).
    places_by_service
        Number of places. Shape (service,).
    """
    places, groups = people.shape
    services = len(refused)
    ones, zeros = np.ones(places), np.zeros(places)
    rules = type("Rules", (), {})()
    for name in ("time_to_care", "pandemic", "digital_ties", "joined_up", "digital", "alternatives", "network_crisis"):
        setattr(rules, name, zeros)
    rules.claim_burden = ones
    return MonthConditions(
        effect=np.ones((services, places)),
        room=places_by_service,
        rooms={},
        refused=np.repeat(refused, places * groups).reshape(services, places, groups),
        still_ask=np.ones((services, places, groups)),
        relation=np.ones(services),
        overload=np.zeros(services),
        targets=0.5,
        outreach=zeros,
        exposure=np.ones((c.household.size, places)),
        infants=zeros,
        energy=ones,
        weight=ones,
        nurture=np.zeros((places, groups)),
        legitimacy=ones,
        wanted=people,
        rules=rules,
    )


def unbalanced(
    figures: Figures, measured: Measured, aggregation: Aggregation, policy_group: A
) -> tuple[Unbalanced, AgeBandBaseline]:
    """The baseline before it is balanced (published stocks, and help in proportion to need), and by age band."""
    c, bands = constants(figures, measured, aggregation, policy_group)
    table = figures.services
    into = (aggregation.group[:, None] == np.arange(len(aggregation.ages))).astype(float)
    people, need, crises, visits = (x @ into for x in (bands.people, bands.need, bands.crises, bands.visits))
    places_by_service = np.where(
        table.base_places > 0.0, table.base_places / np.maximum(0.5, figures.solution.room), 0.0
    )
    queue = table.wait_base * places_by_service * table.flow
    conditions = baseline_conditions(table.refused_base, c, people, places_by_service)
    expected_demand = c.eligible * np.stack([need[d, x] for d, x in zip(c.domain, c.level, strict=True)])
    totals = np.bincount(c.service, weights=expected_demand.sum(axis=(1, 2)), minlength=places_by_service.size)
    spread = each_quotient(expected_demand, totals[c.service][:, None, None])
    state = StockState(
        need,
        spread * places_by_service[c.service][:, None, None],
        spread * queue[c.service][:, None, None],
        people,
        np.zeros_like(people),
        np.zeros_like(people),
    )
    flows = Flows(c, mechanism_parameters(figures.params))
    return Unbalanced(flows, state, conditions, crises, visits, queue), bands


def balance(figures: Figures, measured: Measured, aggregation: Aggregation, policy_group: A) -> Balanced:
    """Find the steady baseline.

    Parameters
    ----------
    figures
        Published figures, solved tables and parameters.
    measured
        Conditional means in a built world.
    aggregation
        The cells.
    policy_group
        Group of people that policies distinguish. Shape (place, band).

    Raises
    ------
    ArithmeticError
        If no steady baseline results within `MAX_ROUNDS` rounds.
    """
    u, bands = unbalanced(figures, measured, aggregation, policy_group)
    for _ in range(MAX_ROUNDS):
        drift, error, rates, state = one_round(u)
        u.flows.c = rates
        u = u._replace(state=state)
        if is_steady(drift, error, u.state.people.sum()):
            break
    else:
        raise _unsteady(drift, error)
    events, life = settle(u)
    return Balanced(u.flows, u.state, u.conditions, events, life, aggregation, bands)


def is_steady(drift: Any, error: Any, people: Any) -> Any:
    """Whether the corrections of a round are small enough to be the last."""
    return (drift < TOLERANCE * people) & (error < LARGEST_ERROR)


def one_round(u: Unbalanced) -> tuple[Any, Any, Constants, StockState]:
    """One round of corrections.

    Returns
    -------
    tuple
        People whose help or waiting drifts in a month; the largest relative error of the rates; the corrected rates
        and the corrected stocks.
    """
    flows, state = u.flows, u.state
    flows.set_baseline(state, u.conditions)
    mid, events = flows.month(state, u.conditions)
    after, _ = flows.demography(mid, u.conditions, state)
    after, events = flows.start_help(after, u.conditions, events)
    drift = _absolute(after.helped - state.helped).sum() + _absolute(after.waiting - state.waiting).sum()
    c, need, error = _corrected(flows.c, state, after, events, u.crises, u.queue)
    need[:, 0] = flows.counts(state) - need[:, 1:].sum(axis=1)
    return drift, error, c, state._replace(need=need, helped=after.helped, waiting=after.waiting)


def settle(u: Unbalanced) -> tuple[EventFlows, DemographicFlows]:
    """Set the baseline to which the flows are relative, and return the flows of a month at the baseline."""
    flows, state, conditions = u.flows, u.state, u.conditions
    flows.set_baseline(state, conditions)
    _, events = flows.month(state, conditions)
    # Attendances without need: the published number, less attendances by people with unmet need or in crisis.
    c = flows.c
    through = (c.arrives[:, :, None, None] * events.worse[None, :, 2]).sum(axis=1)
    others = events.opened[c.door] - c.walk_in * state.people - through
    flows.c = c._replace(walk_in=ratio(each_most(0.0, u.visits - others), state.people))
    flows.set_baseline_memory(state, conditions)
    mid, events = flows.month(state, conditions)
    after, life = flows.demography(mid, conditions, state)
    _, events = flows.start_help(after, conditions, events)
    return events, life


def _absolute(x: A) -> A:
    """Absolute values."""
    out: A = each_most(x, 0.0 - x)
    return out


def _largest(x: A) -> Any:
    """The largest element."""
    return reduce(symbolic.most, np.ravel(x).tolist())


def _corrected(
    c: Constants, s: StockState, after: StockState, e: EventFlows, crises: A, queue: A
) -> tuple[Constants, A, Any]:
    """Correct the rates so that the flows of the last month would have been in balance.

    Returns
    -------
    tuple of Constants, numpy.ndarray and float
        Constants with corrected `up`, `down` and `ask`; people by need, raised where crises cannot end faster than
        within a month; and the largest relative error before the correction.
    """
    above = [x.need[:, ::-1].cumsum(axis=1)[:, ::-1] for x in (s, after)]
    demographic_change = above[1] - above[0]
    demographic_change[:, 1:] = demographic_change[:, 1:] + e.better - e.worse
    up, down, need = c.up.copy(), c.down.copy(), s.need.copy()
    error: Any = 0.0
    for level in (1, 2, 3):
        improved, change = e.better[:, level - 1], demographic_change[:, level]
        if level < 3:
            target = each_most(MIN_WORSENING_SHARE * improved, improved - change)
            leaving = each_choose(each_above(target - (improved - change), 1e-15), target + change, improved)
        else:
            target, leaving = crises, each_most(0.0, crises + change)
        worsened = e.worse[:, level - 1]
        factor = each_choose(each_above(worsened, 0.0), each_quotient(target, worsened), 1.0)
        up[:, level - 1] = each_least(0.5, up[:, level - 1] * factor)
        factor = each_choose(each_above(improved, 0.0), each_quotient(leaving, improved), 1.0)
        speed_up = down[:, level] * factor
        down[:, level] = each_least(1.0, speed_up)
        if level == 3:
            need[:, 3] = need[:, 3] * each_most(1.0, speed_up)
        size = each_most(1.0, s.need[:, level])
        for wrong in (target - worsened, leaving - improved):
            error = symbolic.most(error, _largest(_absolute(wrong) / size))
    ask = c.ask.copy()
    for t in np.unique(c.service):
        selected = c.service == t
        accepted = (e.asked[selected] - e.turned_away[selected]).sum()
        missing = queue[t] - after.waiting[selected].sum()
        factor = symbolic.least(2.0, symbolic.most(0.5, 1.0 + missing / symbolic.most(1e-12, accepted)))
        ask[selected] = each_least(MOST_ASKING, ask[selected] * factor)
        # A queue stays shorter than published if everybody who needs the service asks for it, and has it.
        everybody = symbolic.compare(">=", reduce(symbolic.least, np.ravel(c.ask[selected]).tolist()), MOST_ASKING)
        is_short = symbolic.both(everybody, partial(symbolic.compare, ">", missing, 0.0))
        wrong = symbolic.most(missing, 0.0 - missing) / symbolic.most(1.0, queue[t])
        error = symbolic.most(error, symbolic.choose(is_short, 0.0, wrong))
    return c._replace(up=up, down=down, ask=ask), need, error


def symbols_of_rounds(u: Unbalanced) -> Equations:
    """The rounds of corrections as equations: a round is a month, and the rates and stocks that it corrects are stocks.

    Parameters
    ----------
    u
        The baseline before it is balanced, on symbols of inputs.
    """
    first = {"up": u.flows.c.up, "down": u.flows.c.down, "ask": u.flows.c.ask}
    first |= {name: getattr(u.state, name) for name in ("need", "helped", "waiting")}
    changing = {(n, k) for n, array in first.items() for k, x in enumerate(np.ravel(array)) if isinstance(x, Expr)}
    while True:
        stocks: dict[str, Stock] = {}
        now = {name: cells(array) for name, array in first.items()}
        for name, k in sorted(changing):
            key = f"{name}.{k}"
            stocks[key] = Stock(key, "", "", first[name].flat[k], None)
            now[name].flat[k] = symbolic.stock(key, 0.0)
        flows = Flows(u.flows.c._replace(up=now["up"], down=now["down"], ask=now["ask"]), u.flows.p)
        state = u.state._replace(need=now["need"], helped=now["helped"], waiting=now["waiting"])
        drift, error, c, after = one_round(u._replace(flows=flows, state=state))
        last = {"up": c.up, "down": c.down, "ask": c.ask, "need": after.need, "helped": after.helped}
        last["waiting"] = after.waiting
        new = {
            (name, k)
            for name, array in last.items()
            for k, x in enumerate(np.ravel(array).tolist())
            if (name, k) not in changing and (isinstance(x, Expr) or x != first[name].flat[k])
        }
        if not new:
            break
        changing |= new
    for name, k in changing:
        stocks[f"{name}.{k}"] = stocks[f"{name}.{k}"]._replace(after=np.ravel(last[name])[k])
    outputs = {"drift": np.array([drift], object), "error": np.array([error], object)}
    outputs["people"] = np.array([u.state.people.sum()], object)
    return Equations(stocks, {}, outputs, {}, MAX_ROUNDS, dict(symbolic.GUARDS))


def run_rounds(tape: Tape) -> F:
    """Run rounds of corrections until the baseline is steady, and return the corrected rates and stocks."""
    stocks, done, series = tape.initial, 0, np.zeros((ROUNDS_AT_ONCE, 0))
    while done < MAX_ROUNDS:
        outputs, rows = run_tape(tape, start=stocks, series=series)
        steady = np.flatnonzero(is_steady(*outputs.T))
        if steady.size:
            out: F = rows[steady[0]]
            return out
        stocks, done = rows[-1], done + len(rows)
    raise _unsteady(*outputs[-1, :2])


def _unsteady(drift: float, error: float) -> ArithmeticError:
    left = f"a drift of {drift:g} persons a month and an error of {error:g} are left"
    return ArithmeticError(f"no steady baseline in {MAX_ROUNDS} rounds: {left}")
