"""Check of a callback's request before Dash reads it: its shape must be that of a callback of the page.

Dash trusts the body of a request. A body of another shape ends in an error inside Dash, which would be reported as an
error of the server; the page reports it as a wrong request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dash import Dash


def problem(app: Dash, body: Any) -> str:
    """What is wrong with the body of a request, as a sentence; "" if nothing is."""
    if not isinstance(body, dict):
        return "The request must be a JSON object."
    output = body.get("output")
    callback = app.callback_map.get(output) if isinstance(output, str) else None
    if callback is None or "callback" not in callback:
        return "The request names no callback of this page."
    parts = body.get("inputs"), body.get("state", [])
    if not all(_matches(part, callback[name]) for part, name in zip(parts, ("inputs", "state"), strict=True)):
        return "The inputs of the request are not those of the callback."
    multiple = output.startswith("..")
    outputs = body.get("outputs")
    if isinstance(outputs, list) != multiple and not (isinstance(outputs, list) and "ALL" in output):
        return "The outputs of the request are not those of the callback."
    if not all(_is_property(each) for each in _flat(outputs if isinstance(outputs, list) else [outputs])):
        return "The outputs of the request are not those of the callback."
    if multiple and len(outputs) != output.count("...") + 1:
        return "The outputs of the request are not those of the callback."
    changed = body.get("changedPropIds", [])
    known = {f"{_text(each['id'])}.{each['property']}" for part in parts for each in _flat(part)}
    if not isinstance(changed, list) or not all(isinstance(name, str) and name in known for name in changed):
        return "The changed properties of the request are not inputs of the callback."
    return ""


def _matches(parts: Any, declared: Sequence[Mapping[str, str]]) -> bool:
    """Whether the inputs, or the state, of a request are those that a callback declares."""
    if not isinstance(parts, list) or len(parts) != len(declared):
        return False
    for part, wanted in zip(parts, declared, strict=True):
        pattern = json.loads(wanted["id"]) if wanted["id"].startswith("{") else wanted["id"]
        every = isinstance(pattern, dict) and ["ALL"] in pattern.values()
        if isinstance(part, list) != every:
            return False
        for each in part if every else [part]:
            if not _is_property(each) or each["property"] != wanted["property"] or not _fits(each["id"], pattern):
                return False
    return True


def _fits(component: Any, pattern: Any) -> bool:
    """Whether the id of a component is, or matches, the id that a callback declares."""
    if not isinstance(component, dict) or not isinstance(pattern, dict):
        return bool(component == pattern)
    return component.keys() == pattern.keys() and all(
        isinstance(component[key], str | int) if isinstance(value, list) else component[key] == value
        for key, value in pattern.items()
    )


def _is_property(each: Any) -> bool:
    return isinstance(each, dict) and isinstance(each.get("id"), str | dict) and isinstance(each.get("property"), str)


def _flat(parts: Sequence[Any]) -> list[Any]:
    return [each for part in parts for each in (part if isinstance(part, list) else [part])]


def _text(component: str | dict[str, Any]) -> str:
    """The id of a component as Dash writes it."""
    return component if isinstance(component, str) else json.dumps(component, sort_keys=True, separators=(",", ":"))
