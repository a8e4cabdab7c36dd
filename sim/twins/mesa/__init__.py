"""The same model told a second time, as a Mesa model of plain objects, to be read aloud and to check the core by.

It is written from MODEL.md, throws the same dice, and agrees with the core in every person, count and penny, month by
month (`python -m sim.twins.mesa.agreement`). It is some hundred times slower.
"""

import importlib
import pkgutil

from sim.twins.mesa.model import MesaModel

FACES = {"agreement", "app", "__main__"}
"""What is started, and tells no step."""

for _info in pkgutil.iter_modules(__path__):
    if _info.name not in FACES:  # each of the others enters the steps it tells under their names
        importlib.import_module(f"{__name__}.{_info.name}")

__all__ = ["MesaModel"]
