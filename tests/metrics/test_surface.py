"""Surface scores against surface-distance 0.1, against geometry, and their properties."""

import numpy as np
import pytest
import surface_distance.metrics as peer

from fuzzyseg.errors import InputError
from fuzzyseg.metrics import surface_distances, surface_dsc
from fuzzyseg.metrics._search import find_elements

# surface-distance 0.1 calls scipy by names that were moved.
peer_warns = pytest.mark.filterwarnings("ignore:Please (import|use) .*:DeprecationWarning")

ANISOTROPIC = (0.7, 1.1, 2.5)


def assert_equals_peer(prediction, truth, spacing, tolerances):
    found = surface_distances(prediction, truth, spacing_mm=spacing)
    expected = peer.compute_surface_distances(truth, prediction, spacing)
    to_prediction, to_truth = peer.compute_average_surface_distance(expected)
    assert found.mean_truth_to_prediction_mm() == pytest.approx(to_prediction, rel=1e-9)
    assert found.mean_prediction_to_truth_mm() == pytest.approx(to_truth, rel=1e-9)
    for percent in (50, 95, 100):
        hausdorff = peer.compute_robust_hausdorff(expected, percent)
        assert found.hausdorff_mm(percent) == pytest.approx(hausdorff, rel=1e-9)
    for tolerance in tolerances:
        # The peer compares without slack; given ours it must see the same elements.
        dsc = peer.compute_surface_dice_at_tolerance(expected, tolerance * (1 + 1e-6))
        assert found.dsc(tolerance) == pytest.approx(dsc, rel=1e-12)
        fast = surface_dsc(prediction, truth, spacing_mm=spacing, tolerance_mm=tolerance)
        assert fast == pytest.approx(dsc, rel=1e-12)


@peer_warns
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), ANISOTROPIC, (4.42, 4.42, 4.42)])
@pytest.mark.parametrize("share", [0.02, 0.5])
def test_random_voxels_equal_peer(rng, spacing, share):
    prediction, truth = rng.random((2, 13, 17, 11)) < share
    assert_equals_peer(prediction, truth, spacing, [0.0, 1.0, 2.5, 30.0])


@peer_warns
@pytest.mark.parametrize("shape", [(24, 31, 18), (2, 40, 3), (1, 9, 9), (33, 47), (1, 20)])
def test_smooth_masks_at_the_border_equal_peer(blobs, shape):
    prediction, truth = blobs(shape)
    spacing = ANISOTROPIC[: len(shape)]
    assert_equals_peer(prediction, truth, spacing, [0.0, 0.7, 1.4, 2.2, 3.0])


@peer_warns
@pytest.mark.parametrize("crowded", [0.0, 1.0], ids=["distance transform", "k-d tree"])
def test_far_apart_surfaces_equal_peer(rng, monkeypatch, crowded):
    """Most elements are out of the reach of the nearby search, in both directions."""
    monkeypatch.setattr("fuzzyseg.metrics._search.CROWDED", crowded)
    prediction, truth = np.zeros((2, 60, 50, 40), bool)
    prediction[:6, :9, :7] = rng.random((6, 9, 7)) < 0.6
    truth[50:, 30:, 20:] = rng.random((10, 20, 20)) < 0.6
    truth[8, 10, 8] = True
    assert_equals_peer(prediction, truth, ANISOTROPIC, [1.0, 5.0, 20.0, 50.0, 80.0])


@peer_warns
def test_real_bones_equal_peer(spine):
    labels, spacing = spine
    for label in (1, 2):
        truth = labels == label
        prediction = np.roll(labels == label, (1, -2), axis=(0, 1))
        prediction[:, :50] |= np.roll(prediction[:, :50], 1, axis=2)
        assert_equals_peer(prediction, truth, spacing, [0.7, 1.5, 2.5, 5.0])


def test_shifted_slab_by_hand():
    """Two slabs of 8 x 8 x 4 voxels, one 3 voxels along z: all is within 3 voxels, sides aside."""
    truth = np.zeros((10, 10, 14), bool)
    truth[1:9, 1:9, 2:6] = True
    prediction = np.roll(truth, 3, axis=2)
    found = surface_distances(prediction, truth, spacing_mm=(1.0, 1.0, 2.0))
    assert found.hausdorff_mm(100) == 6.0
    assert found.dsc(6.0) == 1.0
    assert 0.0 < found.dsc(5.9) < 1.0
    # Flat faces (7 x 7 each) and sides (4 x 7 x 3 voxels of 2 mm) alone are a lower bound.
    assert found.truth_areas.sum() > 2 * 49 + 4 * 7 * 3 * 2.0


def test_area_of_a_box_is_that_of_its_cut_edges():
    """A box of a x b x c voxels: flat faces, edges cut at 45 degrees, corners cut by triangles."""
    a, b, c = 5, 6, 7
    box = np.ones((a, b, c), bool)
    found = surface_distances(box, box, spacing_mm=(1.0, 1.0, 1.0))
    i, j, k = a - 1, b - 1, c - 1
    faces = 2 * (i * j + j * k + i * k)
    edges = 4 * (i + j + k) * np.sqrt(0.5)
    corners = 8 * np.sqrt(3.0) / 8
    assert found.truth_areas.sum() == pytest.approx(faces + edges + corners, rel=1e-12)


def test_concentric_spheres():
    """Radii 12 and 16 mm. A yes-or-no mask has steps, so areas come out about 10% high."""
    axes = [np.arange(n) * s - (n - 1) * s / 2 for n, s in ((41, 1.0), (41, 1.0), (21, 2.0))]
    radius = np.sqrt(sum(x**2 for x in np.meshgrid(*axes, indexing="ij")))
    found = surface_distances(radius <= 12, radius <= 16, spacing_mm=(1.0, 1.0, 2.0))
    assert found.prediction_areas.sum() == pytest.approx(1.09 * 4 * np.pi * 12**2, rel=0.03)
    assert found.truth_areas.sum() == pytest.approx(1.09 * 4 * np.pi * 16**2, rel=0.03)
    # To the nearest of elements that scatter about the sphere by a voxel: never far above 4.
    assert 3.0 < found.mean_mm() < 4.0
    assert found.hausdorff_mm() == pytest.approx(4.0, abs=1.0)
    assert found.dsc(1.0) == 0.0
    assert found.dsc(6.0) == 1.0


def test_distance_exactly_at_the_tolerance_is_within():
    """In floats three steps of 0.1 mm are longer than 0.3 mm; for a reader they are not."""
    truth = np.zeros((4, 4, 12), bool)
    truth[..., :4] = True
    prediction = np.zeros_like(truth)
    prediction[..., :7] = True
    assert 3 * 0.1 > 0.3
    spacing = (0.1, 0.1, 0.1)
    assert surface_dsc(prediction, truth, spacing_mm=spacing, tolerance_mm=0.3) == 1.0
    assert surface_dsc(prediction, truth, spacing_mm=spacing, tolerance_mm=0.2999) < 1.0


def test_swapping_the_masks_changes_nothing(blobs):
    prediction, truth = blobs((20, 20, 20))
    one = surface_distances(prediction, truth, spacing_mm=ANISOTROPIC)
    other = surface_distances(truth, prediction, spacing_mm=ANISOTROPIC)
    assert one.dsc(1.5) == pytest.approx(other.dsc(1.5), rel=1e-14)
    assert one.hausdorff_mm() == other.hausdorff_mm()
    assert one.mean_mm() == pytest.approx(other.mean_mm(), rel=1e-14)
    assert one.mean_prediction_to_truth_mm() == other.mean_truth_to_prediction_mm()


def test_mean_pools_both_surfaces(blobs):
    found = surface_distances(*blobs((20, 20, 20)), spacing_mm=ANISOTROPIC)
    p, t = found.prediction_areas.sum(), found.truth_areas.sum()
    total = p * found.mean_prediction_to_truth_mm() + t * found.mean_truth_to_prediction_mm()
    assert found.mean_mm() == pytest.approx(total / (p + t), rel=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_turning_the_image_round_changes_nothing(blobs, axis):
    prediction, truth = blobs((18, 21, 16))
    expected = surface_dsc(prediction, truth, spacing_mm=ANISOTROPIC, tolerance_mm=1.2)
    flipped = [np.flip(mask, axis) for mask in (prediction, truth)]
    assert surface_dsc(*flipped, spacing_mm=ANISOTROPIC, tolerance_mm=1.2) == pytest.approx(
        expected, rel=1e-13
    )
    order = [(axis + i) % 3 for i in range(3)]
    turned = [mask.transpose(order) for mask in (prediction, truth)]
    spacing = [ANISOTROPIC[i] for i in order]
    assert surface_dsc(*turned, spacing_mm=spacing, tolerance_mm=1.2) == pytest.approx(
        expected, rel=1e-13
    )


def test_room_around_the_object_changes_nothing(blobs):
    prediction, truth = blobs((12, 14, 10))
    padded = [np.pad(mask, ((3, 0), (1, 7), (0, 5))) for mask in (prediction, truth)]
    expected = surface_distances(prediction, truth, spacing_mm=ANISOTROPIC)
    found = surface_distances(*padded, spacing_mm=ANISOTROPIC)
    assert found.dsc(1.0) == expected.dsc(1.0)
    assert found.mean_mm() == expected.mean_mm()


def test_dsc_rises_with_the_tolerance_to_one(blobs):
    found = surface_distances(*blobs((20, 20, 20)), spacing_mm=ANISOTROPIC)
    scores = [found.dsc(t) for t in np.linspace(0, found.hausdorff_mm(100), 30)]
    assert np.all(np.diff(scores) >= 0)
    assert scores[0] < 0.9
    assert scores[-1] == 1.0


def test_a_mask_agrees_with_itself(blobs):
    mask, _ = blobs((16, 16, 16))
    found = surface_distances(mask, mask, spacing_mm=ANISOTROPIC)
    assert (found.dsc(0.0), found.hausdorff_mm(100), found.mean_mm()) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64])
def test_integers_count_as_masks_in_any_memory_order(blobs, dtype):
    prediction, truth = blobs((12, 15, 9))
    expected = surface_dsc(prediction, truth, spacing_mm=ANISOTROPIC, tolerance_mm=1.0)
    as_integers = np.asfortranarray(prediction.astype(dtype) * 7)
    as_integers.flags.writeable = False
    doubled = np.repeat(truth, 2, axis=1)[:, ::2]
    assert surface_dsc(as_integers, doubled, spacing_mm=ANISOTROPIC, tolerance_mm=1.0) == expected


@pytest.mark.parametrize("shape", [(5, 6, 7), (5, 6)])
def test_empty_masks(shape):
    empty, full = np.zeros(shape, bool), np.ones(shape, bool)
    spacing = (1.0,) * len(shape)
    both = surface_distances(empty, empty, spacing_mm=spacing)
    assert np.isnan([both.dsc(1.0), both.hausdorff_mm(), both.mean_mm()]).all()
    assert np.isnan(surface_dsc(empty, empty, spacing_mm=spacing, tolerance_mm=1.0))
    for masks in ((empty, full), (full, empty)):
        one = surface_distances(*masks, spacing_mm=spacing)
        assert one.dsc(1000.0) == 0.0
        assert surface_dsc(*masks, spacing_mm=spacing, tolerance_mm=1000.0) == 0.0
        assert np.isnan([one.hausdorff_mm(), one.mean_mm()]).all()
        assert np.isnan(one.mean_prediction_to_truth_mm())
        assert np.isnan(one.mean_truth_to_prediction_mm())


@pytest.mark.parametrize(
    ("prediction", "spacing", "tolerance", "message"),
    [
        (np.ones((3, 3, 4), bool), (1, 1, 1), 1.0, r"\(3, 3, 3\), found \(3, 3, 4\); resample"),
        (np.ones((3, 3, 3)), (1, 1, 1), 1.0, "integers or booleans, found float64; threshold"),
        (np.ones((3, 3, 3), bool), (1, 1), 1.0, "3 positive voxel spacings"),
        (np.ones((3, 3, 3), bool), (1, 1, 0), 1.0, "3 positive voxel spacings"),
        (np.ones((3, 3, 3), bool), (1, 1, np.nan), 1.0, "3 positive voxel spacings"),
        (np.ones((3, 3, 3), bool), (1, 1, 1), -1.0, "0 or more, found -1.0"),
        (np.ones((3, 3, 3), bool), (1, 1, 1), np.nan, "0 or more, found nan"),
    ],
)
def test_bad_input_is_one_clear_line(prediction, spacing, tolerance, message):
    truth = np.ones((3, 3, 3), bool)
    with pytest.raises(InputError, match=message) as error:
        surface_dsc(prediction, truth, spacing_mm=spacing, tolerance_mm=tolerance)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("shape", [(4,), (2, 2, 2, 2)])
def test_other_dimensions_are_refused(shape):
    mask = np.ones(shape, bool)
    with pytest.raises(InputError, match="2 or 3 axes"):
        surface_distances(mask, mask, spacing_mm=(1.0,) * len(shape))


@pytest.mark.parametrize("percent", [0.0, 101.0, float("nan")])
def test_bad_percentage_is_refused(percent):
    found = surface_distances(np.ones((2, 2), bool), np.ones((2, 2), bool), spacing_mm=(1, 1))
    with pytest.raises(InputError, match="percentage"):
        found.hausdorff_mm(percent)


@pytest.mark.parametrize("crowded", [0.0, 1.0], ids=["distance transform", "k-d tree"])
def test_limited_search_forgets_only_what_is_beyond_the_limit(rng, monkeypatch, crowded):
    monkeypatch.setattr("fuzzyseg.metrics._search.CROWDED", crowded)
    a, b = np.zeros((2, 40, 30, 20), bool)
    a[:, :3] = rng.random((40, 3, 20)) < 0.5
    b[2, 5:, 4] = True
    everything = find_elements(a, b, ANISOTROPIC, np.inf)
    limited = find_elements(a, b, ANISOTROPIC, 15.0)
    for all_of_it, some in zip(everything, limited, strict=True):
        expected = np.where(all_of_it.distances <= 15.0, all_of_it.distances, np.inf)
        np.testing.assert_array_equal(some.distances, expected)
    assert 0 < np.isinf(limited[0].distances).sum() < limited[0].distances.size
