import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from fuzzyseg.body import body_mask
from fuzzyseg.errors import InputError
from fuzzyseg.io import read_nifti
from fuzzyseg.simulation.cohort import simulate_cohort
from fuzzyseg.simulation.ct_only import SCANNERS, simulate_ct
from fuzzyseg.simulation.simulated import Recipe, check_recipe
from fuzzyseg.training.sources import find_sources

RECIPE = Recipe(seed=4, ct_only=True)
QUICK = replace(SCANNERS, most_voxels=120_000, pixel_mm=(4.0, 6.0), slice_mm=(3.0, 5.0))


@pytest.fixture(scope="module")
def bodies():
    return [simulate_ct(RECIPE, number, QUICK) for number in (1, 2)]


def test_a_ct_repeats_and_others_differ(bodies):
    again = simulate_ct(RECIPE, 1, QUICK)
    assert np.array_equal(again.ct.array, bodies[0].ct.array)
    assert np.array_equal(again.ct_labels, bodies[0].ct_labels)
    assert len({b.ct.shape for b in bodies}) == len(bodies)
    assert len({b.description["patient"]["ct"]["noise_hu"] for b in bodies}) == len(bodies)


def test_labelled_bone_is_dense_and_within_the_body_and_nothing_else_is_labelled(bodies):
    for found in bodies:
        json.dumps(found.description)
        bone, hu = found.ct_labels > 0, found.ct.array
        assert 0.002 < bone.mean() < 0.2
        body = body_mask(found.ct)
        assert bone[body].sum() > 0.97 * bone.sum()
        soft = body & ~bone & (hu > -300)
        assert np.median(hu[bone]) > np.median(hu[soft]) + 40
        assert hu.min() >= -1024
        assert hu.max() <= 3071


def test_voxels_are_those_of_the_scanners_and_so_is_their_number(bodies):
    for found in bodies:
        x, y, z = found.ct.spacing_mm
        assert x == pytest.approx(y)
        assert x >= 4.0
        assert 3.0 <= z <= 5.0
        assert found.ct.array.size <= 120_000


def test_training_on_ct_finds_them(tmp_path, monkeypatch):
    from fuzzyseg.simulation import cohort

    monkeypatch.setattr(cohort, "simulate_ct", lambda recipe, n: simulate_ct(recipe, n, QUICK))
    simulate_cohort(tmp_path, 1, RECIPE)
    sources = find_sources([tmp_path], ("ct",))
    assert [s.name.split("/")[1] for s in sources] == ["patient-0001"]
    for source in sources:
        ct, labels = read_nifti(source.ct, "CT"), read_nifti(source.labels)
        assert ct.shape == labels.shape
        assert set(np.unique(labels.array)) <= {0, 1, 2}
    assert not (tmp_path / "patient-0001" / "spect.nii.gz").exists()
    assert len(json.loads((tmp_path / "cohort.json").read_text())["lesions"]) == 1


def test_a_phantom_from_a_file_is_bent_and_its_bone_is_the_truth(tmp_path):
    labels = np.zeros((60, 50, 40), np.uint8)
    labels[4:56, 4:46] = 1
    labels[20:40, 15:35] = 2
    nib.save(nib.Nifti1Image(labels, np.diag([6.0, 6, 6, 1])), tmp_path / "body.nii.gz")
    (tmp_path / "map.toml").write_text(
        'cortex_mm = 3.0\n[tissues]\n0 = "air"\n1 = "soft tissue"\n2 = "bone"\n'
    )
    files = {"phantom": str(tmp_path / "body.nii.gz"), "labels": str(tmp_path / "map.toml")}
    like = replace(RECIPE, **files, like="no-lesions")
    check_recipe(like)
    first, other = (simulate_ct(like, number, QUICK) for number in (1, 2))
    assert not np.array_equal(first.ct_labels.mean(axis=2), other.ct_labels.mean(axis=2))
    for found in (first, other):
        assert set(np.unique(found.ct_labels)) == {0, 1}
        area_mm2 = found.ct_labels.sum(axis=(0, 1)).mean() * np.prod(found.ct.spacing_mm[:2])
        assert area_mm2 == pytest.approx(120 * 120, rel=0.25)  # bending changes volumes by a third
        assert np.median(found.ct.array[found.ct_labels > 0]) > 150
        assert found.description["patient"]["phantom"] == "body.nii.gz"


def test_what_is_for_spect_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"expected --ct-only by itself, found .*;"):
        simulate_cohort(tmp_path, 1, replace(RECIPE, dicom=True))
