"""One cluster of two nodes for all; the last test takes a node from it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
import toy_tasks
from toy_phantom import write_phantom
from toy_study import make_study

from fuzzyseg.cli.main import main
from fuzzyseg.experiments.reproduce.plan import Plan
from fuzzyseg.experiments.reproduce.preset import PRESETS
from fuzzyseg.io import write_image
from fuzzyseg.jobs import Here, Store, Task, get_engine, run
from fuzzyseg.simulation.cohort import simulate_cohort
from fuzzyseg.simulation.simulated import Recipe

ray = pytest.importorskip("ray", reason='needs Ray: pip install "fuzzyseg[ray]"')
STUDIES = 24
RAY = Path(sys.executable).with_name("ray")
HELPERS = str(Path(toy_tasks.__file__).parent)  # workers import from it too
RESULTS = ("labels.nii.gz", "memberships.nii.gz", "summary.json", "lesions.csv")
IMAGES = ("spect.nii.gz", "ct.nii.gz", "labels.nii.gz")


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def descendants(pid):
    """A process and all that it started."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{each}/task/{each}/children").read_text()
            found += map(int, text.split())
    return found


def kill(process):
    for pid in descendants(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def wait_until(true, seconds=300):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.05)


def start(log, *options):
    """Start a node with a core; a busy machine gets more time than the 30 s that Ray waits."""
    call = [RAY, "start", "--num-cpus=1", "--object-store-memory=80000000", "--block", *options]
    path = os.pathsep.join(filter(None, (HELPERS, os.environ.get("PYTHONPATH"))))
    own = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": path}
    for _ in range(3):
        with log.open("w") as file:
            process = subprocess.Popen(call, stdout=file, stderr=file, env=own)
        wait_until(lambda p=process: "will now block" in said(log) or p.poll() is not None)
        if process.poll() is None:
            return process
    raise AssertionError(said(log))


def said(log):
    return log.read_text().replace("\n", " ")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """Yield the address of a head with a second node, and both processes."""
    logs = tmp_path_factory.mktemp("nodes")
    sockets = tempfile.mkdtemp(prefix="fs")  # short: paths of sockets have 107 characters
    port = free_port()
    common = "--disable-usage-stats", "--node-ip-address=127.0.0.1", "--include-log-monitor=false"
    head = "--head", f"--port={port}", f"--temp-dir={sockets}", "--include-dashboard=false"
    started = []
    try:
        started.append(start(logs / "head", *head, "--no-monitor", *common))
        started.append(start(logs / "second", f"--address=127.0.0.1:{port}", *common))
        yield f"127.0.0.1:{port}", started
    finally:
        for process in started:
            kill(process)
        shutil.rmtree(sockets, ignore_errors=True)


class Kept:
    """An engine that stays open from use to use."""

    def __init__(self, engine):
        self._engine = engine

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture(scope="module")
def cluster(nodes):
    with get_engine("ray", jobs=None, address=nodes[0]) as engine:
        yield Kept(engine)


def test_a_call_whose_worker_is_lost_is_begun_again(cluster, tmp_path):
    tasks = [Task("lost", toy_tasks.die_once, (str(tmp_path / "m"),)), Task("b", toy_tasks.threads)]
    found = {o.task.name: o.value for o in run(tasks, cluster)}
    assert found["lost"] == "there"
    assert found["b"][1] == "1"


def test_patients_are_those_of_this_machine_bit_for_bit(cluster, tmp_path):
    recipe = Recipe(seed=5, views=20, fine=False, **write_phantom(tmp_path))
    for name, engine in (("ray", cluster), ("here", Here())):
        simulate_cohort(tmp_path / name, 2, recipe, engine=engine)
    folders = [f"patient-{n:04}" for n in (1, 2)]
    require_same(tmp_path / "ray", tmp_path / "here", folders, IMAGES)
    before = (tmp_path / "ray" / folders[0] / "spect.nii.gz").stat().st_mtime_ns
    simulate_cohort(tmp_path / "ray", 2, recipe, engine=cluster)
    assert (tmp_path / "ray" / folders[0] / "spect.nii.gz").stat().st_mtime_ns == before


def test_jobs_of_reproduce_give_the_same_bits(cluster, tmp_path):
    plan = Plan(PRESETS["tiny"], tmp_path / "p.nii", write_phantom(tmp_path)["labels"])
    jobs = plan.cohort("test")[:1]
    stores = {name: Store(tmp_path / name) for name in ("ray", "here")}
    for store, engine in zip(stores.values(), (cluster, Here()), strict=True):
        assert [o.failure for o in run(store.tasks(jobs), engine)] == [None]
        assert store.tasks(jobs) == []
    there, here = (store.path(jobs[0]) for store in stores.values())
    require_same(there, here, [folder.name for folder in here.glob("patient-*")], IMAGES)


def require_same(there, here, folders, names):
    assert folders
    for folder in folders:
        for name in names:
            found, expected = (place / folder / name for place in (there, here))
            assert found.read_bytes() == expected.read_bytes(), found


def done(folder):
    return sorted(folder.glob("s*/run.json"))


def test_a_node_is_lost_and_no_study_with_it(nodes, tmp_path, monkeypatch):
    address, (_, second) = nodes
    ray.shutdown()  # what the tests before had open
    whole = make_study().spect
    (tmp_path / "in").mkdir()
    for n in range(STUDIES):
        part = whole.array[20:44, 10:34, n : n + 12]
        write_image(tmp_path / "in" / f"s{n:02}.nii.gz", type(whole)(part, whole.affine, "NM"))
    monkeypatch.chdir(tmp_path)  # relative paths: workers begin elsewhere
    before = {}

    def take_a_node():
        wait_until(lambda: len(done(Path("ray"))) >= 6)
        kill(second)
        before.update({path: path.stat().st_mtime_ns for path in done(Path("ray"))})

    taking = threading.Thread(target=take_a_node)
    taking.start()
    call = ["batch", "in", "--method", "kmeans", "--quiet"]
    assert main([*call, "-o", "ray", "--engine", "ray", "--address", address]) == 0
    taking.join()
    assert 6 <= len(before) < STUDIES - 2
    assert {path: path.stat().st_mtime_ns for path in before} == before  # none was done twice
    assert len(done(Path("ray"))) == STUDIES
    assert main([*call, "-o", "local", "--jobs", "2"]) == 0
    studies = [path.parent.name for path in done(Path("local"))]
    assert len(studies) == STUDIES
    require_same(Path("ray"), Path("local"), studies, RESULTS)
