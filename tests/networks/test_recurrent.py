import pytest
import torch
from torch.nn import functional

from fuzzyseg.errors import InputError
from fuzzyseg.networks.recurrent import RecurrentConv, RecurrentConvNet


def randomised(network):
    """A network whose normalisations are not the identity, in evaluation mode."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d | torch.nn.BatchNorm3d):
            layer.running_mean.normal_(0, 0.5)
            layer.running_var.uniform_(0.2, 2)
            torch.nn.init.normal_(layer.weight, 1, 0.3)
            torch.nn.init.normal_(layer.bias, 0, 0.3)
    return network.eval()


def unrolled(state, image, steps):
    """The paper's network from its weights, written out step by step."""

    space = (1,) * (image.ndim - 2)
    convolve = functional.conv2d if image.ndim == 4 else functional.conv3d

    def convolution(x, name):
        return convolve(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)

    def norm(x, name):
        mean, var, weight, bias = (
            state[f"{name}.{part}"].reshape(1, -1, *space)
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (var + 1e-5).sqrt() * weight + bias

    x = image
    for i in range(5):
        fed = convolution(x, f"layers.{i}.forward_conv")
        x = norm(fed, f"layers.{i}.norms.0").clamp(min=0)
        for t in range(1, steps + 1):
            back = convolution(x, f"layers.{i}.recurrent_conv")
            x = norm(fed + back, f"layers.{i}.norms.{t}").clamp(min=0)
    for i in (5, 8):
        x = norm(convolution(x, f"layers.{i}"), f"layers.{i + 1}").clamp(min=0)
    return convolution(x, "layers.11")


def test_the_papers_number_of_parameters():
    assert sum(p.numel() for p in RecurrentConvNet(1, 3, filters=16).parameters()) == 26_819


@pytest.mark.parametrize(
    ("steps", "size"), [(0, (9, 12)), (1, (9, 12)), (3, (9, 12)), (2, (5, 6, 7))]
)
def test_equals_the_recurrence_written_out(steps, size):
    torch.manual_seed(0)
    network = RecurrentConvNet(2, 4, filters=5, steps=steps, dims=len(size))
    network = randomised(network).double()
    image = torch.randn(2, 2, *size, dtype=torch.float64)
    expected = unrolled(network.state_dict(), image, steps)
    torch.testing.assert_close(network(image), expected, rtol=1e-12, atol=1e-12)


def test_steps_share_their_convolution_and_not_their_normalisation():
    def count(steps):
        return sum(p.numel() for p in RecurrentConv(4, 6, steps).parameters())

    assert count(3) - count(2) == 2 * 6  # one more normalisation, no more weights
    layer = RecurrentConv(1, 4, steps=3)
    layer(torch.randn(2, 1, 6, 6)).sum().backward()
    assert layer.recurrent_conv.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("size", [(1, 1), (5, 8), (31, 2)])
def test_any_size_of_image(size):
    assert RecurrentConvNet(1, 3, filters=2).eval()(torch.randn(1, 1, *size)).shape[2:] == size


@pytest.mark.parametrize("dims", [2, 3])
def test_gradient_reaches_every_parameter(dims):
    torch.manual_seed(0)
    network = RecurrentConvNet(1, 3, filters=4, dims=dims)
    network(torch.randn(2, 1, *(7,) * dims)).softmax(1)[:, 0].square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        # A convolution's bias is lost in the normalisation after it.
        assert "bias" in name or parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"dims": 4}, "found 4"),
        ({"filters": 0}, "1 filter"),
        ({"n_classes": 1}, "2 classes"),
        ({"in_channels": 0}, "1 channel"),
        ({"steps": -1}, "found -1"),
    ],
)
def test_refuses_impossible_numbers(options, found):
    with pytest.raises(InputError, match=found):
        RecurrentConvNet(**options)
