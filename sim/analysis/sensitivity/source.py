"""Version of the model on which results of studies depend: code without comments and docstrings, and figures."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from sim.engine import jit
from sim.engine.verified_files import cache_folder
from sim.schema import extensions

FOLDER = cache_folder("sources", 1_000_000)
SOURCE = Path(__file__).parents[2]
FURTHER = (
    "twins/stock_flow",
    "results/measurement.py",
    "results/episode_weights.py",
    "results/metric_types.py",
    "results/metrics.py",
    "results/service_groups.py",
    "results/outcomes.py",
    "results/records.py",
)
"""Parts of `sim` on which the stock-flow twin's measures depend, beyond those of worlds (sim/engine/jit.py)."""
SUFFIXES = (".py", ".toml", ".npz")
"""Code, figures of services and domains, and supplied solutions."""


@lru_cache(maxsize=1)
def source_digest() -> str:
    """Compute the digest of every file on which the stock-flow twin's measures depend.

    Returns
    -------
    str
        A hexadecimal digest. An edit of comments or docstrings does not change it; any edit of an extension does.
    """
    files = {path.relative_to(SOURCE).as_posix(): path.read_bytes() for path in _paths()}
    texts = hashlib.sha256()
    for name, text in files.items():
        texts.update(name.encode() + b"\0" + text + b"\0")
    texts.update(extensions.digest().encode())
    cached = FOLDER.get(texts.hexdigest(), lambda content: bytes(content).decode())
    if cached is not None:
        return cached
    statements = hashlib.sha256()
    for name, text in files.items():
        is_code = name.endswith(".py")
        content = ast.dump(_without_docstrings(ast.parse(text))).encode() if is_code else text
        statements.update(name.encode() + b"\0" + content + b"\0")
    statements.update(extensions.digest().encode())
    out = statements.hexdigest()[:32]
    FOLDER.put(texts.hexdigest(), out.encode())
    FOLDER.limit()
    return out


def _paths() -> Iterator[Path]:
    for part in (*jit.OF_WORLDS, *FURTHER):
        path = SOURCE / part
        inside = (each for suffix in SUFFIXES for each in path.rglob(f"*{suffix}"))
        yield from [path] if path.is_file() else sorted(inside)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """Remove texts that stand alone: docstrings of modules, classes and functions, and notes on constants."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]  # statements
                each
                for each in body
                if not (
                    isinstance(each, ast.Expr)
                    and isinstance(each.value, ast.Constant)
                    and isinstance(each.value.value, str)
                )
            ]
    return tree
