"""What a filter answers to most: activation maximisation (Erhan et al. 2009)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.experiments.reproduce.work.training import MODEL

if TYPE_CHECKING:
    from fuzzyseg.jobs import Work

IMAGES = "activation.npz"


def activations(work: Work) -> dict[str, Any]:
    """Climb, from noise, to the image of a fixed norm that excites each filter most.

    The filters are the first ones of the layer before the last.
    """
    import torch

    from fuzzyseg.models import load_model

    torch.set_num_threads(1)
    network: Any = load_model(work.inputs["model"][0] / MODEL).network
    body = network.eval().requires_grad_(False).layers[:-1]  # the last maps onto classes
    told = work.settings
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(told["filters"], 1, told["size"], told["size"], generator=generator)
    norm = float(told["size"])  # a standard deviation of 1, as images are normalised
    image = (start / start.flatten(1).norm(dim=1)[:, None, None, None] * norm).requires_grad_()
    filters = torch.arange(told["filters"])
    excited = []
    for _ in range(told["steps"]):
        answer = body(image)[filters, filters].mean(dim=(1, 2))
        (gradient,) = torch.autograd.grad(answer.sum(), image)
        scale = gradient.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None, None]
        with torch.no_grad():
            image += 0.1 * norm * gradient / scale
            image *= norm / image.flatten(1).norm(dim=1)[:, None, None, None]
        excited.append([round(float(a), 4) for a in answer.detach()])
    np.savez_compressed(work.folder / IMAGES, images=image.detach()[:, 0].numpy())
    return {"first": excited[0], "last": excited[-1]}
