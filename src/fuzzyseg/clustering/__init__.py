"""Classical clustering of images, with scikit-learn's conventions.

``fit``, ``predict`` and ``fit_predict`` take an image of any number of axes, not a table of
samples; class k always has the k-th smallest centre.
"""

from fuzzyseg.clustering.fcm import FCM, KMeans
from fuzzyseg.clustering.mixture import GaussianMixture
from fuzzyseg.clustering.rfcm import RFCM
from fuzzyseg.clustering.threshold import Threshold

__all__ = ["FCM", "RFCM", "GaussianMixture", "KMeans", "Threshold"]
