"""From a study to a Segmentation."""

from fuzzyseg.clustering.registry import Method
from fuzzyseg.segmentation.dispatch import segment
from fuzzyseg.segmentation.methods import METHODS
from fuzzyseg.segmentation.settings import Settings
from fuzzyseg.segmentation.summary import summary

__all__ = ["METHODS", "Method", "Settings", "segment", "summary"]
