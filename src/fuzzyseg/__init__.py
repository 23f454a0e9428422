"""Bone SPECT/CT segmentation into background, bone and lesion by fuzzy clustering.

Nothing heavy is imported here: import what you need from the submodules, for
example ``from fuzzyseg.clustering import RFCM`` or ``from fuzzyseg.io import read_study``.
"""
