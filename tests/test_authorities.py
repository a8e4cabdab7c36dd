"""The English authorities that come with the project: their sums, their names, and tables compared with them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from sim.cli import command
from sim.place.age_bands import NEIGHBOURHOOD_BANDS
from sim.place.authority_names import REPLACED, codes_before, slug
from sim.place.authority_recovery import recover
from sim.place.authority_table import read_authorities
from sim.place.census_tables import new_place
from sim.place.derive_authorities import LARGEST_FILE, derived_arrays
from sim.place.english_authorities import FILE, authority_data, authority_names, english_areas, find_area
from sim.place.neighbourhood_table import Neighbourhoods, read_neighbourhoods
from sim.place.place import Place, place_names
from sim.schema.errors import InputError

ENGLAND_PEOPLE, ENGLAND_NEIGHBOURHOODS = 56_550_138, 32_844
DATA = Path(__file__).parents[2] / "shared" / "data"
TABLE, AUTHORITIES = DATA / "lsoa_imd2019_pop2020.csv", DATA / "la_population_imd.csv"
published = pytest.mark.skipif(not TABLE.exists(), reason=f"needs the published tables in {DATA}")
RUTLAND = "E06000017"
"""A small authority of 23 neighbourhoods."""


# --- the derived file ------------------------------------------------------------------------------------------------


def test_the_sums_are_englands() -> None:
    """309 authorities, 32,844 neighbourhoods, a tenth of them the most deprived, 56,550,138 people; a small file."""
    data = authority_data()
    assert len(data.authorities) == len(data.ages) == 309
    assert sum(row.people for row in data.authorities.values()) == ENGLAND_PEOPLE
    counts = np.sum(list(data.neighbourhoods.values()), axis=0)
    assert counts.sum() == len(data.authority_of) == len(data.decile_of) == ENGLAND_NEIGHBOURHOODS
    assert set(counts.tolist()) == {3_284, 3_285}
    for code, row in data.authorities.items():
        assert tuple(data.ages[code].sum(axis=0).tolist()) == row.ages
        assert (data.neighbourhoods[code] > 0).tolist() == (data.ages[code].sum(axis=1) > 0).tolist()
    assert FILE.stat().st_size <= LARGEST_FILE


def test_every_authority_is_a_place() -> None:
    """All 309 load by name, with the sum of England's people; names are unique, and are names of files."""
    names = {
        name: area.code for area in english_areas().values() if len(area.members) == 1 for name in [area.place_name]
    }
    places = [Place.load(code) for code in authority_data().authorities]
    assert sum(place.population for place in places) == ENGLAND_PEOPLE
    assert sum(part.neighbourhoods for place in places for part in place.deciles) == ENGLAND_NEIGHBOURHOODS
    assert len({place.name for place in places}) == 309
    assert names.keys() >= {place.name for place in places}
    assert all(sum(hood.people for hood in place.neighbourhoods(20_000)) == 20_000 for place in places[::40])


def test_england_is_the_sum_of_all() -> None:
    """England is a place too, under its name and its code."""
    england = Place.load("E92000001")
    assert (england.name, england.population) == ("england", ENGLAND_PEOPLE)
    assert "the sum of all 309 authorities" in england.source


@published
def test_the_file_equals_what_the_script_derives() -> None:
    """The figures of the file are those of the two published tables: every age band of every authority agrees."""
    table, authorities = read_neighbourhoods(TABLE), read_authorities(AUTHORITIES)
    rows = rows_in_file(table)
    arrays = derived_arrays(table, authorities, rows)
    with np.load(FILE) as stored:
        assert sorted(stored) == sorted(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(stored[name], array, err_msg=name)
    swapped = {**rows, RUTLAND: rows[RUTLAND][:-1]}
    with pytest.raises(InputError, match=r"people of Rutland, got .* in 22 rows"):
        derived_arrays(table, authorities, swapped)


def rows_in_file(table: Neighbourhoods) -> dict[str, list[int]]:
    """The rows of each authority, by the list in the derived file."""
    rows: dict[str, list[int]] = {}
    for i, code in enumerate(table.codes):
        rows.setdefault(authority_data().authority_of[code], []).append(i)
    return rows


@published
def test_the_authority_of_a_neighbourhood_is_recovered_from_age_totals() -> None:
    """The age totals of 120 random authorities determine their neighbourhoods: the list in the file is recovered.

    `python -m sim.place.derive_authorities` does this for all 309, in some minutes.
    """
    table, authorities = read_neighbourhoods(TABLE), read_authorities(AUTHORITIES)
    chosen = set(np.random.default_rng(20261201).choice(sorted(authorities), 120, replace=False).tolist())
    rows = [i for i, code in enumerate(table.codes) if authority_data().authority_of[code] in chosen]
    codes = [table.codes[i] for i in rows]
    some = table._replace(codes=codes, deciles=table.deciles[rows], ages=table.ages[rows])
    expected: dict[str, list[int]] = {}
    for position, code in enumerate(codes):
        expected.setdefault(authority_data().authority_of[code], []).append(position)
    assert recover(some, {code: authorities[code] for code in chosen}) == expected


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "name", "code"),
    [
        ("leeds", "leeds", "E08000035"), ("Leeds", "leeds", "E08000035"), ("E08000035", "leeds", "E08000035"),
        ("e08000035", "leeds", "E08000035"), ("Leeds City Council", "leeds", "E08000035"),
        ("St Helens", "st-helens", "E08000013"),
        ("King's Lynn & West Norfolk", "kings-lynn-and-west-norfolk", "E07000146"),
        ("hull", "kingston-upon-hull", "E06000010"),
        ("Bristol", "bristol", "E06000023"), ("Bristol, City of", "bristol", "E06000023"),
        ("city of york", "york", "E06000014"),
        ("London Borough of Camden", "camden", "E09000007"), ("Durham", "county-durham", "E06000047"),
        ("City of London", "city-of-london", "E09000001"), ("Isles of Scilly", "isles-of-scilly", "E06000053"),
        ("newcastle-under-lyme", "newcastle-under-lyme", "E07000195"), ("Hérefordshire", "herefordshire", "E06000019"),
        ("Cumberland", "cumberland", "E06000063"), ("E06000065", "north-yorkshire", "E06000065"),
        ("Somerset", "somerset", "E06000066"),
        ("E08000020", "gateshead", "E08000037"),
    ],
)  # fmt: skip
def test_authorities_by_name_and_code(typed: str, name: str, code: str) -> None:
    """Spellings and codes find the authority; codes of 2023 find the sum of those that they replaced."""
    area = find_area(typed)
    if area is None:  # a code that ended before 2021 is refused with its successor
        with pytest.raises(InputError, match=r"became part of|did you mean"):
            Place.load(typed)
        return
    place = Place.load(typed)
    assert (place.name, place.authority_code) == (name, code)


def test_a_place_with_a_file_has_priority() -> None:
    """Wigan's own file is used, under its name and its code; its figures are the same."""
    assert Place.load("Wigan") == Place.load("E08000010") == Place.load("wigan")
    assert "recovered from the order of codes" in Place.load("wigan").source
    area = find_area("wigan")
    assert area is not None
    assert area.people == Place.load("wigan").population
    assert "wigan" in place_names()


def test_an_authority_of_2023_is_the_sum_of_those_it_replaced() -> None:
    """People and neighbourhoods add up, and the source states the authorities."""
    for code in ("E06000063", "E06000064", "E06000065", "E06000066"):
        members = sorted(codes_before(code) & authority_data().authorities.keys())
        place = Place.load(code)
        assert place.population == sum(Place.load(member).population for member in members)
        assert len(members) == len(REPLACED[code][2])
        assert all(authority_data().authorities[member].name in place.source for member in members)


@pytest.mark.parametrize("typed", ["Aylesbury Vale", "E07000004", "poole", "E07000154"])
def test_authorities_that_ended_are_refused_with_their_successor(typed: str) -> None:
    """A district that ended before 2021 has no figures; the message has the authority that replaced it."""
    with pytest.raises(InputError, match=r"became part of \w+.*--place [a-z-]+"):
        Place.load(typed)


@pytest.mark.parametrize(
    ("typed", "near"),
    [("Leds", "leeds"), ("birmingam", "birmingham"), ("kensington-chelsea", "kensington-and-chelsea")],
)
def test_unknown_names_suggest_near_ones(typed: str, near: str) -> None:
    """The message has the most similar name."""
    with pytest.raises(InputError, match=f"did you mean '{near}'"):
        Place.load(typed)


def test_the_list_of_places_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    """`list places` has the places with a file and the number of authorities; with a text, the authorities with it."""
    assert command(["list", "places"]) == 0
    out = capsys.readouterr().out
    assert "anytown" in out
    assert "309 English authorities" in out
    assert "birmingham" not in out
    assert command(["list", "authorities", "ham"]) == 0
    out = capsys.readouterr().out
    assert "E08000025: 1,140,525 people" in out
    assert "Leeds" not in out
    assert command(["place", "show", "Cumberland"]) == 0
    assert "274,396 people" in capsys.readouterr().out
    assert "leeds" in authority_names()


# --- tables compared with published figures --------------------------------------------------------------------------


def rutland(people: int = 1_700, *, decile: bool = True) -> tuple[list[str], list[list[str]]]:
    """The neighbourhoods of Rutland with their tenths, all with the same people."""
    codes = [code for code, owner in authority_data().authority_of.items() if owner == RUTLAND]
    header = ["lsoa11_code", *(["imd2019_decile"] if decile else []), *NEIGHBOURHOOD_BANDS, "ltla21_code"]
    ages = [str(people // 8 + (1 if k < people % 8 else 0)) for k in range(8)]
    tenths = authority_data().decile_of
    return header, [[code, *([str(tenths[code])] if decile else []), *ages, RUTLAND] for code in codes]


def table(folder: Path, header: Sequence[str], rows: Sequence[Sequence[str]], name: str = "t.csv") -> Path:
    """A table file."""
    path = folder / name
    path.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n", encoding="utf-8")
    return path


def test_lost_rows_are_refused_with_both_figures(tmp_path: Path) -> None:
    """An authority of 2011 neighbourhoods needs all of them, even if no table of authorities is there."""
    header, rows = rutland()
    place = Place.load(new_place("r", RUTLAND, table(tmp_path, header, rows), out_folder=tmp_path))
    assert "tenths of all neighbourhoods as in IMD 2019" in place.source
    with pytest.raises(InputError, match=r"the 23 neighbourhoods of Rutland.*got 22 with .* people: rows were lost"):
        new_place("s", RUTLAND, table(tmp_path, header, rows[1:]), out_folder=tmp_path)
    doubled = [[*row[:2], *(str(3 * int(n)) for n in row[2:10]), row[10]] for row in rows]
    with pytest.raises(InputError, match=r"about the 40,476 people of Rutland in mid-2020, got"):
        new_place("s", RUTLAND, table(tmp_path, header, doubled), out_folder=tmp_path)


def test_reversed_tenths_and_fifths_are_refused_by_comparison(tmp_path: Path) -> None:
    """The project's list of tenths shows that a table has them the other way round, or fifths."""
    header, rows = rutland()
    for change, said in ((lambda d: 11 - d, "reverse order"), (lambda d: (d + 1) // 2, "no decile above 5")):
        changed = [[row[0], str(change(int(row[1]))), *row[2:]] for row in rows]
        with pytest.raises(InputError, match=said):
            new_place("s", RUTLAND, table(tmp_path, header, changed), out_folder=tmp_path)


def test_two_tables_are_joined(tmp_path: Path) -> None:
    """A table of deprivation and one of ages are joined by the code; a join that would lose rows is refused."""
    header, rows = rutland()
    index = table(tmp_path, [header[0], header[1]], [row[:2] for row in rows], "imd.csv")
    ages = table(tmp_path, [header[0], *header[2:]], [[row[0], *row[2:]] for row in rows[::-1]], "ages.csv")
    place = Place.load(new_place("r", RUTLAND, [index, ages], out_folder=tmp_path))
    assert place.population == 23 * 1_700
    fewer = table(tmp_path, [header[0], *header[2:]], [[row[0], *row[2:]] for row in rows[2:]], "fewer.csv")
    with pytest.raises(
        InputError, match=r"the same 23 neighbourhoods as in imd.csv, got 21 neighbourhoods: 2 are missing"
    ):
        new_place("s", RUTLAND, [index, fewer], out_folder=tmp_path)


def test_ages_alone_are_enough_for_neighbourhoods_of_2011(tmp_path: Path) -> None:
    """The project's list has the tenth of every neighbourhood of 2011, and its authority."""
    header, rows = rutland(decile=False)
    place = Place.load(
        new_place("r", "Rutland", table(tmp_path, header[:-1], [row[:-1] for row in rows]), out_folder=tmp_path)
    )
    assert (place.authority_code, place.population) == (RUTLAND, 23 * 1_700)
    assert "project's list of IMD 2019" in place.source


def test_england_needs_all_its_neighbourhoods(tmp_path: Path) -> None:
    """A small table is never England."""
    header, rows = rutland()
    with pytest.raises(InputError, match=r"32,844 \(2011\).*got 23 with"):
        new_place("e", "E92000001", table(tmp_path, header, rows), out_folder=tmp_path)


def test_other_nations_have_a_banner(tmp_path: Path) -> None:
    """A Welsh, Scottish or Northern Irish area has a note that hazards are England's, and is never England."""
    ages = ["200"] * 8
    nations = {
        "W": (
            ["LSOA Code", "WIMD 2019 overall decile", *NEIGHBOURHOOD_BANDS, "LAD22CD"],
            "W01000001",
            "W06000015",
            "Wales",
        ),
        "S": (
            ["Data_Zone", "SIMD2020v2_Decile", *NEIGHBOURHOOD_BANDS, "Council_area"],
            "S01006506",
            "Aberdeen City",
            "Scotland",
        ),
        "N": (
            ["SOA2001", "Multiple Deprivation Measure Rank", *NEIGHBOURHOOD_BANDS, "LGD2014name"],
            "95AA01S1",
            "Belfast",
            "Northern Ireland",
        ),
    }
    for letter, (header, first, authority, nation) in nations.items():
        rows = []
        for n in range(10):
            code = f"95AA{n + 10}S1" if letter == "N" else f"{first[:3]}{int(first[3:]) + n:06d}"
            rows.append([code, str(89 * (n + 1) if letter == "N" else n + 1), *ages, authority])
        path = table(tmp_path, header, rows, f"{letter}.csv")
        place = Place.load(new_place(f"n-{letter.lower()}", authority, path, out_folder=tmp_path))
        assert place.population == 16_000
        assert "Hazards are England's" in place.note
        assert nation in place.note
        assert place.label != "England"
        with pytest.raises(InputError, match="all of other nations"):
            new_place("x", "E92000001", path, out_folder=tmp_path)


def test_the_banner_is_stated_by_each_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that uses such a place states its note on standard error."""
    from sim.cli.arguments import select_scenarios

    text = (Path(__file__).parents[1] / "scenarios" / "places" / "anytown.toml").read_text(encoding="utf-8")
    (tmp_path / "w.toml").write_text(
        re.sub(r"(?m)^source =", 'note = "Hazards are England\'s."\nsource =', text), encoding="utf-8"
    )
    select_scenarios(
        ["baseline"], place=str(tmp_path / "w.toml"), people=3_000, years=1, seeds=1, seed=0, threads=None, sets=[]
    )
    assert "Hazards are England's." in capsys.readouterr().err


def test_what_the_user_states_is_kept(tmp_path: Path) -> None:
    """`--source` is in the provenance; a table that states nothing says so."""
    header, rows = rutland()
    header[1] = "decile"
    rows = [[row[0], "7", *row[2:]] for row in rows]
    place = Place.load(
        new_place("r", RUTLAND, table(tmp_path, header, rows), out_folder=tmp_path, source="IMD 2015, ONS mid-2018")
    )
    assert "stated with --source: IMD 2015, ONS mid-2018" in place.source
    assert "unstated index" in place.source


def test_slugs_are_names_of_files() -> None:
    """Every name of an area is a valid name of a place."""
    for area in english_areas().values():
        assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", slug(area.name)), area.name
