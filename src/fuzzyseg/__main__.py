"""`python -m fuzzyseg`: the command line."""

import sys

from fuzzyseg.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
