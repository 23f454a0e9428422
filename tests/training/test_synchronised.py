import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import tiny_model
from torch import nn
from toy_training import QUICK, toy_case

from fuzzyseg.cli.main import main
from fuzzyseg.errors import InputError
from fuzzyseg.inference.prediction import predict
from fuzzyseg.models.model_files import load_model
from fuzzyseg.training.synchronised import processes, synchronise

SETTINGS = {
    "loss": "semi-rfcm",
    "filters": 4,
    "batch": 4,
    "patch": 12,
    "steps": 9,
    "log-every": 3,
    "validate-every": 6,
    "patience": 9,
}


def log(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def test_two_processes_train_the_model_of_one(manifest, tmp_path):
    def words(run):
        options = [word for name, value in SETTINGS.items() for word in (f"--{name}", str(value))]
        data = [str(manifest), "-o", str(run), "--validation", str(manifest)]
        return ["train", *data, *options, "--quiet"]

    one, two = tmp_path / "one", tmp_path / "two"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    subprocess.run(
        [*launcher, "--nproc-per-node", "2", "-m", "fuzzyseg.cli.main", *words(two)], check=True
    )
    assert main(words(one)) == 0
    assert sorted(p.name for p in two.iterdir()) == sorted(p.name for p in one.iterdir())
    expected, found = log(one), log(two)
    assert [line["step"] for line in found] == [3, 6, 9]
    for a, b in zip(found, expected, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-4)
        assert a["shares"] == pytest.approx(b["shares"], abs=1e-3)  # of both processes' patches
        assert a["lr"] == b["lr"]
    image = toy_case(seed=5).image
    memberships = [predict(load_model(run / "model"), image, engine="torch") for run in (one, two)]
    np.testing.assert_allclose(*memberships, atol=1e-4)


def test_without_torchrun_there_is_one_process(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with processes(QUICK) as found:
        assert found == (0, 1)
    assert not torch.distributed.is_initialized()


def test_a_batch_that_cannot_be_shared_out_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(InputError, match="multiple of 3"), processes(replace(QUICK, batch=4)):
        pass


@pytest.mark.parametrize("dims", [2, 3])
def test_shared_norms_are_torchs_own_for_one_process(dims, monkeypatch):
    """Against torch: values, gradients and running statistics; all others in test_two_processes."""
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 1)
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda _: None)
    expected = tiny_model(dims=dims).network.train()
    found = tiny_model(dims=dims).network.train()
    synchronise(found)
    shared = [m for m in found.modules() if isinstance(m, nn.BatchNorm2d | nn.BatchNorm3d)]
    assert shared
    assert all(type(m) not in {nn.BatchNorm2d, nn.BatchNorm3d} for m in shared)
    torch.manual_seed(1)
    image = torch.randn(2, 1, *(9,) * dims)
    for network in (expected, found):
        network(image).square().mean().backward()
    for (name, a), b in zip(found.named_parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-5, msg=name)
    states = found.state_dict(), expected.state_dict()
    assert states[0].keys() == states[1].keys()
    for name, tensor in states[1].items():
        torch.testing.assert_close(states[0][name], tensor, rtol=1e-4, atol=1e-5, msg=name)
    with torch.no_grad():
        torch.testing.assert_close(found.eval()(image), expected.eval()(image))
