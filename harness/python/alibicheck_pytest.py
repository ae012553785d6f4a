"""
pytest plug-in: the fixture `alibicheck`, and a line at the end that says what was judged.

    def test_decode(alibicheck):
        alibicheck.assert_attention(my_kernel(q, k, v), q=q, k=k, v=v, layout="NHD", scale="rsqrt", slopes="bloom")

An output that is judged without the fixture is counted, too. A run that judges nothing does not load the package.
"""
import hashlib
import json
import os
import re

import pytest

# Called with each verdict that alibicheck.judge reaches: those of the sessions that go on.
watches = []


# Bundles by the option that asks for them: what judge calls them, and what their names end in.
KINDS = {"--alibicheck-bundles": ("bundle", ""), "--alibicheck-bundles-without-kv": ("bundle_without_kv", ".without-kv"),
         "--alibicheck-private-bundles": ("private_bundle", ".private")}
RESULTS = "--alibicheck-results"


class _Watch:
    """Counts verdicts, and remembers the largest error of those that are right."""

    def __init__(self, option, folder, results, is_worker):
        """The folder is made at once, and the file emptied: a run whose bundles or records could not be kept is not begun."""
        self.option, self.folder, self.bundles, self.home = option, folder, 0, os.getcwd()
        self.results, self.judged, self.lost = results and os.path.abspath(results), 0, ""
        if results and not is_worker:
            try:
                with open(self.results, "wb"):
                    pass
            except OSError as failure:
                raise pytest.UsageError(f"{RESULTS} {results}: cannot be written: {failure.strerror}") from failure
        if folder is not None:
            try:
                os.makedirs(folder, exist_ok=True)
            except OSError as failure:
                raise pytest.UsageError(f"{option} {folder}: no such folder can be made: {failure.strerror}") from failure
        self.right = self.wrong = 0
        self.ulp, self.of = -1.0, ""
        self.test = ""

    def __call__(self, verdict):
        self.judged += 1
        if self.results:
            self._write([sequence.record for sequence in verdict.sequences])
        for sequence in verdict.sequences:
            ulp = sequence.record["max_ulp_err"]
            of = f"{sequence.record['dtype']}, in {self.test}"
            self.add((sequence.passed, not sequence.passed, ulp if sequence.passed else -1.0, of))

    def _write(self, records):
        """As those of points of the test. A line is appended whole, between those of pytest-xdist's other workers."""
        case = self.test or "outside of tests"
        for record in records:
            key = record["key"].replace(record["case"], f"{case}#{self.judged}", 1)
            line = json.dumps({**record, "case": case, "key": key}).encode() + b"\n"
            try:
                with open(self.results, "ab", buffering=0) as file:
                    if file.write(line) != len(line):
                        self.lost = "a record is cut short"
            except OSError as failure:  # the verdict stands
                self.lost = failure.strerror

    def add(self, counts):
        right, wrong, ulp, of = counts
        self.right, self.wrong = self.right + right, self.wrong + wrong
        if isinstance(ulp, (int, float)) and ulp > self.ulp:
            self.ulp, self.of = ulp, of

    def counts(self):
        return self.right, self.wrong, self.ulp, self.of

    def line(self):
        text = f"alibicheck: {self.right + self.wrong} outputs judged, {self.wrong} wrong"
        return text + (f"; the others at most {self.ulp:.3g} ulp of {self.of}" if self.ulp >= 0 else "")


class _OfWorkers:
    """pytest-xdist's processes hand over what they counted."""

    def __init__(self, watch):
        self.watch = watch

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error):
        del error
        output = getattr(node, "workeroutput", {})
        self.watch.add(output.get("alibicheck", (0, 0, -1.0, "")))
        self.watch.lost = self.watch.lost or output.get("alibicheck_lost", "")


def pytest_addoption(parser):
    group = parser.getgroup("alibicheck")
    group.addoption(
        "--alibicheck-bundles", metavar="DIR", help="write what is judged wrong into DIR, a file each, for `alibicheck judge`")
    group.addoption(
        "--alibicheck-bundles-without-kv", metavar="DIR",
        help="the same without q, k and v: outputs, their exact results, and bounds")
    group.addoption(
        "--alibicheck-private-bundles", metavar="DIR",
        help="the same with elements of heads in an order and with signs that nobody knows")
    group.addoption(
        RESULTS, metavar="FILE", help="write the record of each output that is judged, for `alibicheck report` and `compare`; "
        "replaces FILE")


def _file_name(test):
    """Of a test's name what a file may be called, with a digest where other tests might be called so."""
    most = 150  # bytes: of 255 that a name may have, what stands behind it takes the rest
    name = re.sub(r"[^\w.,=+-]+", "_", test).encode()[-most:].decode(errors="ignore")
    is_plain = re.fullmatch(r"[\w.,=+/:-]*(\[[\w.,=+-]*\])?", test) and len(test.encode()) <= most
    return name if is_plain else f"{name}-{hashlib.sha256(test.encode(errors='surrogatepass')).hexdigest()[:8]}"


def bundles():
    """The path of the next bundle, as judge takes it; empty where none is asked for. A test may have gone to another folder."""
    watch = watches[-1] if watches else None
    if watch is None or watch.folder is None:
        return {}
    watch.bundles += 1
    folder = watch.folder if os.getcwd() == watch.home else os.path.join(watch.home, watch.folder)
    argument, end = KINDS[watch.option]
    return {argument: os.path.join(folder, f"{_file_name(watch.test)}-{watch.bundles}{end}.safetensors")}


def pytest_configure(config):
    asked = {option: config.getoption(option) for option in KINDS if config.getoption(option)}
    if len(asked) > 1:
        raise pytest.UsageError(f"{', '.join(asked)}: allowed: one of them")
    config.alibicheck_watch = _Watch(*next(iter(asked.items()), (None, None)), config.getoption(RESULTS),
                                     hasattr(config, "workerinput"))
    config.pluginmanager.register(_OfWorkers(config.alibicheck_watch), "alibicheck_of_workers")
    watches.append(config.alibicheck_watch)


def pytest_runtest_setup(item):
    watch = item.config.alibicheck_watch
    watch.test, watch.bundles, watch.judged = item.nodeid, 0, 0


def pytest_sessionfinish(session):
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["alibicheck"] = config.alibicheck_watch.counts()
        config.workeroutput["alibicheck_lost"] = config.alibicheck_watch.lost


def pytest_terminal_summary(terminalreporter, config):
    watch = config.alibicheck_watch
    if watch.right + watch.wrong > 0:
        terminalreporter.write_line(watch.line())
    if watch.lost:
        terminalreporter.write_line(f"alibicheck: {watch.results} has not the records of all of them: {watch.lost}")


def pytest_unconfigure(config):
    """Of a session that was not begun, too."""
    watches[:] = [watch for watch in watches if watch is not getattr(config, "alibicheck_watch", None)]


@pytest.fixture
def alibicheck():
    """The module alibicheck."""
    import alibicheck as module
    return module
