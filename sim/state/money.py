"""Money of each budget holder: granted, spent, saved, overspent and bailed out."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.state.columns import A, column


class Money(NamedTuple):
    """Money in whole pence: monthly flows by service, and the account of each silo."""

    funding: Annotated[A, column("i8", "service", "pence", "money that came in for the service this month")]
    spent: Annotated[A, column("i8", "service", "pence", "money that went out this month")]
    carried: Annotated[A, column("i8", "silo", "pence", "what the silo has left, or owes, after this month")]
    bailed_out: Annotated[A, column("i8", "silo", "pence", "paid in by the centre this month to cover an overspend")]
    clawed_back: Annotated[A, column("i8", "silo", "pence", "taken by the centre this month out of a saving")]
    reinvested: Annotated[A, column("i8", "silo", "pence", "saving kept this month for prevention in the year ahead")]
    kappa: Annotated[A, column("f8", "silo", "share", "part of an overspend that next year's prevention bears")]
    rho: Annotated[A, column("f8", "silo", "share", "part of a saving that is kept and reinvested")]
    pooled: Annotated[A, column("i8", "silo", "pence", "came from (or went to) other silos' accounts this month")]
    outlay: Annotated[A, column("i8", "purpose", "pence", "new money paid this month for what no service does")]
