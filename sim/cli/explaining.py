"""Commands that tell why: in loops, and in people's stories."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli.options import (
    SEED,
    SEEDS,
    JsonOption,
    PeopleOption,
    PlaceOption,
    SeedOption,
    SeedsOption,
    SetOption,
    ThreadsOption,
    YearsOption,
    folder_of,
    print_json,
    whole,
    write_json,
)

SMALLER = 6_000
"""People of the place in which loops and stories are told, unless an option or the scenario says otherwise."""
MOST_TOLD = 200


def loops(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario's name, or its .toml file.")],
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="NAME", help="What it is compared with; its own, if not given.")
    ] = None,
    disabled: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="NAME",
            help="Cut this loop (R1) or mechanism, and compare. May be given again: cut together.",
        ),
    ] = None,
    measure: Annotated[
        str, typer.Option("--metric", metavar="ID", help="The measure whose difference is told.")
    ] = "acute_demand",
    every: Annotated[bool, typer.Option("--all", help="Print every loop that is found.")] = False,
    place: PlaceOption = None,
    people: PeopleOption = None,
    years: YearsOption = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    sets: SetOption = None,
    threads: ThreadsOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write loops.html, loops.json and loops.mmd here.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Loops: found in what mechanisms declare, their strength over time, and what goes away without each."""
    import os

    from sim.cli import choices, show
    from sim.cli import loops as telling
    from sim.cli.progress import Bar
    from sim.scenario.scenario import Scenario

    telling.check(disabled or (), measure)
    folder = folder_of(out)
    first = baseline if baseline is not None else Scenario.load(scenario).baseline
    names = [scenario] if scenario == first and not sets else [first, scenario]
    chosen = choices.gather(
        names, place=place, people=people, years=years, seeds=seeds, seed=seed, threads=threads, sets=sets or []
    )
    chosen = _smaller(chosen)
    with Bar() as progress:
        told = telling.tell(
            chosen,
            disabled=disabled or (),
            measure=measure,
            seeds=seeds,
            seed=seed,
            threads=threads or os.cpu_count() or 1,
            progress=progress,
        )
    whole = telling.document(told, chosen, seeds, seed)
    if folder is not None:
        print(f"Wrote {', '.join(telling.write(folder, told, whole))} to {out}", file=sys.stderr)
    if as_json:
        print_json(whole)
    else:
        telling.show(told, whole, show.console(), every=every)


def story(
    baseline: Annotated[str, typer.Argument(metavar="BASELINE", help="The scenario the other is compared with.")],
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario's name, or its .toml file.")],
    chosen: Annotated[int, typer.Option("--chosen", parser=whole, metavar="K", help="How many people to tell of.")] = 4,
    place: PlaceOption = None,
    people: PeopleOption = None,
    years: YearsOption = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    sets: SetOption = None,
    threads: ThreadsOption = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write story.json here.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The same people under both: who was spared a crisis, who was not, told month by month."""
    import os

    from sim.analysis.life_histories import stories
    from sim.cli import choices, show
    from sim.cli import story as telling
    from sim.cli.progress import Bar

    choices.integer_option("--chosen", chosen, 0, MOST_TOLD)
    folder = folder_of(out)
    given = choices.gather(
        [baseline, scenario],
        place=place,
        people=people,
        years=years,
        seeds=seeds,
        seed=seed,
        threads=threads,
        sets=sets or [],
    )
    given = _smaller(given)
    with Bar() as progress:
        told = stories(
            *given.scenarios,
            place=given.place,
            people=given.people,
            seeds=seeds,
            seed=seed,
            chosen=chosen,
            threads=threads or os.cpu_count() or 1,
            progress=progress,
        )
    whole = telling.document(told)
    write_json(folder, "story.json", whole)
    if as_json:
        print_json(whole)
    else:
        telling.show(told, whole, show.console())


def _smaller(chosen: Any) -> Any:
    """The same in a smaller place of the same shape, unless a size is asked for."""
    if chosen.people is not None or chosen.place.population <= SMALLER:
        return chosen
    print(f"In a place of {SMALLER:,} people of the same shape; --people for another", file=sys.stderr)
    return chosen._replace(people=SMALLER)
