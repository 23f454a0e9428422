import json

import numpy as np
import torch

from fuzzyseg.cli.main import main
from fuzzyseg.inference.engines import installed_engines
from fuzzyseg.segmentation.methods import METHODS


def test_json_lists_versions_methods_and_compressions(capsys):
    assert main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["versions"]["numpy"] == np.__version__
    assert set(facts["methods"]) == set(METHODS)
    assert facts["dicom compressions"]["RLE Lossless"] == "yes"
    # A build may add "+cpu" to what torch calls itself and not to what pip calls it.
    assert facts["engines"]["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
    assert set(facts["engines"]) == {"torch", "openvino", "onnxruntime"}


def test_engines_that_are_not_installed_say_how_they_would_be(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    told = installed_engines()
    assert told["openvino"] == 'no; pip install "fuzzyseg[openvino]"'
    assert told["onnxruntime"] == 'no; pip install "fuzzyseg[onnx]"'


def test_text_says_the_same(capsys):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert np.__version__ in out
    assert "RLE Lossless" in out
