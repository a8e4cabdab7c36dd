"""The parts of a mechanism's docstring: its first sentence, Claim, Evidence and Limits."""

from __future__ import annotations

import re


def docstring_sections(text: str) -> dict[str, str]:
    """Divide the docstring of a mechanism into its parts.

    Parameters
    ----------
    text : str
        The docstring.

    Returns
    -------
    dict of str to str
        Text by heading, each on one line; the first sentence under "".

    Examples
    --------
    >>> docstring_sections('''Need grows.
    ...
    ... Claim     n <- n + 1,
    ...           every month.
    ... Limits    One need.
    ... ''')
    {'': 'Need grows.', 'Claim': 'n <- n + 1, every month.', 'Limits': 'One need.'}
    """
    lines_of: dict[str, list[str]] = {"": []}
    current = ""
    for line in text.strip().splitlines():
        heading = re.match(r"([A-Z][a-z]+) {2,}(.*)", line)
        if heading:
            current = heading[1]
            lines_of[current] = [heading[2]]
        elif line.startswith(" ") or current == "":
            lines_of[current].append(line.strip())
    return {name: " ".join(" ".join(lines).split()) for name, lines in lines_of.items()}
