"""What happens to people in a month, on average: the monthly chain of every person, added up over cells.

A cell is an age group of one kind of neighbourhood. Its people stand at a level of need in each domain; those at a
level that a service serves are unhelped, waiting for it, or helped by it. The month is the model's own: need first,
then asking and giving up and help that ends, then memory, then life, then free places for those who wait.

Closures, each exact when the people of a cell are alike and meet only averages:
- people of a cell, level and status are alike: who has been helped long, or had a crisis before, is not told apart;
- domains are independent given the cell, but for conditional means measured in a made world (`Constants.others`):
  what needs go with a need moves in proportion to the cell's needs;
- support is that of somebody whose ties show the mean mix of levels; nobody knows anybody in particular;
- resilience and trust are a cell's means, kept as deviations from the baseline's;
- age groups and places of a kind keep their inner mix; ages within a group are even, so a fixed part grows out of it;
- a full queue takes every place; places are not rounded, and a lottery gives everybody its expected share.

The same functions take numbers (to find the steady baseline) and symbols (to write the equations down).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.people.life_and_death import MOST_OVERLOAD
from sim.people.need import CAP, CAP_BETTER, MOST_PROTECTED
from sim.state.tables import REFERENCE_TRUST
from sim.twins.stock_flow.cells import (
    Constants,
    DemographicFlows,
    EventFlows,
    MechanismParameters,
    MonthConditions,
    Multipliers,
    Shares,
    StockState,
    anybody,
    over,
)
from sim.twins.stock_flow.symbolic import A, each_at_least, each_choose, each_exp, each_least, each_most, each_power

STEPS = 6
"""Steps of Newton's method by which the lottery of a queue with two weights or more is worked out."""


class Flows:
    """The month of people, for given constants and parameters."""

    def __init__(self, constants: Constants, given: MechanismParameters) -> None:
        self.c, self.p = constants, given
        self.base: tuple[Shares, Multipliers] | None = None
        self.usual: tuple[Any, Any, Any] = 0.0, 0.0, 0.0
        """What a month does to mean resilience and trust at baseline."""

    def settle(self, state: StockState, around: MonthConditions) -> None:
        """Note what multipliers are at baseline."""
        self.base = None
        shares = self.shares(state)
        self.base = shares, self.multipliers(state, around, shares)

    def counts(self, s: StockState) -> A:
        """People, or households, by domain."""
        return np.array([self.c.lives * s.people if household else s.people for household in self.c.household])

    def shares(self, s: StockState) -> Shares:
        """How need is spread."""
        count = self.counts(s)
        above = [s.need[:, level:].sum(axis=1) for level in (1, 2, 3)]
        rows = []
        for part in (above[0] + above[1] + above[2], *above):
            whole = part.copy()
            for d in range(len(count)):
                if self.c.household[d]:
                    everybody = over(part[d].sum(axis=1), count[d].sum(axis=1))
                    for g in range(count.shape[2]):
                        whole[d, :, g] = everybody
                else:
                    whole[d] = over(part[d], count[d])
            rows.append(whole)
        return Shares(*rows)

    def multipliers(self, s: StockState, a: MonthConditions, now: Shares) -> Multipliers:
        """What raises or lowers rates this month, against nothing."""
        c, p, r = self.c, self.p, a.rules
        first = now if self.base is None else self.base[0]
        domains = range(len(now.mean))
        relative = over(now.mean, first.mean)
        helps = 1.0 - each_least(MOST_PROTECTED, p.need.informal * (1.0 + p.need.freed * r.time_to_care))
        support = self._support(s, a, now, first)
        worse = np.empty_like(s.need[:, :3])
        for d in domains:
            for level in range(3):
                m = support[level] * each_exp(-p.need.beta_resilience * s.resilience)
                m = m * a.exposure[d][:, None]
                for e in domains:
                    if e != d and c.omega[d, e] > 0.0:
                        m = m * (1.0 + c.omega[d, e] * c.others[d, level, e] * relative[e])
                if c.informal[d] and level > 0:
                    m = m * (1.0 - c.at_home * (1.0 - helps[:, None]))
                if level == 2:
                    m = m * (1.0 + a.infants[:, None] * c.infant[d])
                worse[d, level] = m
        deaths = 1.0 + 0.0 * s.people
        death_at = np.empty_like(s.need[:, :2])
        for d in domains:
            death_at[d] = 1.0
            if not c.household[d]:
                crowding = 0.0 * s.people
                for t in np.flatnonzero((c.of_domain == d) & (c.takes.sum(axis=(1, 2)) > 0.0)):
                    crowding = crowding + c.takes[t] * a.overload[t]
                crisis = p.life.crisis * (1.0 + p.life.stretched * each_least(MOST_OVERLOAD, crowding))
                mean = 1.0 + (p.life.serious - 1.0) * (now.serious[d] - now.crisis[d]) + (crisis - 1.0) * now.crisis[d]
                deaths = deaths * mean
                death_at[d, 0], death_at[d, 1] = p.life.serious / mean, crisis / mean
        held = 0.0 * now.mean
        alone = self.unhelped(s)
        for d in domains:
            e = c.waits_for[d]
            if e >= 0:
                held[d] = over(alone[e, 2], self.counts(s)[e])
        grown = s.people * (1.0 - c.young)
        parents = over((anybody(now.serious) * grown).sum(axis=1), grown.sum(axis=1))
        strained = 0.0 * parents
        for d in np.flatnonzero(c.informal).tolist():
            strained = strained + over(alone[d, 2].sum(axis=1), s.people.sum(axis=1))
        return Multipliers(worse, self._through(s, a, now, first), deaths, death_at, held, parents, strained)

    def _support(self, s: StockState, a: MonthConditions, now: Shares, first: Shares) -> list[A]:
        """What support multiplies the hazard of getting worse by, at each level but the last."""
        c, p, r = self.c, self.p, a.rules
        part = s.people / s.people.sum(axis=1)[:, None]
        worst = []
        for k, name in enumerate(("serious", "crisis")):
            is_, was = ((anybody(getattr(x, name)) * part).sum(axis=1) for x in (now, first))
            worst.append(c.troubled[k] * over(is_, was))
        worth = 1.0 - 0.5 * worst[0] - (0.5 + p.support.strain) * worst[1]
        ties = c.near[0] + c.near[1] * (1.0 - p.support.apart * r.pandemic)[:, None]
        online = r.digital_ties[:, None] * (c.old * p.support.online + (1.0 - c.old))
        members = each_least(1.0, p.support.members * a.energy)[:, None] * c.adult
        out = []
        for level in range(3):
            held = (worth[:, None] * ties + online) * (1.0 - p.support.withdrawal if level == 2 else 1.0)
            alone = held / (held + p.support.half)
            joined = held + p.support.bonus
            support = alone + members * (joined / (joined + p.support.half) - alone)
            out.append(each_exp(-p.need.beta_support * (support - p.need.usual_support)))
        return out

    def _through(self, s: StockState, a: MonthConditions, now: Shares, first: Shares) -> A:
        """Part of the requests that somebody would make which reach a service, by pair."""
        c, p, r = self.c, self.p.help_seeking, a.rules
        apart = 1.0 - p.silo * (1.0 - r.joined_up) * (1.0 + p.inward * (a.targets - 0.5))
        proof = each_most(0.0, 1.0 - p.burden * r.claim_burden)
        excluded = c.old * p.excluded_old + (1.0 - c.old) * p.excluded_young
        online = 1.0 - r.digital[:, None] * excluded
        out = np.empty_like(s.helped)
        for k in range(len(c.service)):
            d, level = c.domain[k], c.level[k]
            rest = [e for e in range(len(now.mean)) if e != d]
            needs, serious = 0.0 * s.people, (1.0 if level == 2 else 0.0) + 0.0 * s.people
            if rest:
                needs = c.needs[d, level] * over(now.some[rest].sum(axis=0), first.some[rest].sum(axis=0))
                more = over(now.serious[rest].sum(axis=0), first.serious[rest].sum(axis=0))
                serious = serious + c.serious[d, level] * more
            out[k] = each_power(apart[:, None], needs) * each_power(proof[:, None], serious) * online
        return out

    def unhelped(self, s: StockState) -> A:
        """People whom nobody helps, those who wait among them, by domain and level."""
        out = s.need.copy()
        for k in range(len(self.c.service)):
            d, level = self.c.domain[k], self.c.level[k]
            out[d, level] = out[d, level] - s.helped[k]
        alone: A = each_most(out, 0.0)
        return alone

    def protected(self, a: MonthConditions, k: int) -> A:
        """What help of a pair takes off the hazard of getting worse, by place."""
        s = self.c.service[k]
        out: A = each_least(MOST_PROTECTED, self.c.protection[s] * a.effect[s])[:, None]
        return out

    def quicker(self, a: MonthConditions, k: int) -> A:
        """What help of a pair multiplies the hazard of getting better by, by place."""
        s = self.c.service[k]
        out: A = (1.0 + (self.c.recovery[s] - 1.0) * a.effect[s])[:, None]
        return out

    def free(self, s: StockState) -> A:
        """People who may ask, by pair: of an age served, neither helped nor waiting in the domain."""
        c = self.c
        out = np.empty_like(s.helped)
        for k in range(len(c.service)):
            left = s.need[c.domain[k], c.level[k]] * c.eligible[k]
            for j in range(len(c.service)):
                if c.domain[j] == c.domain[k] and c.level[j] == c.level[k]:
                    left = left - c.overlap[k, j] * (s.helped[j] + s.waiting[j])
            out[k] = each_most(left, 0.0)
        return out

    def _put_forward(self, s: StockState, a: MonthConditions) -> A:
        """Of those whom outreach finds and a pair's service is for, the part that is put forward to it: by room, or as
        others ask where there is none."""
        c = self.c
        room = np.empty_like(s.helped[:, 0, 0])
        for k in range(len(c.service)):
            mine = c.service == c.service[k]
            room[k] = each_most(a.room[c.service[k]] - s.helped[mine].sum() - s.waiting[mine].sum(), 0.0)
        out = np.empty_like(s.helped)
        for k in range(len(c.service)):
            whole = 0.0 * s.people
            for j in range(len(c.service)):
                if c.domain[j] == c.domain[k] and c.level[j] == c.level[k]:
                    whole = whole + c.overlap[j, k] * room[j]
            out[k] = each_choose(each_at_least(0.0, whole), c.found[k], room[k] / each_most(whole, 1e-9))
        return out

    def month(self, s: StockState, a: MonthConditions) -> tuple[StockState, EventFlows]:
        """The people before life goes on and places are filled, and what happened."""
        assert self.base is not None, "settle first"
        c, p = self.c, self.p
        now = self.shares(s)
        m = self.multipliers(s, a, now)
        b = self.base[1]
        alone = self.unhelped(s)
        # Need.
        hazard = each_least(CAP, c.up * (m.worse / b.worse))
        worse = hazard * alone[:, :3]
        down = c.down[:, 1:]
        better = down * alone[:, 1:]
        delayed = 0.0 * s.people
        for d in range(len(s.need)):
            if c.waits_for[d] >= 0:
                stays = p.need.delayed * each_least(1.0, c.held[d] * over(m.held[d], b.held[d]))
                usual = 1.0 - p.need.delayed * c.held[d]
                delayed = delayed + c.down[d, 3] * s.need[d, 3] / usual * stays
                better[d, 2] = better[d, 2] * (1.0 - stays) / usual
        helped, waiting = s.helped.copy(), s.waiting.copy()
        fell, rose = np.empty_like(helped), np.empty_like(helped)
        for k in range(len(c.service)):
            d, level = c.domain[k], c.level[k]
            fell[k] = hazard[d, level] * (1.0 - self.protected(a, k)) * s.helped[k]
            rose[k] = each_least(CAP_BETTER, c.down[d, level] * self.quicker(a, k)) * s.helped[k]
            worse[d, level] = worse[d, level] + fell[k]
            better[d, level - 1] = better[d, level - 1] + rose[k]
        need = s.need.copy()
        need[:, :3] = need[:, :3] - worse
        need[:, 1:] = need[:, 1:] + worse - better
        need[:, :3] = need[:, :3] + better
        # Help: who gets worse or better keeps it where the service serves the new level too.
        free = self.free(s)
        asked, refused, gave_up, ended = (np.empty_like(helped) for _ in range(4))
        trusting = (c.mean_trust + s.trust) / c.mean_trust
        found = self._put_forward(s, a)
        for k in range(len(c.service)):
            d, level, t = c.domain[k], c.level[k], c.service[k]
            asks = c.ask[k] * trusting * (m.through[k] / b.through[k]) + a.outreach[:, None] * found[k]
            asked[k] = free[k] * asks * a.still_ask[t]
            refused[k] = asked[k] * a.refused[t]
            gave_up[k], ended[k] = c.give_up[t] * s.waiting[k], c.end[t] * s.helped[k]
            waiting[k] = waiting[k] + asked[k] - refused[k] - gave_up[k]
            waiting[k] = waiting[k] - (hazard[d, level] + c.down[d, level]) * s.waiting[k]
            helped[k] = helped[k] - ended[k] - fell[k] - rose[k]
            if c.above[k] >= 0:
                helped[c.above[k]] = helped[c.above[k]] + fell[k]
                waiting[c.above[k]] = waiting[c.above[k]] + hazard[d, level] * s.waiting[k]
            if c.below[k] >= 0:
                helped[c.below[k]] = helped[c.below[k]] + rose[k]
                waiting[c.below[k]] = waiting[c.below[k]] + c.down[d, level] * s.waiting[k]
        # Crises open episodes; others knock.
        crises = worse[:, 2]
        opened, scars = self._open(crises, s, a)
        recovered = sum((better[d, 1:].sum(axis=(0, 2)) for d in c.peers_of), start=0.0 * s.people[:, 0])
        events = EventFlows(
            worse, better, opened, scars, asked, refused, gave_up, 0.0 * asked, ended, delayed, recovered
        )
        resilience, trust = self._remember(s, a, m, events)
        remembered = resilience - self.usual[0], trust - self.usual[1]
        return StockState(need, helped, waiting, s.people, *remembered), events

    def life(self, s: StockState, a: MonthConditions, first: StockState) -> tuple[StockState, DemographicFlows]:
        """Ageing, births, deaths and moves, which come after. `first` is the month's start, on which hazards rest."""
        return self._live(s, a, self.multipliers(first, a, self.shares(first)))

    # Places.

    def begin(self, s: StockState, a: MonthConditions, e: EventFlows) -> tuple[StockState, EventFlows]:
        """Free places go to those who wait, when all else has happened in the month; trust follows."""
        started = self.starts(s.helped, s.waiting, a)
        trust = s.trust + self._won(s, a, started) - self.usual[2]
        return s._replace(helped=s.helped + started, waiting=s.waiting - started, trust=trust), e._replace(
            started=started
        )

    def _won(self, s: StockState, a: MonthConditions, started: A) -> A:
        """Trust won as help begins; what it wins at baseline is still in."""
        c, p = self.c, self.p.waiting
        won = 0.0 * s.people
        for k in range(len(c.service)):
            won = won + p.known * (1.0 + p.bond * (a.relation[c.service[k]] - 1.0)) * started[k]
        return over(won, c.needy * s.people)

    def starts(self, helped: A, waiting: A, a: MonthConditions) -> A:
        """Those whose help begins, by pair: free places, by a lottery with weights."""
        c = self.c
        out = np.zeros_like(helped)
        for t in sorted(set(c.service.tolist())):
            mine = np.flatnonzero(c.service == t)
            if t not in a.rooms:
                room = each_most(a.room[t] - helped[mine].sum(), 0.0)
                out[mine] = self._lottery(mine, waiting[mine], room, a)
                continue
            for crowd in range(len(a.rooms[t])):
                inside = (c.crowd == crowd).astype(float)
                room = each_most(a.rooms[t][crowd] - (helped[mine] * inside).sum(), 0.0)
                out[mine] = out[mine] + self._lottery(mine, waiting[mine] * inside, room, a)
        return out

    def _lottery(self, mine: A, waiting: A, room: Any, a: MonthConditions) -> A:
        """Expected starts of one lottery: 1 - exp(-weight * theta) of each, theta such that the room is filled."""
        weights = [a.weight * (self.p.waiting.urgency if self.c.level[k] == 2 else 1.0) for k in mine]
        kinds: list[tuple[Any, Any]] = []  # each weight, and how many have it
        for k in range(len(mine)):
            for n in range(len(a.weight)):
                many, weight = waiting[k, n].sum(), weights[k][n]
                at = next((j for j, (w, _) in enumerate(kinds) if w is weight or _alike(w, weight)), None)
                if at is None:
                    kinds.append((weight, many))
                else:
                    kinds[at] = weight, kinds[at][1] + many
        total = sum((many for _, many in kinds), start=0.0)
        all_start = each_at_least(room, total)
        if len(kinds) == 1:
            chance = [each_choose(all_start, 1.0, room / each_most(total, 1e-9))]
        else:
            pull = sum((w * many for w, many in kinds), start=0.0)
            theta = room / each_most(pull, 1e-9)
            for _ in range(STEPS):
                lasts = [each_exp(-theta * w) for w, _ in kinds]
                short = room - total + sum((many * x for (_, many), x in zip(kinds, lasts, strict=True)), start=0.0)
                slope = sum((w * many * x for (w, many), x in zip(kinds, lasts, strict=True)), start=0.0)
                theta = theta + short / each_most(slope, 1e-9)
            chance = [each_choose(all_start, 1.0, 1.0 - each_exp(-theta * w)) for w, _ in kinds]
        out = np.empty_like(waiting)
        for k in range(len(mine)):
            for n in range(len(a.weight)):
                weight = weights[k][n]
                at = next(j for j, (w, _) in enumerate(kinds) if w is weight or _alike(w, weight))
                out[k, n] = waiting[k, n] * chance[at]
        return out

    # Crises.

    def _open(self, crises: A, s: StockState, a: MonthConditions) -> tuple[A, A]:
        """Episodes by service, and the depth of the scars they leave, summed, before a person's own factors."""
        c, p = self.c, self.p
        opened = np.zeros((len(c.of_domain), *s.people.shape), s.need.dtype)
        scars = 0.0 * s.people
        harm = 0.0 * crises
        for t in np.flatnonzero(c.takes.sum(axis=(1, 2)) > 0.0):
            harm[c.of_domain[t]] = harm[c.of_domain[t]] + c.takes[t] * (c.harm[t] * a.overload[t])
        for t in np.flatnonzero(c.takes.sum(axis=(1, 2)) > 0.0):
            d = c.of_domain[t]
            here = crises[d] * c.takes[t]
            moved = 0.0 * here
            for other in np.flatnonzero(c.instead == t):
                part = here * a.rules.alternatives[:, None] * c.instead_for[other]
                opened[other] = opened[other] + part
                scars = scars + part * c.scar[other] * (1.0 + harm[d])
                moved = moved + part
            opened[t] = opened[t] + here - moved
            scars = scars + (here - moved) * c.scar[t] * (1.0 + harm[d])
        alone = self.unhelped(s)
        for j, t in enumerate(c.door):
            visits = c.walk_in[j] * s.people
            for d in range(len(crises)):
                for level in (1, 2):
                    if c.knock[j, d, level] > 0.0:
                        visits = visits + c.knock[j, d, level] * c.enters[j] * alone[d, level]
                if c.arrives[j, d] > 0.0:
                    visits = visits + c.arrives[j, d] * crises[d]
            for k in range(len(c.service)):
                knock = c.knock[j, c.domain[k], c.level[k]]
                if knock > 0.0:
                    missing = each_most(0.0, 1.0 - a.effect[c.service[k]])[:, None]
                    visits = visits + knock * c.enters[j] * missing * s.helped[k]
            opened[t] = opened[t] + visits
        return opened, scars * (1.0 - p.resilience.network * a.rules.network_crisis)[:, None]

    # Memory.

    def remember_usual(self, state: StockState, around: MonthConditions) -> None:
        """Note what a month does to memory at baseline, once all else is at rest."""
        self.usual = 0.0, 0.0, 0.0
        assert self.base is not None
        mid, events = self.month(state, around)
        after, _ = self.life(mid, around, state)
        _, events = self.begin(after, around, events)
        self.usual = *self._remember(state, around, self.base[1], events), self._won(after, around, events.started)

    def _remember(self, s: StockState, a: MonthConditions, m: Multipliers, e: EventFlows) -> tuple[A, A]:
        """Mean resilience, and mean trust of those who ask; what a month does at baseline is still in."""
        c, p = self.c, self.p
        assert self.base is not None
        b = self.base[1]
        deeper = p.resilience.scar * (1.0 + (p.resilience.child_factor - 1.0) * c.young)
        children = 0.0 * s.people
        moved = 0.0 * s.people
        for k in range(len(c.service)):
            children = children + c.helps_children[k] * s.helped[k]
            # What requests do to trust is borne by people with some need.
            moved = moved - p.help_seeking.hurt * (e.turned_away[k] + 0.5 * e.gave_up[k])
        parents = c.parents * over(m.parents, b.parents)
        strained = c.strained * over(m.strained, b.strained) * (1.0 - a.rules.time_to_care)
        yearly = p.resilience.early_help * over(children, s.people) + a.nurture
        yearly = yearly - c.young * p.resilience.parent * parents[:, None]
        yearly = yearly - (1.0 - c.young) * p.resilience.carer * strained[:, None]
        resilience = s.resilience * (1.0 - p.resilience.fade / 12.0) + yearly / 12.0 - deeper * over(e.scars, s.people)
        alarm = p.trust.false_alarm * each_least(1.0, 12.0 * a.outreach)[:, None] * (1.0 - c.needy)
        belief = p.legitimacy.fade * REFERENCE_TRUST * (a.legitimacy - 1.0)
        trust = s.trust * (1.0 - p.trust.fade / 12.0) + over(moved, c.needy * s.people)
        return resilience, trust + (belief[:, None] - alarm) / 12.0

    # Life.

    def _live(self, s: StockState, a: MonthConditions, m: Multipliers) -> tuple[StockState, DemographicFlows]:
        """Newcomers fill what leaves, and what the wanted age mix lacks."""
        c = self.c
        assert self.base is not None
        later = range(1, s.people.shape[1])
        rate = c.death * (m.deaths / self.base[1].deaths)
        died, left, born = rate * s.people, c.moving * s.people, c.births * s.people[:, 0]
        lacking = c.settling * (a.wanted - s.people)
        people = s.people + lacking
        older = self._from_younger(s.people)
        grown = older.copy()
        grown[:, 0] = grown[:, 0] + born
        arrived = left + c.growing * s.people + died - grown + lacking
        stays = 1.0 - c.growing - c.moving
        need = s.need.copy()
        for d in range(len(need)):
            mild = rate if c.household[d] else rate * self._mildest(s, m, d)
            dying = [mild, mild, rate * m.death_at[d, 0], rate * m.death_at[d, 1]]
            missing = arrived
            if c.household[d]:
                here = c.lives * s.people
                missing = c.lives * people - here * (stays - rate) - self._from_younger(here)
            for level in range(4):
                kept = s.need[d, level] * (stays - dying[level]) + self._from_younger(s.need[d, level])
                need[d, level] = kept + missing * c.newcomer[d, level]
            if not c.household[d]:
                need[d, 0, :, 0] = need[d, 0, :, 0] + born
        helped, waiting = s.helped.copy(), s.waiting.copy()
        for k in range(len(c.service)):
            d = c.domain[k]
            dying_here = rate
            if not c.household[d]:
                dying_here = rate * (m.death_at[d, 0] if c.level[k] == 2 else self._mildest(s, m, d))
            served = (c.eligible[k] > 0.0).astype(float)
            for now, was in ((helped, s.helped), (waiting, s.waiting)):
                now[k] = was[k] * (stays - dying_here - c.outgrow[k]) + served * self._from_younger(was[k])
        # The newborn and newcomers bring the baseline's resilience and trust.
        memory = []
        for x in (s.resilience, s.trust):
            mixed = x * (1.0 - over(arrived + grown, people))
            for g in later:
                mixed[:, g] = mixed[:, g] + over(older[:, g], people[:, g]) * x[:, g - 1]
            memory.append(mixed)
        return StockState(need, helped, waiting, people, *memory), DemographicFlows(died, arrived, left, born)

    def _from_younger(self, x: A) -> A:
        """Those who grow into each age group from the one before."""
        out = 0.0 * x
        for g in range(1, x.shape[1]):
            out[:, g] = self.c.growing[:, g - 1] * x[:, g - 1]
        return out

    def _mildest(self, s: StockState, m: Multipliers, d: int) -> A:
        """What the death rate of people without serious need is over the mean, so that deaths add up."""
        count = s.people
        heavy = s.need[d, 2] * m.death_at[d, 0] + s.need[d, 3] * m.death_at[d, 1]
        return over(each_most(count - heavy, 0.0), s.need[d, 0] + s.need[d, 1])


def _alike(a: Any, b: Any) -> bool:
    return isinstance(a, float) and isinstance(b, float) and a == b
