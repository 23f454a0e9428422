import sys

import numpy as np
import pytest
from toy_study import make_study

from fuzzyseg.cli.main import main
from fuzzyseg.clustering import FCM
from fuzzyseg.errors import InputError
from fuzzyseg.resample import align
from fuzzyseg.segmentation import METHODS, Method, Settings, segment
from fuzzyseg.segmentation.methods import (
    clustering_methods,
    get_method,
    own_parameters,
    settings_read,
)
from fuzzyseg.volume import Study, Volume


@pytest.fixture(scope="module")
def study():
    return make_study()


class Halves:
    """An estimator that the package does not know: class k holds the k-th share of the range."""

    def __init__(self, *, n_clusters=3, power=1.0, channel_axis=None):
        self.n_clusters, self.power, self.channel_axis = n_clusters, power, channel_axis

    def fit(self, image, mask=None):  # noqa: ARG002
        share = (image / image.max()).clip(0, 1) ** self.power
        self.labels_ = np.minimum(share * self.n_clusters, self.n_clusters - 1).astype(np.int8)
        self.memberships_ = np.stack([self.labels_ == k for k in range(self.n_clusters)]) * 1.0
        return self


@pytest.fixture
def halves(monkeypatch):
    monkeypatch.setitem(METHODS, "halves", Method("parts of the range", f"{__name__}:Halves"))
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or _module())


def _module():
    module = type(sys)(__name__)
    module.Halves = Halves
    return module


@pytest.mark.usefixtures("halves")
def test_an_estimator_and_one_entry_are_a_method(study):
    settings = Settings(method="halves", mask=False, parameters=("power=2",))
    result = segment(study.spect, settings)
    low, high = study.spect.array.min(), study.spect.array.max()
    share = ((study.spect.array - low) / (high - low)) ** 2
    np.testing.assert_array_equal(result.labels, np.digitize(share, [1 / 3, 2 / 3]))
    made = result.provenance.parameters
    assert made["clustering"]["power"] == 2.0
    assert "q" not in made
    with pytest.raises(InputError, match="found seed"):
        segment(study.spect, Settings(method="halves", seed=1))


@pytest.mark.usefixtures("halves")
def test_the_command_line_offers_what_the_table_holds(capsys):
    assert main(["segment", "absent", "-o", "out", "--method", "magic"]) == 2
    assert "halves" in capsys.readouterr().err


@pytest.mark.parametrize("name", METHODS)
def test_every_entry_can_be_loaded_and_reads_settings(name):
    assert get_method(name).about
    if name == "auto":
        return
    assert set(settings_read(name)) <= set(Settings.__dataclass_fields__)


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"method": "kmeans", "q": 3.0}, "found q"),
        ({"method": "gmm", "centres": "free"}, "found centres"),
        ({"method": "fcm", "beta": 0.5}, "found beta"),
        ({"method": "threshold", "mask": False}, "found mask"),
        ({"method": "rfcm", "mirror": True}, "found mirror"),
        ({"method": "model", "beta": 0.5}, "found beta"),
        ({"method": "fcm", "parameters": ("bins",)}, "NAME=VALUE"),
        ({"method": "fcm", "parameters": ("q=3",)}, "found 'q=3'"),
        ({"method": "fcm", "parameters": ("magic=3",)}, "found 'magic=3'"),
        ({"method": "fcm", "parameters": ("tol=small",)}, "like 1e-05"),
        ({"method": "magic"}, "method out of"),
    ],
)
def test_what_a_method_does_not_take_is_refused(settings, found, study):
    with pytest.raises(InputError, match=found):
        segment(study.spect, Settings(**settings))


def test_parameters_have_the_type_of_their_defaults():
    assert own_parameters("fcm", ["bins=500", "max_iter=7", "tol=1"]) == {
        "bins": 500,
        "max_iter": 7,
        "tol": 1.0,
    }
    assert own_parameters("threshold", ["levels=0.1,0.5", "relative=TRUE"]) == {
        "levels": (0.1, 0.5),
        "relative": True,
    }


def test_own_parameters_reach_the_estimator(study):
    settings = Settings(method="fcm", centres="free", mask=False, parameters=("max_iter=1",))
    result = segment(study.spect, settings)
    array = study.spect.array
    expected = FCM(max_iter=1).fit((array - array.min()) / np.ptp(array)).cluster_centers_
    found = result.provenance.parameters["result"]["cluster_centers"]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_method_that_takes_no_channels_says_that_the_ct_was_not_used(study):
    ct = Volume(study.spect.array * 100, study.spect.affine, "CT", "HU")
    beside = segment(Study(spect=study.spect, ct=ct), Settings(method="threshold"))
    assert any("CT was not used" in text for text in beside.provenance.warnings)
    alone = segment(study.spect, Settings(method="threshold"))
    np.testing.assert_array_equal(beside.labels, alone.labels)


def test_clustering_methods_are_those_with_an_estimator():
    assert set(METHODS) - set(clustering_methods()) == {"auto", "model"}


FAMILY = [name for name in clustering_methods() if name not in {"threshold", "gmm", "kmeans"}]


@pytest.mark.parametrize("name", FAMILY)
def test_the_family_finds_bone_and_lesions(name, study):
    """Of float32 images within the body, at fixed centres, with and without a CT."""
    for given in (Study(spect=study.spect), Study(spect=study.spect, ct=study.ct)):
        result = segment(given, Settings(method=name, register=False))
        np.testing.assert_allclose(result.memberships.sum(0), 1, atol=1e-5)
        for k in (1, 2):
            both = np.count_nonzero((result.labels == k) & (study.labels == k))
            sizes = np.count_nonzero(result.labels == k) + np.count_nonzero(study.labels == k)
            assert 2 * both / sizes > 0.6


def test_the_prior_is_what_the_ct_shows(study):
    both = Study(spect=study.spect, ct=study.ct)
    plain = segment(Study(spect=study.spect), Settings(method="rfcm-ct", register=False, beta=1e-3))
    off, on = (
        segment(
            both, Settings(method="rfcm-ct", register=False, beta=1e-3, parameters=(f"gamma={g}",))
        )
        for g in (0, 0.05)
    )
    bone = align(both).ct.array > 300
    before, after = (r.memberships[1:].sum(0)[bone].mean(dtype=float) for r in (off, on))
    assert after > before + 0.1
    seen = plain.labels != 0  # within the mask of the SPECT alone
    assert (off.labels == plain.labels)[seen].mean() > 0.99
    with pytest.raises(InputError, match="found ct_weight"):
        segment(both, Settings(method="rfcm-ct", register=False, ct_weight=1.0))
