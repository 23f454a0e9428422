import numpy as np
import pytest
import torch
from tiny_models import tiny_model
from torch import nn

from fuzzyseg.errors import InputError
from fuzzyseg.inference.onnx_file import CARD_ENTRY, export_onnx
from fuzzyseg.models.card_file import card_from_json
from fuzzyseg.networks.architecture import Architecture
from fuzzyseg.networks.registry import NETWORKS

onnx = pytest.importorskip("onnx")
from fuzzyseg.inference.onnx_graph import onnx_graph  # noqa: E402


@pytest.mark.parametrize(
    ("network", "dims"), [(name, dims) for name, entry in NETWORKS.items() for dims in entry.dims]
)
def test_any_batch_and_size_as_the_network_itself(network, dims, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    model = tiny_model(network=network, dims=dims)
    export_onnx(model, tmp_path / "m.onnx")
    session = runtime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    for shape in ((1, 1, 8, 8, 8), (3, 1, 5, 13, 6)):
        image = torch.randn(shape[: 2 + dims])
        with torch.inference_mode():
            expected = model.network(image).softmax(1).numpy()
        (found,) = session.run(["memberships"], {"image": image.numpy()})
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("network", list(NETWORKS))
def test_the_file_is_valid_and_holds_the_card(network, tmp_path):
    dims = NETWORKS[network].dims[0]
    model = tiny_model("spect-ct", network=network, dims=dims, context=int(dims == 2))
    export_onnx(model, tmp_path / "m.onnx")
    written = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(written, full_check=True)
    entries = {p.key: p.value for p in written.metadata_props}
    assert card_from_json(entries[CARD_ENTRY], "") == model.card
    (image,) = written.graph.input
    sizes = [d.dim_param or d.dim_value for d in image.type.tensor_type.shape.dim]
    assert sizes == (["batch", 6, "x", "y"] if dims == 2 else ["batch", 2, "x", "y", "z"])
    assert [p.name for p in tmp_path.iterdir()] == ["m.onnx"]


def test_an_unknown_layer_is_not_passed_over():
    network = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.GELU())
    with pytest.raises(NotImplementedError, match="GELU"):
        onnx_graph(network, Architecture())
    reflecting = nn.Conv2d(1, 3, 3, padding=1, padding_mode="reflect")
    with pytest.raises(NotImplementedError, match="reflect"):
        onnx_graph(nn.Sequential(reflecting), Architecture())


def test_a_place_that_cannot_be_written_to(tmp_path):
    with pytest.raises(InputError, match="written to"):
        export_onnx(tiny_model(), tmp_path / "absent" / "m.onnx")
