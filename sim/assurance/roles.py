"""The people who answer for a model: commissioner, analyst, assurer, approver, and owners of assumptions.

The user names them in a TOML file; the program names nobody.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from sim.assurance.log_table import LogTable
from sim.schema import toml_files
from sim.schema.quantities import Closed

UNNAMED = "to be named by the user"
DUTIES = {
    "commissioner": "Asks the question, and decides for which decision the answer is good enough.",
    "analyst": "Runs the model, states its limits, and keeps these logs.",
    "assurer": "Checks the analysis, and is not the analyst.",
    "approver": "Signs off the quality assurance, and the use of the result.",
}


class Roles(Closed):
    """The file of `--roles`.

    Examples
    --------
    >>> Roles(analyst="A. Analyst").owner("need.beta_support")
    'A. Analyst'
    >>> Roles(owners={"services": "B. Owner"}).owner("services.gp.activity.mean_months")
    'B. Owner'
    """

    commissioner: str = Field("", max_length=200)
    analyst: str = Field("", max_length=200)
    assurer: str = Field("", max_length=200)
    approver: str = Field("", max_length=200)
    owners: dict[str, str] = Field(
        default_factory=dict,
        description="owner of the parameters whose names begin with the key, such as services.gp; the longest key "
        "counts. Without one, the analyst.",
    )

    def owner(self, parameter: str) -> str:
        """Return the owner of a parameter: that of the longest beginning of its name, else the analyst."""
        parts = parameter.split(".")
        for k in range(len(parts), 0, -1):
            name = self.owners.get(".".join(parts[:k]))
            if name:
                return name
        return self.analyst or UNNAMED


def load_roles(path: Path | None) -> Roles:
    """Read the file of `--roles`; without a file nobody is named.

    Parameters
    ----------
    path : Path or None
        The file.

    Returns
    -------
    Roles

    Raises
    ------
    InputError
        If the file cannot be read, or has other keys.
    """
    return Roles() if path is None else toml_files.load(path.expanduser().resolve(), Roles)


def roles_table(roles: Roles) -> LogTable:
    """Make the log of roles."""
    rows = tuple({"role": role, "name": getattr(roles, role) or UNNAMED, "duty": duty} for role, duty in DUTIES.items())
    return LogTable("roles", "Roles", {"role": "Role", "name": "Name", "duty": "Duty"}, rows)
