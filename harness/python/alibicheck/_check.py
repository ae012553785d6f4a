"""Running cases on a function: `alibicheck run --kernel-pipes`, whose other ends are here."""
import collections
import contextlib
import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

import numpy as np

from . import _library as lib
from ._arguments import told, told_as
from ._kernel import Kernel, converse
from ._library import Refused
from ._progress import shown_progress

PIPE_BYTES = 1 << 20
F_SETPIPE_SZ = 1031  # Linux; fcntl has it from Python 3.10 on
PATIENCE_S = 5       # for the program to end once it is to
LONG_S = 10 ** 6     # a function of this process cannot be ended, so that nothing is gained by giving up on it
GONE = "has ended, and cannot be started again"  # what the program says of us once it has given up
AS_EXPECTED = ("pass", "xfail")
INTERRUPTED = 130    # exit code
CAUSES_NAMED = 3


# ---- the program ---------------------------------------------------------------------------------------------------

def find_program(program=None):
    """The path of the program alibicheck: the one named, $ALIBICHECK's, the package's own, that on PATH, or that of the
    library's folder."""
    named = program if program is not None else os.environ.get("ALIBICHECK")
    if named:
        found = shutil.which(os.fspath(named))
        if not found:
            raise Refused(f"{'program' if program is not None else '$ALIBICHECK'} {os.fspath(named)!r}: is no program")
        return os.path.abspath(found)
    folder = os.path.dirname(os.path.realpath(os.path.join(lib.folder, "libalibicheck.so.0"))) if lib.folder else ""
    beside = [os.path.join(folder, "alibicheck"), os.path.join(os.path.dirname(folder), "bin", "alibicheck")]
    own = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "alibicheck")
    for path in [own, shutil.which("alibicheck")] + (beside if folder else []):
        if path and os.access(path, os.X_OK) and os.path.isfile(path):
            return os.path.abspath(path)
    raise Refused("program: alibicheck is not found; allowed: a path, $ALIBICHECK, a program of this name on PATH or beside "
                  "libalibicheck.so.0 (`make` builds it)")


def _cases_of(cases, program):
    """Words for the command line. The name of a shipped case is that of the program's checkout, too."""
    paths = [cases] if isinstance(cases, (str, os.PathLike)) else list(cases)
    if not paths:
        raise Refused("cases: there is none; allowed: paths of case files and folders, or names of shipped ones")
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(program))), "cases")
    words = []
    for path in map(os.fspath, paths):
        in_checkout = [os.path.join(folder, re.sub("^cases/", "", path)) + end for end in ("", ".yaml")]
        found = [name for name in in_checkout if os.path.exists(name)]
        is_name = re.match(r"[A-Za-z0-9]", path) and not os.path.exists(path)
        words.append(found[0] if is_name and found else path if not path.startswith("-") else os.path.join(".", path))
    return words


def _value(value):
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple, range)):
        return "[" + ",".join(map(_value, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _options(only, where, set_, oracles):
    words = []
    for option, value in (("--only", only), ("--where", where)):
        for item in [value] if isinstance(value, str) else value or ():
            words += [option, str(item)]
    settings = set_.items() if hasattr(set_, "items") else None
    items = [f"{key}={_value(value)}" for key, value in settings] if settings is not None else \
        [set_] if isinstance(set_, str) else list(set_ or ())
    if oracles is not None and not any(str(item).startswith("oracles=") for item in items):
        items.append(f"oracles={_value(oracles)}")
    for item in items:
        words += ["--set", str(item)]
    return words


def _timeout(timeout):
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout > 0):
        raise Refused(f"timeout {timeout!r}: allowed: seconds, above 0")
    return ["--kernel-timeout", repr(float(LONG_S if timeout is None else timeout))]


def _results_path(results, resume):
    """Where records are kept, whole: the program's standard output is not ours. None: nowhere."""
    if results is None:
        if resume:
            raise Refused("resume: there is no file to go on with; allowed: with results=PATH")
        return None
    if not isinstance(results, (str, bytes, os.PathLike)):
        raise Refused(f"results {results!r}: allowed: the path of a file")
    path = os.path.abspath(os.fsdecode(results))
    if "\0" in path or (os.path.exists(path) and not os.path.isfile(path)):
        raise Refused(f"results {os.fsdecode(results)!r}: allowed: the path of a file")
    return path


class _Bundles:
    """A folder that is to have what fails: the argument's, or of the running test what pytest's options ask for."""

    def __init__(self, bundles):
        plugin = sys.modules.get("alibicheck_pytest")
        self.kind, self.folder, self.is_own = "bundle", None, bundles is None
        if bundles is None:
            for self.kind, path in plugin.bundles().items() if plugin else ():
                self.folder = os.path.abspath(path.removesuffix(".safetensors"))
        elif not isinstance(bundles, (str, bytes, os.PathLike)) or not os.fspath(bundles) or b"\0" in os.fsencode(bundles):
            raise Refused(f"bundles {bundles!r}: allowed: the path of a folder")
        else:
            self.folder = os.path.abspath(os.fsdecode(bundles))
        self.before = self._files()

    def _files(self):
        """What is there, and as of when."""
        if not self.folder:
            return {}
        try:
            with os.scandir(self.folder) as entries:
                return {entry.name: entry.stat().st_mtime_ns for entry in entries}
        except OSError:  # not there yet
            return {}

    def words(self):
        return [f"--{self.kind.replace('_', '-')}", self.folder, "--keep-failed", "all"] if self.folder else []

    def line(self):
        """What a report says of it, once the run is over. A folder that nobody named is there where it has something."""
        there = self._files()
        if self.folder and self.is_own and not there:
            with contextlib.suppress(OSError):
                os.rmdir(self.folder)
        files = sorted(name for name, made in there.items() if self.before.get(name) != made)
        if not files:
            return ""
        first = shlex.quote(os.path.join(self.folder, files[0]))
        return f"what failed is kept in {self.folder}; to judge it again: alibicheck judge {first}"


# ---- the run -------------------------------------------------------------------------------------------------------

def _pipe():
    ends = os.pipe()
    try:
        fcntl.fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES)  # faster, where it is allowed
    except OSError:
        pass
    return ends


class _Files:
    """What a program writes: files without a name, so that none stays behind however this process ends. (Without /dev/fd,
    where nobody could open them, they have one.) .paths, by which they are opened."""

    def __init__(self, *names):
        make = tempfile.TemporaryFile if os.path.isdir("/dev/fd") else tempfile.NamedTemporaryFile
        self.files = {}
        try:
            for name in names:
                self.files[name] = make(prefix="alibicheck-")
        except BaseException:
            self.__exit__()
            raise
        self.paths = {name: f"/dev/fd/{file.fileno()}" if make is tempfile.TemporaryFile else file.name
                      for name, file in self.files.items()}

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        for file in self.files.values():
            file.close()


class _Run:
    """The program as a child that launches kernels through pipes. It has a session of its own: Ctrl-C is ours to answer."""

    def __init__(self, program, words, written, results=None):
        """The records go to the file `results`, by default one of those written, as each point ends."""
        self.paths = dict(written.paths)
        self.paths["records"] = results or self.paths["records"]
        self._before = self._stamp()
        self.source, theirs_to = _pipe()
        theirs_from, self.to = _pipe()
        self.pipes = f"{theirs_to},{theirs_from}"
        words = ["alibicheck", "run", *words, "--quiet", "--kernel-pipes", self.pipes, "--results", self.paths["records"]]
        environment = {"OMP_WAIT_POLICY": "passive", **os.environ}  # its threads wait for the function most of the time
        try:
            with shown_progress() as (shown, terminal):
                theirs = (theirs_to, theirs_from, written.files["records"].fileno(), *terminal)
                self.process = subprocess.Popen(words, executable=program, stdin=subprocess.DEVNULL, stdout=written.files["out"],
                                                stderr=written.files["err"], env={**environment, **shown}, pass_fds=theirs,
                                                start_new_session=True)
        except BaseException:
            self._close()
            raise
        finally:
            os.close(theirs_to)
            os.close(theirs_from)

    def _close(self):
        os.close(self.to)
        os.close(self.source)

    def __enter__(self):
        return self

    def __exit__(self, kind, failure, frames):
        """
        Ends the program, which has ended already where all went well. Its pipes are closed when it has gone: that a kernel
        is no more is a failure of the point in work, and it is none.
        """
        try:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGINT)
            self.process.wait(PATIENCE_S)
        except BaseException as failure:  # pylint: disable=broad-except  # Ctrl-C once more, perhaps
            self.process.kill()
            self.process.wait()
            if not isinstance(failure, subprocess.TimeoutExpired):
                raise
        finally:
            self._close()

    def serve(self, kernel):
        """Answers launches until the program has ended; its exit code."""
        converse(kernel, self.to, self.source)
        return self.process.wait()

    def text(self, name):
        try:
            with open(self.paths[name], encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def _stamp(self):
        """What is there under the name of the records."""
        try:
            status = os.stat(self.paths["records"])
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def records_read(self):
        """All that are whole: of a program that was killed while it wrote one the last is not. Of one that has refused what
        it was told those of an earlier run are still there, and none of its."""
        if not self.text("out") and self._stamp() == self._before:
            return []
        return [json.loads(line) for line in self.text("records").splitlines(keepends=True) if line.endswith("\n")]


# ---- what came of it -----------------------------------------------------------------------------------------------

def _as_call(match, name, given):
    """A command line that runs a point again, as a call, with what else was given."""
    words, paths, options = iter(shlex.split(match[1])), [], {"--only": [], "--set": []}
    for word in words:
        option, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if option in options:
            options[option].append(value if equals else next(words))
        elif not option.startswith("--"):
            paths.append(word)
    options["--set"] = [item for item in options["--set"] if item != "oracles=all"]  # the default
    facts = [f"{option[2:]}={(values[0] if len(values) == 1 else values)!r}" for option, values in options.items() if values]
    facts += [f"{key}={value!r}" for key, value in given.items()]
    return f"check_kernel({', '.join([name, repr(paths[0] if len(paths) == 1 else paths)] + facts)})"


def _message(text, name, given, pipes):
    """The program's table, of which what is said to a shell is said to Python."""
    lines = []
    for line in text.rstrip("\n").splitlines():
        line = re.sub(r"; to see it: alibicheck run .*$", "", line.replace(f"--kernel-pipes {pipes}", f"function {name}"))
        lines.append(re.sub(r"alibicheck run (.*)$", lambda match: _as_call(match, name, given), line))
    return "\n".join(lines)


def _cause(record):
    """What a point that did not end as expected is counted by."""
    violated = [name for name, outcome in (record["oracles"] or {}).items() if outcome == "violated"]
    signature = record["signature"] if record["status"] == "fail" else None
    return signature if signature not in (None, "none") else f"oracle {violated[0]}" if violated else record["status"]


class KernelReport:
    """
    What came of running cases on a function: `.passed`, also as bool(); `.records`, a dict each with the fields of a record
    (`alibicheck list record-fields`); `.failures` and `.skipped`, those of them; `.tracebacks`, of what the function raised;
    str() the message.
    """

    def __init__(self, kernel, given, run, code, bundles):
        self.name, self.records = kernel.name, run.records_read()
        self.tracebacks = list(kernel.tracebacks.values())
        self.skipped = [record for record in self.records if record["status"] == "skip"]
        self.failures = [record for record in self.records if record["status"] not in AS_EXPECTED + ("skip",)]
        self.passed = code == 0
        self._takes = f"{', '.join(kernel.takes)}, as {'takes says' if 'takes' in given else 'the names of its parameters say'}"
        self._table = _message(run.text("out"), self.name, given, run.pipes)
        self._kept = re.findall(r"(?m)^alibicheck: (\d+ of \d+ points are kept from .*)$", run.text("err"))
        self._bundles = bundles.line()
        self._notes = run.text("err").replace(f"--kernel-pipes {run.pipes}", f"function {self.name}").rstrip("\n") \
            if code not in (0, 1) else ""

    def __bool__(self):
        return self.passed

    def _headline(self):
        """A line that tells two failures apart."""
        judged, failed = len(self.records) - len(self.skipped), len(self.failures)
        if not failed:
            return f"kernel {self.name}"
        causes = [f"{cause} {count}" for cause, count in collections.Counter(map(_cause, self.failures)).most_common(CAUSES_NAMED)]
        return f"kernel {self.name}: {failed} of {judged} points not as expected: {', '.join(causes)}"

    def __str__(self):
        lines = [self._table]
        if self.records and len(self.skipped) == len(self.records):
            lines.append(f"nothing was judged: the function takes none of the points; it takes {self._takes}")
        lines += [f"{line}, of the function as it was then" for line in self._kept]
        return "\n".join(line for line in lines + [self._bundles, self._notes] + self.tracebacks if line)

    def __repr__(self):
        return f"<alibicheck.KernelReport: {self.name}, {'passed' if self.passed else 'failed'}, {len(self.records)} points," \
               f" {len(self.failures)} failures, {len(self.skipped)} skipped>"


def _tell_plugin(report):
    plugin = sys.modules.get("alibicheck_pytest")
    for watch in plugin.watches if plugin else ():
        for record in report.records:
            if record["status"] == "skip":
                continue
            right = record["status"] in AS_EXPECTED
            watch.add((right, not right, record["max_ulp_err"] if record["status"] == "pass" else -1.0,
                       f"{record['dtype']}, in {watch.test}"))


@told
def check_kernel(function, cases="seed", *, takes=None, name=None, arithmetic=None, head_dims=None, page_sizes=None,
                 max_seq_len=None, tensors="numpy", device=None, only=None, where=None, set=None, oracles="all", timeout=None,
                 results=None, resume=False, bundles=None, program=None):
    """
    Runs cases on a function, as `alibicheck run` runs them on a kernel, with every oracle that can be put to it.

    The function is called in this process as function(q, k, v, *, scale, slopes, ...) and returns out, or (out, lse). q and
    out are [H, D], k and v [N, Hkv, D], lse f32 [H]; out has the dtype of q.

    cases       names of shipped cases, paths of case files and folders, one or a list
    takes       what the function takes, words in a list or with commas between them; what it does not take is skipped:
                f16, bf16, f32: of q and out; e4m3, e5m2, e4m3fnuz: of k and v, gives k_scale and v_scale
                gqa: fewer KV heads than heads; queries: q and out are [Q, H, D], lse [Q, H]
                alibi: gives slopes [H]; position: gives q_position and kv_offset; mask: gives mask, bool [N] or None
                soft_cap, cap_biased: give a number or None; sink_logits: gives [H] or None
                batch: everything has an axis more in front, k and v are [B, N, Hkv, D] with seq_lens [B] keys of each
                pages: where a case has page_size, k and v are pools [P, page_size, Hkv, D], and it gives block_table, i32
                [M], or [B, M] with batch, else None, and seq_lens, how many keys; only_pages: no other k and v
                strides: q, k and v may be views with gaps between rows; unaligned: that begin at any element
                lse, lse_base2: it returns (out, lse); same_bits: a row has the same bits whatever stands beside it
                (default: f16, bf16, f32, gqa, and what the names of the function's parameters say)
    name        of the kernel in records (the function's)
    arithmetic  a class that it is meant to be in, "f32+weights16", by whose bound it is then judged, too
    head_dims, page_sizes   those that it takes (all)
    max_seq_len the most keys that it takes (any number)
    tensors     of what library arrays are: "numpy", with ml_dtypes for bf16 and fp8, or "torch"; or a function that makes
                one of NumPy's array
    device      with "torch": where they are, "cuda"
    only, where, set    as the options of `alibicheck run`: one or a list; set may be {"seq_len": [1, 4096]}
    oracles     what the function must hold beside the numbers, `alibicheck list oracles` (all; None: what the cases say)
    timeout     seconds for a launch: what takes longer has failed, and ends the run (none)
    results     a file that is to have the records, each as its point ends; it is replaced, as by `run --results`
    resume      go on with that file: what it has is kept, of the function as it was then, and the rest is run
    bundles     a folder that is to have each point that does not end as expected, inputs and output in one file, which
                `alibicheck judge FILE` judges again without the function (pytest: what its --alibicheck-bundles says)
    program     the path of alibicheck ($ALIBICHECK, the package's own, PATH, beside the library)

    Returns a KernelReport. What the function raises is its point's failure, and the run goes on. Ctrl-C ends it: the
    KeyboardInterrupt has `.report`, a KernelReport of the points until then. What cannot be raises alibicheck.Refused, a
    ValueError. Where sys.stderr is a terminal, a line there shows how far the run has come.
    """
    program = find_program(program)
    kernel = Kernel(function, name=name, takes=takes, arithmetic=arithmetic, head_dims=head_dims,
                    page_sizes=page_sizes, max_seq_len=max_seq_len, tensors=tensors, device=device)
    given = {"takes": takes, "name": name, "arithmetic": arithmetic, "head_dims": head_dims, "page_sizes": page_sizes,
             "max_seq_len": max_seq_len, "tensors": None if tensors == "numpy" else tensors, "device": device}
    given = {key: value for key, value in given.items() if value is not None}
    path = _results_path(results, resume)
    words = _cases_of(cases, program) + _options(only, where, set, oracles) + _timeout(timeout)
    kept = _Bundles(bundles)
    words += kept.words()
    words += ["--resume", "--any-build"] if resume else []
    with _Files("records", "out", "err") as written:
        run = _Run(program, words, written, path)
        try:
            with run:
                code = run.serve(kernel)
        except KeyboardInterrupt as interrupt:
            _tell_interrupt(interrupt, KernelReport(kernel, given, run, INTERRUPTED, kept), results)
            raise
        report = KernelReport(kernel, given, run, code, kept)
        text = run.text("err").strip()
        if code == INTERRUPTED and GONE not in text:  # it was sent to the program
            raise _tell_interrupt(KeyboardInterrupt(), report, results)
        if not report.records or code not in (0, 1, 2, 3, INTERRUPTED):
            _raise_for(code, text)
    _tell_plugin(report)
    return report


@told_as(check_kernel)
def assert_kernel(function, cases="seed", **what):
    """Runs cases on a function as check_kernel does, and raises an AssertionError that says what is wrong. Returns the
    KernelReport."""
    __tracebackhide__ = True  # pytest shows the line that calls
    report = check_kernel(function, cases, **what)
    if not report:
        raise AssertionError(f"{report._headline()}\n{report}")
    return report


def plain_error(text):
    """What the program said of an error, without what is for a shell alone."""
    return re.sub(r"(?m)^alibicheck(?: [a-z]+)?: |^Try `.*\n?|^information\.\n?", "", text).strip()


def _tell_interrupt(interrupt, report, results):
    """Has the exception say what was done, and where it is: nothing of it is lost."""
    count = len(report.records)
    text = f"{count} point{'' if count == 1 else 's'} on function {report.name} {'was' if count == 1 else 'were'} done"
    if count:
        text += "; .report of this exception has the records"
    if count and results is not None:
        text += f", and so has {os.fsdecode(results)}, with which resume=True goes on"
    interrupt.report, interrupt.args = report, (*interrupt.args, text)
    return interrupt


def _raise_for(code, text):
    text = plain_error(text)
    if code < 0:
        raise OSError(f"alibicheck was killed by signal {-code}{': ' + text if text else ''}")
    raise (Refused if code == 2 else OSError)(text or f"alibicheck ended with exit code {code}, and without a record")
