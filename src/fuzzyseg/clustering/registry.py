"""The clustering methods there are: the one list that `fuzzyseg segment`, `info` and exports read.

A method is an estimator in its own file and a line here; it is imported when it is used.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fuzzyseg.clustering.threshold import CT_LEVELS
from fuzzyseg.lazy import load

if TYPE_CHECKING:  # what `fuzzyseg.clustering` exports; at run time the table below says so
    from collections.abc import Mapping

    from fuzzyseg.clustering.enhanced import FGFCM as FGFCM
    from fuzzyseg.clustering.enhanced import EnFCM as EnFCM
    from fuzzyseg.clustering.fcm import FCM as FCM
    from fuzzyseg.clustering.fcm import KMeans as KMeans
    from fuzzyseg.clustering.fcm_s import FCM_S as FCM_S
    from fuzzyseg.clustering.fcm_s import FCM_S1 as FCM_S1
    from fuzzyseg.clustering.fcm_s import FCM_S2 as FCM_S2
    from fuzzyseg.clustering.flicm import FLICM as FLICM
    from fuzzyseg.clustering.kfcm import KFCM as KFCM
    from fuzzyseg.clustering.kfcm import KFCM_S as KFCM_S
    from fuzzyseg.clustering.mixture import GaussianMixture as GaussianMixture
    from fuzzyseg.clustering.pcm import PCM as PCM
    from fuzzyseg.clustering.rfcm import RFCM as RFCM
    from fuzzyseg.clustering.rfcm_ct import RFCM_CT as RFCM_CT
    from fuzzyseg.clustering.sfcm import SFCM as SFCM
    from fuzzyseg.clustering.threshold import Threshold as Threshold


@dataclass(frozen=True)
class Method:
    """One way to segment.

    Parameters
    ----------
    about : str
        One line for people.
    estimator : str
        "module:Class" of an estimator, which may be another package's; "" for what is no
        clustering. The parameters of its constructor decide which settings it reads, whether it
        takes a CT beside a SPECT (`channel_axis`), and whether the number of classes can be chosen
        (`n_clusters`).
    of_ct : mapping
        Arguments of the constructor for a CT by itself.
    whole : bool
        It sees the whole image in its own unit, not the body scaled to [0, 1].
    prior : bool
        A CT beside a SPECT is no channel of intensities but says where bone is, 0 to 1.
    typicalities : bool
        Its memberships need not sum to 1: a segmentation holds their shares.
    """

    about: str
    estimator: str = ""
    of_ct: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False
    prior: bool = False
    typicalities: bool = False

    def load(self) -> Any:
        """Class of the estimator."""
        return load(self.estimator)

    def takes(self) -> dict[str, inspect.Parameter]:
        """Parameters of the estimator's constructor, by name."""
        return dict(inspect.signature(self.load()).parameters) if self.estimator else {}


_HERE = "fuzzyseg.clustering"
CLUSTERINGS: dict[str, Method] = {
    "rfcm": Method("robust fuzzy c-means: with a spatial penalty", f"{_HERE}.rfcm:RFCM"),
    "rfcm-ct": Method(
        "rfcm that favours bone and lesion where the CT shows bone",
        f"{_HERE}.rfcm_ct:RFCM_CT",
        prior=True,
    ),
    "fcm": Method("fuzzy c-means", f"{_HERE}.fcm:FCM"),
    "fcm-s": Method("fcm that counts each voxel's neighbours too", f"{_HERE}.fcm_s:FCM_S"),
    "fcm-s1": Method("fcm that counts the neighbourhood's mean too", f"{_HERE}.fcm_s:FCM_S1"),
    "fcm-s2": Method("fcm that counts the neighbourhood's median too", f"{_HERE}.fcm_s:FCM_S2"),
    "enfcm": Method("fcm of a locally averaged image", f"{_HERE}.enhanced:EnFCM"),
    "fgfcm": Method("fcm of an image averaged over similar neighbours", f"{_HERE}.enhanced:FGFCM"),
    "flicm": Method("fcm with a spatial penalty that needs no weight", f"{_HERE}.flicm:FLICM"),
    "kfcm": Method("fcm in the feature space of a Gaussian kernel", f"{_HERE}.kfcm:KFCM"),
    "kfcm-s": Method("kfcm with a spatial penalty", f"{_HERE}.kfcm:KFCM_S"),
    "sfcm": Method("fcm, with memberships multiplied by those of the window", f"{_HERE}.sfcm:SFCM"),
    "pcm": Method("possibilistic c-means", f"{_HERE}.pcm:PCM", typicalities=True),
    "kmeans": Method("K-means", f"{_HERE}.fcm:KMeans"),
    "gmm": Method("Gaussian mixture", f"{_HERE}.mixture:GaussianMixture"),
    "threshold": Method(
        "fixed thresholds: 2% and 42% of the maximum (SPECT), 400 HU (CT)",
        f"{_HERE}.threshold:Threshold",
        of_ct={"levels": CT_LEVELS, "relative": False},
        whole=True,
    ),
}
