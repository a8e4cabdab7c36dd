"""Names of months, YYYY-MM."""

from __future__ import annotations


def months_between(first: str, second: str) -> int:
    """Count the months from one month to another.

    Parameters
    ----------
    first, second : str
        Months, YYYY-MM.

    Returns
    -------
    int
        Negative if the second is earlier.

    Examples
    --------
    >>> months_between("2025-04", "2026-06")
    14
    """
    return (int(second[:4]) - int(first[:4])) * 12 + int(second[5:7]) - int(first[5:7])


def month_name(start: str, month: int) -> str:
    """Name the month that lies some months after another.

    Parameters
    ----------
    start : str
        A month, YYYY-MM.
    month : int
        Number of months.

    Returns
    -------
    str
        YYYY-MM.

    Examples
    --------
    >>> month_name("2025-04", 12)
    '2026-04'
    """
    total = int(start[:4]) * 12 + int(start[5:7]) - 1 + month
    return f"{total // 12:04d}-{total % 12 + 1:02d}"
