import numpy as np
import pytest
import torch
from torch.nn import functional

from fuzzyseg.errors import InputError
from fuzzyseg.networks.layers import cropped
from fuzzyseg.networks.shuffle_unet import ShuffleUNet, space_to_depth


def written_out(state, image):
    """A network of one halving from its weights, with torch's own pixel shuffles (2-D)."""

    def layer(x, name, i, stride=1):
        x = functional.conv2d(x, state[f"{name}.{i}.weight"], padding=1, stride=stride)
        mean, variance, weight, bias = (
            state[f"{name}.{i + 1}.{p}"].reshape(1, -1, 1, 1)
            for p in ("running_mean", "running_var", "weight", "bias")
        )
        x = (x - mean) / (variance + 1e-5).sqrt() * weight + bias
        return torch.where(x > 0, x, x / 100)

    def shuffled(x, name):
        """1 x 1 convolution onto 4 channels a filter, then a pixel shuffle."""
        kernel = state[f"{name}.weight"].flatten(1).T[:, :, None, None]
        bias = state[f"{name}.bias"].repeat_interleave(4)
        return functional.pixel_shuffle(functional.conv2d(x, kernel, bias), 2)

    height, width = image.shape[2:]
    even = functional.pad(image, (0, width % 2, 0, height % 2))
    fine = layer(layer(functional.pixel_unshuffle(even, 2), "down.0", 0), "down.0", 3)
    coarse = layer(layer(fine, "down.1", 0, stride=2), "down.1", 3)
    up = shuffled(coarse, "upsample.0")[:, :, : fine.shape[2], : fine.shape[3]]
    x = layer(layer(fine + up, "up.0", 0), "up.0", 3)
    return shuffled(x, "last")[:, :, :height, :width]


@pytest.mark.parametrize("size", [(8, 12), (7, 9), (10, 5)])
def test_equals_the_network_written_out(size):
    torch.manual_seed(0)
    network = ShuffleUNet(2, 3, filters=3, dims=2, halvings=1).double().eval()
    for norm in network.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    image = torch.randn(2, 2, *size, dtype=torch.float64)
    torch.testing.assert_close(network(image), written_out(network.state_dict(), image))


@pytest.mark.parametrize("size", [(6, 8), (4, 2, 6), (5, 3, 4), (1, 1, 1)])
def test_space_to_depth_and_back(size):
    image = torch.randn(2, 3, *size)
    n = len(size)
    channels = space_to_depth(image)
    even = [(s + 1) // 2 * 2 for s in size]
    back = np.zeros((2, 3, *even), np.float32)
    for i in range(2**n):  # strided slices in the order of binary numbers
        offsets = [i >> (n - 1 - axis) & 1 for axis in range(n)]
        places = (slice(None), slice(None), *(slice(o, None, 2) for o in offsets))
        back[places] = channels[:, i :: 2**n]
    whole = np.zeros_like(back)
    whole[:, :, *map(slice, size)] = image
    np.testing.assert_array_equal(back, whole)


def test_space_to_depth_is_torchs_own_in_2_d():
    image = torch.randn(2, 3, 8, 6)
    assert torch.equal(space_to_depth(image), functional.pixel_unshuffle(image, 2))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("side", [1, 2, 5, 13])
def test_any_size_of_image(side, dims):
    size = (side, side + 1, 3)[:dims]
    network = ShuffleUNet(2, 4, filters=2, dims=dims).eval()
    assert network(torch.randn(1, 2, *size)).shape == (1, 4, *size)


@pytest.mark.parametrize(("halvings", "reach"), [(0, 4), (1, 16)])
def test_receptive_field(halvings, reach):
    """Voxels on either side of a cell of two that its logits depend on, counted by hand.

    A convolution sees 2^(l+1) voxels further at level l; a stride of 2 shifts cells by half.
    """
    torch.manual_seed(0)
    network = ShuffleUNet(1, 2, filters=8, dims=2, halvings=halvings).double().eval()
    image = torch.zeros(1, 1, 96, 4, dtype=torch.float64, requires_grad=True)
    with torch.no_grad():
        image += torch.randn_like(image)
    network(image)[0, :, 48:52].sum().backward()  # a whole cell of the coarse level
    seen = image.grad[0, 0].abs().sum(1).nonzero()
    low, high = 48 - int(seen.min()), int(seen.max()) - 51
    # 2 convolutions of level 0 before, 1 of stride 2 and 1 of level 1, 2 of level 0 after.
    assert max(low, high) <= reach
    assert max(low, high) >= reach - 4


def test_gradient_reaches_every_parameter():
    torch.manual_seed(0)
    network = ShuffleUNet(1, 3, filters=4)
    network(torch.randn(2, 1, 16, 16, 16)).softmax(1)[:, 0].square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in network.parameters())


def test_filters_double_up_to_six_times():
    network = ShuffleUNet(filters=20)
    assert [level[0].out_channels for level in network.down] == [20, 40, 80, 120]


def test_number_of_parameters_that_its_docstring_names():
    n = sum(p.numel() for p in ShuffleUNet().parameters())
    assert f"{n:,} parameters" in ShuffleUNet.__doc__


def test_it_is_a_pixel_shuffle_that_comes_last():
    """Of 3 axes: the same as a width-1 convolution and the inverse of `space_to_depth`."""
    network = ShuffleUNet(1, 3, filters=5, halvings=0)
    x = torch.randn(1, 5, 3, 4, 2)
    kernel = network.last.weight.flatten(1).T[:, :, None, None, None]
    channels = functional.conv3d(x, kernel, network.last.bias.repeat_interleave(8))
    torch.testing.assert_close(space_to_depth(network.last(x)), channels)
    assert torch.equal(cropped(network.last(x), x), network.last(x)[:, :, :3, :4, :2])


def test_refuses_impossible_numbers():
    with pytest.raises(InputError, match="halve"):
        ShuffleUNet(halvings=-1)


def test_a_gradient_comes_back_where_a_layer_is_below_0_everywhere():
    """With plain ReLUs a hot lesion switched the last layer off, and stayed bone for ever."""
    network = ShuffleUNet(1, 3, filters=4, dims=2, halvings=0).eval()
    with torch.no_grad():
        network.down[0][4].bias.fill_(-100)
    network(torch.randn(1, 1, 8, 8))[:, 2].sum().backward()
    assert network.down[0][0].weight.grad.abs().sum() > 0
