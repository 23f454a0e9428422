from dataclasses import replace

import numpy as np
import pytest

from fuzzyseg.errors import TooWideError
from fuzzyseg.simulation.patient import draw_patient
from fuzzyseg.simulation.patient_settings import PatientSettings
from fuzzyseg.simulation.phantom import voxelise

VOXEL = 12.0


class DrawnError(Exception):
    """A body that was found narrow enough to be drawn."""


def reach_mm(attenuation):
    """Farthest that tissue lies from the middle of its box, across the body."""
    across = VOXEL * np.argwhere((attenuation > 0.05).any(axis=2))
    middle = (across.min(axis=0) + across.max(axis=0)) / 2
    return np.hypot(*(across - middle).T).max()


@pytest.mark.parametrize(("seed", "given"), [(3, {"arms": "down"}), (4, {"mass_kg": 95.0})])
def test_a_body_too_wide_is_refused_before_it_is_drawn_and_no_other(seed, given, monkeypatch):
    settings = PatientSettings(voxel_mm=VOXEL, sample_mm=6.0, n_lesions=0, **given)
    reach = reach_mm(draw_patient(seed, settings).attenuation)

    def drawn(*_, **__):
        raise DrawnError

    monkeypatch.setattr(voxelise, "voxelise", drawn)
    with pytest.raises(TooWideError, match=r"within .* that reaches .*;"):
        draw_patient(seed, replace(settings, fov_mm=2 * (reach - 15 - 2 * VOXEL)))
    with pytest.raises(DrawnError):
        draw_patient(seed, replace(settings, fov_mm=2 * reach))
