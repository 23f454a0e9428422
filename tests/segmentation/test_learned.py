import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates
from tiny_models import tiny_model, write_tiny

from fuzzyseg.errors import InputError
from fuzzyseg.inference.prediction import predict
from fuzzyseg.inference.preprocess import normalise_ct, normalise_spect
from fuzzyseg.models.card import Preprocessing
from fuzzyseg.segmentation import Settings, segment, summary
from fuzzyseg.segmentation.model_input import seen_by
from fuzzyseg.volume import Study, Volume

SHAPE = (14, 12, 10)
RAS = np.diag([4.0, 4.0, 4.0, 1.0])


def image(shape=SHAPE, seed=0):
    noise = np.random.default_rng(seed).normal(0, 1, shape)
    return (50 * np.exp(gaussian_filter(noise, 1.5) * 5)).astype(np.float32)


SPECT = Volume(image(), RAS, "NM", "counts", "a scan")
CT = Volume(image(seed=1) * 20 - 1000, RAS, "CT", "HU", "a CT")
BOTH = Study(spect=SPECT, ct=CT)


@pytest.fixture
def with_model(tmp_path):
    """Segment with a tiny model: (task, volume, ct, settings, of the model) to a result."""

    def run(task, volume, ct=None, *, settings=None, **options):
        write_tiny(tmp_path, task, **options)
        return segment(
            Study.of(volume, ct), Settings(model=str(tmp_path / task), **(settings or {}))
        )

    return run


def test_the_network_sees_the_preprocessed_image_and_nothing_else(with_model):
    preprocessing = Preprocessing(spect="body", ct="window", ct_window_hu=(-200.0, 800.0))
    options = {"preprocessing": preprocessing, "context": 1}
    result = with_model("spect-ct", SPECT, CT, **options)
    seen = np.stack(
        [normalise_spect(SPECT.array, "body"), normalise_ct(CT.array, "window", (-200, 800))]
    )
    expected = predict(tiny_model("spect-ct", **options), seen)
    np.testing.assert_allclose(result.memberships, expected, atol=1e-5)
    np.testing.assert_array_equal(result.labels, result.memberships.argmax(0))
    assert result.labels.dtype == np.uint8
    assert result.class_names == ("background", "bone", "lesion")
    np.testing.assert_allclose(seen_by(tiny_model("spect-ct", **options).card, BOTH).image, seen)


@pytest.mark.parametrize(("task", "volume"), [("spect", SPECT), ("ct", CT)])
def test_one_image_alone(task, volume, with_model):
    result = with_model(task, volume)
    assert len(result.class_names) == (2 if task == "ct" else 3)
    assert result.memberships.std(axis=(1, 2, 3)).min() > 0


def turned(volume, axes, flips):
    """The same image with its axes stored in another order and direction."""
    array = volume.array.transpose(axes)
    affine = volume.affine[:, [*axes, 3]].copy()
    for axis in flips:
        affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
        affine[:3, axis] *= -1
        array = np.flip(array, axis)
    return Volume(array, affine, volume.modality, volume.unit)


@pytest.mark.parametrize("spacing", [None, 3.1])
@pytest.mark.parametrize(
    ("axes", "flips"), [((0, 1, 2), (0, 1)), ((2, 0, 1), ()), ((1, 2, 0), (0, 2))]
)
def test_how_the_axes_are_stored_does_not_matter(axes, flips, spacing, with_model):
    options = {"preprocessing": Preprocessing(spacing_mm=spacing), "context": 1}
    expected = with_model("spect-ct", SPECT, CT, **options).memberships
    stored = [turned(v, axes, flips) for v in (SPECT, CT)]
    found = with_model("spect-ct", *stored, **options).memberships
    expected = np.flip(expected.transpose(0, *[a + 1 for a in axes]), [f + 1 for f in flips])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_other_voxels_are_resampled_there_and_back(with_model):
    fine = Volume(np.kron(image(), np.ones((2, 2, 2))), np.diag([2.0, 2.0, 2.0, 1.0]), "NM")
    native = with_model("spect", fine)
    same = with_model("spect", fine, preprocessing=Preprocessing(spacing_mm=2.08))  # within 5%
    np.testing.assert_array_equal(same.memberships, native.memberships)
    options = {"preprocessing": Preprocessing(spacing_mm=4.0)}
    coarse = with_model("spect", fine, **options)
    assert coarse.provenance.parameters["grid"] == list(SHAPE)
    # Centre i of the fine grid lies at 2 i mm, centre k of the model's at 1 + 4 k mm.
    at = np.stack(np.meshgrid(*[(2 * np.arange(2 * n) - 1) / 4 for n in SHAPE], indexing="ij"))
    u = predict(tiny_model(), seen_by(tiny_model(**options).card, Study(spect=fine)).image)
    expected = np.stack([map_coordinates(part, at, order=1, mode="nearest") for part in u])
    np.testing.assert_allclose(coarse.memberships, expected, atol=1e-4)
    np.testing.assert_allclose(coarse.memberships.sum(0), 1, atol=1e-5)
    np.testing.assert_array_equal(coarse.memberships.argmax(0), coarse.labels)


def test_odds_of_the_card_weigh_memberships_on_the_grid_of_the_image(with_model):
    options = {"preprocessing": Preprocessing(spacing_mm=8.0)}
    plain = with_model("spect", SPECT, **options).memberships.astype(np.float64)
    found = with_model("spect", SPECT, odds=(1.0, 3.0, 0.5), **options)
    expected = plain * np.reshape([1.0, 3.0, 0.5], (3, 1, 1, 1))
    np.testing.assert_allclose(found.memberships, expected / expected.sum(0), atol=1e-6)
    np.testing.assert_array_equal(found.memberships.argmax(0), found.labels)
    assert (found.labels != plain.argmax(0)).any()


def test_pieces_without_cortex_become_background(with_model, monkeypatch):
    from fuzzyseg.segmentation import learned
    from fuzzyseg.segmentation.cortex import Piece

    plain = with_model("ct", CT, odds=(1.0, 5.0))
    bone = plain.labels == 1
    gone = bone & (np.random.default_rng(0).random(bone.shape) < 0.5)
    gone[:2] = False
    assert 0 < gone.sum() < bone.sum()
    piece = Piece((slice(2, 14), slice(0, 12), slice(0, 10)), gone[2:], 31.4, 212.0)
    monkeypatch.setattr(learned, "without_cortex", lambda *_: [piece])
    found = with_model("ct", CT, odds=(1.0, 5.0), cortex=True)
    expected = np.where(gone, plain.memberships[::-1], plain.memberships)
    np.testing.assert_array_equal(found.memberships, expected)
    np.testing.assert_array_equal(found.labels, np.where(gone, 0, plain.labels))
    assert (
        found.provenance.warnings[-1].split("no cortex: ")[1].startswith("31 mL of 212 HU around (")
    )


def test_planes_mirror_and_engine_are_obeyed_and_recorded(with_model):
    model = tiny_model(planes=("coronal", "sagittal"))
    seen = normalise_spect(SPECT.array)[None]
    for planes, given in (
        ("model", None),
        ("one", ["coronal"]),
        ("three", ["transverse", "coronal", "sagittal"]),
    ):
        settings = {"planes": planes, "mirror": planes == "one", "engine": "torch", "jobs": 1}
        result = with_model("spect", SPECT, settings=settings, planes=model.card.planes)
        expected = predict(model, seen, planes=given, mirror=planes == "one")
        np.testing.assert_allclose(result.memberships, expected, atol=1e-5)
        made = result.provenance.parameters
        assert {key: made[key] for key in settings} == settings


def test_provenance_says_which_model_and_how(with_model):
    result = with_model("spect", SPECT)
    made = result.provenance
    assert made.method == "model"
    assert made.parameters["method"] == "model"
    assert made.parameters["engine"] == "torch"
    assert made.parameters["card"]["name"] == "spect"
    assert len(made.parameters["card"]["sha256"]) == 64
    assert made.parameters["card"]["training"] == {"data": "nothing"}
    assert "beta" not in made.parameters
    assert made.versions["safetensors"]
    json.dumps(summary(result), allow_nan=False)


def test_the_bundled_model_is_the_default(bundled):
    write_tiny(bundled)
    result = segment(SPECT)
    assert result.provenance.method == "model"
    assert result.provenance.parameters["model"] == "spect"
    beside = segment(BOTH)
    np.testing.assert_array_equal(beside.labels, result.labels)
    assert any("uses the SPECT alone" in text for text in beside.provenance.warnings)
    assert segment(SPECT, Settings(method="kmeans")).provenance.method == "kmeans"


@pytest.mark.parametrize(
    ("preprocessing", "width", "warned"),
    [
        ({}, 40.0, False),  # nothing is known
        ({"trained_mm": (4.0, 5.0)}, 4.4, False),
        ({"trained_mm": (4.0, 5.0)}, 8.0, True),
        ({"trained_mm": (4.0, 5.0)}, 2.5, True),
        ({"spacing_mm": 4.4}, 8.0, False),
        ({"spacing_mm": 4.4}, 9.0, True),
        ({"spacing_mm": 4.4}, 2.0, True),
        ({"spacing_mm": 9.0, "trained_mm": (4.0, 5.0)}, 9.0, False),
    ],
)
def test_voxels_far_from_the_training_are_warned_of(preprocessing, width, warned, with_model):
    volume = Volume(image(), np.diag([width, width, width, 1.0]), "NM")
    result = with_model("spect", volume, preprocessing=Preprocessing(**preprocessing))
    texts = [t for t in result.provenance.warnings if "trained on" in t]
    assert len(texts) == warned
    assert all(f"{width:g} x" in t for t in texts)


def test_a_finer_ct_is_no_reason_to_warn_where_it_is_resampled(with_model):
    fine = Volume(CT.array, np.diag([0.8, 0.8, 3.0, 1.0]), "CT", "HU")
    for spacing, warned in ((4.4, False), (None, True)):
        preprocessing = Preprocessing(spacing_mm=spacing, trained_mm=(4.4, 4.8))
        result = with_model("ct", fine, preprocessing=preprocessing)
        assert any("trained on" in t for t in result.provenance.warnings) == warned


@pytest.mark.parametrize(
    ("task", "volume", "ct", "found"),
    [
        ("spect", CT, None, "expected a SPECT .*, found modality CT in a CT"),
        ("spect-ct", CT, None, "expected a SPECT .*, found modality CT"),
        ("ct", SPECT, None, "expected a CT .*, found modality NM in a scan"),
        ("ct", SPECT, CT, "expected a CT .*, found modality NM"),
        ("spect-ct", SPECT, None, "expected a CT with the SPECT"),
    ],
)
def test_a_model_for_other_images_is_refused(task, volume, ct, found, with_model):
    with pytest.raises(InputError, match=found):
        with_model(task, volume, ct)


def test_options_that_do_not_suit_the_model_are_refused(with_model):
    with pytest.raises(InputError, match="expected 3 classes"):
        with_model("spect", SPECT, settings={"classes": 4})
    with pytest.raises(InputError, match="sees volumes"):
        with_model("spect", SPECT, settings={"planes": "three"}, dims=3)
    assert with_model("spect", SPECT, settings={"planes": "one"}, dims=3)
    with pytest.raises(InputError, match="thread"):
        with_model("spect", SPECT, settings={"jobs": 0})


def test_a_ct_is_segmented_where_the_patient_is_and_is_background_elsewhere(with_model):
    """A body in a wide field of air gets what it gets with less air around it."""
    hu = np.full((70, 66, 12), -1000.0, np.float32)
    hu[26:44, 24:42] = image((18, 18, 12), seed=2) * 10 - 100
    affine = np.diag([-2.0, 2.0, 4.0, 1.0])
    options = {"preprocessing": Preprocessing(spacing_mm=3.0, ct="window")}
    wide = with_model("ct", Volume(hu, affine, "CT", "HU"), **options)
    np.testing.assert_allclose(wide.memberships.sum(0), 1, atol=1e-5)
    assert (wide.memberships[0, 0, 0] == 1).all()
    narrow_affine = affine.copy()
    narrow_affine[:3, 3] = affine[:3, :3] @ [9, 9, 0]
    narrow = with_model("ct", Volume(hu[9:60, 9:60], narrow_affine, "CT", "HU"), **options)
    # But for the skin, where the body is known to some 4 mm.
    body = (slice(None), slice(30, 40), slice(28, 38))
    inner = (slice(None), slice(21, 31), slice(19, 29))
    np.testing.assert_allclose(wide.memberships[body], narrow.memberships[inner], atol=0.02)
