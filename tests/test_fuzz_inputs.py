"""A short fuzz of every input: nothing but input errors, each within 2 seconds; the long one is fuzz_inputs.py."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from fuzz_inputs import SURFACES, fuzz

COUNT = 150
"""Inputs of each surface: a few seconds in all."""


@pytest.mark.parametrize("surface", SURFACES)
def test_wrong_input_is_read_or_refused(surface: str, seed: int, tmp_path: Path) -> None:
    """Every input is read or refused with an `InputError` in one line, within 2 seconds of CPU."""
    tally = fuzz(surface, range(COUNT), seed, tmp_path)
    assert not tally.failures
    assert not tally.slow
    assert tally.read + tally.refused == tally.inputs == COUNT
    assert tally.read, "no input was read: the inputs have too many mistakes to reach what lies behind the first check"
    assert tally.refused, "no input was refused: the inputs have no mistakes"


@pytest.mark.parametrize("surface", [name for name in SURFACES if name != "page request"])
def test_an_input_depends_on_its_number_and_the_seed(surface: str, tmp_path: Path) -> None:
    """A failure that the long fuzz reports can be repeated by its number."""
    make, _ = SURFACES[surface](tmp_path)
    assert repr(make(Random("a"))) == repr(make(Random("a"))) != repr(make(Random("b")))


def test_the_fuzz_reports_other_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of another kind, and a slow input, are failures."""

    def read(number: int) -> bool:
        if number % 3 == 0:
            raise ZeroDivisionError("a fault")
        return True

    monkeypatch.setitem(SURFACES, "page link", lambda folder: (lambda rng: rng.randrange(100), read))
    monkeypatch.setattr("fuzz_inputs.MOST_CPU", -1.0)
    tally = fuzz("page link", range(30), 0, tmp_path)
    assert tally.failures
    assert "ZeroDivisionError: a fault" in tally.failures[0]
    assert len(tally.failures) + tally.read == 30
    assert len(tally.slow) == 30
