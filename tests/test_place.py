"""Places: their files, the neighbourhoods made of them, and new ones from published tables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.place.census_tables import NEIGHBOURHOOD_BANDS, new_place, read_authorities, read_neighbourhoods, recover
from sim.place.place import MOST_PEOPLE, PLACES, Place, place_names, shared_out
from sim.schema.quantities import AGE_BANDS
from sim.schema.toml_files import InputError, load_text

DATA = Path(__file__).parents[2] / "shared" / "data"
TABLE, AUTHORITIES = DATA / "lsoa_imd2019_pop2020.csv", DATA / "la_population_imd.csv"
published = pytest.mark.skipif(not TABLE.exists(), reason=f"needs the published tables in {DATA}")
HEADER = ",".join(("lsoa11_code", "imd2019_rank", "imd2019_decile", *NEIGHBOURHOOD_BANDS))
ROWS = ["E01000001,1,1,500,900,700,2000,1500,500,200,100", "E01000002,9,10,400,800,600,1500,2000,900,500,200"]


def test_the_places_that_come_with_the_project() -> None:
    """Both are there, and their totals are the published ones."""
    assert {"anytown", "wigan"} <= set(place_names())
    assert Place.load("anytown").population == 30_000
    wigan = Place.load("wigan")
    assert (wigan.authority_code, wigan.population) == ("E08000010", 330_712)
    counts = [part.neighbourhoods for part in sorted(wigan.deciles, key=lambda part: part.decile)]
    assert counts == [33, 32, 21, 13, 16, 13, 14, 24, 23, 11]


def test_at_its_own_size_a_place_has_its_real_neighbourhoods() -> None:
    """Twenty in Anytown, two for each decile; Wigan's own two hundred."""
    anytown, wigan = Place.load("anytown").neighbourhoods(), Place.load("wigan").neighbourhoods()
    assert [area.decile for area in anytown] == sorted(list(range(1, 11)) * 2)
    assert len(wigan) == 200
    assert sum(area.decile == 1 for area in wigan) == 33


@pytest.mark.parametrize("name", ["anytown", "wigan"])
@given(people=st.integers(1_500, 2_000_000))
@settings(deadline=None)
def test_people_sum_exactly_and_shares_hold(name: str, people: int) -> None:
    """No person is lost or made by rounding, and no tenth or age band is off by more than rounding."""
    place = Place.load(name)
    areas = place.neighbourhoods(people)
    assert sum(area.people for area in areas) == people
    assert all(area.people == sum(area.ages) > 0 and len(area.ages) == len(AGE_BANDS) for area in areas)
    assert all(area.quintile == (area.decile + 1) // 2 for area in areas)
    assert len({area.name for area in areas}) == len(areas)
    assert len(areas) == max(1, round(people / place.neighbourhood_people))
    assert areas == place.neighbourhoods(people)
    for part in place.deciles:
        own = [area for area in areas if area.decile == part.decile]
        partner = [area for area in areas if area.quintile == part.quintile and area.decile != part.decile]
        if not own or not partner or {area.quintile for area in areas} != {1, 2, 3, 4, 5}:
            continue
        here = sum(area.people for area in own)
        assert abs(here - people * part.people / place.population) < 2
        assert max(area.people for area in own) - min(area.people for area in own) <= 1
        elders = sum(area.ages[-1] for area in own)
        assert abs(elders - here * part.ages["85+"] / sum(part.ages.values())) <= 1
        school = sum(area.ages[1] + area.ages[2] for area in own)
        assert abs(school - here * part.ages["5-15"] / sum(part.ages.values())) <= 2


@pytest.mark.parametrize("people", [-1, 0, 1_499, MOST_PEOPLE + 1, True, 2.5, "many"])
def test_impossible_numbers_of_people(people: object) -> None:
    """The message says what is possible."""
    with pytest.raises(InputError, match="from 1,500 to 100,000,000"):
        Place.load("anytown").neighbourhoods(people)  # type: ignore[arg-type]


def test_an_unknown_place_lists_those_there_are() -> None:
    """And suggests one."""
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
def test_a_place_that_cannot_be_is_refused(old: str, new: str, said: str) -> None:
    """Each mistake has its message."""
    text = (PLACES / "anytown.toml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(InputError) as caught:
        load_text(text.replace(old, new, 1), "anytown.toml", Place)
    assert said in str(caught.value)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1).filter(any))
def test_shared_out_gives_everything_and_nobody_more_than_one_too_many(total: int, weights: list[int]) -> None:
    """Largest remainder, exactly."""
    parts = shared_out(total, weights)
    assert sum(parts) == total
    assert all(abs(part - total * w / sum(weights)) < 1.001 for part, w in zip(parts, weights, strict=True))


# --- new places ------------------------------------------------------------------------------------------------------


@published
def test_wigans_file_is_what_the_tables_say(tmp_path: Path) -> None:
    """The file in the project and one made now describe the same people."""
    made = Place.load(new_place("wigan", "E08000010", TABLE, out_folder=tmp_path))
    kept = Place.load("wigan")
    assert made.deciles == kept.deciles
    assert made.splits == kept.splits
    assert made.households == kept.households


@published
def test_england_is_every_row_of_the_table(tmp_path: Path) -> None:
    """All neighbourhoods and all people of the table, and the households of all authorities together."""
    place = Place.load(new_place("england", "E92000001", TABLE, AUTHORITIES, tmp_path))
    table, authorities = read_neighbourhoods(TABLE), read_authorities(AUTHORITIES)
    assert place.population == int(table.ages.sum()) == 56_550_138
    assert sum(part.neighbourhoods for part in place.deciles) == len(table.codes) == 32_844
    households = sum(authority.households for authority in authorities.values())
    assert place.households.people_per_household.value == pytest.approx(place.population / households, abs=0.001)


@published
def test_authorities_are_recovered_exactly_or_not_at_all() -> None:
    """Whole authorities, none sharing a row; age totals equal to the person (checked here anew)."""
    table, authorities = read_neighbourhoods(TABLE), read_authorities(AUTHORITIES)
    found = recover(table, authorities, "E06000002")  # one that needs several runs of later codes
    assert "E06000002" in found
    assert len(found) >= 280
    rows = [row for own in found.values() for row in own]
    assert len(set(rows)) == len(rows)
    for code, own in found.items():
        assert tuple(table.ages[own].sum(axis=0)) == authorities[code].ages


@published
def test_an_authority_that_cannot_be_told_is_refused_not_guessed(tmp_path: Path) -> None:
    """Leeds has lost and gained too many codes; the message says what would settle it."""
    with pytest.raises(InputError, match="a column ltla21_code"):
        new_place("leeds", "E08000035", TABLE, out_folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@published
def test_an_unknown_authority_code_is_answered_with_codes_like_it(tmp_path: Path) -> None:
    """A name is understood well enough to give its code."""
    with pytest.raises(InputError, match=r"E08000010 \(Wigan\)"):
        new_place("x", "Wigan", TABLE, out_folder=tmp_path)
    with pytest.raises(InputError, match="E08000010"):
        new_place("x", "E0800010", TABLE, out_folder=tmp_path)


def csv_file(folder: Path, rows: list[str], header: str = HEADER, encoding: str = "utf-8") -> Path:
    """A small table."""
    path = folder / "table.csv"
    path.write_bytes("\n".join([header, *rows]).encode(encoding))
    return path


def test_rows_by_an_authority_column(tmp_path: Path) -> None:
    """No table of authorities is needed then, and a byte-order mark does no harm."""
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
    """A table with one authority, whose people are those of ROWS but for the youngest."""
    columns = (
        "ltla21_code,ltla21_name,age_0_4,age_5_10,age_11_15,age_16_17,age_18_24,age_25_34,age_35_44,age_45_54,age_55_64"
    )
    counts = f"{people_0_4},1000,700,300,1000,1500,2000,1500,2000,1400,700,300,6000"
    text = f"{columns},age_65_74,age_75_84,age_85_plus,households_2021\nE09000099,Tiny,{counts}\n"
    (folder / "la_population_imd.csv").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("people_0_4", "said"), [(900, "all 8 age bands"), (950, "all rows of the table"), (1_900, "")]
)
def test_rows_without_an_authority_column(tmp_path: Path, people_0_4: int, said: str) -> None:
    """Exact, or all rows within 1 %, or refused; and the file says which."""
    path = csv_file(tmp_path, ROWS)
    authorities_file(tmp_path, people_0_4)
    if said:
        assert said in Place.load(new_place("tiny", "E09000099", path, out_folder=tmp_path / "out")).source
    else:
        with pytest.raises(InputError, match="a column ltla21_code"):
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
    """File, line and column of the mistake; nothing is written."""
    path = csv_file(tmp_path, rows, header)
    with pytest.raises(InputError) as caught:
        new_place("tiny", "E09000099", path, out_folder=tmp_path / "out")
    assert (caught.value.line, caught.value.key) == (line, column)
    assert said in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_table_in_another_encoding(tmp_path: Path) -> None:
    """Excel's Unicode text is UTF-16."""
    with pytest.raises(InputError, match="UTF-8"):
        new_place("tiny", "E09000099", csv_file(tmp_path, ROWS, encoding="utf-16"), out_folder=tmp_path / "out")


@pytest.mark.parametrize("name", ["../x", "A", "", "x.toml", "a" * 61])
def test_names_that_are_no_file_names(tmp_path: Path, name: str) -> None:
    """A place's name cannot lead out of its folder."""
    with pytest.raises(InputError, match="small letters"):
        new_place(name, "E09000099", csv_file(tmp_path, ROWS), out_folder=tmp_path / "out")


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the file nor half of one."""

    def broken(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    path = csv_file(tmp_path, [f"{row},E09000099" for row in ROWS], HEADER + ",ltla21_code")
    with pytest.raises(OSError, match="No space"):
        new_place("tiny", "E09000099", path, out_folder=tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
