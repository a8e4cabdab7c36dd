"""Error messages for input files: file, line, key, the value that was expected and the value that came."""

from __future__ import annotations

import pickle
import tomllib
from pathlib import Path
from typing import Any, Literal, Self

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import Field, model_validator

from sim.schema.errors import InputError, RequirementError
from sim.schema.quantities import Closed, Figure
from sim.schema.toml_files import LARGEST_FILE, fail, load, load_text, parse_assignment
from sim.schema.toml_keys import dotted, key_parts, locate


class Lever(Closed):
    """A policy in the input files of these tests."""

    lever: Literal["prevention_share", "threshold"]
    months: int = 12
    figure: Figure | None = None


class Scenario(Closed):
    """The schema of the input files of these tests."""

    name: str
    policies: list[Lever] = Field(default_factory=list)
    named: dict[str, Lever] = Field(default_factory=dict)


def error(text: str) -> InputError:
    """The error that a wrong text causes."""
    with pytest.raises(InputError) as caught:
        load_text(text, "x.toml", Scenario)
    said = str(caught.value)
    assert "\n" not in said
    assert "Traceback" not in said
    assert "pydantic" not in said
    assert caught.value.__cause__ is None
    return caught.value


def test_a_mistyped_choice_is_reported_in_one_sentence() -> None:
    """The message has the file, the line, the key, the choices and the most similar choice."""
    said = str(error('name = "a"\n\n[[policies]]\nlever = "threshold"\n[[policies]]\nlever = "prevntion_share"\n'))
    assert said == (
        "x.toml, line 6: policies[1].lever: wanted one of these, got 'prevntion_share'; "
        "there are: prevention_share, threshold (did you mean 'prevention_share'?)"
    )


@pytest.mark.parametrize(
    ("text", "line", "key", "wanted"),
    [
        ('name = "a"\nnmae = 1', 2, "nmae", "a key that is known here"),
        ('name = "a"\npolicies = [\n  { lever = "threshold", moths = 3 },\n]', 3, "policies[0].moths", "a key that"),
        ("name = 3", 1, "name", "text"),
        ('name = "a"\npolicies = 3', 2, "policies", "a list"),
        ('name = "a"\n[[policies]]\nlever = "threshold"\nmonths = 1.5', 4, "policies[0].months", "a whole number"),
        ('name = "a"\n[[policies]]\nlever = "threshold"\nmonths = "12"', 4, "policies[0].months", "a whole number"),
        ('name = "a"\n[[policies]]\nmonths = 2', 2, "policies[0].lever", "a value for this key"),
        ('name = "a"\n[named."k k"]\nlever = "threshold"\nmonths = true', 4, 'named."k k".months', "a whole number"),
        ("name =", 1, "", "TOML"),
        ('name = "a"\nname = "b"', 2, "", "TOML"),
        ('name = "a"\npolicies = [', 2, "", "TOML"),
        ("name = " + "[" * 50_000, 1, "", "TOML with at most 20 brackets"),
        ("name = " + "9" * 5_000, None, "", "TOML"),
        ("", None, "name", "a value for this key"),
    ],
)
def test_an_error_has_its_line_and_key(text: str, line: int | None, key: str, wanted: str) -> None:
    """The line and the key are those of the error."""
    problem = error(text)
    assert (problem.line, problem.key) == (line, key)
    assert problem.wanted.startswith(wanted)


def test_a_message_of_a_validator_is_passed_on() -> None:
    """The message of a model's validator is part of the error."""
    figure = '{ value = 5, unit = "x", low = 0, high = 1, source = "abc", status = "assumed" }'
    problem = error(f'name = "a"\n[[policies]]\nlever = "threshold"\nfigure = {figure}')
    assert "outside its own range" in str(problem)
    assert problem.line == 4


def test_an_unknown_key_is_reported_before_a_missing_key() -> None:
    """A mistyped key causes two errors: the unknown key is reported first."""
    problem = error('name = "a"\n[[policies]]\nlevr = "threshold"')
    assert problem.came == "levr"
    assert problem.suggestion() == "lever"
    assert problem.further == 1


def test_control_characters_are_escaped_and_long_values_cut() -> None:
    """A message has no control characters of the file, and a limited length."""
    said = str(error('name = "a"\n[[policies]]\nlever = "\\u001b[31m\\u202e' + "x" * 5_000 + '"'))
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert len(said) < 400


def test_a_missing_file_lists_the_files_of_the_folder(tmp_path: Path) -> None:
    """The message lists the files of the folder, and suggests the most similar one."""
    (tmp_path / "baseline.toml").write_text('name = "a"')
    with pytest.raises(InputError) as caught:
        load(tmp_path / "basline.toml", Scenario)
    assert caught.value.choices == ("baseline.toml",)
    assert "did you mean 'baseline.toml'" in str(caught.value)


def test_files_that_are_not_text_are_refused(tmp_path: Path) -> None:
    """A folder, another encoding, a file that is too large and an impossible name are refused."""
    latin, big = tmp_path / "latin.toml", tmp_path / "big.toml"
    latin.write_bytes(b'name = "a"\n# caf\xe9')
    big.write_bytes(b"#" * (LARGEST_FILE + 1))
    with pytest.raises(InputError, match="line 2: wanted text saved as UTF-8"):
        load(latin, Scenario)
    with pytest.raises(InputError, match="at most 500,000 bytes"):
        load(big, Scenario)
    for path in (tmp_path, tmp_path / "no" / "x.toml", Path("\0"), Path("a" * 5_000)):
        with pytest.raises(InputError):
            load(path, Scenario)


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    """A file that starts with a byte order mark is read."""
    path = tmp_path / "bom.toml"
    path.write_bytes(b'\xef\xbb\xbfname = "a"')
    assert load(path, Scenario).name == "a"


def test_fail_has_the_line_of_a_key(tmp_path: Path) -> None:
    """`fail` finds the line of a key for a check that is made after the file was read."""
    path = tmp_path / "s.toml"
    path.write_text('name = "a"\n\n[[policies]]\nlever = "threshold"\n')
    problem = fail(path, "policies[0].lever", "a lever in use", "threshold", ["x"])
    assert problem.line == 4
    assert problem.key == "policies[0].lever"
    assert fail(tmp_path / "gone.toml", ("a", 1), "x", 2).line is None


def test_an_error_can_be_pickled() -> None:
    """An InputError can be sent from a worker process."""
    problem = InputError("a.toml", 3, "k", "text", 4, ["b"], 2)
    assert str(pickle.loads(pickle.dumps(problem))) == str(problem)


class HalfOfTotal(Closed):
    """A model with a validator that names the key at fault."""

    total: int
    half: int

    @model_validator(mode="after")
    def _is_half(self) -> Self:
        if self.half * 2 != self.total:
            raise RequirementError("half of the total", self.half, [self.total // 2], below=("half",))
        return self


def test_a_requirement_has_the_line_of_its_key() -> None:
    """A validator can name the key at fault, and the message has its line."""
    with pytest.raises(InputError, match=r"x.toml, line 2: half: wanted half of the total, got 3; there are: 2"):
        load_text("total = 4\nhalf = 3", "x.toml", HalfOfTotal)


HUGE = {
    "a dotted key": "\n" + ".".join("a" * 20_000) + " = 1",
    "a header": "\n[" + " . ".join("a" * 20_000) + "]",
    "a header of a list": "\n[[" + ".".join('"' + c + '"' for c in "a" * 20_000) + "]]",
    "a key of an inline table": "\na = { " + ".".join("a" * 20_000) + " = 1 }",
    "lists in lists": "\na = " + "[" * 20_000,
    "tables in tables": "\na = " + "{ a = " * 20_000,
    "a list": "a = [" + "1, " * 20_000 + "]",
    "keys": "".join(f"a{k} = 1\n" for k in range(20_000)),
    "tables": "[[a]]\n" * 20_000,
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE)
def test_a_file_beyond_the_limits_is_refused_before_it_is_parsed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser, which takes quadratic time for long keys, gets no such text: neither to parse nor to find a line."""
    monkeypatch.setattr(tomllib, "loads", lambda text: pytest.fail("the text was parsed"))
    problem = error(text)
    assert (problem.line, problem.key) == (2 if text.startswith("\n") else None, "")
    assert locate(text, ("a",)) is None
    with pytest.raises(InputError):
        parse_assignment("a=" + text.replace("\n", " "))


def test_brackets_and_dots_inside_text_do_not_count() -> None:
    """Strings and comments may hold anything; a text that ends inside a string is left to the parser."""
    dots = ".".join("a" * 100) + "[" * 100
    text = f'name = "{dots}" # {dots}\n[named."{dots}"]\nlever = """threshold"""\n'
    assert list(load_text(text, "x.toml", Scenario).named) == [dots]
    assert error(f'name = """{dots}').wanted.startswith("TOML (unterminated")


def test_reading_a_file_twice_gives_the_same_model(tmp_path: Path) -> None:
    """A file that has changed is read again."""
    path = tmp_path / "x.toml"
    path.write_text('name = "a"', encoding="utf-8")
    first = load(path, Scenario)
    assert load(path, Scenario) is first
    path.write_text('name = "b"', encoding="utf-8")
    assert load(path, Scenario).name == "b"


@pytest.mark.parametrize(
    ("written", "keys", "value"),
    [
        ("policies.threshold=0.4", ("policies", "threshold"), 0.4),
        ("policies[1].value = -2", ("policies", 1, "value"), -2),
        ("place=wigan", ("place",), "wigan"),
        ('a."b.c"=true', ("a", "b.c"), True),
        ("a=[1, 2]", ("a",), [1, 2]),
    ],
)
def test_assignments_on_the_command_line(written: str, keys: tuple[Any, ...], value: object) -> None:
    """`--set` takes numbers, words and lists, for dotted and numbered keys."""
    assert parse_assignment(written) == (keys, value)


@pytest.mark.parametrize(
    "written", ["", "x", "=3", "a..b=1", ".a=1", "a.=1", "x=", "x=1\ny=2", "x=]", "x=" + "[" * 9999]
)
def test_wrong_assignments_are_refused(written: str) -> None:
    """Each wrong assignment is refused in one line."""
    with pytest.raises(InputError) as caught:
        parse_assignment(written)
    assert str(caught.value).startswith("--set")
    assert "\n" not in str(caught.value)


@for_all(st.text())
def test_any_text_is_an_assignment_or_an_input_error(text: str) -> None:
    """No text causes another exception than InputError."""
    said = "fine"
    try:
        parse_assignment(text)
    except InputError as problem:
        said = str(problem)
    assert said.isprintable()


@for_all(st.text(alphabet="ab.[]{}=\"'#\n ,1\\", max_size=60))
def test_any_text_is_toml_or_an_input_error_and_can_be_searched(text: str) -> None:
    """Reading and locating cause no other exception than InputError."""
    locate(text, "a.b")
    with pytest.raises(InputError) as caught:
        load_text(text, "x.toml", Scenario)  # no such text holds `name`
    assert str(caught.value).isprintable()


TABLES = """
top = 1 # one = 2
"quoted key" = '''
fake = 1
'''
dotted.inner = "a # b"
[table]
list = [
  1, # ]
  { deep = 2 },
]
[[rows]]
x = 1
[rows.sub]
y = 1
[[rows]]
x = 2
[[rows.parts]]
z = 1
[[rows.parts]]
z = 2
inline = { p = 1, q = { r = 2 } }
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("top", 2),
        ('"quoted key"', 3),
        ("dotted", 6),
        ("dotted.inner", 6),
        ("table", 7),
        ("table.list[1].deep", 10),
        ("rows[0]", 12),
        ("rows[0].x", 13),
        ("rows[0].sub.y", 15),
        ("rows[1].x", 17),
        ("rows[1].parts[1].z", 21),
        ("rows[1].parts[1].inline.q.r", 22),
        ("rows[1].parts[1].unknown", 20),
        ("unknown", None),
        ("", None),
    ],
)
def test_locate(key: str, line: int | None) -> None:
    """`locate` finds the line of a key in every notation of TOML."""
    tomllib.loads(TABLES)
    assert locate(TABLES, key) == line


@for_all(st.lists(st.one_of(st.integers(0, 999), st.from_regex(r"[a-z][\w ]{0,5}", fullmatch=True)), min_size=1))
def test_dotted_and_key_parts_are_inverse(keys: list[str | int]) -> None:
    """A key as shown in a message can be parsed again."""
    if all(isinstance(key, int) or key.isascii() for key in keys):
        assert key_parts(dotted(tuple(keys))) == tuple(keys)
