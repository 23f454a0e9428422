"""Models of a few filters with random weights, made in milliseconds."""

from __future__ import annotations

import torch

from fuzzyseg.models.card import Card, Preprocessing
from fuzzyseg.models.model_files import Model, save_model
from fuzzyseg.networks.architecture import Architecture
from fuzzyseg.networks.registry import build_network

CHANNELS = {"spect": ("spect",), "spect-ct": ("spect", "ct"), "ct": ("ct",)}


def tiny_model(
    task="spect",
    *,
    seed=0,
    preprocessing=None,
    planes=("transverse",),
    odds=(),
    cortex=False,
    **shape,
):
    """Make a model whose normalisations differ from doing nothing, and whose classes all occur."""
    if task == "ct":
        shape = {"classes": ("background", "bone")} | shape
    architecture = Architecture(channels=CHANNELS[task], **({"filters": 3} | shape))
    torch.manual_seed(seed)
    network = build_network(architecture)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d | torch.nn.BatchNorm3d):
            layer.running_mean.normal_(0, 0.3)
            layer.running_var.uniform_(0.2, 0.8)
    return Model(
        Card(
            task,
            architecture,
            preprocessing or Preprocessing(),
            planes,
            {"data": "nothing"},
            odds=odds,
            cortex=cortex,
        ),
        network.eval(),
    )


def write_tiny(folder, task="spect", **options):
    """Write a tiny model named after its task, and return it with the sha256 in its card."""
    return save_model(tiny_model(task, **options), folder / task)
