import math

import numpy as np
import pytest
import torch
from tiny_models import tiny_model
from torch.nn import functional

from fuzzyseg.errors import InputError
from fuzzyseg.networks import Architecture, ShuffleUNet, TwoStage


@pytest.fixture
def network():
    """One that corrects its first stage, in double precision."""
    return tiny_model("spect-ct", network="two-stage", dims=3).network.double()


def written_out(state, ct, u):
    """Number by which the second stage raises background, from its weights."""

    def normalised(x, i):
        mean, variance, weight, bias = (
            state[f"second.{i}.{p}"].reshape(1, -1, 1, 1, 1)
            for p in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (variance + 1e-5).sqrt() * weight + bias

    x = torch.cat((ct, 1 + u.clamp(min=math.exp(-8)).log() / 8), 1)
    for i, dilation in ((0, 1), (3, 2), (6, 4)):
        kernel = state[f"second.{i}.weight"]
        x = normalised(functional.conv3d(x, kernel, padding=dilation, dilation=dilation), i + 1)
        x = torch.where(x > 0, x, x / 100)
    return functional.conv3d(x, state["second.9.weight"], state["second.9.bias"])


def test_raises_background_by_the_equation_of_its_docstring(network):
    image = torch.randn(2, 2, 9, 6, 11, dtype=torch.float64)
    u = network.first(image[:, :1]).softmax(1)
    f = written_out(network.state_dict(), image[:, 1:], u)
    expected = torch.cat((u[:, :1] * f.exp(), u[:, 1:]), 1)
    expected /= expected.sum(1, keepdim=True)
    torch.testing.assert_close(network(image).softmax(1), expected)


def test_the_ct_does_not_change_how_bone_and_lesion_share(network):
    spect, ct, other = torch.randn(3, 1, 1, 10, 10, 10, dtype=torch.float64)
    u, v = (network(torch.cat((spect, c), 1)).softmax(1) for c in (ct, other))
    assert (u - v).abs().max() > 0.01
    torch.testing.assert_close(u[:, 2] / u[:, 1], v[:, 2] / v[:, 1])


def test_training_leaves_the_first_stage_as_it_is(network):
    network.train()
    before = {name: value.clone() for name, value in network.first.state_dict().items()}
    learns = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.SGD(learns, lr=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        image = torch.randn(2, 2, 8, 8, 8, dtype=torch.float64)
        network(image).softmax(1)[:, 0].square().sum().backward()
        optimiser.step()
    assert all(p.grad.abs().sum() > 0 for p in learns)
    assert all(
        torch.equal(value, before[name]) for name, value in network.first.state_dict().items()
    )
    assert network.second.training
    assert not network.first.training


def test_the_first_stage_has_an_architecture_of_its_own():
    both = Architecture("two-stage", ("spect", "ct"), filters=5, dims=3, steps=2)
    assert both.first == Architecture("shuffle-unet", ("spect",), filters=5, dims=3, steps=2)
    assert both.first.first is None
    assert isinstance(TwoStage(filters=4).first, ShuffleUNet)


def test_refuses_slices_and_impossible_numbers():
    with pytest.raises(InputError, match="dims of two-stage of 3, found 2"):
        Architecture("two-stage")
    with pytest.raises(InputError, match="halve"):
        TwoStage(halvings=-1)


@pytest.mark.parametrize("side", [1, 2, 5, 13])
def test_any_size_of_image(side):
    size = (side, side + 1, 3)
    found = TwoStage(2, 4, filters=2).eval()(torch.randn(1, 2, *size))
    assert found.shape == (1, 4, *size)
    assert np.isfinite(found.detach().numpy()).all()
