"""One file for each table or figure; `python -m fuzzyseg.experiments.NAME --help`."""
