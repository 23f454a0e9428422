import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from fuzzyseg.cli.main import main
from fuzzyseg.models.model_files import load_model
from fuzzyseg.training import run_folder

SETTINGS = {
    "loss": "semi-rfcm",
    "centres": "running",
    "filters": 2,
    "batch": 2,
    "patch": 12,
    "steps": 48,
    "log-every": 3,
    "validate-every": 12,
    "anneal": 20,
    "randomise": 0.3,
    "checkpoint-minutes": 0.0005,
}


@pytest.fixture(autouse=True)
def one_thread_and_no_curves(monkeypatch):
    """Sums over threads are added up in an order that depends on their number."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(run_folder, "draw_curves", lambda *_: None)  # saves half a second
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def log(run):
    lines = (run / "log.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


def test_a_killed_run_goes_on_to_the_weights_of_an_unbroken_one(manifest, tmp_path):
    def words(run):
        options = [word for name, value in SETTINGS.items() for word in (f"--{name}", str(value))]
        data = [str(manifest), "-o", str(run), "--validation", str(manifest)]
        return ["train", *data, *options, "--quiet"]

    killed, whole = tmp_path / "killed", tmp_path / "whole"
    started = subprocess.Popen([sys.executable, "-m", "fuzzyseg.cli.main", *words(killed)])
    written, deadline = 0, time.monotonic() + 120
    while written < 6 and time.monotonic() < deadline and started.poll() is None:
        time.sleep(0.001)
        if (killed / "checkpoint.safetensors").exists():
            written = (killed / "log.jsonl").read_text().count("\n")
    assert started.poll() is None
    os.kill(started.pid, signal.SIGKILL)
    started.wait()
    assert written >= 6
    assert not (killed / "model.json").exists()

    assert main([*words(killed), "--resume"]) == 0
    assert main(words(whole)) == 0
    assert log(killed) == log(whole)
    assert [line["step"] for line in log(killed)] == list(range(3, 49, 3))
    for name in ("model", "best"):
        found, expected = (load_model(run / name) for run in (killed, whole))
        assert found.card.sha256 == expected.card.sha256
        assert found.card.metrics == expected.card.metrics
        for key, tensor in expected.network.state_dict().items():
            assert torch.equal(found.network.state_dict()[key], tensor), key
    assert sorted(p.name for p in killed.iterdir()) == sorted(p.name for p in whole.iterdir())
