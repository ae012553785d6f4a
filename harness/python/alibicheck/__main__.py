"""The program that the package has, or that is found beside it: `python -m alibicheck`, and the command `alibicheck` where the
package is installed."""
import os
import sys

from ._check import find_program
from ._library import Refused


def main():
    try:
        program = find_program()
        if os.path.realpath(program) == os.path.realpath(sys.argv[0]):  # this command, found on PATH
            raise Refused("program: this package came without one; allowed: $ALIBICHECK with its path")
    except Refused as failure:
        print(f"alibicheck: {failure}", file=sys.stderr)
        sys.exit(2)
    os.execv(program, [program, *sys.argv[1:]])


if __name__ == "__main__":
    main()
