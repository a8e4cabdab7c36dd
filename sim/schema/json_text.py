"""JSON documents for people: indented, with a line for each value, and without NaN."""

from __future__ import annotations

import json
from typing import Any


def indented_json(document: Any) -> str:
    """A document as indented JSON. Raises ValueError for NaN: documents have None, which JSON writes as null."""
    return json.dumps(document, indent=1, allow_nan=False) + "\n"
