"""Keys of a TOML file: their dotted text, their path, and the line of the file that has them."""

from __future__ import annotations

import contextlib
import re
import tomllib
from functools import lru_cache

from sim.schema.errors import InputError, KeyPath
from sim.schema.toml_limits import check_limits


def dotted(keys: KeyPath) -> str:
    """Join the parts of a key.

    Parameters
    ----------
    keys : tuple of str or int
        Parts of the key: names, and positions in lists counted from 0.

    Returns
    -------
    str

    Examples
    --------
    >>> dotted(("policies", 0, "lever"))
    'policies[0].lever'
    """
    text = ""
    for key in keys:
        bare = isinstance(key, int) or re.fullmatch(r"[\w-]+", key)
        text += f"[{key}]" if isinstance(key, int) else ("." if text else "") + (key if bare else f'"{key}"')
    return text


def key_parts(text: str) -> KeyPath:
    """Split a dotted key into its parts: the inverse of `dotted`.

    Parameters
    ----------
    text : str
        The key.

    Returns
    -------
    tuple of str or int
        Empty if the text is not a key.

    Examples
    --------
    >>> key_parts("policies[0].lever")
    ('policies', 0, 'lever')
    """
    parts: list[str | int] = []
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None or (step["dot"] is None and step["index"] is None and at > 0):
            return ()
        name = step["quoted"] or step["single"] or step["bare"]
        parts.append(int(step["index"]) if step["index"] else name)
        at = step.end()
    return tuple(parts)


def locate(text: str, key_path: str | KeyPath) -> int | None:
    r"""Find the line of a key in a TOML text.

    Parameters
    ----------
    text : str
        The text.
    key_path : str or tuple of str or int
        The key, dotted or in parts.

    Returns
    -------
    int or None
        Line of the key, counted from 1; for a missing key the line of the table that would hold it; None without
        either, and for a text beyond the limits of `sim.schema.toml_limits`.

    Examples
    --------
    >>> locate("[place]\npeople = 3", "place.people")
    2
    """
    keys = key_parts(key_path) if isinstance(key_path, str) else tuple(key_path)
    try:
        check_limits(text, "")
    except InputError:
        return None
    lines = _lines(text)
    while keys and keys not in lines:
        keys = keys[:-1]
    return lines.get(keys) if keys else None


@lru_cache(maxsize=4)
def _lines(text: str) -> dict[KeyPath, int]:
    """The line of every key of a text: files are asked for many keys in turn."""
    return _Scan(text).lines


_STEP = re.compile(
    r"""\[(?P<index>\d{1,9})\]|(?P<dot>(?!^)\.)?("(?P<quoted>[^"]+)"|'(?P<single>[^']+)'|(?P<bare>[\w-]+))"""
)
_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_STRING = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', re.DOTALL)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]\}\n#]+")


class _Scan:
    """One pass over a TOML text that notes the line of every key and list item. It stops where the text is not TOML."""

    def __init__(self, text: str) -> None:
        """Scan the text."""
        self.text, self.at, self.line, self.counted = text, 0, 1, 0
        self.lines: dict[KeyPath, int] = {}
        self.rows: dict[KeyPath, int] = {}  # how many tables an [[array]] has had so far
        with contextlib.suppress(_NotTOMLError, RecursionError):
            self._document()

    def _note(self, path: KeyPath) -> None:
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                break
            self.lines[path[:length]] = self.line

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise _NotTOMLError
        self.at = match.end()
        return match[0]

    def _is(self, mark: str) -> bool:
        return self.text.startswith(mark, self.at)

    def _document(self) -> None:
        table: KeyPath = ()
        while True:
            self._skip(_BLANK)
            if self.at >= len(self.text):
                return
            if self._is("["):
                double = self._is("[[")
                start = self.at
                self.at += 2 if double else 1
                name = self._key()
                end, self.at = self.at, start
                table = self._resolved(name[:-1])
                if double:
                    array = (*table, name[-1])
                    row = self.rows.get(array, 0)
                    self.rows[array] = row + 1
                    table = (*array, row)
                else:
                    table = self._resolved(name)
                self._note(table)
                self.at = end + (2 if double else 1)
            else:
                self._pair(table)

    def _resolved(self, name: KeyPath) -> KeyPath:
        """A table's name with the number of the [[row]] it belongs to."""
        path: KeyPath = ()
        for part in name:
            path = (*path, part)
            if path in self.rows:
                path = (*path, self.rows[path] - 1)
        return path

    def _key(self) -> KeyPath:
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            if self._is('"') or self._is("'"):
                parts.append(_unquoted(self._skip(_STRING)))
            else:
                parts.append(self._skip(_BARE_KEY))
            self._skip(_SPACE)
            if not self._is("."):
                return tuple(parts)
            self.at += 1

    def _pair(self, table: KeyPath) -> None:
        start = self.at
        path = (*table, *self._key())
        end, self.at = self.at, start
        self._note(path)
        self.at = end
        if not self._is("="):
            raise _NotTOMLError
        self.at += 1
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        if self._is('"') or self._is("'"):
            self._skip(_STRING)
        elif self._is("[") or self._is("{"):
            listed = self._is("[")
            self.at += 1
            self._skip(_BLANK)
            number = 0
            while not self._is("]" if listed else "}"):
                if listed:
                    self._note((*path, number))
                    self._value((*path, number))
                else:
                    self._pair(path)
                number += 1
                self._skip(_BLANK)
                if self._is(","):
                    self.at += 1
                    self._skip(_BLANK)
                elif not self._is("]" if listed else "}"):
                    raise _NotTOMLError
            self.at += 1
        else:
            self._skip(_SCALAR)


def _unquoted(written: str) -> str:
    if "\\" not in written:
        return written[1:-1]
    try:
        return str(tomllib.loads(f"k = {written}")["k"])
    except ValueError:
        raise _NotTOMLError from None


class _NotTOMLError(Exception):
    """The scan met a text that it cannot read."""
