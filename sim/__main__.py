"""Runs the command line: `python -m sim` is `upstream`."""

import os
import sys

if __name__ == "__main__":
    # Python puts the current folder first in the search path. A file in it, such as numpy.py, is not part of Upstream.
    if not sys.flags.safe_path and sys.path[0] != os.path.dirname(os.path.dirname(__file__)):  # noqa: PTH120  # pathlib takes longer to import
        del sys.path[0]
    from sim.cli import main

    main()
