"""The key of sources: codes such as [DS1] and M44 with the publication or the claim that they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from dash import html

from sim.assurance.data import KEY, sources
from sim.validation.claims import claim_texts

CLAIM = re.compile(r"\bM\d+\b")
REGISTER = re.compile(r"\b[A-FV]\d{2}\b")
REGISTER_NOTE = "A letter and two digits, such as D02, is a row of the evidence register of the project."


@cache
def _claims() -> dict[str, str]:
    return claim_texts()


def key_of(texts: Iterable[str]) -> list[html.Li]:
    """An entry for each code in some texts, in order: publication, publisher and edition, or the claim in words."""
    joined = " ".join(texts)
    cited = [key for key in dict.fromkeys(KEY.findall(joined)) if key in sources()]
    claims = [code for code in dict.fromkeys(CLAIM.findall(joined)) if code in _claims()]
    entries = [
        html.Li([html.Strong(f"[{key}] "), f"{each.name}. {each.publisher}, {each.edition}."])
        for key, each in ((key, sources()[key]) for key in cited)
    ]
    entries += [html.Li([html.Strong(f"{code} "), f"{_claims()[code]} (a claim, not a figure)"]) for code in claims]
    if REGISTER.search(joined):
        entries.append(html.Li(REGISTER_NOTE))
    return entries


def key_list(texts: Iterable[str]) -> list[html.Ul]:
    """The entries as a list; nothing if no code is cited."""
    entries = key_of(texts)
    return [html.Ul(entries, className="source-key")] if entries else []
