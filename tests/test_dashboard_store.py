"""The dashboard's store of runs: one job at a time, the latest request first, and no job that nobody waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from fakes import job, wait_for_jobs

from dashboard.model import Document, Progress, RunRequest
from dashboard.store import Store

LONG = 600.0
"""Seconds to wait for another thread: far longer than necessary, as the machine may be busy."""


class Slow:
    """Work that signals its start, and waits for `go_on` before it continues."""

    def __init__(self) -> None:
        self.begun_jobs: list[str] = []
        self.finished: list[str] = []
        self.started = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, request: RunRequest, progress: Progress) -> Document:
        self.begun_jobs.append(request.scenario)
        self.started.set()
        self.go_on.wait(LONG)
        progress(1, 2, "half way")
        self.finished.append(request.scenario)
        return {"of": request.scenario}


def test_a_job_asked_for_twice_runs_once(make_store: Callable[..., Store]) -> None:
    """A second request for a job has the result of the first, without another run."""
    runs: list[str] = []

    def work(request: RunRequest, progress: Progress) -> Document:
        runs.append(request.scenario)
        return {"of": request.scenario}

    store = make_store(work)
    store.submit("one", [job("a")])
    wait_for_jobs(store, job("a"))
    store.submit("other", [job("a")])

    assert store.state(job("a")).kind == "done"
    assert store.document(job("a").digest) == {"of": "a"}
    assert runs == ["a"]


def test_a_new_request_supersedes_a_queued_one(make_store: Callable[..., Store]) -> None:
    """Of three requests in a row only the last is completed; the first stops, and the second never starts."""
    slow = Slow()
    store = make_store(slow)
    store.submit("me", [job("first")])
    assert slow.started.wait(LONG)
    store.submit("me", [job("second")])
    store.submit("me", [job("third")])
    slow.go_on.set()
    wait_for_jobs(store, job("third"))

    assert slow.begun_jobs == ["first", "third"]
    assert slow.finished == ["third"]
    assert store.state(job("first")).kind == store.state(job("second")).kind == "unknown"


def test_visitors_do_not_supersede_each_other(make_store: Callable[..., Store]) -> None:
    """A request of another visitor does not stop a running job."""
    slow = Slow()
    store = make_store(slow)
    store.submit("me", [job("mine")])
    assert slow.started.wait(LONG)
    store.submit("you", [job("yours")])
    slow.go_on.set()
    wait_for_jobs(store, job("mine"), job("yours"))

    assert slow.finished == ["mine", "yours"]


def test_progress_can_be_read_while_a_job_runs(make_store: Callable[..., Store]) -> None:
    """The state of a job is waiting, then running with its number of runs, then done."""
    reported, go_on = threading.Event(), threading.Event()

    def work(request: RunRequest, progress: Progress) -> Document:
        progress(3, 20, "compiling")
        reported.set()
        go_on.wait(LONG)
        return {}

    store = make_store(work)
    store.submit("me", [job("a"), job("b")])
    assert reported.wait(LONG)

    assert store.state(job("a"))[:4] == ("running", 3, 20, "compiling")
    assert store.state(job("b")).kind == "waiting"
    go_on.set()
    wait_for_jobs(store, job("a"), job("b"))


def test_errors_come_back_as_sentences(make_store: Callable[..., Store]) -> None:
    """An error in the input has the model's message; any other error has a reference to the log."""

    def work(request: RunRequest, progress: Progress) -> Document:
        raise (
            ValueError("prevention_share: 0 to 0.15 wanted,\n 7 came")
            if request.scenario == "input"
            else OSError("/secret")
        )

    store = make_store(work)
    store.submit("me", [job("input"), job("disk")])
    wait_for_jobs(store, job("input"), job("disk"))

    assert store.state(job("input")).message == "prevention_share: 0 to 0.15 wanted, 7 came"
    assert "reference" in store.state(job("disk")).message
    assert "secret" not in store.state(job("disk")).message


def test_a_failed_job_can_be_tried_again(make_store: Callable[..., Store]) -> None:
    """A failed job runs again on another request; the worker survives a failure."""
    tries: list[int] = []

    def work(request: RunRequest, progress: Progress) -> Document:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("not yet")
        return {}

    store = make_store(work)
    store.submit("me", [job("a")])
    wait_for_jobs(store, job("a"))
    assert store.state(job("a")).kind == "failed"
    store.submit("me", [job("a")])
    wait_for_jobs(store, job("a"))
    assert store.state(job("a")).kind == "done"


def test_only_the_newest_results_are_kept(make_store: Callable[..., Store]) -> None:
    """The store has a maximum number of results; the results read last are kept longest."""
    store = make_store(lambda request, progress: {}, capacity=2)
    for name in ("a", "b"):
        store.submit("me", [job(name)])
        wait_for_jobs(store, job(name))
    assert store.document(job("a").digest) is not None
    store.submit("me", [job("c")])
    wait_for_jobs(store, job("c"))

    assert [store.state(job(name)).kind for name in "abc"] == ["done", "unknown", "done"]


def test_a_full_queue_refuses_requests(make_store: Callable[..., Store]) -> None:
    """A request is refused with a sentence if too many visitors wait."""
    slow = Slow()
    store = make_store(slow, most_owners=1)
    assert store.submit("me", [job("a")]) == ""
    assert "try again" in store.submit("you", [job("b")])
    slow.go_on.set()
