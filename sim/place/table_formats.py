"""File formats of tables: rows of text cells from CSV files in several dialects and from workbooks.

A file that is something else (a web page, a PDF document, a zip archive) is refused by its name. The format is
recognised by the content, not by the end of the file's name.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from sim.schema.errors import InputError, Phrase

LARGEST_TABLE = 200_000_000
"""Bytes. The largest published workbook, single years of age of every neighbourhood for three years, has half of it."""
LARGEST_UNPACKED = 4_000_000_000
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
SAMPLED_LINES = 200

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3", "a SQLite database (such as a GeoPackage)"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"{\\rtf", "a rich-text document"),
    (b"RDX", "an R data file"),
    (b"<stata_dta", "a Stata file"),
    (b"$FL2", "an SPSS file"),
)


class Sheet(NamedTuple):
    """One sheet of a table file.

    Attributes
    ----------
    name : str
        Name of the sheet; empty for a CSV file.
    rows : list of tuple of int and list of str
        Line on which each row ends, and its cells.
    """

    name: str
    rows: list[tuple[int, list[str]]]


class TableFile(NamedTuple):
    """A table file.

    Attributes
    ----------
    path : Path
        The file.
    form : str
        Description of its format.
    sheets : list of Sheet
        At least one.
    """

    path: Path
    form: str
    sheets: list[Sheet]


def read_table_file(path: Path) -> TableFile:
    """Read a table file: CSV with any usual separator and encoding, or a workbook (.xlsx, .xlsb, .xls, .ods).

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    TableFile

    Raises
    ------
    InputError
        If the file cannot be read or is not a table; the message states the kind of file.
    """
    path = Path(path)
    raw = _bytes(path)
    if not raw.strip(b"\x00\r\n\t ;,\xef\xbb\xbf\xff\xfe"):
        raise InputError(path, 1, "", "a header line with names of columns", Phrase("an empty file"))
    if raw[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _workbook(path, raw, _zip_kind(path, raw))
    if raw[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _workbook(path, raw, "an Excel workbook (.xls)")
    for signature, kind in _SIGNATURES:
        if raw.startswith(signature):
            raise _not_a_table(path, kind)
    text, encoding = _decoded(path, raw)
    _refuse_markup(path, text)
    return _separated(path, text, encoding)


def _bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise InputError(path, None, "", "a file", Phrase("a folder"), _tables_in(path))
        if not path.exists():
            if not path.parent.is_dir():
                raise InputError(path, None, "", "a file", Phrase(f"nothing: there is no folder {path.parent}"))
            choices = _tables_in(path.parent)
            came = path.name if choices else Phrase(f"nothing: there is no table in {path.parent}")
            raise InputError(path, None, "", "the name of a file that exists", came, choices)
        if not path.is_file():
            raise InputError(path, None, "", "a file", Phrase("something that is not a file"))
        with path.open("rb") as stream:
            raw = stream.read(LARGEST_TABLE + 1)
    except (OSError, ValueError) as problem:
        if isinstance(problem, InputError):
            raise
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        raise InputError(path, None, "", "a file that can be read", Phrase(f"'{reason}'")) from None
    if len(raw) > LARGEST_TABLE:
        size = Phrase(f"more than that ({path.stat().st_size:,} bytes)")
        raise InputError(path, None, "", f"a file of at most {LARGEST_TABLE:,} bytes", size)
    return raw


def _tables_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.suffix.lower() in TABLE_SUFFIXES and p.is_file())


def _not_a_table(path: Path, kind: str, advice: str = "") -> InputError:
    wanted = "a table: CSV, or an Excel or OpenDocument workbook" + (f" ({advice})" if advice else "")
    return InputError(path, None, "", wanted, Phrase(kind))


# --- workbooks -------------------------------------------------------------------------------------------------------


def _zip_kind(path: Path, raw: bytes) -> str:
    """Kind of workbook in a zip container; any other archive is refused with its content."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = archive.namelist()
            unpacked = sum(item.file_size for item in archive.infolist())
            mimetype = archive.read("mimetype")[:80] if "mimetype" in names else b""
    # A damaged or encrypted archive, or one packed in a way that is not supported.
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, KeyError, ValueError):
        raise _not_a_table(path, "a damaged zip archive or Excel workbook", "download it again") from None
    if unpacked > LARGEST_UNPACKED:
        raise _not_a_table(path, f"an archive of {unpacked:,} bytes when unpacked")
    if b"opendocument.spreadsheet" in mimetype:
        return "an OpenDocument workbook (.ods)"
    if any(name.startswith("xl/") for name in names):
        return "an Excel workbook (.xlsb)" if "xl/workbook.bin" in names else "an Excel workbook (.xlsx)"
    if any(name.startswith("word/") for name in names):
        raise _not_a_table(path, "a Word document")
    if any(name.startswith("ppt/") for name in names):
        raise _not_a_table(path, "a PowerPoint presentation")
    if mimetype:
        raise _not_a_table(path, f"an OpenDocument file ({mimetype.decode('ascii', 'replace')})")
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    raise _not_a_table(path, f"a zip archive with {listed or 'nothing'}", "unpack it first")


def _workbook(path: Path, raw: bytes, kind: str) -> TableFile:
    from python_calamine import CalamineError, CalamineWorkbook

    sheets: list[Sheet] = []
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(raw)) as workbook:
            for name in workbook.sheet_names:
                cells = workbook.get_sheet_by_name(name).iter_rows() if name else iter(())
                sheets.append(Sheet(name, _sheet_rows(cells)))
    except (CalamineError, OSError, ValueError, zipfile.BadZipFile) as problem:
        advice = "saved without a password"
        raise _not_a_table(path, f"{kind} that cannot be read ('{problem}')", advice) from None
    filled = [sheet for sheet in sheets if sheet.rows]
    if not filled:
        raise InputError(path, 1, "", "a header line with names of columns", Phrase(f"{kind} without any cells"))
    return TableFile(path, kind, filled)


def _sheet_rows(rows: object) -> list[tuple[int, list[str]]]:
    out: list[tuple[int, list[str]]] = []
    for number, cells in enumerate(rows, 1):  # type: ignore[arg-type, var-annotated]  # calamine's iterator of lists
        texts = [_cell_text(cell) for cell in cells]
        if any(texts):
            out.append((number, texts))
    return out


def _cell_text(cell: object) -> str:
    """Text of a cell; a number without a fraction is written without a decimal point."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return " ".join(str(cell).split())


# --- text ------------------------------------------------------------------------------------------------------------


def _decoded(path: Path, raw: bytes) -> tuple[str, str]:
    """Text of a file, and the name of its encoding if it is not UTF-8."""
    for mark, encoding, name in (
        (b"\xff\xfe\x00\x00", "utf-32", "UTF-32"),
        (b"\x00\x00\xfe\xff", "utf-32", "UTF-32"),
        (b"\xff\xfe", "utf-16", "UTF-16"),
        (b"\xfe\xff", "utf-16", "UTF-16"),
    ):
        if raw.startswith(mark):
            return _strictly(path, raw, encoding, name), name
    sample = raw[:4_000]
    if b"\x00" in sample:
        even, odd = sample[0::2].count(0), sample[1::2].count(0)
        if max(even, odd) > 0.4 * len(sample) / 2 and min(even, odd) < 0.05 * len(sample) / 2:
            encoding = "utf-16-le" if odd > even else "utf-16-be"
            return _strictly(path, raw, encoding, "UTF-16"), "UTF-16"
        raise _not_a_table(path, "a binary file")
    try:
        return raw.decode("utf-8-sig"), ""
    except UnicodeDecodeError as problem:
        if b"\x00" in raw:
            raise _not_a_table(path, "a binary file") from None
        try:
            return raw.decode("cp1252"), "Windows-1252"
        except UnicodeDecodeError:
            line = raw.count(b"\n", 0, problem.start) + 1
            came = Phrase(f"the byte 0x{raw[problem.start]:02x}, which is neither")
            raise InputError(path, line, "", "text saved as UTF-8, UTF-16 or Windows-1252", came) from None


def _strictly(path: Path, raw: bytes, encoding: str, name: str) -> str:
    try:
        return raw.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise _not_a_table(path, f"damaged text in {name}") from None


def _refuse_markup(path: Path, text: str) -> None:
    start = text[:2_000].lstrip()
    lower = start.casefold()
    if lower.startswith(("<!doctype html", "<html", "<table", "<head", "<body")) or "<html" in lower[:500]:
        raise _not_a_table(path, "a web page (HTML)", "the download itself, not the page that offers it")
    if "schemas-microsoft-com:office:spreadsheet" in lower:
        raise _not_a_table(path, "an Excel 2003 XML workbook", "saved as .xlsx or CSV")
    if lower.startswith("<"):
        raise _not_a_table(path, "an XML file")
    if text.startswith("version https://git-lfs"):
        raise _not_a_table(path, "a pointer of Git LFS instead of the file")
    if start.startswith(("{", "[")):
        try:
            json.loads(text)
        except ValueError:
            if not re.match(r'[{\[]\s*["{\[]', start):
                return
        raise _not_a_table(path, "a JSON file")


def _separated(path: Path, text: str, encoding: str) -> TableFile:
    declared = re.match(r"sep=(.)\r?\n", text)
    separator = declared[1] if declared else _separator(text)
    name = SEPARATORS.get(separator, f"'{separator}'")
    kind = "comma-separated values" if separator == "," else f"values separated by {name}"
    form = kind + (f" in {encoding}" if encoding else "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        rows += [(reader.line_num, [" ".join(cell.split()) for cell in cells]) for cells in reader if any(cells)]
    except csv.Error as problem:
        raise InputError(path, reader.line_num, "", kind, Phrase(f"'{problem}'")) from None
    rows = rows[1:] if declared else rows
    rows = [(line, cells) for line, cells in rows if any(cells)]
    if not rows:
        raise InputError(path, 1, "", "a header line with names of columns", Phrase("an empty file"))
    return TableFile(path, form, [Sheet("", rows)])


def _separator(text: str) -> str:
    """The separator that divides most lines into the same number of cells."""
    lines = [re.sub(r'"[^"]*"', "", line) for line in re.split(r"\r\n|\r|\n", text[:200_000]) if line.strip()]
    best, best_score = ",", (0, 0)
    for separator in SEPARATORS:
        counts = Counter(n for line in lines[:SAMPLED_LINES] if (n := line.count(separator)))
        if counts:
            cells, alike = max(counts.items(), key=lambda item: (item[1], item[0]))
            if (alike, cells) > best_score:
                best, best_score = separator, (alike, cells)
    return best
