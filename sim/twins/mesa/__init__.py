"""A second implementation of the model as a Mesa model of plain objects, for reading and for checking the core.

It is written from MODEL.md and uses the same random numbers. It agrees with the core in every person, count and penny,
month by month (`python -m sim.twins.mesa.agreement`). It is about a hundred times slower.
"""

from sim.twins.mesa.model import MesaModel

__all__ = ["MesaModel"]
