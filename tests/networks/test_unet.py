import math

import pytest
import torch
from torch.nn import functional

from fuzzyseg.errors import InputError
from fuzzyseg.networks.architecture import Architecture
from fuzzyseg.networks.recurrent import RecurrentConvNet
from fuzzyseg.networks.registry import build_network
from fuzzyseg.networks.unet import UNet


def written_out(state, image):
    """A U-Net of one halving from its weights; even sizes are made with -inf, then cut off."""

    def twice(x, name):
        for i in (0, 3):
            x = functional.conv2d(x, state[f"{name}.{i}.weight"], padding=1)
            norm = [
                state[f"{name}.{i + 1}.{p}"].reshape(1, -1, 1, 1)
                for p in ("running_mean", "running_var", "weight", "bias")
            ]
            x = ((x - norm[0]) / (norm[1] + 1e-5).sqrt() * norm[2] + norm[3]).clamp(min=0)
        return x

    height, width = image.shape[2:]
    fine = twice(image, "down.0")
    even = functional.pad(fine, (0, width % 2, 0, height % 2), value=-math.inf)
    coarse = twice(even.unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2)), "down.1")
    up = torch.zeros(len(image), fine.shape[1], height + height % 2, width + width % 2).double()
    for i in range(2):
        for j in range(2):
            kernel = state["upsample.0.weight"][:, :, i, j]
            up[:, :, i::2, j::2] = torch.einsum("bchw,cd->bdhw", coarse, kernel)
    up = up[:, :, :height, :width] + state["upsample.0.bias"].reshape(1, -1, 1, 1)
    x = twice(torch.cat([fine, up], 1), "up.0")
    last = state["last.weight"][:, :, 0, 0]
    return torch.einsum("bchw,dc->bdhw", x, last) + state["last.bias"].reshape(1, -1, 1, 1)


@pytest.mark.parametrize("size", [(8, 6), (7, 9)])
def test_equals_the_network_written_out(size):
    torch.manual_seed(0)
    network = UNet(1, 3, filters=3, halvings=1).double().eval()
    image = torch.randn(2, 1, *size, dtype=torch.float64)
    torch.testing.assert_close(network(image), written_out(network.state_dict(), image))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("side", [1, 2, 5, 13])
def test_any_size_of_image(side, dims):
    size = (side, side + 1, 3)[:dims]
    network = UNet(2, 4, filters=2, dims=dims, halvings=3).eval()
    assert network(torch.randn(1, 2, *size)).shape == (1, 4, *size)


def test_gradient_reaches_every_parameter():
    network = UNet(1, 3, filters=4)
    network(torch.randn(2, 1, 16, 16)).softmax(1)[:, 0].square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in network.parameters())


def test_number_of_parameters_that_its_docstring_names():
    n = sum(p.numel() for p in UNet().parameters())
    assert f"{n:,} parameters" in UNet.__doc__


def test_build_makes_what_the_architecture_says():
    unet = build_network(Architecture("unet", context=1, filters=4, steps=2))
    assert isinstance(unet, UNet)
    assert unet(torch.zeros(1, 3, 8, 8)).shape == (1, 3, 8, 8)
    assert len(unet.up) == 2
    recurrent = build_network(Architecture(channels=("spect", "ct"), filters=4, dims=3, steps=1))
    assert isinstance(recurrent, RecurrentConvNet)
    assert recurrent(torch.zeros(1, 2, 4, 4, 4)).shape == (1, 3, 4, 4, 4)


def test_refuses_impossible_numbers():
    with pytest.raises(InputError, match="halve"):
        UNet(halvings=-1)
