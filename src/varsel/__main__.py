"""`python -m varsel`: the command `varsel`, for where its script is not on the path."""

import sys

from varsel.cli import main

if __name__ == "__main__":
    sys.exit(main())
