"""A fuzz of everything that reads input: an input with mistakes is read, or ends in an `InputError`.

`python -m tests.fuzz_inputs --count 50000 --seed 1` tries that many inputs, made from the seed and spread over the
surfaces, and prints a table. Each surface runs in a separate process. An input is a failure if it raises anything else
than an `InputError`, or takes more than 2 seconds of CPU; a surface fails if its process needs more than 500 MB.
tests/test_fuzz_inputs.py runs a short version.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "scenarios"
MOST_CPU = 2.0
"""Seconds of CPU for an input."""
MOST_MEMORY = 500
"""Megabytes of a process that reads inputs of one kind, with the modules that read them."""
GIVE_UP = 20.0
"""Seconds of CPU after which an input is stopped."""
WEIGHTS = {
    "scenario file": 0.32,
    "place file": 0.14,
    "neighbourhood table": 0.12,
    "assignment": 0.14,
    "page link": 0.12,
    "page data": 0.12,
    "page request": 0.04,
}
NUMBERS = (
    "0", "-0", "-0.0", "1", "-1", "0.5", "1e400", "-1e400", "nan", "inf", "-inf", "1e-320", "9" * 30, "9" * 400,
    "9" * 5_000, "0x" + "f" * 40, "0x" + "f" * 20_000, "0b101", "0o17", "1_000", "1__0", "1.", ".5", "1e", "+3",
    "2026-04", "2026-04-01", "2026-04-01T00:00:00Z", "true", "false", "True", "None", "0x", "1.5.2",
)  # fmt: skip
TEXTS = (
    "", " ", "\t", "\n", "\r\n", "\0", "\x1b[31m", "\u202e", "\ufeff", "\u200b", "é", "日本", "😀", "²", "١٢",
    "x" * 300, "x" * 60_000, "../../etc/passwd", "/dev/null", "C:\\con", "<script>alert(1)</script>", "'; drop table",
    "%s%n", "{0}", "=1+1", "@x", "--set", "baseline", "anytown", "acute_demand", "prevention_share",
    "2026-04", "2026-13", "gp", "M2", "a.b", "policies[0]", "policies[99999999]",
    "\\u0000", "\\ud800", '"', "'", '"""', "'''", "\\", "#", "[", "{", "]",
)  # fmt: skip
SNIPPETS = (
    "[" * 30, "{ a = " * 30, ".".join("a" * 25) + " = 1", ".".join("a" * 3_000) + " = 1",
    "[" + ".".join("b" * 300) + "]", "[[policies]]", "[policies]", "[[policies.where]]", "[parameters]",
    "[[expect]]", "[[stops]]", "[[deciles]]", "[[a]]\n" * 500, "x = [" + "1, " * 3_000 + "]",
    "a = '''", 'a = """', "= 1", "a", "a =",
    "a = 1 b = 2", "# comment",
    'where = { quintiles = [1, 6] }', 'where = { names = ["x"] }', "who = { ages = [200, -1] }", 'service = "gp"',
    'service = []', "over_months = 0", "over_months = 9223372036854775808", 'until = "2020-01"', "people = 1",
    "years = 0", "years = 1e9", 'place = "nowhere"', 'place = "../wigan"', 'baseline = "x"', "calibrate = 1",
    "shift = 0.1", "value = -1", 'parameters = { "resilience.scar" = 9 }', "resilience.scar = 0.1",
    "population = 10000",
)  # fmt: skip


@dataclass
class Tally:
    """What became of the inputs of one surface."""

    surface: str
    inputs: int = 0
    read: int = 0
    refused: int = 0
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    slow: list[str] = field(default_factory=list)
    memory: int = 0


Reader = Callable[[Any], bool]
"""Reads one input; false if the input was refused in another way than by an `InputError`."""
Surface = tuple[Callable[[random.Random], Any], Reader]


# --- making inputs ---------------------------------------------------------------------------------------------------


def mutated(text: str, others: list[str], rng: random.Random) -> str:
    """A text with up to five mistakes: in characters, in lines, in values, or with parts of other texts."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        lines = text.split("\n")
        at = rng.randrange(len(lines))
        kind = rng.randrange(12)
        if kind == 0 and text:
            k = rng.randrange(len(text))
            text = text[:k] + rng.choice((*TEXTS, chr(rng.randrange(1, 0xD800)))) + text[k + rng.randint(0, 3) :]
        elif kind == 1:
            text = text[: rng.randrange(len(text) + 1)]
        elif kind in (2, 3, 4, 5):  # another value
            key, equals, _ = lines[at].partition("=")
            quoted = '"' + rng.choice(TEXTS).replace("\n", " ") + '"'
            lines[at] = (
                f"{key}{equals or '='} {rng.choice((rng.choice(NUMBERS), quoted, rng.choice(TEXTS), '[1]', '{}'))}"
            )
            text = "\n".join(lines)
        elif kind == 6:
            lines.insert(at, rng.choice(SNIPPETS))
            text = "\n".join(lines)
        elif kind == 7:
            text = "\n".join(lines[:at] + lines[at + 1 :])
        elif kind == 8:
            lines.insert(rng.randrange(len(lines)), lines[at])
            text = "\n".join(lines)
        elif kind == 9:
            rng.shuffle(lines)
            text = "\n".join(lines)
        elif kind == 10:
            other = rng.choice(others).split("\n")
            k = rng.randrange(len(other))
            text = "\n".join(lines[:at] + other[k : k + rng.randint(1, 8)] + lines[at:])
        else:
            text = text.replace(
                *rng.choice((("=", ":"), ("\n", "\r"), ("\n", "\r\n"), ('"', "'"), (".", ","), ("=", "==")))
            )
    return text


def encoded(text: str, rng: random.Random) -> bytes:
    """The bytes of a file: UTF-8, and now and then another encoding or broken bytes."""
    kind = rng.randrange(40)
    if kind == 0:
        return text.encode("utf-16", "surrogatepass")
    if kind == 1:
        return b"\xef\xbb\xbf" + text.encode("utf-8", "surrogatepass")
    raw = text.encode("utf-8", "surrogatepass")
    if kind == 2 and raw:
        k = rng.randrange(len(raw))
        raw = raw[:k] + bytes([rng.randrange(256)]) + raw[k:]
    return raw


def json_value(rng: random.Random, depth: int = 0) -> Any:
    """Any value of JSON, mostly small."""
    kinds: list[Callable[[], Any]] = [
        lambda: None, lambda: rng.choice((True, False)), lambda: rng.choice(TEXTS), lambda: rng.uniform(-1.0, 60.0),
        lambda: rng.randrange(-5, 110), lambda: 10 ** rng.randrange(400),
        lambda: rng.choice((math.nan, math.inf, 1e308)),
        lambda: str(rng.randrange(50)),
    ]  # fmt: skip
    if depth < 4:
        kinds += [
            lambda: [json_value(rng, depth + 1) for _ in range(rng.randrange(4))],
            lambda: {rng.choice((*TEXTS, "levers", "service", "ages")): json_value(rng, depth + 1) for _ in range(3)},
        ]
    return rng.choice(kinds)()


# --- the surfaces ----------------------------------------------------------------------------------------------------


def _select(scenario: str, place: str | None = None, sets: tuple[str, ...] = ()) -> bool:
    from sim.cli.arguments import select_scenarios

    select_scenarios([scenario], place=place, people=None, years=None, seeds=1, seed=0, threads=None, sets=list(sets))
    return True


def scenario_files(folder: Path) -> Surface:
    """Files of scenarios, as `upstream run FILE` reads them."""
    texts = [
        path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.toml")) + sorted(FOLDER.glob("*/*.toml"))
    ]
    path = folder / "scenario.toml"

    def read(raw: bytes) -> bool:
        path.write_bytes(raw)
        return _select(str(path))

    return lambda rng: encoded(mutated(rng.choice(texts), texts, rng), rng), read


def place_files(folder: Path) -> Surface:
    """Files of places, as `upstream run baseline --place FILE` reads them."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((FOLDER / "places").glob("*.toml"))]
    path = folder / "place.toml"

    def read(raw: bytes) -> bool:
        path.write_bytes(raw)
        return _select("baseline", place=str(path))

    return lambda rng: encoded(mutated(rng.choice(texts), texts, rng), rng), read


def table() -> str:
    """A small table of neighbourhoods in the form of the published ones."""
    bands = "age_0_4,age_5_15,age_16_24,age_25_44,age_45_64,age_65_74,age_75_84,age_85_plus"
    rows = [f"E010{k:05},{k % 10 + 1},150,300,{250 + k},1050,900,300,200,80,E09000099" for k in range(1, 40)]
    return "\n".join([f"lsoa11_code,imd2019_decile,{bands},ltla21_code", *rows])


def neighbourhood_tables(folder: Path) -> Surface:
    """Tables of neighbourhoods, as `upstream place new` reads them."""
    path, base = folder / "table.csv", table()

    def make(rng: random.Random) -> tuple[bytes, str]:
        lines = base.split("\n")
        for _ in range(rng.randrange(4)):  # another cell, another column
            at = rng.randrange(len(lines))
            cells = lines[at].split(",")
            cells[rng.randrange(len(cells))] = rng.choice((*NUMBERS, *TEXTS))
            lines[at] = rng.choice((",", ",", ",", ";", "\t")).join(cells)
        text = "\n".join(lines)
        text = mutated(text, [base], rng) if rng.random() < 0.6 else text
        return encoded(text, rng), rng.choice(("E09000099", "E09000099", "E92000001", "X", "", rng.choice(TEXTS)))

    def read(made: tuple[bytes, str]) -> bool:
        from sim.place.census_tables import new_place
        from sim.place.place import Place

        path.write_bytes(made[0])
        Place.load(new_place("t", made[1], path, None, folder, force=True))
        return True

    return make, read


def assignments(_folder: Path) -> Surface:
    """Arguments of `--set`."""
    from sim.policies import levers
    from sim.scenario.parameters import parameters

    keys = [f"policies.{lever.name}" for lever in levers()] + [f"parameters.{name}" for name in parameters()]
    keys += ["people", "years", "place", "policies.threshold.gp", "policies", "parameters", "x"]

    def make(rng: random.Random) -> str:
        value = rng.choice((rng.choice(NUMBERS), rng.choice(TEXTS), f"{rng.uniform(-1, 3):.3g}", rng.choice(SNIPPETS)))
        text = f"{rng.choice(keys)}={value}"
        return mutated(text, list(SNIPPETS), rng) if rng.random() < 0.5 else text

    return make, lambda text: _select("baseline", sets=(text,))


def page_links(_folder: Path) -> Surface:
    """Addresses of the page; a choice that was read must survive another round."""
    import sim
    from dashboard.choice import read_link, write_link
    from dashboard.model import ModelIndex, Settings

    index = ModelIndex(sim, Settings())
    keys = ["place", "seeds", "compare", "show", "start", "over", "lasts", "x", ""]
    keys += [f"{kind}.{name}" for name in index.levers for kind in ("policies", "service", "fifths", "ages")]
    values = ["wigan", "5", "salami-slice,more-acute", "ae_attendances", "2026-04", "12", "end", "gp", "1,2", "18-64"]

    def make(rng: random.Random) -> str:
        parts = []
        for _ in range(rng.randrange(8)):
            value = rng.choice(
                (rng.choice(values), f"{rng.uniform(-1, 3):.3g}", rng.choice(NUMBERS), rng.choice(TEXTS))
            )
            parts.append(f"{rng.choice(keys)}={value}")
        text = "?" + rng.choice(("&", "&", "&", ";", "")).join(parts)
        return mutated(text, [text], rng) if rng.random() < 0.3 else text

    def read(query: str) -> bool:
        choice, said = read_link(query, index)
        again, more = read_link(write_link(choice, index), index)
        if again != choice or more:
            raise AssertionError(f"the link of {choice} is read as {again}: {more}")
        return not said

    return make, read


def _page_data(rng: random.Random, names: list[str]) -> Any:
    """Data of the page's store, with values of any type in any place."""
    data: dict[str, Any] = {
        "place": "anytown", "seeds": 20, "compare": ["salami-slice"], "show": [], "start": "2026-04", "over": 24,
        "lasts": "end", "levers": {rng.choice(names): rng.uniform(-1.0, 3.0)},
        "targets": {rng.choice(names): {"service": ["gp"], "fifths": ["1"], "ages": [0, 17]}},
    }  # fmt: skip
    for _ in range(rng.randint(1, 3)):
        holder = rng.choice((data, data, data["levers"], data["targets"]))
        if isinstance(holder, dict) and holder:
            holder[rng.choice(list(holder))] = json_value(rng)
    return data if rng.random() < 0.95 else json_value(rng)


def page_data(_folder: Path) -> Surface:
    """The choice in the browser's store, which another program may have written."""
    import sim
    from dashboard.choice import checked, choice_data
    from dashboard.model import ModelIndex, Settings

    index = ModelIndex(sim, Settings())

    def read(data: Any) -> bool:
        choice, said = checked(data, index)
        again, more = checked(json.loads(json.dumps(choice_data(choice))), index)
        if again != choice or more:
            raise AssertionError(f"the data of {choice} are read as {again}: {more}")
        return not said

    return lambda rng: _page_data(rng, list(index.levers)), read


def page_requests(_folder: Path) -> Surface:
    """Requests of callbacks, to the page with a fake model: status 200, 204 or 400 and never 500."""
    sys.path.insert(0, str(Path(__file__).parent))
    from fakes import LEVERS, FakeModel

    from dashboard.app import create_app
    from dashboard.model import Settings

    app = create_app(Settings(seeds=5), FakeModel())
    client = app.server.test_client()
    client.get("/_dash-dependencies")
    callbacks = {name: callback for name, callback in app.callback_map.items() if "callback" in callback}

    def part(declared: dict[str, Any], rng: random.Random) -> Any:
        if not declared["id"].startswith("{"):
            data = _page_data(rng, [lever.name for lever in LEVERS])
            return {**declared, "value": data if rng.random() < 0.5 else json_value(rng)}
        pattern = json.loads(declared["id"])
        ids = [
            {key: name if isinstance(value, list) else value for key, value in pattern.items()}
            for name in [lever.name for lever in LEVERS][: rng.randrange(1, 6)]
        ]
        rows = [{"id": each, "property": declared["property"], "value": json_value(rng)} for each in ids]
        return rows if ["ALL"] in pattern.values() else rows[0]

    def make(rng: random.Random) -> Any:
        name = rng.choice(list(callbacks))
        inputs, state = ([part(each, rng) for each in callbacks[name][kind]] for kind in ("inputs", "state"))
        texts = [each.rsplit(".", 1) for each in name.strip(".").split("...")]
        outputs = [{"id": component, "property": prop.split("@")[0]} for component, prop in texts]
        changed = [f"{each['id']}.{each['property']}" for each in inputs if isinstance(each, dict)][:1]
        changed = [each for each in changed if not each.startswith("{")]
        body: Any = {
            "output": name, "outputs": outputs if name.startswith("..") else outputs[0], "inputs": inputs,
            "state": state, "changedPropIds": changed,
        }  # fmt: skip
        if rng.random() < 0.4:
            body[rng.choice(list(body))] = json_value(rng)
        if rng.random() < 0.2:
            rows = body.get(rng.choice(("inputs", "state", "outputs")))
            if isinstance(rows, list) and rows:
                rows[rng.randrange(len(rows))] = json_value(rng)
        return body if rng.random() < 0.97 else json_value(rng)

    def read(body: Any) -> bool:
        answer = client.post("/_dash-update-component", data=json.dumps(body), content_type="application/json")
        if answer.status_code not in (200, 204, 400):
            raise AssertionError(f"status {answer.status_code}")
        return answer.status_code != 400

    return make, read


SURFACES: dict[str, Callable[[Path], Surface]] = dict(
    zip(
        WEIGHTS,
        (scenario_files, place_files, neighbourhood_tables, assignments, page_links, page_data, page_requests),
        strict=True,
    )
)


# --- running ---------------------------------------------------------------------------------------------------------


def fuzz(name: str, numbers: Iterator[int] | range, seed: int, folder: Path) -> Tally:
    """Try the inputs of a surface with these numbers; an input depends on its number, the surface and the seed only."""
    from sim.schema.errors import InputError

    make, read = SURFACES[name](folder)
    with contextlib.suppress(InputError, ArithmeticError):
        read(make(random.Random(0)))  # imports modules and reads the catalogues
    tally = Tally(name)
    for number in numbers:
        made = make(random.Random(f"{name} {seed} {number}"))
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, GIVE_UP)
        try:
            accepted = read(made)
        except InputError as problem:
            accepted = False
            if "\n" in str(problem):
                tally.failures.append(f"{name} {number}: a message of several lines")
        except Exception as problem:  # noqa: BLE001  (a fuzz looks for any other error)
            tally.failures.append(f"{name} {number}: {type(problem).__name__}: {problem}"[:300])
            accepted = False
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
        spent = time.process_time() - began
        tally.inputs += 1
        tally.read += accepted
        tally.refused += not accepted
        tally.slowest = max(tally.slowest, spent)
        if spent > MOST_CPU:
            tally.slow.append(f"{name} {number}: {spent:.1f} s of CPU")
    tally.refused -= len(tally.failures)
    tally.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return tally


def _timed_out(*_: object) -> None:
    raise TimeoutError(f"stopped after {GIVE_UP:g} s of CPU")


def main() -> int:
    """Try inputs on every surface and print the table. Status 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50_000, help="number of inputs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--surface", choices=SURFACES, help="only this one")
    parser.add_argument("--number", type=int, help="only the input with this number, with its error")
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    signal.signal(signal.SIGPROF, _timed_out)
    with tempfile.TemporaryDirectory() as folder:
        if options.surface and options.number is not None:
            make, read = SURFACES[options.surface](Path(folder))
            made = make(random.Random(f"{options.surface} {options.seed} {options.number}"))
            print(repr(made)[:5_000])
            print(read(made))
            return 0
        if options.json:
            tally = fuzz(options.surface, range(options.count), options.seed, Path(folder))
            print(json.dumps(asdict(tally)))
            return 0
    row = "{:<20} {:>7} {:>7} {:>8} {:>13} {:>9} {:>12} {:>11}"
    print(row.format("surface", "inputs", "read", "refused", "other errors", "over 2 s", "slowest CPU s", "largest MB"))
    tallies = []
    for name, weight in WEIGHTS.items():
        if options.surface not in (None, name):
            continue
        count = options.count if options.surface else math.ceil(options.count * weight)
        command = [sys.executable, "-m", "tests.fuzz_inputs", "--json", "--surface", name]
        command += ["--count", str(count), "--seed", str(options.seed)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"NO_COLOR": "1"})
        if done.returncode:
            print(f"{name}: the process ended with status {done.returncode}\n{done.stderr[-2_000:]}")
            return 1
        tally = Tally(**json.loads(done.stdout.splitlines()[-1]))
        tallies.append(tally)
        counts = tally.inputs, tally.read, tally.refused, len(tally.failures), len(tally.slow)
        print(row.format(name, *counts, f"{tally.slowest:.2f}", tally.memory), flush=True)
    for tally in tallies:
        for line in (*tally.failures[:10], *tally.slow[:10]):
            print(line)
    total = sum(tally.inputs for tally in tallies)
    failed = sum(len(tally.failures) + len(tally.slow) + (tally.memory > MOST_MEMORY) for tally in tallies)
    print(f"{total:,} inputs, {failed} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
