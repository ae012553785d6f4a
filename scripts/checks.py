"""What the check scripts count: each of their checks, in words, and what is wrong with it."""
import os
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def end_in_order():
    """At SIGTERM, so that folders for temporary files go with what was ended, too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


class Checks:
    def __init__(self, failures_alone=False):
        end_in_order()
        self.passed = self.failed = 0
        self.failures_alone = failures_alone  # are printed

    def end(self, what, wrong=None):
        self.passed += not wrong
        self.failed += bool(wrong)
        if wrong or not self.failures_alone:
            print(f"  {'FAILED' if wrong else 'ok':<6} {what}" + (f"\n         {wrong}" if wrong else ""), flush=True)

    def close(self):
        """Hands the counts to scripts/tally; its exit code."""
        command = [os.path.join(ROOT, "scripts/tally"), "add", str(self.passed), str(self.failed)]
        return subprocess.run(command, check=False).returncode
