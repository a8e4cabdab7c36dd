"""Months by name, YYYY-MM."""

from __future__ import annotations


def months_between(first: str, second: str) -> int:
    """Months from one YYYY-MM to another."""
    return (int(second[:4]) - int(first[:4])) * 12 + int(second[5:7]) - int(first[5:7])


def month_name(start: str, month: int) -> str:
    """The YYYY-MM that lies `month` months after `start`."""
    total = int(start[:4]) * 12 + int(start[5:7]) - 1 + month
    return f"{total // 12:04d}-{total % 12 + 1:02d}"
