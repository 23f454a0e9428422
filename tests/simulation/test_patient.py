import json
from dataclasses import replace

import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.patient import Patient
from fuzzyseg.simulation.patient import draw_patient as draw_with
from fuzzyseg.simulation.patient_settings import PatientSettings
from fuzzyseg.simulation.phantom.files.label_table import LabelTable
from fuzzyseg.simulation.phantom.files.labelled_phantom import LabelledVolume
from fuzzyseg.simulation.population import POPULATIONS

VOXEL = 9.0
QUICK = {"voxel_mm": VOXEL, "sample_mm": 4.5}


def draw_patient(seed, **settings) -> Patient:
    return draw_with(seed, PatientSettings(**settings))


@pytest.fixture(scope="module")
def patient() -> Patient:
    return draw_patient(5, **QUICK, n_lesions=8, arms="down")


def digest(p: Patient) -> list[bytes]:
    return [a.tobytes() for a in (p.activity, p.attenuation, p.ct, p.labels)]


def stand_in(size=36) -> LabelledVolume:
    labels = np.zeros((size, size, size), np.uint8)
    labels[3:-3, 3:-3] = 1
    labels[12:-12, 12:-12] = 2
    table = LabelTable({0: "air", 1: "soft tissue", 2: "bone"}, {2: "skeleton"})
    return LabelledVolume(labels, np.diag([4, 4, 4, 1.0]), table, source="a block")


def test_a_patient_is_whole(patient):
    shape = patient.labels.shape
    assert patient.activity.shape == patient.attenuation.shape == patient.ct.shape == shape
    assert all(n % 2 == 0 for n in shape)
    assert [a.dtype for a in (patient.activity, patient.attenuation, patient.ct)] == [
        np.float32
    ] * 3
    assert patient.labels.dtype == np.uint8
    assert set(np.unique(patient.labels)) == {0, 1, 2}
    for image in (patient.activity, patient.attenuation):
        assert np.isfinite(image).all()
        assert image.min() >= 0
    assert patient.spacing_mm == (VOXEL,) * 3
    json.dumps(patient.parameters)
    # Air all round, in-plane and above the vertex.
    for face in (patient.attenuation[0], patient.attenuation[:, -1], patient.attenuation[:, :, -1]):
        assert np.quantile(face, 0.9) < 0.01


def test_same_seed_same_bytes_and_other_seeds_other_patients(patient):
    sequence = np.random.SeedSequence(5)
    sequence.spawn(3)  # earlier use of the sequence changes nothing
    assert digest(draw_patient(sequence, **QUICK, n_lesions=8, arms="down")) == digest(patient)
    others = [draw_patient(s, voxel_mm=20.0, sample_mm=10.0).parameters for s in range(2)]
    assert len({p["stature_mm"] for p in (*others, patient.parameters)}) == 3
    assert len({p["bone_to_soft_tissue"] for p in (*others, patient.parameters)}) == 3
    assert len({len(p["lesions"]) for p in others}) == 2


def test_the_paper_s_patients_are_deformations_of_one_body():
    def drawn(seed):
        given = QUICK | {"axial": (0.2, 0.3), "population": POPULATIONS["paper"]}
        return draw_patient(seed, **given)

    a, b = drawn(1), drawn(2)
    body = ("sex", "stature_mm", "mass_kg", "arms", "breadth", "depth", "bladder_ml")
    assert [a.parameters[k] for k in body] == [b.parameters[k] for k in body]
    assert (a.parameters["sex"], a.parameters["arms"]) == ("male", "down")
    assert a.parameters["stature_mm"] == pytest.approx(1777, abs=1)
    assert a.parameters["bone_to_soft_tissue"] != b.parameters["bone_to_soft_tissue"]
    assert a.labels.shape != b.labels.shape or (a.labels != b.labels).any()
    clinical = [draw_patient(s, **QUICK, axial=(0.2, 0.3)).parameters["stature_mm"] for s in (1, 2)]
    assert clinical[0] != clinical[1]


def test_the_paper_s_population_is_the_paper_s():
    p = draw_patient(5, **QUICK, population=POPULATIONS["paper"], n_lesions=8, arms="down")
    q = p.parameters
    assert 8 <= q["bone_to_soft_tissue"] <= 13
    assert q["findings"] == []
    assert {lesion["kind"] for lesion in q["lesions"]} == {"sclerotic"}
    assert all(2 <= lesion["to_bone"] <= 7 for lesion in q["lesions"])
    assert q["uptake_to_soft_tissue"]["bladder"] == q["uptake_to_soft_tissue"]["kidney"] == 1
    # Healthy bone is uniform: its purest voxels lie at the ratio that was drawn.
    bone = np.quantile(p.activity[p.labels == 1], 0.97)
    soft = np.median(p.activity[(p.labels == 0) & (p.attenuation > 0.155)])
    assert bone / soft == pytest.approx(q["bone_to_soft_tissue"], rel=0.1)


def test_who_has_no_lesion_is_for_the_rest_a_clinical_patient():
    given = {"voxel_mm": 20.0, "sample_mm": 10.0}
    healthy = draw_patient(0, **given, population=POPULATIONS["no-lesions"])
    clinical = draw_patient(0, **given)
    assert clinical.parameters["lesions"]
    assert healthy.parameters["lesions"] == []
    assert healthy.labels.max() == healthy.ct_labels.max() == 1
    for what in ("stature_mm", "findings", "uptake_to_soft_tissue"):
        assert healthy.parameters[what] == clinical.parameters[what]


def test_the_skeleton_s_share_of_the_dose_is_the_published_one():
    shares = []
    for seed in range(4):
        p = draw_patient(seed, voxel_mm=16.0, sample_mm=8.0, n_lesions=0).parameters
        legs = 0.6 * (1 - p["share_in_field"])  # below mid-thigh, of the skeleton's uptake
        if not p["superscan"]:
            shares.append(p["bone_share_of_dose"] / (1 - legs))
    # 27% at 3 h, HMDP (Brenner et al. 1997), beside what joints and fractures add.
    assert np.mean(shares) == pytest.approx(0.265, abs=0.04)


def test_labels_agree_with_activity_and_attenuation():
    given = {"voxel_mm": 6.0, "phantom": stand_in(60), "deform": False}
    given["population"] = POPULATIONS["paper"]
    healthy = draw_patient(3, n_lesions=0, **given)
    sick = draw_patient(3, n_lesions=3, **given)
    bone, soft = healthy.labels == 1, healthy.labels == 0
    body = soft & (healthy.attenuation > 0.15)
    level = np.quantile(healthy.activity[bone], 0.9) / np.median(healthy.activity[body])
    assert level == pytest.approx(healthy.parameters["bone_to_soft_tissue"], rel=0.05)
    lesion = sick.labels == 2
    assert (healthy.labels[lesion] == 1).all()  # inside bone
    assert lesion.sum() == sum(found["voxels"] for found in sick.parameters["lesions"])
    relative = sick.activity / np.median(sick.activity[body & ~lesion])
    ratios = [found["to_bone"] for found in sick.parameters["lesions"]]
    level = sick.parameters["bone_to_soft_tissue"]
    assert relative[lesion].max() <= 1.01 * level * max(ratios)
    assert relative[lesion].max() >= 0.85 * level * max(ratios)
    assert relative[lesion].min() >= 0.4 * level * min(ratios)
    # Attenuation of cortical bone, 0.295/cm at 140 keV, times 1.13 to 1.27.
    assert 1.13 * 0.295 * 0.97 < sick.attenuation[lesion].max() < 1.27 * 0.295 * 1.03
    assert np.median(sick.ct[lesion]) > np.median(sick.ct[sick.labels == 1])
    # Away from the lesions nothing else changed but the common scale.
    away = ~(sick.attenuation != healthy.attenuation)
    factor = (sick.activity[away & body] / healthy.activity[away & body]).astype(float)
    assert factor.std() < 1e-5


def test_total_activity_is_what_was_injected_and_kept_whatever_the_deformation():
    totals = []
    for deform in (True, False):
        p = draw_patient(11, voxel_mm=14.0, sample_mm=7.0, deform=deform, n_lesions=0)
        q = p.parameters
        expected = q["injected_mbq"] * q["decay"] * q["retention"] * q["share_in_field"]
        bladder_free = q["activity_mbq"] - q["bladder_mbq"]
        assert bladder_free == pytest.approx(expected, rel=1e-3)
        totals.append(bladder_free / q["share_in_field"])
    assert totals[0] == pytest.approx(totals[1], rel=1e-3)
    assert q["decay"] == pytest.approx(0.7074, abs=1e-3)  # 3 h of Tc-99m


def test_standard_uptake_values_are_a_bone_scan_s():
    spine, lesions = [], []
    for seed in range(2):
        p = draw_patient(seed, **QUICK, n_lesions=6, arms="down")
        q = p.parameters
        suv = p.activity * q["weight_kg"] / (q["injected_mbq"] * q["decay"] * 1e3)
        spine.append(np.quantile(suv[p.labels == 1], 0.9))
        lesions.append(suv[p.labels == 2].max())
        soft = (p.labels == 0) & (p.attenuation > 0.15) & (p.attenuation < 0.165)
        assert 0.15 < np.median(suv[soft]) < 0.8
    assert all(3.5 < s < 9 for s in spine)
    assert max(lesions) > 9


def test_the_field_can_be_cropped_and_the_matrix_fixed(patient):
    part = draw_patient(5, **QUICK, axial=(0.2, 0.6), n_lesions=2, matrix=80, arms="down")
    assert part.labels.shape[:2] == (80, 80)
    whole = patient.labels.shape[2]
    assert part.labels.shape[2] == pytest.approx(0.4 * whole, abs=2)
    assert part.affine[2, 3] > patient.affine[2, 3] + 0.15 * whole * VOXEL
    low, high = part.affine[2, 3], part.affine[2, 3] + VOXEL * part.labels.shape[2]
    heights = [mm[2] for one in part.parameters["findings"] for mm in one["centres_mm"]]
    outside = [mm[2] for one in patient.parameters["findings"] for mm in one["centres_mm"]]
    assert heights
    assert low <= min(heights) <= max(heights) <= high
    assert max(outside) > high


def test_a_labelled_volume_stands_in_and_is_deformed():
    still = draw_patient(1, voxel_mm=8.0, phantom=stand_in(), deform=False)
    bent = draw_patient(1, voxel_mm=8.0, phantom=stand_in())
    assert still.labels.any()
    assert not np.array_equal(still.labels, bent.labels)
    assert bent.parameters["phantom"] == "a block"
    heavier = draw_patient(1, voxel_mm=8.0, phantom=stand_in(), deform=False, mass_kg=70.0)
    assert heavier.parameters["weight_kg"] == 70.0
    sampled = stand_in().sample(stand_in().grid((8.0,) * 3), _none())
    again = draw_patient(1, phantom=sampled)
    assert np.array_equal(again.labels, still.labels)


def test_activity_from_a_file_is_kept_and_must_not_be_empty():
    uptake = np.where(stand_in().labels == 2, 5, stand_in().labels).astype(np.float32)
    patient = draw_patient(
        2, voxel_mm=8.0, phantom=replace(stand_in(), uptake=uptake), n_lesions=0, deform=False
    )
    assert patient.parameters["bone_to_soft_tissue"] is None
    body = (patient.labels == 0) & (patient.attenuation > 0.15)
    level = np.quantile(patient.activity[patient.labels == 1], 0.9)
    assert level / np.median(patient.activity[body]) == pytest.approx(5, rel=0.03)
    with pytest.raises(InputError, match="expected some activity"):
        draw_patient(2, voxel_mm=8.0, phantom=replace(stand_in(), uptake=0 * uptake))


def _none():
    from fuzzyseg.simulation.phantom.shapes.deformation import none

    return none()


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        ({"seed": -1}, "-1"),
        ({"seed": 1.5}, "1.5"),
        ({"voxel_mm": 0.0}, "0.0"),
        ({"voxel_mm": (4.0, 5.0, 4.0)}, "4 x 5 mm"),
        ({"sex": "robot"}, "robot"),
        ({"stature_mm": 17.0}, "17"),
        ({"mass_kg": 700.0}, "index"),
        ({"n_lesions": -2}, "-2"),
        ({"n_lesions": 500}, "500"),
        ({"axial": (0.6, 0.3)}, "0.6, 0.3"),
        ({"axial": (0.5, 0.5001)}, "slices"),
        ({"injected_mbq": 0.0}, "found 0"),
        ({"uptake_h": -3.0}, "-3"),
        ({"matrix": 16}, "16 x 16"),
        ({"sample_mm": 0.0}, "0"),
    ],
)
def test_bad_arguments_are_one_line(bad, found):
    given = {"seed": 1, "voxel_mm": 20.0, "sample_mm": 10.0} | bad
    with pytest.raises(InputError, match=r"expected .*found .*;") as error:
        draw_patient(given.pop("seed"), **given)
    assert found in str(error.value)
    assert "\n" not in str(error.value)
