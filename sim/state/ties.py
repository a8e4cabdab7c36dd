"""Ties between people: friends, neighbours and kin outside the home."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.state.columns import A, column


class TieLists(NamedTuple):
    """Friends, neighbours and kin outside the home; those of slot i are to[start[i]:start[i + 1]]."""

    start: Annotated[A, column("u4", "person_edge", "index", "where a slot's ties begin")]
    to: Annotated[A, column("u4", "tie", "slot", "the other end")]
