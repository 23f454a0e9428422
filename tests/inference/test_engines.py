import importlib.util
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from tiny_models import tiny_model

from fuzzyseg.errors import InputError
from fuzzyseg.inference.engines import choose_engine, open_engine
from fuzzyseg.inference.prediction import predict
from fuzzyseg.networks.registry import NETWORKS

ENGINES = ["openvino", "onnxruntime"]
KINDS = [
    {"network": network, "dims": dims, "context": context}
    for network in NETWORKS
    for dims, context in ((2, 0), (2, 1), (3, 0))
    if dims in NETWORKS[network].dims
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: "-".join(map(str, k.values())))
@pytest.mark.parametrize("engine", ENGINES)
def test_same_memberships_and_labels_as_torch(engine, kind):
    pytest.importorskip(engine)
    pytest.importorskip("onnx")
    model = tiny_model("spect-ct", **kind)
    image = np.random.default_rng(0).normal(0, 1, (2, 11, 9, 6)).astype(np.float32)
    expected = predict(model, image, engine="torch", mirror=True)
    found = predict(model, image, engine=engine, mirror=True, jobs=2)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    clear = np.diff(np.sort(expected, 0)[-2:], axis=0)[0] > 1e-3
    np.testing.assert_array_equal(found.argmax(0)[clear], expected.argmax(0)[clear])


def test_auto_is_the_fastest_installed_where_starting_it_pays(monkeypatch):
    model = tiny_model()
    installed = {"openvino", "onnx", "onnxruntime"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name in installed or None)
    assert choose_engine("auto", model, 1e4) == "torch"
    assert choose_engine("auto", model, 1e9) == "openvino"
    installed.remove("openvino")
    assert choose_engine("auto", model, 1e9) == "onnxruntime"
    installed.remove("onnx")
    assert choose_engine("auto", model, 1e9) == "torch"
    installed.add("onnx")
    model.network.to("meta")  # not the processor's own memory
    assert choose_engine("auto", model, 1e9) == "torch"


def test_an_engine_that_is_not_installed_is_refused(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    for engine, extra in (("openvino", r"\[openvino\]"), ("onnxruntime", r"\[onnx\]")):
        with pytest.raises(InputError, match=extra):
            choose_engine(engine, tiny_model(), 1)
    assert choose_engine("torch", tiny_model(), 1) == "torch"


def test_threads_of_torch_come_back_after_an_error(monkeypatch):
    threads = torch.get_num_threads()
    model = tiny_model()
    image = np.zeros((1, 4, 4, 4), np.float32)

    def fails(*at):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict(model, image, progress=fails)
    assert torch.get_num_threads() == threads


def test_many_calls_at_the_same_time_come_back():
    """Memory shared with OpenVINO made its threads and the interpreter wait for each other."""
    pytest.importorskip("openvino")
    model = tiny_model()
    batch = np.random.default_rng(0).standard_normal((1, 1, 16, 16), dtype=np.float32)
    with open_engine("openvino", model, 1, 2) as run, ThreadPoolExecutor(2) as pool:
        running = [pool.submit(run, batch) for _ in range(2000)]
        found = [future.result(timeout=60) for future in running]
    assert all(np.array_equal(found[0], other) for other in found)
