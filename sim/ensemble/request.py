"""What a comparison is asked to run, checked before anything is run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, get_args

from sim.ensemble.parameter_sampling import Draws
from sim.ensemble.run_limits import Runs, check_limits
from sim.place.place import Place
from sim.results import expectation_tests
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError, Phrase
from sim.schema.toml_keys import dotted

Engine = Literal["agents", "stocks", "mesa"]
"""The implementation of the model: individual people; the stock-flow twin, without chance; or individual people in
plain Python with Mesa, with the same results some hundred times slower."""


class Request(NamedTuple):
    """Scenarios that fit one another, the place, and the seeds.

    Attributes
    ----------
    scenarios : tuple of Scenario
        The scenarios, the baseline first.
    place : Place
        The place, as it was stated: without the scenario's parameters.
    people : int or None
        Number of people; None for the real size.
    seeds : tuple of int
        The seeds; with a precision, the most there may be.
    draws : {"all", "mechanisms", "none"}
        The parameters that each seed draws.
    disabled : tuple of str
        Feedback loops or mechanisms that are switched off.
    engine : {"agents", "stocks", "mesa"}
        The implementation.
    threads : int or None
        Runs in parallel; None for one for each processor.
    replicates : bool
        Whether some draws are repeated with other chance events.
    cached : bool
        Whether worlds and runs of the baseline are cached for the next comparison.
    """

    scenarios: tuple[Scenario, ...]
    place: Place
    people: int | None
    seeds: tuple[int, ...]
    draws: Draws
    disabled: tuple[str, ...]
    engine: Engine
    threads: int | None
    replicates: bool = True
    cached: bool = True

    @property
    def is_drawn(self) -> bool:
        """Whether each seed has parameters of its own."""
        return self.draws != "none"

    @property
    def residents(self) -> int:
        """Number of people of the place."""
        return sum(hood.people for hood in self.place.neighbourhoods(self.people))


def checked_request(
    named: Sequence[Scenario],
    *,
    place: str | Place | None,
    people: int | None,
    years: int | None,
    seeds: int | Sequence[int],
    seed: int,
    threads: int | None,
    disabled: Iterable[str],
    draws: Draws | None,
    engine: Engine,
    precision: float | None,
) -> Request:
    """Check the arguments of `sim.compare` against one another, the place and the memory.

    Parameters
    ----------
    named : sequence of Scenario
        The scenarios, the baseline first.
    place, people, years, seeds, seed, threads, disabled, draws, engine, precision
        As for `sim.compare`.

    Returns
    -------
    Request

    Raises
    ------
    InputError
        If the scenarios do not fit one another or `years`, the place cannot be built, an option is none that there is,
        or the runs do not fit into memory.
    """
    chosen = [scenario.with_settings(years=years) if years is not None else scenario for scenario in named]
    which: Draws = "none" if draws is None else draws
    if which not in get_args(Draws):
        raise InputError("compare", None, "draws", "one of these", which, get_args(Draws))
    where = place if isinstance(place, Place) else Place.load(place or named[0].place)
    size = people if people is not None else named[0].people
    if size is not None:
        where.check_people(size)
    _check_scenarios(chosen, where, size, is_drawn=which != "none" and engine != "stocks")
    numbers = tuple(range(seed, seed + seeds)) if isinstance(seeds, int) else tuple(seeds)
    if not numbers:
        raise _error("at least one seed", "none")
    if precision is not None and not 0.0 < precision < 1.0:
        raise _error("precision between 0 and 1: a share of acute demand", str(precision))
    off = tuple(disabled)
    if engine == "stocks":
        numbers, which = _without_chance(numbers, off, which, precision), "none"
    runs = Runs(where, size, chosen[0].years, len(chosen), len(numbers), threads, engine, drawn=which != "none")
    check_limits(runs)
    return Request(tuple(chosen), where, size, numbers, which, off, engine, threads)


def _error(wanted: str, came: str) -> InputError:
    return InputError("compare", None, "", wanted, Phrase(came))


def _check_scenarios(chosen: Sequence[Scenario], place: Place, people: int | None, *, is_drawn: bool) -> None:
    """Refuse scenarios that cannot be compared with one another, and expectations that cannot be measured."""
    names = [s.name for s in chosen]
    if len(set(names)) < len(names):
        raise _error("each scenario under its own name", ", ".join(names))
    if len({(s.start, s.years) for s in chosen}) > 1:
        spans = ", ".join(f"{s.name} {s.start} for {s.years} years" for s in chosen)
        raise _error("scenarios with the same start and length", spans)
    if len({tuple(sorted(s.parameters.items())) for s in chosen}) > 1:
        raise _error("scenarios with the same [parameters]: a policy is a lever, not a parameter", "different ones")
    modes = sorted({s.calibrate for s in chosen if s.parameters or is_drawn})
    if len(modes) > 1:
        raise _error("scenarios with the same `calibrate`: they share one world", " and ".join(modes))
    for s in chosen:
        for k, expected in enumerate(s.expect):
            wrong = expectation_tests.unmeasured(expected, lambda: tuple(n.name for n in place.neighbourhoods(people)))
            if wrong is not None:
                key = dotted(("expect", k, *wrong.below))
                raise InputError(s.name, None, key, wrong.wanted, wrong.came, wrong.choices)


def _without_chance(
    numbers: tuple[int, ...], disabled: tuple[str, ...], draws: Draws, precision: float | None
) -> tuple[int, ...]:
    """The only seed of a run of the stock-flow twin, which has the central parameters.

    "all" is the default of every engine, so it is no error. Raises InputError for options that the twin does not have.
    """
    if precision is not None:
        raise _error("engine agents with precision: the stock-flow twin makes one run without chance", "stocks")
    if draws == "mechanisms":
        raise _error("engine agents with draws: the stock-flow twin makes one run", "stocks")
    if disabled:
        raise _error("engine agents with disabled loops: the stock-flow twin runs the whole model", "stocks")
    return numbers[:1]
