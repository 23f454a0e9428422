from dataclasses import replace

import numpy as np
import pytest
from toy_study import make_study

from fuzzyseg.errors import InputError
from fuzzyseg.identity import Identity, mark
from fuzzyseg.pairing import LOW_AGREEMENT, outline_overlap
from fuzzyseg.resample import align, resample
from fuzzyseg.volume import Study, Volume


@pytest.fixture(scope="module")
def pair():
    made = make_study()
    return Study(made.spect, made.ct)


def identified(study, spect, ct):
    """Give both images identities; each is (patient, study, frame)."""
    one, other = (Identity(*map(mark, each)) for each in (spect, ct))
    return Study(replace(study.spect, identity=one), replace(study.ct, identity=other))


def test_dice_of_two_boxes_is_what_it_is_by_hand():
    """Bodies of 20 x 20 and 20 x 10 voxels: 2 * 200 / (400 + 200)."""
    counts, hu = np.zeros((40, 40, 10)), np.full((40, 40, 10), -1000.0)
    counts[10:30, 10:30] = 100
    hu[10:30, 10:20] = 40
    hu[0, 0], hu[-1, -1] = -999, -999  # the CT's field is where it is above air: all of it
    affine = np.diag([50.0, 50, 50, 1])  # voxels so wide that nothing is smoothed
    spect, ct = Volume(counts, affine, "NM"), Volume(hu, affine, "CT", "HU")
    assert outline_overlap(spect, ct) == pytest.approx(2 * 200 / 600)
    assert outline_overlap(spect, replace(ct, unit="arbitrary")) is None


@pytest.mark.parametrize("values", ["labels", "attenuation", "spect", "ringing", "noisy"])
def test_what_is_no_ct_is_told(pair, values):
    hu = pair.ct.array
    taken = {"labels": (hu > 200) * 1.0, "attenuation": np.clip(1 + hu / 1000, 0, 2) * 0.15,
             "spect": np.clip(hu, 0, None) * 100,
             "ringing": np.where(hu > 500, -100, np.clip(hu, 0, None)),  # 0.01% of the voxels
             "noisy": np.clip(100 * pair.spect.array.max() * hu, -900, None)}[values]  # fmt: skip
    told = align(Study(pair.spect, replace(pair.ct, array=taken.astype(np.float32)))).ct.warnings
    assert any("not HU" in text for text in told)
    assert not any("not HU" in text for text in align(pair).ct.warnings)
    window = replace(pair.ct, array=np.clip(hu, -200, 1000))
    assert not any("not HU" in text for text in align(Study(pair.spect, window)).ct.warnings)


def test_a_patient_fits_the_own_ct_and_a_moved_one_is_told(pair):
    fits = align(pair)
    assert fits.outline_overlap > LOW_AGREEMENT
    assert fits.warnings == pair.warnings
    moved = pair.ct.affine.copy()
    moved[1, 3] += 80
    warned = align(Study(pair.spect, replace(pair.ct, affine=moved)))
    assert warned.outline_overlap < fits.outline_overlap - 0.1
    assert "hardly agree" in warned.warnings[-1]


def test_two_patients_are_refused_unless_that_is_allowed(pair):
    two = identified(pair, ("ANNA", "1", "f"), ("BERTA", "1", "f"))
    with pytest.raises(InputError, match=r"two Patient IDs.*--allow-mismatch") as error:
        align(two)
    assert "ANNA" not in str(error.value)
    allowed = align(two, allow_mismatch=True)
    assert "different Patient IDs" in allowed.warnings[0]


def test_another_frame_of_reference_is_told_with_the_outlines(pair):
    warned = align(identified(pair, ("ANNA", "1", "f"), ("ANNA", "1", "g")))
    assert "frames of reference" in warned.warnings[0]
    assert f"{warned.outline_overlap:.2f} of 1" in warned.warnings[1]


@pytest.mark.parametrize(
    ("spect", "ct", "told"),
    [
        (("A", "1", "f"), ("A", "2", "f"), False),  # one frame, two orders
        (("A", "1", ""), ("A", "2", "f"), True),
        (("", "", ""), ("A", "2", "f"), False),
    ],
)
def test_another_visit_counts_where_no_frame_is_shared(pair, spect, ct, told):
    assert bool(align(identified(pair, spect, ct)).warnings) == told


def test_alignment_happens_once(pair):
    once = align(pair)
    assert align(once) is once
    alone = Study(pair.spect)
    assert align(alone) is alone
    on_grid = align(Study(pair.spect, resample(pair.ct, pair.spect)))
    np.testing.assert_array_equal(on_grid.ct.array, once.ct.array)
    assert on_grid.outline_overlap == once.outline_overlap
