import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toy_study import make_study

from fuzzyseg.cli.main import main
from fuzzyseg.io import write_image

pytest.importorskip("ray", reason='needs Ray: pip install "fuzzyseg[ray]"')
STUDIES = 24
RAY = Path(sys.executable).with_name("ray")


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


@pytest.fixture
def nodes(tmp_path):
    """A head and a second node, with a core each; yields the address and both processes."""
    address = f"127.0.0.1:{free_port()}"
    common = [
        "--num-cpus=1",
        "--object-store-memory=80000000",
        "--block",
        "--disable-usage-stats",
        "--node-ip-address=127.0.0.1",
    ]
    head = ["--head", f"--port={address.split(':')[1]}", "--include-dashboard=false"]
    started = []
    try:
        for options in ([*head, f"--temp-dir=/tmp/fsray{os.getpid()}"], [f"--address={address}"]):
            with (tmp_path / f"node-{len(started)}.log").open("w") as log:
                call = [RAY, "start", *options, *common]
                quick = {**os.environ, "PYTHONUNBUFFERED": "1"}
                started.append(subprocess.Popen(call, stdout=log, stderr=log, env=quick))
            wait_until(lambda: "will now block" in all_logs(tmp_path, len(started)))
        yield address, started
    finally:
        for process in started:
            kill(process)


def all_logs(folder, count):
    return (folder / f"node-{count - 1}.log").read_text().replace("\n", " ")


def wait_until(true, seconds=120):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.1)


def results(folder):
    return sorted(folder.glob("s*/run.json"))


def test_a_node_is_lost_and_no_study_with_it(nodes, tmp_path):
    address, (_, second) = nodes
    whole = make_study().spect
    (tmp_path / "in").mkdir()
    for n in range(STUDIES):
        part = whole.array[20:60, 10:50, n : n + 24]
        write_image(tmp_path / "in" / f"s{n:02}.nii.gz", type(whole)(part, whole.affine, "NM"))
    call = [sys.executable, "-m", "fuzzyseg", "batch", str(tmp_path / "in"), "--method", "rfcm"]
    cluster = ["-o", str(tmp_path / "ray"), "--engine", "ray", "--address", address]
    running = subprocess.Popen([*call, *cluster], stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: len(results(tmp_path / "ray")) >= 6)
        kill(second)
        done = {path: path.stat().st_mtime_ns for path in results(tmp_path / "ray")}
        assert len(done) < STUDIES - 2
        _, said = running.communicate(timeout=240)
    finally:
        running.kill()
    assert running.returncode == 0, said
    assert {path: path.stat().st_mtime_ns for path in done} == done  # none was done twice
    assert len(results(tmp_path / "ray")) == STUDIES
    assert main([*call[3:], "-o", str(tmp_path / "local"), "--jobs", "2"]) == 0
    for folder in (tmp_path / "local").glob("s*"):
        for name in ("labels.nii.gz", "memberships.nii.gz", "summary.json", "lesions.csv"):
            there = tmp_path / "ray" / folder.name / name
            assert there.read_bytes() == (folder / name).read_bytes(), there


def test_an_address_that_answers_nothing_is_one_line(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    write_image(tmp_path / "in" / "a.nii.gz", make_study().spect)
    call = ["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--engine", "ray"]
    for address in (f"127.0.0.1:{free_port()}", "nonsense"):
        assert main([*call, "--address", address]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "no answer there" in said
