"""Runs the command line: `python -m sim` is `upstream`."""

from sim.cli import main

if __name__ == "__main__":
    main()
