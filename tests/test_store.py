"""The page's store of runs: one at a time, the newest wish first, nothing run for nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable

from fakes import job, settled

from dashboard.model import Document, Progress, RunRequest
from dashboard.store import Store


class Slow:
    """Work that says it has begun, and goes on only when it is let."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.finished: list[str] = []
        self.started = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, what: RunRequest, progress: Progress) -> Document:
        self.began.append(what.scenario)
        self.started.set()
        self.go_on.wait(5)
        progress(1, 2, "half way")
        self.finished.append(what.scenario)
        return {"of": what.scenario}


def test_a_job_asked_for_twice_runs_once(made: Callable[..., Store]) -> None:
    """The second visitor gets the first one's result."""
    runs: list[str] = []

    def work(what: RunRequest, progress: Progress) -> Document:
        runs.append(what.scenario)
        return {"of": what.scenario}

    store = made(work)
    store.want("one", [job("a")])
    settled(store, job("a"))
    store.want("other", [job("a")])

    assert store.state(job("a")).kind == "done"
    assert store.document(job("a").digest) == {"of": "a"}
    assert runs == ["a"]


def test_a_new_request_supersedes_a_queued_one(made: Callable[..., Store]) -> None:
    """Of three settings tried in a row only the last is run to its end; the first stops, the second never begins."""
    slow = Slow()
    store = made(slow)
    store.want("me", [job("first")])
    assert slow.started.wait(5)
    store.want("me", [job("second")])
    store.want("me", [job("third")])
    slow.go_on.set()
    settled(store, job("third"))

    assert slow.began == ["first", "third"]
    assert slow.finished == ["third"]
    assert store.state(job("first")).kind == store.state(job("second")).kind == "unknown"


def test_visitors_do_not_supersede_each_other(made: Callable[..., Store]) -> None:
    """Somebody else's request leaves mine running."""
    slow = Slow()
    store = made(slow)
    store.want("me", [job("mine")])
    assert slow.started.wait(5)
    store.want("you", [job("yours")])
    slow.go_on.set()
    settled(store, job("mine"), job("yours"))

    assert slow.finished == ["mine", "yours"]


def test_progress_can_be_read_while_a_job_runs(made: Callable[..., Store]) -> None:
    """Waiting, then so many of so many, then done."""
    told, go_on = threading.Event(), threading.Event()

    def work(what: RunRequest, progress: Progress) -> Document:
        progress(3, 20, "compiling")
        told.set()
        go_on.wait(5)
        return {}

    store = made(work)
    store.want("me", [job("a"), job("b")])
    assert told.wait(5)

    assert store.state(job("a"))[:4] == ("running", 3, 20, "compiling")
    assert store.state(job("b")).kind == "waiting"
    go_on.set()
    settled(store, job("a"), job("b"))


def test_errors_come_back_as_sentences(made: Callable[..., Store]) -> None:
    """A mistake in the input is told in the model's words; anything else by a reference into the log."""

    def work(what: RunRequest, progress: Progress) -> Document:
        raise (
            ValueError("prevention_share: 0 to 0.15 wanted,\n 7 came")
            if what.scenario == "input"
            else OSError("/secret")
        )

    store = made(work)
    store.want("me", [job("input"), job("disk")])
    settled(store, job("input"), job("disk"))

    assert store.state(job("input")).message == "prevention_share: 0 to 0.15 wanted, 7 came"
    assert "reference" in store.state(job("disk")).message
    assert "secret" not in store.state(job("disk")).message


def test_a_failed_job_can_be_tried_again(made: Callable[..., Store]) -> None:
    """Asking again runs it again; the worker survives a failure."""
    tries: list[int] = []

    def work(what: RunRequest, progress: Progress) -> Document:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("not yet")
        return {}

    store = made(work)
    store.want("me", [job("a")])
    settled(store, job("a"))
    assert store.state(job("a")).kind == "failed"
    store.want("me", [job("a")])
    settled(store, job("a"))
    assert store.state(job("a")).kind == "done"


def test_only_the_newest_results_are_kept(made: Callable[..., Store]) -> None:
    """The shelf has an end, and what was looked at last stays longest."""
    store = made(lambda what, progress: {}, keep=2)
    for name in ("a", "b"):
        store.want("me", [job(name)])
        settled(store, job(name))
    assert store.document(job("a").digest) is not None
    store.want("me", [job("c")])
    settled(store, job("c"))

    assert [store.state(job(name)).kind for name in "abc"] == ["done", "unknown", "done"]


def test_a_full_queue_says_so(made: Callable[..., Store]) -> None:
    """The queue has an end too, and says so in a sentence."""
    slow = Slow()
    store = made(slow, most_owners=1)
    assert store.want("me", [job("a")]) == ""
    assert "try again" in store.want("you", [job("b")])
    slow.go_on.set()
