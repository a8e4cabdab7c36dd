"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""Write a table in Markdown; floats are written in short form.

    Parameters
    ----------
    head : sequence of str
        Headings.
    rows : iterable of sequence
        Cells, which are put on one line.

    Returns
    -------
    str

    Examples
    --------
    >>> print(markdown_table(["a"], [[0.5], ["x|y"]]))
    | a |
    | --- |
    | 0.5 |
    | x\|y |
    """

    def cell(value: object) -> str:
        text = f"{value:g}" if isinstance(value, float) else str(value)
        return " ".join(text.split()).replace("|", "\\|")

    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell(value) for value in line) + " |" for line in lines)
