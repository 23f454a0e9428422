"""How near measures are to the truth: `python -m fuzzyseg.experiments.quantification`."""
