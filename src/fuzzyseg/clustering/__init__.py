"""Classical clustering of images, with scikit-learn's conventions.

``fit``, ``predict`` and ``fit_predict`` take an image of any number of axes, not a table of
samples; class k always has the k-th smallest centre.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.clustering.registry import CLUSTERINGS
from fuzzyseg.lazy import exports, lazily

if TYPE_CHECKING:
    from fuzzyseg.clustering.registry import *  # noqa: F403

_MODULES = exports(__name__, (method.estimator for method in CLUSTERINGS.values()))
__all__ = [*_MODULES]  # noqa: PLE0604
__getattr__, __dir__ = lazily(__name__, _MODULES)
