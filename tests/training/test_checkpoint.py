from dataclasses import asdict

import pytest
import torch
from safetensors.torch import save_file
from toy_training import QUICK

from fuzzyseg.errors import InputError
from fuzzyseg.losses import Centres, RFCMLoss
from fuzzyseg.networks.architecture import Architecture
from fuzzyseg.networks.registry import build_network
from fuzzyseg.training.checkpoint import (
    CHECKPOINT,
    Progress,
    load_checkpoint,
    read_header,
    run_in,
    save_checkpoint,
)

DESCRIBED = {"config": asdict(QUICK), "cases": ["a", "b"]}
IMAGE = torch.randn(4, 1, 12, 12, generator=torch.Generator().manual_seed(1))


def parts(seed, filters=4):
    torch.manual_seed(seed)
    network = build_network(Architecture(filters=filters)).to(memory_format=torch.channels_last)
    loss = RFCMLoss(centres=Centres(scope="running", start=(-1.0, 0.0, 2.0)))
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.01)
    return {"network": network, "loss": loss}, optimiser


def steps(modules, optimiser, n):
    for _ in range(n):
        value = modules["loss"](modules["network"](IMAGE), IMAGE)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()


def state(modules):
    return {f"{m}/{k}": t for m, module in modules.items() for k, t in module.state_dict().items()}


@pytest.fixture
def saved(tmp_path):
    modules, optimiser = parts(0)
    steps(modules, optimiser, 3)
    progress = Progress(step=3, best=0.5, best_step=2, since_best=1, seconds=1.5, lines=2)
    save_checkpoint(tmp_path / CHECKPOINT, progress, modules, optimiser, DESCRIBED)
    return tmp_path / CHECKPOINT, progress, modules, optimiser


def test_training_goes_on_as_if_it_had_not_stopped(saved):
    path, progress, modules, optimiser = saved
    others, other_optimiser = parts(1)
    assert load_checkpoint(path, others, other_optimiser) == progress
    steps(modules, optimiser, 3)
    steps(others, other_optimiser, 3)
    expected, found = state(modules), state(others)
    assert expected.keys() == found.keys()
    assert "loss/keeper.running_centres" in expected
    for name in expected:
        assert torch.equal(found[name], expected[name]), name


def test_the_optimisers_memory_is_laid_out_as_the_weights(saved):
    path, _, modules, _ = saved
    optimiser = torch.optim.AdamW(modules["network"].parameters())
    load_checkpoint(path, modules, optimiser)
    for weights, kept in optimiser.state.items():
        assert kept["exp_avg"].stride() == weights.stride()


def test_what_a_checkpoint_says_of_its_run(saved):
    path, progress, *_ = saved
    found, described = read_header(path)
    assert found == progress
    assert described["cases"] == ["a", "b"]
    assert described["config"]["loss"] == "ce"


def test_a_failed_write_leaves_the_checkpoint_before(saved, monkeypatch):
    path, _, modules, optimiser = saved
    before = path.read_bytes()

    def full(tensors, path, header):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(InputError, match="No space left"):
        save_checkpoint(path, Progress(), modules, optimiser, DESCRIBED)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_other_files_are_refused(tmp_path):
    path = tmp_path / CHECKPOINT
    path.write_text("I am not a checkpoint")
    with pytest.raises(InputError, match="expected a checkpoint"):
        read_header(path)
    save_file({"a": torch.zeros(2)}, path, {"format": "pt"})
    with pytest.raises(InputError, match="expected a checkpoint"):
        read_header(path)
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(InputError, match="expected a checkpoint"):
        read_header(path)
    with pytest.raises(InputError, match="absent"):
        read_header(tmp_path / "absent")


def test_a_checkpoint_cut_short_is_refused(saved):
    path = saved[0]
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="expected a checkpoint"):
        read_header(path)


def test_another_network_is_refused(saved):
    modules, optimiser = parts(0, filters=5)
    with pytest.raises(InputError, match="of this network"):
        load_checkpoint(saved[0], modules, optimiser)


def test_run_in_a_folder(saved, tmp_path):
    folder = saved[0].parent
    assert run_in(tmp_path / "other", QUICK, resume=True) is None
    assert run_in(folder, QUICK, resume=True)["cases"] == ["a", "b"]
    with pytest.raises(InputError, match="--resume"):
        run_in(folder, QUICK, resume=False)
