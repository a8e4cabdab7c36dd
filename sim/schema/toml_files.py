"""Reading of input files: from TOML to a checked model, and one sentence about each mistake.

Every mistake in a file is reported as an `InputError`: the file, line and key, the value that was wanted, the value in
the file, and the choices. `load` is for complete files; `fail` is for checks that need more than one file, such as a
policy that starts after the end of its scenario.
"""

from __future__ import annotations

import math
import re
import tomllib
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError

from sim.schema.errors import NOTHING, InputError, KeyPath, Phrase, RequirementError
from sim.schema.renamed import KEYS, renamed
from sim.schema.toml_keys import dotted, key_parts, locate
from sim.schema.toml_limits import check_limits

T = TypeVar("T", bound=BaseModel)
LARGEST_FILE = 500_000
"""Bytes. The files are written by hand; a larger one is another file, named by mistake."""
ASSIGNMENT = "--set"


# --- reading ---------------------------------------------------------------------------------------------------------


def load(path: Path, model: type[T]) -> T:
    """Read a TOML file and check it against a model.

    Parameters
    ----------
    path : Path
        The file.
    model : type
        Pydantic model of the file.

    Returns
    -------
    model

    Raises
    ------
    InputError
        If the file cannot be read, is not TOML, or does not match the model.
    """
    return cast(T, _loaded(read_text(path), path, model))


def load_text(text: str, path: Path | str, model: type[T]) -> T:
    """Parse the text of a TOML file and check it against a model.

    Parameters
    ----------
    text : str
        The text.
    path : Path or str
        Name of the file in messages.
    model : type
        Pydantic model of the file.

    Returns
    -------
    model

    Raises
    ------
    InputError
        If the text is not TOML or does not match the model.
    """
    return check(parse(text, path), model, path, text)


@lru_cache(maxsize=64)
def _loaded(text: str, path: Path, model: type[BaseModel]) -> BaseModel:
    """The model of a text. Models are frozen, and a scenario with many policies reads its place for each of them."""
    return load_text(text, path, model)


def read_text(path: Path, *, suffix: str = ".toml", largest: int = LARGEST_FILE) -> str:
    """Read the text of an input file. A byte-order mark, which some editors add, is dropped.

    Parameters
    ----------
    path : Path
        The file.
    suffix : str
        Required end of its name.
    largest : int
        Largest allowed size in bytes.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If there is no such file, it is too large, or it is not UTF-8.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise InputError(path, None, "", "a file", Phrase("a folder"), _files(path, suffix))
        if not path.exists():
            folder = path.parent
            if not folder.is_dir():
                raise InputError(path, None, "", "a file", Phrase(f"nothing: there is no folder {folder}"))
            choices = _files(folder, suffix)
            about = path.name if choices else Phrase(f"nothing: there is no {suffix} file in {folder}")
            raise InputError(path, None, "", "the name of a file that exists", about, choices)
        if not path.is_file():
            raise InputError(path, None, "", "a file", Phrase("something that is not a file"))
        with path.open("rb") as stream:
            raw = stream.read(largest + 1)
    except (OSError, ValueError) as problem:
        if isinstance(problem, InputError):
            raise
        why = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        raise InputError(path, None, "", "a file that can be read", Phrase(f"'{why}'")) from None
    if len(raw) > largest:
        size = Phrase(f"more than that ({path.stat().st_size:,} bytes)")
        raise InputError(path, None, "", f"a file of at most {largest:,} bytes", size)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        came = Phrase(f"the byte 0x{raw[problem.start]:02x}, which is not")
        raise InputError(path, line, "", "text saved as UTF-8", came) from None


def parse(text: str, path: Path | str) -> dict[str, Any]:
    """Parse TOML to a dictionary.

    Parameters
    ----------
    text : str
        The text.
    path : Path or str
        Name of the file in messages.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If the text is not TOML, or is beyond the limits of `sim.schema.toml_limits`.
    """
    check_limits(text, path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        why, at = str(problem), re.search(r" \(at line (\d+), column \d+\)$", str(problem))
        line = int(at[1]) if at else max(1, len(text.splitlines()))
        why = re.sub(r" \(at (line \d+, column \d+|end of document)\)$", "", why)
        lines = text.splitlines()
        came = lines[line - 1].strip() if line <= len(lines) else Phrase("the end of the file")
        raise InputError(path, line, "", f"TOML ({why[:1].lower()}{why[1:]})", came) from None
    except ValueError as problem:  # such as a whole number of more digits than Python will read
        raise InputError(path, None, "", "TOML", Phrase(f"'{problem}'")) from None


def check(data: Mapping[str, Any], model: type[T], path: Path | str, text: str = "") -> T:
    """Check data against a model.

    Parameters
    ----------
    data : mapping
        The data, as `parse` returns them.
    model : type
        Pydantic model of the data.
    path : Path or str
        Name of the file in messages.
    text : str
        Text of the file, from which messages take line numbers.

    Returns
    -------
    model

    Raises
    ------
    InputError
        If the data do not match the model.
    """
    try:
        return model.model_validate(data)
    except ValidationError as problem:
        errors = problem.errors(include_url=False)
        chosen = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
        raise _as_input_error(chosen, len(errors) - 1, data, model, path, text) from None


def fail(
    path: Path | str, key_path: str | KeyPath, wanted: str, came: object, choices: Iterable[object] = ()
) -> InputError:
    """Make the error of a check after validation, with the line looked up in the file; the caller raises it.

    Parameters
    ----------
    path : Path or str
        The file.
    key_path : str or tuple of str or int
        The key at fault, dotted or in parts.
    wanted : str
        Noun phrase that follows "wanted".
    came : object
        The value that came, or a `Phrase` about it.
    choices : iterable, optional
        Values that are allowed.

    Returns
    -------
    InputError
    """
    keys = key_parts(key_path) if isinstance(key_path, str) else key_path
    try:
        line = locate(read_text(Path(path)), keys)
    except InputError:
        line = None
    return InputError(path, line, dotted(keys), wanted, came, choices)


def parse_assignment(text: str) -> tuple[KeyPath, Any]:
    """Parse ``policies.threshold=0.4`` from the command line; a bare word is text.

    Parameters
    ----------
    text : str
        A key, an equals sign and a TOML value.

    Returns
    -------
    key : tuple of str or int
        Parts of the key.
    value : object
        The value.

    Raises
    ------
    InputError
        If there is no key or no value of TOML.

    Examples
    --------
    >>> parse_assignment("policies.threshold=0.4")
    (('policies', 'threshold'), 0.4)
    """
    name, equals, written = text.partition("=")
    keys = key_parts(name.strip())
    if not equals or not keys or any(part == "" for part in keys):
        raise InputError(ASSIGNMENT, None, "", "KEY=VALUE, such as policies.threshold=0.4", text)
    written = written.strip()
    try:
        if "\n" not in written and "\r" not in written:
            check_limits(written, ASSIGNMENT)
            return keys, tomllib.loads(f"value = {written}")["value"]
    except InputError:
        raise
    except (ValueError, RecursionError):
        if re.fullmatch(r"[+-]?[0-9]+", written):  # a whole number of more digits than Python will read
            return keys, -math.inf if written.startswith("-") else math.inf
        if re.fullmatch(r"[^\W\d][\w ./+-]*", written):
            return keys, written
    raise InputError(ASSIGNMENT, None, dotted(keys), "a number, a word, true, false or a [list]", written)


def _files(folder: Path, suffix: str) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name.endswith(suffix) and p.is_file())


# --- pydantic's errors in everyday words ------------------------------------------------------------------------------

_KINDS = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "frozen_set": "a list",
    "dict": "a table",
    "mapping": "a table",
    "model": "a table",
    "model_attributes": "a table",
    "date": "a date such as 2025-04-01",
    "datetime": "a date and time",
}
_LIMITS = {
    "greater_than": ("gt", "a number above {}"),
    "greater_than_equal": ("ge", "a number of at least {}"),
    "less_than": ("lt", "a number below {}"),
    "less_than_equal": ("le", "a number of at most {}"),
    "multiple_of": ("multiple_of", "a multiple of {}"),
    "string_too_short": ("min_length", "text of at least {} characters"),
    "string_too_long": ("max_length", "text of at most {} characters"),
    "string_pattern_mismatch": ("pattern", "text of the form {}"),
    "too_short": ("min_length", "at least {} items"),
    "too_long": ("max_length", "at most {} items"),
    "literal_error": ("expected", "{}"),
    "enum": ("expected", "{}"),
    "union_tag_invalid": ("expected_tags", "{}"),
}


def _as_input_error(
    error: Any, further: int, data: Mapping[str, Any], model: type[BaseModel], path: Path | str, text: str
) -> InputError:
    """An error of pydantic as an `InputError`."""
    kind, context, came = str(error["type"]), error.get("ctx") or {}, error["input"]
    keys = _keys_of(error["loc"], data, missing=kind == "missing")
    choices: list[object] = []
    wanted: str
    if kind == "extra_forbidden":
        wanted, came = "a key that is known here", str(keys[-1])
        holders = [part for part in _annotations(model, keys[:-1]) if _is_model(part)]
        choices = [name for holder in holders for name in _names(holder)]
        if came in KEYS and came not in choices:
            wanted, choices = Phrase(renamed(came, KEYS[came])), []
    elif kind == "missing":
        wanted, came = "a value for this key", NOTHING
    elif kind == "value_error" and isinstance(context.get("error"), RequirementError):
        unmet: RequirementError = context["error"]
        wanted, came, choices, keys = unmet.wanted, unmet.came, list(unmet.choices), keys + unmet.below
    elif kind in ("value_error", "assertion_error"):
        wanted = Phrase(context.get("error", error["msg"]))
    elif kind in _LIMITS:
        name, phrase = _LIMITS[kind]
        wanted = phrase.format(context.get(name, ""))
        if kind in ("too_short", "too_long"):
            came = Phrase(f"{context.get('actual_length')}")
        if kind in ("literal_error", "enum"):
            literals = [part for part in _annotations(model, keys) if get_origin(part) is Literal]
            choices = [choice for part in literals for choice in get_args(part)]
            wanted = "one of these" if choices else wanted
    elif kind == "finite_number":
        wanted = "a finite number"
    elif kind == "int_from_float":
        wanted = "a whole number"
    else:
        stem = re.sub(r"_(type|parsing|from_date_parsing|from_datetime_parsing)$", "", kind)
        known = "a table" if kind == "model_type" else _KINDS.get(stem)
        wanted = known or re.sub(r"^Input should be ", "", str(error["msg"]))
        if kind == "float_type" and isinstance(came, int) and not isinstance(came, bool):
            wanted = "a finite number"
    return InputError(path, locate(text, keys), dotted(keys), wanted, came, choices, further)


def _keys_of(location: Sequence[str | int], data: object, *, missing: bool) -> KeyPath:
    """Pydantic's location without the names of union members, which are not keys of the file."""
    keys: list[str | int] = []
    value: Any = data
    for number, part in enumerate(location):
        inside = (isinstance(value, Mapping) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        )
        if inside:
            value = value[part]
            keys.append(part)
        elif missing and number == len(location) - 1:
            keys.append(part)
    return tuple(keys)


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _options(kind: Any) -> Iterator[Any]:
    """The plain types behind Annotated, unions and type aliases."""
    if hasattr(kind, "__value__"):
        kind = kind.__value__
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _options(get_args(kind)[0])
    elif origin in (Union, types.UnionType):
        for part in get_args(kind):
            yield from _options(part)
    else:
        yield kind


def _annotations(model: Any, keys: KeyPath) -> list[Any]:
    """The types that are allowed at a key path below a model."""
    kinds = list(_options(model))
    for key in keys:
        inner: list[Any] = []
        for kind in kinds:
            if _is_model(kind):
                fields = {field.alias or name: field for name, field in kind.model_fields.items()}
                if key in fields:
                    inner += _options(fields[str(key)].annotation)
            elif arguments := [part for part in get_args(kind) if part is not Ellipsis]:
                inner += _options(arguments[-1])
        kinds = inner
    return kinds
