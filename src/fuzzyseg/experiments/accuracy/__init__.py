"""How well models do on cohorts of simulated patients: tables, curves and pictures.

    python -m fuzzyseg.experiments.accuracy -o OUT --models spect spect-ct --cohorts COHORT...

What a model predicted is kept in OUT/predictions, so a run that stopped goes on.
"""
