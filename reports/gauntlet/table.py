"""Tables of reports/gauntlet.md, of the records beside this file: table.py files | f32 | situations | bugs | plugins."""
import glob
import gzip
import json
import os
import re
import sys
from collections import Counter, defaultdict

FOLDER = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(os.path.dirname(os.path.dirname(FOLDER)), "cases/gauntlet")


def records_of(part):
    with gzip.open(os.path.join(FOLDER, part + ".jsonl.gz"), "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def files():
    """The situations of each file, by the name of the file without its number."""
    found = {}
    for path in sorted(glob.glob(CASES + "/*.yaml")):
        with open(path, encoding="utf-8") as file:
            found[os.path.basename(path)[3:-5]] = re.findall(r"^case: (\S+)$", file.read(), re.M)
    return found


def row(cells):
    print("| " + " | ".join(cells) + " |")


def head(titles, right=0):
    row(titles)
    print("|" + "---|" * (len(titles) - right) + "---:|" * right)


def failing(records):
    return [record for record in records if record["status"] == "fail"]


def counted(fails, of):
    return f"{len(failing(of))}/{len(of)}" if fails else f"-/{len(of)}"


def by(records, *fields):
    groups = defaultdict(list)
    for record in records:
        groups[tuple(record[field] for field in fields)].append(record)
    return groups


def matrix():
    records = [record for record in records_of("recipes") if record["dtype"] != "f32"]
    file_of = {case: name for name, cases in files().items() for case in cases}
    for record in records:
        record["file"] = file_of[record["case"]]
    totals = {name: len(of) for (name, recipe), of in by(records, "file", "recipe").items()}
    names = [name for name in files() if name in totals]  # what is newer than the records was not asked
    head(["recipe", "kernel", *names], len(names))
    row(["points of each", "", *(str(totals[name]) for name in names)])
    cells = {key: len(failing(of)) for key, of in by(records, "recipe", "file").items()}
    for (recipe, kernel) in sorted(by(records, "recipe", "kernel")):
        row([f"`{recipe}`", f"`{kernel}`", *(str(cells[recipe, name] or "") for name in names)])


def f32():
    """Recipes by what their f32 points are: none fails, or how many as what."""
    groups = defaultdict(list)
    for (recipe,), of in by([record for record in records_of("recipes") if record["dtype"] == "f32"], "recipe").items():
        names = Counter(record["signature"] for record in failing(of))
        row_of = f"{len(failing(of))} of {len(of)}", ", ".join(f"{count} `{name}`" for name, count in names.most_common())
        groups[row_of].append(recipe)
    head(["recipes", "points that fail", "as"])
    for (count, names), recipes in sorted(groups.items(), key=lambda item: int(item[0][0].split()[0])):
        row([" ".join(f"`{recipe}`" for recipe in sorted(recipes)), count, names])


def who(groups):
    """The recipes of a signature: those all of whose points fail so, and the others with their share."""
    return ", ".join(f"{name}" + ("" if count == total else f" {count}/{total}") for name, count, total in sorted(groups))


def named_by(records):
    return " ".join(sorted({bug for record in records for bug in (record["known_bugs"] or "").split()}))


def situations():
    records = [record for record in records_of("recipes") if record["dtype"] != "f32"]
    totals = {key: len(of) for key, of in by(records, "case", "recipe").items()}
    head(["situation", "as", "known bugs that it says", "recipes"])
    for (case, signature), of in by(failing(records), "case", "signature").items():
        row([f"`{case}`", f"`{signature}`", named_by(of),
             who([(recipe, len(some), totals[case, recipe]) for (recipe,), some in by(of, "recipe").items()])])


def places(fails, totals, name):
    """Where a bug fails, by the signature: the number of situations, and which, where they are few."""
    cells = []
    for (signature,), of in by(fails, "signature").items():
        cases = sorted({record["case"] for record in of})
        cells.append(f"`{signature}` in " + (", ".join(cases) if len(cases) < 4 else f"{len(cases)} situations"))
    return "; ".join(cells)


def bugs_of(part):
    records = records_of(part)
    head(["bug", "kernel", "points that fail", "as itself in", "and"], 0)
    groups = by(records, "recipe", "kernel")
    number = lambda name: [int(word) if word.isdigit() else word for word in re.split(r"(\d+)", name.lower())]
    for (name, kernel), of in sorted(groups.items(), key=lambda item: number(item[0][0])):
        fails = failing(of)
        names = set(name.upper().split("-"))
        own = [record for record in fails if names & set((record["known_bugs"] or "").split())]
        other = [record for record in fails if record not in own]
        row([name.upper().replace("-", " "), f"`{kernel}`", f"{len(fails)} of {len(of)}", places(own, of, name), places(other, of, name)])


def plugins():
    records = records_of("plugins")
    head(["form", "points that fail", "known bugs that it says", "as"])
    for (name,), of in by(records, "recipe").items():
        fails = failing(of)
        told = Counter(bug for record in fails for bug in (record["known_bugs"] or "").split())
        row([f"`{name}`", f"{len(fails)} of {len(of)}", " ".join(bug for bug, _ in told.most_common()), places(fails, of, name)])


{"files": matrix, "f32": f32, "situations": situations, "bugs": lambda: bugs_of("bugs"), "plugins": plugins}[sys.argv[1]]()
