"""The programs that docs/python.md shows."""
import os
import re
import subprocess
import sys

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "docs", "python.md")
BLOCK = r"((?:    .*\n|\n(?=    ))+)"


def run(name, folder):
    """What the page says that the program saved under a name prints, and what it prints."""
    with open(PAGE, encoding="utf-8") as file:
        blocks = re.search(BLOCK + rf"\nSaved as `{name}`.*\n\n" + BLOCK, file.read())
    program, output = (re.sub(r"^    ", "", block, flags=re.M) for block in blocks.groups())
    path = folder / name
    path.write_text(program)
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    return output.splitlines(), (done.stdout + done.stderr).splitlines()


def without_figures(lines):
    """Those of a machine are not those of another."""
    return [re.sub(r"[-+0-9.e]*[0-9][-+0-9.e]*", "#", line) for line in lines]
