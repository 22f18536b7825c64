"""`python -m tinylog`."""

import sys

from tinylog.cli import main

if __name__ == "__main__":
    sys.exit(main())
