"""JSON as the commands write it: on one line for programs, indented for people. No NaN: it is not JSON."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

PLAIN = {str, float, int, bool, type(None)}


def on_one_line(document: Any) -> str:
    """The document on one line."""
    return json.dumps(document, allow_nan=False) + "\n"


def indented(document: Any) -> str:
    """What `json.dumps` makes of a document, whose keys are texts, with `indent=1`, in half the time."""
    return _inside(document, "\n") + "\n"


def _inside(value: Any, margin: str) -> str:
    """A value as text. `margin`: what begins each line around it, a line feed and a space for each level."""
    if not isinstance(value, dict | list | tuple) or not value:
        return _encoder(margin).encode(value)
    inner = margin + " "
    parts = value.values() if isinstance(value, dict) else value
    if PLAIN.issuperset(map(type, parts)):  # Python's quick encoder writes all of it; its brackets get their own lines
        text = _encoder(inner).encode(value)
        return f"{text[0]}{inner}{text[1:-1]}{margin}{text[-1]}"
    if isinstance(value, dict):
        lines = [f"{_encoder(inner).encode(key)}: {_inside(part, inner)}" for key, part in value.items()]
        return f"{{{inner}{f',{inner}'.join(lines)}{margin}}}"
    return f"[{inner}{f',{inner}'.join(_inside(part, inner) for part in value)}{margin}]"


@lru_cache
def _encoder(margin: str) -> json.JSONEncoder:
    """Writes each part of a flat value on a line of its own; `json` has a quick encoder for all but `indent`."""
    return json.JSONEncoder(allow_nan=False, separators=(f",{margin}", ": "))
