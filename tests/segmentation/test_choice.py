from dataclasses import replace

import numpy as np
import pytest
from tiny_models import write_tiny

from fuzzyseg.errors import InputError
from fuzzyseg.registration import FITS, NO_BONE
from fuzzyseg.segmentation import Settings
from fuzzyseg.segmentation.choice import choice_warnings, resolved
from fuzzyseg.volume import Registration, Study, Volume

SPECT = Volume(np.zeros((3, 3, 3)), np.eye(4), "NM")
CT = Volume(np.zeros((3, 3, 3)), np.eye(4), "CT", "HU")


@pytest.mark.parametrize(
    ("models", "volume", "ct", "expected"),
    [
        ((), SPECT, None, None),
        (("spect",), SPECT, None, "spect"),
        (("spect-ct",), SPECT, None, None),
        (("spect", "spect-ct"), SPECT, CT, "spect-ct"),
        (("spect-ct",), SPECT, CT, "spect-ct"),
        (("spect",), SPECT, CT, "spect"),
        (("spect", "spect-ct"), CT, None, None),
        (("spect", "ct"), CT, None, "ct"),
    ],
)
def test_auto_is_the_bundled_model_that_fits_or_rfcm(models, volume, ct, expected, bundled):
    for task in models:
        write_tiny(bundled, task)
    found = resolved(Settings(), Study.of(volume, ct))
    assert found.model == expected
    assert found.method == ("rfcm" if expected is None else "model")
    if expected is None:
        with pytest.raises(InputError, match="--model"):
            resolved(Settings(method="model"), Study.of(volume, ct))
    else:
        assert resolved(Settings(method="model"), Study.of(volume, ct)).model == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Registration(True, (0.4, 0.6)), "spect-ct"),
        (Registration(False, (0.6, 0.6), reason=FITS), "spect-ct"),
        (Registration(False, (0.1, 0.2), reason="bone and uptake agree too little"), "spect"),
        (Registration(False, (0.0, 0.0), reason=NO_BONE), "spect"),
    ],
)
def test_a_ct_that_could_not_be_registered_draws_no_borders(found, expected, bundled):
    for task in ("spect", "spect-ct"):
        write_tiny(bundled, task)
    study = replace(Study.of(SPECT, CT), registration=found)
    assert resolved(Settings(), study).model == expected
    told = choice_warnings(Settings(), study)
    assert bool(told) == (expected == "spect")
    assert all(found.reason in text and "--no-register" in text for text in told)
    for asked in ({"model": "spect"}, {"method": "fcm"}, {"beta": 0.1}):
        assert not choice_warnings(Settings(**asked), study)


@pytest.mark.parametrize("given", [{"beta": 0.1}, {"q": 3.0}, {"classes": 4}, {"mask": False}])
def test_who_sets_clustering_gets_clustering(given, bundled):
    write_tiny(bundled)
    assert resolved(Settings(**given), Study.of(SPECT)).method == "rfcm"
    assert resolved(Settings(mirror=True, jobs=1), Study.of(SPECT)).method == "model"
    assert resolved(Settings(method="fcm"), Study.of(SPECT)).method == "fcm"


@pytest.mark.usefixtures("bundled")
def test_a_model_of_ones_own_is_taken_whatever_is_bundled():
    found = resolved(Settings(model="somewhere/mine"), Study.of(SPECT))
    assert (found.method, found.model) == ("model", "somewhere/mine")
    with pytest.raises(InputError, match="leave one of them out"):
        resolved(Settings(method="rfcm", model="somewhere/mine"), Study.of(SPECT))
