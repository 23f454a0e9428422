"""Classical clustering of images, with scikit-learn's conventions.

``fit``, ``predict`` and ``fit_predict`` take an image of any number of axes, not a table of
samples; class k always has the k-th smallest centre.
"""

from fuzzyseg.clustering.enhanced import FGFCM, EnFCM
from fuzzyseg.clustering.fcm import FCM, KMeans
from fuzzyseg.clustering.fcm_s import FCM_S, FCM_S1, FCM_S2
from fuzzyseg.clustering.flicm import FLICM
from fuzzyseg.clustering.kfcm import KFCM, KFCM_S
from fuzzyseg.clustering.mixture import GaussianMixture
from fuzzyseg.clustering.pcm import PCM
from fuzzyseg.clustering.rfcm import RFCM
from fuzzyseg.clustering.rfcm_ct import RFCM_CT
from fuzzyseg.clustering.sfcm import SFCM
from fuzzyseg.clustering.threshold import Threshold

__all__ = [
    "FCM",
    "FCM_S",
    "FCM_S1",
    "FCM_S2",
    "FGFCM",
    "FLICM",
    "KFCM",
    "KFCM_S",
    "PCM",
    "RFCM",
    "RFCM_CT",
    "SFCM",
    "EnFCM",
    "GaussianMixture",
    "KMeans",
    "Threshold",
]
