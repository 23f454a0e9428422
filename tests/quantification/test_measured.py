import re
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import ndimage

from fuzzyseg.administration import Administration
from fuzzyseg.errors import InputError
from fuzzyseg.quantification import Measuring, quantify
from fuzzyseg.quantification.measuring import check_measuring
from fuzzyseg.volume import Provenance, Segmentation, Volume

VOXEL_ML = 0.064
# 80 kg and 160 MBq, measured as given: SUV is Bq/mL over 2000.
GIVEN = Administration(weight_kg=80.0, injected_mbq=160.0, decay="administration")
TWO = (((14, 12, 12), 3.2), ((30, 12, 12), 2.1))


def test_a_lesion_is_measured(make):
    segmentation = make(administration=GIVEN)
    (lesion,) = quantify(segmentation).lesions
    voxels = int((segmentation.labels == 2).sum())
    assert lesion.volume_ml == pytest.approx(voxels * VOXEL_ML)
    assert lesion.longest_diameter_mm == pytest.approx(2 * 3.2 * 4, abs=4)
    assert lesion.centroid_mm == pytest.approx((80, 48, 48))
    assert lesion.frame == "RAS"
    assert (lesion.image_max, lesion.image_mean) == (400, pytest.approx(400))
    assert (lesion.suv_max, lesion.suv_mean) == pytest.approx((0.2, 0.2))
    assert lesion.suv_peak == pytest.approx(0.2, rel=0.01)
    assert lesion.total_suv_ml == pytest.approx(0.2 * voxels * VOXEL_ML)
    assert lesion.activity_bq == pytest.approx(400 * voxels * VOXEL_ML)
    assert lesion.to_bone == pytest.approx(4)
    assert lesion.fuzzy_volume_ml == pytest.approx(lesion.volume_ml)
    assert lesion.fuzzy_activity_bq == pytest.approx(lesion.activity_bq)
    corrected = {name for name in lesion.reasons if name.startswith("corrected_")}
    unsure = {name for name in lesion.reasons if "_low_" in name or "_high_" in name}
    assert (len(corrected), len(unsure)) == (2, 6)
    assert (
        set(lesion.reasons) - unsure - {"interval_coverage"}
        == {"hu_mean", "hu_sd", "site", "site_confidence"} | corrected
    )
    assert "--resolution-mm" in lesion.reasons["corrected_activity_bq"]
    assert lesion.hu_mean is None


def test_a_patient_is_the_sum(make):
    segmentation = make(TWO, administration=GIVEN)
    found = quantify(segmentation)
    first, second = found.lesions
    patient, labels = found.patient, segmentation.labels
    assert first.volume_ml > second.volume_ml
    assert patient.lesion_count == 2
    assert patient.lesion_volume_ml == pytest.approx((labels == 2).sum() * VOXEL_ML)
    assert patient.lesion_activity_bq == pytest.approx(first.activity_bq + second.activity_bq)
    assert patient.bone_volume_ml == pytest.approx((labels == 1).sum() * VOXEL_ML)
    assert patient.skeleton_volume_ml == pytest.approx((labels > 0).sum() * VOXEL_ML)
    share = 100 * (labels == 2).sum() / (labels > 0).sum()
    assert patient.spect_skeletal_burden_percent == pytest.approx(share)
    assert patient.bone_reference == pytest.approx(100)
    np.testing.assert_array_equal(found.labels > 0, labels == 2)
    assert found.fuzzy.volume_ml == pytest.approx(patient.lesion_volume_ml)
    assert found.curve[0].volume_ml == pytest.approx(patient.lesion_volume_ml)


def blurred(segmentation, fwhm_mm):
    sigma = fwhm_mm / 2.354820045 / 4
    image = ndimage.gaussian_filter(segmentation.volume.array, sigma, mode="nearest")
    return replace(segmentation, volume=replace(segmentation.volume, array=image))


def test_uptake_is_corrected_for_a_known_resolution(make):
    segmentation = make(TWO, administration=GIVEN)
    found = quantify(blurred(segmentation, 10.0), measuring=Measuring(resolution_mm=10.0))
    for lesion, true in zip(found.lesions, quantify(segmentation).lesions, strict=True):
        assert lesion.activity_bq < 0.75 * true.activity_bq
        assert lesion.corrected_activity_bq == pytest.approx(true.activity_bq, rel=0.02)
        assert lesion.corrected_total_suv_ml == pytest.approx(true.total_suv_ml, rel=0.02)
    whole = sum(lesion.corrected_activity_bq for lesion in found.lesions)
    assert found.patient.lesion_corrected_activity_bq == pytest.approx(whole)


def test_what_is_not_corrected_has_a_reason(make):
    """Resolution unknown, activity unknown; and without a lesion the sum is 0 as others are."""
    patient = quantify(make(administration=GIVEN)).patient
    assert patient.lesion_corrected_activity_bq is None
    assert "--resolution-mm" in patient.reasons["lesion_corrected_activity_bq"]
    known = Measuring(resolution_mm=10.0)
    found = quantify(make(administration=Administration()), measuring=known)
    for of in (found.patient, found.lesions[0]):
        values = asdict(of)
        name = next(n for n in values if n.endswith("corrected_total_suv_ml"))
        assert values[name] is None
        assert "--resolution-mm" not in of.reasons[name]
    none = quantify(make(balls=(), administration=GIVEN), measuring=known).patient
    assert none.lesion_corrected_activity_bq == 0


def test_the_hottest_five(make):
    balls = [((4 + 6 * k, 12, 12), 1.5) for k in range(6)]
    segmentation = make(balls)
    image = segmentation.volume.array.copy()
    image[22, 12, 12] = 900
    image[4, 12, 12] = 800
    volume = Volume(image, segmentation.volume.affine, "NM", "Bq/mL")
    found = quantify(
        Segmentation(segmentation.memberships, segmentation.labels, segmentation.class_names,
                     volume, Provenance("drawn"))
    )  # fmt: skip
    hottest = [found.lesions[n - 1].centroid_mm[0] for n in found.patient.hottest]
    assert hottest[:2] == pytest.approx([88, 16])
    assert len(hottest) == 5


def test_memberships_belong_to_the_nearest_lesion(make):
    segmentation = make(TWO)
    u = segmentation.memberships.copy()
    u[2] = 0.25
    u[1] = 0.75
    soft = Segmentation(
        u, segmentation.labels, segmentation.class_names, segmentation.volume, Provenance("drawn")
    )
    for lesion in quantify(soft).lesions:
        x, y, z = np.indices(soft.labels.shape)
        number = lesion.number
        own = np.stack(np.nonzero(quantify(soft).labels == number), 1)
        away = np.min([(x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2 for a, b, c in own], axis=0)
        near = 16 * away <= 100  # 10 mm; the two are further apart than twice that
        assert lesion.fuzzy_volume_ml == pytest.approx(0.25 * near.sum() * VOXEL_ML)


def test_places_are_in_the_frame_of_the_file(make):
    (ras,) = quantify(make()).lesions
    (lps,) = quantify(make(file_frame="LPS")).lesions
    assert lps.frame == "LPS"
    assert lps.centroid_mm == pytest.approx((-ras.centroid_mm[0], -ras.centroid_mm[1], 48))


def test_no_lesion_is_zero_and_no_bone_is_unknown(make):
    found = quantify(make(balls=(), administration=GIVEN))
    assert found.lesions == ()
    patient = found.patient
    assert (patient.lesion_count, patient.lesion_volume_ml, patient.lesion_activity_bq) == (0, 0, 0)
    assert patient.spect_skeletal_burden_percent == 0
    assert patient.hottest == ()
    empty = make(balls=())
    nothing = np.zeros(empty.labels.shape, np.uint8)
    found = quantify(
        Segmentation(empty.memberships, nothing, empty.class_names, empty.volume, Provenance("x"))
    )
    assert found.patient.spect_skeletal_burden_percent is None
    assert found.patient.reasons["spect_skeletal_burden_percent"] == "no bone was found"


@pytest.mark.parametrize("unit", ["counts", "arbitrary"])
def test_without_calibration_there_is_neither_suv_nor_becquerel(make, unit):
    found = quantify(make(unit=unit, administration=GIVEN))
    (lesion,) = found.lesions
    assert lesion.image_max == 400
    for name in ("suv_max", "suv_mean", "suv_peak", "total_suv_ml", "activity_bq"):
        assert getattr(lesion, name) is None
        assert "not calibrated" in lesion.reasons[name]
    assert found.patient.lesion_total_suv_ml is None
    assert "not calibrated" in found.patient.reasons["lesion_total_suv_ml"]


def test_counts_are_calibrated_by_the_user(make):
    segmentation = make(unit="counts", administration=GIVEN)
    (lesion,) = quantify(segmentation, measuring=Measuring(calibration=10.0)).lesions
    assert lesion.image_max == 4000
    assert lesion.suv_max == pytest.approx(2)
    with pytest.raises(InputError, match="--calibration"):
        quantify(make(), measuring=Measuring(calibration=10.0))


def test_a_named_unit_is_not_overruled(make):
    (lesion,) = quantify(make(unit="arbitrary"), measuring=Measuring(unit="Bq/mL")).lesions
    assert lesion.activity_bq is not None
    with pytest.raises(InputError, match="--unit"):
        quantify(make(unit="counts"), measuring=Measuring(unit="Bq/mL"))


def test_an_image_in_suv_stays_so(make):
    (lesion,) = quantify(make(unit="SUV")).lesions
    assert lesion.suv_max == 400
    assert lesion.activity_bq is None
    (lesion,) = quantify(make(unit="SUV"), measuring=Measuring(suv="lbm")).lesions
    assert lesion.suv_max is None
    assert "in SUV" in lesion.reasons["suv_max"]


def test_what_the_user_says_wins_over_the_file(make):
    measuring = Measuring(weight_kg=40.0, uptake_min=360.4, decay="acquisition", nuclide="Tc-99m")
    found = quantify(make(administration=GIVEN), measuring=measuring)
    assert found.lesions[0].suv_max == pytest.approx(0.2, rel=1e-3)  # half the weight, half left


@pytest.mark.parametrize("weight", [None, 0.0, 700.0])
def test_a_weight_that_cannot_be_gives_no_suv_but_becquerel(make, weight):
    found = quantify(make(administration=Administration(weight, injected_mbq=160.0)))
    (lesion,) = found.lesions
    assert lesion.suv_max is None
    assert "weight" in lesion.reasons["suv_max"]
    assert lesion.activity_bq is not None
    assert any(note.startswith("No SUV: weight") for note in found.notes)


@pytest.mark.parametrize(
    "wrong",
    [
        Measuring(weight_kg=0.0),
        Measuring(weight_kg=700.0),
        Measuring(height_m=178.0),
        Measuring(injected_mbq=-1.0),
        Measuring(merge_mm=float("nan")),
        Measuring(min_ml=-0.1),
        Measuring(resolution_mm=0.0),
        Measuring(calibration=0.0),
        Measuring(nuclide="Tc"),
    ],
)
def test_options_that_cannot_be_are_refused(make, wrong):
    with pytest.raises(InputError, match="expected a"):
        quantify(make(), measuring=wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Measuring(uptake_min=-1.0), "expected an uptake time"),
        (Measuring(injected_mbq=-1.0), "expected an activity given"),
        (Measuring(weight_kg=-1.0), "expected a weight"),
    ],
)
def test_articles_fit(wrong, said):
    with pytest.raises(InputError, match=said):
        check_measuring(wrong)


def test_a_lesion_at_the_border_is_flagged(make):
    found = quantify(make((((1, 12, 12), 3.0), ((30, 12, 12), 3.0))))
    cut = [each.number for each in found.lesions if each.at_border]
    assert len(cut) == 1
    assert any(f"Lesion {cut[0]} reaches the border" in note for note in found.notes)


def test_one_sentence_names_few_of_many_lesions(make):
    places = [(x, 3 + 5 * j, 0) for x in (3, 12, 21, 30) for j in range(3)]
    found = quantify(make([(place, 1.5) for place in places]))
    assert sum(each.at_border for each in found.lesions) == 12
    assert any("Lesions 1, 2, 3, 4, 5 and 7 more reach the border" in n for n in found.notes)


@pytest.mark.parametrize(("highest", "told"), [(400, False), (1e5, True)])
def test_values_that_are_no_suv_are_told(make, highest, told):
    segmentation = make(unit="arbitrary")
    volume = segmentation.volume
    image = volume.array * np.float32(highest / volume.array.max())
    scaled = replace(segmentation, volume=replace(volume, array=image))
    notes = quantify(scaled, measuring=Measuring(unit="SUV")).notes
    assert any("an SUV of 1e+05" in note and "--unit Bq/mL" in note for note in notes) == told


@pytest.mark.parametrize(
    ("unit", "given", "options"),
    [
        ("arbitrary", {"weight_kg": 70.0}, {"--unit", "--calibration"}),
        ("counts", {"weight_kg": 70.0}, {"--calibration"}),
        ("Bq/mL", {}, {"--weight-kg", "--injected-mbq", "--uptake-min"}),
        ("Bq/mL", {"weight_kg": 70.0, "uptake_min": 180.0}, {"--injected-mbq"}),
        (
            "Bq/mL",
            {"weight_kg": 70.0, "uptake_min": 1.0, "injected_mbq": 700.0, "suv": "lbm"},
            {"--height-m", "--sex"},
        ),
    ],
)
def test_where_there_is_no_suv_the_options_that_give_it_are_named(make, unit, given, options):
    notes = quantify(make(unit=unit), measuring=Measuring(**given)).notes
    (text,) = [note for note in notes if note.startswith("No SUV")]
    assert set(re.findall(r"--[a-z-]+", text)) == options


def test_negative_values_count_and_are_said(make):
    segmentation = make()
    image = segmentation.volume.array.copy()
    image[20, 12, 12] = -1000
    volume = Volume(image, segmentation.volume.affine, "NM", "Bq/mL")
    found = quantify(
        Segmentation(segmentation.memberships, segmentation.labels, segmentation.class_names,
                     volume, Provenance("drawn"))
    )  # fmt: skip
    n = int((segmentation.labels == 2).sum())
    assert found.lesions[0].image_mean == pytest.approx(400 - 1400 / n)
    assert any("negative values, down to -1000" in note for note in found.notes)


def test_small_pieces_and_merged_ones(make):
    segmentation = make((((14, 12, 12), 3.2), ((30, 12, 12), 0.5)))
    found = quantify(segmentation)
    assert found.patient.lesion_count == 1
    assert found.patient.left_out_pieces == 1
    assert found.patient.left_out_ml == pytest.approx(VOXEL_ML)
    merged = quantify(segmentation, measuring=Measuring(merge_mm=60.0)).patient
    assert (merged.lesion_count, merged.left_out_pieces) == (1, 0)
    assert quantify(segmentation, measuring=Measuring(min_ml=0.0)).patient.lesion_count == 2


def test_a_ct_beside_it(make):
    segmentation = make()
    hu = np.where(segmentation.labels == 2, 700.0, 40.0).astype(np.float32)
    ct = Volume(hu, segmentation.volume.affine, "CT", "HU")
    (lesion,) = quantify(segmentation, ct=ct).lesions
    assert (lesion.hu_mean, lesion.hu_sd) == (pytest.approx(700), 0)
    with pytest.raises(InputError, match="expected a CT"):
        quantify(segmentation, ct=segmentation.volume)


def test_no_density_where_a_ct_has_no_data_or_shows_air(make):
    segmentation = make(TWO)
    first = np.indices(segmentation.labels.shape)[0] < 22
    lesion = segmentation.labels == 2

    def measured(there, elsewhere):
        hu = np.where(lesion & first, there, np.where(lesion, elsewhere, 40.0))
        ct = Volume(hu.astype(np.float32), segmentation.volume.affine, "CT", "HU")
        found = quantify(segmentation, ct=ct)
        return found.lesions, [note for note in found.notes if "density" in note]

    (one, two), notes = measured(-1024, 700)  # outside the circle of reconstruction
    assert (one.hu_mean, one.hu_sd, two.hu_mean) == (None, None, pytest.approx(700))
    assert one.reasons["hu_mean"] == one.reasons["hu_sd"] == "the CT has no data there"
    assert notes == ["No density of lesion 1: the CT has no data there."]
    (one, two), notes = measured(-1003, -1003)
    assert (one.hu_mean, two.hu_mean) == (None, None)
    assert notes == ["No density of lesions 1, 2: the CT shows air there."]

    # Of a lesion that the CT's field cuts, what is left says nothing once it is less than half.
    hu = np.full(segmentation.labels.shape, 700, np.float32)
    for planes, known in ((13, False), (17, True)):
        ct = Volume(hu[:planes], segmentation.volume.affine, "CT", "HU")
        assert (quantify(segmentation, ct=ct).lesions[0].hu_mean is not None) == known


def test_a_ct_alone_has_bone_and_says_why_nothing_else():
    labels = np.zeros((9, 9, 9), np.uint8)
    labels[3:6, 3:6, 3:6] = 1
    u = np.stack([labels == 0, labels == 1]).astype(np.float32)
    ct = Volume(labels * 500.0, np.diag([2.0, 2, 2, 1]), "CT", "HU")
    found = quantify(Segmentation(u, labels, ("background", "bone"), ct, Provenance("drawn")))
    assert found.patient.bone_volume_ml == pytest.approx(27 * 0.008)
    assert found.patient.lesion_count is None
    assert "none is called lesion" in found.patient.reasons["lesion_count"]
    assert found.fuzzy is None
