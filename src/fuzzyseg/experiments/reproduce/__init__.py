"""The tables and figures of Chen et al. 2021 on simulated patients: `fuzzyseg reproduce`.

`items/` has an experiment a file: what it needs, and how that is drawn. `plan.py` turns needs into
jobs, whose functions are in `work/`; `fuzzyseg.jobs` computes them once; `page/` writes them down.
"""
