"""Extensions: a user's folder of services, levers, mechanisms, measures, places and scenarios beside the package's.

An extension is a folder with the layout of the package. Its files are declared by their place in it, as those of the
package are:

| files | declare | as the package's files in |
| --- | --- | --- |
| `services/*.toml` | services | `sim/services/catalogue/` |
| `domains/*.toml` | domains of need | `sim/people/domains/` |
| `places/*.toml` | places | `scenarios/places/` |
| `scenarios/*.toml` | scenarios | `scenarios/` |
| `policies/*.py` | levers and shocks | `sim/policies/` |
| `people/*.py`, `services/*.py`, `networks/*.py`, `feedback/*.py` | mechanisms | the same folders of `sim/` |
| `metrics/*.py` | measures | none: the package's are in `sim/results/metrics.py` |

The longer paths of the package (`services/catalogue/`, `people/domains/`, `scenarios/places/`) are read too. A Python
file whose name begins with `_` declares nothing and can be imported by others.

A process has the extensions that `use` names before the model is first used, else those of the environment variable
`UPSTREAM_WITH`, which child processes inherit. Code of a folder is executed only because its user named the folder.
"""

from __future__ import annotations

import hashlib
import os
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from sim.schema.errors import InputError, Phrase, plain

VARIABLE, OPTION, GROUP = "UPSTREAM_WITH", "--with", "upstream.extensions"
"""The environment variable, the option, and the group of entry points of installed packages."""
PROJECT = Path(__file__).parents[2]
MOST_FILES = 5_000
"""Files and folders in an extension: a larger folder is another one, named by mistake."""
VERSION_PREFIX = "extension "
"""Beginning of an extension's key among the versions of a result."""


class Kind(NamedTuple):
    """Files of one kind.

    Attributes
    ----------
    suffix : str
        End of their names.
    folders : tuple of str
        Folders of an extension, of which the first is the usual one.
    shipped : tuple of str
        Folders of the project with the files of the package.
    """

    suffix: str
    folders: tuple[str, ...]
    shipped: tuple[str, ...]


PACKAGES = ("people", "services", "networks", "policies", "feedback")
"""Packages of `sim` whose Python files declare levers and mechanisms."""
KINDS: dict[str, Kind] = {
    "policies": Kind(".py", ("policies",), ()),
    "services": Kind(".toml", ("services", "services/catalogue"), ("sim/services/catalogue",)),
    "domains": Kind(".toml", ("domains", "people/domains"), ("sim/people/domains",)),
    "mechanisms": Kind(".py", tuple(name for name in PACKAGES if name != "policies"), ()),
    "metrics": Kind(".py", ("metrics",), ()),
    "places": Kind(".toml", ("places", "scenarios/places"), ("scenarios/places",)),
    "scenarios": Kind(".toml", ("scenarios",), ("scenarios", "scenarios/claims")),
}
IGNORED = ("docs", "tests", "out")
"""Folders of an extension that are not read, beside those whose names begin with a dot or an underscore."""
OF_PROJECTS = ("pyproject.toml", "setup.py", "conftest.py", "__init__.py")
"""Files beside the folders of an extension that belong to its own packaging."""
RESERVED = ("levers", "valuation", "place", "domains")
"""Groups of parameters that no file may have as its name."""


class Extension(NamedTuple):
    """An extension that this process uses.

    Attributes
    ----------
    name : str
        Name of its folder, or of its entry point.
    folder : Path
        Its folder.
    sha256 : str
        SHA-256 of the paths and contents of its files.
    code : str
        The same of the Python files on which a run depends; "" if it has none.
    """

    name: str
    folder: Path
    sha256: str
    code: str

    def files(self, kind: str) -> tuple[Path, ...]:
        """Its files of a kind, in order of their names."""
        folders = (self.folder / name for name in KINDS[kind].folders)
        listed = (path for folder in folders for path in folder.glob(f"*{KINDS[kind].suffix}"))
        return tuple(sorted((path for path in listed if _declares(path)), key=lambda path: (path.name, path)))

    def summary(self) -> str:
        """Its name, the number of its files of each kind, and its SHA-256, in one line."""
        counts = {kind: len(self.files(kind)) for kind in KINDS}
        parts = ", ".join(f"{kind} {count}" for kind, count in counts.items() if count)
        return f"{self.name}: {parts} (SHA-256 {self.sha256[:12]})"


class _Process:
    """The extensions that were named in this process, and those that it uses since the model was first used."""

    named: tuple[Extension, ...] | None = None
    active: tuple[Extension, ...] | None = None


def use(*folders: str | os.PathLike[str]) -> tuple[Extension, ...]:
    """Use extensions in this process and in the processes that it starts.

    The Python files in the folders are executed when the model is first used.

    Parameters
    ----------
    *folders : str or path
        Folders, or names of installed extensions (entry points of the group ``upstream.extensions``).

    Returns
    -------
    tuple of Extension
        Each with its name and the SHA-256 of its files, which every result records.

    Raises
    ------
    InputError
        If a folder is not an extension, or a name in it is one of the package's, or the model is already in use with
        other extensions. Declarations in the files are checked when the model is first used.

    Examples
    --------
    >>> import sim
    >>> sim.use("my-science")  # doctest: +SKIP
    """
    specs = [os.fspath(folder) for folder in folders]
    chosen = _read(specs)
    if _Process.active is not None:
        if _Process.active == chosen:
            return chosen
        wanted = (
            "extensions that are named before the model is first used in this process "
            "(in a notebook: restart it, and call sim.use directly after `import sim`)"
        )
        names = ", ".join(extension.name for extension in _Process.active) or "none"
        raise InputError("sim.use", None, "", wanted, Phrase(f"a model in use with other extensions: {plain(names)}"))
    _Process.named = chosen
    os.environ[VARIABLE] = os.pathsep.join(_spec(extension) for extension in chosen)
    return chosen


def active() -> tuple[Extension, ...]:
    """The extensions of this process, which stay the same from the first call on."""
    if _Process.active is None:
        named = os.environ.get(VARIABLE, "").split(os.pathsep)
        _Process.active = _read(named) if _Process.named is None else _Process.named
    return _Process.active


def specs() -> tuple[str, ...]:
    """The folder, or the name of the entry point, of each extension in use: the arguments of `use` in a process."""
    return tuple(map(_spec, active()))


def _spec(extension: Extension) -> str:
    return str(extension.folder) if extension.folder.name == extension.name else extension.name


def files(kind: str) -> tuple[tuple[Path, ...], ...]:
    """The files of a kind, for each extension in use."""
    return tuple(extension.files(kind) for extension in active())


def modules() -> tuple[str, ...]:
    """Names of the Python files of the extensions that declare levers and mechanisms; each names its parameters."""
    return tuple(path.stem for kind in ("policies", "mechanisms") for some in files(kind) for path in some)


def versions() -> dict[str, str]:
    """The SHA-256 of each extension in use, by its key among the versions of a result."""
    return {f"{VERSION_PREFIX}{extension.name}": extension.sha256 for extension in active()}


def digest() -> str:
    """A digest of all extensions in use; "" if there is none."""
    return " ".join(f"{extension.name} {extension.sha256}" for extension in active())


def code_digest() -> str:
    """A digest of the code of all extensions in use that runs depend on; "" if there is none."""
    return " ".join(extension.code for extension in active() if extension.code)


def require(of_result: dict[str, str], file: Path) -> None:
    """Refuse a result of other extensions than those in use. One of another version of them is not refused.

    Parameters
    ----------
    of_result : dict of str to str
        The versions of the result.
    file : Path
        The file that states them, for the message.

    Raises
    ------
    InputError
        If an extension is missing, or one is in use that the result does not have.
    """
    needed = [key.removeprefix(VERSION_PREFIX) for key in of_result if key.startswith(VERSION_PREFIX)]
    present = [extension.name for extension in active()]
    missing = [name for name in needed if name not in present]
    if missing:
        sums = ", ".join(f"{name} (SHA-256 {of_result[VERSION_PREFIX + name][:12]})" for name in missing)
        wanted = f"the extension with which the result was made, {plain(sums)}: name its folder ({OPTION} FOLDER, or "
        wanted += f"{VARIABLE}, or sim.use)"
        raise InputError(file, None, "extensions", wanted, Phrase(", ".join(present) or "none"))
    further = [name for name in present if name not in needed]
    if further:
        wanted = f"the extensions with which the result was made, {plain(', '.join(needed)) or 'none'}"
        raise InputError(file, None, "extensions", wanted, Phrase(", ".join(present)))


@cache
def installed() -> dict[str, str]:
    """The entry points of installed packages: the package of each extension, by name."""
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=GROUP)}


def _read(specs: list[str]) -> tuple[Extension, ...]:
    """Read the extensions that folders or names of entry points state."""
    out: list[Extension] = []
    for spec in filter(None, specs):
        folder = Path(spec).expanduser()
        name = ""
        if not folder.is_dir() and spec in installed():
            name, folder = spec, _package_folder(spec)
        extension = _extension(folder, name)
        for other in out:
            if other.name == extension.name:
                raise InputError(folder, None, "", "extensions of different names", extension.name)
        out.append(extension)
    _refuse_same_names(out)
    return tuple(out)


def _package_folder(name: str) -> Path:
    """The folder of an installed package that is an extension. Its code is not executed."""
    from importlib.util import find_spec

    package = installed()[name]
    try:
        spec = find_spec(package)
    except (ImportError, ValueError, AttributeError):
        spec = None
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not folders:
        raise InputError(f"{OPTION} {name}", None, "", "a package whose folder is an extension", package)
    return Path(folders[0])


def _extension(folder: Path, name: str) -> Extension:
    """Read the files of an extension, after checks of its layout."""
    if not folder.is_dir():
        came = Phrase(f"a file, '{plain(str(folder))}'") if folder.exists() else str(folder)
        wanted = "a folder or the name of an installed extension"
        raise InputError(OPTION, None, "", wanted, came, [*sorted(installed()), *_beside(folder)])
    folder = folder.resolve()
    if os.pathsep in str(folder):
        raise InputError(OPTION, None, "", f"a folder without '{os.pathsep}' in its path", str(folder))
    known = list(dict.fromkeys(each for kind in KINDS.values() for each in kind.folders))
    if not any((folder / each).is_dir() for each in known):
        present = ", ".join(sorted(path.name for path in folder.iterdir() if path.is_dir())[:8])
        wanted = "an extension: a folder with at least one of these folders"
        raise InputError(folder, None, "", wanted, Phrase(f"a folder with {plain(present) or 'no folder'}"), known)
    contents: dict[str, bytes] = {}
    for path in _walk(folder):
        inside = path.relative_to(folder).as_posix()
        if path.suffix in (".py", ".toml") or path.parent.relative_to(folder).as_posix() in known:
            _refuse_ignored(folder, inside, known)
            try:
                contents[inside] = path.read_bytes()
            except OSError as error:
                came = Phrase(error.strerror or "an error")
                raise InputError(path, None, "", "a file that can be read", came) from None
    code = {name: text for name, text in contents.items() if name.endswith(".py") and not name.startswith("metrics/")}
    extension = Extension(name or folder.name, folder, _sha256(contents), _sha256(code) if code else "")
    if not any(extension.files(kind) for kind in KINDS):
        raise InputError(folder, None, "", "an extension: at least one file that declares something", Phrase("none"))
    return extension


def _beside(folder: Path) -> list[str]:
    """Extensions beside a folder that does not exist: folders with levers, services or scenarios."""
    try:
        return sorted(
            str(path)
            for path in folder.parent.iterdir()
            if any((path / name).is_dir() for name in ("policies", "services", "scenarios"))
        )
    except OSError:
        return []


def _walk(folder: Path) -> list[Path]:
    """Every file below a folder, in order, without hidden and ignored folders."""
    out: list[Path] = []
    for above, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in IGNORED and not re.match(r"[._]", name))
        out += [Path(above) / name for name in sorted(names) if not name.startswith(".")]
        if len(out) > MOST_FILES:
            raise InputError(folder, None, "", f"an extension of at most {MOST_FILES:,} files", Phrase("more"))
    return out


def _refuse_ignored(folder: Path, inside: str, known: list[str]) -> None:
    """Refuse a file that would declare nothing where it is."""
    path = Path(inside)
    above, is_package = path.parent.as_posix(), (folder / "__init__.py").is_file()
    if above == "." and (path.name in OF_PROJECTS or (path.suffix == ".py" and is_package)):
        return
    if above not in known and is_package and path.suffix == ".py":
        return  # a module of an installed package, for its own use
    read = [each for kind in KINDS.values() if kind.suffix == path.suffix for each in kind.folders]
    if path.suffix in (".py", ".toml") and above not in read:
        wanted = f"a {path.suffix} file in one of these folders"
        raise InputError(folder / inside, None, "", wanted, above if above != "." else Phrase("none of them"), read)


def _declares(path: Path) -> bool:
    return path.is_file() and not path.name.startswith((".", "_"))


def _refuse_same_names(extensions: list[Extension]) -> None:
    """Refuse a file whose name is that of a file of the package or of another extension."""
    modules = {path.stem: path for package in PACKAGES for path in (PROJECT / "sim" / package).glob("*.py")}
    modules |= dict.fromkeys(RESERVED, PROJECT / "sim")
    for name, kind in KINDS.items():
        shipped = {path.stem: path for each in kind.shipped for path in (PROJECT / each).glob(f"*{kind.suffix}")}
        taken = modules if name in ("policies", "mechanisms") else shipped
        for extension in extensions:
            for path in extension.files(name):
                if kind.suffix == ".py" and not path.stem.isidentifier():
                    raise InputError(path, None, "", "a name of letters, digits and underscores", path.stem)
                if path.stem in taken:
                    other = taken[path.stem]
                    is_shipped = other.is_relative_to(PROJECT / "sim") or other in shipped.values()
                    owner = "the package" if is_shipped else other
                    wanted = f"a file name that {owner} does not have"
                    raise InputError(path, None, "", wanted, path.stem)
                taken[path.stem] = path


def _sha256(contents: dict[str, bytes]) -> str:
    out = hashlib.sha256()
    for name, content in sorted(contents.items()):
        out.update(f"{name}\0{len(content)}\0".encode())
        out.update(content)
    return out.hexdigest()
