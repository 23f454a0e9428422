"""CPU seconds of a training step and of a whole volume, for the networks of volumes.

    python benchmarks/bench_training_step.py

One thread; a step of two patches of 64^3 voxels (cross-entropy and Dice, AdamW), and 128 x 128 x
200 voxels through each engine that is installed.
"""

from __future__ import annotations

import importlib.util
import statistics
import time

import numpy as np
import torch

from fuzzyseg.inference.prediction import predict
from fuzzyseg.losses import CrossEntropyLoss, DiceLoss
from fuzzyseg.models.card import Card
from fuzzyseg.models.model_files import Model
from fuzzyseg.networks.architecture import Architecture
from fuzzyseg.networks.registry import build_network

KINDS = (("shuffle-unet", 16), ("shuffle-unet", 20), ("shuffle-unet", 32), ("unet", 16))
STEPS, PATCH, BATCH, VOLUME = 4, 64, 2, (128, 128, 200)


def seconds_a_step(architecture: Architecture) -> float:
    """Median process time of a step, after the first."""
    layout = torch.channels_last_3d
    network = build_network(architecture).to(memory_format=layout)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters())
    losses = CrossEntropyLoss(), DiceLoss(per_batch=True)
    target = torch.randint(0, 3, (BATCH, *[PATCH] * 3))
    taken = []
    for _ in range(STEPS):
        image = torch.randn(BATCH, 1, *[PATCH] * 3).to(memory_format=layout)
        start = time.process_time()
        logits = network(image)
        loss = sum(loss(logits, target) for loss in losses)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        taken.append(time.process_time() - start)
    return statistics.median(taken[1:])


def main() -> None:
    """Print a line a network."""
    torch.set_num_threads(1)
    engines = [e for e in ("openvino", "onnxruntime") if importlib.util.find_spec(e)]
    image = np.random.default_rng(0).normal(0, 1, (1, *VOLUME)).astype(np.float32)
    for name, filters in KINDS:
        architecture = Architecture(name, filters=filters, dims=3)
        line = f"{name} {filters}: step {seconds_a_step(architecture):.2f} s"
        if name != "unet":
            model = Model(Card(name, architecture), build_network(architecture).eval())
            for engine in ("torch", *engines):
                start = time.process_time()
                predict(model, image, engine=engine, jobs=1)  # type: ignore[arg-type]
                line += f", volume {engine} {time.process_time() - start:.2f} s"
        print(line, flush=True)


if __name__ == "__main__":
    main()
