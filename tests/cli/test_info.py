import json

import numpy as np

from fuzzyseg.cli.main import main
from fuzzyseg.segmentation.methods import METHODS


def test_json_lists_versions_methods_and_compressions(capsys):
    assert main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["versions"]["numpy"] == np.__version__
    assert set(facts["methods"]) == set(METHODS)
    assert facts["dicom compressions"]["RLE Lossless"] == "yes"


def test_text_says_the_same(capsys):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert np.__version__ in out
    assert "RLE Lossless" in out
