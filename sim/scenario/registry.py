"""Every mechanism there is: importing this enters each file of the five folders in the book."""

from __future__ import annotations

import importlib
import pkgutil

from sim import feedback, networks, people, policies, services

FOLDERS = (people, services, networks, policies, feedback)
for _folder in FOLDERS:
    for _info in pkgutil.iter_modules(_folder.__path__):
        importlib.import_module(f"{_folder.__name__}.{_info.name}")
