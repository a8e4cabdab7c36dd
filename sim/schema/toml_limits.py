"""Limits of a TOML text, checked in linear time before the text is parsed.

Claim     A text within the limits is parsed in time and memory proportional to its length. The standard library's
          parser takes quadratic time and memory for a key of many parts, and a call for each bracket inside a bracket.
Limits    The scan is no parser: where a text is not TOML, the scan stops or counts approximately, and the parser
          refuses the text.
"""

from __future__ import annotations

import re
from pathlib import Path

from sim.schema.errors import InputError, Phrase

MOST_KEY_PARTS = 20
"""Parts of a dotted key. The longest key of a parameter has six."""
DEEPEST = 20
"""Brackets inside brackets."""
MOST_VALUES = 10_000
"""Keys, items of lists and tables of a file: about twenty times as many as in the largest file of the library."""
_PART = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
_TOKEN = re.compile(
    rf"""(?P<blank>(?:[ \t\r\n]+|\#[^\n]*)+)|(?P<long>\"{{3}}|'{{3}})|(?P<key>{_PART}(?:[ \t]*\.[ \t]*{_PART})*)"""
    r"""|(?P<open>[\[{])|(?P<close>[\]}])|(?P<value>[=,])|["']|[^\s\#"'A-Za-z0-9_\[\]{}=,-]+""",
    re.DOTALL | re.VERBOSE,
)
_PARTS = re.compile(_PART)
_LONG_STRING = {
    '"""': re.compile(r'(?:[^"\\]+|\\.|"(?!""))*+"{3,5}', re.DOTALL),
    "'''": re.compile(r"(?:[^']+|'(?!''))*+'{3,5}", re.DOTALL),
}


def check_limits(text: str, path: Path | str) -> None:
    """Check that a TOML text is small enough to be parsed in a moment.

    Parameters
    ----------
    text : str
        The text.
    path : Path or str
        Name of the file in messages.

    Raises
    ------
    InputError
        If a key has too many parts, brackets are nested too deeply, or there are too many values.

    Examples
    --------
    >>> check_limits("a.b = [1, 2]", "x.toml")
    >>> check_limits(".".join("a" * 21) + " = 1", "x.toml")
    Traceback (most recent call last):
        ...
    sim.schema.errors.InputError: x.toml, line 1: wanted keys of at most 20 parts, got a key of 21 parts
    """
    depth = values = at = 0
    while (token := _TOKEN.match(text, at)) is not None:
        kind, start, at = token.lastgroup, at, token.end()
        if kind == "long":
            end = _LONG_STRING[token[0]].match(text, at)
            if end is None:
                return  # not TOML from here on: the parser stops at the same place
            at = end.end()
        elif kind == "key":
            if at - start > 2 * MOST_KEY_PARTS:
                parts = sum(1 for _ in _PARTS.finditer(token[0]))
                if parts > MOST_KEY_PARTS:
                    came = Phrase(f"a key of {parts:,} parts")
                    raise _beyond(text, start, path, f"keys of at most {MOST_KEY_PARTS} parts", came)
        elif kind == "open":
            depth, values = depth + 1, values + 1
            if depth > DEEPEST:
                wanted = f"TOML with at most {DEEPEST} brackets inside one another"
                raise _beyond(text, start, path, wanted, Phrase("brackets inside brackets, too deep to read"))
        elif kind == "close":
            depth -= 1
        elif kind == "value":
            values += 1
        if values > MOST_VALUES:
            raise InputError(path, None, "", f"a file of at most {MOST_VALUES:,} values", Phrase("more than that"))


def _beyond(text: str, at: int, path: Path | str, wanted: str, came: Phrase) -> InputError:
    """The error of a limit, with its line."""
    return InputError(path, text.count("\n", 0, at) + 1, "", wanted, came)
