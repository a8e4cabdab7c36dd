"""The commands `loops` and `story`, which explain the difference between two scenarios."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.options import (
    SEED,
    SEEDS,
    CalibrateOption,
    JsonOption,
    PeopleOption,
    PlaceOption,
    SeedOption,
    SeedsOption,
    SetOption,
    ThreadsOption,
    YearsOption,
    checked_folder,
    print_json,
    whole_number,
    write_json,
)

if TYPE_CHECKING:
    from sim.cli.arguments import SelectedScenarios

DEFAULT_PEOPLE = 6_000
"""People of the place for both commands, unless an option or the scenario sets another size."""
MOST_SHOWN = 200


def loops(
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario's name, or its .toml file.")],
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline", metavar="NAME", help="The scenario to compare with. Default: the scenario's own baseline."
        ),
    ] = None,
    knock_out: Annotated[
        list[str] | None,
        typer.Option(
            "--knock-out",
            metavar="NAME",
            help="Disable this loop (such as R1) or mechanism, and compare. Can be repeated: all are disabled "
            "together.",
        ),
    ] = None,
    measure: Annotated[
        str, typer.Option("--metric", metavar="ID", help="The measure whose difference is analysed.")
    ] = "acute_demand",
    all_loops: Annotated[bool, typer.Option("--all", help="Print every detected loop.")] = False,
    place: PlaceOption = None,
    people: PeopleOption = None,
    years: YearsOption = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    sets: SetOption = None,
    calibrate: CalibrateOption = None,
    threads: ThreadsOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write loops.html, loops.json and loops.mmd here.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Analyse feedback loops. The output has all loops, their strength over time and the effect of each knock-out."""
    import os

    from sim.cli import arguments, feedback_loops, tables
    from sim.cli.progress import Bar
    from sim.ensemble.run_limits import one_job
    from sim.scenario.scenario import Scenario

    feedback_loops.check(knock_out or (), measure)
    folder = checked_folder(context, out)
    first = baseline if baseline is not None else Scenario.load(scenario).baseline
    names = [scenario] if scenario == first and not sets else [first, scenario]
    selected = arguments.select_scenarios(
        names,
        place=place,
        people=people,
        years=years,
        seeds=seeds,
        seed=seed,
        threads=threads,
        sets=sets or [],
        calibrate=calibrate,
    )
    selected = _with_default_people(selected)
    number_of_threads = threads or os.cpu_count() or 1
    with Bar() as progress, one_job(*feedback_loops.all_runs(selected, knock_out or (), seeds, number_of_threads)):
        report = feedback_loops.analyse(
            selected,
            disabled=knock_out or (),
            measure=measure,
            seeds=seeds,
            seed=seed,
            threads=number_of_threads,
            progress=progress,
        )
    document = feedback_loops.document(report, selected, seeds, seed)
    if folder is not None:
        print(f"Wrote {', '.join(feedback_loops.write(folder, report, document))} to {out}", file=sys.stderr)
    if as_json:
        print_json(document)
    else:
        feedback_loops.show(report, document, tables.console(), all_loops=all_loops)


def story(
    context: typer.Context,
    baseline: Annotated[str, typer.Argument(metavar="BASELINE", help="The scenario with which the other is compared.")],
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario's name, or its .toml file.")],
    people_shown: Annotated[
        int, typer.Option("--people-shown", parser=whole_number, metavar="K", help="Number of life histories to show.")
    ] = 4,
    place: PlaceOption = None,
    people: PeopleOption = None,
    years: YearsOption = None,
    seeds: SeedsOption = SEEDS,
    seed: SeedOption = SEED,
    sets: SetOption = None,
    calibrate: CalibrateOption = None,
    threads: ThreadsOption = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write story.json here.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Follow the same people under two scenarios. The output counts avoided crises and shows some life histories."""
    import os

    from sim.analysis.paired_life_histories import compare_life_histories
    from sim.cli import arguments, life_histories, tables
    from sim.cli.progress import Bar

    arguments.check_integer("--people-shown", people_shown, 0, MOST_SHOWN)
    folder = checked_folder(context, out)
    selected = arguments.select_scenarios(
        [baseline, scenario],
        place=place,
        people=people,
        years=years,
        seeds=seeds,
        seed=seed,
        threads=threads,
        sets=sets or [],
        calibrate=calibrate,
    )
    selected = _with_default_people(selected)
    with Bar() as progress:
        report = compare_life_histories(
            *selected.scenarios,
            place=selected.place,
            people=selected.people,
            seeds=seeds,
            seed=seed,
            people_shown=people_shown,
            threads=threads or os.cpu_count() or 1,
            progress=progress,
        )
    document = life_histories.document(report)
    write_json(folder, "story.json", document)
    if as_json:
        print_json(document)
    else:
        life_histories.show(report, document, tables.console())


def _with_default_people(selected: SelectedScenarios) -> SelectedScenarios:
    """The same scenarios in a smaller place of the same shape, unless a size was set."""
    if selected.people is not None or selected.place.population <= DEFAULT_PEOPLE:
        return selected
    people = max(DEFAULT_PEOPLE, selected.place.fewest_people)
    print(f"In a place of {people:,} people of the same shape; --people sets another size", file=sys.stderr)
    return selected._replace(people=people)
