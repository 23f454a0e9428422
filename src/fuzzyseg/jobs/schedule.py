"""The scheduler: which task is next, what a failure stops, when to ask again."""

from __future__ import annotations

import heapq
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.jobs.task import Failure, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fuzzyseg.jobs.registry import Engine
    from fuzzyseg.jobs.task import Answer, Task

AGAIN_S = 2.0  # until a task that said `Later` is asked again


def run(tasks: Iterable[Task], engine: Engine, *, again_s: float = AGAIN_S) -> Iterator[Outcome]:
    """Compute tasks, those that are named first as early as what they need allows.

    Parameters
    ----------
    tasks : iterable of Task
        With names of their own; what one is `after` is among them.
    engine : Engine
        Of `get_engine`, entered by the caller.
    again_s : float
        Seconds until a task that raised `Later` is tried again.

    Yields
    ------
    Outcome
        One a task, as they end. A failure stops nothing but the tasks that come after it, which
        fail without having begun.

    Raises
    ------
    InputError
        Where a disk is full: whatever comes after would fail as well.
    ValueError
        If two tasks share a name, or one comes after what is not there or after itself.
    """
    listed = list(tasks)
    missing, after = _wired(listed)
    ready = [n for n in range(len(listed)) if not missing[n]]  # in order: a heap
    later: list[tuple[float, int]] = []
    running = 0
    while ready or later or running:
        while later and later[0][0] <= time.monotonic():
            heapq.heappush(ready, heapq.heappop(later)[1])
        while ready and running < engine.slots:
            number = heapq.heappop(ready)
            engine.submit(number, listed[number].function, listed[number].arguments)
            running += 1
        wait_s = max(0.0, later[0][0] - time.monotonic()) if later else None
        if not running:
            time.sleep(wait_s or 0.0)
            continue
        for number, answer in engine.wait(wait_s):
            running -= 1
            if answer.later:
                heapq.heappush(later, (time.monotonic() + again_s, number))
                continue
            _require_room(answer)
            yield Outcome(listed[number], answer.value, answer.failure, answer.seconds)
            if answer.failure is None:
                for child in after[number]:
                    missing[child] -= 1
                    if not missing[child]:
                        heapq.heappush(ready, child)
            else:
                line = f"not begun, because {listed[number].name} failed: {answer.failure.line}"
                for child in _all_after(number, after):
                    if missing[child] > 0:
                        missing[child] = -len(listed)  # reported once, and never ready
                        yield Outcome(listed[child], failure=Failure(line))


def _require_room(answer: Answer) -> None:
    if answer.failure is not None and answer.failure.full:
        raise InputError(
            f"expected space for results, found a full disk ({answer.failure.line}); free some "
            "space and run the command again to resume"
        )


def _wired(tasks: list[Task]) -> tuple[list[int], dict[int, list[int]]]:
    """How many tasks each one waits for, and which wait for it."""
    numbers = {task.name: number for number, task in enumerate(tasks)}
    if len(numbers) < len(tasks):
        raise ValueError("two tasks of one name")
    after: dict[int, list[int]] = defaultdict(list)
    missing = [0] * len(tasks)
    for number, task in enumerate(tasks):
        for name in set(task.after):
            if name not in numbers:
                raise ValueError(f"{task.name} comes after {name}, which is not there")
            after[numbers[name]].append(number)
            missing[number] += 1
    left, free = list(missing), [n for n, count in enumerate(missing) if not count]
    reached = 0
    while free:
        reached += 1
        for child in after[free.pop()]:
            left[child] -= 1
            if not left[child]:
                free.append(child)
    if reached < len(tasks):
        raise ValueError("tasks that come after themselves")
    return missing, after


def _all_after(number: int, after: dict[int, list[int]]) -> list[int]:
    found, look = [], [number]
    while look:
        children = after[look.pop()]
        found += children
        look += children
    return list(dict.fromkeys(found))
