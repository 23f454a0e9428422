import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.patient import Patient
from fuzzyseg.simulation.phantom.tissues import TISSUES
from fuzzyseg.simulation.simulated import Recipe, check_recipe, ct_attenuation

KINDS = ("air", "adipose", "soft tissue", "spongiosa", "cortical bone")


def patient(couch):
    """Slabs of one tissue each, four voxels wide."""
    hu = np.repeat([TISSUES[k].hu for k in KINDS], 4)
    ct = np.broadcast_to(hu[:, None, None], (len(hu), 4, 4)).astype(np.float32)
    zeros = np.zeros(ct.shape, np.uint8)
    return Patient(ct, ct, ct, zeros, zeros, np.full(ct.shape, couch), np.eye(4))


def test_attenuation_from_a_perfect_ct_is_that_of_the_tissues():
    mu = ct_attenuation(patient(couch=False), 2)
    assert mu.shape == (10, 2, 2)
    expected = np.repeat([TISSUES[k].attenuation for k in KINDS], 2)
    # The bilinear rule is exact for air, water and cortical bone; others are near its lines.
    assert mu[:, 0, 0] == pytest.approx(expected, rel=0.05, abs=1e-3)


def test_the_couch_is_taken_out():
    assert ct_attenuation(patient(couch=True)).max() < 1e-6


@pytest.mark.parametrize("shift", [-1.0, 80.0, float("nan")])
def test_a_shift_out_of_range_is_one_line(shift):
    with pytest.raises(InputError, match=r"expected a shift of the CT of 0 to 50 mm, found .*;"):
        check_recipe(Recipe(ct_shift_mm=shift))
