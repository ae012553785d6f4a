"""Tests of the package: with $ALIBICHECK, the program, its verdicts are held against the program's."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
pytest_plugins = ["pytester"]


@pytest.fixture(scope="session")
def program():
    path = os.environ.get("ALIBICHECK")
    if not path:
        pytest.skip("$ALIBICHECK names no program")
    return os.path.abspath(path)
