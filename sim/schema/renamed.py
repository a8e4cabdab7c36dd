"""Former names of options, levers, parameters, measures, columns and modules, each with the name used now.

Every message that says "A is now called B" reads these tables, on the command line, on the page and for input files.
"""

from __future__ import annotations

OPTIONS: dict[str, str] = {
    "--until": "--precision",
    "--without": "--knock-out",
    "--chosen": "--people-shown",
    "--steady": "--stability",
    "--draw-parameters": "--draws",
    "--merge": "--aggregate",
}
"""Options of the command line."""

COMMANDS: dict[str, str] = {"calibrate --solve": "calibrate"}
"""Commands with an option that is now a command."""

ENGINES: dict[str, str] = {"reference": "mesa"}
"""Values of `--engine`, and of `engine` in `sim.compare`."""

LEVERS: dict[str, str] = {
    "feedback": "user_feedback",
    "spine": "learning_network",
    "seeded": "grown_or_commissioned",
    "belonging": "staff_inclusion",
    "attention": "political_salience",
    "voice": "resident_voice",
    "compliance": "post_incident_rules",
    "providers": "provider_fragmentation",
}
"""Levers, as scenario files, links to the page and `--set policies.LEVER` name them."""

PARAMETER_GROUPS: dict[str, str] = {
    "crowding_out": "overspend_recovery",
    "pilots": "non_statutory_closure",
    "headlines": "political_attention",
    "sticky_costs": "semi_fixed_costs",
    "outlays": "programme_costs",
    "last_resort": "walk_in_demand",
    "taking_part": "coproduction_uptake",
    "nurture": "child_services",
}
"""Groups of parameters: the part of a parameter's name before the dot."""

PARAMETERS: dict[str, str] = {"spending.fixed": "levers.cashable, which is 1 less spending.fixed"}
"""Single parameters, by dotted name."""

KEYS: dict[str, str] = {"recalibrate": "calibrate, and is none, fast or full"}
"""Keys of input files."""

METRICS: dict[str, str] = {}
"""Measures, by id."""

COLUMNS: dict[str, str] = {"low": "q025", "high": "q975", "sure_low": "ci_low", "sure_high": "ci_high"}
"""Columns of results."""

MODULES: dict[str, str] = {}
"""Modules of the package `sim`."""


class FormerNameError(ValueError):
    """A former name was used. The message is one sentence with both names.

    Parameters
    ----------
    old, new : str
        The former name and the present name.
    """

    def __init__(self, old: str, new: str) -> None:
        """Compose the message."""
        super().__init__(renamed(old, new))


def renamed(old: str, new: str) -> str:
    """Compose the sentence for a name that has changed.

    Parameters
    ----------
    old, new : str
        The former name and the present name.

    Returns
    -------
    str

    Examples
    --------
    >>> renamed("--until", "--precision")
    '--until is now called --precision'
    """
    return f"{old} is now called {new}"
