"""Published tables as councils have them: formats, encodings, layouts and columns, each read or refused by name.

The tables are small imitations with the publishers' headers: nine neighbourhoods of 3,230 people.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest

from sim.cli import command
from sim.place.age_bands import NEIGHBOURHOOD_BANDS, OLDEST, age_column, band_columns
from sim.place.census_tables import new_place
from sim.place.place import Place
from sim.place.table_columns import COLUMNS, recognise
from sim.schema.errors import InputError

BANDS = (150, 300, 250, 1050, 900, 300, 200, 80)
PEOPLE, TINY = 9 * sum(BANDS), "E09000099"
HEADER = ["lsoa11_code", "imd2019_decile", *NEIGHBOURHOOD_BANDS, "ltla21_code"]
AGES_OF_BAND = (
    range(5),
    range(5, 16),
    range(16, 25),
    range(25, 45),
    range(45, 65),
    range(65, 75),
    range(75, 85),
    range(85, 91),
)


def rows(count: int = 9) -> list[list[str]]:
    """Neighbourhoods of the tenths 1, 2, and so on."""
    return [[f"E01{n:06d}", str(n), *map(str, BANDS), TINY] for n in range(1, count + 1)]


def text(table: Sequence[Sequence[str]], separator: str = ",", end: str = "\n") -> str:
    """A table as text."""
    return end.join(separator.join(f'"{c}"' if separator in c else c for c in row) for row in table) + end


def table(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    """A table file."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def workbook(sheets: dict[str, Sequence[Sequence[object]]]) -> bytes:
    """An Excel workbook; cells that look like numbers are numbers."""
    book = openpyxl.Workbook()
    book.remove(book.active)  # type: ignore[arg-type]  # a new book has a sheet
    for name, cells in sheets.items():
        sheet = book.create_sheet(name)
        for row in cells:
            sheet.append([int(c) if isinstance(c, str) and c.isdigit() else c for c in row])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def built(folder: Path, *paths: Path, authority: str = TINY, source: str = "") -> Place:
    """The place that the tables make."""
    return Place.load(new_place("t", authority, list(paths), out_folder=folder / "out", source=source, force=True))


def refused(folder: Path, *paths: Path, authority: str = TINY, source: str = "") -> str:
    """The message with which the tables are refused; nothing is written."""
    with pytest.raises(InputError) as caught:
        new_place("t", authority, list(paths), out_folder=folder / "out", source=source)
    assert not (folder / "out").exists()
    return str(caught.value)


# --- formats ---------------------------------------------------------------------------------------------------------

PLAIN = text([HEADER, *rows()])
FORMATS: dict[str, bytes] = {
    "comma": PLAIN.encode(),
    "byte order mark and CR LF": text([HEADER, *rows()], end="\r\n").encode("utf-8-sig"),
    "carriage returns": text([HEADER, *rows()], end="\r").encode(),
    "semicolons": text([HEADER, *rows()], ";").encode(),
    "tabs": text([HEADER, *rows()], "\t").encode(),
    "vertical bars": text([HEADER, *rows()], "|").encode(),
    "declared separator": b"sep=;\r\n" + text([HEADER, *rows()], ";", "\r\n").encode(),
    "UTF-16 with a mark": PLAIN.encode("utf-16"),
    "UTF-16 big-endian with a mark": b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    "UTF-16 little-endian": PLAIN.encode("utf-16-le"),
    "UTF-16 big-endian": PLAIN.encode("utf-16-be"),
    "UTF-16 with tabs": text([HEADER, *rows()], "\t", "\r\n").encode("utf-16"),
    "UTF-32": PLAIN.encode("utf-32"),
    "Windows-1252": text([[*HEADER, "name"], *([*row, "Ynys Môn – 1"] for row in rows())]).encode("cp1252"),
    "Excel with another name": workbook({"Data": [HEADER, *rows()]}),
}


@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS)
def test_formats_are_read(content: bytes, tmp_path: Path) -> None:
    """Every usual format of a table is read, whatever the end of the file's name: people to the last one."""
    place = built(tmp_path, table(tmp_path, content))
    assert (place.population, [part.decile for part in place.deciles]) == (PEOPLE, list(range(1, 10)))


def test_a_workbook_with_notes_and_several_sheets(tmp_path: Path) -> None:
    """The sheet with the columns is read, below its title; of sheets by sex, that of persons."""
    notes = [["Notes"], ["1. Estimates are rounded"], ["Contact: statistics office, 2021"]]
    titled = [["Table 1: people"], [], ["Back to contents"], HEADER, *rows()]
    half = [[*row[:2], *(str(int(n) // 2) for n in row[2:10]), row[10]] for row in rows()]
    book = workbook({"Contents": notes, "Males": [HEADER, *half], "Persons": titled, "Females": [HEADER, *half]})
    place = built(tmp_path, table(tmp_path, book, "table.xlsx"))
    assert place.population == PEOPLE
    assert "sheet 'Persons'" in place.source
    assert "Females only" in refused(
        tmp_path / "x", table(tmp_path, workbook({"Females": [HEADER, *half]}), "f.xlsx")
    ).replace("females", "Females")


def test_an_open_document_workbook(tmp_path: Path) -> None:
    """An .ods workbook is read."""
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    document, sheet = OpenDocumentSpreadsheet(), Table(name="Data")
    for row in [HEADER, *rows()]:
        line = TableRow()
        for cell in row:
            kind = {"valuetype": "float", "value": cell} if cell.isdigit() else {"valuetype": "string"}
            item = TableCell(**kind)
            item.addElement(P(text=cell))
            line.addElement(item)
        sheet.addElement(line)
    document.spreadsheet.addElement(sheet)
    document.save(str(tmp_path / "table.ods"))
    assert built(tmp_path, tmp_path / "table.ods").population == PEOPLE


def _zip(**names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in names.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return stream.getvalue()


OTHER_FILES: dict[str, tuple[bytes, str]] = {
    "zip": (_zip(table_dot_csv=PLAIN), "a zip archive with table.csv"),
    "Word": (_zip(word__document_dot_xml="<w/>"), "a Word document"),
    "damaged workbook": (workbook({"Data": [HEADER]})[:-300], "a damaged zip archive or Excel workbook"),
    "empty workbook": (workbook({"Data": []}), "an Excel workbook (.xlsx) without any cells"),
    "old workbook, damaged": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        "an Excel workbook (.xls) that cannot be read",
    ),
    "gzip": (gzip.compress(PLAIN.encode()), "a gzip archive"),
    "PDF": (b"%PDF-1.7\n...", "a PDF document"),
    "Parquet": (b"PAR1" + b"\0" * 20, "a Parquet file"),
    "HTML": (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "a web page (HTML)"),
    "XML": (b'<?xml version="1.0"?><data/>', "an XML file"),
    "JSON": (json.dumps([{"lsoa11_code": "E01000001"}]).encode(), "a JSON file"),
    "picture": (b"\x89PNG\r\n\x1a\n" + b"\0" * 20, "a picture (PNG)"),
    "binary": (bytes(range(256)) * 4, "a binary file"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a pointer of Git LFS"),
    "nothing": (b"", "an empty file"),
    "blank lines": (b"\r\n\r\n \r\n", "an empty file"),
    "header only": (text([HEADER]).encode(), "rows below the header, got none"),
    "rows only": (text(rows()).encode(), "a row of data"),
    "another encoding": (PLAIN.encode() + b"\x81\x8d", "UTF-8, UTF-16 or Windows-1252"),
    "unclosed quotation": ((PLAIN + '"E01').encode(), "comma-separated values"),
}


@pytest.mark.parametrize(("content", "said"), OTHER_FILES.values(), ids=OTHER_FILES)
def test_other_files_are_refused_by_name(content: bytes, said: str, tmp_path: Path) -> None:
    """A file that is no table is refused with the kind of file that it is."""
    assert said in refused(tmp_path, table(tmp_path, content))


# --- layouts and cells -----------------------------------------------------------------------------------------------


def changed(line: int, column: str, value: str) -> list[list[str]]:
    """The table with another value in a cell."""
    out = [list(HEADER), *rows()]
    out[line - 1][HEADER.index(column)] = value
    return out


TOTALS = [str(9 * n) for n in BANDS]
BLANK = [""] * len(HEADER)
LAYOUTS: dict[str, list[list[str]]] = {
    "title rows": [
        ["Table 1: people by LSOA, mid-2020", *BLANK[1:]], BLANK, ["", "", "People, by age", *BLANK[3:]],
        HEADER, *rows(),
    ],
    "short title rows": [["Table 1"], ["Source: ONS"], HEADER, *rows()],
    "footnotes": [HEADER, *rows(), BLANK, ["Source: Office for National Statistics"], ["* provisional", *BLANK[1:]]],
    "total": [HEADER, *rows(), ["Total", "", *TOTALS, ""]],
    "grand total first": [HEADER, ["", "Grand Total", *TOTALS, ""], *rows()],
    "all": [HEADER, *rows(), ["All", "", *TOTALS, ""]],
    "England": [HEADER, ["E92000001", "", *["9999"] * 8, ""], *rows(), ["England", "", *["9999"] * 8, ""]],
    "subtotals": [
        HEADER, *rows(4), ["Subtotal", "", *["600"] * 8, ""], *rows()[4:], ["Sub-total", "", *["750"] * 8, ""],
    ],
    "total of the town": [HEADER, *rows(), ["Tinytown total", "", *TOTALS, ""]],
    "rows of authorities": [HEADER, [TINY, "", *TOTALS, TINY], *rows(), ["E12000007", "", *["9"] * 8, ""]],
    "repeated header": [HEADER, *rows(4), HEADER, *rows()[4:]],
    "thousands": changed(2, "age_25_44", "1,050"),
    "thousands with spaces": changed(2, "age_25_44", "1 050"),
    "decimals": [HEADER, *([row[0], *(f"{n}.0" for n in row[1:10]), row[10]] for row in rows())],
    "codes in small letters": [HEADER, *([row[0].lower(), *row[1:10], f" {TINY.lower()} "] for row in rows())],
    "tenths in words": [HEADER, *([row[0], f"{row[1]} - decile", *row[2:]] for row in rows())],
    "blank columns": [[*HEADER, "", ""], *([*row, "", ""] for row in rows())],
}  # fmt: skip


@pytest.mark.parametrize("cells", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_are_read(cells: list[list[str]], tmp_path: Path) -> None:
    """Title rows, footnotes, totals and rows of larger areas are left out, in text and in a workbook."""
    assert built(tmp_path, table(tmp_path, text(cells))).population == PEOPLE
    assert built(tmp_path, table(tmp_path, workbook({"Data": cells}), "t.xlsx")).population == PEOPLE


@pytest.mark.parametrize("mark", ["c", "*", "-", "..", "[c]", "[x]", "x", ":", "n/a", "NA", "#N/A", "<5", "~", "…"])
def test_suppressed_cells_are_refused_by_name(mark: str, tmp_path: Path) -> None:
    """A suppressed cell is named, with its line and column."""
    message = refused(tmp_path, table(tmp_path, text(changed(4, "age_85_plus", mark))))
    assert "line 4: age_85_plus" in message
    assert f"a suppressed or missing cell ('{mark}')" in message


WRONG: dict[str, tuple[list[list[str]], tuple[str, ...]]] = {
    "a row twice": ([HEADER, *rows(), rows()[3]], ("line 11", "each code once (also on line 5)", "E01000004")),
    "a total of other rows": (
        [HEADER, *rows(7), ["Total", "", *TOTALS, ""]],
        ("line 9", "22,610 people", "29,070", "lost or repeated"),
    ),
    "ranks for tenths": (changed(3, "imd2019_decile", "17421"), ("ranks, not tenths", "17421")),
    "tenth 0": (changed(3, "imd2019_decile", "0"), ("from 1", "got 0")),
    "fifths": ([HEADER, *([r[0], str((int(r[1]) + 1) // 2), *r[2:]] for r in rows())], ("no decile above 5", "fifths")),
    "fifths by name": (
        [["lsoa11_code", "imd_quintile", *HEADER[2:]], *rows()],
        ("imd_quintile", "tenths", "not fifths", "got fifths"),
    ),
    "a fraction": (changed(2, "age_0_4", "150.5"), ("line 2: age_0_4", "whole number", "150.5")),
    "an empty cell": (changed(2, "age_0_4", ""), ("line 2: age_0_4", "got nothing")),
    "no code": (changed(5, "lsoa11_code", ""), ("line 5: lsoa11_code", "a neighbourhood code")),
    "another code": (changed(5, "lsoa11_code", "X12345"), ("line 5: lsoa11_code", "such as E01000001", "X12345")),
    "codes of MSOAs": (
        [HEADER, *([r[0].replace("E01", "E02"), *r[1:]] for r in rows())],
        ("codes of middle layer areas (MSOA)",),
    ),
    "a column twice": (
        [[*HEADER, "age_0_4"], *([*r, "1"] for r in rows())], ("age_0_4", "each column once", "2 of them"),
    ),
    "several columns missing": (
        [["lsoa11_code", "decil", *HEADER[2:7], "a", "b", "c"], *(r[:10] for r in rows())],
        ("imd2019_decile, age_65_74, age_75_84, age_85_plus", "a column of each of these names"),
    ),
    "tenths of the authority": (
        [["lsoa11_code", "IMD decile within authority", *HEADER[2:]], *rows()],
        ("imd2019_decile", "a column of this name"),
    ),
    "females only": (
        [["lsoa11_code", "imd_decile", *(f"F{a}" for a in range(91)), "ltla21_code"],
         *([r[0], r[1], *["10"] * 91, TINY] for r in rows())],
        ("females only",),
    ),
    "bands that cross": (
        [["lsoa11_code", "imd_decile", "0-4", "5-9", "10-14", "15-24", "25-44", "45-64", "65-74", "75-84", "85+",
          "lad21cd"],
         *([r[0], r[1], *["100"] * 9, TINY] for r in rows())],
        ("age_5_15, age_16_24",),
    ),
    "ages that do not add up": (
        [[*HEADER, "All Ages"], *([*r, "3231" if r[0].endswith("4") else "3230"] for r in rows())],
        ("line 5: All Ages", "3,230", "3,231"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("cells", "parts"), WRONG.values(), ids=WRONG)
def test_wrong_tables_are_refused(cells: list[list[str]], parts: tuple[str, ...], tmp_path: Path) -> None:
    """The message has the line, the column, and both figures where two disagree."""
    message = refused(tmp_path, table(tmp_path, text(cells)))
    for part in parts:
        assert part in message, message


def test_tenths_in_reverse_are_recognised(tmp_path: Path) -> None:
    """Tenths counted from the least deprived are turned round if the header says so, else refused."""
    reverse = [[r[0], str(11 - int(r[1])), *r[2:]] for r in rows()]
    header = ["lsoa11_code", "IMD decile (1 = least deprived)", *HEADER[2:]]
    place = built(tmp_path, table(tmp_path, text([header, *reverse])))
    assert [part.decile for part in place.deciles] == list(range(1, 10))
    assert "counts from the least deprived: converted" in place.source
    ranked = [[*HEADER, "imd2019_rank"], *([*r, str(3000 * (11 - int(r[1])))] for r in reverse)]
    assert "tenths in reverse order" in refused(tmp_path / "x", table(tmp_path, text(ranked)))


def test_ranks_make_tenths(tmp_path: Path) -> None:
    """Without tenths, ranks of an index whose size is known are enough; other ranks are refused."""
    header = ["lsoa11_code", "imd2019_rank", *HEADER[2:]]
    ranked = [[r[0], str(3284 * int(r[1])), *r[2:]] for r in rows()]
    place = built(tmp_path, table(tmp_path, text([header, *ranked])))
    assert [part.decile for part in place.deciles] == list(range(1, 10))
    assert "ranks among 32,844" in place.source
    unknown = text([["lsoa_code", "rank", *HEADER[2:]], *ranked])
    assert "ranks of an unknown number" in refused(tmp_path / "x", table(tmp_path, unknown, "u.csv"))


# --- columns ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("0", 0, 0), ("90+", 90, OLDEST), ("Age 0", 0, 0), ("age_90_plus", 90, OLDEST), ("Aged 4 years", 4, 4),
        ("Aged under 1", 0, 0), ("0-4", 0, 4), ("0–4", 0, 4), ("5 to 9", 5, 9), ("Aged 5 to 9 years", 5, 9),
        ("85 and over", 85, OLDEST), ("Aged 85 years and over", 85, OLDEST),
        ("M0", 0, 0), ("F90+", 90, OLDEST), ("m_12", 12, 12),
        ("Females 5-9", 5, 9), ("age_85_plus", 85, OLDEST), ("75-84 years", 75, 84),
    ],
)  # fmt: skip
def test_columns_of_ages(name: str, low: int, high: int) -> None:
    """The names of ages that publishers use are recognised."""
    column = age_column(3, name)
    assert column is not None
    assert (column.position, column.low, column.high) == (3, low, high)


@pytest.mark.parametrize("name", ["2019", "total", "age0_4", "E01", "aged", "4-0", "1.5", "rank 5", ""])
def test_other_columns_are_no_ages(name: str) -> None:
    """Other names are no ages."""
    assert age_column(0, name) is None


def test_single_years_of_both_sexes_add_up() -> None:
    """Columns of both sexes add up to the bands; a last year without a mark has everybody older."""
    columns = [c for k, name in enumerate([f"{s}{a}" for s in "FM" for a in range(91)]) if (c := age_column(k, name))]
    chosen = band_columns(columns)
    assert not chosen.missing
    assert [len(positions) for positions in chosen.bands] == [2 * len(ages) for ages in AGES_OF_BAND]
    assert [len(positions) for positions in chosen.younger] == [10, 4]
    assert band_columns(columns[:50]).missing == NEIGHBOURHOOD_BANDS


IMD_2019 = [
    "LSOA code (2011)", "LSOA name (2011)", "Local Authority District code (2019)",
    "Local Authority District name (2019)",
    "Index of Multiple Deprivation (IMD) Score", "Index of Multiple Deprivation (IMD) Rank (where 1 is most deprived)",
    "Index of Multiple Deprivation (IMD) Decile (where 1 is most deprived 10% of LSOAs)", "Income Score (rate)",
    "Income Rank (where 1 is most deprived)", "Income Decile (where 1 is most deprived 10% of LSOAs)",
    "Health Deprivation and Disability Decile (where 1 is most deprived 10% of LSOAs)",
    "Income Deprivation Affecting Children Index (IDACI) Decile (where 1 is most deprived 10% of LSOAs)",
    "Total population: mid 2015 (excluding prisoners)", "Dependent Children aged 0-15: mid 2015 (excluding prisoners)",
]  # fmt: skip
SYOA_2020 = [
    "LSOA Code", "LSOA Name", "LA Code (2018 boundaries)", "LA name (2018 boundaries)", "LA Code (2021 boundaries)",
    "LA name (2021 boundaries)", "All Ages", *map(str, range(90)), "90+",
]  # fmt: skip
SYOA_2022 = [
    "LAD 2023 Code", "LAD 2023 Name", "LSOA 2021 Code", "LSOA 2021 Name", "Total", *(f"F{a}" for a in range(91)),
    *(f"M{a}" for a in range(91)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (IMD_2019, (0, 6, 5, (2, 3), 0)),
        ([n.replace("2011", "2021").replace("2019", "2024") for n in IMD_2019], (0, 6, 5, (2, 3), 0)),
        (SYOA_2020, (0, None, None, (2, 3, 4, 5), 91)),
        (SYOA_2022, (2, None, None, (0, 1), 182)),
        (["LSOA Code", "LSOA Name", "Local Authority Name", "WIMD 2019", "Income", "Health"], (0, None, 3, (2,), 0)),
        (["Data_Zone", "Intermediate_Zone", "Council_area", "Total_population", "SIMD2020v2_Rank", "SIMD2020v2_Decile",
          "SIMD2020v2_Quintile", "SIMD2020v2_Income_Domain_Rank"], (0, 5, 4, (2,), 0)),
        (["SOA2001", "SOA2001_name", "LGD2014name", "Multiple Deprivation Measure Rank \n(where 1 is most deprived)",
          "Income Domain Rank (where 1 is most deprived)"], (0, None, 3, (2,), 0)),
        (["FID", "LSOA11CD", "LSOA11NM", "LAD23CD", "IMDDecile", "IMD Rank"], (1, 4, 5, (3,), 0)),
    ],
)  # fmt: skip
def test_published_headers(names: list[str], expected: tuple[object, ...]) -> None:
    """Code, tenth, rank, authorities and ages are found under the publishers' names; those of domains are not."""
    columns = recognise(names)
    assert columns is not None
    assert (columns.code, columns.decile, columns.rank, columns.authorities, len(columns.ages)) == expected


def test_recognised_columns_are_documented(capsys: pytest.CaptureFixture[str]) -> None:
    """Every name of the list is in the help of `place new` and in the documentation, and is recognised."""
    page = (Path(__file__).parents[1] / "docs" / "places.md").read_text(encoding="utf-8")
    assert command(["place", "new", "--help"]) == 0
    help_text = " ".join(capsys.readouterr().out.split())
    for _, names, meaning in COLUMNS:
        assert f"| {meaning} | {names} |" in page
        assert names.replace("\n", " ") in help_text
