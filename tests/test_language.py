"""Language of the project: names of identifiers, words of prose, and unique names of classes.

Each check has a companion test on a small text, which shows that the check can fail.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
CODE = ("sim", "dashboard", "benchmarks", "tests")

FORBIDDEN_NAMES = frozenset(
    ["told", "found", "given", "what", "whole", "seen", "usual", "here", "there", "own", "kept", "begun", "one", "who"]
)
"""Pronouns, participles and adverbs: an identifier is a noun of the domain, or a verb for a function."""
EXEMPT_NAMES = {
    "sim/scenario/policy.py": {"who"},
    "sim/scenario/scenario.py": {"who"},
    "tests/mutation.py": {"who"},
    "tests/test_mesa_model.py": {"who"},
    "tests/test_policy_targeting.py": {"who"},
}
"""`who` is the key of a policy's ages in scenario files, and so a field of Policy and an argument of `with_policy`."""

WORDS = re.compile(
    r"\b(told|tells?|tellings?|nought|whoever|whomever|borne\s+out|luck|dice|dearer|dearest)\b", re.IGNORECASE
)
QUOTATIONS = {"scenarios/claims/claims.toml", "scenarios/claims/outside.toml"}
"""Files whose sentences are quoted from other texts."""
NOT_PROSE = re.compile(
    r"^```.*?^```"  # a block of code
    r"|`[^`]*`"  # code in a line
    r"|\]\([^)]*\)"  # the address of a link
    r"|“[^”]*”"  # a quotation
    r'|"(?:[^"\n]|\n(?!\s*\n))*"',  # a quotation within a paragraph
    re.MULTILINE | re.DOTALL,
)
"""Parts of a Markdown file that are not checked."""


def python_files(folders: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The Python files of some folders: path relative to the project, and text."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def files(pattern: str, folders: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The files of some folders, and of folders in them, whose names match a pattern: relative path and text."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob(pattern)):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


# Identifiers.


def identifiers(text: str) -> Iterator[tuple[int, str]]:
    """Every identifier that a file binds or uses, with its line: names, arguments, keywords, attributes, aliases."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name():
                yield node.lineno, node.id
            case ast.Attribute():
                yield node.lineno, node.attr
            case ast.arg():
                yield node.lineno, node.arg
            case ast.keyword(arg=str(name)):
                yield node.lineno, name
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.alias():
                yield node.lineno, node.asname or node.name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield node.lineno, name
            case ast.MatchMapping(rest=str(name)):
                yield node.lineno, name


def forbidden_names(path: str, text: str) -> list[str]:
    """The forbidden identifiers of a Python file, as 'file:line: name'."""
    exempt = EXEMPT_NAMES.get(path, set())
    return [f"{path}:{line}: {name}" for line, name in identifiers(text) if name in FORBIDDEN_NAMES - exempt]


def test_identifiers_are_nouns() -> None:
    """No identifier of the project is a pronoun, a participle or an adverb of the list."""
    failures = [failure for path, text in python_files(CODE) for failure in forbidden_names(path, text)]
    assert not failures, "\n".join(failures)


def test_a_forbidden_identifier_is_reported() -> None:
    """Each kind of identifier is checked; the exemption is for one name in the listed files only."""
    text = """
import numpy as found
from hypothesis import given
def what(told, *, usual=1, **kept):
    whole = f(here=told.seen)
    try:
        own: int = 1
    except ValueError as there:
        pass
    match whole:
        case [one, *who]:
            pass
class begun: ...
"""
    lines = [failure.removeprefix("a.py:") for failure in forbidden_names("a.py", text)]
    assert set(lines) == {
        "2: found", "3: given", "4: what", "4: told", "4: usual", "4: kept", "5: whole", "5: here", "5: told",
        "5: seen", "7: own", "8: there", "10: whole", "11: one", "11: who", "13: begun",
    }  # fmt: skip
    assert forbidden_names("a.py", "def with_policy(who): ...") == ["a.py:1: who"]
    assert forbidden_names("sim/scenario/policy.py", "def with_policy(who): ...") == []
    assert forbidden_names("a.py", "kept_alive = whole_number = 'told' # found") == []


# Prose.


def words_in(path: str, text: str, first_line: int = 1) -> list[str]:
    """The forbidden words of a text, as 'file:line: word'."""
    return [
        f"{path}:{first_line + text.count(chr(10), 0, match.start())}: {' '.join(match[0].split())}"
        for match in WORDS.finditer(text)
    ]


def words_of_markdown(path: str, text: str) -> list[str]:
    """The forbidden words of a Markdown file, outside code, link addresses and quotations."""
    return words_in(path, NOT_PROSE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text))


def words_of_python(path: str, text: str, *, strings: bool = True) -> list[str]:
    """The forbidden words of comments, docstrings and, if `strings`, other string literals of a Python file.

    A string passed to `stream("...")` is the address of random numbers, and is not checked.
    """
    docstrings = {
        (node.lineno, node.col_offset)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
    literals = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    failures, before = [], ("", "")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        is_prose = token.type in literals and (strings or token.start in docstrings) and before != ("stream", "(")
        if token.type == tokenize.COMMENT or is_prose:
            failures += words_in(path, token.string.replace(r"\n", "  "), token.start[0])
        before = before[1], token.string
    return failures


def test_prose_is_plain() -> None:
    """No document, docstring, comment, message or text of an input file has a word of the list."""
    failures = []
    for path, text in python_files(CODE):
        failures += words_of_python(path, text, strings=not path.startswith("tests/"))
    documents = [(path.name, path.read_text(encoding="utf-8")) for path in sorted(ROOT.glob("*.md"))]
    for path, text in [*documents, *files("*.md", [*CODE, "scenarios"])]:
        failures += words_of_markdown(path, text)
    for path, text in files("*.toml", ["sim", "scenarios"]):
        if path not in QUOTATIONS:
            failures += words_in(path, text)
    assert not failures, "\n".join(failures)


def test_a_forbidden_word_is_reported() -> None:
    """Words are reported with their line, in any case, and over a line break; other words are not."""
    assert words_in("a.toml", 'a = "b"\nc = "Whoever waits"\n') == ["a.toml:2: Whoever"]
    assert words_in("a.md", "It is borne\nout by luck.") == ["a.md:1: borne out", "a.md:2: luck"]
    assert words_in("a.md", "She tells it. Two tellings. Dearest, dearer, told, NOUGHT.") == [
        f"a.md:1: {word}" for word in ("tells", "tellings", "Dearest", "dearer", "told", "NOUGHT")
    ]
    assert words_in("a.md", "Clucking, indices, retold, foretelling, unlucky, dear.") == []


def test_a_forbidden_word_in_markdown_is_reported() -> None:
    """Code, link addresses and quotations of a Markdown file are not checked; its other text is."""
    text = 'He “told” and "told\nagain".\n\n```\ntold\n```\n`told` [told](told.md)\n\nA "quotation.\n\nNot luck".\n'
    assert words_of_markdown("a.md", text) == ["a.md:7: told", "a.md:11: luck"]


def test_a_forbidden_word_in_python_is_reported() -> None:
    """Comments, docstrings and strings are checked, and addresses of random numbers are not."""
    text = '"""Told\n\ntwice."""\nX = 1\n"""Luck."""\nY = stream("luck of dice")\nZ = f"{X} tells\\ndice"  # nought\n'
    assert words_of_python("a.py", text) == [
        "a.py:1: Told", "a.py:5: Luck", "a.py:7: tells", "a.py:7: dice", "a.py:7: nought"
    ]  # fmt: skip
    assert words_of_python("a.py", text, strings=False) == ["a.py:1: Told", "a.py:5: Luck", "a.py:7: nought"]
    assert words_of_python("a.py", "told = given  # no prose") == []


# Names of classes.


def classes(path: str, text: str) -> Iterator[tuple[str, str]]:
    """The public classes of a file as (name, 'file:line'): those at its top level, and parameters anywhere."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            has_parameters = any(ast.unparse(base).rsplit(".", 1)[-1] == "Params" for base in node.bases)
            if node in tree.body or has_parameters:
                yield node.name, f"{path}:{node.lineno}"


def repeated_classes(texts: Iterable[tuple[str, str]]) -> list[str]:
    """The names of classes that are defined more than once, as 'name: file:line, file:line'."""
    places: dict[str, list[str]] = defaultdict(list)
    for path, text in texts:
        for name, place in classes(path, text):
            places[name].append(place)
    return [f"{name}: {', '.join(where)}" for name, where in sorted(places.items()) if len(where) > 1]


def test_names_of_classes_are_unique() -> None:
    """A name of a class in sim/ or dashboard/ means one thing."""
    failures = repeated_classes(python_files(["sim", "dashboard"]))
    assert not failures, "\n".join(failures)


def test_a_repeated_class_is_reported() -> None:
    """A class defined twice is reported with its places; private classes and classes in functions are not."""
    first = "class A: ...\nclass _B: ...\ndef f():\n    class C: ...\n    class D(quantities.Params): ...\n"
    second = "class _B: ...\n\nclass A(C): ...\nclass C: ...\nclass D(Params): ...\n"
    assert repeated_classes([("a.py", first), ("b.py", second)]) == ["A: a.py:1, b.py:3", "D: a.py:5, b.py:5"]
    assert repeated_classes([("a.py", first)]) == []
