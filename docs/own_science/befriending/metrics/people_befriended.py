"""People whom befriending helps at one moment, for each 1,000 people. docs/own_science.md explains this example."""

from __future__ import annotations

from sim.results.metric_types import Metric, RatioParts
from sim.results.records import Record
from sim.services.catalogue import load_catalogue


def befriended(record: Record) -> RatioParts:
    """People helped by the service, over people, by deprivation fifth. Both are counted at the end of a month."""
    position = [service.id for service in load_catalogue()].index("befriending")
    people = record.monthly["people"].sum(axis=2)
    return RatioParts(record.monthly["helped"][:, position], ("quintile",), people, ("quintile",), 1000.0)


METRICS = (Metric("people_befriended", "People befriended", "per 1,000 people", "up", 2, befriended, "access"),)
