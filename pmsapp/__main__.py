"""`python -m pmsapp` is the command `pmsapp`."""

from pmsapp.cli import main

if __name__ == "__main__":
    main()
