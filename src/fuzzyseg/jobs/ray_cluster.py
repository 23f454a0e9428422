"""A Ray cluster that is already there: tasks on all its nodes, begun again where a node is lost."""

from __future__ import annotations

import logging
import os
import socket
import time
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.io.messages import one_line
from fuzzyseg.jobs.processes import THREADS
from fuzzyseg.jobs.task import Answer, Failure, call

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_ANSWERS_S = 5.0  # a cluster that is there accepts a connection at once
_LOOK_S = 5.0  # how often the number of cores is asked for: nodes come and go
_TRIES = 3  # more, after a first one whose worker or node was lost


class Cluster:
    """Cores of a Ray cluster, each with one call at a time.

    Its nodes have this package installed and see the files that tasks read and write. A call whose
    node is lost is begun again elsewhere; one that loses its worker again and again fails.

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
        self._address = address or os.environ.get("RAY_ADDRESS")
        self._running: dict[Any, int] = {}
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
        self._running[self._call.remote(function, arguments)] = number

    def wait(self, timeout_s: float | None = None) -> list[tuple[int, Answer]]:
        """Return calls that have ended, with their numbers."""
        ended, _ = self._ray.wait(list(self._running), timeout=timeout_s)
        return [(self._running.pop(each), self._answer(each)) for each in ended]

    def _answer(self, ended: Any) -> Answer:
        try:
            answer: Answer = self._ray.get(ended)
        except self._ray.exceptions.RayError as error:
            return Answer(
                failure=Failure(
                    f"expected the worker that computed this to continue, found it lost "
                    f"({one_line(error)}); give it more memory, or leave this one out"
                )
            )
        return answer

    def __enter__(self) -> Self:
        """Connect to the cluster.

        Raises
        ------
        InputError
            If nothing answers at the address.
        """
        if self._address is not None:
            _require_answer(self._address)
        try:
            self._ray.init(
                address=self._address or "auto",
                runtime_env={"env_vars": dict.fromkeys(THREADS, "1")},
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise InputError(
                f"expected a Ray cluster at {self._address or 'this machine'}, found none "
                f"({one_line(error)}); start one with ray start --head, or give its --address"
            ) from error
        # What the function raises comes back as an answer: tries are for what Ray loses.
        self._call = self._ray.remote(call).options(num_cpus=1, max_retries=_TRIES)
        return self

    def __exit__(self, *error: object) -> None:
        """Stop what is under way, and leave the cluster as it was."""
        for each in self._running:
            self._ray.cancel(each, force=True)
        self._ray.shutdown()


def _require_answer(address: str) -> None:
    """Raise InputError where nothing listens: Ray itself waits for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), _ANSWERS_S).close()
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(
            f"expected a Ray cluster at {address}, found no answer there "
            f"({one_line(error)}); give the HOST:PORT that ray start --head shows"
        ) from error
