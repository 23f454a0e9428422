import pytest
import torch
from tiny_models import tiny_model

from fuzzyseg.training.idle import freeze_idle


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(("name", "n_idle"), [("recurrent", 12), ("unet", 0)])
def test_exactly_the_biases_that_do_nothing_stay(name, n_idle, dims):
    network = tiny_model(network=name, dims=dims).network.double().train()
    freeze_idle(network)
    torch.manual_seed(0)
    image = torch.randn(2, 1, *(8,) * dims, dtype=torch.float64)
    with torch.no_grad():
        expected = network(image)
        frozen = 0
        for key, parameter in network.named_parameters():
            before = parameter.clone()
            parameter.add_(torch.randn_like(parameter))
            changed = (network(image) - expected).abs().max()
            parameter.copy_(before)
            if parameter.requires_grad:
                assert changed > 1e-3, key
            else:
                frozen += 1
                assert changed < 1e-9, key
    assert frozen == n_idle
