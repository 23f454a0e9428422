import errno

import pytest
import toy_tasks

from fuzzyseg.errors import InputError
from fuzzyseg.jobs import Here, Task, get_engine, run
from fuzzyseg.jobs.task import Answer, Failure, call


class Recorded:
    """An engine that computes nothing, one call at a time, and tells the order."""

    def __init__(self, slots=1, failing=()):
        self.slots, self.failing, self.order, self.going = slots, failing, [], []

    def submit(self, number, function, arguments):
        assert function is None
        self.order.append(arguments[0])
        self.going.append((number, arguments[0]))
        assert len(self.going) <= self.slots

    def wait(self, timeout_s=None):
        assert timeout_s is None
        number, name = self.going.pop(0)
        failure = Failure("broken") if name in self.failing else None
        return [(number, Answer(name.upper(), failure))]


def task(name, *after):
    return Task(name, None, (name,), after)


def test_tasks_begin_in_their_order_and_after_what_they_need():
    engine = Recorded()
    tasks = [task("report", "a", "b"), task("a", "data"), task("b", "data"), task("data")]
    found = [outcome.value for outcome in run(tasks, engine)]
    assert engine.order == ["data", "a", "b", "report"]
    assert found == ["DATA", "A", "B", "REPORT"]


def test_a_failure_stops_only_what_comes_after_it():
    engine = Recorded(slots=2, failing={"a"})
    tasks = [
        task("a"),
        task("b"),
        task("of a", "a"),
        task("of both", "of a", "b"),
        task("of b", "b"),
    ]
    outcomes = {outcome.task.name: outcome for outcome in run(tasks, engine)}
    assert engine.order == ["a", "b", "of b"]
    assert len(outcomes) == 5
    assert outcomes["a"].failure.line == "broken"
    for name in ("of a", "of both"):
        assert outcomes[name].failure.line == "not begun, because a failed: broken"


def test_what_comes_after_two_failures_is_told_once():
    engine = Recorded(failing={"a", "b"})
    tasks = [task("a"), task("b"), task("both", "a", "b")]
    assert [o.task.name for o in run(tasks, engine)] == ["a", "both", "b"]


@pytest.mark.parametrize(
    "tasks",
    [[task("a"), task("a")], [task("a", "b")], [task("a", "b"), task("b", "a")]],
    ids=["one name twice", "after what is not there", "a circle"],
)
def test_tasks_that_cannot_be_ordered_are_refused(tasks):
    with pytest.raises(ValueError, match=r"task|after"):
        list(run(tasks, Recorded()))


def test_a_hundred_thousand_tasks_are_no_burden():
    engine = Recorded(slots=64)
    assert sum(1 for _ in run([task(str(n)) for n in range(100_000)], engine)) == 100_000


def test_the_pool_computes_in_processes_of_one_thread_that_it_keeps():
    with get_engine("local", jobs=2) as engine:
        tasks = [Task(str(n), toy_tasks.threads) for n in range(8)]
        found = [outcome.value for outcome in run(tasks, engine)]
    assert len({pid for pid, _ in found}) <= 2
    assert {threads for _, threads in found} == {"1"}


def test_a_pool_that_is_left_leaves_nothing_unfinished(tmp_path):
    with get_engine("local", jobs=1) as engine:
        engine.submit(0, toy_tasks.begin_folder, (str(tmp_path / "whole"),))
        while not list(tmp_path.iterdir()):
            assert engine.wait(0.05) == []
    assert list(tmp_path.iterdir()) == []


def test_the_pool_tells_failures_apart_and_goes_on(tmp_path):
    tasks = [
        Task("input", toy_tasks.fail, ("expected this, found that",)),
        Task("bug", toy_tasks.slip),
        Task("killed", toy_tasks.die),
        Task("good", toy_tasks.add, (2, 3)),
        Task("later", toy_tasks.once_there, (str(tmp_path / "mark"),)),
    ]
    with get_engine("local", jobs=1) as engine:
        found = {o.task.name: o for o in run(tasks, engine, again_s=0.01)}
    assert found["input"].failure.line == "expected this, found that"
    assert found["input"].failure.expected
    assert found["bug"].failure.line.startswith("ZeroDivisionError")
    assert not found["bug"].failure.expected
    assert "slip" in found["bug"].failure.traceback
    assert "signal 9" in found["killed"].failure.line
    assert found["good"].value == 5
    assert found["later"].value == "there"


def test_a_full_disk_stops_all_in_one_line():
    tasks = [Task("a", toy_tasks.add, (1, 2)), Task("b", toy_tasks.fill), Task("c", toy_tasks.slip)]
    outcomes = run(tasks, Here())
    assert next(outcomes).value == 3
    with pytest.raises(InputError, match=r"found a full disk \(.*No space left.* to resume"):
        next(outcomes)


@pytest.mark.parametrize(
    "error",
    [MemoryError(), OSError(errno.ENOMEM, "x"), RuntimeError("[enforce] can't allocate memory: y")],
    ids=["Python", "the system", "torch"],
)
def test_memory_that_runs_out_is_told_in_the_same_words(error):
    failure = call(toy_tasks.hunger, (error,)).failure
    assert failure.line.startswith("expected enough memory")
    assert failure.expected


def test_engines_are_refused_by_name_and_number():
    with pytest.raises(InputError, match="engine"):
        get_engine("cloud")
    with pytest.raises(InputError, match="1 job or more"):
        get_engine("local", jobs=0)
