"""A network that is added touches its own file and one line."""

import json
import subprocess
import sys
from dataclasses import dataclass

import pytest
import torch

from fuzzyseg.errors import InputError
from fuzzyseg.lazy import load
from fuzzyseg.networks import NETWORKS, Architecture, build_network
from fuzzyseg.networks.network import Network
from fuzzyseg.networks.registry import NetworkEntry

ADDED = NetworkEntry("one convolution, made up", f"{__name__}:OneConvolution", dims=(3,))


@dataclass(eq=False, repr=False)
class OneConvolution(Network):
    def _build(self):
        self.layer = torch.nn.Conv3d(self.in_channels, self.n_classes, 1)

    def forward(self, image):
        return self.layer(image)


def test_a_network_is_added_by_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, sys.modules[OneConvolution.__module__])
    monkeypatch.setitem(NETWORKS, "one", ADDED)
    network = build_network(Architecture("one", ("spect", "ct"), filters=5, dims=3))
    assert (network.filters, network.dims) == (5, 3)
    assert network(torch.zeros(1, 2, 4, 4, 4)).shape == (1, 3, 4, 4, 4)
    with pytest.raises(InputError, match="expected dims of one of 3, found 2"):
        Architecture("one")


def test_the_command_line_and_info_list_it():
    added = f"NETWORKS['one'] = NetworkEntry({ADDED.about!r}, {ADDED.home!r})"
    code = f"""
import contextlib
from fuzzyseg.networks.registry import NETWORKS, NetworkEntry
{added}
from fuzzyseg.cli.main import main
with contextlib.suppress(SystemExit):
    main(["train", "--help"])
print("-- info")
main(["info", "--json"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"one            {ADDED.about}" in done.stdout
    found = json.loads(done.stdout.split("-- info\n")[1])
    assert found["networks"] == {n: e.about for n, e in NETWORKS.items()} | {"one": ADDED.about}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_line_leads_to_a_network(name):
    entry = NETWORKS[name]
    network = build_network(Architecture(name, filters=4, dims=entry.dims[0], steps=1))
    assert isinstance(network, load(entry.home))
    image = torch.randn(1, 1, *(16,) * entry.dims[0])
    assert network.eval()(image).shape == (1, 3, *image.shape[2:])


def test_an_unknown_network_is_refused(monkeypatch):
    with pytest.raises(InputError, match="expected a network out of recurrent, unet"):
        Architecture("transformer")
    monkeypatch.delitem(NETWORKS, "unet")
    known = Architecture("recurrent")
    object.__setattr__(known, "network", "unet")
    with pytest.raises(InputError, match="found 'unet'"):
        build_network(known)
