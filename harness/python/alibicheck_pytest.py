"""
pytest plug-in: the fixture `alibicheck`, and a line at the end that says what was judged.

    def test_decode(alibicheck):
        alibicheck.assert_attention(my_kernel(q, k, v), q=q, k=k, v=v, layout="NHD", scale="rsqrt", slopes="bloom")

An output that is judged without the fixture is counted, too. A run that judges nothing does not load the package.
"""
import os
import re

import pytest

# Called with each verdict that alibicheck.judge reaches: those of the sessions that go on.
watches = []


# Bundles by the option that asks for them: what judge calls them, and what their names end in.
KINDS = {"--alibicheck-bundles": ("bundle", ""), "--alibicheck-bundles-without-kv": ("bundle_without_kv", ".without-kv"),
         "--alibicheck-private-bundles": ("private_bundle", ".private")}


class _Watch:
    """Counts verdicts, and remembers the largest error of those that are right."""

    def __init__(self, option, folder):
        self.option, self.folder, self.bundles = option, folder, 0
        self.right = self.wrong = 0
        self.ulp, self.of = -1.0, ""
        self.test = ""

    def __call__(self, verdict):
        for sequence in verdict.sequences:
            ulp = sequence.record["max_ulp_err"]
            of = f"{sequence.record['dtype']}, in {self.test}"
            self.add((sequence.passed, not sequence.passed, ulp if sequence.passed else -1.0, of))

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
        self.watch.add(getattr(node, "workeroutput", {}).get("alibicheck", (0, 0, -1.0, "")))


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


def bundles():
    """The path of the next bundle, as judge takes it; empty where none is asked for."""
    watch = watches[-1] if watches else None
    if watch is None or watch.folder is None:
        return {}
    os.makedirs(watch.folder, exist_ok=True)
    watch.bundles += 1
    name = re.sub(r"[^\w.,=+-]+", "_", watch.test)[-150:]
    argument, end = KINDS[watch.option]
    return {argument: os.path.join(watch.folder, f"{name}-{watch.bundles}{end}.safetensors")}


def pytest_configure(config):
    asked = {option: config.getoption(option) for option in KINDS if config.getoption(option)}
    if len(asked) > 1:
        raise pytest.UsageError(f"{', '.join(asked)}: allowed: one of them")
    config.alibicheck_watch = _Watch(*next(iter(asked.items()), (None, None)))
    config.pluginmanager.register(_OfWorkers(config.alibicheck_watch), "alibicheck_of_workers")
    watches.append(config.alibicheck_watch)


def pytest_runtest_setup(item):
    watch = item.config.alibicheck_watch
    watch.test, watch.bundles = item.nodeid, 0


def pytest_sessionfinish(session):
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["alibicheck"] = config.alibicheck_watch.counts()


def pytest_terminal_summary(terminalreporter, config):
    watch = config.alibicheck_watch
    if watch.right + watch.wrong > 0:
        terminalreporter.write_line(watch.line())


def pytest_unconfigure(config):
    watches.remove(config.alibicheck_watch)


@pytest.fixture
def alibicheck():
    """The module alibicheck."""
    import alibicheck as module
    return module
