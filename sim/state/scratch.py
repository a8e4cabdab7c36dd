"""Scratch arrays of one part of the place: candidates of thinning, and events of the month."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.state.columns import A, column


class PartBounds(NamedTuple):
    """Bounds of the part of the place that a kernel works on: some consecutive neighbourhoods, or all of them."""

    person: Annotated[A, column("i8", "edge", "slot", "first slot, and the end")]
    dwelling: Annotated[A, column("i8", "edge", "dwelling", "first dwelling, and the end")]
    neighbourhood: Annotated[A, column("i8", "edge", "index", "first neighbourhood, and the end")]


class ThinningScratch(NamedTuple):
    """Candidates of a month in a part of the place, whose draws may lead to an event, and the events of the month."""

    worse_row: Annotated[A, column("u4", "domain candidate", "slot", "whose need may get worse, in order")]
    worse: Annotated[A, column("i8", "domain", "candidates", "how many")]
    better_row: Annotated[A, column("u4", "domain candidate", "slot", "whose need may get better, in order")]
    better: Annotated[A, column("i8", "domain", "candidates", "how many")]
    ask_row: Annotated[A, column("u4", "domain candidate", "slot", "who may have a help event, in order")]
    asking: Annotated[A, column("i8", "domain", "candidates", "how many")]
    tops: Annotated[A, column("u2", "block", "2^-16", "scratch: the top half of draws")]
    marks: Annotated[A, column("u1", "block", "0 or 1", "scratch: candidates among them")]
    found_row: Annotated[A, column("u4", "candidate", "slot", "scratch: who may be concerned")]
    found_top: Annotated[A, column("u2", "candidate", "2^-16", "scratch: the top half of their draw, or another note")]
    event_row: Annotated[A, column("u4", "candidate", "slot", "whose need changed this month")]
    event_domain: Annotated[A, column("u1", "candidate", "index", "in which domain")]
    event_to: Annotated[A, column("u1", "candidate", "0-3", "to which level")]
    event_service: Annotated[A, column("i1", "candidate", "service", "the acute service that took the crisis, or -1")]
    events: Annotated[A, column("i8", "one", "events", "how many")]
    renew: Annotated[
        A, column("u4", "candidate", "slot", "from the front: whose bounds are all due; from the back: some")
    ]
    reason: Annotated[A, column("u1", "candidate", "bits", "the parts of their state that changed")]
    renewals: Annotated[A, column("i8", "one", "persons", "how many stand at the front")]
    amendments: Annotated[A, column("i8", "one", "persons", "and how many at the back")]
    support: Annotated[A, column("f4", "domain candidate", "0-1", "support of those whose need may worsen")]
    company: Annotated[A, column("f4", "candidate", "0-1", "support of the adults surveyed, in order")]
