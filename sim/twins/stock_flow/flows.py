"""Expected flows of people in a month: the monthly process of each person, summed over cells.

A cell is an age group of one kind of neighbourhood. Its people are at a level of need in each domain. People at a level
that a service serves are without help, waiting for the service, or helped by it. The order of the month is the model's
own: need; asking, giving up and the end of help; resilience and trust; demography; and free places for people who wait.

Closures. Each is exact if the people of a cell are alike and meet only averages:
- People of a cell, level and status are alike. The length of help and earlier crises make no difference.
- Domains are independent given the cell, except for conditional means measured in a world built from the place
  (`Constants.others`): the needs that go with a need change in proportion to the cell's needs.
- Support is that of a person whose ties show the mean mix of levels. There are no individual ties.
- Resilience and trust are a cell's means, stored as deviations from the baseline's.
- Age groups and places of a kind keep their inner mix. Ages within a group are even, so a fixed share grows out of it.
- A full queue takes every place. Places are not rounded, and the allocation of places gives everybody the expected
  share.

The same functions accept numbers (to find the steady baseline) and expressions (to derive the equations).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.state.codes import REFERENCE_TRUST
from sim.twins.stock_flow.cells import (
    Constants,
    DemographicFlows,
    EventFlows,
    MechanismParameters,
    MonthConditions,
    Multipliers,
    Shares,
    StockState,
    any_of,
    ratio,
)
from sim.twins.stock_flow.symbolic import A, each_at_least, each_choose, each_exp, each_least, each_most, each_power

NEWTON_STEPS = 6
"""Steps of Newton's method to solve the allocation of places in a queue with two or more weights."""


class Flows:
    """The month of people, for fixed constants and parameters."""

    def __init__(self, constants: Constants, parameters: MechanismParameters) -> None:
        self.c, self.p = constants, parameters
        self.base: tuple[Shares, Multipliers] | None = None
        self.baseline_memory: tuple[Any, Any, Any] = 0.0, 0.0, 0.0
        """Changes of mean resilience, of mean trust, and of trust by starts of help, in a month at baseline."""

    def set_baseline(self, state: StockState, around: MonthConditions) -> None:
        """Set the baseline's distribution of need and multipliers."""
        self.base = None
        shares = self.shares(state)
        self.base = shares, self.multipliers(state, around, shares)

    def counts(self, s: StockState) -> A:
        """People, or households if they share the domain's level, by domain, place and age group."""
        return np.array([self.c.households * s.people if household else s.people for household in self.c.household])

    def shares(self, s: StockState) -> Shares:
        """The distribution of need."""
        count = self.counts(s)
        counts_above = [s.need[:, level:].sum(axis=1) for level in (1, 2, 3)]
        rows = []
        for count_above in (counts_above[0] + counts_above[1] + counts_above[2], *counts_above):
            share = count_above.copy()
            for d in range(len(count)):
                if self.c.household[d]:
                    household_share = ratio(count_above[d].sum(axis=1), count[d].sum(axis=1))
                    for g in range(count.shape[2]):
                        share[d, :, g] = household_share
                else:
                    share[d] = ratio(count_above[d], count[d])
            rows.append(share)
        return Shares(*rows)

    def multipliers(self, s: StockState, a: MonthConditions, now: Shares) -> Multipliers:
        """The multipliers of rates this month, not yet divided by their baseline values."""
        c, p, r = self.c, self.p, a.rules
        reference = now if self.base is None else self.base[0]
        domains = range(len(now.mean))
        relative = ratio(now.mean, reference.mean)
        without_informal_care = 1.0 - each_least(
            p.need.most_protection, p.need.informal * (1.0 + p.need.freed * r.time_to_care)
        )
        support = self._support(s, a, now, reference)
        worse = np.empty_like(s.need[:, :3])
        for d in domains:
            for level in range(3):
                m = support[level] * each_exp(-p.need.beta_resilience * s.resilience)
                m = m * a.exposure[d][:, None]
                for e in domains:
                    if e != d and c.omega[d, e] > 0.0:
                        m = m * (1.0 + c.omega[d, e] * c.others[d, level, e] * relative[e])
                if c.informal[d] and level > 0:
                    m = m * (1.0 - c.at_home * (1.0 - without_informal_care[:, None]))
                if level == 2:
                    m = m * (1.0 + a.infants[:, None] * c.infant[d])
                worse[d, level] = m
        deaths = 1.0 + 0.0 * s.people
        death_at = np.empty_like(s.need[:, :2])
        for d in domains:
            death_at[d] = 1.0
            if not c.household[d]:
                overload_sum = 0.0 * s.people
                for t in np.flatnonzero((c.of_domain == d) & (c.crisis_share.sum(axis=(1, 2)) > 0.0)):
                    overload_sum = overload_sum + c.crisis_share[t] * a.overload[t]
                crisis_factor = p.life.crisis * (
                    1.0 + p.life.stretched * each_least(p.life.most_overload, overload_sum)
                )
                mean = (
                    1.0
                    + (p.life.serious - 1.0) * (now.serious[d] - now.crisis[d])
                    + (crisis_factor - 1.0) * now.crisis[d]
                )
                deaths = deaths * mean
                death_at[d, 0], death_at[d, 1] = p.life.serious / mean, crisis_factor / mean
        delayed = 0.0 * now.mean
        without_help = self.unhelped(s)
        for d in domains:
            e = c.waits_for[d]
            if e >= 0:
                delayed[d] = ratio(without_help[e, 2], self.counts(s)[e])
        adults = s.people * (1.0 - c.young)
        parents = ratio((any_of(now.serious) * adults).sum(axis=1), adults.sum(axis=1))
        strained = 0.0 * parents
        for d in np.flatnonzero(c.informal).tolist():
            strained = strained + ratio(without_help[d, 2].sum(axis=1), s.people.sum(axis=1))
        return Multipliers(worse, self._through(s, a, now, reference), deaths, death_at, delayed, parents, strained)

    def _support(self, s: StockState, a: MonthConditions, now: Shares, reference: Shares) -> list[A]:
        """The multiplier of the hazard of getting worse by support, at each level except crisis."""
        c, p, r = self.c, self.p, a.rules
        share = s.people / s.people.sum(axis=1)[:, None]
        worst = []
        for k, name in enumerate(("serious", "crisis")):
            current, before = ((any_of(getattr(x, name)) * share).sum(axis=1) for x in (now, reference))
            worst.append(c.troubled[k] * ratio(current, before))
        worth = 1.0 - (1.0 - p.support.burdened) * worst[0] - (p.support.burdened + p.support.strain) * worst[1]
        ties = c.contacts[0] + c.contacts[1] * (1.0 - p.support.apart * r.pandemic)[:, None]
        online = r.digital_ties[:, None] * (c.old * p.support.online + (1.0 - c.old))
        members = each_least(1.0, p.support.members * a.energy)[:, None] * c.adult
        out = []
        for level in range(3):
            contact = (worth[:, None] * ties + online) * (1.0 - p.support.withdrawal if level == 2 else 1.0)
            alone = contact / (contact + p.support.half)
            with_group = contact + p.support.bonus
            support = alone + members * (with_group / (with_group + p.support.half) - alone)
            out.append(each_exp(-p.need.beta_support * (support - p.need.usual_support)))
        return out

    def _through(self, s: StockState, a: MonthConditions, now: Shares, reference: Shares) -> A:
        """The share of requests that reach a service, by pair."""
        c, p, r = self.c, self.p.help_seeking, a.rules
        agency_losses = 1.0 - p.silo * (1.0 - r.joined_up) * (1.0 + p.inward * (a.targets - 0.5))
        form_losses = each_most(0.0, 1.0 - p.burden * r.claim_burden)
        excluded = c.old * p.excluded_old + (1.0 - c.old) * p.excluded_young
        online = 1.0 - r.digital[:, None] * excluded
        out = np.empty_like(s.helped)
        for k in range(len(c.service)):
            d, level = c.domain[k], c.level[k]
            rest = [e for e in range(len(now.mean)) if e != d]
            needs, serious = 0.0 * s.people, (1.0 if level == 2 else 0.0) + 0.0 * s.people
            if rest:
                needs = c.needs[d, level] * ratio(now.some[rest].sum(axis=0), reference.some[rest].sum(axis=0))
                relative = ratio(now.serious[rest].sum(axis=0), reference.serious[rest].sum(axis=0))
                serious = serious + c.serious[d, level] * relative
            out[k] = each_power(agency_losses[:, None], needs) * each_power(form_losses[:, None], serious) * online
        return out

    def unhelped(self, s: StockState) -> A:
        """People without help, including people who wait, by domain and level."""
        out = s.need.copy()
        for k in range(len(self.c.service)):
            d, level = self.c.domain[k], self.c.level[k]
            out[d, level] = out[d, level] - s.helped[k]
        without_help: A = each_most(out, 0.0)
        return without_help

    def protection(self, a: MonthConditions, k: int) -> A:
        """The share of the hazard of getting worse that help of a pair removes, by place."""
        s = self.c.service[k]
        out: A = each_least(self.p.need.most_protection, self.c.protection[s] * a.effect[s])[:, None]
        return out

    def recovery_factor(self, a: MonthConditions, k: int) -> A:
        """The multiplier of the hazard of getting better by help of a pair, by place."""
        s = self.c.service[k]
        out: A = (1.0 + (self.c.recovery[s] - 1.0) * a.effect[s])[:, None]
        return out

    def may_ask(self, s: StockState) -> A:
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
        """The share of people reached by outreach who are referred to a pair's service, among people it is for.

        The share is in proportion to spare places, or to other people's requests if there are no spare places.
        """
        c = self.c
        room = np.empty_like(s.helped[:, 0, 0])
        for k in range(len(c.service)):
            pairs = c.service == c.service[k]
            room[k] = each_most(a.room[c.service[k]] - s.helped[pairs].sum() - s.waiting[pairs].sum(), 0.0)
        out = np.empty_like(s.helped)
        for k in range(len(c.service)):
            total = 0.0 * s.people
            for j in range(len(c.service)):
                if c.domain[j] == c.domain[k] and c.level[j] == c.level[k]:
                    total = total + c.overlap[j, k] * room[j]
            out[k] = each_choose(each_at_least(0.0, total), c.outreach[k], room[k] / each_most(total, 1e-9))
        return out

    def month(self, s: StockState, a: MonthConditions) -> tuple[StockState, EventFlows]:
        """Run need, asking, and resilience and trust.

        Parameters
        ----------
        s
            The people at the start of the month.
        a
            Services and places in the month.

        Returns
        -------
        tuple of StockState and EventFlows
            The people before demography and starts of help, and the month's flows.
        """
        assert self.base is not None, "call set_baseline first"
        c, p = self.c, self.p
        now = self.shares(s)
        m = self.multipliers(s, a, now)
        b = self.base[1]
        without_help = self.unhelped(s)
        # Need.
        hazard = each_least(p.need.most_worsening, c.up * (m.worse / b.worse))
        worse = hazard * without_help[:, :3]
        down = c.down[:, 1:]
        better = down * without_help[:, 1:]
        delayed = 0.0 * s.people
        for d in range(len(s.need)):
            if c.waits_for[d] >= 0:
                stays = p.need.delayed * each_least(1.0, c.delayed[d] * ratio(m.delayed[d], b.delayed[d]))
                baseline_rate = 1.0 - p.need.delayed * c.delayed[d]
                delayed = delayed + c.down[d, 3] * s.need[d, 3] / baseline_rate * stays
                better[d, 2] = better[d, 2] * (1.0 - stays) / baseline_rate
        helped, waiting = s.helped.copy(), s.waiting.copy()
        worsened, improved = np.empty_like(helped), np.empty_like(helped)
        for k in range(len(c.service)):
            d, level = c.domain[k], c.level[k]
            worsened[k] = hazard[d, level] * (1.0 - self.protection(a, k)) * s.helped[k]
            improved[k] = (
                each_least(p.need.most_improvement, c.down[d, level] * self.recovery_factor(a, k)) * s.helped[k]
            )
            worse[d, level] = worse[d, level] + worsened[k]
            better[d, level - 1] = better[d, level - 1] + improved[k]
        need = s.need.copy()
        need[:, :3] = need[:, :3] - worse
        need[:, 1:] = need[:, 1:] + worse - better
        need[:, :3] = need[:, :3] + better
        # Help: people whose level changes keep it if the service also serves the new level.
        may_ask = self.may_ask(s)
        asked, refused, gave_up, ended = (np.empty_like(helped) for _ in range(4))
        trusting = (c.mean_trust + s.trust) / c.mean_trust
        referred = self._put_forward(s, a)
        for k in range(len(c.service)):
            d, level, t = c.domain[k], c.level[k], c.service[k]
            asks = c.ask[k] * trusting * (m.through[k] / b.through[k]) + a.outreach[:, None] * referred[k]
            asked[k] = may_ask[k] * asks * a.still_ask[t]
            refused[k] = asked[k] * a.refused[t]
            gave_up[k], ended[k] = c.give_up[t] * s.waiting[k], c.end[t] * s.helped[k]
            waiting[k] = waiting[k] + asked[k] - refused[k] - gave_up[k]
            waiting[k] = waiting[k] - (hazard[d, level] + c.down[d, level]) * s.waiting[k]
            helped[k] = helped[k] - ended[k] - worsened[k] - improved[k]
            if c.above[k] >= 0:
                helped[c.above[k]] = helped[c.above[k]] + worsened[k]
                waiting[c.above[k]] = waiting[c.above[k]] + hazard[d, level] * s.waiting[k]
            if c.below[k] >= 0:
                helped[c.below[k]] = helped[c.below[k]] + improved[k]
                waiting[c.below[k]] = waiting[c.below[k]] + c.down[d, level] * s.waiting[k]
        # Crises and walk-in attendances open episodes.
        crises = worse[:, 2]
        opened, scars = self._acute_episodes(crises, s, a)
        recovered = sum((better[d, 1:].sum(axis=(0, 2)) for d in c.peers_of), start=0.0 * s.people[:, 0])
        events = EventFlows(
            worse, better, opened, scars, asked, refused, gave_up, 0.0 * asked, ended, delayed, recovered
        )
        resilience, trust = self._memory(s, a, m, events)
        remembered = resilience - self.baseline_memory[0], trust - self.baseline_memory[1]
        return StockState(need, helped, waiting, s.people, *remembered), events

    def demography(
        self, s: StockState, a: MonthConditions, reference: StockState
    ) -> tuple[StockState, DemographicFlows]:
        """Run ageing, births, deaths and moves. `reference`, the state at the month's start, sets the hazards."""
        return self._demography(s, a, self.multipliers(reference, a, self.shares(reference)))

    # Places.

    def start_help(self, s: StockState, a: MonthConditions, e: EventFlows) -> tuple[StockState, EventFlows]:
        """Give free places to people who wait, at the end of the month, and update trust."""
        started = self.help_starts(s.helped, s.waiting, a)
        trust = s.trust + self._trust_gain(s, a, started) - self.baseline_memory[2]
        return s._replace(helped=s.helped + started, waiting=s.waiting - started, trust=trust), e._replace(
            started=started
        )

    def _trust_gain(self, s: StockState, a: MonthConditions, started: A) -> A:
        """The gain in trust as help begins, including the gain at baseline."""
        c, p = self.c, self.p.waiting
        gain = 0.0 * s.people
        for k in range(len(c.service)):
            gain = gain + p.known * (1.0 + p.bond * (a.relation[c.service[k]] - 1.0)) * started[k]
        return ratio(gain, c.needy * s.people)

    def help_starts(self, helped: A, waiting: A, a: MonthConditions) -> A:
        """People whose help begins, by pair: free places are allocated by weight."""
        c = self.c
        out = np.zeros_like(helped)
        for t in sorted(set(c.service.tolist())):
            pairs = np.flatnonzero(c.service == t)
            if t not in a.rooms:
                room = each_most(a.room[t] - helped[pairs].sum(), 0.0)
                out[pairs] = self._allocate(pairs, waiting[pairs], room, a)
                continue
            for group in range(len(a.rooms[t])):
                inside = (c.policy_group == group).astype(float)
                room = each_most(a.rooms[t][group] - (helped[pairs] * inside).sum(), 0.0)
                out[pairs] = out[pairs] + self._allocate(pairs, waiting[pairs] * inside, room, a)
        return out

    def _allocate(self, pairs: A, waiting: A, room: Any, a: MonthConditions) -> A:
        """Expected starts of help in one queue: the share 1 - exp(-weight * theta), where theta fills all places."""
        weights = [a.weight * (self.p.waiting.urgency if self.c.level[k] == 2 else 1.0) for k in pairs]
        classes: list[tuple[Any, Any]] = []  # each weight, and the number of people who have it
        for k in range(len(pairs)):
            for n in range(len(a.weight)):
                count, weight = waiting[k, n].sum(), weights[k][n]
                position = next((j for j, (w, _) in enumerate(classes) if w is weight or _same_number(w, weight)), None)
                if position is None:
                    classes.append((weight, count))
                else:
                    classes[position] = weight, classes[position][1] + count
        total = sum((count for _, count in classes), start=0.0)
        all_start = each_at_least(room, total)
        if len(classes) == 1:
            chance = [each_choose(all_start, 1.0, room / each_most(total, 1e-9))]
        else:
            total_weight = sum((w * count for w, count in classes), start=0.0)
            theta = room / each_most(total_weight, 1e-9)
            for _ in range(NEWTON_STEPS):
                still_waiting = [each_exp(-theta * w) for w, _ in classes]
                shortfall = (
                    room
                    - total
                    + sum((count * x for (_, count), x in zip(classes, still_waiting, strict=True)), start=0.0)
                )
                slope = sum((w * count * x for (w, count), x in zip(classes, still_waiting, strict=True)), start=0.0)
                theta = theta + shortfall / each_most(slope, 1e-9)
            chance = [each_choose(all_start, 1.0, 1.0 - each_exp(-theta * w)) for w, _ in classes]
        out = np.empty_like(waiting)
        for k in range(len(pairs)):
            for n in range(len(a.weight)):
                weight = weights[k][n]
                position = next(j for j, (w, _) in enumerate(classes) if w is weight or _same_number(w, weight))
                out[k, n] = waiting[k, n] * chance[position]
        return out

    # Crises.

    def _acute_episodes(self, crises: A, s: StockState, a: MonthConditions) -> tuple[A, A]:
        """Episodes by service, and the sum of the losses of resilience in crises, before a person's own factors."""
        c, p = self.c, self.p
        opened = np.zeros((len(c.of_domain), *s.people.shape), s.need.dtype)
        scars = 0.0 * s.people
        harm = 0.0 * crises
        for t in np.flatnonzero(c.crisis_share.sum(axis=(1, 2)) > 0.0):
            harm[c.of_domain[t]] = harm[c.of_domain[t]] + c.crisis_share[t] * (c.harm[t] * a.overload[t])
        for t in np.flatnonzero(c.crisis_share.sum(axis=(1, 2)) > 0.0):
            d = c.of_domain[t]
            new_crises = crises[d] * c.crisis_share[t]
            diverted = 0.0 * new_crises
            for other in np.flatnonzero(c.instead == t):
                part = new_crises * a.rules.alternatives[:, None] * c.instead_for[other]
                opened[other] = opened[other] + part
                scars = scars + part * c.scar[other] * (1.0 + harm[d])
                diverted = diverted + part
            opened[t] = opened[t] + new_crises - diverted
            scars = scars + (new_crises - diverted) * c.scar[t] * (1.0 + harm[d])
        without_help = self.unhelped(s)
        for j, t in enumerate(c.door):
            visits = c.walk_in[j] * s.people
            for d in range(len(crises)):
                for level in (1, 2):
                    if c.knock[j, d, level] > 0.0:
                        visits = visits + c.knock[j, d, level] * c.enters[j] * without_help[d, level]
                if c.arrives[j, d] > 0.0:
                    visits = visits + c.arrives[j, d] * crises[d]
            for k in range(len(c.service)):
                knock = c.knock[j, c.domain[k], c.level[k]]
                if knock > 0.0:
                    missing = each_most(0.0, 1.0 - a.effect[c.service[k]])[:, None]
                    visits = visits + knock * c.enters[j] * missing * s.helped[k]
            opened[t] = opened[t] + visits
        return opened, scars * (1.0 - p.resilience.network * a.rules.network_crisis)[:, None]

    # Resilience and trust.

    def set_baseline_memory(self, state: StockState, around: MonthConditions) -> None:
        """Set the changes of resilience and trust in a month at baseline, when all other stocks are in balance."""
        self.baseline_memory = 0.0, 0.0, 0.0
        assert self.base is not None
        mid, events = self.month(state, around)
        after, _ = self.demography(mid, around, state)
        _, events = self.start_help(after, around, events)
        self.baseline_memory = (
            *self._memory(state, around, self.base[1], events),
            self._trust_gain(after, around, events.started),
        )

    def _memory(self, s: StockState, a: MonthConditions, m: Multipliers, e: EventFlows) -> tuple[A, A]:
        """Mean resilience, and mean trust of people who ask, after the month, including the changes at baseline."""
        c, p = self.c, self.p
        assert self.base is not None
        b = self.base[1]
        scar = p.resilience.scar * (1.0 + (p.resilience.child_factor - 1.0) * c.young)
        children = 0.0 * s.people
        trust_change = 0.0 * s.people
        for k in range(len(c.service)):
            children = children + c.helps_children[k] * s.helped[k]
            # People with some need share the effect of requests on trust.
            trust_change = trust_change - p.help_seeking.hurt * (
                e.turned_away[k] + p.help_seeking.given_up * e.gave_up[k]
            )
        parents = c.parents * ratio(m.parents, b.parents)
        strained = c.strained * ratio(m.strained, b.strained) * (1.0 - a.rules.time_to_care)
        yearly = p.resilience.early_help * ratio(children, s.people) + a.nurture
        yearly = yearly - c.young * p.resilience.parent * parents[:, None]
        yearly = yearly - (1.0 - c.young) * p.resilience.carer * strained[:, None]
        resilience = s.resilience * (1.0 - p.resilience.fade / 12.0) + yearly / 12.0 - scar * ratio(e.scars, s.people)
        alarm = p.trust.false_alarm * each_least(1.0, 12.0 * a.outreach)[:, None] * (1.0 - c.needy)
        belief = p.legitimacy.fade * REFERENCE_TRUST * (a.legitimacy - 1.0)
        trust = s.trust * (1.0 - p.trust.fade / 12.0) + ratio(trust_change, c.needy * s.people)
        return resilience, trust + (belief[:, None] - alarm) / 12.0

    # Demography.

    def _demography(self, s: StockState, a: MonthConditions, m: Multipliers) -> tuple[StockState, DemographicFlows]:
        """Newcomers replace people who leave, and fill gaps to the target age mix."""
        c = self.c
        assert self.base is not None
        groups = range(1, s.people.shape[1])
        rate = c.death * (m.deaths / self.base[1].deaths)
        died, left, born = rate * s.people, c.moving * s.people, c.births * s.people[:, 0]
        gap = c.settling * (a.wanted - s.people)
        people = s.people + gap
        older = self._from_younger(s.people)
        entrants = older.copy()
        entrants[:, 0] = entrants[:, 0] + born
        arrived = left + c.growing * s.people + died - entrants + gap
        stays = 1.0 - c.growing - c.moving
        need = s.need.copy()
        for d in range(len(need)):
            mild_rate = rate if c.household[d] else rate * self._mild_death_rate(s, m, d)
            death_rates = [mild_rate, mild_rate, rate * m.death_at[d, 0], rate * m.death_at[d, 1]]
            newcomers = arrived
            if c.household[d]:
                households = c.households * s.people
                newcomers = c.households * people - households * (stays - rate) - self._from_younger(households)
            for level in range(4):
                remaining = s.need[d, level] * (stays - death_rates[level]) + self._from_younger(s.need[d, level])
                need[d, level] = remaining + newcomers * c.newcomer[d, level]
            if not c.household[d]:
                need[d, 0, :, 0] = need[d, 0, :, 0] + born
        helped, waiting = s.helped.copy(), s.waiting.copy()
        for k in range(len(c.service)):
            d = c.domain[k]
            death_rate = rate
            if not c.household[d]:
                death_rate = rate * (m.death_at[d, 0] if c.level[k] == 2 else self._mild_death_rate(s, m, d))
            served = (c.eligible[k] > 0.0).astype(float)
            for now, was in ((helped, s.helped), (waiting, s.waiting)):
                now[k] = was[k] * (stays - death_rate - c.outgrow[k]) + served * self._from_younger(was[k])
        # Newborn children and newcomers have the baseline's resilience and trust.
        memory = []
        for x in (s.resilience, s.trust):
            mixed = x * (1.0 - ratio(arrived + entrants, people))
            for g in groups:
                mixed[:, g] = mixed[:, g] + ratio(older[:, g], people[:, g]) * x[:, g - 1]
            memory.append(mixed)
        return StockState(need, helped, waiting, people, *memory), DemographicFlows(died, arrived, left, born)

    def _from_younger(self, x: A) -> A:
        """The part of a stock that grows into each age group from the group before."""
        out = 0.0 * x
        for g in range(1, x.shape[1]):
            out[:, g] = self.c.growing[:, g - 1] * x[:, g - 1]
        return out

    def _mild_death_rate(self, s: StockState, m: Multipliers, d: int) -> A:
        """The death rate of people without serious need over the mean rate, so that deaths add up to the total."""
        count = s.people
        heavy = s.need[d, 2] * m.death_at[d, 0] + s.need[d, 3] * m.death_at[d, 1]
        return ratio(each_most(count - heavy, 0.0), s.need[d, 0] + s.need[d, 1])


def _same_number(a: Any, b: Any) -> bool:
    return isinstance(a, float) and isinstance(b, float) and a == b
