"""End by a signal: exit status, no traceback, no child process, no file left; and closed standard streams."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from command_line import ROOT

from sim.process.termination import Undone, temporary

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")

UPSTREAM = [sys.executable, "-m", "sim"]
SMALL_RUN = [*UPSTREAM, "run", "baseline", "--people", "1500", "--years", "1", "--seeds", "2", "--draws", "none"]
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
MESSAGE = {
    signal.SIGINT: "upstream: interrupted\n",
    signal.SIGTERM: "upstream: terminated\n",
    signal.SIGHUP: "upstream: the terminal was closed\n",
}
LIMIT = 3.0
"""Seconds within which a process ends after the signal."""
SLOW = 120.0
"""Seconds within which a process starts on a busy machine."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start processes in a session of their own, and end them after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(words: list[str], **environment: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            words, cwd=ROOT, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe,
            text=True, start_new_session=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def program(*lines: str) -> list[str]:
    """A small program that handles signals as the commands do."""
    first = ["import os, sys, time", "from sim.process import termination", "termination.handle_signals()"]
    return [sys.executable, "-c", "\n".join([*first, *lines])]


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    end = time.monotonic() + SLOW
    while not condition():
        assert time.monotonic() < end, "the process did not come so far"
        time.sleep(0.005)


def handles_signals(process: subprocess.Popen[str]) -> bool:
    """Whether a process has reached `handle_signals`: before it, Python's start answers a signal."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        time.sleep(0.5)
        return True
    (caught,) = (int(line.split()[1], 16) for line in status.read_text().splitlines() if line.startswith("SigCgt"))
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def assert_ended(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """The process ends in time, with the status of the signal and its message as the last line."""
    output, messages = process.communicate(timeout=LIMIT)
    assert process.returncode == STATUS[number]
    assert "Traceback" not in messages
    assert messages.endswith(MESSAGE[number])
    assert not output


def assert_inactive(processes: list[psutil.Process]) -> None:
    """The processes end in time. The system may still list them, if nobody asks for their exit status."""

    def is_active(process: psutil.Process) -> bool:
        try:
            return process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    end = time.monotonic() + LIMIT
    while any(is_active(process) for process in processes):
        assert time.monotonic() < end, "a child process outlived its parent"
        time.sleep(0.02)


# Signals at any moment.


@pytest.mark.parametrize("k", range(6))
def test_an_interruption_at_any_moment_is_enough(
    k: int, seed: int, start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """One Ctrl-C, anywhere between the start and the end of a run, ends it and leaves no file or folder."""
    moment = random.Random(10 * seed + k).uniform(0.0, 2.5)
    process = start([*SMALL_RUN, "--json", "--out", str(tmp_path / "new" / "results")])
    wait_for(lambda: handles_signals(process))
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(moment)
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGINT)
        assert_ended(process, signal.SIGINT)
        assert not list(tmp_path.iterdir())
    else:
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("number", "group"),
    [(signal.SIGINT, True), (signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGHUP, True)],
    ids=["Ctrl-C", "SIGINT", "SIGTERM", "closed terminal"],
)
def test_compilation_ends_with_its_child(
    number: signal.Signals, group: bool, start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """A signal during the compilation ends both processes, even if only one of them receives it."""
    process = start([*SMALL_RUN, "--json", "--out", str(tmp_path / "new")], UPSTREAM_CACHE=str(tmp_path / "cache"))
    wait_for(lambda: psutil.Process(process.pid).children() or (os.cpu_count() or 1) < 2)
    children = psutil.Process(process.pid).children(recursive=True)
    (os.killpg if group else os.kill)(process.pid, number)
    assert_ended(process, number)
    assert_inactive(children)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


@pytest.mark.parametrize("pause", [0.0, 0.7])
def test_a_child_does_not_outlive_a_killed_parent(
    pause: float, start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """SIGKILL cannot be handled: the compiling child notices the end of its parent and exits."""
    process = start(SMALL_RUN, UPSTREAM_CACHE=str(tmp_path / "cache"))
    wait_for(lambda: psutil.Process(process.pid).children() or (os.cpu_count() or 1) < 2)
    time.sleep(pause)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    assert_inactive(children)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_dashboard_ends(number: signal.Signals, start: Callable[..., subprocess.Popen[str]]) -> None:
    """The web page is served until a signal, although a run is in progress."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = start([*UPSTREAM, "dashboard", "--port", str(port)])

    def is_served() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    wait_for(is_served)
    os.kill(process.pid, number)
    assert_ended(process, number)


# The mechanism.


def test_a_signal_is_answered_during_compiled_code(start: Callable[..., subprocess.Popen[str]]) -> None:
    """The main thread need not return to Python, where KeyboardInterrupt would be raised."""
    busy = "import hashlib; print('ready', file=sys.stderr, flush=True); hashlib.pbkdf2_hmac('md5', b'', b'', 10**9)"
    process = start(program(busy))
    assert process.stderr is not None
    assert process.stderr.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert_ended(process, signal.SIGINT)


def test_a_library_cannot_discard_a_signal(start: Callable[..., subprocess.Popen[str]]) -> None:
    """No exception is raised, so none can be caught, or printed by a destructor."""
    lines = ["print('ready', file=sys.stderr, flush=True)", "while True:", "    try:", "        time.sleep(0.01)",
             "    except BaseException:", "        pass"]  # fmt: skip
    process = start(program(*lines))
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    assert_ended(process, signal.SIGTERM)


def test_an_ignored_signal_stays_ignored(start: Callable[..., subprocess.Popen[str]]) -> None:
    """`nohup` ignores SIGHUP for the command that it starts."""
    lines = ["print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, flush=True)"]
    words = program(*lines)
    words[-1] = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + words[-1]
    assert start(words).communicate(timeout=SLOW)[0] == "True\n"


def test_a_forked_process_ends_alone(start: Callable[..., subprocess.Popen[str]]) -> None:
    """A signal to a forked process does not end its parent."""
    lines = ["import signal", "child = os.fork()", "if child == 0:", "    time.sleep(60)", "os.kill(child, 15)",
             "_, status = os.waitpid(child, 0)", "time.sleep(0.2)", "print(os.WTERMSIG(status))"]  # fmt: skip
    assert start(program(*lines)).communicate(timeout=SLOW)[0] == "15\n"


def test_files_in_progress_are_deleted(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    """A signal deletes an unfinished folder, although another thread is still writing to it."""
    lines = [
        "import itertools, pathlib, threading",
        f"folder = pathlib.Path({str(tmp_path / 'unfinished')!r})",
        "def write():",
        "    for k in itertools.count():",
        "        try: (folder / str(k)).touch()",
        "        except OSError: pass",
        "with termination.temporary(folder, folder=True):",
        "    for _ in range(3):",
        "        threading.Thread(target=write, daemon=True).start()",
        "    time.sleep(0.3)",
        "    print('ready', file=sys.stderr, flush=True)",
        "    time.sleep(60)",
    ]
    process = start(program(*lines))
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert_ended(process, signal.SIGINT)
    assert not list(tmp_path.iterdir())


def test_a_temporary_file_is_deleted_unless_it_is_renamed(tmp_path: Path) -> None:
    """The file exists within the block; afterwards only a renamed one does, whatever was raised."""
    path = tmp_path / "file"
    with contextlib.suppress(KeyboardInterrupt), temporary(path):
        assert path.exists()
        raise KeyboardInterrupt
    assert not path.exists()
    with temporary(path):
        path.replace(tmp_path / "result")
    assert [entry.name for entry in tmp_path.iterdir()] == ["result"]


def test_nothing_is_undone_that_was_not_made() -> None:
    """If making fails, nothing is undone."""

    def fail() -> None:
        raise ZeroDivisionError

    undone: list[int] = []
    with pytest.raises(ZeroDivisionError), Undone(fail, lambda: undone.append(1)):
        pass
    assert not undone


# Closed standard streams.


@pytest.mark.parametrize(
    ("redirection", "arguments", "status", "message"),
    [
        (">&-", ["list", "places"], 0, ""),
        ("2>&-", ["list", "animals"], 2, ""),
        ("2>/dev/full", ["list", "animals"], 2, ""),
        ("<&- >&- 2>&-", ["list", "places"], 0, ""),
        ("| :", ["list", "parameters"], 1, ""),
        (">/dev/full", ["list", "parameters"], 1, "No space left on device"),
    ],
)
def test_a_closed_stream_is_no_error(redirection: str, arguments: list[str], status: int, message: str) -> None:
    """Without standard output or error nothing is written, not even to the other stream, and there is no traceback."""
    if "/dev/full" in redirection and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    words = ["bash", "-c", f'set -o pipefail; "$@" {redirection}', "bash", *UPSTREAM, *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert not done.stdout
    assert message in done.stderr
    assert done.stderr.count("\n") == (1 if message else 0), done.stderr
