"""What is made of calls that Ray loses, without a cluster: a stand-in loses them."""

import itertools

import pytest
import toy_tasks

from fuzzyseg.jobs import Task, run
from fuzzyseg.jobs.ray_cluster import Cluster, _call_in

ray = pytest.importorskip("ray", reason='needs Ray: pip install "fuzzyseg[ray]"')


class Losing:
    """A Ray that ends every call with an error."""

    exceptions = ray.exceptions

    def __init__(self, error):
        self.error, self.begun = error, itertools.count()

    def remote(self, *_):
        return next(self.begun)

    def wait(self, calls, num_returns=1, timeout=None):  # noqa: ARG002 - as Ray calls it
        return calls[:num_returns], calls[num_returns:]

    def get(self, _):
        raise self.error


@pytest.mark.parametrize(
    ("error", "tries", "line"),
    [
        (ray.exceptions.OutOfMemoryError("a treatise\n" * 50), 1, "Ray stopped the worker"),
        (ray.exceptions.WorkerCrashedError(), 4, "found it lost 4 times"),
        (
            ray.exceptions.RaySystemError(
                "a\n\x1b[36mtreatise\nNo module named fuzzyseg\x1b[39m\n"
            ),
            1,
            "No module named fuzzyseg",
        ),
    ],
    ids=["memory", "lost each time", "not installed there"],
)
def test_a_call_that_ray_loses_fails_in_one_line(error, tries, line):
    cluster = Cluster(jobs=1)
    cluster._ray = cluster._call = Losing(error)
    found = [o.failure for o in run([Task(name, toy_tasks.slip) for name in "ab"], cluster)]
    assert next(cluster._ray.begun) == 2 * tries
    for failure in found:
        assert line in failure.line
        assert "\n" not in failure.line
        assert failure.expected


def test_a_node_that_does_not_see_the_folder_says_so(tmp_path):
    answer = _call_in(tmp_path / "absent", toy_tasks.add, (1, 2))
    assert "every node to see" in answer.failure.line
