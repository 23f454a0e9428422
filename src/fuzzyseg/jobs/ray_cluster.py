"""A Ray cluster that is already there: tasks on all its nodes, begun again where a node is lost."""

from __future__ import annotations

import logging
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fuzzyseg.errors import InputError
from fuzzyseg.io.messages import one_line
from fuzzyseg.jobs.processes import THREADS
from fuzzyseg.jobs.ray_address import cluster_address
from fuzzyseg.jobs.task import Answer, Failure, call

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_LOOK_S = 5.0  # how often the number of cores is asked for: nodes come and go
_TRIES = 4  # of a call whose worker or node is lost each time


class _Begun(NamedTuple):
    """A call that is under way."""

    number: int
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    tries: int = 1


class Cluster:
    """Cores of a Ray cluster, each with one call at a time.

    Its nodes have this package installed and see the files that tasks read and write; relative
    paths begin where they do in the process that asks. A call whose node is lost is begun again
    elsewhere; one that loses its worker again and again fails, and so does one that Ray stops
    because memory runs out.

    Parameters
    ----------
    jobs : int or None
        Calls at a time; None: a core each.
    address : str or None
        HOST:PORT of the head, or ray://HOST:PORT; None: what RAY_ADDRESS says, else the cluster
        that this machine is a node of.

    Raises
    ------
    InputError
        If Ray is not installed.
    """

    def __init__(self, jobs: int | None = None, address: str | None = None) -> None:
        try:
            import ray
        except ImportError as error:
            raise InputError(
                "expected Ray to be installed for the engine ray, found none; "
                'pip install "fuzzyseg[ray]", or leave out --engine'
            ) from error
        self._ray: Any = ray
        self._jobs = jobs
        self._address = address
        self._folder = Path.cwd()
        self._running: dict[Any, _Begun] = {}
        self._cores = 1
        self._looked_s = -_LOOK_S

    @property
    def slots(self) -> int:
        """Cores of the nodes that are alive."""
        if self._jobs is not None:
            return self._jobs
        if time.monotonic() - self._looked_s >= _LOOK_S:
            self._cores = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
            self._looked_s = time.monotonic()
        return self._cores

    def submit(self, number: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """Hand a call to the cluster."""
        self._begin(_Begun(number, function, arguments))

    def wait(self, timeout_s: float | None = None) -> list[tuple[int, Answer]]:
        """Return calls that have ended, with their numbers; begin again those that were lost."""
        under_way = list(self._running)
        if self._ray.wait(under_way, timeout=timeout_s)[0]:
            ended, _ = self._ray.wait(under_way, num_returns=len(under_way), timeout=0)
        else:
            ended = []
        found = []
        for begun, answer in map(self._answer, ended):
            if answer is None:
                self._begin(begun._replace(tries=begun.tries + 1))
            else:
                found.append((begun.number, answer))
        return found

    def _begin(self, begun: _Begun) -> None:
        self._running[self._call.remote(self._folder, begun.function, begun.arguments)] = begun

    def _answer(self, ended: Any) -> tuple[_Begun, Answer | None]:
        """Fetch what came of a call; None where it was lost and is worth another try."""
        begun, errors = self._running.pop(ended), self._ray.exceptions
        try:
            return begun, self._ray.get(ended)
        except errors.OutOfMemoryError:
            line = (
                "expected enough memory, found that Ray stopped the worker because it ran "
                "out; give fewer --jobs, or nodes with more memory"
            )
        except (errors.WorkerCrashedError, errors.NodeDiedError, errors.ObjectLostError) as error:
            if begun.tries < _TRIES:
                return begun, None
            line = (
                f"expected the worker that computed this to continue, found it lost {begun.tries} "
                f"times ({one_line(error)}); give it more memory, or leave this one out"
            )
        except errors.RayError as error:
            line = (
                f"expected workers that can compute this, found that they cannot "
                f"({_last_line(error)}); install the same fuzzyseg and Python on every node"
            )
        return begun, Answer(failure=Failure(line))

    def __enter__(self) -> Self:
        """Connect to the cluster.

        Raises
        ------
        InputError
            If nothing answers at the address.
        """
        address = cluster_address(self._address)
        try:
            self._ray.init(
                address=address or "auto",
                runtime_env={"env_vars": dict.fromkeys(THREADS, "1")},
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise InputError(
                f"expected a Ray cluster at {address or 'this machine'}, found none "
                f"({one_line(error)}); start one with ray start --head, or give its --address"
            ) from error
        # Tries are counted here: where memory runs out, Ray would try again for ever.
        self._call = self._ray.remote(_call_in).options(num_cpus=1, max_retries=0)
        return self

    def __exit__(self, *error: object) -> None:
        """Stop what is under way, and leave the cluster as it was."""
        for each in self._running:
            self._ray.cancel(each, force=True)
        self._running.clear()
        self._ray.shutdown()


def _last_line(error: BaseException) -> str:
    """Say what a traceback of Ray's ends with, without its colours."""
    *_, last = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().splitlines() or [""]
    return one_line(RuntimeError(last.strip()))


def _call_in(folder: Path, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Answer:
    """Call a function in a folder, where its relative paths begin."""
    try:
        os.chdir(folder)
    except OSError as error:
        line = (
            f"expected every node to see {folder}, found one that does not ({one_line(error)}); "
            "start where all nodes see the same files"
        )
        return Answer(failure=Failure(line))
    return call(function, arguments)
