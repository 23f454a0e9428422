"""What computes a network: torch, or OpenVINO or ONNX Runtime where they are installed."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal, get_args
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from fuzzyseg.errors import InputError
from fuzzyseg.inference.onnx_graph import onnx_graph
from fuzzyseg.inference.quiet_import import import_onnxruntime, import_openvino

if TYPE_CHECKING:
    from fuzzyseg.models.model_files import Model

EngineName = Literal["auto", "torch", "openvino", "onnxruntime"]
# Batch (B, channels, *space) to memberships (B, C, *space); may be called from several threads.
Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]
_NEEDS = {"torch": (), "openvino": ("openvino", "onnx"), "onnxruntime": ("onnxruntime", "onnx")}
_EXTRAS = {"openvino": "openvino", "onnxruntime": "onnx"}
# OpenVINO saves a third of torch's time and ONNX Runtime a sixth; they take 0.4 s and 0.3 s to
# start, which pays from about here on (voxels times parameters, which the number of operations
# follows): benchmarks/bench_inference.py.
_WORTH_STARTING = 5e10
# Shapes that OpenVINO keeps compiled: many of slices, of volumes, whose features fill memory, one.
_MOST_SHAPES = {2: 32, 3: 1}
_kept: WeakKeyDictionary[Model, dict[tuple[str, int, int], Run]] = WeakKeyDictionary()
_FASTEST_FIRST: tuple[EngineName, ...] = ("openvino", "onnxruntime")


def installed_engines() -> dict[str, str]:
    """Version of each engine, or how to install it."""
    return {
        engine: f'no; pip install "fuzzyseg[{_EXTRAS[engine]}]"'
        if _missing(engine)
        else metadata.version(engine)
        for engine in _NEEDS
    }


def choose_engine(engine: EngineName, model: Model, voxels: float) -> EngineName:
    """Find the engine that "auto" stands for; any other is checked to be installed.

    Parameters
    ----------
    engine : {"auto", "torch", "openvino", "onnxruntime"}
    model : Model
    voxels : float
        How many voxels will be computed, counted once for every plane and mirror image.

    Returns
    -------
    {"torch", "openvino", "onnxruntime"}

    Raises
    ------
    InputError
        If there is no such engine, or it is not installed.
    """
    if engine == "auto":
        parameters = list(model.network.parameters())
        work = voxels * sum(p.numel() for p in parameters)
        on_cpu = all(p.device.type == "cpu" for p in parameters)
        if on_cpu and work >= _WORTH_STARTING:
            return next((name for name in _FASTEST_FIRST if not _missing(name)), "torch")
        return "torch"
    if engine not in _NEEDS:
        raise InputError(
            f"expected an engine out of {', '.join(get_args(EngineName))}, found {engine!r}; "
            "leave it out to use the fastest"
        )
    if missing := _missing(engine):
        raise InputError(
            f"expected {' and '.join(missing)} to be installed for the engine {engine}, found "
            f'none; pip install "fuzzyseg[{_EXTRAS[engine]}]", or leave the engine out'
        )
    return engine


@contextlib.contextmanager
def open_engine(engine: EngineName, model: Model, threads: int, calls: int = 1) -> Iterator[Run]:
    """Make a network ready to run.

    Parameters
    ----------
    engine : {"torch", "openvino", "onnxruntime"}
        From `choose_engine`.
    model : Model
        Stays as it is.
    threads : int
        That one call uses.
    calls : int
        That are made at the same time.

    Yields
    ------
    Run
        The network in evaluation mode with its softmax.
    """
    opened = _kept.get(model, {})
    key = engine, threads, calls
    if key not in opened:
        opened[key] = _opened(engine, model, threads, calls)
    if engine != "torch":
        yield opened[key]
        return
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield opened[key]
    finally:
        torch.set_num_threads(before)


def keep_engines(model: Model) -> None:
    """Let engines that are opened for a model stay as long as it lives: its weights must too."""
    _kept.setdefault(model, {})


def _opened(engine: EngineName, model: Model, threads: int, calls: int) -> Run:
    if engine == "openvino":
        return _openvino(model, threads, calls)
    return _onnxruntime(model, threads) if engine == "onnxruntime" else _torch(model)


def _missing(engine: str) -> list[str]:
    return [name for name in _NEEDS[engine] if importlib.util.find_spec(name) is None]


def _torch(model: Model) -> Run:
    network: Any = copy.deepcopy(model.network).eval()
    layout = torch.contiguous_format
    if model.card.architecture.dims == 2:  # a quarter faster; no use in 3-D
        layout = torch.channels_last
    network.to(memory_format=layout)
    device = next(network.parameters()).device

    def run(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            image = torch.from_numpy(batch).to(device, memory_format=layout)
            found: NDArray[np.float32] = network(image).softmax(1).cpu().numpy()
        return found

    return run


def _openvino(model: Model, threads: int, calls: int) -> Run:
    openvino = import_openvino()
    # The first look into a tensor sets something up, by which two threads at once can lock each
    # other out for ever: one waits for the interpreter, the other holds it and waits for the first.
    openvino.Tensor(np.zeros(1, np.float32)).data.fill(0)
    core = openvino.Core()
    # f32: where a processor has bfloat16, OpenVINO would take it.
    wanted = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads * calls,
        "NUM_STREAMS": calls,
    }
    graph = onnx_graph(model.network, model.card.architecture).SerializeToString()
    most = _MOST_SHAPES[model.card.architecture.dims]
    # Networks and their idle requests, by shape; those that were used last at the end.
    ready: OrderedDict[tuple[int, ...], tuple[Any, Any]] = OrderedDict()
    lock = threading.Lock()

    def prepared(shape: tuple[int, ...]) -> tuple[Any, Any]:
        """Compile for a shape: known ones run an eighth faster than free ones."""
        with lock:
            if shape not in ready:
                while len(ready) >= most:
                    ready.popitem(last=False)
                network = core.read_model(graph)
                network.reshape(shape)
                ready[shape] = core.compile_model(network, "CPU", wanted), queue.SimpleQueue()
            ready.move_to_end(shape)
            return ready[shape]

    def run(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        network, idle = prepared(batch.shape)
        try:
            taken = idle.get_nowait()
        except queue.Empty:
            taken = network.create_infer_request()
        # Into the request's own memory: an array that Python still owns is given back by OpenVINO's
        # threads, which then wait for the interpreter while it waits for them.
        taken.get_input_tensor().data[:] = batch
        taken.start_async()  # on whichever stream is free
        taken.wait()
        found = np.array(taken.get_output_tensor().data, dtype=np.float32)
        idle.put(taken)
        return found

    return run


def _onnxruntime(model: Model, threads: int) -> Run:
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    graph = onnx_graph(model.network, model.card.architecture).SerializeToString()
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def run(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run(None, {"image": batch})[0]
        return found

    return run
