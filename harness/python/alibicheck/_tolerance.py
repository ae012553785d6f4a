"""Which tolerance is right, and what a rule lets pass: `alibicheck tolerance`, the program, from Python."""
import json
import os
import subprocess

from ._arguments import told
from ._check import _cases_of, _options, find_program, plain_error
from ._given import real_of
from ._library import Refused
from ._progress import shown_progress

ENDED = (0, 1)  # exit codes with an answer: the rule is right, it is not
TEXTS = ("key", "class", "name", "combine", "unchanged", "of_lse")  # of an answer; the rest are numbers
LIMITS = ("atol", "rtol", "ratio", "cosine", "nmse", "norm", "lse")


def _words(limits, combine, arithmetic, seeds):
    words = []
    for name, value in limits.items():
        if value is None:
            continue
        try:
            words += [f"--{name}", repr(real_of(value))]
        except (TypeError, ValueError) as failure:
            raise Refused(f"{name} {value!r}: allowed: a number") from failure
    if isinstance(seeds, (bool, str)):
        raise Refused(f"seeds {seeds!r}: allowed: a whole number")
    for option, value in (("combine", combine), ("class", arithmetic), ("seeds", seeds)):
        if value is not None:
            words += [f"--{option}", str(value)]
    return words


def _numbers(answer):
    """An answer with floats where JSON has words: what has no finite number, and is no name."""
    if isinstance(answer, dict):
        return {key: value if key in TEXTS else _numbers(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [_numbers(value) for value in answer]
    return float(answer) if answer in ("inf", "-inf", "nan") else answer


@told
def tolerance(cases, *, atol=None, rtol=None, combine=None, ratio=None, cosine=None, nmse=None, norm=None, lse=None,
              arithmetic=None, seeds=None, only=None, where=None, set=None, program=None):
    """
    Puts faults that kernels have had to a rule that a test accepts outputs by, on the problems of cases, or on that of a
    bundle, and says which of them it lets pass.

    cases       names of shipped cases, paths of case files and folders, one or a list; or the path of a bundle
    atol, rtol  the rule: both, put together as combine says ("sum", "either", "both"), for a share `ratio` of the
                elements; cosine, nmse, norm, of all elements; lse, of each lse, in nats (the tolerance of each point)
    arithmetic  the class whose outputs the rule has to accept, "f32+weights16" ("f32")
    seeds       how many the point's own kernel is run on, to see what it needs (100, fewer of large problems)
    only, where, set    as check_kernel has them
    program     the path of alibicheck ($ALIBICHECK, the package's own, PATH, beside the library)

    Returns a list of dicts, one a problem, as `alibicheck tolerance --json` prints them: "faults" and "sound", a dict each
    with its "name", whether it is "accepted" and what it "needs"; "unchanged", the faults that change nothing there;
    "least_fault", what the rule may be multiplied by before it accepts the first fault that can be told from what is
    sound, and "most_sound", what it has to be multiplied by for that. What cannot be raises alibicheck.Refused.
    Where sys.stderr is a terminal, a line there shows how far it has come.
    """
    program = find_program(program)
    limits = dict(zip(LIMITS, (atol, rtol, ratio, cosine, nmse, norm, lse)))
    words = [program, "tolerance", *_cases_of(cases, program), "--json", *_words(limits, combine, arithmetic, seeds),
             *_options(only, where, set, None)]
    with shown_progress() as (shown, terminal):
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              env={**os.environ, **shown}, pass_fds=terminal)
    if done.returncode not in ENDED:
        text = plain_error(done.stderr)
        raise (Refused if done.returncode == 2 else OSError)(text or f"alibicheck ended with {done.returncode}")
    return [_numbers(json.loads(line)) for line in done.stdout.splitlines()]
