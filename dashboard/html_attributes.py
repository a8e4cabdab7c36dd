"""HTML attributes whose names are not Python identifiers, such as `aria-label` and `data-search`."""

from __future__ import annotations

from typing import Any


def aria(**attributes: str) -> dict[str, Any]:
    """Attributes for assistive technology: `aria(label="Results")` gives `aria-label`."""
    return {f"aria-{name}": text for name, text in attributes.items()}


def data(**attributes: str) -> dict[str, Any]:
    """Attributes for scripts in the browser: `data(search="pay")` gives `data-search`."""
    return {f"data-{name}": text for name, text in attributes.items()}


def optional_id(id: str) -> dict[str, Any]:
    """The id of an element, if it has one."""
    return {"id": id} if id else {}
