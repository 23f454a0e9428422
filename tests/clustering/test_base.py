"""Parameters, copies and pipelines, by scikit-learn's own tools."""

import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from fuzzyseg import clustering
from fuzzyseg.clustering import FCM, RFCM, GaussianMixture, KMeans, Threshold
from fuzzyseg.errors import InputError

ESTIMATORS = [getattr(clustering, name) for name in clustering.__all__]


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_parameters_are_the_constructors(cls):
    names = set(inspect.signature(cls).parameters)
    assert set(cls().get_params()) == names
    assert all(
        p.kind is inspect.Parameter.KEYWORD_ONLY for p in inspect.signature(cls).parameters.values()
    )
    with pytest.raises(TypeError, match="unexpected keyword"):
        cls(n_classes=3)


def test_k_means_has_no_exponent():
    assert not {"q", "move_centres"} & set(KMeans().get_params())


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_set_params_changes_all_or_nothing(cls):
    model = cls()
    name = next(iter(model.get_params()))
    assert model.set_params(**{name: 7}) is model
    assert model.get_params()[name] == 7
    with pytest.raises(InputError, match=f"parameters of {cls.__name__} out of .*found 'colour'"):
        model.set_params(**{name: 8}, colour=1)
    assert model.get_params()[name] == 7


def test_repr_is_the_call():
    assert repr(FCM()) == "FCM()"
    assert repr(RFCM(beta=0.01, q=2, neighbours="all")) == "RFCM(q=2, beta=0.01)"
    assert repr(Threshold(levels=(0.1, 0.5))) == "Threshold(levels=(0.1, 0.5))"
    array = KMeans(init=np.array([0.0, 1, 2]))
    assert repr(array) == "KMeans(init=array([0., 1., 2.]))"


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_clones_and_pickles_are_equal_and_unfitted(cls):
    model = cls().fit(np.arange(30.0))
    other = clone(model)
    assert other.get_params() == model.get_params()
    assert not hasattr(other, "labels_")
    again = pickle.loads(pickle.dumps(model))  # noqa: S301
    np.testing.assert_array_equal(again.predict(np.arange(30.0)), model.labels_)


@pytest.mark.parametrize("model", [FCM(), KMeans(), GaussianMixture(), RFCM(), Threshold()])
def test_pipeline(model, blobs):
    image = blobs((12, 11))
    piped = make_pipeline(FunctionTransformer(np.sqrt), model)
    found = piped.fit_predict(np.abs(image))
    np.testing.assert_array_equal(found, clone(model).fit_predict(np.sqrt(np.abs(image))))
    np.testing.assert_array_equal(piped.predict(np.abs(image)), model.labels_)


def test_grid_search_finds_the_number_of_classes(rng):
    """Points in rows, channels in columns; scored by the distance of points left out."""
    centres = np.array([[0, 0], [4, 0], [0, 4], [4, 4.0]])
    points = centres[np.arange(120) % 4] + 0.1 * rng.standard_normal((120, 2))

    def score(model, left_out, _=None):
        nearest = model.cluster_centers_[model.predict(left_out)]
        return -np.square(left_out - nearest).sum() - 2 * len(nearest[0]) * model.n_clusters

    search = GridSearchCV(
        FCM(channel_axis=-1, init="k-means++"), {"n_clusters": [2, 3, 4, 5]}, scoring=score
    ).fit(points)
    assert search.best_params_ == {"n_clusters": 4}
    assert search.best_estimator_.cluster_centers_.shape == (4, 2)
