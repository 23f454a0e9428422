"""The scanners that come with the package, one a file; `scanner/registry.py` lists them."""
