import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fuzzyseg.jobs.processes import THREADS, executor, one_thread


def test_workers_end_with_a_run_that_was_killed(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        "import os, time\n"
        "from fuzzyseg.jobs.processes import executor\n"
        "if __name__ == '__main__':\n"
        "    with executor(1) as pool:\n"
        "        print(pool.submit(os.getpid).result(), flush=True)\n"
        "        pool.submit(time.sleep, 600).result()\n"
    )
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        worker = int(started.stdout.readline())
        started.kill()
    for _ in range(200):
        if not alive(worker):
            return
        time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker went on alone")


def alive(process):
    """Whether a process runs; one that ended and that nobody asked after does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_workers_have_one_thread_and_this_process_keeps_its_own(monkeypatch):
    monkeypatch.setenv(THREADS[0], "7")
    monkeypatch.delenv(THREADS[1], raising=False)
    with executor(1) as pool:
        found = [pool.submit(os.getenv, name).result() for name in THREADS]
    assert found == ["1"] * len(THREADS)
    assert os.environ[THREADS[0]] == "7"
    assert THREADS[1] not in os.environ


def test_the_names_are_those_that_libraries_read():
    """numba says what its own is called; threadpoolctl looks at what the others did."""
    import numba

    assert hasattr(numba.config, THREADS[3])
    code = "import json, numpy, threadpoolctl\nprint(json.dumps(threadpoolctl.threadpool_info()))"
    with one_thread():
        told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    pools = json.loads(told.stdout)
    assert pools
    assert {pool["num_threads"] for pool in pools} == {1}
