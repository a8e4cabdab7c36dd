"""Sphinx configuration of the documentation site: `make docs` builds it in docs/_build/html.

The built pages load nothing from another host. Tutorials are executed at each build; so their results are those of the
code as it stands.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
ROOT = DOCS.parent
BUILD = DOCS / "_build"
sys.path.insert(0, str(ROOT))

import plotly  # noqa: E402  # after the path of the project
from numba.core.dispatcher import Dispatcher  # noqa: E402

from sim.schema.version import VERSION  # noqa: E402

project = "Upstream"
author = "Upstream contributors"
copyright = "Upstream contributors, MIT licence"
version = release = VERSION
language = "en_GB"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
]
root_doc = "index"
exclude_patterns = ["_build", "_templates", "README.md"]
templates_path = ["_templates"]
default_role = "literal"  # docstrings write names between single backticks, as Markdown does

# --- Pages in Markdown, and tutorials that are executed -------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist"]  # no "dollarmath": a formula would load MathJax from another host
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_in_temp = True  # a tutorial may write files
nb_execution_timeout = -1  # the first cell may compile the model
nb_execution_raise_on_error = True
nb_output_stderr = "remove"
nb_mime_priority_overrides = [("html", "text/html", 0)]
nb_ipywidgets_js: dict[str, Any] = {}  # the default loads scripts from another host

suppress_warnings = [
    "ref.python",  # a public name has two addresses, sim.compare and sim.ensemble.compare.compare: either is right
]

# --- Reference from docstrings --------------------------------------------------------------------------------------

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# --- HTML -----------------------------------------------------------------------------------------------------------

html_theme = "furo"  # system fonts, and scripts of its own only
html_title = f"Upstream {VERSION}"
html_static_path = ["_static", "_build/static"]
html_css_files = ["upstream.css"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False

PACKAGES = ("schema", "engine", "state", "scenario", "results", "simulation", "ensemble")
"""Packages of `sim` of which the reference documents every module."""
TEXTS = {
    ROOT / "sim" / "MODEL.md": "model/model",
    ROOT / "CHANGELOG.md": "model/changelog",
    **{path: f"model/decisions/{path.stem}" for path in sorted((ROOT / "sim" / "decisions").glob("*.md"))},
}
"""Texts of the repository that are included as pages, and the name of the page of each."""
LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\((?!https?:|#)([^)\s#]*)(?:#[^)\s]*)?\)")
"""A relative link of Markdown: its text and its path."""


def links_of_the_site(text: str, source: Path) -> str:
    """Replace the relative links of a text of the repository by links between pages of the site.

    Parameters
    ----------
    text : str
        Markdown.
    source : Path
        The file that has the text; its links are relative to its folder.

    Returns
    -------
    str
        The text. A link to a file that is no page of the site becomes the text of the link, with the path of the file
        where the text does not name it.
    """

    def replaced(match: re.Match[str]) -> str:
        label, path = match[1], (source.parent / match[2]).resolve()
        if path in TEXTS:
            return f"[{label}](/{TEXTS[path]}.md)"
        if path == ROOT / "sim" / "decisions":
            return f"[{label}](/model/index.md)"
        if not path.is_relative_to(ROOT):
            return label
        name = path.relative_to(ROOT).as_posix()
        return f"`{name}`" if label.strip("`/") in name else f"{label} (`{name}`)"

    return LINK.sub(replaced, text)


def write_if_changed(path: Path, text: str) -> None:
    """Write a file, unless it has this text already: Sphinx reads again what is newer than its page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def make_pages_of_texts() -> None:
    """Write the pages that include texts of the repository, and delete pages of texts and modules no longer there."""
    for source, page in TEXTS.items():
        up = "../" * (page.count("/") + 1)
        include = f"```{{include}} {up}{source.relative_to(ROOT).as_posix()}\n```\n"
        write_if_changed(DOCS / f"{page}.md", include)
    for path in (DOCS / "model" / "decisions").glob("*.md"):
        if f"model/decisions/{path.stem}" not in TEXTS.values():
            path.unlink()
    for path in (DOCS / "reference" / "generated").glob("*.rst"):
        parent = path.stem.rpartition(".")[0]
        if find_spec(parent) is None or find_spec(path.stem) is None:
            path.unlink()


def prepare_execution() -> None:
    """Set the environment of the tutorials' kernel: the interpreter of this build, and figures without another host."""
    static, profile = BUILD / "static", BUILD / "ipython" / "profile_default" / "startup"
    static.mkdir(parents=True, exist_ok=True)
    profile.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(plotly.__file__).parent / "package_data" / "plotly.min.js", static / "plotly.min.js")
    shutil.copyfile(DOCS / "figures_in_pages.py", profile / "figures_in_pages.py")
    os.environ["IPYTHONDIR"] = str(BUILD / "ipython")
    os.environ["JUPYTER_PATH"] = str(Path(sys.prefix) / "share" / "jupyter")  # before any kernel of the user's own
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    os.environ["UPSTREAM_QUIET"] = "1"  # no message about compilation on a page


def document_kernels_as_functions(_app: Any) -> None:
    """Replace compiled functions by the Python functions they are compiled from, in this process only."""
    for package in PACKAGES:
        for info in pkgutil.walk_packages([str(ROOT / "sim" / package)], f"sim.{package}."):
            importlib.import_module(info.name)
    for name, module in list(sys.modules.items()):
        if name == "sim" or name.startswith("sim."):
            for key, value in list(vars(module).items()):
                if isinstance(value, Dispatcher):
                    setattr(module, key, value.py_func)


def rewrite_links(_app: Any, relative_path: Path, _parent: str, content: list[str]) -> None:
    """Rewrite the links of an included text (`include-read`)."""
    source = (ROOT / relative_path).resolve() if not relative_path.is_absolute() else relative_path
    source = source if source in TEXTS else (DOCS / relative_path).resolve()
    if source in TEXTS:
        content[0] = links_of_the_site(content[0], source)


def prepare_docstring(_app: Any, _what: str, _name: str, _member: Any, _options: Any, lines: list[str]) -> None:
    """Make the docstrings of the project reStructuredText, before numpydoc reads them.

    The parts of a module's docstring (Claim, Evidence, Limits) become fields, and a star that begins no emphasis, as in
    `*shape`, is escaped.
    """
    for k, line in enumerate(lines):
        part = re.match(r"(Claim|Evidence|Limits)\s+(?=\S)", line)
        if part:
            line = f":{part[1]}: {line[part.end() :]}"  # noqa: PLW2901  # further lines are indented already
        lines[k] = re.sub(r"(?<![\w*\\`])(\*{1,2})(?=[A-Za-z_])(?![^*]*\w\*)", lambda m: "\\*" * len(m[1]), line)


def shorten_signature(
    _app: Any, what: str, _name: str, member: Any, _options: Any, _signature: Any, _returns: Any
) -> tuple[str | None, str | None] | None:
    """Show only the names of the fields of a table or of a pydantic model, whose types fill a page.

    For data the event ends here: numpydoc would give an alias such as `tuple[str, str]` the signature of `tuple`.
    """
    if what in {"data", "type"}:
        return None, None
    if what == "class" and hasattr(member, "_fields"):
        return f"({', '.join(member._fields)})", ""
    if what == "class" and hasattr(member, "model_fields"):
        names = ", ".join(member.model_fields)
        return f"(*, {names})" if names else "()", ""
    return None


def skip_member(_app: Any, _what: str, name: str, member: Any, _skip: bool, _options: Any) -> bool | None:
    """Skip members without documentation of their own: fields of a NamedTuple, settings of pydantic."""
    alias = str(getattr(member, "__doc__", "") or "").startswith("Alias for field number")
    return True if alias or name in {"model_config", "model_post_init"} else None


def add_columns(_app: Any, what: str, _name: str, member: Any, _options: Any, lines: list[str]) -> None:
    """Add to the description of a table its columns: type, axes, unit and meaning."""
    from sim.engine.tables import columns

    if what != "class" or not hasattr(member, "_fields"):
        return
    try:
        described = columns(member)
    except (KeyError, TypeError):  # a NamedTuple that is no table
        return
    rows = [("name", "type", "axes", "unit", "meaning")]
    rows += [(name, column.dtype, ", ".join(column.axes), column.unit, column.meaning) for name, column in described]
    lines += ["", ".. list-table::", "   :header-rows: 1", ""]
    for first, *rest in rows:
        lines += [f"   * - {plain(first)}", *(f"     - {plain(cell)}" for cell in rest)]
    lines.append("")


def plain(text: str) -> str:
    """A text with the characters that have a meaning in reStructuredText escaped."""
    return re.sub(r"([\\*`|_])", r"\\\1", text)


def add_plotly(_app: Any, pagename: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Load Plotly in the head of pages with interactive figures only; the script is part of the site."""
    if pagename.startswith("tutorials/"):
        address = context["pathto"]("_static/plotly.min.js", resource=True)
        context["metatags"] = f'{context.get("metatags", "")}<script src="{address}"></script>'


def setup(app: Any) -> dict[str, Any]:
    """Connect the functions of this file to the events of a build."""
    make_pages_of_texts()
    prepare_execution()
    app.connect("builder-inited", document_kernels_as_functions, priority=100)  # before autosummary
    app.connect("include-read", rewrite_links)
    app.connect("autodoc-skip-member", skip_member)
    app.connect("autodoc-process-docstring", prepare_docstring, priority=100)  # before numpydoc
    app.connect("autodoc-process-docstring", add_columns)
    app.connect("autodoc-process-signature", shorten_signature, priority=100)
    app.connect("html-page-context", add_plotly)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
