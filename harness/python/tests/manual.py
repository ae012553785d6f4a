"""The programs that docs/python.md and docs/judge.md show."""
import os
import re
import subprocess
import sys

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "docs")
PAGE = os.path.join(DOCS, "python.md")
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


def run_judge(program, folder):
    """What docs/judge.md says that its first commands print, and what they print."""
    with open(os.path.join(DOCS, "judge.md"), encoding="utf-8") as file:
        blocks = re.search(rf"`tensors.py`:\n\n{BLOCK}\n[^\n]*:\n\n{BLOCK}\nIt prints:\n\n{BLOCK}", file.read())
    tensors, commands, output = (re.sub(r"^    ", "", block, flags=re.M) for block in blocks.groups())
    (folder / "tensors.py").write_text(tensors)
    printed = ""
    for first, *words in map(str.split, commands.splitlines()):
        runs = {"python3": sys.executable, "alibicheck": program}[first]
        done = subprocess.run([runs, *words], capture_output=True, text=True, check=False, cwd=folder)
        printed += done.stdout + done.stderr
    return output.splitlines(), printed.splitlines()


def without_figures(lines):
    """Those of a machine are not those of another."""
    return [re.sub(r"[-+0-9.e]*[0-9][-+0-9.e]*", "#", line) for line in lines]
