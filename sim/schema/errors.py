"""Errors of input: one line with the file, the line, the key, what was wanted, what came, and the choices."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

KeyPath = tuple[str | int, ...]
LONGEST_VALUE = 60
MOST_CHOICES = 40


class Phrase(str):
    """A description in the program's words: shown as it is, where a user's value is shown in quotation marks."""


NOTHING = Phrase("nothing")


class RequirementError(ValueError):
    """Raised in a validator of a model: the value that was wanted, the value that came, and the key at fault.

    Parameters
    ----------
    wanted : str
        Noun phrase that follows "wanted".
    came : object
        The value in the file, or a `Phrase` about it.
    choices : iterable, optional
        Values that are allowed.
    below : tuple of str or int
        Path of the key at fault below the model.
    """

    def __init__(self, wanted: str, came: object, choices: Iterable[object] = (), below: KeyPath = ()) -> None:
        """Keep the parts, and compose a short message."""
        super().__init__(f"wanted {wanted}, got {shown(came)}")
        self.wanted, self.came, self.choices, self.below = wanted, came, tuple(choices), below


class InputError(ValueError):
    """An input is wrong. Its text is one line: file, line, key, the value wanted, the value that came, and the choices.

    Parameters
    ----------
    file : str or Path
        The file, or another name for the place of the mistake.
    line : int or None
        Line in the file, counted from 1.
    key : str
        Dotted name of the key at fault, or "".
    wanted : str
        Noun phrase that follows "wanted"; a `Phrase` is a complete sentence and stands alone.
    came : object
        The value that came, or a `Phrase` about it.
    choices : iterable, optional
        Values that are allowed.
    further : int
        Number of further mistakes in the file.

    Examples
    --------
    >>> print(InputError("town.toml", 3, "kind", "one of these", "citty", ["city", "county"]))
    town.toml, line 3: kind: wanted one of these, got 'citty'; there are: city, county (did you mean 'city'?)
    """

    def __init__(
        self,
        file: str | Path,
        line: int | None,
        key: str,
        wanted: str,
        came: object = NOTHING,
        choices: Iterable[object] = (),
        further: int = 0,
    ) -> None:
        """Keep the parts, and compose the text."""
        self.file, self.line, self.key = str(file), line, key
        self.wanted, self.came, self.choices, self.further = wanted, came, tuple(choices), further
        super().__init__(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild the error from its parts in another process."""
        return type(self), (self.file, self.line, self.key, self.wanted, self.came, self.choices, self.further)

    def __str__(self) -> str:
        """Compose the text in one line."""
        place = plain(_near(self.file)) + (f", line {self.line}" if self.line else "")
        wish = plain(self.wanted) if isinstance(self.wanted, Phrase) else f"wanted {plain(self.wanted)}"
        text = ": ".join(part for part in (place, plain(self.key, 120), wish) if part)
        text += f", got {shown(self.came)}"
        if self.choices:
            names = [plain(str(choice), LONGEST_VALUE) for choice in self.choices]
            rest = len(names) - MOST_CHOICES
            text += f"; there are: {', '.join(names[:MOST_CHOICES])}" + (f" and {rest} more" if rest > 0 else "")
            alike = self.suggestion()
            text += f" (did you mean {shown(alike)}?)" if alike is not None else ""
        if self.further:
            text += f"; and {self.further} more problem{'s' if self.further > 1 else ''} in this file"
        return text

    def suggestion(self) -> str | None:
        """Return the choice that is most similar to the value that came, or None if no choice is similar."""
        if not isinstance(self.came, str) or isinstance(self.came, Phrase):
            return None
        choices = {str(choice).casefold(): str(choice) for choice in self.choices}
        close = difflib.get_close_matches(self.came[:200].casefold(), list(choices), n=1, cutoff=0.6)
        return choices[close[0]] if close else None


def plain(text: str, longest: int = 2_000) -> str:
    """Put a text on one line, with control and invisible characters escaped.

    Parameters
    ----------
    text : str
        The text.
    longest : int
        Number of characters after which the text is cut, with an ellipsis.

    Returns
    -------
    str
    """
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[: longest + 1])
    return escaped if len(escaped) <= longest else escaped[: longest - 1] + "…"


def shown(value: object) -> str:
    """Show a value as it would be written in the file, in at most about 60 characters.

    Parameters
    ----------
    value : object
        A value from an input file, or a `Phrase`, which is shown without quotation marks.

    Returns
    -------
    str

    Examples
    --------
    >>> print(shown("town"), shown(True), shown([1, 2]), shown(Phrase("nothing")))
    'town' true [1, 2] nothing
    """
    if isinstance(value, Phrase):
        return plain(value, 4 * LONGEST_VALUE)
    if isinstance(value, str):
        inner = plain(value, LONGEST_VALUE)
        return f"'{inner}'" if "'" not in inner else f'"{inner}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a table with " + plain(", ".join(map(str, value)), LONGEST_VALUE) if value else "an empty table"
    if isinstance(value, list | tuple):
        few = ", ".join(shown(item) for item in value[:8]) + (", …" if len(value) > 8 else "")
        return f"[{plain(few, LONGEST_VALUE)}]"
    if isinstance(value, int) and abs(value) >= 10**LONGEST_VALUE:
        return "a number of more than 60 digits"
    return plain(str(value), LONGEST_VALUE)


def _near(file: str) -> str:
    """The file's path relative to the current folder, if the file lies in it."""
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return file
