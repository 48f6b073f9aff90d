"""`python -m zen_native`: the command line."""

import sys

from zen_native.cli import main

if __name__ == "__main__":
    sys.exit(main())
