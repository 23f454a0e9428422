import copy

import pytest
import torch
from torch import nn

from fuzzyseg.training.average import average_in, between


def test_it_is_the_weighted_sum_of_all_that_came():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).double()
    average = copy.deepcopy(network)
    names = [n for n, t in network.state_dict().items() if t.is_floating_point()]
    seen = [{n: network.state_dict()[n].clone() for n in names}]
    decays = []
    for step in range(30):
        with torch.no_grad():
            for tensor in network.state_dict().values():
                tensor.add_(torch.randn_like(tensor)) if tensor.is_floating_point() else None
            network[1].num_batches_tracked += 1
        seen.append({n: network.state_dict()[n].clone() for n in names})
        decays.append(min(0.7, (1 + step) / (10 + step)))
        average_in(average, network, 0.7, step)
    assert decays[0] == pytest.approx(0.1)
    assert decays[-1] == 0.7
    for name in names:
        expected = torch.zeros_like(seen[0][name])
        for i, tensors in enumerate(seen):  # share of the i-th in the end
            share = 1 - decays[i - 1] if i else 1.0
            for d in decays[i:]:
                share *= d
            expected += share * tensors[name]
        torch.testing.assert_close(average.state_dict()[name], expected)
    assert average[1].num_batches_tracked == 30


def test_a_network_between_two_has_the_weighted_mean_of_their_weights():
    torch.manual_seed(0)
    start, end = (nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)) for _ in range(2))
    start[1].running_var[:] = 3.0
    end[1].num_batches_tracked += 7
    before = copy.deepcopy(end.state_dict())
    found = between(start, end, 0.25)
    for name, value in end.state_dict().items():
        assert torch.equal(value, before[name])
        if value.is_floating_point():
            expected = 0.25 * start.state_dict()[name] + 0.75 * value
            torch.testing.assert_close(found.state_dict()[name], expected)
    assert found[1].running_var.tolist() == [1.5, 1.5]
    assert found[1].num_batches_tracked == 7
