"""Simulated SPECT/CT with known truth: phantom, scanner, reconstruction.

The physics runs protocol -> geometry -> projector and scatter -> scan -> reconstruction; import
what you need from there, for example ``from fuzzyseg.simulation.scan import acquire``.
"""
