"""Attributes of elements whose names are not names in Python."""

from __future__ import annotations

from typing import Any


def aria(**told: str) -> dict[str, Any]:
    """What assistive technology is told of an element: `aria(label="Results")` is `aria-label`."""
    return {f"aria-{name}": text for name, text in told.items()}


def data(**told: str) -> dict[str, Any]:
    """What scripts in the browser read of an element: `data(search="pay")` is `data-search`."""
    return {f"data-{name}": text for name, text in told.items()}


def named(id: str) -> dict[str, Any]:
    """An element's id, where it has one."""
    return {"id": id} if id else {}
