"""Numbers as text: one form for tables, sentences, charts and files, in UK style.

A share is a percentage without a space (15%), a difference of shares is in percentage points, thousands have a
separator, and a number that rounds to 0 has no sign.
"""

from __future__ import annotations

import math

MINUS = "\N{MINUS SIGN}"
"""The minus sign of pages and pictures. Terminals and files have the hyphen, which spreadsheets read."""
POINTS = "percentage points"
INDEX_POINTS = "points of the index"


def is_share(unit: str) -> bool:
    """Test whether a unit is a share from 0 to 1, which is shown as a percentage.

    Parameters
    ----------
    unit : str
        Unit of a measure.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_share("share of adults"), is_share("months")
    (True, False)
    """
    return unit == "share" or unit.startswith("share ")


def shown_unit(unit: str) -> str:
    """State the unit of a level as it is shown.

    Parameters
    ----------
    unit : str
        Unit of a measure.

    Returns
    -------
    str

    Examples
    --------
    >>> shown_unit("share of spending")
    '% of spending'
    """
    return unit.replace("share", "%", 1) if is_share(unit) else unit


def difference_unit(unit: str) -> str:
    """State the unit of a difference as it is shown.

    Parameters
    ----------
    unit : str
        Unit of a measure.

    Returns
    -------
    str

    Examples
    --------
    >>> difference_unit("share of spending"), difference_unit("index, baseline year 1 = 100")
    ('percentage points of spending', 'points of the index')
    """
    if unit.startswith("index"):
        return INDEX_POINTS
    return unit.replace("share", POINTS, 1) if is_share(unit) else unit


def fixed(value: float, decimals: int, *, signed: bool = False, minus: str = "-") -> str:
    """Write a number with a fixed number of decimals and thousands separators; no sign if it rounds to 0.

    Parameters
    ----------
    value : float
        The number.
    decimals : int
        Number of decimals.
    signed : bool
        Whether a positive number has a plus sign.
    minus : str
        The minus sign.

    Returns
    -------
    str

    Examples
    --------
    >>> fixed(-0.04, 1), fixed(1234.5, 1, signed=True)
    ('0.0', '+1,234.5')
    """
    text = f"{abs(value):,.{decimals}f}"
    if not any(digit in text for digit in "123456789"):
        return text
    return f"{'+' if signed and value > 0.0 else minus if value < 0.0 else ''}{text}"


def number_text(
    value: float | None,
    unit: str,
    decimals: int,
    *,
    signed: bool = False,
    relative: bool = False,
    minus: str = "-",
    missing: str = "-",
) -> str:
    """Write a level or a difference of a measure.

    Parameters
    ----------
    value : float or None
        The number in `unit`.
    unit : str
        Unit of the measure. A share is written in per cent; a difference of shares in percentage points, without a
        mark, as the heading names the unit.
    decimals : int
        Decimals of the number in `unit`.
    signed : bool
        Whether the number is a difference.
    relative : bool
        Whether the difference is a share of the level from which it is taken, which is written with a % sign.
    minus, missing : str
        The minus sign, and the text for a missing number.

    Returns
    -------
    str

    Examples
    --------
    >>> number_text(0.1234, "share of adults", 3), number_text(-0.05, "share of adults", 3, signed=True)
    ('12.3%', '-5.0')
    >>> number_text(0.15, "share", 3, signed=True, relative=True)
    '+15.0%'
    """
    if value is None or not math.isfinite(value):
        return missing
    if not is_share(unit):
        return fixed(value, decimals, signed=signed, minus=minus)
    mark = "%" if relative or not signed else ""
    return fixed(100.0 * value, max(decimals - 2, 1), signed=signed, minus=minus) + mark


def sd_text(value: float | None, unit: str, decimals: int, *, missing: str = "-") -> str:
    """Write a standard deviation: without a sign, that of shares in percentage points.

    Parameters
    ----------
    value : float or None
        The number in `unit`.
    unit : str
        Unit of the measure.
    decimals : int
        Decimals of the number in `unit`.
    missing : str
        The text for a missing number.

    Returns
    -------
    str

    Examples
    --------
    >>> sd_text(0.05, "share of adults", 3), sd_text(27.94, "months", 1)
    ('5.0', '27.9')
    """
    return number_text(value, unit, decimals, signed=True, missing=missing).removeprefix("+")


def plain_number(value: float, decimals: int = 6) -> float | None:
    """Round a number for a file; None for NaN and infinities, which JSON lacks, and never -0.0.

    Parameters
    ----------
    value : float
        The number.
    decimals : int
        Number of decimals.

    Returns
    -------
    float or None

    Examples
    --------
    >>> plain_number(-1e-9), plain_number(float("nan"))
    (0.0, None)
    """
    return round(float(value), decimals) + 0.0 if math.isfinite(value) else None
