import numpy as np
import pytest
from sklearn import cluster
from toy_study import make_study

from fuzzyseg.clustering import FCM, KMeans
from fuzzyseg.errors import InputError
from fuzzyseg.resample import resample
from fuzzyseg.segmentation import Settings, segment
from fuzzyseg.segmentation.methods import clustering_methods
from fuzzyseg.volume import Study, Volume


@pytest.fixture(autouse=True)
def _no_models(bundled):
    """Without a model in the package, clustering is the default."""


@pytest.fixture(scope="module")
def study():
    return make_study()


def dsc(labels, truth, k):
    return 2 * ((labels == k) & (truth == k)).sum() / ((labels == k).sum() + (truth == k).sum())


def test_default_finds_bone_and_lesions(study):
    result = segment(study.spect)
    assert result.class_names == ("background", "bone", "lesion")
    assert dsc(result.labels, study.labels, 1) > 0.8
    assert dsc(result.labels, study.labels, 2) > 0.9


@pytest.mark.parametrize("order", ["C", "F"])
def test_memory_order_does_not_matter(order, study):
    array = np.asarray(study.spect.array, order=order)
    ct = Volume(array * 100, study.spect.affine, "CT", "HU")
    spect = Volume(array, study.spect.affine, "NM", "counts")
    for beside in (None, ct):
        result = segment(Study(spect=spect, ct=beside))
        again = segment(Study(spect=study.spect, ct=beside))
        np.testing.assert_array_equal(result.labels, again.labels)
        np.testing.assert_array_equal(result.memberships, again.memberships)


def test_axes_of_the_result_are_those_of_the_volume():
    array = np.zeros((8, 10, 12), np.float32)
    array[1:3, 2:7, 3:11] = 1
    array[1:3, 2:4, 3:6] = 4
    array += np.random.default_rng(0).normal(0, 0.01, array.shape)
    labels = segment(Volume(array, np.eye(4), "NM"), Settings(mask=False)).labels
    np.testing.assert_array_equal(labels, np.digitize(array, [0.5, 2.5]))


@pytest.mark.parametrize("method", clustering_methods())
def test_memberships_sum_to_one_and_agree_with_the_labels(method, study):
    result = segment(study.spect, Settings(method=method))
    np.testing.assert_allclose(result.memberships.sum(0), 1, atol=1e-5)
    np.testing.assert_array_equal(result.memberships.argmax(0), result.labels)
    assert result.memberships.dtype == np.float32
    assert result.labels.dtype == np.uint8


def centres(volume, **settings):
    made = segment(volume, Settings(**settings)).provenance.parameters
    return np.ravel(made["result"]["cluster_centers"])


@pytest.mark.parametrize("method", ["fcm", "rfcm"])
def test_fixed_centres_are_those_of_k_means_where_it_finds_lesions(method, study):
    fixed = centres(study.spect, method=method)
    np.testing.assert_allclose(fixed, centres(study.spect, method="kmeans"))
    assert fixed[2] > 0.5


def test_fixed_centres_where_k_means_divides_bone_instead():
    bone = np.linspace(0.1, 0.5, 6500)  # takes up more here and less there
    levels = np.concatenate([np.full(20480, 0.02), bone, np.full(20, 1.0)])
    noise = np.random.default_rng(0).normal(0, 0.01, levels.size)
    image = (levels + noise).reshape(30, 30, 30).astype(np.float32)
    volume = Volume(image, np.eye(4), "NM")
    assert centres(volume, method="kmeans", mask=False)[2] < 0.5
    background, bone, lesion = centres(volume, method="fcm", mask=False)
    voxels = ((image - image.min()) / np.ptp(image)).reshape(-1, 1)
    start = np.percentile(voxels, [5, 95]).reshape(-1, 1)
    expected = cluster.KMeans(2, init=start, n_init=1, tol=1e-8).fit(voxels).cluster_centers_
    assert sorted(np.ravel(expected)) == pytest.approx([background, bone], rel=1e-3)
    assert lesion == pytest.approx(0.6)


def test_few_lesions_are_found_with_fixed_centres_and_lost_with_free_ones():
    few = make_study(n_lesions=1)
    fixed, free = (segment(few.spect, Settings(centres=c)).labels for c in ("fixed", "free"))
    assert dsc(fixed, few.labels, 2) > 0.8
    assert dsc(free, few.labels, 2) < 0.5


def test_free_centres_without_mask_are_textbook_fuzzy_c_means(study):
    result = segment(study.spect, Settings(method="fcm", centres="free", mask=False))
    array = study.spect.array
    expected = FCM().fit((array - array.min()) / np.ptp(array))
    np.testing.assert_allclose(
        result.provenance.parameters["result"]["cluster_centers"],
        expected.cluster_centers_,
        rtol=1e-5,
    )
    np.testing.assert_allclose(result.memberships, expected.memberships_, atol=1e-5)


def test_what_the_mask_leaves_out_is_background(study):
    result = segment(study.spect)
    air = study.spect.array == 0
    assert (result.labels[air] == 0).mean() > 0.999
    assert np.median(result.memberships[0][air]) == 1


def test_spatial_weight_mends_errors_of_noise():
    truth = np.zeros((30, 30, 30), np.uint8)
    truth[5:25, 5:25, 5:25] = 1
    truth[8:20, 8:20, 8:20] = 2
    clean = np.array([0.0, 1.0, 3.0])[truth]
    noisy = clean + np.random.default_rng(0).normal(0, 0.35, truth.shape)
    volume = Volume(noisy, np.eye(4), "NM")

    def errors(beta):
        return (segment(volume, Settings(beta=beta, mask=False)).labels != truth).sum()

    assert errors(3e-3) < 0.3 * errors(0)


def test_scale_and_offset_of_the_intensities_do_not_matter(study):
    other = Volume(study.spect.array * 1000 + 500, study.spect.affine, "NM", "Bq/mL")
    assert (segment(other).labels != segment(study.spect).labels).mean() < 1e-4


def test_ct_has_two_classes_split_between_soft_tissue_and_bone(study):
    result = segment(study.ct)
    assert result.class_names == ("background", "bone")
    edge = study.ct.array[result.labels == 1].min()
    assert 100 < edge < 350


def test_other_numbers_of_classes_have_plain_names(study):
    result = segment(study.spect, Settings(classes=4))
    assert result.class_names == ("class 0", "class 1", "class 2", "class 3")
    means = [study.spect.array[result.labels == k].mean() for k in range(4)]
    assert means == sorted(means)


def test_a_ct_on_another_grid_is_brought_onto_that_of_the_spect(study):
    beside = resample(study.ct, study.spect)
    expected = segment(Study(spect=study.spect, ct=beside))
    found = segment(Study(spect=study.spect, ct=study.ct))
    np.testing.assert_array_equal(found.memberships, expected.memberships)


def test_a_ct_that_is_not_finite_is_refused(study):
    array = study.ct.array.copy()
    array[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="finite"):
        segment(Study(spect=study.spect, ct=Volume(array, study.ct.affine, "CT", "HU")))


def test_unknown_method_is_refused(study):
    with pytest.raises(InputError, match="method"):
        segment(study.spect, Settings(method="magic"))


def test_a_lesion_class_as_large_as_bone_is_doubted():
    rng = np.random.default_rng(0)
    array = rng.normal(1, 0.2, (20, 20, 20)).astype(np.float32)
    array[:8] = 0
    result = segment(Volume(array, np.eye(4), "NM"))
    assert any("may be bone" in text for text in result.provenance.warnings)


def test_warnings_of_the_reader_are_kept(study):
    volume = Volume(study.spect.array, study.spect.affine, "NM", warnings=("Left may be right.",))
    assert segment(volume).provenance.warnings[0] == "Left may be right."


def test_provenance_holds_every_setting(study):
    made = segment(study.spect, Settings(q=1.5, seed=3)).provenance
    assert made.parameters["q"] == 1.5
    assert made.parameters["seed"] == 3
    assert made.parameters["classes"] == 3
    assert made.parameters["result"]["converged"]
    assert made.versions["numpy"] == np.__version__


def test_k_means_start_does_not_depend_on_the_method(study):
    image = study.spect.array / study.spect.array.max()
    first = KMeans().fit(image).cluster_centers_
    np.testing.assert_array_equal(first, KMeans().fit(image).cluster_centers_)
