"""From a study to a Segmentation."""

from fuzzyseg.segmentation.dispatch import segment
from fuzzyseg.segmentation.settings import METHODS, Settings
from fuzzyseg.segmentation.summary import summary

__all__ = ["METHODS", "Settings", "segment", "summary"]
