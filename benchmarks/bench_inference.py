"""Time inference beside the machine's matrix product and beside robust fuzzy c-means in scipy.

    python benchmarks/bench_inference.py [REPEATS]

One thread a contestant in the first table: they take turns with the matrix products of numpy,
torch and OpenVINO, of which the fastest counts; the rates are those of the best turn in process
time, which hardly feels what else runs on the machine. The second table is a whole volume, wall
time, on two threads.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from bench_clustering import rfcm_literal
from threadpoolctl import threadpool_limits
from torch.utils.flop_counter import FlopCounterMode

from fuzzyseg.clustering.starts import start_centres
from fuzzyseg.inference.engines import open_engine
from fuzzyseg.inference.prediction import predict
from fuzzyseg.inference.preprocess import normalise_spect
from fuzzyseg.io import write_image
from fuzzyseg.models.card import Card
from fuzzyseg.models.locate import bundled_models, default_model
from fuzzyseg.models.model_files import Model, load_model, save_model
from fuzzyseg.networks.architecture import Architecture
from fuzzyseg.networks.registry import build_network
from fuzzyseg.simulation.simulated import Recipe, simulate_patient
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Image = NDArray[np.float32]

ENGINES = ("torch", "openvino", "onnxruntime")
REQUIRED = {"torch": 45, "openvino": 65}  # percent of the matrix product
SHAPE = (128, 128, 200)
MATRIX = 2048
TOLERANCES = (1e-4, 1e-5)  # RFCM's own, and a stricter one
MOST_ITERATIONS = 400
THREADS = 2


def subject() -> Model:
    """Return the bundled model, or one of the paper's size with random weights."""
    if name := default_model("spect"):
        return load_model(name)
    torch.manual_seed(0)
    return Model(Card("random", Architecture()), build_network(Architecture()).eval())


def seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """Wall and process time of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def operations(model: Model, image: torch.Tensor) -> float:
    """Floating point operations of the convolutions; a multiplication and an addition are two."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.network(image)
    return float(counter.get_total_flops())


def openvino_product(b: Image) -> Callable[[list[Image]], Any]:
    """Return what multiplies a matrix by b, on one thread."""
    import openvino
    from openvino import opset13

    left = opset13.parameter(b.shape, np.float32)
    graph = openvino.Model([opset13.matmul(left, opset13.constant(b), False, False)], [left])
    options = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(graph, "CPU", options)
    return compiled.create_infer_request().infer  # type: ignore[no-any-return]


def rates(model: Model, repeats: int) -> None:
    """Print the table of rates on one thread."""
    torch.set_num_threads(1)
    a, b = torch.randn(2, MATRIX, MATRIX)
    third = openvino_product(b.numpy())
    products = (lambda: a @ b, lambda: a.numpy() @ b.numpy(), lambda: third([a.numpy()]))
    print("| engine, one slice of | GFLOP | ms | GFLOP/s | of the matrix product | required |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for side in (128, 192):
        n_channels = model.card.architecture.in_channels
        image = np.random.default_rng(0).normal(size=(1, n_channels, side, side)).astype(np.float32)
        work = operations(model, torch.from_numpy(image))
        for engine in ENGINES:
            with open_engine(engine, model, 1) as run, threadpool_limits(1):
                run(image)
                times, product = [], []
                for _ in range(repeats):
                    product += [seconds(multiply)[1] for multiply in products]
                    times += [seconds(lambda run=run, image=image: run(image))[1] for _ in range(4)]
            rate, peak = work / min(times), 2 * MATRIX**3 / min(product)
            required = f"{REQUIRED[engine]}%" if engine in REQUIRED else ""
            print(
                f"| {engine}, {side} x {side} | {work / 1e9:.2f} | {1e3 * min(times):.1f} "
                f"| {rate / 1e9:.0f} | {100 * rate / peak:.0f}% of {peak / 1e9:.0f} | {required} |",
                flush=True,
            )


def patient() -> Image:
    """Return a simulated patient, cut or filled with air to `SHAPE`, from 0 to 1."""
    found = simulate_patient(Recipe(seed=1, views=20, fine=False), number=1).spect.array
    found = found[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    image = np.zeros(SHAPE, np.float32)
    image[tuple(map(slice, found.shape))] = found / found.max()
    return image


def plain_rfcm(image: Image) -> dict[float, tuple[float, int]]:
    """Run eqs. (5)-(6) in scipy from the default start.

    Returns
    -------
    dict
        Seconds and iterations until no centre moved more than so much of the range.
    """
    y = image.astype(np.float64)
    (start,) = start_centres(y.reshape(1, -1), None, 3, "uptake", 1, 0)
    taps = np.ones((3, 3, 3))
    taps[1, 1, 1] = 0
    v = start[:, 0]
    begun = time.perf_counter()
    u = 1 / ((y - v[:, None, None, None]) ** 2 + 1e-12)
    u /= u.sum(0)
    found: dict[float, tuple[float, int]] = {}
    for n in range(1, MOST_ITERATIONS + 1):
        u, moved = rfcm_literal(y, u, v, taps)
        step = np.abs(moved - v).max()
        v = moved
        for tolerance in TOLERANCES:
            if step <= tolerance and tolerance not in found:
                found[tolerance] = (time.perf_counter() - begun, n)
        if len(found) == len(TOLERANCES):
            break
    return found


def volumes(model: Model, repeats: int) -> None:
    """Print the table of a whole volume."""
    image = patient()
    seen = normalise_spect(image, model.card.preprocessing.spect)[None]
    seen = np.repeat(seen, len(model.card.architecture.channels), 0)
    taken = {}
    for engine in ENGINES:
        taken[engine] = [
            seconds(lambda engine=engine: predict(model, seen, engine=engine, jobs=THREADS))[0]
            for _ in range(repeats)
        ]
    plain = plain_rfcm(image)
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        save_model(model, at / "model")
        affine = np.diag([4.42, 4.42, 4.42, 1.0])
        write_image(at / "spect.nii.gz", Volume(image, affine, "NM", "counts"))
        call = [sys.executable, "-m", "fuzzyseg.cli.main", "segment", str(at / "spect.nii.gz")]
        call += ["-o", str(at / "out"), "--model", str(at / "model"), "--quiet", "--force"]
        whole = [
            seconds(lambda: subprocess.run(call, check=True, stderr=subprocess.DEVNULL))[0]
            for _ in range(3)
        ]
    best = min(median(times) for times in taken.values())
    print("| what | s | times the best |")
    print("| --- | ---: | ---: |")
    for engine, times in taken.items():
        print(
            f"| `predict`, {engine}, its start included | {median(times):.2f} ({min(times):.2f}) "
            f"| {median(times) / best:.2f} |"
        )
    print(
        f"| `fuzzyseg segment` from the shell: load, first answer, four files "
        f"| {median(whole):.2f} ({min(whole):.2f}) | {median(whole) / best:.2f} |"
    )
    for tolerance, (took, n) in plain.items():
        print(
            f"| eqs. (5)-(6) in scipy, a convolution for each pair of classes, until no centre "
            f"moves {tolerance:g} of the range: {n} iterations | {took:.1f} | {took / best:.0f} |"
        )


def main() -> None:
    """Print the tables as Markdown."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    model = subject()
    size = sum(p.numel() for p in model.network.parameters())
    print(
        f"The model is `{model.card.name}` ({model.card.architecture.network}, {size:,} "
        f"parameters; {len(bundled_models())} models are bundled). float32 throughout.\n"
    )
    print("**Rates on one thread** (best of the turns, process time)\n")
    rates(model, repeats)
    print(
        f"\n**A simulated patient of {' x '.join(map(str, SHAPE))} on {THREADS} threads** "
        "(required: under 8 s, 50 times faster than scipy; from the shell under 5 s)\n\n"
        "Wall time: median (minimum).\n"
    )
    volumes(model, repeats)


if __name__ == "__main__":
    main()
