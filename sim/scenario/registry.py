"""Registration of mechanisms: importing this module imports the files of the five domain folders and checks them."""

from __future__ import annotations

import sys
from functools import cache

from sim import feedback, networks, people, policies, services
from sim.engine.schedule import REGISTRY
from sim.people.domains import load_domains
from sim.policies import levers
from sim.schema.declarations import declared_modules, import_declaration, line_of
from sim.schema.errors import NOTHING, InputError
from sim.services import catalogue
from sim.state.world import TABLES

FOLDERS = (people, services, networks, policies, feedback)


@cache
def check_declarations() -> None:
    """Check what levers, mechanisms, services and domains declare, together. Nothing is compiled.

    Raises
    ------
    InputError
        With the file, the line and the choices.
    """
    for folder in FOLDERS:
        for name in declared_modules(folder):
            import_declaration(name)
    known = {lever.name for lever in levers()}
    moved = {entry.lever for entry in REGISTRY.entries.values()}
    for entry in REGISTRY.entries.values():
        if entry.lever is not None and entry.lever not in known:
            line = line_of(entry.file, r"\blever=")
            raise InputError(entry.file, line, "mechanism.lever", "the name of a lever", entry.lever, sorted(known))
    for lever in levers():
        if lever.name not in moved:
            module = str(sys.modules[f"{policies.__name__}.{lever.name}"].__file__)
            wanted = f'a kernel for the lever: @mechanism(Phase.POLICY, …, lever="{lever.name}")'
            raise InputError(module, None, "mechanism.lever", wanted, NOTHING)
    REGISTRY.check(TABLES)
    domains = tuple(domain.id for domain in load_domains())
    for service in catalogue.load_catalogue():
        if service.domain not in domains:
            file = catalogue.file_of(service.id)
            raise InputError(file, line_of(file, r"^domain\b"), "domain", "a domain of need", service.domain, domains)


check_declarations()
