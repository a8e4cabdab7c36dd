"""Places: their files, their neighbourhoods, and new places from published tables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from sim.place.age_bands import NEIGHBOURHOOD_BANDS
from sim.place.authority_table import read_authorities
from sim.place.census_tables import new_place
from sim.place.neighbourhood_table import read_neighbourhoods
from sim.place.place import MOST_PEOPLE, PLACES, Place, place_names, shared_out
from sim.schema.errors import InputError
from sim.schema.quantities import AGE_BANDS
from sim.schema.toml_files import load_text

DATA = Path(__file__).parents[2] / "shared" / "data"
TABLE, AUTHORITIES = DATA / "lsoa_imd2019_pop2020.csv", DATA / "la_population_imd.csv"
published = pytest.mark.skipif(not TABLE.exists(), reason=f"needs the published tables in {DATA}")
HEADER = ",".join(("lsoa11_code", "imd2019_rank", "imd2019_decile", *NEIGHBOURHOOD_BANDS))
ROWS = ["E01000001,1,1,500,900,700,2000,1500,500,200,100", "E01000002,9,10,400,800,600,1500,2000,900,500,200"]


def test_the_places_that_come_with_the_project() -> None:
    """Anytown and Wigan are in the library, with the published totals."""
    assert {"anytown", "wigan"} <= set(place_names())
    assert Place.load("anytown").population == 30_000
    wigan = Place.load("wigan")
    assert (wigan.authority_code, wigan.population) == ("E08000010", 330_712)
    counts = [part.neighbourhoods for part in sorted(wigan.deciles, key=lambda part: part.decile)]
    assert counts == [33, 32, 21, 13, 16, 13, 14, 24, 23, 11]


def test_at_its_own_size_a_place_has_its_real_neighbourhoods() -> None:
    """Anytown has twenty neighbourhoods, two for each decile; Wigan has its own two hundred."""
    anytown, wigan = Place.load("anytown").neighbourhoods(), Place.load("wigan").neighbourhoods()
    assert [area.decile for area in anytown] == sorted(list(range(1, 11)) * 2)
    assert len(wigan) == 200
    assert sum(area.decile == 1 for area in wigan) == 33


@pytest.mark.parametrize("name", ["anytown", "wigan"])
@for_all(people=st.integers(1_500, 2_000_000))
@settings(deadline=None)
def test_people_sum_exactly_and_shares_hold(name: str, people: int) -> None:
    """The neighbourhoods' people sum to the total, and each decile and age band has its share, up to rounding."""
    place = Place.load(name)
    areas = place.neighbourhoods(people)
    assert sum(area.people for area in areas) == people
    assert all(area.people == sum(area.ages) > 0 and len(area.ages) == len(AGE_BANDS) for area in areas)
    assert all(area.quintile == (area.decile + 1) // 2 for area in areas)
    assert len({area.name for area in areas}) == len(areas)
    assert len(areas) == max(5, round(people / place.neighbourhood_people))
    assert areas == place.neighbourhoods(people)
    for part in place.deciles:
        of_decile = [area for area in areas if area.decile == part.decile]
        partner = [area for area in areas if area.quintile == part.quintile and area.decile != part.decile]
        if not of_decile or not partner:
            continue
        people_of_decile = sum(area.people for area in of_decile)
        assert abs(people_of_decile - people * part.people / place.population) < 2
        assert max(area.people for area in of_decile) - min(area.people for area in of_decile) <= 1
        elders = sum(area.ages[-1] for area in of_decile)
        assert abs(elders - people_of_decile * part.ages["85+"] / sum(part.ages.values())) <= 1
        school = sum(area.ages[1] + area.ages[2] for area in of_decile)
        assert abs(school - people_of_decile * part.ages["5-15"] / sum(part.ages.values())) <= 2


def skewed(*people: int) -> Place:
    """A place with so many people in the five fifths, in neighbourhoods of about 1,500 people."""
    anytown = Place.load("anytown")
    deciles = [
        anytown.deciles[2 * fifth].model_copy(update={"people": count, "neighbourhoods": max(1, round(count / 1_500))})
        for fifth, count in enumerate(people)
        if count
    ]
    return Place.model_validate(
        anytown.model_dump() | {"population": sum(people), "deciles": [part.model_dump() for part in deciles]}
    )


@pytest.mark.parametrize(
    "people", [(30_000, 1_000, 200, 1_000, 30_000), (9_000, 0, 0, 0, 1_000), (0, 0, 0, 0, 10_000), (9_970, 0, 30, 0, 0)]
)
@for_all(data=st.data())
@settings(deadline=None)
def test_every_size_has_the_mix_of_fifths(people: tuple[int, ...], data: st.DataObject) -> None:
    """Each fifth has its share of the people, to the nearest person, at the smallest size and every larger one."""
    place = skewed(*people)
    size = data.draw(st.integers(place.fewest_people, 300_000) | st.just(place.fewest_people) | st.none())
    areas = place.neighbourhoods(size)
    total = place.population if size is None else size
    assert sum(area.people for area in areas) == total
    for fifth, count in enumerate(people, start=1):
        in_fifth = sum(area.people for area in areas if area.quintile == fifth)
        assert abs(in_fifth - total * count / place.population) < 1
        assert (in_fifth > 0) == (count > 0)


def test_a_size_without_the_mix_of_fifths_is_refused() -> None:
    """The message states the smallest size in which each fifth can have households."""
    place = skewed(40_000, 9_900, 0, 0, 100)
    assert place.fewest_people == 12_500
    assert min(area.people for area in place.neighbourhoods(12_500)) == 25
    with pytest.raises(InputError, match=r"at least 12,500 people in Anytown .* got 12499"):
        place.neighbourhoods(12_499)
    assert [Place.load(name).fewest_people for name in ("anytown", "wigan")] == [1_500, 1_500]
    assert skewed(9_995, 0, 0, 0, 5).fewest_people == 10_000  # the place itself can always be built


@pytest.mark.parametrize("people", [-1, 0, 1_499, MOST_PEOPLE + 1, True, 2.5, "many"])
def test_impossible_numbers_of_people(people: object) -> None:
    """The message has the possible range."""
    with pytest.raises(InputError, match="from 1,500 to 100,000,000"):
        Place.load("anytown").neighbourhoods(people)  # type: ignore[arg-type]


def test_an_unknown_place_lists_the_places() -> None:
    """The message lists the places of the library, and suggests the most similar one."""
    with pytest.raises(InputError, match=r"anytown, wigan.*did you mean 'wigan'"):
        Place.load("wigen")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"0-4" = 0.071', '"0-4" = 0.171', "sum to 1"),
        ('"0-4" = 0.071', '"0-4" = -0.071', "from 0 to 1"),
        ('"0-4" = 0.071', '"0-5" = 0.071', "there are: 0-4, 5-15"),
        ("population = 30_000", "population = -30_000", "at least 10000"),
        ("population = 30_000", "population = 30_001", "30,000"),
        ("decile = 2", "decile = 1", "each decile once"),
        ("decile = 2", "decile = 11", "at most 10"),
        ("value = 0.3,", "value = 30,", "outside its own range"),
        ('kind = "illustrative"', 'kind = "authority"', "authority_code"),
        ("neighbourhood_people", "neighborhood_people", "did you mean 'neighbourhood_people'"),
    ],
)
def test_an_impossible_place_is_refused(old: str, new: str, said: str) -> None:
    """Each error in a place's file has its message."""
    text = (PLACES / "anytown.toml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(InputError) as caught:
        load_text(text.replace(old, new, 1), "anytown.toml", Place)
    assert said in str(caught.value)


@for_all(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1).filter(any))
def test_shared_out_is_exact_to_one(total: int, weights: list[int]) -> None:
    """Parts by largest remainder sum to the total, and each differs from its share by less than one."""
    parts = shared_out(total, weights)
    assert sum(parts) == total
    assert all(abs(part - total * w / sum(weights)) < 1.001 for part, w in zip(parts, weights, strict=True))


# New places.


@published
def test_wigans_file_agrees_with_the_tables(tmp_path: Path) -> None:
    """The shipped file of Wigan has the same people as a file written from the tables."""
    made = Place.load(new_place("wigan", "E08000010", TABLE, out_folder=tmp_path))
    shipped = Place.load("wigan")
    assert made.deciles == shipped.deciles
    assert made.splits == shipped.splits
    assert made.households == shipped.households


@published
def test_england_is_every_row_of_the_table(tmp_path: Path) -> None:
    """England has all neighbourhoods and people of the table, and the households of all authorities."""
    place = Place.load(new_place("england", "E92000001", TABLE, AUTHORITIES, tmp_path))
    table, authorities = read_neighbourhoods(TABLE), read_authorities(AUTHORITIES)
    assert place.population == int(table.ages.sum()) == 56_550_138
    assert sum(part.neighbourhoods for part in place.deciles) == len(table.codes) == 32_844
    households = sum(authority.households for authority in authorities.values())
    assert place.households.people_per_household.value == pytest.approx(place.population / households, abs=0.001)


@published
def test_the_example_in_readme_builds_leeds(tmp_path: Path) -> None:
    """The published table has no column of authorities; the project's list of neighbourhoods names the rows."""
    place = Place.load(new_place("leeds", "E08000035", TABLE, out_folder=tmp_path))
    assert (place.label, place.population) == ("Leeds", 798_786)
    assert "project's list" in place.source
    assert "exactly the published mid-2020 total" in place.source
    assert place.deciles == Place.load("leeds").deciles


@published
def test_an_authority_can_be_named(tmp_path: Path) -> None:
    """A name finds its code; for a wrong code or name, the message has the most similar code."""
    assert Place.load(new_place("x", "Wigan", TABLE, out_folder=tmp_path)).authority_code == "E08000010"
    with pytest.raises(InputError, match=r"E08000010 \(Wigan\)"):
        new_place("y", "E0800010", TABLE, out_folder=tmp_path)


def csv_file(folder: Path, rows: list[str], header: str = HEADER, encoding: str = "utf-8") -> Path:
    """A small table."""
    path = folder / "table.csv"
    path.write_bytes("\n".join([header, *rows]).encode(encoding))
    return path


def test_rows_by_an_authority_column(tmp_path: Path) -> None:
    """With a column of authorities no other table is needed; a byte order mark is ignored."""
    path = csv_file(tmp_path, [f"{row},E09000099" for row in ROWS], HEADER + ",ltla21_code", "utf-8-sig")
    made = new_place("tiny", "E09000099", path, out_folder=tmp_path / "out")
    place = Place.load(made)
    assert place.population == 13_300
    assert "authority column" in place.source
    assert [path.name for path in made.parent.iterdir()] == ["tiny.toml"]
    with pytest.raises(InputError, match="not taken"):
        new_place("tiny", "E09000099", path, out_folder=tmp_path / "out")
    new_place("tiny", "E09000099", path, out_folder=tmp_path / "out", force=True)


def authorities_file(folder: Path, people_0_4: int) -> None:
    """Write a table with one authority, with the people of ROWS except for the youngest."""
    columns = (
        "ltla21_code,ltla21_name,age_0_4,age_5_10,age_11_15,age_16_17,age_18_24,age_25_34,age_35_44,age_45_54,age_55_64"
    )
    counts = f"{people_0_4},1000,700,300,1000,1500,2000,1500,2000,1400,700,300,6000"
    text = f"{columns},age_65_74,age_75_84,age_85_plus,households_2021\nE09000099,Tiny,{counts}\n"
    (folder / "la_population_imd.csv").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("people_0_4", "said"), [(900, "all 8 age bands"), (950, ""), (1_900, "")])
def test_rows_without_an_authority_column(tmp_path: Path, people_0_4: int, said: str) -> None:
    """Without that column all rows must have the authority's people, to the last one; the source states it."""
    path = csv_file(tmp_path, ROWS)
    authorities_file(tmp_path, people_0_4)
    if said:
        assert said in Place.load(new_place("tiny", "E09000099", path, out_folder=tmp_path / "out")).source
    else:
        with pytest.raises(InputError, match=rf"a column ltla21_code.*{12_400 + people_0_4:,} people.*13,300 people"):
            new_place("tiny", "E09000099", path, out_folder=tmp_path / "out")


@pytest.mark.parametrize(
    ("rows", "header", "line", "column", "said"),
    [
        ([ROWS[0], ROWS[1].replace("800", "eight")], HEADER, 3, "age_5_15", "'eight'"),
        ([ROWS[0].replace("500,900", "-500,900")], HEADER, 2, "age_0_4", "at least 0"),
        ([ROWS[0].replace(",1,1,", ",1,11,")], HEADER, 2, "imd2019_decile", "from 1"),
        ([ROWS[0], ROWS[0]], HEADER, 3, "lsoa11_code", "each code once"),
        ([ROWS[0] + ",7"], HEADER, 2, "", "11 values"),
        ([], HEADER, 2, "", "rows below"),
        ([], "", 1, "", "a header line"),
        (ROWS, HEADER.replace("age_0_4", "age0_4"), 1, "age_0_4", "there are:"),
        ([ROWS[0].replace("500,900", ",900")], HEADER, 2, "age_0_4", "got nothing"),
        (['"E01000001'], HEADER, 2, "", "comma-separated"),
        (ROWS, HEADER, 1, "ltla21_code", "neither"),
    ],
)
def test_bad_tables(tmp_path: Path, rows: list[str], header: str, line: int, column: str, said: str) -> None:
    """The message has the file, the line and the column of the error; nothing is written."""
    path = csv_file(tmp_path, rows, header)
    with pytest.raises(InputError) as caught:
        new_place("tiny", "E09000099", path, out_folder=tmp_path / "out")
    assert (caught.value.line, caught.value.key) == (line, column)
    assert said in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["../x", "A", "", "x.toml", "a" * 61])
def test_names_that_are_not_file_names_are_refused(tmp_path: Path, name: str) -> None:
    """A place's name cannot lead outside its folder."""
    with pytest.raises(InputError, match="small letters"):
        new_place(name, "E09000099", csv_file(tmp_path, ROWS), out_folder=tmp_path / "out")


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an error in writing, the folder is empty."""

    def broken(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    path = csv_file(tmp_path, [f"{row},E09000099" for row in ROWS], HEADER + ",ltla21_code")
    with pytest.raises(OSError, match="No space"):
        new_place("tiny", "E09000099", path, out_folder=tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
